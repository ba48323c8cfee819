import { describe, expect, it } from 'vitest';
import { type Basis, type FitOptions, fitBasis, type Vector } from '../index.ts';
import { refusal } from './support/errors.ts';
import { cosine, gaussian, kinds } from './support/vectors.ts';

const DIM = 100;
const COUNT = 300;

/** Vectors with less and less variance from one coordinate to the next, of any length. */
const vectors = Array.from({ length: COUNT }, (_, i) =>
  gaussian(DIM, i).map((x, j) => ((1 + (i % 5)) * (x + (j === 3 ? 1 : 0))) / (1 + j / 10)),
);
const flat = Float32Array.from(vectors.flatMap((vector) => [...vector]));
const unit = vectors.map((vector) => vector.map((x) => x / Math.hypot(...vector)));
const row = (matrix: Float32Array, i: number, dim = DIM) => matrix.subarray(i * dim, (i + 1) * dim);
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, x, i) => sum + x * (b[i] as number), 0);

/** Both blocks as documented, in 64 bits. */
function features(basis: Basis, vector: Vector): { z1: number[]; z2: number[] } {
  const { dim, mean, directions, centroids, scale, rms } = basis;
  const centred = [...vector].map((x, j) => x - (mean[j] as number));
  const each = Array.from({ length: 64 }, (_, k) => k);
  const weights = each
    .map((k) => row(centroids, k, dim))
    .map((centroid) => (centroid.some((x) => x !== 0) ? Math.exp(20 * cosine(centroid, vector)) : 0));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    z1: each.map((k) => scale * dot(centred, row(directions, k, dim))),
    z2: weights.map((weight) => weight / total / rms),
  };
}

