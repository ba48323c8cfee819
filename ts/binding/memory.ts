import { notFinite, outOfRange } from '../base/errors.ts';
import { noDirection } from '../base/vectors.ts';
import { keepHere } from '../host/memory.ts';
import { call, native } from './native.ts';

/** Refuses a vector without a direction: not finite, zero, or so long that its squared length overflows. */
export function checkDirection(
  argument: string,
  handle: number,
  memory: Float32Array,
  at: number,
  dim: number,
): void {
  // a loop of this size takes longer here than the way to the vector instructions and back
  const squared = call(() => native.squaredNorm(handle, memory, at, dim));
  if (squared > 0 && squared < Number.POSITIVE_INFINITY) return;
  let largest = 0;
  for (let k = 0; k < dim; k++) {
    const number = memory[at + k] as number;
    if (!Number.isFinite(number)) throw notFinite(argument, k, number);
    largest = Math.max(largest, Math.abs(number));
  }
  if (largest === 0) throw noDirection(argument);
  if (squared > 0) throw outOfRange(argument, 'a vector whose squared length fits a 32-bit float', squared);
}

/**
 * Carves results out of a larger block: a typed array of its own costs a microsecond to make, a view on a block a
 * fraction of that. A result that is kept keeps its block of up to 64 KB alive, and a block can't be transferred to
 * another thread, only copied; pass an `out` buffer where that matters.
 */
export class Slab {
  #block: ArrayBuffer = new ArrayBuffer(0);
  #at = 0;

  f32(length: number): Float32Array {
    const at = this.#reserve(length * 4);
    return new Float32Array(this.#block, at, length);
  }

  f64(length: number): Float64Array {
    const at = this.#reserve(length * 8);
    return new Float64Array(this.#block, at, length);
  }

  #reserve(bytes: number): number {
    // 8-byte steps, so that both kinds stay aligned
    const rounded = Math.ceil(bytes / 8) * 8;
    if (this.#at + rounded > this.#block.byteLength) {
      this.#block = new ArrayBuffer(Math.max(rounded, 65_536));
      // handed over to another thread with one result, it would take the others along
      keepHere(this.#block);
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += rounded;
    return at;
  }
}
