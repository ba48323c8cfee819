// What a model costs and how long it takes is expected as it was told, though some of it is nothing, rare or large.
import { describe, expect, it } from 'vitest';
import { Random } from '../../bench/lib/random.mts';
import { type DecisionId, SonaRouter } from '../../index.ts';
import { routers } from '../support/fixture.ts';
import { bytes, NOON, prompt } from '../support/routers.ts';

const make = routers();
const only = { models: [{ id: 'm' }] };

/** Tells a router of one model amounts, and gives their mean and what is expected. */
function told(
  part: 'costUsd' | 'latencyMs',
  times: number,
  amount: (n: number, random: Random) => number,
): { mean: number; expected: number; asked: number } {
  const router = make(only);
  const random = new Random(5);
  let sum = 0;
  for (let n = 0; n < times; n++) {
    const value = amount(n, random);
    sum += value;
    router.feedback(router.route(prompt(n % 2, n)).id, { quality: 0.5, [part]: value });
  }
  const { expected } = router.route(prompt(0, 1), { mode: 'observe' });
  return {
    mean: sum / times,
    expected: router.stats().models[0]?.[part] as number,
    asked: expected[part] as number,
  };
}

describe('expected cost', () => {
  it.each<[string, (n: number, random: Random) => number]>([
    ['1 % free, else 0.02', (_, random) => (random.uniform() < 0.01 ? 0 : 0.02)],
    ['half free, else 0.02', (_, random) => (random.uniform() < 0.5 ? 0 : 0.02)],
    ['half free, by turns', (n) => (n % 2 ? 0 : 0.02)],
    ['95 % free, else 0.3', (_, random) => (random.uniform() < 0.95 ? 0 : 0.3)],
    ['5 % at 0.50, else 0.001', (_, random) => (random.uniform() < 0.05 ? 0.5 : 0.001)],
    ['1 % at 1.00, else 0.0001', (_, random) => (random.uniform() < 0.01 ? 1 : 0.0001)],
    ['30 % at 0.01, else 0.002', (_, random) => (random.uniform() < 0.3 ? 0.01 : 0.002)],
    ['from 0.001 to 0.003', (_, random) => 0.001 + 0.002 * random.uniform()],
    ['always 1e-9', () => 1e-9],
  ])('follows the mean: %s', (_, cost) => {
    for (const times of [500, 2_000]) {
      const { mean, expected, asked } = told('costUsd', times, cost);
      for (const value of [expected, asked]) {
        expect(value / mean).toBeGreaterThan(0.8);
        expect(value / mean).toBeLessThan(1.25);
      }
    }
  });

  it('of what is always free is nothing', () => {
    const { expected, asked } = told('costUsd', 300, () => 0);
    expect(Math.max(expected, asked)).toBeLessThan(1e-5);
  });

  it('of a model that is free now and then does not rule it out', () => {
    const router = new SonaRouter({ models: [{ id: 'large' }, { id: 'small' }], now: () => NOON });
    const random = new Random(3);
    for (let n = 0; n < 1_000; n++) {
      const { id, model } = router.route('a prompt');
      const large = model === 'large';
      const dear = random.uniform() < 0.01 ? 0 : 0.02;
      router.feedback(id, { quality: large ? 0.9 : 0.2, costUsd: large ? dear : 0.001 });
    }
    expect(router.route('a prompt', { maxCostUsd: 0.05 }).model).toBe('large');
    expect(router.route('a prompt', { maxCostUsd: 0.01 }).model).toBe('small');
  });
});

describe('expected latency', () => {
  it.each<[string, (n: number) => number]>([
    ['1 % in 0 ms, else 3,000', (n) => (n % 100 ? 3_000 : 0)],
    ['10 % in 0 ms, else 3,000', (n) => (n % 10 ? 3_000 : 0)],
    ['10 % in 1 ms, else 3,000', (n) => (n % 10 ? 3_000 : 1)],
    ['2 % in 60 s, else 200', (n) => (n % 50 ? 200 : 60_000)],
  ])('follows the mean: %s', (_, latency) => {
    for (const times of [500, 2_000]) {
      const { mean, expected, asked } = told('latencyMs', times, latency);
      for (const value of [expected, asked]) {
        expect(value / mean).toBeGreaterThan(0.8);
        expect(value / mean).toBeLessThan(1.25);
      }
    }
  });
});

describe('prices', () => {
  it('a free model is free', () => {
    const router = make({ models: [{ id: 'free', inputUsdPer1M: 0, outputUsdPer1M: 0 }, { id: 'other' }] });
    const cost = () =>
      router.route(prompt(0, 1), { mode: 'observe' }).ranked.find(({ model }) => model === 'free');
    expect(cost()?.costUsd).toBe(0);
    for (let n = 0; n < 50; n++)
      router.feedback(router.route(prompt(0, n), { eligible: ['free'] }).id, { costUsd: 0 });
    expect(cost()?.costUsd).toBeLessThan(1e-9);
    expect(router.route(prompt(0, 1), { eligible: ['free'], maxCostUsd: 0 }).model).toBe('free');
  });

  it('a cost is divided by the price of its decision', () => {
    const price = (usd: number) => ({ inputUsdPer1M: usd, outputUsdPer1M: usd });
    const [late, early] = [0, 1].map(() => make({ models: [{ id: 'm', ...price(1) }] })) as [
      SonaRouter,
      SonaRouter,
    ];
    const ids = [late, early].map((router) =>
      Array.from({ length: 30 }, (_, n) => router.route(prompt(0, n), { promptTokens: 1_000 }).id),
    ) as [DecisionId[], DecisionId[]];
    for (const id of ids[1]) early.feedback(id, { costUsd: 0.002 });
    for (const router of [late, early]) router.updatePrice('m', price(10));
    for (const id of ids[0]) late.feedback(id, { costUsd: 0.002 });
    const expected = [late, early].map(
      (router) =>
        router.route(prompt(0, 1), { mode: 'observe', promptTokens: 1_000 }).expected.costUsd as number,
    ) as [number, number];
    expect(expected[0]).toBeCloseTo(expected[1], 9);
    expect(expected[0] / 0.02).toBeGreaterThan(0.9);
    expect(expected[0] / 0.02).toBeLessThan(1.1);
  });

  it('a token count of 0 explodes nothing', () => {
    const router = make();
    for (let n = 0; n < 100; n++) {
      const { id } = router.route(prompt(n % 2, n), { promptTokens: n % 3 ? 1_000 : 0 });
      router.feedback(id, { quality: 0.5, costUsd: 0.001, latencyMs: 500 });
    }
    for (const promptTokens of [0, 1, 1_000]) {
      for (const { costUsd, latencyMs } of router.route(prompt(0, 1), { mode: 'observe', promptTokens })
        .ranked) {
        expect(costUsd).toBeLessThan(0.01);
        expect(latencyMs ?? 500).toBeLessThan(5_000);
      }
    }
  });
});

it.each([0, 1, 8_000, 100_000])(
  'prompts that all have %i tokens make a state that restores',
  (promptTokens) => {
    const router = make({ ...only, features: { dim: 8 }, pendingCapacity: 10 });
    for (let n = 0; n < 4_100; n++) {
      const { id } = router.route(prompt(0, 1), { promptTokens });
      router.feedback(id, { latencyMs: 900, costUsd: 0.002 });
    }
    const copy = SonaRouter.restore(router.snapshot(), { now: () => NOON });
    expect(bytes(copy)).toBe(bytes(router));
    expect(router.route(prompt(0, 1), { promptTokens }).expected.latencyMs).toBeCloseTo(900, 3);
  },
);
