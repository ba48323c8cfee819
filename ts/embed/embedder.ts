import {
  describe,
  dimMismatch,
  embedderFailed,
  invalidArgument,
  notFinite,
  type SonaError,
  sonaError,
} from '../base/errors.ts';
import { checkOptions, isF32, isF64, isName } from '../base/vectors.ts';
import { type Basis, checkBasis } from './basis.ts';

/** Options of one call of an embedder. */
export interface EmbedOptions {
  /** Gives up the call, which then rejects with `SONA_ABORTED`. */
  signal?: AbortSignal | undefined;
}

/**
 * Turns texts into vectors: one of those that ship (`builtin`, `hash`, `transformers`, `aiSdk`, `openAiCompatible`), or
 * any object of this form.
 */
export interface Embedder {
  /** Names the vectors: the same id means the same vectors. Stored in every state, and compared when it is loaded. */
  readonly id: string;
  /** Length of every vector, 2 to 65,536. */
  readonly dim: number;
  /** The basis that suits these vectors: the name of one that ships, or one of `fitBasis`. Default: none is known. */
  readonly basis?: 'minilm' | 'builtin' | Basis | undefined;
  /**
   * Vectors of texts, in their order. Rejects when it can't make all of them. Calls may overlap: each needs vectors of its
   * own.
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /**
   * The vector of one text, at once; in `out` where that is given. Synchronous methods take text only with this, and
   * `routeAsync` and `suggestRoutesAsync` prefer it. `out` is lent, it may be the caller's own memory: write
   * to it during the call alone.
   */
  embedSync?(text: string, out?: Float32Array): Float32Array;
  /** The language whose meaning the vectors know, as BCP 47 has it. Default: not said. */
  readonly language?: string | undefined;
  /**
   * Whether it knows enough of a text for its vector to go by meaning. Asked after the text was embedded; where it says false,
   * decisions and suggestions say so (`fallback: { reason: 'language' }`) and go by the vector all the same. Default: it does.
   */
  knows?(text: string): boolean;
}

/** An {@link Embedder} that can embed at once. */
export type SyncEmbedder = Embedder & Required<Pick<Embedder, 'embedSync'>>;

/** Refuses everything that is not an {@link Embedder}. Reads its `id`, for which `builtin` opens its table. */
export function checkEmbedder(
  argument: string,
  value: unknown,
  refuse: typeof invalidArgument,
): asserts value is Embedder {
  if (typeof value !== 'object' || value === null) throw refuse(argument, 'an Embedder', value);
  const { embed, embedSync, knows, language, dim, basis, id } = value as Record<keyof Embedder, unknown>;
  if (typeof embed !== 'function') throw refuse(`${argument}.embed`, 'a function', embed);
  if (embedSync !== undefined && typeof embedSync !== 'function') {
    throw refuse(`${argument}.embedSync`, 'a function', embedSync);
  }
  if (knows !== undefined && typeof knows !== 'function') {
    throw refuse(`${argument}.knows`, 'a function', knows);
  }
  if (language !== undefined && !isName(language)) {
    throw refuse(`${argument}.language`, 'a name of at least one character', language);
  }
  if (typeof dim !== 'number' || !Number.isInteger(dim) || dim < 2 || dim > 65_536) {
    throw refuse(`${argument}.dim`, 'an integer from 2 to 65536', dim);
  }
  if (basis !== undefined && basis !== 'minilm' && basis !== 'builtin') {
    const at = `${argument}.basis`;
    if (typeof basis !== 'object' || basis === null) {
      throw refuse(at, "'minilm', 'builtin' or a Basis", basis);
    }
    const { dim: length } = checkBasis(at, basis);
    if (length !== dim) throw dimMismatch(`${at}.dim`, dim, length);
  }
  if (!isName(id)) throw refuse(`${argument}.id`, 'a name of at least one character', id);
}

/** What the vectors of an embedder are held to. */
type Named = Pick<Embedder, 'id' | 'dim'>;

/**
 * The vectors that an embedder made of `count` texts. Throws `SONA_EMBEDDER`, `SONA_DIM_MISMATCH` or `SONA_NOT_FINITE`,
 * naming the vector as `<id>[i]`, unless it is as many of its dimension, all finite.
 */
export function checkEmbedded(embedder: Named, vectors: unknown, count: number): Float32Array[] {
  if (!Array.isArray(vectors) || vectors.length !== count) {
    const expected = `an array of ${count} vectors`;
    const got = Array.isArray(vectors) ? `an array of ${vectors.length}` : describe(vectors);
    throw embedderFailed(embedder.id, `expected ${expected}, got ${got}`, { expected, got });
  }
  const checked: Float32Array[] = [];
  for (let i = 0; i < count; i++) checked.push(checkOne(embedder, i, vectors[i]));
  return checked;
}

function checkOne(embedder: Named, i: number, vector: unknown): Float32Array {
  if (!isF32(vector)) throw noVector(embedder.id, i, 'a Float32Array', describe(vector));
  if (vector.length !== embedder.dim) throw dimMismatch(`${embedder.id}[${i}]`, embedder.dim, vector.length);
  for (let k = 0; k < vector.length; k++) {
    const number = vector[k] as number;
    if (!Number.isFinite(number)) throw notFinite(`${embedder.id}[${i}]`, k, number);
  }
  return vector;
}

/**
 * The `i`-th vector of an answer that came as arrays of numbers, in 32 bits. Throws `SONA_EMBEDDER` when it isn't one;
 * length and finiteness are left to {@link checkEmbedded}.
 */
export function toVector(id: string, i: number, value: unknown): Float32Array {
  if (isF32(value)) return value;
  if (!Array.isArray(value) && !isF64(value)) throw noVector(id, i, 'an array of numbers', describe(value));
  const wrong = Array.from(value).findIndex((number) => typeof number !== 'number');
  if (wrong >= 0) throw noVector(id, i, 'numbers', `${describe(value[wrong])} at index ${wrong}`);
  return Float32Array.from(value as ArrayLike<number>);
}

function noVector(id: string, i: number, expected: string, got: string): SonaError {
  const argument = `${id}[${i}]`;
  const message = `${argument}: expected ${expected}, got ${got}`;
  return sonaError('SONA_EMBEDDER', message, { embedder: id, argument, expected, got });
}

/** The texts as they are now. Refuses everything that is not an array of strings, and options that mean nothing. */
export function checkEmbed(texts: unknown, options: EmbedOptions): string[] {
  if (!Array.isArray(texts)) throw invalidArgument('texts', 'an array of strings', texts);
  const taken: unknown[] = Array.from(texts);
  taken.forEach((text, i) => {
    if (typeof text !== 'string') throw invalidArgument(`texts[${i}]`, 'a string', text);
  });
  checkOptions('options', options, ['signal']);
  return taken as string[];
}
