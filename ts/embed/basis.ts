import { invalidArgument, outOfRange } from '../base/errors.ts';
import {
  checkInteger,
  checkName,
  checkNumber,
  checkOptions,
  checkVector,
  copyInto,
  isF32,
  isShared,
  isVector,
  type Vector,
  vectorKinds,
} from '../base/vectors.ts';
import type { Basis } from '../binding/binding.ts';
import { call, native } from '../binding/native.ts';

export type { Basis };

/** Features per block; most directions and most centroids. */
export const FEATURES = 64;

/** Parts of {@link fitBasis}. */
export interface FitOptions {
  /** Length of a vector. Needed where all vectors lie in one Float32Array; else that of the first one. */
  dim?: number | undefined;
  /** Name of the basis. Default `'fitted'`. */
  id?: string | undefined;
  /** Seed of every random choice. Default 42. */
  seed?: number | undefined;
}

/**
 * Fits a basis to the vectors of a broad sample of prompts, at least some hundred; their lengths don't matter. The same
 * vectors and the same seed give the same basis on the same processor. 4,000 vectors of 384 numbers take about 50 ms.
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE` or `SONA_OUT_OF_RANGE`, naming the vector as
 * `vectors[i]`.
 *
 * @param vectors one vector per prompt, or all of them one after another in a Float32Array
 */
export function fitBasis(vectors: readonly Vector[] | Float32Array, options: FitOptions = {}): Basis {
  checkOptions('options', options, ['dim', 'id', 'seed']);
  const { dim, id = 'fitted', seed = 42 } = options;
  if (dim !== undefined || isF32(vectors)) checkInteger('options.dim', dim, 1, 65_536);
  checkName('options.id', id);
  checkInteger('options.seed', seed, 0, Number.MAX_SAFE_INTEGER);
  const { flat, width } = flatten(vectors, dim);
  return call(() => native.basisFit(flat, width, id, seed));
}

/** The basis that ships, for vectors of all-MiniLM-L6-v2. */
export function minilmBasis(): Basis {
  return call(() => native.basisMinilm());
}

/** Both blocks of features of each vector, 128 numbers a vector, without biases. */
export function basisFeatures(basis: Basis, vectors: readonly Vector[] | Float32Array): Float32Array {
  const checked = checkBasis('basis', basis);
  const { flat } = flatten(vectors, checked.dim);
  return call(() => native.basisFeatures(checked, flat));
}

/**
 * Refuses what is no basis, or not the one whose hash it carries. Gives back a basis whose arrays no other thread can
 * write to. What is wrong with the numbers themselves is named `features.basis.<part>`.
 */
export function checkBasis(argument: string, value: unknown): Basis {
  if (typeof value !== 'object' || value === null) throw invalidArgument(argument, 'a Basis', value);
  const { id, dim, mean, directions, centroids, scale, rms, hash } = value as Record<keyof Basis, unknown>;
  checkName(`${argument}.id`, id);
  checkInteger(`${argument}.dim`, dim, 1, 65_536);
  checkNumber(`${argument}.scale`, scale);
  checkNumber(`${argument}.rms`, rms);
  checkName(`${argument}.hash`, hash);
  const basis: Basis = {
    id,
    dim,
    mean: numbers(`${argument}.mean`, mean),
    directions: numbers(`${argument}.directions`, directions),
    centroids: numbers(`${argument}.centroids`, centroids),
    scale,
    rms,
    hash,
  };
  const expected = call(() => native.basisHash(basis));
  if (hash !== expected) throw outOfRange(`${argument}.hash`, `"${expected}", the hash of its numbers`, hash);
  return basis;
}

function numbers(argument: string, value: unknown): Float32Array {
  if (!isF32(value)) throw invalidArgument(argument, 'a Float32Array', value);
  return isShared(value) ? value.slice() : value;
}

/** All vectors one after another. */
function flatten(vectors: unknown, dim: number | undefined): { flat: Float32Array; width: number } {
  // the addon copies what it normalises, but another thread could write meanwhile
  if (isF32(vectors)) return { flat: numbers('vectors', vectors), width: dim ?? vectors.length };
  if (!Array.isArray(vectors)) {
    throw invalidArgument('vectors', 'an array of vectors or a Float32Array', vectors);
  }
  if (vectors.length === 0) throw outOfRange('vectors', 'at least one vector', 'none');
  const first: unknown = vectors[0];
  if (!isVector(first)) throw invalidArgument('vectors[0]', vectorKinds, first);
  const width = dim ?? first.length;
  checkInteger('vectors[0].length', width, 1, 65_536);
  const flat = new Float32Array(vectors.length * width);
  for (let i = 0; i < vectors.length; i++) {
    const vector: unknown = vectors[i];
    checkVector(`vectors[${i}]`, vector, width);
    copyInto(`vectors[${i}]`, vector, flat, i * width);
  }
  return { flat, width };
}
