// What past trajectories have in common, and what came of it.
import { describe, expect, it } from 'vitest';
import { type LearnedPattern, PatternType, SonaEngine } from '../index.ts';
import { fixedClock } from '../testing.ts';
import { outcome, teach } from './support/engines.ts';
import { engines, keep } from './support/fixture.ts';
import { axis, bits, cosine, gaussian, kindOf, kinds, near } from './support/vectors.ts';

const DIM = 16;
const topics = Array.from({ length: 4 }, (_, i) => axis(DIM, i));
const topic = (i: number) => topics[i] as Float32Array;

const make = engines({ hiddenDim: DIM });

/** Forty queries near each of four topics; quality falls from topic to topic. */
const qualities = [1, 0.75, 0.5, 0.125];
function fill(engine: SonaEngine, more: (n: number, topic: number) => void = () => undefined): void {
  for (let n = 0; n < 160; n++) {
    const at = n % 4;
    const told = engine.beginTrajectory(near(topic(at), 0.2, n)).addContext(`query ${n}`);
    engine.endTrajectory(told.setRoute(`route ${at}`), qualities[at] as number);
    more(n, at);
  }
  engine.forceLearn();
}

const all = (engine: SonaEngine, query: Float32Array = topic(0)) =>
  engine.findPatterns(query, 1_000, { minQuality: 0 });
const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);

describe('findPatterns', () => {
  it('has nothing before anything was learned, and for k = 0', () => {
    const engine = make();
    expect(engine.findPatterns(topic(0), 5)).toEqual([]);
    outcome(engine, topic(0), 'a', 1);
    expect(engine.findPatterns(topic(0), 5)).toEqual([]);
    engine.forceLearn();
    expect(engine.findPatterns(topic(0), 5)).toHaveLength(1);
    expect(engine.findPatterns(topic(0), 0)).toEqual([]);
  });

  it('groups what is alike, counts all of it, and tells what came of it', () => {
    const engine = make();
    fill(engine);
    const patterns = all(engine);
    expect(sum(patterns.map(({ clusterSize }) => clusterSize))).toBe(160);
    expect(patterns.length).toBeLessThan(80);
    expect(engine.stats()).toMatchObject({
      patternsStored: patterns.length,
      patternsLearned: patterns.length,
      patternsExtracted: patterns.length,
    });
    for (const [at, quality] of qualities.entries()) {
      const [nearest] = engine.findPatterns(topic(at), 1, { minQuality: 0 });
      expect(cosine(nearest?.centroid as Float32Array, topic(at))).toBeGreaterThan(0.9);
      expect(nearest?.similarity).toBeCloseTo(cosine(nearest?.centroid as Float32Array, topic(at)), 4);
      expect(nearest?.avgQuality).toBeCloseTo(quality, 3);
      expect(nearest?.routes).toMatchObject({ [`route ${at}`]: { count: nearest?.clusterSize } });
      expect(Object.keys(nearest?.routes ?? {})).toEqual([`route ${at}`]);
      expect(nearest?.totalWeight).toBeCloseTo(nearest?.clusterSize as number, 0);
    }
  });

  it('gives the nearest first, at most k, 5 by default', () => {
    const engine = make();
    for (let n = 0; n < 60; n++) outcome(engine, gaussian(DIM, n), 'a', 1);
    engine.forceLearn();
    const query = gaussian(DIM, 99);
    const similarities = engine.findPatterns(query, 1_000).map(({ similarity }) => similarity);
    expect(similarities.length).toBeGreaterThan(6);
    expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
    expect(engine.findPatterns(query)).toHaveLength(5);
    expect(engine.findPatterns(query, 2).map(({ similarity }) => similarity)).toEqual(
      similarities.slice(0, 2),
    );
  });

  it('recommends from qualityThreshold on, and keeps what failed', () => {
    const worst = (patterns: LearnedPattern[]) => Math.min(...patterns.map(({ avgQuality }) => avgQuality));
    const engine = make();
    fill(engine);
    expect(worst(engine.findPatterns(topic(3), 100))).toBeGreaterThanOrEqual(0.3);
    expect(worst(engine.findPatterns(topic(3), 100, { minQuality: 0 }))).toBeCloseTo(0.125, 3);
    expect(worst(engine.findPatterns(topic(3), 100, { minQuality: 0.9 }))).toBeCloseTo(1, 3);
    const picky = make({ qualityThreshold: 0.7 });
    fill(picky);
    expect(worst(picky.findPatterns(topic(3), 100))).toBeGreaterThanOrEqual(0.7);
    expect(picky.stats().patternsStored).toBe(engine.stats().patternsStored);
  });

  it.each(kinds)('gives centroids of the kind of the query: %s', (_, kind) => {
    const engine = make();
    fill(engine);
    const query = kind(Array.from(topic(0)));
    const [found] = engine.findPatterns(query, 1);
    const [plain] = engine.findPatterns(topic(0), 1);
    expect(kindOf(found?.centroid)).toBe(kindOf(query));
    expect(Array.from(found?.centroid as Float32Array)).toEqual(Array.from(plain?.centroid as Float32Array));
    expect(Math.hypot(...Array.from(found?.centroid ?? []))).toBeCloseTo(1, 5);
  });

  it('gives answers that are safe to keep and to change', () => {
    const engine = make();
    fill(engine);
    const [kept] = engine.findPatterns(topic(0), 1);
    const before = bits(kept?.centroid as Float32Array);
    const [other] = engine.findPatterns(topic(0), 1);
    other?.centroid.fill(7);
    expect(bits(kept?.centroid as Float32Array)).toEqual(before);
    expect(bits(engine.findPatterns(topic(0), 1)[0]?.centroid as Float32Array)).toEqual(before);
    expect(() => {
      (kept?.routes as Record<string, unknown>).mine = 1;
    }).toThrow(TypeError);
    expect(JSON.parse(JSON.stringify(kept))).toMatchObject({ id: kept?.id, routes: kept?.routes });
  });

  it('has the fields of the older documents, as strings where they are', () => {
    const engine = make({ now: () => 1_700_000_000_999 });
    fill(engine);
    const [found] = engine.findPatterns(Array.from(topic(0)), 1);
    expect(found).toMatchObject({
      id: expect.stringMatching(/^\d+$/),
      centroid: expect.any(Array),
      clusterSize: expect.any(Number),
      totalWeight: expect.any(Number),
      avgQuality: expect.any(Number),
      createdAt: '1700000000',
      lastAccessed: '1700000000',
      accessCount: 1,
      patternType: 'General',
    });
  });
});

