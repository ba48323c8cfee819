import { picks, teach } from '../../lessons.js';
import { openRouter, saveRouter } from '../../router.js';

/** Teaches the router, and saves it for the next process. */
export async function POST() {
  const router = await openRouter();
  teach(router);
  await saveRouter(router);
  return Response.json(picks(router));
}
