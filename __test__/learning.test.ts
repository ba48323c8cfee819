// What one outcome changes, at once.
import { beforeEach, describe, expect, it } from 'vitest';
import type { SonaEngine } from '../index.ts';
import { adapted, cycle, outcome, picture, score, step, taught, teach } from './support/engines.ts';
import { engines } from './support/fixture.ts';
import { axis, bits, cosine, gaussian, near } from './support/vectors.ts';

const DIM = 16;
const query = gaussian(DIM, 1);

const make = engines({ hiddenDim: DIM });

describe('the outcome of a route', () => {
  let engine: SonaEngine;
  beforeEach(() => {
    engine = make();
    taught.forEach((name, i) => {
      engine.addRoute(name, { embedding: axis(DIM, i) });
    });
  });

  it('is seen by the next call: adapter, scores and evidence', () => {
    const before = { x: bits(engine.applyMicroLora(query)), score: score(engine, query, 'east') };
    outcome(engine, query, 'east', 1);
    expect(bits(engine.applyMicroLora(query))).not.toEqual(before.x);
    expect(score(engine, query, 'east')).not.toBe(before.score);
    const east = engine.suggestRoutes(query).ranked.find(({ route }) => route === 'east');
    expect(east?.evidence).toEqual({ count: 1, avgQuality: 1 });
    expect(engine.stats()).toMatchObject({ trajectoriesRecorded: 1, microUpdates: 1, learningCycles: 0 });
  });

  it.each([1, 2, 3, 4, 5])('raises its score when good, lowers it when bad (query %i)', (seed) => {
    const other = gaussian(DIM, seed);
    const before = score(engine, other, 'east');
    outcome(engine, other, 'east', 1);
    expect(score(engine, other, 'east')).toBeGreaterThan(before + 0.01);
    const between = score(engine, other, 'west');
    outcome(engine, other, 'west', 0);
    expect(score(engine, other, 'west')).toBeLessThan(between - 0.01);
  });

  it('carries over to queries nearby, and less to others', () => {
    const [close, far] = [near(query, 0.2, 5), gaussian(DIM, 40)];
    const gains = [close, far].map((other) => {
      const before = score(engine, other, 'east');
      return () => score(engine, other, 'east') - before;
    });
    for (let n = 0; n < 5; n++) outcome(engine, query, 'east', 1);
    const [gain = 0, spill = 0] = gains.map((measure) => measure());
    expect(gain).toBeGreaterThan(0.05);
    expect(Math.abs(spill)).toBeLessThan(gain);
  });

  it('counts in proportion to its quality', () => {
    const gains = [0.25, 0.5, 0.75, 1].map((quality) => {
      const other = make();
      other.addRoute('a', { embedding: axis(DIM, 0) });
      const before = score(other, query, 'a');
      outcome(other, query, 'a', quality);
      return score(other, query, 'a') - before;
    });
    expect(gains).toEqual(gains.toSorted((a, b) => a - b));
    expect(new Set(gains).size).toBe(4);
  });

  it('is the same, given the decision that led to it or not', () => {
    const other = make();
    taught.forEach((name, i) => {
      other.addRoute(name, { embedding: axis(DIM, i) });
    });
    const { id } = engine.suggestRoutes(query);
    other.suggestRoutes(query);
    engine.endTrajectory(engine.beginTrajectory(query, { decision: id }).setRoute('south'), 0);
    other.endTrajectory(other.beginTrajectory(query).setRoute('south'), 0);
    expect(picture(engine, DIM)).toEqual(picture(other, DIM));
  });

  it('is the same, told by a builder or by an id', () => {
    const other = make();
    taught.forEach((name, i) => {
      other.addRoute(name, { embedding: axis(DIM, i) });
    });
    const told = engine.beginTrajectory(query).addStep(gaussian(DIM, 8), [1], 0.5).setRoute('south');
    engine.endTrajectory(told, 1);
    const { id } = other.beginTrajectory(query).addStep(gaussian(DIM, 8), [1], 0.5).setRoute('south');
    other.endTrajectory(id, 1);
    expect(picture(engine, DIM)).toEqual(picture(other, DIM));
    expect([told.stepCount, told.dim]).toEqual([1, DIM]);
  });
});

