// How engines begin and end, alone and together.

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SonaEngine, type SonaStats } from '../index.ts';
import { program, thread } from './support/child.ts';
import { manual, teach } from './support/engines.ts';
import { next } from './support/events.ts';
import { keep } from './support/fixture.ts';

const DIM = 16;
/** Of forty outcomes each, in every thread. */
const ROUNDS = 100;

describe('close', () => {
  it('may be called twice, and in any order with the two disposals', async () => {
    const orders = [
      ['close', 'close'],
      ['close', Symbol.dispose],
      [Symbol.dispose, 'close'],
      [Symbol.dispose, Symbol.dispose],
      [Symbol.asyncDispose, 'close'],
      [Symbol.dispose, Symbol.asyncDispose],
    ] as const;
    for (const order of orders) {
      const engine = new SonaEngine();
      for (const end of order) await engine[end]();
      expect(() => engine.stats()).toThrow('the engine is closed');
    }
  });

  it('is one promise, however often it is asked for', async () => {
    const engine = new SonaEngine();
    expect(engine.close()).toBe(engine.close());
    await engine.close();
  });

  it('waits for a thread that is training', async () => {
    const engine = SonaEngine.withConfig({ hiddenDim: DIM, backgroundEvery: 10 });
    teach(engine, DIM, 500);
    await engine.close();
    const heard: unknown[] = [];
    engine.on('learned', (report) => heard.push(report));
    // whatever it would say comes before what another engine says that begins now
    const other = keep(SonaEngine.withConfig({ hiddenDim: DIM, backgroundEvery: 10 }));
    const said = next(other, 'learned');
    teach(other, DIM, 10);
    await said;
    expect(heard).toEqual([]);
  });

  it('lets a cycle under way come to its end', async () => {
    const engine = manual({ hiddenDim: DIM });
    teach(engine, DIM, 500);
    const work = engine.learn();
    await engine.close();
    expect(await work).toMatchObject({ trajectories: 500, steps: 100 });
  });

  it('comes at the end of a block that uses the engine', async () => {
    let sync: SonaEngine;
    let async: SonaEngine;
    {
      using one = new SonaEngine();
      await using other = new SonaEngine();
      [sync, async] = [one, other];
      expect([sync.isEnabled(), async.isEnabled()]).toEqual([true, true]);
    }
    for (const engine of [sync, async]) expect(() => engine.isEnabled()).toThrow('the engine is closed');
  });
});

describe('many engines', () => {
  it('1,000 at a time keep apart, and end', async () => {
    const engines = Array.from({ length: 1_000 }, (_, n) => manual({ hiddenDim: 2 + (n % 3) }));
    engines.forEach((engine, n) => {
      engine.addRoute(`route of ${n}`, { embedding: new Array(2 + (n % 3)).fill(1) });
    });
    engines.forEach((engine, n) => {
      expect(engine.routes().map((route) => route.name)).toEqual([`route of ${n}`]);
    });
    await Promise.all(engines.map((engine) => engine.close()));
  });

  it('1,000 one after another, each with its thread', async () => {
    for (let n = 0; n < 1_000; n++) {
      const engine = SonaEngine.withConfig({ hiddenDim: 4, backgroundEvery: 1 });
      engine.endTrajectory(engine.beginTrajectory([1, 2, 3, n]).setRoute('a'), 1);
      await engine.close();
    }
  });

  it('in four threads, each its own, learn', async () => {
    const learn = (seed: number) =>
      new Promise<{ right: boolean; stats: SonaStats }>((resolve, reject) => {
        const worker = thread('worker.mts', { rounds: ROUNDS, seed });
        worker.on('message', (message) => message !== 'started' && resolve(message));
        worker.once('error', reject);
      });
    const results = await Promise.all([1, 1_001, 2_001, 3_001].map(learn));
    for (const { right, stats } of results) {
      expect(right).toBe(true);
      expect(stats.trajectoriesRecorded).toBe(40 * ROUNDS);
      expect(stats.trajectoriesLearned + stats.trajectoriesBuffered + stats.trajectoriesDropped).toBe(
        40 * ROUNDS,
      );
      expect(stats.learningCycles).toBeGreaterThan(0);
      expect(stats.failedCycles).toBe(0);
    }
  });

  it('do not mind a thread that is torn down with its engine open', async () => {
    const worker = thread('worker.mts', { rounds: Number.POSITIVE_INFINITY, seed: 1 });
    const [started] = await once(worker, 'message');
    expect(started).toBe('started');
    await expect.poll(learnerThreads).toBe(process.platform === 'linux' ? 1 : 0);
    await worker.terminate();
    // the engine's own thread ends with the JavaScript that made the engine
    await expect.poll(learnerThreads).toBe(0);
    const engine = manual({ hiddenDim: DIM });
    teach(engine, DIM, 20);
    expect(engine.stats().trajectoriesRecorded).toBe(20);
    await engine.close();
  });
});

/** Background threads of this process; only Linux tells. */
function learnerThreads(): number {
  if (process.platform !== 'linux') return 0;
  const name = (task: string) => {
    try {
      return readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim();
    } catch {
      return ''; // it has ended meanwhile
    }
  };
  return readdirSync('/proc/self/task').filter((task) => name(task) === 'sona-learner').length;
}

describe('a process', () => {
  it.each(['idle', 'busy'])('ends though an engine was not closed (%s)', async (state) => {
    const { code, stdout, stderr } = await program('dropped.mts', state);
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ backgroundEnabled: true, failedCycles: 0 });
    expect(JSON.parse(stdout).learningCycles).toBeGreaterThan(0);
  });

  it('does not grow without bound', async () => {
    const { code, stdout, stderr } = await program('memory.mts');
    expect(code, stderr).toBe(0);
    const grown = JSON.parse(stdout) as Record<string, number>;
    console.log('megabytes more after 20,000 trajectories, 1,000 engines and 300 snapshots:', grown);
    for (const [what, megabytes] of Object.entries(grown)) expect(megabytes, what).toBeLessThan(64);
  });
});
