// A row of weights per route beside its prior: logit = 20 prior . x + w . x, trained on replayed events by Adam. Told right
// or wrong alone it is what a plain online learner reaches; told every label it is logistic regression, an upper line.
import { add, bestRow, dot, stack } from './linear.mts';
import type { Learner } from './protocol.mts';
import { Random } from './random.mts';

const TAU = 20;
const BATCH = 64;
const STEPS_PER_CYCLE = 20;
const EVENTS_PER_CYCLE = 100;
const RECENT = 1000;
const RATE = 1e-2;
const WARM_UP = 500;
const FLOOR = 1e-6;

interface Event {
  x: Float32Array;
  chosen: number;
  reward: number;
}

export class RouteRegression implements Learner {
  /** TAU prior + w, a row per route. */
  private readonly weights: Float32Array;
  private readonly gradient: Float32Array;
  private readonly mean: Float32Array;
  private readonly square: Float32Array;
  private readonly logits: Float64Array;
  private readonly random: Random;
  private readonly seen: Event[] = [];
  private steps = 0;

  private constructor(
    readonly name: string,
    priors: readonly Float32Array[],
    seed: number,
    private readonly told: boolean,
  ) {
    this.weights = stack(priors).map((value) => TAU * value);
    this.gradient = new Float32Array(this.weights.length);
    this.mean = new Float32Array(this.weights.length);
    this.square = new Float32Array(this.weights.length);
    this.logits = new Float64Array(priors.length);
    this.random = new Random(seed + 2);
  }

  /** Hears whether its choice was right. */
  static rightOrWrong(priors: readonly Float32Array[], seed: number): RouteRegression {
    return new RouteRegression('softmax per route', priors, seed, false);
  }

  /** Hears the right route of every query. */
  static allLabels(priors: readonly Float32Array[], seed: number): RouteRegression {
    return new RouteRegression('logistic regression, all labels', priors, seed, true);
  }

  choose(x: Float32Array): number {
    return bestRow(this.weights, x);
  }

  learn(x: Float32Array, chosen: number, reward: number, truth: number): void {
    this.seen.push(this.told ? { x, chosen: truth, reward: 1 } : { x, chosen, reward });
    if (this.seen.length % EVENTS_PER_CYCLE !== 0) return;
    for (let step = 0; step < STEPS_PER_CYCLE; step++) {
      for (let i = 0; i < BATCH; i++) this.accumulate(i < BATCH / 4 ? RECENT : this.seen.length);
      this.step();
    }
  }

  memoryBytes(): number {
    return 4 * this.weights.byteLength + this.seen.length * (4 * (this.seen[0]?.x.length ?? 0) + 8);
  }

  /** Adds the gradient of -r log p - (1 - r) log (1 - p) of one event, drawn from the newest `window`. */
  private accumulate(window: number): void {
    const n = this.seen.length;
    const { x, chosen, reward } = this.seen[n - 1 - this.random.below(Math.min(window, n))] as Event;
    const { logits, weights, gradient } = this;
    const dim = x.length;
    let top = -Infinity;
    for (let k = 0; k < logits.length; k++) {
      logits[k] = dot(weights, k * dim, x, 0, dim);
      top = Math.max(top, logits[k] as number);
    }
    let sum = 0;
    for (let k = 0; k < logits.length; k++) {
      logits[k] = Math.exp((logits[k] as number) - top);
      sum += logits[k] as number;
    }
    const own = Math.min(Math.max((logits[chosen] as number) / sum, FLOOR), 1 - FLOOR);
    const others = reward - ((1 - reward) * own) / (1 - own);
    for (let k = 0; k < logits.length; k++) {
      const slope =
        k === chosen ? reward * (own - 1) + (1 - reward) * own : (others * (logits[k] as number)) / sum;
      if (Math.abs(slope) > 1e-7) add(gradient, k * dim, slope / BATCH, x, 0, dim);
    }
  }

  private step(): void {
    const { weights, gradient, mean, square } = this;
    this.steps++;
    const rate = (RATE * Math.min(1, this.steps / WARM_UP)) / (1 - 0.9 ** this.steps);
    const unbias = 1 / (1 - 0.999 ** this.steps);
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i] as number;
      const m = (mean[i] as number) + 0.1 * (g - (mean[i] as number));
      const v = (square[i] as number) + 0.001 * (g * g - (square[i] as number));
      mean[i] = m;
      square[i] = v;
      weights[i] = (weights[i] as number) - (rate * m) / (Math.sqrt(v * unbias) + 1e-8);
      gradient[i] = 0;
    }
  }
}
