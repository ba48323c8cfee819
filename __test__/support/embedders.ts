// Embedders of the tests' own, and what is measured on vectors.
import type { Embedder } from '../../index.ts';

/** The cosine of two vectors of any length, in 64 bits. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
    Array.from(x).reduce((sum, number, i) => sum + number * (y[i] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** An embedder of two dimensions, the first the length of the text; with what a test sets. */
export function own(parts: Partial<Embedder> = {}): Embedder {
  const vectorOf = (text: string) => Float32Array.of(text.length, 1);
  return {
    id: 'own',
    dim: 2,
    semantic: false,
    embed: async (texts) => texts.map(vectorOf),
    ...parts,
  };
}
