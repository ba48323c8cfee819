// What a request may ask for beside a model: limits, sessions, tenants, a budget, or only to know.
import { describe, expect, it } from 'vitest';
import { Random } from '../../bench/lib/random.mts';
import type { BudgetInfeasibleEvent, SonaRouter } from '../../index.ts';
import { fixedClock } from '../../testing.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import {
  basis,
  bytes,
  expectations,
  models,
  NOON,
  numberOf,
  outlook,
  prompt,
  quality,
  teach,
} from '../support/routers.ts';

const make = routers();

/** What a call costs, by model. */
const costs: Record<string, number> = { coder: 0.004, poet: 0.0004, dull: 0.0001 };
const latencies: Record<string, number> = { coder: 2_000, poet: 500, dull: 100 };

function taught(config: Parameters<typeof make>[0] = {}): SonaRouter {
  const router = make(config);
  teach(router, 200, 1, undefined, (_, quality, { model }) => ({
    quality,
    costUsd: costs[model] ?? 0,
    latencyMs: latencies[model] ?? 0,
  }));
  return router;
}

const ranked = (router: SonaRouter, options: Parameters<SonaRouter['route']>[1]): string[] =>
  router
    .route(prompt(0, 1), options)
    .ranked.map(({ model }) => model)
    .sort();

describe('eligible', () => {
  it('are who may be chosen', () => {
    const router = taught();
    for (const eligible of [
      ['dull'],
      ['poet', 'dull'],
      ['dull', 'poet', 'dull'],
      ['coder', 'poet', 'dull'],
    ]) {
      expect(ranked(router, { eligible })).toEqual([...new Set(eligible)].sort());
    }
    const { candidates } = router.route(prompt(0, 1), { eligible: ['dull'] }).explain();
    expect(candidates.map(({ model, filters, propensity }) => [model, filters, propensity])).toEqual([
      ['dull', [], 1],
      ['coder', ['eligible'], 0],
      ['poet', ['eligible'], 0],
    ]);
  });

  it('are somebody', async () => {
    const router = taught();
    const before = bytes(router);
    const error = await refusal(() => router.route(prompt(0, 1), { eligible: [] }));
    expect(error).toMatchObject({
      code: 'SONA_NO_ELIGIBLE_MODEL',
      details: { filters: { coder: 'eligible', poet: 'eligible', dull: 'eligible' } },
    });
    expect(bytes(router)).toBe(before);
    const nobody = make({ models: [] });
    expect(nobody.models()).toEqual([]);
    expect((await refusal(() => nobody.route(prompt(0, 1)))).code).toBe('SONA_NO_ELIGIBLE_MODEL');
    nobody.addModel({ id: 'first' });
    expect(nobody.route(prompt(0, 1)).model).toBe('first');
  });
});

describe('a limit', () => {
  it('keeps out who is expected to be above it', () => {
    const router = taught();
    expect(ranked(router, { maxCostUsd: 0.001 })).toEqual(['dull', 'poet']);
    expect(ranked(router, { maxLatencyMs: 300 })).toEqual(['dull']);
    expect(ranked(router, { maxCostUsd: 1, maxLatencyMs: 1e9 })).toEqual(['coder', 'dull', 'poet']);
    const { candidates } = router.route(prompt(0, 1), { maxCostUsd: 0.001, maxLatencyMs: 300 }).explain();
    expect(Object.fromEntries(candidates.map(({ model, filters }) => [model, filters]))).toEqual({
      dull: [],
      poet: ['latency'],
      coder: ['cost', 'latency'],
    });
  });

  it('tells what stands in the way when nobody is left', async () => {
    const router = taught();
    const error = await refusal(() =>
      router.route(prompt(0, 1), { eligible: ['poet', 'coder'], maxCostUsd: 0.001, maxLatencyMs: 10 }),
    );
    expect(error.code).toBe('SONA_NO_ELIGIBLE_MODEL');
    expect(error.details).toEqual({
      filters: { coder: 'cost, latency', poet: 'latency', dull: 'eligible, latency' },
    });
    expect(error.message).toContain('poet (latency)');
  });

  it('of latency may hold for every request', () => {
    const router = taught({ objective: { maxLatencyMs: 1_000 } });
    teach(router, 100, 2, undefined, (_, quality, { model }) => ({
      quality,
      latencyMs: latencies[model] ?? 0,
    }));
    expect(ranked(router, {})).toEqual(['dull', 'poet']);
    expect(ranked(router, { maxLatencyMs: 300 })).toEqual(['dull']);
    expect(ranked(router, { maxLatencyMs: 9_000 })).toEqual(['dull', 'poet']);
  });

  it('sees the length of the prompt', () => {
    const router = make();
    const { candidates } = router.route(prompt(0, 1), { promptTokens: 100_000 }).explain();
    const cost = Object.fromEntries(candidates.map(({ model, expected }) => [model, expected.costUsd ?? 0]));
    // 100,000 tokens at 1 dollar per million
    expect(cost.coder).toBeGreaterThan(0.1);
    expect(ranked(router, { promptTokens: 100_000, maxCostUsd: 0.05 })).toEqual(['dull', 'poet']);
    expect(ranked(router, { promptTokens: 10, maxCostUsd: 0.05 })).toEqual(['coder', 'dull', 'poet']);
  });
});

