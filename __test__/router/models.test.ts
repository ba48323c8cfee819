// Models come, go, and get new prices while the router runs.
import { describe, expect, it } from 'vitest';
import { type RouterModel, SonaRouter } from '../../index.ts';
import { routers } from '../support/fixture.ts';
import { bytes, expectations, models, prompt, teach } from '../support/routers.ts';

const make = routers();

function taught(config: Parameters<typeof make>[0] = {}): SonaRouter {
  const router = make(config);
  teach(router, 300);
  return router;
}

const expected = (router: SonaRouter, model: string, kind = 0) =>
  router
    .route(prompt(kind, 1), { mode: 'observe' })
    .explain()
    .candidates.find((candidate) => candidate.model === model);

const stats = (router: SonaRouter, id: string) => router.stats().models.find((model) => model.id === id);

describe('models', () => {
  it('are what was given', () => {
    const given: RouterModel[] = [
      { id: 'a', inputUsdPer1M: 1.25, outputUsdPer1M: 10, tags: ['x', 'y'] },
      {
        id: 'ü "quoted" \u{1f600}',
        prior: { quality: 0.5, costUsd: 0.001, latencyMs: 300, like: 'a', weight: 3 },
      },
      { id: '__proto__' },
    ];
    const router = make({ models: given });
    expect(router.models()).toEqual(given);
    expect(router.route(prompt(0, 1), { eligible: ['__proto__'] }).model).toBe('__proto__');
    expect(SonaRouter.restore(router.snapshot()).models()).toEqual(given);
  });

  it('may be expected to be good, dear or slow before any outcome', () => {
    const router = make({
      models: [
        { id: 'good', prior: { quality: 0.9, weight: 1_000 } },
        { id: 'bad', prior: { quality: 0.1, costUsd: 0.5, latencyMs: 700, weight: 1_000 } },
        { id: 'unknown' },
      ],
    });
    expect(expected(router, 'good')?.expected.quality).toBeGreaterThan(0.8);
    expect(expected(router, 'bad')?.expected.quality).toBeLessThan(0.2);
    expect(expected(router, 'unknown')?.expected).toMatchObject({
      quality: 0.5,
      costUsd: null,
      latencyMs: null,
    });
    // the mean of a log-normal distribution about them
    expect(expected(router, 'bad')?.expected.costUsd).toBeCloseTo(0.5, 0);
    expect((expected(router, 'bad')?.expected.latencyMs ?? 0) / 700).toBeCloseTo(1, 0);
  });

  it('cost what their prices say', () => {
    const router = make({
      models: [
        { id: 'a', inputUsdPer1M: 10 },
        { id: 'b', inputUsdPer1M: 1 },
        { id: 'free', inputUsdPer1M: 0 },
      ],
    });
    const [a, b, free] = ['a', 'b', 'free'].map((model) => expected(router, model)?.expected.costUsd ?? 0);
    expect((a ?? 0) / (b ?? 1)).toBeCloseTo(10, 9);
    expect(free).toBe(0);
  });
});

describe('addModel', () => {
  it('gives its trials, in every second decision at most', () => {
    const router = taught({ forcedTrials: 10 });
    router.addModel({ id: 'new', prior: { quality: 0.05, weight: 1_000 } });
    expect(stats(router, 'new')).toMatchObject({ decisions: 0, trialsLeft: 10 });
    const decisions = teach(router, 200, 2);
    const trials = decisions.filter((decision) => decision.explain().reason === 'trial');
    expect(trials).toHaveLength(10);
    expect(trials.every(({ model, propensity }) => model === 'new' && propensity >= 0.5)).toBe(true);
    expect(stats(router, 'new')).toMatchObject({ trialsLeft: 0 });
    const last = decisions.findLastIndex((decision) => decision.explain().reason === 'trial');
    expect(last).toBeGreaterThan(12);
    expect(decisions.slice(last + 1).every(({ model }) => model !== 'new')).toBe(true);
  });

  it('gives none when there are none', () => {
    const router = taught({ forcedTrials: 0 });
    router.addModel({ id: 'new', prior: { quality: 0.05, weight: 1_000 } });
    expect(teach(router, 50, 2).every(({ model }) => model !== 'new')).toBe(true);
  });

  it('finds a better model', () => {
    const router = taught();
    router.addModel({ id: 'best' });
    for (let n = 0; n < 200; n++) {
      const { id, model } = router.route(prompt(n % 2, 9_000 + n));
      router.feedback(id, { quality: model === 'best' ? 0.97 : 0.5 });
    }
    expect(router.route(prompt(0, 1)).model).toBe('best');
    expect(router.route(prompt(1, 1)).model).toBe('best');
  });

  it('starts as the sibling that it is like, or that has the most tags in common', () => {
    const router = make();
    // every model answers both kinds of prompts
    teach(router, 300, 1, (n) => ({ eligible: [['coder', 'poet', 'dull'][n % 3] as string] }));
    router.addModel({ id: 'stranger' });
    router.addModel({ id: 'coder-2', tags: ['code'] });
    router.addModel({ id: 'like', tags: ['prose'], prior: { like: 'coder' } });
    router.addModel({ id: 'firm', tags: ['code'], prior: { quality: 0.1, weight: 1_000 } });
    const [first] = expectations(router);
    const [second] = expectations(router).slice(1);
    const prefers = (model: string) => (first?.[model] ?? 0) - (second?.[model] ?? 0);
    for (const model of ['coder-2', 'like']) {
      expect(first?.[model]).toBeGreaterThan(first?.stranger ?? 1);
      // and prefers the same kind of prompts
      expect(prefers(model)).toBeGreaterThan(prefers('stranger') + 0.01);
      expect(first?.[model]).toBeLessThan(first?.coder ?? 0);
    }
    expect(first?.['coder-2']).toBe(first?.like);
    expect(first?.firm).toBeLessThan(0.35);
  });

  it('takes a weight for its prior', () => {
    const router = taught();
    router.addModel({ id: 'light', prior: { like: 'coder', weight: 1 } });
    router.addModel({ id: 'heavy', prior: { like: 'coder', weight: 100 } });
    const all = expectations(router);
    const apart = (model: string) =>
      Math.max(...all.map((expected) => Math.abs((expected[model] ?? 0) - (expected.coder ?? 1))));
    expect(apart('heavy')).toBeLessThan(apart('light'));
  });
});

