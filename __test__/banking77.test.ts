// Real queries, one right or wrong each: after 1,000 of them the engine chooses clearly better than at the start.
import { expect, it, vi } from 'vitest';
import { loadIntents } from '../bench/lib/data.mts';
import { Random } from '../bench/lib/random.mts';
import { manual } from './support/engines.ts';

it('gains 9 points on unseen queries in 1,000 outcomes', () => {
  vi.stubEnv('SONA_DATA', '');
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const set = loadIntents('banking77');
  vi.unstubAllEnvs();
  vi.restoreAllMocks();

  const engine = manual({ hiddenDim: set.dim });
  set.labels.forEach((embedding, label) => {
    engine.addRoute(String(label), { embedding });
  });
  const random = new Random(1);
  const test = random.permutation(set.test.vectors.length).subarray(0, 500);
  const accuracy = () => {
    const right = test.filter((i) => {
      const { best } = engine.suggestRoutes(set.test.vectors[i] as Float32Array, { k: 1 });
      return Number(best) === set.test.labels[i];
    });
    return (100 * right.length) / test.length;
  };
  const start = accuracy();
  for (const i of random.permutation(set.train.vectors.length).subarray(0, 1_000)) {
    const query = set.train.vectors[i] as Float32Array;
    const { id, best } = engine.suggestRoutes(query, { k: 1 });
    const told = engine.beginTrajectory(query, { decision: id }).setRoute(best as string);
    engine.endTrajectory(told, Number(best) === set.train.labels[i] ? 1 : 0);
    engine.tick();
  }
  const end = accuracy();
  console.log(`BANKING77: ${start.toFixed(1)} % before, ${end.toFixed(1)} % after 1,000 outcomes`);
  expect(engine.stats()).toMatchObject({ learningCycles: 10, failedCycles: 0, microDivergences: 0 });
  expect(start).toBeGreaterThan(50);
  expect(end).toBeGreaterThanOrEqual(start + 9);
  engine[Symbol.dispose]();
});
