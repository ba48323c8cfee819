import type { SonaError, SonaErrorCode } from '../base/errors.ts';

/** Why a decision was made without its prompt, by what is expected of each model at the mean of the prompts so far. */
export interface Fallback {
  /**
   * `'embedder'`: it failed, or it is one that takes its time and gave a text that is not blank a vector without a
   * direction. `'empty'`: the text is blank, or holds nothing that an embedder which is quick knows.
   */
  reason: 'embedder' | 'empty';
  /** Code of the embedder's error. */
  code?: SonaErrorCode | undefined;
  /** What the embedder said. */
  message?: string | undefined;
}

/** A text without anything that the embedder knows. */
export const emptyText: Fallback = Object.freeze({ reason: 'empty' });

/** What an embedder's error makes of a decision. */
export function embedderFallback({ code, message }: SonaError): Fallback {
  return { reason: 'embedder', code, message };
}

/** Whether all numbers are 0. */
export function isZero(vector: Float32Array): boolean {
  return vector.every((number) => number === 0);
}
