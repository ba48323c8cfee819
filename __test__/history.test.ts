// Going back: versions of the weights, and forgetting trajectories.
import { describe, expect, it } from 'vitest';
import { type SonaConfig, SonaEngine } from '../index.ts';
import { type FixedClock, fixedClock } from '../testing.ts';
import { adapted, cycle, drill, outcome, picture, step, taught, teach } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { engines, keep } from './support/fixture.ts';
import { axis, bits, gaussian, near } from './support/vectors.ts';

const DIM = 16;
const query = gaussian(DIM, 1);
/** Nothing but what forgetting takes out exactly. */
const exact = { tiers: { micro: false, base: false } } as const;

const make = engines({ hiddenDim: DIM });

/** Trains some cycles; what the adapter gave after each. */
function trained(engine: SonaEngine, cycles: number): string[][][] {
  return Array.from({ length: cycles }, (_, n) => {
    teach(engine, DIM, 40, n + 1);
    engine.forceLearn();
    return adapted(engine, DIM);
  });
}

describe('versions', () => {
  it('begin with the untrained adapter', () => {
    expect(make().versions()).toEqual([
      { version: 0, promotedAt: 0, trajectories: 0, heldOutGain: null, current: true },
    ]);
  });

  it('tell what each was trained on, and when; the newest serves', () => {
    const clock = fixedClock(1_000_000);
    const engine = make({ now: clock.now });
    const reports = [1, 2, 3].map((n) => {
      clock.advance(60_000);
      teach(engine, DIM, 40, n);
      return cycle(engine);
    });
    expect(reports.map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(engine.versions()).toMatchObject([
      { version: 0, promotedAt: 0, trajectories: 0, current: false },
      { version: 1, promotedAt: 1_060_000, trajectories: 40, current: false },
      { version: 2, promotedAt: 1_120_000, trajectories: 80, current: false },
      { version: 3, promotedAt: 1_180_000, trajectories: 120, current: true },
    ]);
    expect(engine.stats().version).toBe(3);
  });

  it('are the eight newest', () => {
    const engine = make();
    trained(engine, 10);
    expect(engine.versions().map(({ version }) => version)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('tell what a cycle gained on held-back outcomes', () => {
    const engine = make({ tiers: { micro: false, prototypes: false } });
    drill(engine, DIM, 1_500);
    const { heldOutGain } = cycle(engine);
    expect(engine.versions().at(-1)?.heldOutGain).toBe(heldOutGain);
    expect(heldOutGain).toBeGreaterThan(0);
  });
});

describe('rollback', () => {
  it('makes the weights of a version serve again, bit for bit', () => {
    const engine = make();
    const after = trained(engine, 4);
    for (const version of [2, 4, 1, 3]) {
      engine.rollback(version);
      expect(adapted(engine, DIM)).toEqual(after[version - 1]);
      expect(engine.versions().filter(({ current }) => current)).toMatchObject([{ version }]);
      expect(engine.stats().version).toBe(version);
    }
  });

  it('to version 0 is untrained', () => {
    const engine = make();
    trained(engine, 2);
    engine.rollback(0);
    expect(bits(engine.applyLora(query))).toEqual(bits(query));
  });

  it('starts the per-request adapter afresh, and keeps prototypes and patterns', () => {
    const engine = make();
    trained(engine, 2);
    for (const route of taught) outcome(engine, query, route, 0.5);
    const before = { routes: engine.routes(), patterns: engine.stats().patternsStored };
    expect(bits(engine.applyMicroLora(query))).not.toEqual(bits(query));
    engine.rollback(1);
    expect(bits(engine.applyMicroLora(query))).toEqual(bits(query));
    expect({ routes: engine.routes(), patterns: engine.stats().patternsStored }).toEqual(before);
  });

  it('goes on learning from there, under the next number', () => {
    const engine = make();
    const [first] = trained(engine, 3);
    engine.rollback(1);
    teach(engine, DIM, 40, 8);
    expect(cycle(engine)).toMatchObject({ promoted: true, version: 4 });
    expect(adapted(engine, DIM)).not.toEqual(first);
    expect(engine.versions().map(({ version }) => version)).toEqual([0, 1, 2, 3, 4]);
    engine.rollback(1);
    expect(adapted(engine, DIM)).toEqual(first);
  });

  it('is part of a snapshot', () => {
    const engine = make();
    const after = trained(engine, 3);
    const copy = keep(SonaEngine.restore(engine.snapshot()));
    expect(copy.versions()).toEqual(engine.versions());
    copy.rollback(2);
    expect(adapted(copy, DIM)).toEqual(after[1]);
    expect(adapted(engine, DIM)).toEqual(after[2]);
  });
});

describe('forget', () => {
  /** Outcomes of two sources and two days, the ones that `keep` says, in one order. */
  const day = 86_400_000;
  const tell = (engine: SonaEngine, clock: FixedClock, keep: (source: string, days: number) => boolean) => {
    taught.forEach((name, i) => {
      engine.addRoute(name, { embedding: axis(DIM, i) });
    });
    const ids: string[] = [];
    for (let n = 0; n < 80; n++) {
      const [source, days] = [n % 3 === 0 ? 'crowd' : 'staff', n < 40 ? 1 : 2];
      if (!keep(source, days)) continue;
      clock.set(days * day + n);
      const told = engine
        .beginTrajectory(near(axis(DIM, n % 4), 0.5, n))
        .setRoute(taught[(n * 3) % 4] as string);
      told.addContext(`event ${n}`);
      engine.endTrajectory(told, (n % 5) / 4, { source });
      ids.push(told.id);
    }
    return ids;
  };
  const everything = () => true;
  const twins = (config: SonaConfig, keep: (source: string, days: number) => boolean) => {
    const clock = fixedClock(day);
    const { now } = clock;
    const [full, never] = [make({ now, ...config }), make({ now, ...config })];
    tell(full, clock, everything);
    tell(never, clock, keep);
    return { full, never };
  };
  const answers = (engine: SonaEngine) => ({
    routes: engine.routes(),
    ranked: Array.from({ length: 8 }, (_, i) => {
      const { ranked, confidence } = engine.suggestRoutes(gaussian(DIM, 50 + i), { k: 9 });
      return { ranked, confidence };
    }),
  });

  it.each([
    ['source', { source: 'crowd' }, (source: string) => source !== 'crowd', 27],
    ['before, as a date', { before: new Date(2 * day) }, (_: string, days: number) => days === 2, 40],
    ['before, in milliseconds', { before: 2 * day }, (_: string, days: number) => days === 2, 40],
    [
      'source and before',
      { source: 'staff', before: 2 * day },
      (source: string, days: number) => source !== 'staff' || days === 2,
      26,
    ],
  ] as const)('by %s leaves what an engine has that never saw them', (_, criterion, keep, count) => {
    for (const learned of [false, true]) {
      const { full, never } = twins(exact, keep);
      expect(answers(full)).not.toEqual(answers(never));
      if (learned) for (const engine of [full, never]) engine.forceLearn();
      expect(full.forget(criterion)).toEqual({ forgotten: count, outOfReach: 0 });
      expect(answers(full)).toEqual(answers(never));
    }
  });

  it('by id takes out one', () => {
    const clock = fixedClock(day);
    const [full, never] = [make(exact), make(exact)];
    const ids = tell(full, clock, everything);
    let n = -1;
    tell(never, clock, () => ++n !== 17);
    expect(full.forget({ trajectoryId: ids[17] as string })).toEqual({ forgotten: 1, outOfReach: 0 });
    expect(answers(full)).toEqual(answers(never));
    expect(full.forget({ trajectoryId: ids[17] as string }).forgotten).toBe(0);
    expect(answers(full)).toEqual(answers(never));
  });

  it('leaves no trace in patterns', () => {
    const { full } = twins({}, everything);
    full.forceLearn();
    const seen = () =>
      full
        .findPatterns(query, 50, { minQuality: 0 })
        .flatMap(({ exemplars }) => exemplars.flatMap(({ contexts }) => contexts));
    const crowd = new Set(Array.from({ length: 27 }, (_, n) => `event ${3 * n}`));
    expect(seen().some((context) => crowd.has(context))).toBe(true);
    full.forget({ source: 'crowd' });
    expect(seen().length).toBeGreaterThan(0);
    expect(seen().filter((context) => crowd.has(context))).toEqual([]);
    const size = (sum: number, { clusterSize }: { clusterSize: number }) => sum + clusterSize;
    expect(full.findPatterns(query, 50, { minQuality: 0 }).reduce(size, 0)).toBe(53);
  });

  it('leaves no trace in a snapshot', () => {
    const engine = make();
    teach(engine, DIM, 30);
    const told = engine
      .beginTrajectory(query)
      .addContext('a secret')
      .addNode('a hidden node', { score: 1, latencyMs: 1 });
    engine.endTrajectory(told.setRoute('east'), 1, { source: 'somebody' });
    engine.forceLearn();
    const holds = (text: string) => Buffer.from(engine.snapshot()).includes(text);
    expect(['a secret', 'a hidden node', 'somebody'].map(holds)).toEqual([true, true, true]);
    engine.forget({ source: 'somebody' });
    expect(['a secret', 'a hidden node', 'somebody'].map(holds)).toEqual([false, false, false]);
  });

  it('trains the background adapter anew on what is left', () => {
    const engine = make({ tiers: { micro: false, prototypes: false } });
    const [good, bad] = [near(query, 0.3, 2), gaussian(DIM, 3)];
    for (let n = 0; n < 150; n++) {
      step(engine, near(query, 0.1, n), good, 1, 1);
      const told = engine.beginTrajectory(near(query, 0.1, n)).addStep(bad, [], 1);
      engine.endTrajectory(told, 1, { source: 'crowd' });
    }
    engine.forceLearn();
    const pull = (to: Float32Array) => {
      const x = engine.applyLora(query);
      return to.reduce((sum, number, i) => sum + number * (x[i] as number), 0) / Math.hypot(...x);
    };
    const before = pull(bad);
    expect(engine.forget({ source: 'crowd' })).toEqual({ forgotten: 150, outOfReach: 0 });
    expect(pull(bad)).toBeLessThan(before - 0.1);
    expect(bits(engine.applyBaseLora(0, query))).not.toEqual(bits(query));
  });

  it('drops kept versions, which knew of them', async () => {
    const engine = make();
    trained(engine, 3);
    engine.endTrajectory(engine.beginTrajectory(query).setRoute('east'), 1, { source: 'crowd' });
    engine.forget({ source: 'crowd' });
    const versions = engine.versions();
    expect(versions).toHaveLength(1);
    expect(versions[0]).toMatchObject({ current: true });
    expect((await refusal(() => engine.rollback(1))).code).toBe('SONA_OUT_OF_RANGE');
  });

  it('of nothing changes nothing', () => {
    const engine = make();
    trained(engine, 2);
    teach(engine, DIM, 10, 5);
    engine.flush();
    const before = picture(engine, DIM);
    expect(engine.forget({ source: 'nobody' })).toEqual({ forgotten: 0, outOfReach: 0 });
    expect(engine.forget({ before: 1 })).toEqual({ forgotten: 0, outOfReach: 0 });
    expect(picture(engine, DIM)).toEqual(before);
  });

  it('says how many it could not reach, never too few', () => {
    const engine = make({ trajectoryCapacity: 10, replayCapacity: 64 });
    for (let n = 0; n < 2_000; n++) {
      const told = engine.beginTrajectory(near(query, 0.5, n)).setRoute('a');
      engine.endTrajectory(told, 1, { source: n % 4 === 0 ? 'crowd' : 'staff' });
      if (n % 10 === 9) engine.forceLearn();
    }
    const { forgotten, outOfReach } = engine.forget({ source: 'crowd' });
    expect(forgotten).toBeGreaterThan(0);
    expect(outOfReach).toBeGreaterThan(0);
    expect(forgotten + outOfReach).toBeGreaterThanOrEqual(500);
    expect(engine.routes()[0]?.count).toBe(2_000 - forgotten);
  });

  it('makes a correction come too late', async () => {
    const engine = make();
    outcome(engine, query, 'a', 0);
    engine.endTrajectory(engine.beginTrajectory(query).setRoute('a'), 0, { source: 'crowd' });
    engine.forget({ source: 'crowd' });
    expect(
      (await refusal(() => engine.learnFromFeedback({ verdict: 'success', latencyMs: 1, quality: 1 }))).code,
    ).toBe('SONA_UNKNOWN_TRAJECTORY');
    expect(engine.routes()).toMatchObject([{ count: 1, avgQuality: 0 }]);
  });

  it('counts on: what is forgotten has been', () => {
    const { full, never } = twins(exact, (source) => source !== 'crowd');
    full.forget({ source: 'crowd' });
    expect(full.stats().trajectoriesRecorded).toBe(80);
    for (const engine of [full, never]) outcome(engine, query, 'east', 1);
    expect(answers(full)).toEqual(answers(never));
  });
});