describe('the objective', () => {
  it('weighs cost and latency against quality', () => {
    const share = (config: Parameters<typeof make>[0]) => {
      const router = taught(config);
      return router.stats().models.find(({ id }) => id === 'coder')?.decisions ?? 0;
    };
    const usual = share({});
    expect(usual).toBeGreaterThan(60);
    expect(share({ objective: { costWeight: 2 } })).toBeLessThan(usual / 2);
    expect(share({ objective: { latencyWeight: 3 } })).toBeLessThan(usual / 2);
  });

  it('is told in parts that sum to the score', () => {
    const router = taught({
      objective: { costWeight: 0.3, latencyWeight: 0.2, budgetUsdPerRequest: 0.001 },
    });
    for (const { candidates } of outlook(router, { tenant: 'a' }) as ReturnType<
      ReturnType<SonaRouter['route']>['explain']
    >[]) {
      for (const { score, parts } of candidates) {
        expect(score).toBeCloseTo(
          parts.quality + parts.optimism + parts.bonus - parts.cost - parts.latency,
          12,
        );
      }
    }
  });
});

describe('a budget', () => {
  it('is held', () => {
    const router = make({ objective: { budgetUsdPerRequest: 0.001 } });
    const random = new Random(3);
    const spent: number[] = [];
    for (let n = 0; n < 1_200; n++) {
      const { id, model } = router.route(prompt(n % 2, n));
      const usd = (costs[model] ?? 0) * (0.5 + random.uniform());
      router.feedback(id, { quality: quality(model, n % 2, random), costUsd: usd });
      spent.push(usd);
    }
    const mean = spent.slice(200).reduce((a, b) => a + b) / 1_000;
    expect(mean).toBeLessThan(0.001 * 1.01);
    expect(mean).toBeGreaterThan(0.001 * 0.8);
    expect(router.stats().budgetPrice).toBeGreaterThan(0);
    expect(router.stats().spendUsd).toBeGreaterThan(0);
  });

  it('that nobody can hold is told once, and the cheapest is chosen', () => {
    const router = make({
      objective: { budgetUsdPerRequest: 1e-6 },
      models: [
        { id: 'dear', prior: { costUsd: 0.1 } },
        { id: 'cheap', prior: { costUsd: 0.01 } },
      ],
    });
    const told: BudgetInfeasibleEvent[] = [];
    router.on('budgetInfeasible', (event) => told.push(event));
    expect(router.route(prompt(0, 1), { mode: 'observe' }).model).toBe('cheap');
    expect(told).toEqual([]);
    for (let n = 0; n < 20; n++) expect(router.route(prompt(0, n)).model).toBe('cheap');
    expect(told).toHaveLength(1);
    expect(told[0]?.budgetUsd).toBe(1e-6);
    expect(told[0]?.cheapestUsd).toBeGreaterThan(0.005);
  });
});

describe('a session', () => {
  it('stays with its model', () => {
    const router = taught({ exploration: 'thompson', propensityFloor: 0.3 });
    const first = router.route(prompt(0, 1), { sessionId: 'a' });
    for (let n = 0; n < 20; n++) {
      const next = router.route(prompt(n % 2, n), { sessionId: 'a' });
      expect([next.model, next.propensity, next.explain().reason]).toEqual([first.model, 1, 'session']);
    }
    const others = Array.from(
      { length: 20 },
      (_, n) => router.route(prompt(0, 1), { sessionId: `b${n}` }).model,
    );
    expect(new Set(others).size).toBeGreaterThan(1);
  });

  it('ends after sessionTtlMs without a request', () => {
    const clock = fixedClock(NOON);
    const router = taught({ now: clock.now, sessionTtlMs: 1_000 });
    const reason = () => router.route(prompt(0, 1), { sessionId: 'a' }).explain().reason;
    expect(reason()).toBe('policy');
    clock.advance(1_000);
    expect(reason()).toBe('session');
    clock.advance(1_001);
    expect(reason()).toBe('policy');
  });

  it('leaves a model that fails, or may not be chosen', () => {
    const router = taught();
    router.route(prompt(0, 1), { sessionId: 'a' });
    const second = router.route(prompt(0, 1), { sessionId: 'a', eligible: ['dull'] });
    expect([second.model, second.explain().reason]).toEqual(['dull', 'policy']);
    // it is the session's model now
    const third = router.route(prompt(0, 1), { sessionId: 'a' });
    expect(third.explain().reason).toBe('session');
    router.feedback(third.id, { error: true });
    expect(router.route(prompt(0, 1), { sessionId: 'a' }).explain().reason).toBe('policy');
    // what else is told of that call does not end it again
    router.feedback(third.id, { latencyMs: 5 });
    expect(router.route(prompt(0, 1), { sessionId: 'a' }).explain().reason).toBe('session');
  });

  it('is not touched by observing', () => {
    const router = taught();
    router.route(prompt(0, 1), { sessionId: 'a', eligible: ['dull'] });
    const observed = router.route(prompt(0, 1), { sessionId: 'a', mode: 'observe' });
    expect([observed.model, observed.explain().reason]).toEqual(['coder', 'policy']);
    expect(router.route(prompt(0, 1), { sessionId: 'a' }).model).toBe('dull');
  });
});

