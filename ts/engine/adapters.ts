import { dimMismatch, fromNative, invalidArgument } from '../base/errors.ts';
import {
  checkVector,
  copyNumbers,
  isF32,
  isF64,
  isShared,
  isVector,
  type Same,
  type Vector,
  vectorKinds,
} from '../base/vectors.ts';
import { Slab } from '../binding/memory.ts';
import { call, native } from '../binding/native.ts';

/** Which adapter to apply, in the addon's codes: `base` + the layer for one layer of the background adapter. */
export const tiers = { micro: 0, both: 1, base: 2 } as const;

/** Applies adapters to vectors of every kind; holds the memory for that. */
export class Adapters {
  readonly #dim: number;
  readonly #slab = new Slab();
  #wide: Float64Array;
  #wideOut: Float64Array;

  constructor(dim: number) {
    this.#dim = dim;
    this.#wide = new Float64Array(dim);
    this.#wideOut = new Float64Array(dim);
  }

  /** x plus the tier's change, in the kind of x. */
  apply<V extends Vector>(handle: number, tier: number, x: V, out: Same<V> | undefined): Same<V> {
    if (isF32(x)) return this.#apply32(handle, tier, x, out) as Same<V>;
    checkVector('x', x, this.#dim);
    const work = (from: Float64Array, to: Float64Array) => native.applyF64(handle, tier, from, to);
    return this.#apply64('x', x, out, work) as Same<V>;
  }

  /** The micro tier on vectors that lie one after another. */
  applyBatch<V extends Vector>(handle: number, flat: V, out: Same<V> | undefined): Same<V> {
    if (!isVector(flat)) throw invalidArgument('flat', vectorKinds, flat);
    if (isF32(flat)) {
      const target = this.#target32('flat', flat.length, out);
      call(() => native.applyMicroBatch(handle, own(flat), target));
      return deliver(target, out) as Same<V>;
    }
    const work = (from: Float64Array, to: Float64Array) => native.applyMicroBatchF64(handle, from, to);
    return this.#apply64('flat', flat, out, work) as Same<V>;
  }

  #target32(argument: string, length: number, out: unknown): Float32Array {
    if (out === undefined) return this.#slab.f32(length);
    if (!isF32(out)) throw invalidArgument('out', `a Float32Array, as ${argument}`, out);
    return own(out);
  }

  #apply32(handle: number, tier: number, x: Float32Array, out: unknown): Float32Array {
    const target = this.#target32('x', this.#dim, out);
    try {
      native.apply(handle, tier, own(x), target);
    } catch (error) {
      throw fromNative(error);
    }
    return deliver(target, out);
  }

  #apply64(
    argument: string,
    x: Exclude<Vector, Float32Array>,
    out: unknown,
    work: (from: Float64Array, to: Float64Array) => void,
  ): Float64Array | number[] {
    if (isF64(x)) {
      if (out !== undefined && !isF64(out))
        throw invalidArgument('out', `a Float64Array, as ${argument}`, out);
      const target = out === undefined ? this.#slab.f64(x.length) : own(out);
      call(() => work(own(x), target));
      return deliver(target, out);
    }
    const length = x.length;
    if (out !== undefined && !Array.isArray(out))
      throw invalidArgument('out', `an array, as ${argument}`, out);
    if (out !== undefined && out.length !== length) throw dimMismatch('out', length, out.length);
    if (this.#wide.length !== length) {
      this.#wide = new Float64Array(length);
      this.#wideOut = new Float64Array(length);
    }
    const [from, to] = [this.#wide, this.#wideOut];
    copyNumbers(argument, x, from);
    call(() => work(from, to));
    // a loop, because Array.from of a typed array is ten times slower
    const result = out ?? new Array<number>(length);
    for (let i = 0; i < length; i++) result[i] = to[i] as number;
    return result;
  }
}

/** A copy, where another thread could write to the memory while native code reads it. */
function own<V extends Float32Array | Float64Array>(view: V): V {
  return (isShared(view) ? view.slice() : view) as V;
}

/** Hands a result over to the caller's buffer, where the work was done in a copy of it. */
function deliver<V extends Float32Array | Float64Array>(result: V, out: unknown): V {
  if (out === undefined || out === result) return result;
  (out as V).set(result);
  return out as V;
}
