import { invalidArgument, outOfRange } from '../base/errors.ts';
import { mark } from '../base/marks.ts';
import { bytesOf, checkName, checkOptions } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import { absolutePath } from '../host/files.ts';
import type { Basis } from './basis.ts';
import type { EmbedOptions, SyncEmbedder } from './embedder.ts';
import { embedLocally, embedOne } from './local.ts';

/** Parts of an embedder by a table. */
export interface StaticOptions {
  /** Where the table lies. Default: in its package. */
  path?: string | undefined;
  /** The table's bytes, in place of a path. They are read at the first use and must not change before it. */
  data?: Uint8Array | undefined;
}

/** What is said of a table's vectors. */
interface Kind {
  /** Their lengths, the default first. */
  dims: readonly number[];
  basis?: 'builtin' | undefined;
  language: string;
}

/** Embedders by dimension and path: the same are given to all who name the same. */
const opened = new Map<string, SyncEmbedder>();

/**
 * The embedder of the options' table, else of the one that ships: `file` is where that lies, or says so at the first use. Throws
 * `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the option.
 */
export function staticEmbedder(
  options: StaticOptions & { dim?: number | undefined },
  file: string | (() => string),
  kind: Kind,
): SyncEmbedder {
  checkOptions('options', options, ['dim', 'path', 'data']);
  const { dim = kind.dims[0] as number, path, data } = options;
  const lengths = kind.dims.join(', ').replace(/, (\d+)$/, ' or $1');
  if (typeof dim !== 'number') throw invalidArgument('options.dim', lengths, dim);
  if (!kind.dims.includes(dim)) throw outOfRange('options.dim', lengths, dim);
  if (path !== undefined) checkName('options.path', path);
  if (data !== undefined) {
    if (path !== undefined) throw invalidArgument('options.data', 'nothing beside a path', data);
    const own = bytesOf('options.data', data);
    return new StaticEmbedder(dim, kind, () => native.embedderFromBytes(own, dim));
  }
  const place = path === undefined ? file : absolutePath(path);
  const find = typeof place === 'string' ? () => place : place;
  const key = `${kind.language} ${dim} ${typeof place === 'string' ? place : ''}`;
  const embedder = opened.get(key) ?? StaticEmbedder.ofFile(dim, find, kind);
  opened.set(key, embedder);
  return embedder;
}

/** An embedder by a table. */
export class StaticEmbedder implements SyncEmbedder {
  readonly dim: number;
  readonly basis?: 'builtin' | undefined;
  readonly language: string;
  /** Loads the table; gone, with the bytes it holds, once that was done. */
  #open: (() => number) | undefined;
  #handle = 0;
  #id: string | undefined;
  /** The text that was read last, and whether it is known. */
  #last: { text: string; known: boolean } | undefined;

  constructor(dim: number, { basis, language }: Kind, open: () => number) {
    this.dim = dim;
    if (basis) this.basis = basis;
    this.language = language;
    this.#open = open;
  }

  static ofFile(dim: number, file: () => string, kind: Kind): StaticEmbedder {
    return new StaticEmbedder(dim, kind, () => native.embedderOpen(file(), dim));
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

mark(StaticEmbedder, 'builtin');
