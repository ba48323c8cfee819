import { invalidArgument, outOfRange } from '../base/errors.ts';
import { isMarked, mark } from '../base/marks.ts';
import { bytesOf, checkName, checkOptions } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import { absolutePath, packageFile } from '../host/files.ts';
import type { Basis } from './basis.ts';
import type { Embedder, EmbedOptions, SyncEmbedder } from './embedder.ts';
import { embedLocally, embedOne } from './local.ts';

/** Parts of {@link builtin}. */
export interface BuiltinOptions {
  /** Length of the vectors: the first 256, 128 or 64 numbers of each token. Default 256. */
  dim?: 256 | 128 | 64 | undefined;
  /** Where the table lies. Default: in the package. */
  path?: string | undefined;
  /** The table's bytes, in place of a path. They are read at the first use and must not change before it. */
  data?: Uint8Array | undefined;
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
    ? (embedder as Builtin)
    : new Builtin(dim, () => open(packageFile(table), dim));
  return owner.tableBasis();
}

function open(file: string, dim: number): number {
  return native.embedderOpen(file, dim);
}

const table = 'models/static-minilm/table.sona';

/** Embedders by dimension and path: the same are given to all who name the same. */
const opened = new Map<string, SyncEmbedder>();

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
  checkOptions('options', options, ['dim', 'path', 'data']);
  const { dim = 256, path, data } = options;
  if (typeof dim !== 'number') throw invalidArgument('options.dim', '256, 128 or 64', dim);
  if (!builtinDims.includes(dim)) throw outOfRange('options.dim', '256, 128 or 64', dim);
  if (path !== undefined) checkName('options.path', path);
  if (data !== undefined) {
    if (path !== undefined) throw invalidArgument('options.data', 'nothing beside a path', data);
    const own = bytesOf('options.data', data);
    return new Builtin(dim, () => native.embedderFromBytes(own, dim));
  }
  const file = path === undefined ? packageFile(table) : absolutePath(path);
  const key = `${dim} ${file}`;
  const embedder = opened.get(key) ?? new Builtin(dim, () => open(file, dim));
  opened.set(key, embedder);
  return embedder;
}

class Builtin implements SyncEmbedder {
  readonly dim: number;
  readonly basis = 'builtin';
  readonly language = 'en';
  /** Loads the table; gone, with the bytes it holds, once that was done. */
  #open: (() => number) | undefined;
  #handle = 0;
  #id: string | undefined;
  /** The text that was read last, and whether it is known. */
  #last: { text: string; known: boolean } | undefined;

  constructor(dim: number, open: () => number) {
    this.dim = dim;
    this.#open = open;
  }

  get id(): string {
    this.#id ??= (JSON.parse(call(() => native.embedderInfo(this.#table()))) as { id: string }).id;
    return this.#id;
  }

  embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    return embedLocally(this.dim, texts, options, (block, out) =>
      call(() => native.embedderEmbedBatch(this.#table(), block, out)),
    );
  }

  embedSync(text: string, out?: Float32Array): Float32Array {
    return embedOne(this.dim, text, out, (checked, own) => {
      const known = call(() => native.embedderEmbed(this.#table(), checked, own));
      this.#last = { text: checked, known };
    });
  }

  knows(text: string): boolean {
    if (this.#last?.text !== text) this.embedSync(text);
    const known = this.#last?.known === true;
    // asked once for each text, which is not kept any longer
    this.#last = undefined;
    return known;
  }

  tableBasis(): Basis | null {
    return call(() => native.embedderBasis(this.#table()));
  }

  #table(): number {
    if (this.#open) {
      this.#handle = this.#open();
      this.#open = undefined;
    }
    return this.#handle;
  }
}

mark(Builtin, 'builtin');
