import { dimMismatch, invalidArgument, invalidConfig, notFinite } from '../base/errors.ts';
import { checkLength, checkVector, isF32, isF64, type Same, type Vector } from '../base/vectors.ts';
import { native } from '../binding/native.ts';
import type { Embedder } from '../embed/embedder.ts';
import { type AsyncOptions, Queries, type Query, type QueryOptions } from '../embed/query.ts';
import { Projection } from './projection.ts';

/** Vectors of another length than the core's: on their way in projected, on their way out projected back. */
export class Outer {
  readonly #projection: Projection;
  readonly #queries: Queries;
  /** A query as it came. */
  readonly #query: Float32Array;
  readonly #projected: Float32Array;

  /** @param dim length of outer vectors; what `options` say makes such of text */
  constructor(
    handle: number,
    readonly dim: number,
    hiddenDim: number,
    options: QueryOptions,
  ) {
    if (options.onEmbedderError === 'fallback') {
      throw invalidConfig('onEmbedderError', "'throw' where embeddingDim is not hiddenDim", 'fallback');
    }
    this.#projection = new Projection(dim, hiddenDim);
    this.#query = new Float32Array(dim);
    this.#projected = new Float32Array(hiddenDim);
    // a state of projected vectors is no state of the embedder's own
    const suffix = `@${dim}`;
    const owner = {
      dim,
      known: () => {
        const known = native.engineEmbedder(handle);
        if (known === null) return null;
        const { id } = JSON.parse(known) as { id: string };
        return JSON.stringify({ id: id.endsWith(suffix) ? id.slice(0, -suffix.length) : id, dim });
      },
      settle: (id: string) => native.engineSetEmbedder(handle, id + suffix, hiddenDim),
    };
    this.#queries = new Queries(owner, options);
  }

  /** What makes vectors of text, of `dim` numbers. */
  get embedder(): Embedder | null {
    return this.#queries.embedder ?? null;
  }

  /** The projection of a query or an activation, in memory that the next call uses again. */
  inner(argument: string, query: Query): Float32Array {
    this.#queries.into(argument, query, this.#query);
    checkLength(argument, this.#query);
    this.#projection.project(this.#query, this.#projected);
    return this.#projected;
  }

  /** The vector of a query, from every embedder. */
  vector(argument: string, query: Query, wait: AsyncOptions): Promise<Vector> {
    return this.#queries.vector(argument, query, wait);
  }

  /** x plus what `work` changes of its projection, projected back, in the kind of x. */
  apply<V extends Vector>(
    x: V,
    out: Same<V> | undefined,
    work: (inner: Float64Array) => Float64Array,
  ): Same<V> {
    checkVector('x', x, this.dim);
    const target = out === undefined ? blank(x, this.dim) : checkOut('x', x, out);
    const own = numbersOf('x', x);
    const projected = new Float64Array(this.#projected.length);
    this.#projection.project(own, projected);
    const change = work(projected);
    for (let i = 0; i < change.length; i++) change[i] = (change[i] as number) - (projected[i] as number);
    const back = new Float64Array(this.dim);
    this.#projection.back(change, back);
    for (let i = 0; i < back.length; i++) {
      const moved = back[i] as number;
      // adding 0 would take the sign from -0
      target[i] = moved === 0 ? (own[i] as number) : (own[i] as number) + moved;
    }
    return target;
  }

  /** A direction in the core's vectors as one of `dim` numbers and of unit length, of the kind of `like`. */
  outside<V extends Vector>(vector: Vector, like: V): Same<V> {
    const out = blank(like, this.dim);
    const back = new Float64Array(this.dim);
    this.#projection.back(vector, back);
    // the rows of the projection are longer than 1 where it makes vectors shorter
    const length = Math.hypot(...back);
    for (let i = 0; i < back.length; i++) out[i] = (back[i] as number) / length;
    return out;
  }
}

/**
 * `work` on each of the rows of `dim` numbers that lie one after another in `vector`. Nothing is written unless all went well.
 */
export function applyRows<V extends Vector>(
  argument: string,
  vector: V,
  out: Same<V> | undefined,
  dim: number,
  work: (row: Float64Array) => Float64Array,
): Same<V> {
  const { length } = vector;
  if (length === 0 || length % dim !== 0) throw dimMismatch(argument, dim, length);
  const target = out === undefined ? blank(vector, length) : checkOut(argument, vector, out);
  const numbers = numbersOf(argument, vector);
  for (let at = 0; at < length; at += dim) numbers.set(work(numbers.slice(at, at + dim)), at);
  for (let i = 0; i < length; i++) target[i] = numbers[i] as number;
  return target;
}

/** A copy of finite numbers. */
function numbersOf(argument: string, vector: Vector): Float64Array {
  const copy = new Float64Array(vector.length);
  for (let i = 0; i < copy.length; i++) {
    const number: unknown = vector[i];
    if (typeof number !== 'number') throw invalidArgument(`${argument}[${i}]`, 'a number', number);
    if (!Number.isFinite(number)) throw notFinite(argument, i, number);
    copy[i] = number;
  }
  return copy;
}

function blank<V extends Vector>(like: V, length: number): Same<V> {
  const made = isF32(like)
    ? new Float32Array(length)
    : isF64(like)
      ? new Float64Array(length)
      : new Array<number>(length);
  return made as Same<V>;
}

/** Refuses a buffer that is not of the kind and length of what it is for. */
function checkOut<V extends Vector>(argument: string, vector: V, out: unknown): Same<V> {
  const [same, kind] = isF32(vector)
    ? [isF32(out), 'a Float32Array']
    : isF64(vector)
      ? [isF64(out), 'a Float64Array']
      : [Array.isArray(out), 'an array'];
  if (!same) throw invalidArgument('out', `${kind}, as ${argument}`, out);
  const { length } = out as Vector;
  if (length !== vector.length) throw dimMismatch('out', vector.length, length);
  return out as Same<V>;
}
