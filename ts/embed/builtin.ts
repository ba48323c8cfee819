import { isMarked } from '../base/marks.ts';
import { packageFile } from '../host/files.ts';
import type { Basis } from './basis.ts';
import type { Embedder, SyncEmbedder } from './embedder.ts';
import { StaticEmbedder, type StaticOptions, staticEmbedder } from './static.ts';

/** Parts of {@link builtin}. */
export interface BuiltinOptions extends StaticOptions {
  /** Length of the vectors: the first 256, 128 or 64 numbers of each token. Default 256. */
  dim?: 256 | 128 | 64 | undefined;
}

/** Lengths of the vectors that it makes. */
export const builtinDims = [256, 128, 64] as const;

/** Whether an embedder's name is one of the table's, of this version or another. */
export function isBuiltinId(id: string): boolean {
  return id.startsWith('static-minilm-');
}

/**
 * The basis that ships for the embedder's vectors: that of the table of `embedder`, if it is one with a table, else of
 * the package's. Throws as the embedder's first use; null for a table without one.
 */
export function builtinBasis(
  dim: (typeof builtinDims)[number],
  embedder: Embedder | null | undefined,
): Basis | null {
  const owner = isMarked(embedder, 'builtin')
    ? (embedder as StaticEmbedder)
    : StaticEmbedder.ofFile(dim, table, kind);
  return owner.tableBasis();
}

const kind = { dims: builtinDims, basis: 'builtin', language: 'en' } as const;
const table = () => packageFile('models/static-minilm/table.sona');

/**
 * The embedder that ships: a table of token vectors distilled from all-MiniLM-L6-v2, for English. A text's vector is the sum of
 * those of its known words at unit length; of a long text beginning and end count more. A text of which too little is known, such
 * as one in another script, has hashed words in its vector, and `knows` says false; one without any word has zeros. Synchronous,
 * offline; a text of 50 words takes some microseconds.
 *
 * Nothing is read before the first use of its `id` or of a text. A table that is missing or damaged is refused then,
 * with `SONA_IO`, `SONA_CORRUPT_STATE` or `SONA_INCOMPATIBLE_STATE`. A table takes 8 MB of memory, is shared by all who
 * ask for the same, and stays for the life of the process.
 *
 * Throws `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the option.
 */
export function builtin(options: BuiltinOptions = {}): SyncEmbedder {
  return staticEmbedder(options, table(), kind);
}
