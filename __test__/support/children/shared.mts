// One of several threads that share an engine.
import { parentPort, workerData } from 'node:worker_threads';
import { SonaEngine, SonaError } from '../../../index.ts';
import { axis, near } from '../vectors.ts';

const { name, rounds, seed, dim, how } = workerData as {
  name: string;
  rounds: number;
  seed: number;
  dim: number;
  /** Whether it closes its engine at the end, goes away without, or waits for the thread to be torn down. */
  how: 'close' | 'leave' | 'stay';
};

const engine = SonaEngine.shared(name);
const counts = { ended: 0, amended: 0, suggested: 0, removed: 0, errors: [] as string[], heard: 0 };
engine.on('learned', () => counts.heard++);
parentPort?.postMessage('started');

/** What two threads can both begin: the one that comes late is told so. */
function race(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SonaError && error.code === 'SONA_UNKNOWN_ROUTE')) throw error;
  }
}

for (let n = 0; n < rounds; n++) {
  const query = near(axis(dim, n % 4), 0.3, 100_000 * seed + n);
  // every thread removes and adds the same route, and uses it
  if (n % 50 === 7) {
    race(() => {
      engine.removeRoute('coming and going');
      counts.removed++;
    });
  }
  const { id, ranked } = engine.suggestRoutes(query, { k: 10 });
  counts.suggested++;
  if (ranked.some(({ route, score }) => route === '' || !Number.isFinite(score)))
    throw new Error('a bad answer');
  race(() => engine.suggestRoutes(query, { eligible: ['steady', 'coming and going'] }));
  const told = engine.beginTrajectory(query, { decision: id }).addContext(`thread ${seed}`);
  engine.endTrajectory(told.setRoute(n % 3 === 0 ? 'steady' : 'coming and going'), n % 2);
  counts.ended++;
  if (n % 5 === 0 && engine.learnFromFeedback({ verdict: 'success', latencyMs: 1, quality: 0.5 }).applied)
    counts.amended++;
  engine.findPatterns(query, 3);
  if (!engine.applyLora(query).every(Number.isFinite)) throw new Error('not finite');
  if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
}
if (how === 'close') await engine.close();
parentPort?.postMessage(counts);
if (how === 'stay') setInterval(() => undefined, 1_000);
