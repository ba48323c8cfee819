import type { SonaError, SonaErrorCode } from '../errors.ts';

/** Why a decision was made without its prompt, by what is expected of each model at the mean of the prompts so far. */
export interface Fallback {
  /** The embedder failed, or the text holds nothing that it knows. */
  reason: 'embedder' | 'empty';
  /** Code of the embedder's error. */
  code?: SonaErrorCode;
  /** What the embedder said. */
  message?: string;
}

/** A text without anything that the embedder knows. */
export const emptyText: Fallback = Object.freeze({ reason: 'empty' });

/** What an embedder's error makes of a decision. */
export function embedderFallback({ code, message }: SonaError): Fallback {
  return { reason: 'embedder', code, message };
}

/** Whether a vector points anywhere, by its length squared as the core computes it, in 32 bits. */
export function hasDirection(vector: Float32Array): boolean {
  let squared = 0;
  for (const number of vector) squared += number * number;
  return squared > 0 && squared < 3.4e38;
}

/** Whether all numbers are 0. */
export function isZero(vector: Float32Array): boolean {
  return vector.every((number) => number === 0);
}