describe('a tenant', () => {
  it('has experience of its own, on top of what all have', () => {
    const router = make();
    // to the tenant b nothing is as good
    teach(
      router,
      600,
      1,
      (n) => ({ tenant: n % 3 === 0 ? 'b' : 'a' }),
      (n, quality) => ({ quality: n % 3 === 0 ? quality / 3 : quality }),
    );
    const [a, b, c] = ['a', 'b', 'c'].map((tenant) => expectations(router, { tenant })[0] ?? {});
    expect(b?.coder).toBeLessThan((a?.coder ?? 0) - 0.1);
    expect(c).toEqual(expectations(router)[0]);
    expect(router.stats().tenants).toBe(2);
    const { candidates } = router.route(prompt(0, 1), { tenant: 'b' }).explain();
    expect(candidates.find(({ model }) => model === 'coder')?.tenant).toBeLessThan(-0.05);
  });

  it('is given up when there are too many', () => {
    const router = make({ tenantCapacity: 2 });
    teach(router, 9, 1, (n) => ({ tenant: `t${n % 3}` }));
    expect(router.stats().tenants).toBe(2);
  });
});

describe('observing', () => {
  it('has an opposite, which is the default', () => {
    const [router, twin] = [taught(), taught()];
    router.route(prompt(0, 1), { sessionId: 'a', mode: 'apply' });
    twin.route(prompt(0, 1), { sessionId: 'a' });
    expect(bytes(router)).toBe(bytes(twin));
  });

  it('changes nothing but the log', () => {
    const config = { objective: { budgetUsdPerRequest: 0.001 }, exploration: 'thompson' } as const;
    const [router, twin] = [taught(config), taught(config)];
    router.addModel({ id: 'new' });
    twin.addModel({ id: 'new' });
    for (let n = 0; n < 9; n++) {
      const { id } = router.route(prompt(0, n), { mode: 'observe', sessionId: 'a', tenant: 'b' });
      expect(numberOf(id)).toBe(201 + n);
    }
    const [{ decisions, pending, ...own }, { decisions: _, pending: __, ...other }] = [
      router.stats(),
      twin.stats(),
    ];
    expect([decisions, pending]).toEqual([209, 209]);
    expect(own).toEqual(other);
    expect(outlook(router)).toEqual(outlook(twin));
    expect(
      [...router.exportLog({ since: 201 })].filter((line) => line.includes('"mode":"observe"')),
    ).toHaveLength(15);
  });

  it('shows the policy, without trials', () => {
    const router = taught();
    router.addModel({ id: 'new', prior: { quality: 0.1, weight: 1_000 } });
    const { ranked } = router.route(prompt(0, 1), { mode: 'observe' });
    expect(ranked.filter(({ propensity }) => propensity > 0)).toHaveLength(1);
    expect(router.route(prompt(0, 1)).ranked.filter(({ propensity }) => propensity > 0)).toHaveLength(2);
  });
});

describe('drift', () => {
  it.each([
    ['quality', 'worse'],
    ['cost', 'worse'],
    ['cost', 'better'],
    ['latency', 'worse'],
    ['availability', 'worse'],
  ] as const)('of %s is told: %s', (kind, direction) => {
    const told: unknown[] = [];
    const router = make({ models: [{ id: 'only' }], features: { basis } });
    router.on('drift', (event) => told.push(event));
    const random = new Random(8);
    for (let n = 0; n < 400; n++) {
      const { id } = router.route(prompt(0, n));
      const factor = n < 200 ? 1 : { worse: 4, better: 0.25 }[direction];
      const noise = Math.exp(0.2 * random.normal());
      // one of three calls fails
      if (kind === 'availability' && n >= 200 && n % 3 === 0) {
        router.feedback(id, { error: true });
        continue;
      }
      router.feedback(id, {
        quality: kind === 'quality' && n >= 200 ? 0.4 * random.uniform() : 0.5 + 0.4 * random.uniform(),
        costUsd: 0.001 * noise * (kind === 'cost' ? factor : 1),
        latencyMs: 300 * noise * (kind === 'latency' ? factor : 1),
      });
      if (n < 200) expect(told).toEqual([]);
    }
    expect(told).toContainEqual({ model: 'only', direction, kind });
    expect(new Set(told.map((event) => (event as { kind: string }).kind))).toEqual(new Set([kind]));
  });

  it('may be looked away from', () => {
    const told: unknown[] = [];
    const router = make({ models, driftDetection: false });
    router.on('drift', (event) => told.push(event));
    teach(router, 300, 1, undefined, (n, quality) => ({ quality: n < 150 ? quality : quality / 4 }));
    expect(told).toEqual([]);
  });
});
