// The background thread: starts by itself, trains when work is due, tells its engine, ends with it.
import { describe, expect, it } from 'vitest';
import { type SonaConfig, SonaEngine } from '../index.ts';
import { outcome, teach } from './support/engines.ts';
import { next } from './support/events.ts';
import { keep } from './support/fixture.ts';
import { bits, gaussian } from './support/vectors.ts';

const DIM = 16;
const query = gaussian(DIM, 1);

const make = (config: SonaConfig = {}) => keep(SonaEngine.withConfig({ hiddenDim: DIM, ...config }));

/** Another engine's thread is started, wakes by both of its reasons and trains: time enough for one that should not. */
async function anotherLearns(): Promise<void> {
  const engine = make({ backgroundEvery: 100, backgroundIntervalMs: 50 });
  for (const count of [100, 1]) {
    const learned = next(engine, 'learned');
    teach(engine, DIM, count);
    await learned;
  }
}

describe('background: auto', () => {
  it('is the default, and learns from 100 outcomes', async () => {
    const engine = make();
    expect(engine.stats()).toMatchObject({ backgroundEnabled: true, learningCycles: 0 });
    const before = bits(engine.applyBaseLora(0, query));
    const events = Promise.all([next(engine, 'learned'), next(engine, 'promoted')]);
    teach(engine, DIM, 100);
    const [learned, promoted] = await events;
    expect(promoted).toBe(learned);
    expect(learned).toMatchObject({ promoted: true, refused: false });
    expect(learned.trajectories).toBeGreaterThan(0);
    expect(bits(engine.applyBaseLora(0, query))).not.toEqual(before);
    await expect.poll(() => engine.stats()).toMatchObject({ failedCycles: 0, trajectoriesRecorded: 100 });
    expect(engine.stats().promotions).toBeGreaterThan(0);
  });

  it('learns again and again', async () => {
    const engine = make({ backgroundEvery: 10 });
    for (let round = 0; round < 5; round++) {
      const learned = next(engine, 'learned');
      teach(engine, DIM, 10, round);
      await learned;
    }
    expect(engine.stats().learningCycles).toBeGreaterThanOrEqual(5);
  });

  it('learns from a few outcomes when backgroundIntervalMs have passed', async () => {
    const engine = make({ backgroundIntervalMs: 50 });
    const learned = next(engine, 'learned');
    outcome(engine, query, 'a', 1);
    expect(await learned).toMatchObject({ trajectories: 1 });
  });

  it('does not start before enough has come', async () => {
    const engine = make({ backgroundEvery: 1_000 });
    teach(engine, DIM, 200);
    await anotherLearns();
    expect(engine.stats()).toMatchObject({ learningCycles: 0, trajectoriesBuffered: 200 });
  });

  it('gets along with explicit calls', async () => {
    const engine = make({ backgroundEvery: 5 });
    const work: Promise<unknown>[] = [];
    for (let round = 0; round < 20; round++) {
      teach(engine, DIM, 10, round);
      engine.tick();
      if (round % 4 === 0) work.push(engine.learn());
      if (round % 7 === 0) engine.forceLearn();
    }
    await Promise.all(work);
    engine.forceLearn();
    expect(engine.stats()).toMatchObject({
      trajectoriesRecorded: 200,
      trajectoriesLearned: 200,
      failedCycles: 0,
    });
  });
});

describe('background: manual', () => {
  it('never learns by itself', async () => {
    const engine = make({ background: 'manual', backgroundEvery: 1, backgroundIntervalMs: 10 });
    teach(engine, DIM, 100);
    await anotherLearns();
    expect(engine.stats()).toMatchObject({
      backgroundEnabled: false,
      learningCycles: 0,
      trajectoriesBuffered: 100,
    });
  });
});
