// Hundreds of models, and what the parts of a router take.
import { describe, expect, it } from 'vitest';
import type { RouterMemory, SonaRouter } from '../../index.ts';
import { routers } from '../support/fixture.ts';
import { prompt, teach } from '../support/routers.ts';

const make = routers();

/** A router of many models, each told of once. */
function wide(count: number): SonaRouter {
  const router = make({
    exploration: 'thompson',
    models: Array.from({ length: count }, (_, n) => ({ id: `m${n}` })),
  });
  for (let n = 0; n < count; n++) {
    router.feedback(router.route(prompt(n % 2, n), { eligible: [`m${n}`] }).id, { quality: (n % 100) / 100 });
  }
  return router;
}

describe('thompson', () => {
  it.each([2, 8, 63, 64, 65, 400, 1_000])(
    'has propensities of %i models that sum to 1, and are what is drawn',
    (count) => {
      const router = wide(count);
      const { ranked, model, propensity } = router.route(prompt(0, 1));
      expect(ranked.reduce((sum, each) => sum + each.propensity, 0)).toBeCloseTo(1, 9);
      expect(propensity).toBeGreaterThan(0);
      expect(ranked.find((each) => each.model === model)?.propensity).toBe(propensity);
      expect(ranked.every((each) => each.propensity >= 0)).toBe(true);
    },
  );
});

describe('memory', () => {
  const total = (memory: RouterMemory) => Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);

  it('says how many bytes each part takes', () => {
    const { decisions, prompts, posteriors, sums, tenants, sessions, basis, ...rest } = make().memory();
    expect(rest).toEqual({});
    for (const bytes of [decisions, prompts, posteriors, sums, tenants, sessions, basis]) {
      expect(Number.isInteger(bytes)).toBe(true);
      expect(bytes).toBeGreaterThanOrEqual(0);
    }
    expect(posteriors).toBeGreaterThan(1_000);
    expect(basis).toBeGreaterThan(100);
  });

  it.each<[keyof RouterMemory, (router: SonaRouter) => unknown]>([
    ['decisions', (router) => teach(router, 500)],
    ['posteriors', (router) => router.addModel({ id: 'another' })],
    ['sums', (router) => teachAndMerge(router)],
    ['tenants', (router) => teach(router, 40, 1, (n) => ({ tenant: `t${n}` }))],
    ['sessions', (router) => teach(router, 40, 1, (n) => ({ sessionId: `s${n}` }))],
  ])('grows with its %s', (part, use) => {
    const router = make();
    const before = router.memory();
    use(router);
    const after = router.memory();
    expect(after[part]).toBeGreaterThan(before[part]);
    expect(total(after)).toBeGreaterThan(total(before));
  });

  const teachAndMerge = (router: SonaRouter) => {
    const other = make({ origin: 'there' });
    teach(other, 20);
    router.merge(other.snapshot());
  };

  it('grows with prompts while a basis is to be fitted', () => {
    const router = make({ features: { dim: 8 } });
    const { prompts } = router.memory();
    teach(router, 100);
    expect(router.memory().prompts).toBeGreaterThan(prompts + 100 * 8 * 4 - 1);
  });

  it('has bounds: of decisions by their capacity, of tenants by theirs', () => {
    const router = make({ pendingCapacity: 100, tenantCapacity: 5 });
    const options = (n: number) => ({ tenant: `tenant ${n}` });
    teach(router, 300, 1, options);
    const before = router.memory();
    teach(router, 2_000, 2, options);
    const after = router.memory();
    expect(after.decisions).toBeLessThan(1.5 * before.decisions);
    expect(after.tenants).toBeLessThan(1.5 * before.tenants);
  });

  it('of a decision does not grow with the models that were not asked for', () => {
    const perDecision = (count: number) => {
      const router = make({ models: Array.from({ length: count }, (_, n) => ({ id: `m${n}` })) });
      const before = router.memory().decisions;
      for (let n = 0; n < 300; n++) router.route(prompt(n % 2, n), { eligible: ['m0', 'm1'] });
      return (router.memory().decisions - before) / 300;
    };
    expect(perDecision(500)).toBeLessThan(1.5 * perDecision(5));
  });
});
