// Correcting outcomes: a trajectory that was told wrong and corrected counts as one that was told right at once.
import { describe, expect, it } from 'vitest';
import type { SignalParts, SonaConfig, SonaEngine, TrajectoryBuilder } from '../index.ts';
import { cycle, outcome, picture, score, step, taught, teach } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { engines } from './support/fixture.ts';
import { axis, bits, cosine, gaussian, near } from './support/vectors.ts';

const DIM = 16;
const query = gaussian(DIM, 1);

const make = engines({ hiddenDim: DIM });

/** Outcomes of four routes, every third told wrong where `wrong` says so. Ids of the trajectories that it is about. */
function outcomes(engine: SonaEngine, wrong: (quality: number) => number): { id: string; quality: number }[] {
  teach(engine, DIM, 0);
  const affected: { id: string; quality: number }[] = [];
  for (let n = 0; n < 60; n++) {
    const told = engine
      .beginTrajectory(near(axis(DIM, n % 4), 0.4, n))
      .setRoute(taught[(n * 7) % 4] as string);
    const quality = ((n * 5) % 8) / 7;
    const { id } = told;
    const mistaken = n % 3 === 0;
    engine.endTrajectory(told, mistaken ? wrong(quality) : quality);
    if (mistaken) affected.push({ id, quality });
  }
  return affected;
}

/** One engine that heard the truth at once, one that was corrected. */
function twins(config: SonaConfig = {}, between: (engine: SonaEngine) => void = () => undefined) {
  const [right, corrected] = [make(config), make(config)];
  outcomes(right, (quality) => quality);
  const affected = outcomes(corrected, (quality) => 1 - quality);
  for (const engine of [right, corrected]) between(engine);
  // in another order than told: sums do not depend on it
  for (const { id, quality } of affected.toReversed()) {
    corrected.learnFromFeedback({ trajectoryId: id, quality });
  }
  return { right, corrected };
}

const answers = (engine: SonaEngine) => ({
  routes: engine.routes(),
  ranked: Array.from({ length: 8 }, (_, i) => engine.suggestRoutes(gaussian(DIM, 90 + i), { k: 9 }).ranked),
});

describe('a corrected outcome', () => {
  it('leaves routes and rankings as if told right first, bit for bit', () => {
    const { right, corrected } = twins({ tiers: { micro: false } });
    expect(answers(corrected)).toEqual(answers(right));
    expect(corrected.stats()).toEqual(right.stats());
    const uncorrected = make({ tiers: { micro: false } });
    outcomes(uncorrected, (quality) => 1 - quality);
    expect(answers(uncorrected)).not.toEqual(answers(right));
  });

  it('and everything that is learned from then on', () => {
    const { right, corrected } = twins({ tiers: { micro: false } });
    for (const engine of [right, corrected]) {
      engine.forceLearn();
      teach(engine, DIM, 40, 3);
      engine.forceLearn();
    }
    expect(picture(corrected, DIM)).toEqual(picture(right, DIM));
  });

  it.each([0, 1])('moves the per-request adapter toward the truth (%i)', (quality) => {
    const engine = make({ tiers: { prototypes: false } });
    teach(engine, DIM, 20);
    const start = score(engine, query, 'east');
    outcome(engine, query, 'east', 1 - quality);
    const wrong = score(engine, query, 'east');
    expect(engine.learnFromFeedback({ quality }).deltaNorm).toBeGreaterThan(0);
    const right = score(engine, query, 'east');
    const sign = 2 * quality - 1;
    expect(sign * (wrong - start)).toBeLessThan(0);
    expect(sign * (right - start)).toBeGreaterThan(0);
  });

  it('also after a cycle has learned from the mistake: prototypes at once, patterns with the next cycle', () => {
    const { right, corrected } = twins({ tiers: { micro: false, base: false } }, (engine) =>
      engine.forceLearn(),
    );
    expect(answers(corrected)).toEqual(answers(right));
    const qualities = (engine: SonaEngine) =>
      engine
        .findPatterns(query, 50, { minQuality: 0 })
        .map(({ centroid, clusterSize, avgQuality, routes }) => ({
          centroid,
          clusterSize,
          avgQuality,
          routes: Object.entries(routes).map(([name, record]) => [name, record.count, record.avgQuality]),
        }));
    expect(qualities(corrected)).not.toEqual(qualities(right));
    for (const engine of [right, corrected]) engine.forceLearn();
    expect(qualities(corrected)).toEqual(qualities(right));
  });

  it('of a step takes back how far it pushed the query', () => {
    const engine = make();
    for (let n = 0; n < 20; n++) step(engine, gaussian(DIM, 100 + n), gaussian(DIM, 200 + n), n % 2, 1);
    const activation = near(query, 0.8, 2);
    const measure = () => cosine(engine.applyLora(query), activation);
    const before = measure();
    step(engine, query, activation, 1, 0);
    const pushed = measure();
    expect(pushed).toBeLessThan(before);
    expect(engine.learnFromFeedback({ quality: 1 })).toMatchObject({ applied: true });
    expect(measure() - pushed).toBeGreaterThan(0.5 * (before - pushed));
  });
});

