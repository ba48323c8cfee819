// What the router is measured against, on worlds that are known.
import { describe, expect, it } from 'vitest';
import { Random } from '../../bench/lib/random.mts';
import type { Stream } from '../../bench/lib/stream.mts';
import { minilm } from '../../bench/lib/vectors.mts';
import { contextFree, highest } from '../../bench/routing/context-free.mts';
import { labelledOnly, logistic, ridge } from '../../bench/routing/labelled.mts';
import { kNearest } from '../../bench/routing/nearest.mts';
import { type Contestant, episode, type Protocol, summary } from '../../bench/routing/protocol.mts';

const models = ['bad', 'good', 'middle'];

/** Prompts of two kinds, in vectors that tell them apart; each model is right with a probability by kind. */
function streamOf(prompts: number, right: readonly (readonly number[])[]): Stream {
  const random = new Random(7);
  const kinds = Array.from({ length: prompts }, () => random.below(right.length));
  const utility = Float64Array.from(
    kinds.flatMap((kind) => (right[kind] ?? []).map((p) => Number(random.uniform() < p))),
  );
  return {
    name: 'known',
    set: 'known',
    by: minilm,
    dim: 3,
    models: models.slice(0, right[0]?.length),
    vectors: kinds.map((kind) => {
      const vector = [kind === 0 ? 1 : 0, kind === 0 ? 0 : 1, 0].map((x) => x + 0.05 * random.normal());
      return Float32Array.from(vector);
    }),
    utility,
    quality: utility,
    cost: utility.map(() => Number.NaN),
  };
}

function regretOf(contestant: Contestant, stream: Stream, protocol: Protocol): number {
  const episodes = Array.from({ length: protocol.seeds }, (_, seed) => episode(stream, seed, protocol));
  const result = contestant.run(stream, episodes);
  if ('missing' in result) throw new Error(result.missing);
  return summary(stream, contestant.name, episodes, result.runs).regret.mean;
}

const protocol = { seeds: 4, rounds: 1500, warm: 0 };

describe('bandits without context', () => {
  const one = streamOf(1500, [[0.2, 0.8, 0.5]]);

  for (const anchor of contextFree) {
    it(`${anchor.name} finds the best model`, () => {
      // asking at random has 2.5 times the regret of the best model
      expect(regretOf(anchor, one, protocol)).toBeLessThan(1.35);
    });

    it(`${anchor.name} repeats exactly`, () => {
      expect(regretOf(anchor, one, protocol)).toBe(regretOf(anchor, one, protocol));
    });

    it(`${anchor.name} is no better than the best model where the prompt decides`, () => {
      const two = streamOf(1500, [
        [0.9, 0.1],
        [0.1, 0.9],
      ]);
      expect(regretOf(anchor, two, protocol)).toBeGreaterThan(0.9);
    });
  }

  it('decides between equal scores by chance', () => {
    const random = new Random(1);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) {
      const chosen = highest(4, random, (model) => (model === 2 ? 0 : 1));
      counts[chosen] = (counts[chosen] as number) + 1;
    }
    expect(counts[2]).toBe(0);
    for (const model of [0, 1, 3]) expect(counts[model]).toBeGreaterThan(1200);
  });
});

describe('nearest neighbours', () => {
  it('find the best model of each kind of prompt', () => {
    const two = streamOf(1500, [
      [0.9, 0.1],
      [0.1, 0.9],
    ]);
    // the best fixed model is right half the time, the best model of each kind nine times in ten
    expect(regretOf(kNearest, two, protocol)).toBeLessThan(0.4);
  });
});

describe('what is fitted to labelled prompts', () => {
  const two = streamOf(1000, [
    [0.9, 0.1],
    [0.1, 0.9],
  ]);
  const [fixed, ...regressions] = labelledOnly as [Contestant, ...Contestant[]];

  it('knows the best fixed model', () => {
    const one = streamOf(1000, [[0.2, 0.8, 0.5]]);
    expect(regretOf(fixed, one, { seeds: 4, rounds: 800, warm: 200 })).toBeCloseTo(1, 9);
  });

  for (const regression of regressions) {
    it(`${regression.name}: knows the best model of each kind of prompt`, () => {
      expect(regretOf(regression, two, { seeds: 4, rounds: 800, warm: 200 })).toBeLessThan(0.35);
    });
  }

  it('is least squares with a prior on the slopes', () => {
    // slope 1 / (1 + precision) of targets that have no mean left
    const rows = [1, -1].map((x) => Float64Array.from([Math.SQRT1_2 * x, 1]));
    const [slope, intercept] = ridge(rows, Float64Array.from([1, -1]), 3);
    expect(slope).toBeCloseTo(Math.SQRT2 / 4, 12);
    expect(intercept).toBeCloseTo(0, 12);
  });

  it('is the most likely logistic curve: its gradient is none', () => {
    const random = new Random(3);
    const rows = Array.from({ length: 40 }, () => Float64Array.from([random.normal(), random.normal(), 1]));
    const targets = Float64Array.from(rows, () => random.uniform());
    const w = logistic(rows, targets, 2);
    const expected = rows.map(
      (x) => 1 / (1 + Math.exp(-x.reduce((sum, value, i) => sum + value * (w[i] ?? 0), 0))),
    );
    for (const i of [0, 1]) {
      const gradient = rows.reduce(
        (sum, x, n) => sum + ((targets[n] ?? 0) - (expected[n] ?? 0)) * (x[i] ?? 0),
        0,
      );
      expect(gradient).toBeCloseTo(2 * (w[i] ?? 0), 9);
    }
  });
});
