// One of several threads, each with an engine of its own.
import { parentPort, workerData } from 'node:worker_threads';
import { SonaEngine } from '../../../index.ts';
import { taught, teach } from '../engines.ts';
import { axis, near } from '../vectors.ts';

const { rounds, seed } = workerData as { rounds: number; seed: number };
const dim = 32;
const engine = SonaEngine.withConfig({ hiddenDim: dim, backgroundEvery: 50 });
parentPort?.postMessage('started');
for (let round = 0; round < rounds; round++) {
  teach(engine, dim, 40, seed + round);
  if (!engine.applyLora(axis(dim, round % dim)).every(Number.isFinite)) throw new Error('not finite');
  // a breath, so that events of the background thread arrive
  await new Promise((resolve) => setImmediate(resolve));
}
await engine.learn();
const { best } = engine.suggestRoutes(near(axis(dim, 0), 0.1, 1));
const stats = engine.stats();
await engine.close();
parentPort?.postMessage({ stats, right: best === taught[1] });
