// Keeping what was learned: a snapshot and the way back.
import { SonaEngine } from '../../dist/index.mjs';
import { type Case, type Setting, WIDE } from './case.mts';
import { addRoutes, manual, VARIETY, vectors } from './engines.mts';
import { type Contender, sink } from './timing.mts';

export function keeping({ short }: Setting): Case[] {
  const engine = manual(WIDE);
  const routes = addRoutes(engine, vectors(150, WIDE));
  const queries = vectors(VARIETY, WIDE);
  for (let i = 0; i < (short ? 500 : 5500); i++) {
    const trajectory = engine.beginTrajectory(queries[i % VARIETY] as Float32Array);
    engine.endTrajectory(trajectory.setRoute(routes[i % routes.length] as string), i % 3 === 0 ? 0 : 1);
  }
  engine.forceLearn();
  const bytes = engine.snapshot();
  const megabytes = bytes.byteLength / 1e6;
  const restoring: Contender = {
    per: megabytes,
    chunk: 1,
    run: () => {
      using restored = SonaEngine.restore(bytes);
      sink.value += restored.stats().learningCycles;
    },
  };
  const taking: Contender = {
    chunk: 1,
    run: () => {
      sink.value += engine.snapshot().byteLength;
    },
  };
  return [
    { name: `snapshot, ${megabytes.toFixed(1)} MB`, contenders: { sona: taking } },
    { name: '  per MB', contenders: { sona: { ...taking, per: megabytes } } },
    { name: 'restore, per MB', contenders: { sona: restoring } },
  ];
}