describe('fitBasis', () => {
  const basis = fitBasis(vectors, { id: 'mine', seed: 3 });

  it('gives mean, orthonormal directions by variance, and unit centroids', () => {
    expect(basis).toMatchObject({ id: 'mine', dim: DIM, hash: expect.stringMatching(/^[0-9a-f]{16}$/) });
    basis.mean.forEach((x, j) => {
      expect(x).toBeCloseTo(unit.reduce((sum, vector) => sum + (vector[j] as number), 0) / COUNT, 5);
    });
    let before = Number.POSITIVE_INFINITY;
    for (let k = 0; k < 64; k++) {
      const direction = row(basis.directions, k);
      for (let l = 0; l <= k; l++)
        expect(dot(direction, row(basis.directions, l))).toBeCloseTo(k === l ? 1 : 0, 4);
      expect(Math.hypot(...row(basis.centroids, k))).toBeCloseTo(1, 4);
      const variance = unit.reduce((sum, vector) => sum + dot(direction, vector.map(centre)) ** 2, 0);
      expect(variance).toBeLessThan(before * 1.001);
      before = variance;
    }
    function centre(x: number, j: number): number {
      return x - (basis.mean[j] as number);
    }
  });

  it('scales both blocks to a mean squared length of 1', () => {
    const all = unit.map((vector) => features(basis, vector));
    for (const block of ['z1', 'z2'] as const) {
      expect(all.reduce((sum, z) => sum + dot(z[block], z[block]), 0) / COUNT).toBeCloseTo(1, 4);
    }
  });

  it('is repeatable, and the seed and the vectors decide', () => {
    expect(fitBasis(vectors, { id: 'mine', seed: 3 })).toEqual(basis);
    expect(fitBasis(vectors, { seed: 3 })).toEqual({ ...basis, id: 'fitted' });
    expect(fitBasis(vectors, { seed: 4 }).hash).not.toBe(basis.hash);
    expect(fitBasis(vectors.slice(1), { seed: 3 }).hash).not.toBe(basis.hash);
    expect(fitBasis(vectors)).toEqual(fitBasis(vectors, { seed: 42 }));
  });

  it('takes all vectors in one array', () => {
    expect(fitBasis(flat, { dim: DIM, id: 'mine', seed: 3 })).toEqual(basis);
    const shared = new Float32Array(new SharedArrayBuffer(flat.byteLength));
    shared.set(flat);
    expect(fitBasis(shared, { dim: DIM, id: 'mine', seed: 3 })).toEqual(basis);
  });

  it.each(kinds)('takes vectors as %s', (_, make) => {
    const made = vectors.map((vector) => make([...vector]));
    expect(fitBasis(made, { id: 'mine', seed: 3 })).toEqual(basis);
  });

  it('does not change what it is given', () => {
    const copy = flat.slice();
    fitBasis(copy, { dim: DIM });
    expect(copy).toEqual(flat);
  });

  it('fills up with zeros where vectors are few or alike', () => {
    const few = fitBasis([
      [1, 0, 0],
      [0, 2, 0],
      [1, 0, 0],
    ]);
    expect(row(few.directions, 0, 3).some((x) => x !== 0)).toBe(true);
    expect(few.directions.subarray(3).every((x) => x === 0)).toBe(true);
    expect(few.centroids.subarray(6).every((x) => x === 0)).toBe(true);
    expect(few.scale).toBeCloseTo(1 / Math.sqrt(4 / 9), 5);
    const same = fitBasis([[3, 4]]);
    expect(same.directions.every((x) => x === 0)).toBe(true);
    expect(features(same, [0.6, 0.8]).z2[0]).toBeCloseTo(1, 5);
  });

  const good = [
    [1, 2],
    [3, 4],
  ];
  const replaced = (value: unknown) => [[1, 2], value] as unknown as Vector[];
  it.each<[string, unknown, unknown, string, string]>([
    ['no vectors', undefined, {}, 'SONA_INVALID_ARGUMENT', 'vectors'],
    ['a Float64Array', new Float64Array(4), { dim: 2 }, 'SONA_INVALID_ARGUMENT', 'vectors'],
    ['an empty array', [], {}, 'SONA_OUT_OF_RANGE', 'vectors'],
    ['an empty Float32Array', new Float32Array(0), { dim: 2 }, 'SONA_OUT_OF_RANGE', 'vectors'],
    ['numbers instead of vectors', [1, 2], {}, 'SONA_INVALID_ARGUMENT', 'vectors[0]'],
    ['an empty vector', [[]], {}, 'SONA_OUT_OF_RANGE', 'vectors[0].length'],
    ['a string among vectors', replaced('12'), {}, 'SONA_INVALID_ARGUMENT', 'vectors[1]'],
    ['a longer vector', replaced([1, 2, 3]), {}, 'SONA_DIM_MISMATCH', 'vectors[1]'],
    ['vectors of another length than dim', good, { dim: 3 }, 'SONA_DIM_MISMATCH', 'vectors[0]'],
    ['a string in a vector', replaced([1, '2']), {}, 'SONA_INVALID_ARGUMENT', 'vectors[1][1]'],
    ['NaN in an array', replaced([1, Number.NaN]), {}, 'SONA_NOT_FINITE', 'vectors[1]'],
    ['NaN in a Float32Array', replaced(Float32Array.of(1, Number.NaN)), {}, 'SONA_NOT_FINITE', 'vectors[1]'],
    ['infinity in all', Float32Array.of(1, 2, 3, -1 / 0), { dim: 2 }, 'SONA_NOT_FINITE', 'vectors[1]'],
    ['a zero vector', replaced([0, 0]), {}, 'SONA_OUT_OF_RANGE', 'vectors[1]'],
    ['half a vector', new Float32Array(3).fill(1), { dim: 2 }, 'SONA_DIM_MISMATCH', 'vectors'],
    ['a flat array without dim', new Float32Array(4).fill(1), {}, 'SONA_INVALID_ARGUMENT', 'options.dim'],
    ['dim 0', good, { dim: 0 }, 'SONA_OUT_OF_RANGE', 'options.dim'],
    ['dim 65,537', good, { dim: 65_537 }, 'SONA_OUT_OF_RANGE', 'options.dim'],
    ['an empty id', good, { id: '' }, 'SONA_OUT_OF_RANGE', 'options.id'],
    ['a number as id', good, { id: 7 }, 'SONA_INVALID_ARGUMENT', 'options.id'],
    ['a negative seed', good, { seed: -1 }, 'SONA_OUT_OF_RANGE', 'options.seed'],
    ['half a seed', good, { seed: 0.5 }, 'SONA_OUT_OF_RANGE', 'options.seed'],
    ['an option that there is not', good, { size: 64 }, 'SONA_INVALID_ARGUMENT', 'options.size'],
    ['options that are none', good, 7, 'SONA_INVALID_ARGUMENT', 'options'],
  ])('refuses %s', async (_, given, options, code, argument) => {
    const error = await refusal(() => fitBasis(given as Vector[], options as FitOptions));
    expect([error.code, error.details.argument]).toEqual([code, argument]);
  });
});
