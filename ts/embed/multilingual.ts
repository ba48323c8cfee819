import { sonaError } from '../base/errors.ts';
import { installedFile } from '../host/files.ts';
import type { SyncEmbedder } from './embedder.ts';
import { type StaticOptions, staticEmbedder } from './static.ts';

/** Parts of {@link multilingual}. */
export interface MultilingualOptions extends StaticOptions {
  /** Length of the vectors: the first 128 or 64 numbers of each token. Default 128. */
  dim?: 128 | 64 | undefined;
}

/** Lengths of the vectors that it makes. */
export const multilingualDims = [128, 64] as const;

const PACKAGE = '@sona/multilingual';

/** Whether an embedder's name is one of the table's, of this version or another. */
export function isMultilingualId(id: string): boolean {
  return id.startsWith('multilingual-e5-');
}

/**
 * An embedder for a hundred languages: a table of token vectors from multilingual-e5-small, which the package `@sona/multilingual`
 * holds. It is installed beside this one. In all else it is as `builtin`: a text's vector is the sum of those of its known pieces at
 * unit length, a text in a script that it does not know has hashed words in its vector, and `knows` says false. Synchronous, offline.
 * `language` is `'mul'`, many languages. It brings no basis: a router fits one to the prompts that come.
 *
 * Nothing is read before the first use of its `id` or of a text. Where the package is not installed that is refused with
 * `SONA_INVALID_CONFIG`, where the table is missing or damaged with `SONA_IO`, `SONA_CORRUPT_STATE` or
 * `SONA_INCOMPATIBLE_STATE`. The table takes some 23 MB of memory, once for all threads of the process.
 *
 * Throws `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the option.
 */
export function multilingual(options: MultilingualOptions = {}): SyncEmbedder {
  return staticEmbedder(options, table, { dims: multilingualDims, language: 'mul' });
}

function table(): string {
  try {
    return installedFile(`${PACKAGE}/table.sona`);
  } catch (error) {
    const message = `multilingual: the package ${PACKAGE} is not installed: npm install ${PACKAGE}`;
    throw sonaError('SONA_INVALID_CONFIG', message, { embedder: 'multilingual', package: PACKAGE }, error);
  }
}
