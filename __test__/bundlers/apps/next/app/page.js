import { connection } from 'next/server';
import { picks } from '../lessons.js';
import { openRouter } from '../router.js';

/** A page made on the server, which shows what the router picks. */
export default async function Page() {
  await connection();
  return <p id="picks">{JSON.stringify(picks(await openRouter()))}</p>;
}
