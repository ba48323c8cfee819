// The inner loops of the baselines. Everything is a Float32Array, so that each loop sees one kind of array; sums are
// taken in 64 bits.

/** Sum of a[aAt + i] b[bAt + i] over n numbers. */
export function dot(a: Float32Array, aAt: number, b: Float32Array, bAt: number, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < n; i += 4) {
    s0 += (a[aAt + i] as number) * (b[bAt + i] as number);
    s1 += (a[aAt + i + 1] as number) * (b[bAt + i + 1] as number);
    s2 += (a[aAt + i + 2] as number) * (b[bAt + i + 2] as number);
    s3 += (a[aAt + i + 3] as number) * (b[bAt + i + 3] as number);
  }
  for (; i < n; i++) s0 += (a[aAt + i] as number) * (b[bAt + i] as number);
  return s0 + s1 + s2 + s3;
}

/** out[outAt + i] += scale * x[xAt + i] for n numbers. */
export function add(
  out: Float32Array,
  outAt: number,
  scale: number,
  x: Float32Array,
  xAt: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) out[outAt + i] = (out[outAt + i] as number) + scale * (x[xAt + i] as number);
}

/** Multiplies n numbers by a factor. */
export function scale(x: Float32Array, at: number, factor: number, n: number): void {
  for (let i = 0; i < n; i++) x[at + i] = (x[at + i] as number) * factor;
}

/** Gives n numbers unit length and returns the length that they had. */
export function normalise(x: Float32Array, at: number, n: number): number {
  const length = Math.max(Math.sqrt(dot(x, at, x, at, n)), 1e-12);
  scale(x, at, 1 / length, n);
  return length;
}

/** Vectors as the rows of one matrix. */
export function stack(rows: readonly Float32Array[]): Float32Array {
  const width = rows[0]?.length ?? 0;
  const out = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    out.set(row, i * width);
  });
  return out;
}

/** The row with the largest product with x; the first of equals. */
export function bestRow(rows: Float32Array, x: Float32Array): number {
  const width = x.length;
  let best = 0;
  let top = -Infinity;
  for (let row = 0; row * width < rows.length; row++) {
    const score = dot(rows, row * width, x, 0, width);
    if (score > top) {
      top = score;
      best = row;
    }
  }
  return best;
}
