// A thread that routes and tells outcomes until it is told to stop, on the router of a name; says how often it did.
import { parentPort, workerData } from 'node:worker_threads';

/** @type {{name: string, models: number, dim: number, stop: Int32Array, seed: number, module: string}} */
const { name, models, dim, stop, seed, module } = workerData;
/** @type {typeof import('../../dist/index.mjs')} */
const { SonaRouter } = await import(module);

let state = seed;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
const queries = Array.from({ length: 256 }, () => Float32Array.from({ length: dim }, () => random() - 0.5));
const router = SonaRouter.shared(name, {
  models: Array.from({ length: models }, (_, n) => ({ id: `model ${n}` })),
  features: { basis: 'minilm' },
});

function pair() {
  const query = queries[Math.floor(random() * queries.length)];
  if (!query) throw new Error('no query');
  // noise about a mean that stays: a trend would be a shift, which looks through what is held
  router.feedback(router.route(query).id, { quality: 0.3 + 0.4 * random() });
}

for (let i = 0; i < 500; i++) pair();
parentPort?.postMessage('ready');
Atomics.wait(stop, 1, 0);
let count = 0;
for (; Atomics.load(stop, 0) === 0; count++) pair();
parentPort?.postMessage(count);
