import { invalidArgument, notFinite } from '../base/errors.ts';
import { copyInto, isVector, type Vector, vectorKinds } from '../base/vectors.ts';

/** Refuses what can't be attention weights. Finiteness is checked where the numbers are read. */
export function checkAttention(weights: unknown): asserts weights is Vector {
  if (!isVector(weights)) throw invalidArgument('attentionWeights', vectorKinds, weights);
}

/** Attention weights of each step of a trajectory, from the first that has some. */
export class Attention {
  #weights = new Float32Array(64);
  #used = 0;
  readonly #lengths: number[];

  /** @param steps how many there were before */
  constructor(steps: number) {
    this.#lengths = new Array<number>(steps).fill(0);
  }

  /** Adds the weights of the next step. Refuses what is not finite, which then changes nothing. */
  add(weights: Vector): void {
    const { length } = weights;
    const [from, to] = [this.#used, this.#used + length];
    if (to > this.#weights.length) {
      const larger = new Float32Array(Math.max(to, 2 * this.#weights.length));
      larger.set(this.#weights.subarray(0, from));
      this.#weights = larger;
    }
    copyInto('attentionWeights', weights, this.#weights, from);
    for (let i = 0; i < length; i++) {
      const weight = this.#weights[from + i] as number;
      if (!Number.isFinite(weight)) throw notFinite('attentionWeights', i, weight);
    }
    this.#lengths.push(length);
    this.#used = to;
  }

  /** Those of all steps, one after another. */
  get weights(): Float32Array {
    return this.#weights.subarray(0, this.#used);
  }

  /** How many each step has. */
  get lengths(): Uint32Array {
    return Uint32Array.from(this.#lengths);
  }
}