describe('removeModel', () => {
  it('takes it out of decisions', async () => {
    const router = taught();
    router.removeModel('coder');
    expect(router.models().map(({ id }) => id)).toEqual(['poet', 'dull']);
    expect(
      router
        .route(prompt(0, 1))
        .ranked.map(({ model }) => model)
        .sort(),
    ).toEqual(['dull', 'poet']);
    expect(router.stats().models).toHaveLength(2);
  });

  it('still explains the decisions that were made before', () => {
    const router = taught();
    const decision = router.route(prompt(0, 1));
    const before = decision.explain();
    router.removeModel('coder');
    router.addModel({ id: 'another' });
    expect(decision.explain()).toEqual(before);
  });

  it('lets it come back with what it had learned, also meanwhile', () => {
    const [router, twin] = [taught(), taught()];
    const [open, same] = [router, twin].map((each) => each.route(prompt(0, 1), { eligible: ['coder'] }).id);
    const [gone, other] = [router, twin].map((each) => each.route(prompt(0, 2), { eligible: ['coder'] }).id);
    router.removeModel('coder');
    expect(router.feedback(gone as string, { quality: 0.6, costUsd: 0.01 })).toEqual({ applied: true });
    twin.feedback(other as string, { quality: 0.6 });
    router.addModel(models[0] as RouterModel);
    const close = () => {
      for (const [n, row] of expectations(router).entries()) {
        expect(row.coder).toBeCloseTo(expectations(twin)[n]?.coder ?? 0, 6);
      }
    };
    close();
    // what is told of a decision from before is of the one that came back
    router.feedback(open as string, { quality: 0.1, costUsd: 0.5, latencyMs: 10 });
    twin.feedback(same as string, { quality: 0.1, costUsd: 0.5, latencyMs: 10 });
    close();
    expect(stats(router, 'coder')).toMatchObject({ outcomes: stats(twin, 'coder')?.outcomes });
    router.feedback(open as string, { quality: 0.9, amend: true });
    twin.feedback(same as string, { quality: 0.9, amend: true });
    close();
    expect(stats(router, 'coder')?.availability).toBe(1);
  });

  it('leaves the last nobody to route to', () => {
    const router = make({ models: [{ id: 'only' }] });
    router.removeModel('only');
    expect(router.models()).toEqual([]);
    expect(() => router.route(prompt(0, 1))).toThrow('there are no models');
  });
});

describe('updatePrice', () => {
  it('changes what is expected at once', () => {
    const router = make();
    teach(router, 100, 1, undefined, (_, quality, { model }) => ({
      quality,
      costUsd: model === 'coder' ? 0.004 : 0.0004,
    }));
    const usd = () => expected(router, 'coder')?.expected.costUsd ?? 0;
    const before = usd();
    router.updatePrice('coder', { inputUsdPer1M: 0.1, outputUsdPer1M: 0.4 });
    expect(usd()).toBeCloseTo(before / 10, 12);
    expect(router.models()[0]).toMatchObject({ inputUsdPer1M: 0.1, outputUsdPer1M: 0.4 });
    router.updatePrice('coder', { outputUsdPer1M: 4 });
    expect(router.models()[0]).toMatchObject({ inputUsdPer1M: 0.1, outputUsdPer1M: 4 });
    const unchanged = bytes(router);
    router.updatePrice('coder', {});
    expect(bytes(router)).toBe(unchanged);
  });

  it('keeps what was paid when a price becomes known, also of outcomes that are corrected later', () => {
    const [router, twin] = [0, 1].map(() => make({ models: [{ id: 'a' }] })) as [SonaRouter, SonaRouter];
    const told = [router, twin].map((each) => {
      const { id } = each.route(prompt(0, 1));
      each.feedback(id, { costUsd: each === router ? 5 : 0.002 });
      for (const costUsd of [0.002, 0.003]) each.feedback(each.route(prompt(0, 1)).id, { costUsd });
      return id;
    });
    const before = expected(twin, 'a')?.expected.costUsd ?? 0;
    for (const each of [router, twin]) each.updatePrice('a', { inputUsdPer1M: 3 });
    expect(expected(twin, 'a')?.expected.costUsd).toBeGreaterThan(before / 3);
    expect(expected(twin, 'a')?.expected.costUsd).toBeLessThan(before * 3);
    router.feedback(told[0] as string, { costUsd: 0.002, amend: true });
    expect(expected(router, 'a')?.expected.costUsd).toBeCloseTo(
      expected(twin, 'a')?.expected.costUsd ?? 0,
      12,
    );
  });
});
