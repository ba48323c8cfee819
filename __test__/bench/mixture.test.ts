// Mixtures of two fixed models and the gap that is recovered, by hand; and how verdicts are made of them.
import { describe, expect, it } from 'vitest';
import { sourcesWithout, unseenByShipped } from '../../bench/lib/corpus.mts';
import { minilm } from '../../bench/lib/vectors.mts';
import { against, decisiveFor, leastRegret, notWorse, streamVerdicts } from '../../bench/routing/bars.mts';
import {
  bestMixture,
  ends,
  evenBudgets,
  gapRecovered,
  mixtureFor,
  withCosts,
} from '../../bench/routing/mixture.mts';
import type { Row } from '../../bench/routing/protocol.mts';

// the one in the middle lies above the line between the others, the last one under it
const means = { costs: [1, 3, 11, 5], qualities: [0.5, 0.8, 0.9, 0.7] };

describe('the best mixture of two fixed models', () => {
  it.each([
    [1, 0.5],
    [2, 0.65],
    [3, 0.8],
    [7, 0.85],
    [11, 0.9],
    [100, 0.9],
  ])('has for %s USD a quality of %s', (budget, quality) => {
    expect(bestMixture(means, budget)).toBeCloseTo(quality, 12);
  });

  it('is none where no model is cheap enough, but who spent less is held to the cheapest model', () => {
    expect(bestMixture(means, 0.5)).toBeNaN();
    expect(mixtureFor(means, 0.5)).toBe(0.5);
    expect(mixtureFor(means, 2)).toBeCloseTo(0.65, 12);
  });

  it('leaves a dear model out that is no better', () => {
    expect(bestMixture({ costs: [1, 4], qualities: [0.6, 0.4] }, 4)).toBe(0.6);
  });
});

describe('the gap recovered', () => {
  it('goes from the cheapest model to the best', () => {
    expect(ends(means)).toEqual({ weak: 0, strong: 2 });
    expect(gapRecovered(0.5, 0.5, 0.9)).toBe(0);
    expect(gapRecovered(0.8, 0.5, 0.9)).toBeCloseTo(0.75, 12);
    expect(gapRecovered(0.9, 0.5, 0.9)).toBe(1);
  });

  it('is not there where the cheapest model is the best', () => {
    expect(ends({ costs: [1, 2], qualities: [0.9, 0.5] })).toBeUndefined();
  });

  it('is averaged over even parts: one half for random calls to the two models', () => {
    const budgets = evenBudgets(1, 11, 5);
    expect(budgets).toEqual([2, 4, 6, 8, 10]);
    const two = { costs: [1, 11], qualities: [0.5, 0.9] };
    const shares = budgets.map((usd) => gapRecovered(bestMixture(two, usd), 0.5, 0.9));
    expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeCloseTo(0.5, 12);
  });
});

describe('models without costs', () => {
  it('are left out of budgets, whole columns at a time', () => {
    const cells = (...values: number[]) => Float64Array.from(values);
    const stream = {
      name: 'known',
      set: 'known',
      by: minilm,
      dim: 2,
      models: ['a', 'b', 'c'],
      vectors: [new Float32Array(2), new Float32Array(2)],
      utility: cells(1, 2, 3, 4, 5, 6),
      quality: cells(1, 2, 3, 4, 5, 6),
      cost: cells(10, 20, 30, 40, Number.NaN, 60),
    };
    const cut = withCosts(stream);
    expect(cut.models).toEqual(['a', 'c']);
    expect(cut.quality).toEqual(cells(1, 3, 4, 6));
    expect(cut.cost).toEqual(cells(10, 30, 40, 60));
    expect(withCosts(cut)).toBe(cut);
  });
});

const rowOf = (policy: string, regrets: number[], set = 'known'): Row => ({
  set,
  policy,
  rounds: 5000,
  seeds: regrets.length,
  regret: { mean: regrets.reduce((sum, value) => sum + value, 0) / regrets.length, error: 0.1 },
  regrets,
  worst: Math.max(...regrets),
  last: { mean: 0.7, error: 0.01 },
  note: '',
});

describe('verdicts', () => {
  it('compare in pairs with the anchor that has the least regret', () => {
    const router = rowOf('router', [1, 1.2, 1.4, 1.6]);
    const anchors = [rowOf('worse', [2, 2, 2, 2]), rowOf('close', [0.9, 1.1, 1.4, 1.4])];
    const best = leastRegret(anchors);
    expect(best?.policy).toBe('close');
    const found = against(router, best as Row);
    // differences of .1, .1, 0 and .2
    expect(found.more.mean).toBeCloseTo(0.1, 12);
    expect(found.more.error).toBeCloseTo(Math.sqrt(0.02 / 3 / 4), 12);
    expect(notWorse(found).met).toBe(false);
    expect(notWorse(against(best as Row, router)).met).toBe(true);
  });

  it('allow two standard errors', () => {
    expect(notWorse({ anchor: 'a', more: { mean: 0.02, error: 0.01 } }).met).toBe(true);
    expect(notWorse({ anchor: 'a', more: { mean: 0.0201, error: 0.01 } }).met).toBe(false);
  });

  it('hold every stream, also one without bars of its own, to a worst order near the mean', () => {
    const cold = { seeds: 20, rounds: 5000, warm: 0 };
    expect(streamVerdicts(rowOf('router', [1, 1, 1, 1.5]), cold).bar).toEqual({
      spread: { most: 1.4, met: true },
    });
    expect(streamVerdicts(rowOf('router', [1, 1, 1, 2]), cold).bar.spread.met).toBe(false);
    expect(streamVerdicts(rowOf('router', [0.96, 0.96], 'llmrouter9'), cold).bar.regret?.met).toBe(true);
    expect(streamVerdicts(rowOf('router', [0.96, 0.963], 'llmrouter9'), cold).bar.regret?.met).toBe(false);
  });

  it('are for whole streams and enough orders', () => {
    const vectors = Array.from({ length: 6000 }, () => new Float32Array(1));
    const protocol = { seeds: 16, rounds: 5000, warm: 500 };
    expect(decisiveFor({ name: 'known', vectors }, protocol, 5000)).toBe(true);
    expect(decisiveFor({ name: 'known', vectors }, protocol, 4999)).toBe(false);
    expect(decisiveFor({ name: 'known', vectors }, { ...protocol, seeds: 15 }, 5000)).toBe(false);
    expect(decisiveFor({ name: 'mmlupro10', vectors }, protocol, 5000)).toBe(false);
    expect(decisiveFor({ name: 'mmlupro10', vectors }, protocol, 5500)).toBe(true);
  });
});

describe('the basis that a stream is judged with', () => {
  it('has not seen its prompts, nor those of a set that shares them', () => {
    const of = (set: string) => sourcesWithout(set).map((source) => source.set);
    expect(of('mmlupro10')).not.toContain('routellm_mmlu');
    expect(unseenByShipped('mmlupro10')).toBe(false);
    expect(of('zeroeval')).not.toContain('zeroeval');
    expect(unseenByShipped('llmrouter9')).toBe(true);
  });
});
