import { describe, expect, it } from 'vitest';
import { builtin } from '../embed.ts';
import { type SonaConfig, SonaEngine } from '../index.ts';
import { outcome, score } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { engines, keep } from './support/fixture.ts';
import { axis, cosine, gaussian, near } from './support/vectors.ts';

const DIM = 16;
const query = gaussian(DIM, 1);

const opened = engines({ hiddenDim: DIM });
const make = (names: string[] = [], config: SonaConfig = {}): SonaEngine => {
  const engine = opened(config);
  names.forEach((name, i) => {
    engine.addRoute(name, { embedding: axis(DIM, i) });
  });
  return engine;
};
const names = (engine: SonaEngine) => engine.routes().map((route) => route.name);

describe('suggestRoutes', () => {
  it('ranks by the cosine with the embeddings before anything is learned', () => {
    const embeddings = Array.from({ length: 30 }, (_, i) => gaussian(DIM, 100 + i));
    const engine = make();
    embeddings.forEach((embedding, i) => {
      engine.addRoute(`r${i}`, { embedding });
    });
    const expected = embeddings
      .map((embedding, i) => ({ route: `r${i}`, score: cosine(query, embedding) }))
      .sort((a, b) => b.score - a.score);
    const mass = expected.reduce((sum, one) => sum + Math.exp(20 * one.score), 0);
    const { best, ranked, confidence, abstain, id } = engine.suggestRoutes(query, { k: 7 });
    expect(ranked.map(({ route }) => route)).toEqual(expected.slice(0, 7).map(({ route }) => route));
    ranked.forEach(({ score, probability, evidence }, i) => {
      const wanted = expected[i]?.score as number;
      expect(score).toBeCloseTo(wanted, 5);
      expect(probability).toBeCloseTo(Math.exp(20 * wanted) / mass, 4);
      expect(evidence).toEqual({ count: 0, avgQuality: 0 });
    });
    expect([best, confidence, abstain]).toEqual([ranked[0]?.route, ranked[0]?.probability, false]);
    expect(id).toMatch(/^s[0-9a-f]{16}-1$/);
  });

  it('gives 5 by default, and never more than there are', () => {
    const engine = make(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    expect(engine.suggestRoutes(query).ranked).toHaveLength(5);
    expect(engine.suggestRoutes(query, { k: 1 }).ranked).toHaveLength(1);
    expect(engine.suggestRoutes(query, { k: 10_000 }).ranked).toHaveLength(7);
  });

  it('numbers its answers, each differently', () => {
    const engine = make(['a']);
    const ids = Array.from({ length: 9 }, () => engine.suggestRoutes(query).id);
    expect(new Set(ids).size).toBe(9);
  });

  it('without routes says so', () => {
    const nothing = { best: null, ranked: [], confidence: 0, abstain: true };
    const engine = make();
    expect(engine.suggestRoutes(query)).toMatchObject(nothing);
    engine.addRoute('not ranked');
    expect(engine.suggestRoutes(query)).toMatchObject(nothing);
  });

  it('chooses among the eligible only', () => {
    const engine = make(['a', 'b', 'c']);
    const all = engine.suggestRoutes(query).ranked;
    const [first, second, third] = all.map(({ route }) => route) as [string, string, string];
    const some = engine.suggestRoutes(query, { eligible: [third, second, third] });
    expect(some.ranked.map(({ route }) => route)).toEqual([second, third]);
    expect(some.ranked.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
    expect(some.ranked[0]?.score).toBe(all[1]?.score);
    expect(engine.suggestRoutes(query, { eligible: [] })).toMatchObject({
      best: null,
      ranked: [],
      abstain: true,
    });
    expect(engine.suggestRoutes(query, { eligible: [first, second, third] }).ranked).toEqual(all);
  });

  it.each([
    [0, false],
    [0.3, false],
    [0.9, true],
    [1, true],
  ])('abstains when its confidence is below abstainBelow = %d', (abstainBelow, abstain) => {
    const engine = make(['a', 'b'], { abstainBelow });
    const middle = axis(DIM, 0).map((x, i) => x + (axis(DIM, 1)[i] as number));
    const suggestion = engine.suggestRoutes(middle);
    expect(suggestion.confidence).toBeCloseTo(0.5, 5);
    expect(suggestion.abstain).toBe(abstain);
    expect(suggestion.ranked).toHaveLength(2);
  });

  it('reports the evidence: how often, how good', () => {
    const engine = make(['a', 'b']);
    for (const quality of [1, 0, 0.5, 0.25]) outcome(engine, query, 'a', quality);
    const evidence = Object.fromEntries(
      engine.suggestRoutes(query).ranked.map((ranked) => [ranked.route, ranked.evidence]),
    );
    expect(evidence).toEqual({ a: { count: 4, avgQuality: 0.4375 }, b: { count: 0, avgQuality: 0 } });
    expect(engine.routes()).toMatchObject([
      { name: 'a', ranked: true, count: 4, avgQuality: 0.4375 },
      { name: 'b', ranked: true, count: 0, avgQuality: 0 },
    ]);
  });

  it('returns answers that later calls do not change', () => {
    const engine = make(['a', 'b']);
    const kept = engine.suggestRoutes(query);
    const copy = structuredClone(kept);
    outcome(engine, query, 'b', 1);
    engine.suggestRoutes(gaussian(DIM, 9));
    expect(kept).toEqual(copy);
  });
});

describe('a route without an embedding', () => {
  it('is ranked from its first query with quality >= .5, which becomes its prior', () => {
    const engine = make(['a'], { tiers: { micro: false } });
    engine.addRoute('new');
    outcome(engine, gaussian(DIM, 20), 'new', 0.49);
    expect(engine.routes()[1]).toEqual({
      name: 'new',
      ranked: false,
      count: 1,
      avgQuality: expect.closeTo(0.49, 3),
    });
    expect(engine.suggestRoutes(query).ranked.map(({ route }) => route)).toEqual(['a']);
    outcome(engine, query, 'new', 0.5);
    expect(engine.routes()[1]).toMatchObject({ ranked: true, count: 2 });
    expect(engine.suggestRoutes(query).best).toBe('new');
    expect(score(engine, query, 'new')).toBeGreaterThan(0.9);
  });

  it('comes into being when a trajectory that names it ends', () => {
    const engine = make();
    const told = engine.beginTrajectory(query).setRoute('unheard of');
    expect(names(engine)).toEqual([]);
    engine.endTrajectory(told, 1);
    expect(names(engine)).toEqual(['unheard of']);
    expect(engine.suggestRoutes(query)).toMatchObject({ best: 'unheard of', confidence: 1 });
  });
});

describe('addRoute of a known name', () => {
  it('replaces the prior and keeps what was learned', () => {
    const engine = make(['a', 'b'], { tiers: { micro: false } });
    outcome(engine, query, 'a', 1);
    const before = score(engine, axis(DIM, 5), 'a');
    engine.addRoute('a', { embedding: axis(DIM, 5) });
    expect(names(engine)).toEqual(['a', 'b']);
    expect(score(engine, axis(DIM, 5), 'a')).toBeGreaterThan(before + 0.5);
    expect(engine.routes()[0]).toMatchObject({ count: 1, avgQuality: 1 });
  });

  it('without an embedding changes nothing', () => {
    const engine = make(['a']);
    const before = engine.suggestRoutes(query).ranked;
    engine.addRoute('a');
    expect(engine.suggestRoutes(query).ranked).toEqual(before);
  });
});

describe('removeRoute', () => {
  it('takes the route out of every answer', async () => {
    const engine = make(['a', 'b', 'c']);
    engine.removeRoute('b');
    expect(names(engine)).toEqual(['a', 'c']);
    expect(engine.stats().routes).toBe(2);
    expect(
      engine
        .suggestRoutes(query, { k: 9 })
        .ranked.map(({ route }) => route)
        .sort(),
    ).toEqual(['a', 'c']);
    expect((await refusal(() => engine.suggestRoutes(query, { eligible: ['b'] }))).code).toBe(
      'SONA_UNKNOWN_ROUTE',
    );
  });

  it('and adding it again starts afresh', () => {
    const [engine, fresh] = [make(['a', 'b'], { tiers: { micro: false } }), make(['a', 'b'])];
    for (let n = 0; n < 9; n++) outcome(engine, near(query, 0.3, n), 'b', 1);
    expect(score(engine, query, 'b')).toBeGreaterThan(score(fresh, query, 'b') + 0.1);
    engine.removeRoute('b');
    engine.addRoute('b', { embedding: axis(DIM, 1) });
    expect(engine.suggestRoutes(query).ranked).toEqual(fresh.suggestRoutes(query).ranked);
    expect(engine.routes()).toEqual(fresh.routes());
  });

  it('does not mistake another route in its place for it', () => {
    const engine = make(['a', 'b'], { tiers: { micro: false } });
    const { id } = engine.suggestRoutes(query);
    const told = engine.beginTrajectory(query, { decision: id }).setRoute('b');
    for (let n = 0; n < 60; n++) outcome(engine, near(query, 0.3, n), 'b', 1);
    engine.removeRoute('b');
    engine.addRoute('c', { embedding: axis(DIM, 2) });
    engine.forceLearn();
    expect(engine.routes()).toMatchObject([{ name: 'a' }, { name: 'c', count: 0 }]);
    engine.endTrajectory(told, 1);
    expect(engine.routes()).toMatchObject([
      { name: 'a', count: 0 },
      { name: 'c', count: 0 },
      { name: 'b', count: 1, ranked: true },
    ]);
  });
});

describe('names', () => {
  it.each([
    'a',
    ' ',
    '__proto__',
    'constructor',
    'ü\u0000→🙂',
    'x'.repeat(10_000),
    '{"code":"SONA_CLOSED"}',
    '"\\\n',
  ])('may be anything: %j', (name) => {
    const engine = make();
    engine.addRoute(name, { embedding: query });
    expect(engine.suggestRoutes(query, { eligible: [name] }).best).toBe(name);
    outcome(engine, query, name, 1);
    expect(names(engine)).toEqual([name]);
    engine.removeRoute(name);
    expect(names(engine)).toEqual([]);
  });
});

describe('a route of several texts', () => {
  const texts = ['Where is my parcel?', 'My order has not arrived yet', 'Track a delivery'];

  it('starts at the mean of their directions', async () => {
    const engine = opened({ hiddenDim: 256 });
    engine.addRoute('delivery', { texts });
    await engine.addRouteAsync('again', { texts });
    engine.addRoute('one', { texts: ['Track a delivery'] });
    const embedder = builtin();
    const mean = new Float32Array(256);
    for (const text of texts)
      embedder.embedSync(text).forEach((x, i) => {
        mean[i] = (mean[i] as number) + x;
      });
    const scores = new Map(engine.suggestRoutes(mean).ranked.map(({ route, score }) => [route, score]));
    expect(scores.get('delivery')).toBeCloseTo(1, 5);
    expect(scores.get('again')).toBe(scores.get('delivery'));
    const [first] = engine.suggestRoutes('Track a delivery').ranked;
    expect(first).toMatchObject({ route: 'one', score: expect.closeTo(1, 5) });
  });

  it.each([
    [{ texts: [] }, 'SONA_INVALID_ARGUMENT', 'texts'],
    [{ texts: 'one' }, 'SONA_INVALID_ARGUMENT', 'texts'],
    [{ texts: ['one', 2] }, 'SONA_INVALID_ARGUMENT', 'texts[1]'],
    [{ texts: ['parcel', ' '] }, 'SONA_OUT_OF_RANGE', 'texts[1]'],
    [{ texts, text: 'one' }, 'SONA_INVALID_ARGUMENT', 'texts'],
    [{ texts: Array.from({ length: 1_001 }, () => 'one') }, 'SONA_OUT_OF_RANGE', 'texts'],
  ])('refuses %j, and adds nothing', async (options, code, argument) => {
    const engine = opened({ hiddenDim: 256 });
    expect(await refusal(() => engine.addRoute('new', options as never))).toMatchObject({
      code,
      details: { argument },
    });
    expect(engine.routes()).toEqual([]);
  });
});

describe('aliases', () => {
  const aliased = () => {
    const engine = make(['billing', 'support']);
    engine.addRoute('billing', { aliases: ['invoices', 'payments'] });
    return engine;
  };
  const aliasesOf = (engine: SonaEngine, route: string) =>
    engine.routes().find(({ name }) => name === route)?.aliases;

  it('name a route wherever it is named', () => {
    const engine = aliased();
    expect(names(engine)).toEqual(['billing', 'support']);
    expect(aliasesOf(engine, 'billing')).toEqual(['invoices', 'payments']);
    expect(aliasesOf(engine, 'support')).toBeUndefined();
    const { ranked, id } = engine.suggestRoutes(query, { eligible: ['invoices'] });
    expect(ranked.map(({ route }) => route)).toEqual(['billing']);
    engine.feedback(id, { quality: 1, route: 'payments' });
    engine.endTrajectory(engine.beginTrajectory(query).setRoute('invoices'), 1);
    expect(engine.routes().map(({ count }) => count)).toEqual([2, 0]);
    engine.removeRoute('payments');
    expect(names(engine)).toEqual(['support']);
  });

  it('are replaced as a whole, stay when nothing is said of them, and are free again afterwards', async () => {
    const engine = aliased();
    engine.addRoute('billing', { metadata: { team: 1 } });
    expect(aliasesOf(engine, 'billing')).toEqual(['invoices', 'payments']);
    engine.endTrajectory(engine.beginTrajectory(query).setRoute('payments'), 1);
    engine.addRoute('billing', { aliases: ['invoices', 'refunds'] });
    expect(await refusal(() => engine.suggestRoutes(query, { eligible: ['payments'] }))).toMatchObject({
      code: 'SONA_UNKNOWN_ROUTE',
    });
    engine.addRoute('support', { aliases: ['payments'] });
    expect(engine.suggestRoutes(query, { eligible: ['payments'] }).best).toBe('support');
    engine.endTrajectory(engine.beginTrajectory(query).setRoute('payments'), 1);
    expect(engine.routes().map(({ count }) => count)).toEqual([1, 1]);
    engine.removeRoute('billing');
    engine.addRoute('invoices', { embedding: axis(DIM, 5) });
    expect(names(engine)).toContain('invoices');
  });

  it('come back with the state', () => {
    const restored = keep(SonaEngine.restore(aliased().snapshot()));
    expect(aliasesOf(restored, 'billing')).toEqual(['invoices', 'payments']);
    expect(restored.suggestRoutes(query, { eligible: ['invoices'] }).best).toBe('billing');
  });

  it('that name another route are refused, and nothing changes', async () => {
    const engine = aliased();
    const before = engine.snapshot();
    const refused = (name: string, aliases: unknown) =>
      refusal(() => engine.addRoute(name, { embedding: axis(DIM, 7), aliases: aliases as string[] }));
    const taken = { code: 'SONA_INVALID_ARGUMENT', details: { argument: 'aliases[0]' } };
    expect(await refused('support', ['billing'])).toMatchObject(taken);
    expect(await refused('support', ['invoices'])).toMatchObject(taken);
    expect(await refused('support', ['support'])).toMatchObject(taken);
    expect(await refused('new', ['x', 'x'])).toMatchObject({ ...taken, details: { argument: 'aliases[1]' } });
    expect(await refused('new', [''])).toMatchObject({
      code: 'SONA_OUT_OF_RANGE',
      details: { argument: 'aliases[0]' },
    });
    expect(await refused('new', [3])).toMatchObject(taken);
    expect(await refused('new', 'x')).toMatchObject({ ...taken, details: { argument: 'aliases' } });
    expect(
      await refused(
        'new',
        Array.from({ length: 65 }, (_, n) => `a${n}`),
      ),
    ).toMatchObject({
      code: 'SONA_OUT_OF_RANGE',
      details: { argument: 'aliases' },
    });
    expect(await refused('invoices', [])).toMatchObject({
      code: 'SONA_INVALID_ARGUMENT',
      details: { argument: 'name' },
    });
    expect(engine.snapshot()).toEqual(before);
  });

  it('leave room for as many routes', async () => {
    const engine = make(['a']);
    engine.addRoute('a', { aliases: Array.from({ length: 64 }, (_, n) => `alias ${n}`) });
    for (let n = 1; n < 10_000; n++) engine.addRoute(`r${n}`);
    expect(await refusal(() => engine.addRoute('one more'))).toMatchObject({ code: 'SONA_OUT_OF_RANGE' });
  });
});
