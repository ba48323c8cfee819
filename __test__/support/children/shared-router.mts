// One of several threads that share a router.
import { parentPort, workerData } from 'node:worker_threads';
import { SonaRouter } from '../../../index.ts';
import { prompt } from '../routers.ts';

const {
  name,
  count,
  seed,
  how,
  churn = 0,
} = workerData as {
  name: string;
  count: number;
  seed: number;
  /** Whether it closes its router at the end, goes away without, or waits for the thread to be torn down. */
  how: 'close' | 'leave' | 'stay';
  /** Models that it only adds and removes, in place of all else. */
  churn?: number;
};

const router = SonaRouter.shared(name);
parentPort?.postMessage('started');
for (let n = 0; n < churn; n++) {
  router.addModel({ id: `passing ${n}` });
  router.removeModel(`passing ${n}`);
}
const ids: string[] = [];
for (let n = 0; n < count; n++) {
  const { id, ranked, model, settings } = router.route(prompt(n % 2, 10_000 * seed + n));
  // also where another thread has taken it away since
  if (settings.model !== model || !ranked.every((one) => typeof one.model === 'string'))
    throw new Error('no name');
  if (!ranked.every(({ score }) => Number.isFinite(score))) throw new Error('not finite');
  if (!router.feedback(id, { quality: (n % 3) / 2, costUsd: 0.001 }).applied) throw new Error('not taken');
  ids.push(id);
  // models come and go on every thread
  if (n % 50 === 25) router.addModel({ id: `model ${n} of ${seed}`, prior: { quality: 0.1, weight: 1_000 } });
  if (n % 50 === 45) router.removeModel(`model ${n - 20} of ${seed}`);
  if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
}
if (how === 'close') await router.close();
parentPort?.postMessage(ids);
if (how === 'stay') setInterval(() => undefined, 1_000);