describe('accesses', () => {
  it('are counted, with their time', () => {
    const clock = fixedClock(1_000_000_000);
    const engine = make({ now: clock.now });
    fill(engine);
    const find = () => engine.findPatterns(topic(0), 1)[0];
    expect(find()).toMatchObject({ accessCount: 1, createdAt: '1000000', lastAccessed: '1000000' });
    clock.advance(61_000);
    expect(find()).toMatchObject({ accessCount: 2, createdAt: '1000000', lastAccessed: '1000061' });
    clock.advance(1_000);
    expect(engine.findPatterns(topic(1), 1)[0]).toMatchObject({ accessCount: 1, lastAccessed: '1000062' });
    expect(find()).toMatchObject({ accessCount: 3, lastAccessed: '1000062' });
  });

  it('survive cycles and restarts', () => {
    const clock = fixedClock(1_000_000_000);
    const { now } = clock;
    const engine = make({ now });
    fill(engine);
    for (let n = 0; n < 3; n++) engine.findPatterns(topic(0), 1);
    const copy = keep(SonaEngine.restore(engine.snapshot(), { now }));
    for (const each of [engine, copy]) {
      clock.set(2_000_000_000);
      outcome(each, topic(1), 'route 1', 1);
      each.forceLearn();
      expect(each.findPatterns(topic(0), 1)[0]).toMatchObject({
        accessCount: 4,
        createdAt: '1000000',
        lastAccessed: '2000000',
      });
      clock.set(1_000_000_000);
    }
  });
});

