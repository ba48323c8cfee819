import { type Basis, checkBasis } from '../basis.ts';
import { describe, dimMismatch, embedderFailed, invalidArgument, notFinite, SonaError } from '../errors.ts';
import { checkInteger, checkName, checkOptions, isF32, isF64 } from '../vectors.ts';

/** Options of one call of an embedder. */
export interface EmbedOptions {
  /** Gives up the call, which then rejects with `SONA_ABORTED`. */
  signal?: AbortSignal;
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
  /** Whether texts of near meaning get near vectors. */
  readonly semantic: boolean;
  /** The basis that suits these vectors: the name of one that ships, or one of `fitBasis`. Default: none is known. */
  readonly basis?: 'minilm' | 'builtin' | Basis;
  /** Vectors of texts, in their order. Rejects when it can't make all of them. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /** The vector of one text, at once; in `out` where that is given. Synchronous methods take text only with this. */
  embedSync?(text: string, out?: Float32Array): Float32Array;
}

/** Refuses everything that is not an {@link Embedder}. Reads its `id`, for which `builtin` opens its table. */
export function checkEmbedder(argument: string, value: unknown): asserts value is Embedder {
  if (typeof value !== 'object' || value === null) throw invalidArgument(argument, 'an Embedder', value);
  const { embed, embedSync, dim, semantic, basis, id } = value as Record<keyof Embedder, unknown>;
  if (typeof embed !== 'function') throw invalidArgument(`${argument}.embed`, 'a function', embed);
  if (embedSync !== undefined && typeof embedSync !== 'function') {
    throw invalidArgument(`${argument}.embedSync`, 'a function', embedSync);
/** An {@link Embedder} that can embed at once. */
export type SyncEmbedder = Embedder & Required<Pick<Embedder, 'embedSync'>>;

  }
  checkInteger(`${argument}.dim`, dim, 2, 65_536);
  if (typeof semantic !== 'boolean') throw invalidArgument(`${argument}.semantic`, 'true or false', semantic);
  checkOwnBasis(`${argument}.basis`, basis, dim);
  checkName(`${argument}.id`, id);
}

function checkOwnBasis(argument: string, basis: unknown, dim: number): void {
  if (basis === undefined || basis === 'minilm' || basis === 'builtin') return;
  if (typeof basis !== 'object') throw invalidArgument(argument, "'minilm', 'builtin' or a Basis", basis);
  const { dim: length } = checkBasis(argument, basis);
  if (length !== dim) throw dimMismatch(`${argument}.dim`, dim, length);
}

/**
 * Refuses what an embedder made of `count` texts unless it is as many vectors of its dimension, all finite. Throws
 * `SONA_EMBEDDER`, `SONA_DIM_MISMATCH` or `SONA_NOT_FINITE`, naming the vector as `<id>[i]`.
 */
export function checkEmbedded(
  embedder: Embedder,
  vectors: unknown,
  count: number,
): asserts vectors is Float32Array[] {
  if (!Array.isArray(vectors) || vectors.length !== count) {
    const expected = `an array of ${count} vectors`;
    const got = Array.isArray(vectors) ? `an array of ${vectors.length}` : describe(vectors);
    throw embedderFailed(embedder.id, `expected ${expected}, got ${got}`, { expected, got });
  }
  for (let i = 0; i < count; i++) checkOne(embedder, i, vectors[i]);
}

function checkOne(embedder: Embedder, i: number, vector: unknown): void {
  if (!isF32(vector)) throw noVector(embedder.id, i, 'a Float32Array', describe(vector));
  if (vector.length !== embedder.dim) throw dimMismatch(`${embedder.id}[${i}]`, embedder.dim, vector.length);
  for (let k = 0; k < vector.length; k++) {
    const number = vector[k] as number;
    if (!Number.isFinite(number)) throw notFinite(`${embedder.id}[${i}]`, k, number);
  }
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
  return new SonaError('SONA_EMBEDDER', message, { embedder: id, argument, expected, got });
}

/** Refuses everything that is not an array of strings, and options that mean nothing. */
export function checkEmbed(texts: unknown, options: EmbedOptions): asserts texts is readonly string[] {
  if (!Array.isArray(texts)) throw invalidArgument('texts', 'an array of strings', texts);
  for (let i = 0; i < texts.length; i++) {
    if (typeof texts[i] !== 'string') throw invalidArgument(`texts[${i}]`, 'a string', texts[i]);
  }
  checkOptions('options', options, ['signal']);
}
