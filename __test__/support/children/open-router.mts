// Opens the router of a directory, in a thread or a process of its own, and says what it found.
import { parentPort, workerData } from 'node:worker_threads';
import { SonaError, SonaRouter } from '../../../index.ts';
import { basis, models, NOON, prompt } from '../routers.ts';

const path = parentPort ? (workerData as { path: string }).path : (process.argv[2] as string);

try {
  const router = await SonaRouter.open(path, {
    models,
    features: { basis },
    now: () => NOON,
    background: 'manual',
    origin: 'here',
  });
  const { decisions } = router.stats();
  if (parentPort) {
    router.route(prompt(0, 5));
    parentPort.postMessage({ decisions });
  } else {
    console.log('decisions', decisions);
  }
  await router.close();
} catch (error) {
  if (!(error instanceof SonaError)) throw error;
  console.log(error.code);
}
