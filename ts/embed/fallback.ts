import type { SonaError, SonaErrorCode } from '../base/errors.ts';

/**
 * Why a request was answered without its text. A router decides by what is expected of each model at the mean of the prompts so
 * far; an engine ranks routes by how often each was right so far.
 */
export interface Fallback {
  /**
   * `'embedder'`: it failed, took too long, or is one that takes its time and gave a text that is not blank a vector without a
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