describe('what a pattern holds', () => {
  const one = (engine: SonaEngine) => all(engine)[0] as LearnedPattern;

  it('exemplars: up to three of its trajectories, nearest first, with route, quality and contexts', () => {
    const engine = make();
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) {
      const told = engine.beginTrajectory(near(topic(0), 0.01 * n, n)).addContext(`number ${n}`);
      ids.push(told.id);
      engine.endTrajectory(told.setRoute('a'), 0.5);
    }
    engine.forceLearn();
    const { exemplars } = one(engine);
    expect(exemplars.length).toBeGreaterThan(0);
    expect(exemplars.length).toBeLessThanOrEqual(3);
    const similarities = exemplars.map(({ similarity }) => similarity);
    expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
    for (const { trajectoryId, route, quality, contexts } of exemplars) {
      expect([route, quality]).toEqual(['a', 0.5]);
      expect(contexts).toEqual([`number ${ids.indexOf(trajectoryId)}`]);
    }
  });

  it('routes: how often, how good, how many successes', () => {
    const engine = make({ patternClusters: 1 });
    const tell = (route: string, quality: number, verdict?: 'success' | 'failure' | 'unknown') =>
      engine.endTrajectory(
        engine.beginTrajectory(topic(0)).setRoute(route),
        quality,
        verdict === undefined ? {} : { verdict },
      );
    tell('a', 1, 'success');
    tell('a', 0.5, 'failure');
    tell('a', 0.75, 'unknown');
    tell('b', 0.25, 'failure');
    engine.forceLearn();
    const pattern = one(engine);
    expect(pattern.routes).toEqual({
      a: { count: 3, avgQuality: 0.75, successRate: 0.5 },
      b: { count: 1, avgQuality: 0.25, successRate: 0 },
    });
    expect(pattern).toMatchObject({ clusterSize: 4, avgQuality: 0.625, successRate: 1 / 3 });
  });

  it('a verdict of its own where none was given: by quality against what was expected', () => {
    const engine = make({ patternClusters: 1 });
    for (let n = 0; n < 40; n++) outcome(engine, near(topic(0), 0.05, n), 'a', n % 2);
    engine.forceLearn();
    const { successRate } = one(engine);
    expect(successRate).toBeGreaterThan(0.3);
    expect(successRate).toBeLessThan(0.7);
  });

  it('nodes: of addNode, mean score and latency', () => {
    const engine = make({ patternClusters: 1 });
    for (const [score, latency] of [
      [0.5, 100],
      [1, 300],
    ] as const) {
      const told = engine
        .beginTrajectory(topic(0))
        .addNode('search', { score: score, latencyMs: latency })
        .addNode(42, { score: 0.25, latencyMs: 50 });
      engine.endTrajectory(told, 1);
    }
    const last = engine.beginTrajectory(topic(0)).addNode(42, { score: 0.75, latencyMs: 150 });
    engine.endTrajectory(last, 1);
    engine.forceLearn();
    expect(one(engine).nodes).toEqual({
      search: { count: 2, avgScore: 0.75, avgLatencyMs: 200 },
      42: { count: 3, avgScore: expect.closeTo(1.25 / 3, 5), avgLatencyMs: expect.closeTo(250 / 3, 5) },
    });
  });

  it('latency: of learnFromFeedback', () => {
    const engine = make({ patternClusters: 1 });
    outcome(engine, topic(0), 'a', 1);
    engine.forceLearn();
    expect(one(engine).avgLatencyMs).toBeNull();
    for (const latency of [10, 30]) {
      outcome(engine, topic(0), 'a', 1);
      engine.learnFromFeedback({ verdict: 'success', latencyMs: latency, quality: 1 });
    }
    engine.forceLearn();
    expect(one(engine)).toMatchObject({ avgLatencyMs: 20, clusterSize: 3 });
  });

  it.each([
    [
      'setPatternType',
      (engine: SonaEngine, type: PatternType) => engine.beginTrajectory(topic(0)).setPatternType(type),
    ],
    [
      'a context',
      (engine: SonaEngine, type: PatternType) => engine.beginTrajectory(topic(0)).addContext(`type:${type}`),
    ],
    [
      'a context, ended by id',
      (engine: SonaEngine, type: PatternType) => {
        const told = engine.beginTrajectory(topic(0)).addContext(`type:${type}`);
        return told.id;
      },
    ],
  ])('a type, by majority, from %s', (_, begin) => {
    for (const type of Object.values(PatternType)) {
      const engine = make({ patternClusters: 1 });
      const other: PatternType = type === 'Creative' ? 'Factual' : 'Creative';
      for (const told of [type, other, type]) engine.endTrajectory(begin(engine, told), 1);
      for (let n = 0; n < 5; n++)
        engine.endTrajectory(engine.beginTrajectory(topic(0)).addContext('type:cooking'), 1);
      engine.forceLearn();
      expect(one(engine).patternType).toBe(type);
    }
  });

  it('is General where nobody said, and takes the last word of a trajectory', () => {
    const engine = make({ patternClusters: 1 });
    engine.endTrajectory(
      engine.beginTrajectory(topic(0)).addContext('type:unheard of').addContext('type:'),
      1,
    );
    engine.forceLearn();
    expect(one(engine).patternType).toBe('General');
    const told = engine.beginTrajectory(topic(0)).setPatternType('CodeGen').addContext('type:Reasoning');
    engine.endTrajectory(told, 1);
    engine.forceLearn();
    expect(one(engine).patternType).toBe('Reasoning');
  });

  it('any text as a context', () => {
    const engine = make({ patternClusters: 1 });
    const contexts = ['', 'a whole prompt\nof two lines', '🙂', 'x'.repeat(10_000), 'cut \ud83d'];
    const told = engine.beginTrajectory(topic(0));
    for (const context of contexts) told.addContext(context);
    engine.endTrajectory(told, 1);
    engine.forceLearn();
    expect(one(engine).exemplars[0]?.contexts).toEqual([...contexts.slice(0, -1), 'cut \ufffd']);
  });
});

