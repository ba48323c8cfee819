// Training cycles: when they are due, what they report, how they are watched, stopped and refused.
import { describe, expect, it } from 'vitest';
import type { LearnProgress, LearnReport, SonaEngine } from '../index.ts';
import { adapted, cycle, drill, outcome, picture, taught, teach } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { engines } from './support/fixture.ts';
import { turnsDuring } from './support/turns.ts';
import { axis, gaussian } from './support/vectors.ts';

const DIM = 16;
const query = gaussian(DIM, 1);

const make = engines({ hiddenDim: DIM });

/** Enough for some hundred steps on many numbers. */
function heavy(): SonaEngine {
  const dim = 256;
  const engine = make({ hiddenDim: dim, baseLoraRank: 64 });
  teach(engine, dim, 0);
  const queries = Array.from({ length: 100 }, (_, i) => gaussian(dim, i));
  for (let n = 0; n < 5_000; n++) {
    outcome(engine, queries[n % 100] as Float32Array, taught[n % 4] as string, n % 3 === 0 ? 1 : 0);
  }
  return engine;
}

describe('tick', () => {
  it('trains when backgroundEvery outcomes wait, not before', () => {
    const engine = make({ backgroundEvery: 10 });
    expect(engine.tick()).toBeNull();
    teach(engine, DIM, 9);
    expect(engine.tick()).toBeNull();
    expect(engine.stats().learningCycles).toBe(0);
    teach(engine, DIM, 1, 2);
    expect(engine.tick()).toContain('10 trajectories');
    expect(engine.tick()).toBeNull();
    expect(engine.stats()).toMatchObject({
      learningCycles: 1,
      trajectoriesLearned: 10,
      trajectoriesBuffered: 0,
    });
  });

  it('trains when backgroundIntervalMs have passed and anything waits', async () => {
    const engine = make({ backgroundIntervalMs: 10 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(engine.tick()).toBeNull();
    teach(engine, DIM, 1);
    expect(engine.tick()).toContain('1 trajectories');
  });

  it('counts what flush has moved, which is still owed', () => {
    const engine = make({ backgroundEvery: 10 });
    teach(engine, DIM, 10);
    const before = adapted(engine, DIM);
    expect(engine.flush()).toBe(10);
    expect(engine.flush()).toBe(0);
    expect(engine.stats()).toMatchObject({
      trajectoriesBuffered: 0,
      trajectoriesLearned: 10,
      learningCycles: 0,
    });
    expect(adapted(engine, DIM)).toEqual(before);
    expect(engine.tick()).not.toBeNull();
    expect(adapted(engine, DIM)).not.toEqual(before);
  });
});

describe('a cycle', () => {
  it('reports what it did', () => {
    const engine = make();
    teach(engine, DIM, 101);
    const report = cycle(engine);
    expect(report).toEqual({
      trajectories: 101,
      patterns: engine.stats().patternsStored,
      steps: 21,
      lossBefore: expect.any(Number),
      lossAfter: expect.any(Number),
      heldOutGain: null,
      promoted: true,
      refused: false,
      version: 1,
      shift: 0,
      drift: null,
      ms: expect.any(Number),
    });
    expect(engine.stats()).toMatchObject({ learningCycles: 1, promotions: 1, failedCycles: 0 });
  });

  it('lowers the loss', () => {
    const engine = make({ tiers: { micro: false, prototypes: false } });
    drill(engine, DIM, 800);
    const { lossBefore, lossAfter } = cycle(engine);
    expect(lossAfter).toBeLessThan((lossBefore as number) - 0.05);
  });

  it('without anything to train on publishes nothing', () => {
    const engine = make();
    expect(engine.forceLearn()).toContain('nothing to train on');
    expect(cycle(engine)).toMatchObject({
      trajectories: 0,
      steps: 0,
      lossBefore: null,
      lossAfter: null,
      promoted: false,
    });
  });

  it('gives a message a person can read', () => {
    const engine = make();
    teach(engine, DIM, 50);
    expect(engine.forceLearn()).toMatch(
      /^Forced learning: 50 trajectories -> \d+ patterns, 10 steps, loss [\d.]+ -> [\d.]+, published \([\d.]+ ms\)$/,
    );
  });

  it('discards the per-request adapter that the new base replaces', () => {
    const engine = make();
    teach(engine, DIM, 50);
    expect(engine.applyMicroLora(query)).not.toEqual(query);
    engine.forceLearn();
    expect(engine.applyMicroLora(query)).toEqual(query);
    expect(engine.applyBaseLora(0, query)).not.toEqual(query);
    expect(engine.applyLora(query)).toEqual(engine.applyBaseLora(0, query));
  });

  it('is the same off the main thread', async () => {
    const [one, other] = [make(), make()];
    for (const engine of [one, other]) teach(engine, DIM, 120);
    const { ms: _, ...report } = cycle(one);
    expect(await other.learn()).toMatchObject(report);
    expect(picture(other, DIM)).toEqual(picture(one, DIM));
  });
});

describe('events', () => {
  it('learned and promoted come with the report, before the call returns', async () => {
    const engine = make();
    const heard: [string, LearnReport][] = [];
    for (const event of ['learned', 'promoted', 'rolledBack'] as const) {
      engine.on(event, (report) => heard.push([event, report]));
    }
    teach(engine, DIM, 100);
    engine.tick();
    expect(heard.map(([event]) => event)).toEqual(['learned', 'promoted']);
    expect(heard[0]?.[1]).toMatchObject({ trajectories: 100, promoted: true });
    engine.forceLearn();
    expect(heard.map(([event]) => event)).toEqual(['learned', 'promoted', 'learned']);
    teach(engine, DIM, 10);
    const report = await engine.learn();
    expect(heard.slice(3)).toEqual([
      ['learned', report],
      ['promoted', report],
    ]);
  });

  it('dropped tells of each outcome that a full queue gave up', () => {
    const engine = make({ trajectoryCapacity: 3 });
    const counts: number[] = [];
    engine.on('dropped', ({ count }) => counts.push(count));
    for (let n = 0; n < 5; n++) outcome(engine, query, 'a', n / 4);
    expect(counts).toEqual([1, 1]);
    expect(engine.stats()).toMatchObject({
      trajectoriesRecorded: 5,
      trajectoriesBuffered: 3,
      trajectoriesDropped: 2,
      trajectoriesLearned: 0,
      bufferSuccessRate: 0.6,
      averageQuality: 0.5,
    });
    expect(cycle(engine).trajectories).toBe(3);
    expect(engine.stats()).toMatchObject({
      trajectoriesLearned: 3,
      trajectoriesBuffered: 0,
      trajectoriesDropped: 2,
    });
  });

  it('a full table of open trajectories forgets the id of the oldest', async () => {
    const engine = make({ trajectoryCapacity: 3 });
    const [oldest, ...others] = Array.from({ length: 4 }, () => engine.beginTrajectory(query).id);
    expect((await refusal(() => engine.endTrajectory(oldest as string, 1))).code).toBe(
      'SONA_UNKNOWN_TRAJECTORY',
    );
    for (const id of others) engine.endTrajectory(id, 1);
    expect(engine.stats().trajectoriesRecorded).toBe(3);
  });
});

describe('the promotion gate', () => {
  /** Nothing to learn: every route is as good as the others. Large steps on many numbers learn the noise by heart. */
  const spoilt = (promotionGate: boolean) => {
    const dim = 256;
    const tiers = { micro: false, prototypes: false };
    const engine = make({ promotionGate, hiddenDim: dim, baseLoraLr: 0.03, baseLoraRank: 32, tiers });
    const heard: string[] = [];
    engine.on('promoted', () => heard.push('promoted'));
    engine.on('rolledBack', () => heard.push('rolledBack'));
    teach(engine, dim, 0);
    for (let n = 0; n < 1_500; n++) {
      // as far from one route as from another
      const away = gaussian(dim, n).fill(0, 0, taught.length);
      outcome(engine, away, taught[n % taught.length] as string, n % 16 < taught.length ? 1 : 0);
    }
    const before = adapted(engine, dim);
    return { report: cycle(engine), heard, before, after: adapted(engine, dim), engine };
  };

  it('refuses trained weights that do worse on held-back events, which changes nothing', () => {
    const { report, heard, before, after, engine } = spoilt(true);
    expect(report).toMatchObject({ steps: 300, promoted: false, refused: true });
    expect(report.heldOutGain).toBeLessThan(0);
    expect(heard).toEqual(['rolledBack']);
    expect(after).toEqual(before);
    expect(engine.stats()).toMatchObject({ learningCycles: 1, promotions: 0 });
    expect(engine.forceLearn()).toContain('nothing to train on');
  });

  it('switched off, publishes the same', () => {
    const { report, heard, before, after } = spoilt(false);
    expect(report).toMatchObject({ steps: 300, promoted: true, refused: false, heldOutGain: null });
    expect(heard).toEqual(['promoted']);
    expect(after).not.toEqual(before);
  });

  it('lets good weights pass', () => {
    const engine = make({ tiers: { micro: false, prototypes: false } });
    drill(engine, DIM, 1_500);
    const report = cycle(engine);
    expect(report).toMatchObject({ promoted: true, refused: false });
    expect(report.heldOutGain).toBeGreaterThan(0.05);
  });
});

describe('learn', () => {
  it('tells its progress, which rises to the total', async () => {
    const engine = heavy();
    const told: LearnProgress[] = [];
    const report = await engine.learn({ onProgress: (progress) => told.push(progress) });
    expect(report.steps).toBe(1_000);
    expect(told.length).toBeGreaterThan(5);
    expect(told.length).toBeLessThanOrEqual(102);
    expect(new Set(told.map(({ total }) => total))).toEqual(new Set([1_000]));
    const done = told.map((progress) => progress.done);
    expect(done).toEqual([...new Set(done)].sort((a, b) => a - b));
    expect(told.at(-1)).toEqual({ done: 1_000, total: 1_000 });
    const before = told.length;
    // whatever it would still say comes before what the next one says
    await engine.learn();
    expect(told).toHaveLength(before);
  });

  it('leaves the event loop free', async () => {
    const engine = heavy();
    const { turns } = await turnsDuring(() => engine.learn());
    expect(turns).toBeGreaterThan(0);
  });

  it('refuses a signal that was aborted before, and keeps its reason', async () => {
    const engine = make();
    teach(engine, DIM, 50);
    const before = picture(engine, DIM);
    const reason = new Error('no time');
    const error = await refusal(() => engine.learn({ signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: 'SONA_ABORTED', cause: reason });
    expect(picture(engine, DIM)).toEqual(before);
  });

  it.each([
    ['as soon as it has begun', (controller: AbortController) => controller.abort('enough')],
    ['at its first step', () => undefined],
  ])('stops when aborted %s; the next one does its work', async (_, abort) => {
    const engine = heavy();
    const before = adapted(engine, 256);
    const controller = new AbortController();
    const { signal } = controller;
    const heard: string[] = [];
    engine.on('learned', () => heard.push('learned'));
    const work = engine.learn({ signal, onProgress: () => controller.abort('enough') });
    abort(controller);
    expect(await refusal(() => work)).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
    expect(heard).toEqual([]);
    expect(adapted(engine, 256)).toEqual(before);
    const stats = engine.stats();
    expect(stats).toMatchObject({ learningCycles: 0, promotions: 0 });
    expect(stats.trajectoriesLearned + stats.trajectoriesBuffered).toBe(5_000);
    expect(engine.tick()).toContain(', 1000 steps,');
    expect(adapted(engine, 256)).not.toEqual(before);
  });

  it('is not disturbed by an abort after its end', async () => {
    const engine = make();
    teach(engine, DIM, 50);
    const controller = new AbortController();
    await engine.learn({ signal: controller.signal });
    controller.abort();
    teach(engine, DIM, 50);
    expect(await engine.learn({ signal: new AbortController().signal })).toMatchObject({ trajectories: 50 });
  });

  it('rejects with the error of a progress listener that throws', async () => {
    const engine = heavy();
    const failure = new Error('the listener failed');
    const uncaught: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      const work = engine.learn({
        onProgress: () => {
          throw failure;
        },
      });
      await expect(work).rejects.toBe(failure);
      expect(uncaught).toEqual([]);
      expect(engine.stats().promotions).toBe(0);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
  });

  it('is not failed by a listener of its events that throws', async () => {
    const engine = make();
    teach(engine, DIM, 50);
    const failure = new Error('the listener failed');
    const heard: unknown[] = [];
    engine.on('error', ({ code, cause }) => heard.push([code, cause]));
    engine.once('learned', () => {
      throw failure;
    });
    expect(await engine.learn()).toMatchObject({ trajectories: 50 });
    expect(heard).toEqual([['SONA_LISTENER', failure]]);
  });

  it('several at a time take turns, and nothing is learned twice', async () => {
    const engine = make();
    teach(engine, DIM, 100);
    const reports = await Promise.all([engine.learn(), engine.learn(), engine.learn()]);
    expect(reports.map(({ trajectories }) => trajectories).sort()).toEqual([0, 0, 100]);
  });

  it('sees what comes meanwhile: nothing is lost', async () => {
    const engine = heavy();
    const work = engine.learn();
    const late = axis(256, 7);
    for (let n = 0; n < 20; n++) outcome(engine, late, 'east', 1);
    const { best } = engine.suggestRoutes(late);
    await work;
    expect(best).toBe('east');
    expect(engine.suggestRoutes(late).best).toBe('east');
    const stats = engine.stats();
    expect(stats.trajectoriesLearned + stats.trajectoriesBuffered).toBe(5_020);
    await engine.learn();
    expect(engine.stats()).toMatchObject({ trajectoriesLearned: 5_020, trajectoriesBuffered: 0 });
  });
});
