// Principal axes of a set of vectors, in 64 bits.
import { Random } from './random.mts';

export interface Axes {
  mean: Float64Array;
  /** Variance along each axis, largest first. */
  values: Float64Array;
  /** One unit vector after the other. */
  axes: Float64Array;
}

/** Axes that are iterated besides those that are wanted: what converges is the space of all of them. */
const SPARE = 15;
const ROUNDS = 100;

/**
 * The k axes with the most variance: orthogonal iteration, then the exact axes within the space that it found. After fewer rounds
 * the last of many axes are mixed with those that were left out.
 */
export function principalAxes(rows: readonly Float32Array[], k: number, rounds = ROUNDS): Axes {
  const d = rows[0]?.length ?? 0;
  const { mean, covariance } = moments(rows, d);
  const m = Math.min(d, k + SPARE);
  const random = new Random(1);
  let block: Float64Array = Float64Array.from({ length: m * d }, () => random.normal());
  orthogonalise(block, m, d);
  for (let round = 0; round < rounds; round++) {
    block = times(covariance, block, m, d);
    orthogonalise(block, m, d);
  }
  const image = times(covariance, block, m, d);
  const inner = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) inner[i * m + j] = dot64(block, i * d, image, j * d, d);
  }
  const turns = diagonalise(inner, m);
  const order = Array.from({ length: m }, (_, i) => i)
    .sort((a, b) => (inner[b * m + b] as number) - (inner[a * m + a] as number))
    .slice(0, k);
  const axes = new Float64Array(order.length * d);
  order.forEach((from, to) => {
    for (let i = 0; i < m; i++) add64(axes, to * d, turns[i * m + from] as number, block, i * d, d);
  });
  return { mean, values: Float64Array.from(order, (i) => inner[i * m + i] as number), axes };
}

export function dot64(a: Float64Array, aAt: number, b: Float64Array, bAt: number, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += (a[aAt + i] as number) * (b[bAt + i] as number);
  return sum;
}

export function add64(
  out: Float64Array,
  outAt: number,
  scale: number,
  x: Float64Array,
  xAt: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) out[outAt + i] = (out[outAt + i] as number) + scale * (x[xAt + i] as number);
}

function moments(rows: readonly Float32Array[], d: number): { mean: Float64Array; covariance: Float64Array } {
  const mean = new Float64Array(d);
  for (const row of rows)
    for (let i = 0; i < d; i++) mean[i] = (mean[i] as number) + (row[i] as number) / rows.length;
  const covariance = new Float64Array(d * d);
  const centred = new Float64Array(d);
  for (const row of rows) {
    for (let i = 0; i < d; i++) centred[i] = (row[i] as number) - (mean[i] as number);
    for (let i = 0; i < d; i++)
      add64(covariance, i * d, (centred[i] as number) / rows.length, centred, 0, i + 1);
  }
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) covariance[j * d + i] = covariance[i * d + j] as number;
  }
  return { mean, covariance };
}

/** Each of m rows times a symmetric matrix. */
function times(matrix: Float64Array, rows: Float64Array, m: number, d: number): Float64Array {
  const out = new Float64Array(m * d);
  for (let r = 0; r < m; r++) {
    for (let i = 0; i < d; i++) out[r * d + i] = dot64(matrix, i * d, rows, r * d, d);
  }
  return out;
}

/** Gram and Schmidt, twice for the sake of rounding. */
function orthogonalise(rows: Float64Array, m: number, d: number): void {
  for (let r = 0; r < m; r++) {
    for (let pass = 0; pass < 2; pass++) {
      for (let s = 0; s < r; s++) add64(rows, r * d, -dot64(rows, s * d, rows, r * d, d), rows, s * d, d);
    }
    const length = Math.sqrt(dot64(rows, r * d, rows, r * d, d));
    for (let i = 0; i < d; i++) rows[r * d + i] = (rows[r * d + i] as number) / length;
  }
}

/** Makes a symmetric matrix diagonal (Jacobi); the columns of what it returns are the axes. */
function diagonalise(a: Float64Array, m: number): Float64Array {
  const v = new Float64Array(m * m);
  for (let i = 0; i < m; i++) v[i * m + i] = 1;
  for (let sweep = 0; sweep < 12; sweep++) {
    for (let p = 0; p < m; p++) {
      for (let q = p + 1; q < m; q++) {
        const off = a[p * m + q] as number;
        if (off === 0) continue;
        const theta = ((a[q * m + q] as number) - (a[p * m + p] as number)) / (2 * off);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let i = 0; i < m; i++) turn(a, i * m + p, i * m + q, c, s);
        for (let i = 0; i < m; i++) turn(a, p * m + i, q * m + i, c, s);
        for (let i = 0; i < m; i++) turn(v, i * m + p, i * m + q, c, s);
      }
    }
  }
  return v;
}

function turn(x: Float64Array, p: number, q: number, c: number, s: number): void {
  const a = x[p] as number;
  const b = x[q] as number;
  x[p] = c * a - s * b;
  x[q] = s * a + c * b;
}
