// One of several threads, each with an engine of its own.
import { parentPort, workerData } from 'node:worker_threads';
import { SonaEngine } from '../../../index.ts';
import { taught, teach } from '../engines.ts';
import { axis, near } from '../vectors.ts';

const { millis, seed } = workerData as { millis: number; seed: number };
const dim = 32;
const engine = SonaEngine.withConfig({ hiddenDim: dim, backgroundEvery: 50 });
parentPort?.postMessage('started');
const end = Date.now() + millis;
let rounds = 0;
while (Date.now() < end) {
  teach(engine, dim, 40, seed + rounds++);
  if (!engine.applyLora(axis(dim, rounds % dim)).every(Number.isFinite)) throw new Error('not finite');
  // a breath, so that events of the background thread arrive
  await new Promise((resolve) => setImmediate(resolve));
}
await engine.learn();
const { best } = engine.suggestRoutes(near(axis(dim, 0), 0.1, 1));
const stats = engine.stats();
await engine.close();
parentPort?.postMessage({ rounds, stats, right: best === taught[1] });
