// The router learns which model does well on which prompts, from one outcome per decision.
import { describe, expect, it } from 'vitest';
import { type Exploration, fitBasis, SonaRouter } from '../../index.ts';
import { routers } from '../support/fixture.ts';
import {
  anonymous,
  basis,
  DIM,
  models,
  numberOf,
  outlook,
  prompt,
  teach,
  worth,
} from '../support/routers.ts';
import { gaussian, kinds, near } from '../support/vectors.ts';

const make = routers();

/** Share of fresh prompts for which the better model is chosen, of the two that are good at something. */
function share(router: SonaRouter, count = 200): number {
  let right = 0;
  for (let n = 0; n < count; n++) {
    const { model } = router.route(prompt(n % 2, 50_000 + n), {
      mode: 'observe',
      eligible: ['coder', 'poet'],
    });
    if (model === (n % 2 === 0 ? 'coder' : 'poet')) right++;
  }
  return right / count;
}

describe('learning', () => {
  it.each(['ucb', 'thompson', 'igw', 'greedy'] as Exploration[])(
    'sends each prompt to its model (%s)',
    (exploration) => {
      const router = make({ exploration });
      expect(share(router)).toBeLessThan(0.7);
      teach(router, 400);
      expect(share(router)).toBeGreaterThan(0.85);
    },
  );

  it('expects what came', () => {
    const router = make();
    teach(router, 2_000);
    for (const kind of [0, 1]) {
      const { model, expected } = router.route(prompt(kind, 4_242));
      expect(Math.abs(expected.quality - worth(model, kind))).toBeLessThan(0.1);
      expect(expected.interval[0]).toBeLessThan(expected.quality);
      expect(expected.interval[1]).toBeGreaterThan(expected.quality);
    }
  });

  it('fits a basis of its own and learns everything anew on it', async () => {
    for (const background of ['auto', 'manual'] as const) {
      const router = new SonaRouter({ models, features: { dim: DIM }, background });
      const fitted: unknown[] = [];
      router.on('basis', (event) => fitted.push(event));
      teach(router, 499);
      expect([fitted, router.stats().basis.fitting]).toEqual([[], true]);
      teach(router, 1, 2);
      await router.settled();
      expect(fitted).toEqual([{ id: 'auto-500', prompts: 500 }]);
      expect(router.stats()).toMatchObject({ basis: { id: 'auto-500', fitting: true }, learned: 500 });
      expect(share(router)).toBeGreaterThan(0.85);
      await router.close();
    }
  });

  it('takes the basis that ships', () => {
    const router = new SonaRouter({ models, features: { basis: 'minilm' } });
    const [code, prose] = [gaussian(384, 1), gaussian(384, 2)];
    for (let n = 0; n < 300; n++) {
      const d = router.route(near(n % 2 === 0 ? code : prose, 8, n));
      router.feedback(d.id, { quality: worth(d.model, n % 2) });
    }
    expect(router.route(near(code, 8, 900)).model).toBe('coder');
    expect(router.route(near(prose, 8, 901)).model).toBe('poet');
    expect(router.stats().basis.id).toBe('minilm');
  });

  it('takes the features of the basis that it was given', () => {
    expect(make().basis()).toEqual(basis);
    const other = fitBasis(
      Array.from({ length: 200 }, (_, n) => gaussian(DIM, n)),
      { id: 'other' },
    );
    const router = new SonaRouter({ models, features: { basis: other } });
    expect(router.stats().basis).toEqual({ id: 'other', hash: other.hash, fitting: false });
  });

  it('repeats with its seed', () => {
    const run = (seed: number) => {
      const router = make({ exploration: 'thompson', propensityFloor: 0.1, seed });
      return teach(router, 100).map(({ model }) => model);
    };
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });
});

