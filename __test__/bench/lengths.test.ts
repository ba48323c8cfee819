// What the limits of answers are measured by, on worlds that are known.
import { describe, expect, it } from 'vitest';
import { Random } from '../../bench/lib/random.mts';
import { embeddedBy } from '../../bench/lib/vectors.mts';
import type { Amounts } from '../../bench/routing/costs.mts';
import {
  bucket,
  held,
  loss,
  type Prediction,
  r2,
  run,
  runCut,
  Seen,
  size,
} from '../../bench/routing/lengths.mts';
import { hash } from '../../embed.ts';
import { type Basis, fitBasis } from '../../index.ts';

/** Two models whose answers to one kind of prompt are so many times as long as to the other. */
function world(times: number): Amounts {
  const random = new Random(5);
  const by = embeddedBy(hash({ dim: 8 }));
  const kinds = Array.from({ length: 1_500 }, () => random.below(2));
  const vector = (kind: number): Float32Array =>
    Float32Array.from({ length: 8 }, (_, i) => (i === kind ? 1 : 0) + 0.1 * random.normal());
  return {
    models: ['a', 'b'],
    texts: kinds.map(() => 'a question'),
    vectors: kinds.map(vector),
    by,
    amount: Float64Array.from(
      kinds.flatMap((kind) =>
        [150, 600].map((tokens) => tokens * (kind === 1 ? times : 1) * Math.exp(0.3 * random.normal())),
      ),
    ),
  };
}

/** On the prompts that come, so that nothing is learned anew. */
const basisOf = ({ vectors }: Amounts): Basis => fitBasis(vectors.slice(0, 300), { id: 'known' });

describe('limits', () => {
  it('are powers of two from 64', () => {
    expect([0, 1, 64, 64.1, 128, 1_000, 1e6].map(bucket)).toEqual([64, 64, 64, 128, 128, 1_024, 1_048_576]);
  });

  it('of what was seen are its quantiles', () => {
    const seen = new Seen();
    expect(seen.quantile(0.95)).toBeUndefined();
    const random = new Random(1);
    for (const n of random.permutation(100)) seen.add(n + 1);
    expect([0.01, 0.5, 0.95, 0.951, 0.99, 1].map((share) => seen.quantile(share))).toEqual([
      1, 50, 95, 96, 99, 100,
    ]);
  });

  it('are judged by the share that they hold, their room and the loss of both', () => {
    const of = (tokens: number, sona: number, other: number): Prediction => ({
      tokens,
      limits: { SONA: sona, 'one per model': other, 'one for all': 2 * other },
      router: Math.log(tokens),
      mean: 0,
    });
    const window = [of(128, 128, 512), of(128, 256, 512), of(1_024, 1_024, 512), of(512, 256, 512)];
    expect(held(window, 'SONA')).toBe(75);
    expect(held(window, 'one per model')).toBe(75);
    expect([size(window, 'SONA'), size(window, 'one for all')]).toEqual([416 / 512, 2]);
    // in doublings: the router's are 1 too wide and 1 too short, the model's 2 and 2 too wide and 1 too short
    expect(loss(window, 'SONA', 0.75)).toBeCloseTo((0.25 + 0.75) / (0.25 * 4 + 0.75), 12);
    expect(r2(window)).toBe(1);
  });

  it('of the router hold their share, and are smaller where prompts tell how long answers are', () => {
    const known = world(8);
    const late = run(known, basisOf(known), 0, 0.95).slice(700);
    expect(held(late, 'SONA')).toBeGreaterThan(94);
    expect(size(late, 'SONA')).toBeLessThan(0.95);
    expect(loss(late, 'SONA', 0.95)).toBeLessThan(0.7);
    expect(r2(late)).toBeGreaterThan(0.8);
    // where they do not, they are those of the model
    const same = world(1);
    const alike = run(same, basisOf(same), 0, 0.95).slice(700);
    expect(Math.abs(size(alike, 'SONA') - 1)).toBeLessThan(0.1);
    expect(Math.abs(r2(alike))).toBeLessThan(0.1);
  });

  it('leave answers whole after a while where they are cut there', () => {
    const known = world(8);
    const whole = runCut(known, basisOf(known), 0, 0.95, true).filter(Number.isFinite);
    expect(whole.at(-1)).toBeGreaterThan(94);
    const silent = runCut(known, basisOf(known), 0, 0.95, false);
    expect(silent[0]).toBeLessThanOrEqual(whole[0] as number);
  });
});
