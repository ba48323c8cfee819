// How likely the chosen model is to be nearly as good as the best one, beside what would be so by other reckoning.
import { describe, expect, it } from 'vitest';
import { hash } from '../../embed.ts';
import { type RouterConfig, SonaRouter } from '../../index.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import { basis, DIM, models, prompt, teach } from '../support/routers.ts';

const make = routers();

const two = [{ id: 'a' }, { id: 'b' }];

/** Outcomes without noise, by turns. */
function tell(router: SonaRouter, qualities: Record<string, number>, times: number): void {
  for (let n = 0; n < times; n++) {
    for (const [model, quality] of Object.entries(qualities)) {
      const { id } = router.route(prompt(n % 2, n), { eligible: [model] });
      router.feedback(id, { quality });
    }
  }
}

describe('the confidence of a decision', () => {
  it('is that of the chosen model, and each ranked model has its own, as has the explanation', () => {
    const router = make();
    teach(router, 100);
    const decision = router.route(prompt(0, 1), { maxCostUsd: 1 });
    const explained = decision.explain();
    expect(decision.ranked).toHaveLength(3);
    for (const { model, confidence } of decision.ranked) {
      expect(confidence).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeLessThanOrEqual(1);
      if (model === decision.model) expect(decision.confidence).toBe(confidence);
      expect(explained.candidates.find((candidate) => candidate.model === model)?.confidence).toBe(
        confidence,
      );
    }
    // numbers of the moment of decision
    const before = decision.confidence;
    teach(router, 200, 2);
    expect(decision.explain().candidates.find(({ chosen }) => chosen)?.confidence).toBe(before);
  });

  it('is 1 for the only model that can be chosen, whatever the others are', () => {
    expect(make({ models: [{ id: 'only' }] }).route(prompt(0, 1)).confidence).toBe(1);
    const router = make();
    tell(router, { coder: 0.9, dull: 0.1 }, 50);
    const decision = router.route(prompt(0, 1), { eligible: ['dull'] });
    expect([decision.confidence, decision.ranked.length]).toEqual([1, 1]);
    const { candidates } = decision.explain();
    expect(candidates.map(({ model, confidence }) => [model, confidence]).sort()).toEqual([
      ['coder', null],
      ['dull', 1],
      ['poet', null],
    ]);
  });

  it('is a half for each of two of which nothing is known, and more the wider the margin', () => {
    const confidenceAt = (confidenceEpsilon: number) =>
      make({ models: two, confidenceEpsilon })
        .route(prompt(0, 1))
        .ranked.map(({ confidence }) => confidence);
    const margins = [0, 0.01, 0.05, 0.2, 0.5, 0.999];
    const all = margins.map(confidenceAt);
    for (const [first, second] of all) expect(first).toBe(second);
    const firsts = all.map(([first]) => first as number);
    expect(firsts[0]).toBeCloseTo(0.5, 4);
    expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    expect(new Set(firsts).size).toBe(margins.length);
    expect(confidenceAt(1)).toEqual([1, 1]);
    // the default
    const usual = make({ models: two }).route(prompt(0, 1));
    expect(usual.confidence).toBe(all[2]?.[0]);
    expect(usual.confidence).toBeGreaterThan(0.5);
    expect(usual.confidence).toBeLessThan(0.75);
  });

  it('is near 1 for one that is clearly the best after many outcomes, and near 0 for the others', () => {
    const router = make({ models: two });
    const before = router.route(prompt(0, 1), { mode: 'observe' }).confidence;
    tell(router, { a: 0.9, b: 0.3 }, 150);
    const { model, confidence, ranked } = router.route(prompt(0, 1));
    expect(model).toBe('a');
    expect(before).toBeLessThan(0.75);
    expect(confidence).toBeGreaterThan(0.98);
    expect(ranked.find((other) => other.model === 'b')?.confidence).toBeLessThan(0.02);
  });

  it('is near 1 for all where they are alike and much is known, but with no margin still a half', () => {
    const alike = (confidenceEpsilon: number) => {
      const router = make({ models: two, confidenceEpsilon });
      tell(router, { a: 0.6, b: 0.6 }, 300);
      return router.route(prompt(0, 1)).ranked.map(({ confidence }) => confidence);
    };
    for (const confidence of alike(0.1)) expect(confidence).toBeGreaterThan(0.95);
    for (const confidence of alike(0)) expect(Math.abs(confidence - 0.5)).toBeLessThan(0.2);
  });

  it('is of quality alone: a model that is chosen for its price is known to be worse', () => {
    const qualities = { coder: 0.9, poet: 0.3 };
    const dear = { objective: { costWeight: 10 } } satisfies Partial<RouterConfig>;
    const [plain, cheap] = [{}, dear].map((config) => {
      const router = make({ models: models.slice(0, 2), ...config });
      tell(router, qualities, 100);
      return router.route(prompt(0, 1));
    });
    expect([plain?.model, cheap?.model]).toEqual(['coder', 'poet']);
    expect(plain?.confidence).toBeGreaterThan(0.95);
    expect(cheap?.confidence).toBeLessThan(0.05);
    // what was learned is the same
    expect(cheap?.ranked.find(({ model }) => model === 'coder')?.confidence).toBeCloseTo(
      plain?.confidence as number,
      2,
    );
  });

  it('is known less without the prompt where it decides', () => {
    const router = make({ models: models.slice(0, 2), embedder: hash({ dim: DIM }) });
    for (let n = 0; n < 200; n++) {
      for (const [model, good] of [
        ['coder', 0],
        ['poet', 1],
      ] as const) {
        const { id } = router.route(prompt(n % 2, n), { eligible: [model] });
        router.feedback(id, { quality: n % 2 === good ? 0.9 : 0.2 });
      }
    }
    const [of, without] = [router.route(prompt(0, 1)), router.route('')];
    expect(without.fallback?.reason).toBe('empty');
    expect(of.confidence).toBeGreaterThan(0.9);
    expect(without.confidence).toBeLessThan(0.8);
  });

  it('is there for many models, and of a restored router the same', () => {
    const router = make({ models: Array.from({ length: 200 }, (_, n) => ({ id: `m${n}` })) });
    teach(router, 300);
    const { ranked } = router.route(prompt(0, 1), { mode: 'observe' });
    expect(ranked).toHaveLength(200);
    expect(ranked.every(({ confidence }) => confidence >= 0 && confidence <= 1)).toBe(true);
    const again = SonaRouter.restore(router.snapshot());
    expect(again.route(prompt(0, 1), { mode: 'observe' }).ranked).toEqual(ranked);
  });
});

describe('confidenceEpsilon', () => {
  it.each([-0.01, 1.01, Number.NaN, Infinity, '0.05', null])(
    'is refused as %s',
    async (confidenceEpsilon) => {
      const config = { models: two, features: { basis }, confidenceEpsilon } as unknown as RouterConfig;
      expect(await refusal(() => new SonaRouter(config))).toMatchObject({
        code: 'SONA_INVALID_CONFIG',
        details: { argument: 'confidenceEpsilon' },
      });
    },
  );

  it('goes with the state', () => {
    const router = make({ models: two, confidenceEpsilon: 0.3 });
    const { confidence } = router.route(prompt(0, 1), { mode: 'observe' });
    const restored = SonaRouter.restore(router.snapshot());
    expect(restored.route(prompt(0, 1), { mode: 'observe' }).confidence).toBe(confidence);
  });
});