describe('a trajectory without a route', () => {
  const activation = gaussian(DIM, 2);
  const pull = (reward: number, quality: number, times = 3, from = query) => {
    const engine = make();
    for (let n = 0; n < times; n++) step(engine, from, activation, reward, quality);
    return cosine(engine.applyLora(from), activation) - cosine(from, activation);
  };

  it('draws the query to its activation on success, pushes it away on failure', () => {
    expect(pull(1, 1)).toBeGreaterThan(0.001);
    // a failure pushes as hard as it was unexpected: hardly, where query and activation are far apart
    expect(pull(0, 1, 3, near(activation, 0.6, 3))).toBeLessThan(-0.0001);
    expect(pull(1, 0, 3, near(activation, 0.6, 3))).toBeLessThan(-0.0001);
  });

  it('by reward x quality', () => {
    expect(pull(1, 0.5)).toBe(pull(0.5, 1));
    expect(pull(1, 0)).toBe(pull(0, 1));
    // among other outcomes, because a step's length is measured against those before
    const start = near(activation, 0.6, 3);
    const pulls = [0.5, 0.75, 1].map((reward) => {
      const engine = make();
      for (let n = 0; n < 20; n++) step(engine, gaussian(DIM, 100 + n), gaussian(DIM, 200 + n), n % 2, 1);
      const before = cosine(engine.applyLora(start), activation);
      step(engine, start, activation, reward, 1);
      return cosine(engine.applyLora(start), activation) - before;
    });
    expect(pulls).toEqual(pulls.toSorted((a, b) => a - b));
    expect(new Set(pulls).size).toBe(3);
    expect(pull(2, 0.5)).toBe(pull(1, 1));
    expect(pull(7, 1)).toBe(pull(1, 1));
    expect(pull(-3, 1)).toBe(pull(0, 1));
  });

  it('makes each step a lesson of its own', () => {
    const engine = make();
    const steps = [gaussian(DIM, 4), gaussian(DIM, 5), gaussian(DIM, 6)];
    const told = engine.beginTrajectory(query);
    for (const vector of steps) told.addStep(vector, [], 1);
    engine.endTrajectory(told, 1);
    expect(engine.stats()).toMatchObject({ trajectoriesRecorded: 1, microUpdates: 3 });
  });

  it('and without steps teaches nothing, but is counted', () => {
    const engine = make();
    engine.endTrajectory(engine.beginTrajectory(query), 1);
    expect(bits(engine.applyLora(query))).toEqual(bits(query));
    expect(engine.stats()).toMatchObject({
      trajectoriesRecorded: 1,
      trajectoriesBuffered: 1,
      averageQuality: 1,
    });
  });

  it('trains the background adapter too', () => {
    const engine = make({ tiers: { micro: false } });
    const before = cosine(query, activation);
    for (let n = 0; n < 1_000; n++) step(engine, near(query, 0.1, n), activation, 1, 1);
    expect(bits(engine.applyLora(query))).toEqual(bits(query));
    expect(cycle(engine)).toMatchObject({ trajectories: 1_000, steps: 200, promoted: true });
    expect(cosine(engine.applyBaseLora(0, query), activation)).toBeGreaterThan(before + 0.05);
  });
});

describe('the length of a vector', () => {
  it('does not matter for learning and ranking', () => {
    const [one, other] = [make(), make()];
    one.addRoute('a', { embedding: axis(DIM, 0) });
    other.addRoute('a', { embedding: axis(DIM, 0).map((x) => 1024 * x) });
    outcome(one, query, 'a', 1);
    outcome(
      other,
      query.map((x) => x / 64),
      'a',
      1,
    );
    expect(adapted(one, DIM)).toEqual(adapted(other, DIM));
    expect(score(one, query, 'a')).toBe(score(other, query, 'a'));
  });
});

describe('a part that is switched off does nothing', () => {
  const learn = (engine: SonaEngine) => {
    teach(engine, DIM, 60);
    engine.forceLearn();
    teach(engine, DIM, 20, 2);
  };
  const probes = Array.from({ length: 4 }, (_, i) => gaussian(DIM, 60 + i));
  const moved = (engine: SonaEngine) => ({
    micro: probes.some((x) => bits(engine.applyMicroLora(x)).join() !== bits(x).join()),
    base: probes.some((x) => bits(engine.applyBaseLora(0, x)).join() !== bits(x).join()),
    // the cosine with the axis that the route had as its prior
    prototypes: taught.some((name, i) =>
      probes.some((x) => Math.abs(score(engine, x, name) - cosine(engine.applyLora(x), axis(DIM, i))) > 1e-4),
    ),
  });

  it.each([
    [{}, { micro: true, base: true, prototypes: true }],
    [{ micro: false }, { micro: false, base: true, prototypes: true }],
    [{ base: false }, { micro: true, base: false, prototypes: true }],
    [{ prototypes: false }, { micro: true, base: true, prototypes: false }],
    [
      { micro: false, base: false },
      { micro: false, base: false, prototypes: true },
    ],
    [
      { micro: false, base: false, prototypes: false },
      { micro: false, base: false, prototypes: false },
    ],
  ])('tiers %o', (tiers, expected) => {
    const engine = make({ tiers });
    learn(engine);
    expect(moved(engine)).toEqual(expected);
    expect(engine.stats().microUpdates > 0).toBe(expected.micro);
    expect(engine.stats().instantEnabled).toBe(expected.micro || expected.prototypes);
    expect(engine.stats().promotions > 0).toBe(expected.base);
  });

  it('and evidence is counted all the same', () => {
    const engine = make({ tiers: { micro: false, base: false, prototypes: false } });
    learn(engine);
    expect(engine.routes().reduce((sum, route) => sum + route.count, 0)).toBe(80);
  });

  it.each(['microLoraLr', 'baseLoraLr'] as const)('a rate of 0: %s', (rate) => {
    const engine = make({ [rate]: 0 });
    learn(engine);
    expect(moved(engine)).toEqual({ micro: true, base: true, prototypes: true, [rate.slice(0, -6)]: false });
  });
});

describe('setEnabled(false)', () => {
  it('answers as before, records nothing, and can be taken back', () => {
    const engine = make();
    teach(engine, DIM, 40);
    engine.forceLearn();
    teach(engine, DIM, 10, 2);
    expect(engine.isEnabled()).toBe(true);
    engine.setEnabled(false);
    expect(engine.isEnabled()).toBe(false);
    expect(engine.stats()).toMatchObject({ enabled: false, instantEnabled: false, backgroundEnabled: false });
    const before = picture(engine, DIM);
    teach(engine, DIM, 20, 3);
    step(engine, query, gaussian(DIM, 2), 1, 1);
    expect(engine.tick()).toBeNull();
    expect(picture(engine, DIM)).toEqual(before);
    engine.setEnabled(true);
    outcome(engine, query, 'east', 1);
    expect(engine.stats()).toMatchObject({ trajectoriesRecorded: 51, enabled: true });
  });

  it('does not add the route that a trajectory names', () => {
    const engine = make();
    engine.setEnabled(false);
    outcome(engine, query, 'new', 1);
    expect(engine.routes()).toEqual([]);
  });
});
