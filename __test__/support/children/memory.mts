// How much memory 20,000 ended trajectories take, 1,000 engines that are made and closed or forgotten, and 300 snapshots
// that are restored, saved and loaded.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SonaEngine } from '../../../index.ts';
import { outcome } from '../engines.ts';
import { gaussian } from '../vectors.ts';

async function resident(): Promise<number> {
  for (let n = 0; n < 5; n++) {
    (globalThis as { gc?: () => void }).gc?.();
    await sleep(10);
  }
  return process.memoryUsage().rss / 2 ** 20;
}

const queries = Array.from({ length: 50 }, (_, i) => gaussian(256, i));
const told = (engine: SonaEngine, times: number) => {
  for (let n = 0; n < times; n++) outcome(engine, queries[n % 50] as Float32Array, `route ${n % 20}`, n % 2);
};

async function trajectories(): Promise<number> {
  const engine = SonaEngine.withConfig({ background: 'manual', trajectoryCapacity: 1_000 });
  // whoever looks at an id may come back with it
  const ids = new Set<number>();
  const round = () => {
    told(engine, 20_000);
    for (let n = 0; n < 20_000; n++) engine.beginTrajectory(queries[n % 50] as Float32Array);
    for (let n = 0; n < 60_000; n++)
      ids.add(engine.beginTrajectory(queries[n % 50] as Float32Array).id.length);
  };
  // by then the collector of garbage has the room that it likes to have
  round();
  const before = await resident();
  round();
  const grown = (await resident()) - before;
  if (ids.size === 0 || engine.stats().trajectoriesDropped !== 39_000)
    throw new Error('expected 39,000 to be dropped');
  await engine.close();
  return grown;
}

async function engines(end: (engine: SonaEngine) => unknown): Promise<number> {
  const some = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const engine = new SonaEngine();
      told(engine, 2);
      await end(engine);
      if (n % 100 === 99) await resident();
    }
  };
  await some(200);
  const before = await resident();
  await some(1_000);
  return (await resident()) - before;
}

async function snapshots(): Promise<number> {
  const engine = SonaEngine.withConfig({ background: 'manual' });
  told(engine, 500);
  engine.forceLearn();
  const folder = mkdtempSync(join(tmpdir(), 'sona-memory-'));
  const some = async (count: number) => {
    for (let n = 0; n < count; n++) {
      await SonaEngine.restore(engine.snapshot()).close();
      await engine.save(join(folder, 'state'));
      (await SonaEngine.load(join(folder, 'state')))[Symbol.dispose]();
      if (n % 2 === 0) SonaEngine.restore(engine.snapshot());
      if (n % 50 === 49) await resident();
    }
  };
  await some(100);
  const before = await resident();
  await some(300);
  const grown = (await resident()) - before;
  rmSync(folder, { recursive: true });
  await engine.close();
  return grown;
}

// what has ended gives its memory back though somebody still holds it
const held: SonaEngine[] = [];
const hold = (engine: SonaEngine) => {
  held.push(engine);
  return engine;
};

console.log(
  JSON.stringify({
    trajectories: await trajectories(),
    closed: await engines((engine) => hold(engine).close()),
    disposed: await engines((engine) => hold(engine)[Symbol.dispose]()),
    forgotten: await engines(() => undefined),
    snapshots: await snapshots(),
  }),
);