describe('learnFromFeedback', () => {
  it('says what it did: how far what serves at once has moved', () => {
    const engine = make();
    teach(engine, DIM, 0);
    outcome(engine, query, 'east', 0);
    const before = score(engine, query, 'east');
    const { applied, deltaNorm, reason } = engine.learnFromFeedback({
      verdict: 'success',
      latencyMs: 50,
      quality: 1,
    });
    expect([applied, reason]).toEqual([true, undefined]);
    expect(deltaNorm).toBeGreaterThan(0.01);
    expect(score(engine, query, 'east')).toBeGreaterThan(before);
    expect(engine.stats().averageQuality).toBe(1);
    expect(engine.routes()[1]).toMatchObject({ name: 'east', count: 1, avgQuality: 1 });
  });

  it('twice the same changes nothing the second time', () => {
    const engine = make();
    teach(engine, DIM, 0);
    outcome(engine, query, 'east', 0);
    const signal: SignalParts = { verdict: 'success', latencyMs: 20, quality: 0.75 };
    expect(engine.learnFromFeedback(signal).applied).toBe(true);
    const before = picture(engine, DIM);
    expect(engine.learnFromFeedback(signal)).toEqual({ applied: false, deltaNorm: 0, reason: 'unchanged' });
    expect(engine.learnFromFeedback({})).toEqual({ applied: false, deltaNorm: 0, reason: 'unchanged' });
    expect(picture(engine, DIM)).toEqual(before);
  });

  it('there and back again is where it was', () => {
    const engine = make({ tiers: { micro: false } });
    teach(engine, DIM, 8);
    outcome(engine, query, 'east', 0.25);
    const before = picture(engine, DIM);
    for (const quality of [1, 0.5, 0, 0.25]) expect(engine.learnFromFeedback({ quality }).applied).toBe(true);
    expect(picture(engine, DIM)).toEqual(before);
  });

  it('without an id means the trajectory that was ended last', () => {
    const engine = make();
    teach(engine, DIM, 0);
    outcome(engine, query, 'east', 0);
    outcome(engine, query, 'west', 0);
    engine.beginTrajectory(query);
    engine.learnFromFeedback({ verdict: 'success', latencyMs: 10, quality: 1 });
    const counts = Object.fromEntries(engine.routes().map(({ name, avgQuality }) => [name, avgQuality]));
    expect(counts).toMatchObject({ east: 0, west: 1 });
  });

  it.each([
    ['an object', (told: TrajectoryBuilder) => ({ trajectoryId: told.id, quality: 1 })],
    [
      'what a process sent as JSON',
      (told: TrajectoryBuilder) => JSON.parse(JSON.stringify({ trajectoryId: told, quality: 1 })),
    ],
  ])('finds an earlier one by its id (%s)', (_, signal) => {
    const engine = make();
    teach(engine, DIM, 0);
    const told = engine.beginTrajectory(query).setRoute('east');
    engine.endTrajectory(told, 0);
    for (let n = 0; n < 9; n++) outcome(engine, near(query, 0.2, n), 'west', 0);
    expect(engine.learnFromFeedback(signal(told))).toMatchObject({ applied: true });
    expect(engine.routes().find(({ name }) => name === 'east')).toMatchObject({ count: 1, avgQuality: 1 });
  });

  it('knows the newest trajectoryCapacity, and no older ones', async () => {
    const engine = make({ trajectoryCapacity: 5 });
    const ids = Array.from({ length: 7 }, () => {
      const told = engine.beginTrajectory(query).setRoute('a');
      engine.endTrajectory(told, 0);
      return told.id;
    });
    for (const trajectoryId of ids.slice(2)) {
      expect(engine.learnFromFeedback({ trajectoryId, quality: 1 }).applied).toBe(true);
    }
    const error = await refusal(() =>
      engine.learnFromFeedback({ trajectoryId: ids[0] as string, quality: 1 }),
    );
    expect(error.code).toBe('SONA_UNKNOWN_TRAJECTORY');
    expect(engine.routes()[0]).toMatchObject({ count: 7, avgQuality: expect.closeTo(5 / 7, 3) });
  });

  it('before anything has ended is told so', () => {
    const engine = make();
    engine.beginTrajectory(query);
    const nothing = { applied: false, deltaNorm: 0, reason: 'no-trajectory' };
    expect(engine.learnFromFeedback({ verdict: 'success', latencyMs: 50, quality: 0.95 })).toEqual(nothing);
    expect(engine.learnFromFeedback({ verdict: 'failure', quality: 0.2 })).toEqual(nothing);
    expect(engine.stats()).toMatchObject({ trajectoriesRecorded: 0, microUpdates: 0 });
  });

  it('switched off changes nothing, and says why', () => {
    const engine = make();
    teach(engine, DIM, 0);
    outcome(engine, query, 'east', 0);
    engine.setEnabled(false);
    const before = picture(engine, DIM);
    expect(engine.learnFromFeedback({ quality: 1 })).toEqual({
      applied: false,
      deltaNorm: 0,
      reason: 'disabled',
    });
    expect(picture(engine, DIM)).toEqual(before);
    engine.setEnabled(true);
    expect(engine.learnFromFeedback({ quality: 1 }).applied).toBe(true);
  });

  it('of a verdict or a latency alone leaves scores as they are', () => {
    const engine = make();
    teach(engine, DIM, 0);
    outcome(engine, query, 'east', 0.5);
    const before = { ranked: engine.suggestRoutes(query).ranked, x: bits(engine.applyLora(query)) };
    expect(engine.learnFromFeedback({ verdict: 'failure', latencyMs: 12 })).toMatchObject({ applied: true });
    expect({ ranked: engine.suggestRoutes(query).ranked, x: bits(engine.applyLora(query)) }).toEqual(before);
    cycle(engine);
    const [pattern] = engine.findPatterns(query);
    expect(pattern).toMatchObject({ avgLatencyMs: 12, successRate: 0, avgQuality: 0.5 });
  });

  it('reaches a route that has been removed without bringing it back', () => {
    const engine = make();
    teach(engine, DIM, 0);
    outcome(engine, query, 'east', 0);
    engine.removeRoute('east');
    engine.learnFromFeedback({ quality: 1 });
    expect(engine.routes().map(({ name }) => name)).not.toContain('east');
    engine.addRoute('east', { embedding: axis(DIM, 1) });
    expect(engine.routes().find(({ name }) => name === 'east')).toMatchObject({ count: 0 });
  });
});
