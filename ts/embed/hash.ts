import { checkInteger, checkOptions } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import type { SyncEmbedder } from './embedder.ts';
import { embedLocally, embedOne } from './local.ts';

/** Parts of {@link hash}. */
export interface HashOptions {
  /** Length of the vectors, 2 to 65,536. Default 256. */
  dim?: number | undefined;
}

/**
 * Hashed words, pairs of words and parts of words: texts that share them get near vectors, texts that say the same in
 * other words do not. Needs no file; for tests, and as a floor to compare with. Its id is `hash-<dim>`. Synchronous.
 *
 * Throws `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the option.
 */
export function hash(options: HashOptions = {}): SyncEmbedder {
  checkOptions('options', options, ['dim']);
  const { dim = 256 } = options;
  checkInteger('options.dim', dim, 2, 65_536);
  const write = (text: string, out: Float32Array): void => call(() => native.hashEmbed(text, out));
  return {
    id: `hash-${dim}`,
    dim,
    embed: (texts, embedOptions = {}) =>
      embedLocally(dim, texts, embedOptions, (block, out) => {
        block.forEach((text, i) => {
          write(text, out.subarray(i * dim, (i + 1) * dim));
        });
      }),
    embedSync: (text, out) => embedOne(dim, text, out, write),
  };
}
