import type { SonaError, SonaErrorCode } from '../base/errors.ts';

/**
 * Why a request was answered without its text, or by less than its meaning. Without the text a router decides by what is expected
 * of each model at the mean of the prompts so far; an engine ranks routes by how often each was right so far.
 */
export interface Fallback {
  /**
   * `'embedder'`: it failed, took too long, or is one that takes its time and gave a text that is not blank a vector without a
   * direction. `'empty'`: the text is blank, or holds nothing that an embedder which is quick knows. `'language'`: the embedder
   * does not know the text's language; the answer goes by its hashed words, and its outcome is learned from as any other.
   */
  reason: 'embedder' | 'empty' | 'language';
  /** Code of the embedder's error. */
  code?: SonaErrorCode | undefined;
  /** What the embedder said. */
  message?: string | undefined;
}

/** A text without anything that the embedder knows. */
export const emptyText: Fallback = Object.freeze({ reason: 'empty' });

/** A text in a language that the embedder does not know. */
export const otherLanguage: Fallback = Object.freeze({ reason: 'language' });

/** Whether there is no vector of the text. */
export function isWithoutText(fallback: Fallback | null): boolean {
  return fallback !== null && fallback.reason !== 'language';
}

/** What an embedder's error makes of a decision. */
export function embedderFallback({ code, message }: SonaError): Fallback {
  return { reason: 'embedder', code, message };
}
