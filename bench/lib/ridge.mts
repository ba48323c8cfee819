// Ridge regression per route on right or wrong: the linear bandit baselines.
import { add, dot, scale } from './linear.mts';
import type { Learner } from './protocol.mts';

/**
 * The inverse of (I + sum of x x') under one-vector updates (Sherman and Morrison). The inverse is I - sum of u u',
 * one u per update: cheap and small while updates are few. From as many of them as there are dimensions on it is kept
 * as a full matrix.
 */
class Inverse {
  private rows = new Float32Array(0);
  private count = 0;
  private full: Float32Array | undefined;

  constructor(private readonly dim: number) {}

  get memoryBytes(): number {
    return this.full ? this.full.byteLength : this.rows.byteLength;
  }

  /** out = inverse times x; returns x' inverse x. */
  apply(x: Float32Array, out: Float32Array): number {
    const d = this.dim;
    if (this.full) {
      for (let i = 0; i < d; i++) out[i] = dot(this.full, i * d, x, 0, d);
    } else {
      out.set(x);
      for (let k = 0; k < this.count; k++) add(out, 0, -dot(this.rows, k * d, x, 0, d), this.rows, k * d, d);
    }
    return dot(x, 0, out, 0, d);
  }

  /** x' inverse x for x of unit length. */
  quadratic(x: Float32Array, scratch: Float32Array): number {
    if (this.full) return this.apply(x, scratch);
    let sum = 1;
    for (let k = 0; k < this.count; k++) sum -= dot(this.rows, k * this.dim, x, 0, this.dim) ** 2;
    return sum;
  }

  /** Takes in one x, given u = (inverse x) / sqrt(1 + x' inverse x). */
  update(u: Float32Array): void {
    const d = this.dim;
    if (!this.full && this.count === d) this.fill();
    if (this.full) {
      for (let i = 0; i < d; i++) add(this.full, i * d, -(u[i] as number), u, 0, d);
      return;
    }
    if (this.rows.length === this.count * d) {
      const grown = new Float32Array(Math.min(d, Math.max(8, 2 * this.count)) * d);
      grown.set(this.rows);
      this.rows = grown;
    }
    this.rows.set(u, this.count++ * d);
  }

  private fill(): void {
    const d = this.dim;
    const full = new Float32Array(d * d);
    for (let i = 0; i < d; i++) full[i * d + i] = 1;
    for (let k = 0; k < this.count; k++) {
      for (let i = 0; i < d; i++) add(full, i * d, -(this.rows[k * d + i] as number), this.rows, k * d, d);
    }
    this.full = full;
    this.rows = new Float32Array(0);
  }
}

export interface RidgeOptions {
  name: string;
  /** The prior mean of a route's weights is this times its embedding. */
  priorWeight: number;
  /** Times the standard deviation that is added to the estimate (Li et al., LinUCB, 2010); 0: greedy. */
  alpha: number;
}

/** One ridge (lambda 1) per route; a choice updates the chosen route's alone. */
export class RidgeArms implements Learner {
  readonly name: string;
  private readonly alpha: number;
  private readonly dim: number;
  private readonly theta: Float32Array[];
  private readonly inverse: Inverse[];
  private readonly gain: Float32Array;

  constructor(priors: readonly Float32Array[], { name, priorWeight, alpha }: RidgeOptions) {
    this.name = name;
    this.alpha = alpha;
    this.dim = priors[0]?.length ?? 0;
    this.theta = priors.map((prior) => prior.map((value) => priorWeight * value));
    this.inverse = priors.map(() => new Inverse(this.dim));
    this.gain = new Float32Array(this.dim);
  }

  choose(x: Float32Array): number {
    let best = 0;
    let top = -Infinity;
    for (let k = 0; k < this.theta.length; k++) {
      let score = this.estimate(k, x);
      if (this.alpha > 0) {
        score += this.alpha * Math.sqrt(Math.max(0, this.arm(k).quadratic(x, this.gain)));
      }
      if (score > top) {
        top = score;
        best = k;
      }
    }
    return best;
  }

  learn(x: Float32Array, chosen: number, reward: number): void {
    const arm = this.arm(chosen);
    const spread = 1 + arm.apply(x, this.gain);
    const surprise = (reward - this.estimate(chosen, x)) / spread;
    add(this.theta[chosen] as Float32Array, 0, surprise, this.gain, 0, this.dim);
    scale(this.gain, 0, 1 / Math.sqrt(spread), this.dim);
    arm.update(this.gain);
  }

  memoryBytes(): number {
    return this.inverse.reduce((sum, arm) => sum + arm.memoryBytes + 4 * this.dim, 0);
  }

  private arm(k: number): Inverse {
    return this.inverse[k] as Inverse;
  }

  private estimate(k: number, x: Float32Array): number {
    return dot(this.theta[k] as Float32Array, 0, x, 0, this.dim);
  }
}