describe('a decision', () => {
  it('is the same for every kind of vector', () => {
    const numbers = Array.from(prompt(0, 5));
    const seen = kinds.map(([, kind]) => {
      const router = make();
      teach(router, 40);
      return anonymous(router.route(kind(numbers)));
    });
    for (const decision of seen) expect(decision).toEqual(seen[0]);
  });

  it('is plain data', () => {
    const router = make();
    teach(router, 40);
    const decision = router.route(prompt(0, 5));
    expect(Object.keys(decision)).toEqual([
      ...['id', 'model', 'settings', 'ranked', 'propensity', 'confidence', 'expected', 'limits', 'fallback'],
    ]);
    expect(JSON.parse(JSON.stringify(decision))).toEqual({ ...decision });
    expect(numberOf(decision.id)).toBe(41);
    expect(decision.ranked.map(({ model }) => model).sort()).toEqual(['coder', 'dull', 'poet']);
    const scores = decision.ranked.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    const chosen = decision.ranked.find(({ model }) => model === decision.model);
    expect(decision.propensity).toBe(chosen?.propensity);
    const { quality, costUsd, latencyMs } = decision.expected;
    expect({ quality, costUsd, latencyMs }).toEqual({
      quality: chosen?.quality,
      costUsd: chosen?.costUsd,
      latencyMs: null,
    });
  });

  it.each(['ucb', 'thompson', 'igw', 'greedy'] as Exploration[])(
    'has propensities that sum to 1 (%s)',
    (exploration) => {
      for (const propensityFloor of [0, 0.05, 0.5]) {
        const router = make({ exploration, propensityFloor });
        router.addModel({ id: 'new' });
        for (const { ranked, model, propensity } of teach(router, 60, 3, (n) =>
          n % 5 === 0 ? { sessionId: 'a' } : {},
        )) {
          const sum = ranked.reduce((total, candidate) => total + candidate.propensity, 0);
          expect(Math.abs(sum - 1)).toBeLessThan(1e-9);
          expect(propensity).toBeGreaterThan(0);
          expect(ranked.find((candidate) => candidate.model === model)?.propensity).toBe(propensity);
        }
        for (const { propensity } of router.route(prompt(0, 1)).ranked) {
          expect(propensity).toBeGreaterThanOrEqual(Math.min(propensityFloor, 1 / 4) - 1e-12);
        }
      }
    },
  );

  it('is drawn as often as its propensity says', () => {
    const router = make({ exploration: 'thompson', propensityFloor: 0.05, pendingCapacity: 10 });
    teach(router, 30);
    const { ranked } = router.route(prompt(0, 1), { mode: 'observe' });
    const draws = 20_000;
    const counts = new Map<string, number>();
    for (let n = 0; n < draws; n++) {
      const { model } = router.route(prompt(0, 1), { mode: 'observe' });
      counts.set(model, (counts.get(model) ?? 0) + 1);
    }
    let chi = 0;
    for (const { model, propensity } of ranked) {
      const expected = draws * propensity;
      chi += ((counts.get(model) ?? 0) - expected) ** 2 / expected;
    }
    // the 99.99 % point for 2 degrees of freedom
    expect(chi).toBeLessThan(18.4);
  });
});

describe('warmStart', () => {
  it('teaches as outcomes do', () => {
    const router = make();
    const rows = Array.from({ length: 400 }, (_, n) => {
      const model = models[n % 3]?.id ?? '';
      const kind = Math.floor(n / 3) % 2;
      return { vector: prompt(kind, n), model, quality: worth(model, kind) };
    });
    expect(router.warmStart(rows)).toBe(400);
    expect(share(router)).toBeGreaterThan(0.95);
    expect(router.stats()).toMatchObject({ learned: 400, decisions: 200 });
  });

  it('counts a row for its weight', () => {
    const [once, twice] = [make(), make()];
    const row = { vector: prompt(0, 1), model: 'poet', quality: 0.9 };
    once.warmStart([{ ...row, weight: 5 }]);
    twice.warmStart([row]);
    expect(once.stats().models[1]?.outcomes).toBe(5);
    expect(twice.stats().models[1]?.outcomes).toBe(1);
  });

  it('takes more rows than cross at a time, and the same one twice', () => {
    const router = make();
    const row = { vector: Array.from(prompt(0, 1)), model: 'poet', quality: 0.5 };
    expect(router.warmStart(new Array(9_000).fill(row))).toBe(9_000);
    expect(router.stats().models[1]?.outcomes).toBe(9_000);
    expect(router.warmStart([])).toBe(0);
  });

  it('makes the basis that is due', async () => {
    for (const background of ['auto', 'manual'] as const) {
      const router = new SonaRouter({ models, features: { dim: DIM }, background });
      router.warmStart(
        Array.from({ length: 600 }, (_, n) => ({ vector: prompt(n % 2, n), model: 'poet', quality: 0.5 })),
      );
      await router.settled();
      expect(router.stats().basis.id).toBe('auto-600');
      await router.close();
    }
  });
});

it('answers for a thousand models', () => {
  const many = Array.from({ length: 1_000 }, (_, n) => ({ id: `model ${n}`, inputUsdPer1M: n }));
  const router = make({ models: many });
  const decision = router.route(prompt(0, 1));
  expect(decision.ranked).toHaveLength(1_000);
  expect(router.feedback(decision.id, { quality: 1 })).toEqual({ applied: true });
  expect(decision.explain().candidates).toHaveLength(1_000);
  expect(outlook(router)).toHaveLength(6);
  expect(router.models()).toEqual(many);
});