describe('a route that is removed', () => {
  it('leaves no trace in patterns, at once', () => {
    const engine = make();
    fill(engine);
    all(engine);
    engine.removeRoute('route 1');
    expect(engine.routes().map(({ name }) => name)).not.toContain('route 1');
    const text = () =>
      JSON.stringify(all(engine, topic(1)).map(({ routes, exemplars }) => [routes, exemplars]));
    expect(text()).not.toContain('route 1');
    engine.forceLearn();
    expect(text()).not.toContain('route 1');
    expect(text()).toContain('route 2');
    engine.addRoute('route 1', { embedding: topic(1) });
    engine.forceLearn();
    expect(text()).not.toContain('route 1');
  });
});

describe('expectQuality', () => {
  it('knows nothing before evidence', () => {
    const engine = make();
    expect(engine.expectQuality(topic(0))).toEqual({ quality: null, evidence: 0 });
    engine.addRoute('a', { embedding: topic(0) });
    expect(engine.expectQuality(topic(0), { route: 'a' })).toEqual({ quality: null, evidence: 0 });
  });

  it('expects what came of queries like this one, route by route', () => {
    const engine = make();
    for (let n = 0; n < 400; n++) {
      const at = n % 2;
      const route = ['a', 'b'][Math.floor(n / 2) % 2] as string;
      outcome(engine, near(topic(at), 0.2, n), route, (at === 0) === (route === 'a') ? 0.9 : 0.1);
    }
    engine.forceLearn();
    const expect2 = (at: number, route: string) => engine.expectQuality(topic(at), { route });
    expect(expect2(0, 'a').quality).toBeGreaterThan(0.7);
    expect(expect2(0, 'b').quality).toBeLessThan(0.3);
    expect(expect2(1, 'a').quality).toBeLessThan(0.3);
    expect(expect2(1, 'b').quality).toBeGreaterThan(0.7);
    const { quality, evidence } = engine.expectQuality(topic(0));
    expect(quality).toBeGreaterThan(0.35);
    expect(quality).toBeLessThan(0.65);
    expect(evidence).toBeGreaterThan(10);
  });
});

describe('patterns', () => {
  it('are at most patternClusters', () => {
    const engine = make({ patternClusters: 7 });
    for (let n = 0; n < 600; n++) outcome(engine, gaussian(DIM, n), 'a', 1);
    engine.forceLearn();
    expect(all(engine).length).toBeLessThanOrEqual(7);
    expect(sum(all(engine).map(({ clusterSize }) => clusterSize))).toBe(600);
  });

  it('survive a restart, whole', () => {
    const engine = make({ now: () => 1_700_000_000_000 });
    fill(engine, (n, at) => {
      const told = engine.beginTrajectory(near(topic(at), 0.2, 1_000 + n)).setPatternType('CodeGen');
      engine.endTrajectory(told.addNode('node', { score: 1, latencyMs: n }), 1, { verdict: 'success' });
      engine.learnFromFeedback({ latencyMs: n });
    });
    const copy = keep(SonaEngine.restore(engine.snapshot(), { now: () => 1_700_000_000_000 }));
    for (const query of topics) expect(all(copy, query)).toEqual(all(engine, query));
    const nodes = (each: SonaEngine) => sum(all(each).map((pattern) => pattern.nodes.node?.count ?? 0));
    expect([nodes(copy), nodes(engine)]).toEqual([160, 160]);
    teach(copy, DIM, 40);
    teach(engine, DIM, 40);
    for (const each of [engine, copy]) each.forceLearn();
    for (const query of topics) expect(all(copy, query)).toEqual(all(engine, query));
  });

  it('are learned from trajectories of every kind', () => {
    const engine = make();
    engine.endTrajectory(engine.beginTrajectory(topic(0)), 1);
    engine.endTrajectory(engine.beginTrajectory(topic(1)).addStep(topic(2), [], 1), 1);
    engine.endTrajectory(engine.beginTrajectory(topic(2)).addNode('node', { score: 1, latencyMs: 1 }), 1);
    engine.endTrajectory(engine.beginTrajectory(topic(3)).setRoute('a'), 1);
    expect(engine.forceLearn()).toContain('Forced learning: 4 trajectories -> ');
    expect(sum(all(engine).map(({ clusterSize }) => clusterSize))).toBe(4);
  });
});
