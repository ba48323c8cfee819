// What an adapter reaches when it is told the right route of every query: h(x) = normalise(x + M x), trained on the
// softmax cross-entropy over the routes. An upper line for learning from right or wrong.
import { add, bestRow, dot, normalise, stack } from './linear.mts';
import type { Learner } from './protocol.mts';
import { Random } from './random.mts';

const TAU = 20;
const BATCH = 64;
const STEPS_PER_CYCLE = 20;
const EVENTS_PER_CYCLE = 100;
const RECENT = 1000;

/** Adam (Kingma and Ba, 2015), rate 2e-3. The gradient is set back to zero by each step. */
class Parameters {
  readonly gradient: Float32Array;
  private readonly mean: Float32Array;
  private readonly square: Float32Array;
  private steps = 0;

  constructor(readonly values: Float32Array) {
    this.gradient = new Float32Array(values.length);
    this.mean = new Float32Array(values.length);
    this.square = new Float32Array(values.length);
  }

  get memoryBytes(): number {
    return 4 * this.values.byteLength;
  }

  step(batch: number): void {
    const { values, gradient, mean, square } = this;
    this.steps++;
    const rate = 2e-3 / (1 - 0.9 ** this.steps);
    const unbias = 1 / (1 - 0.999 ** this.steps);
    for (let i = 0; i < values.length; i++) {
      const g = (gradient[i] as number) / batch;
      const m = (mean[i] as number) + 0.1 * (g - (mean[i] as number));
      const v = (square[i] as number) + 0.001 * (g * g - (square[i] as number));
      mean[i] = m;
      square[i] = v;
      values[i] = (values[i] as number) - (rate * m) / (Math.sqrt(v * unbias) + 1e-8);
      gradient[i] = 0;
    }
  }
}

/** The trained change M. */
interface Change {
  readonly parameters: readonly Parameters[];
  /** out += M x */
  apply(x: Float32Array, out: Float32Array): void;
  /** Adds the gradient for one x and its error signal; follows `apply` of the same x. */
  accumulate(x: Float32Array, signal: Float32Array): void;
}

/** M = s B A of rank r, s = 8 / r; A normal with variance 1 / d, B zero and held by columns. */
class LowRank implements Change {
  readonly parameters: readonly [Parameters, Parameters];
  private readonly inner: Float32Array;

  constructor(
    private readonly dim: number,
    private readonly rank: number,
    seed: number,
  ) {
    const random = new Random(seed);
    const a = Float32Array.from({ length: rank * dim }, () => random.normal() / Math.sqrt(dim));
    this.parameters = [new Parameters(a), new Parameters(new Float32Array(rank * dim))];
    this.inner = new Float32Array(rank);
  }

  apply(x: Float32Array, out: Float32Array): void {
    const [a, b] = this.parameters;
    for (let r = 0; r < this.rank; r++) {
      const inner = (8 / this.rank) * dot(a.values, r * this.dim, x, 0, this.dim);
      this.inner[r] = inner;
      add(out, 0, inner, b.values, r * this.dim, this.dim);
    }
  }

  accumulate(x: Float32Array, signal: Float32Array): void {
    const [a, b] = this.parameters;
    for (let r = 0; r < this.rank; r++) {
      const at = r * this.dim;
      add(b.gradient, at, this.inner[r] as number, signal, 0, this.dim);
      add(a.gradient, at, (8 / this.rank) * dot(b.values, at, signal, 0, this.dim), x, 0, this.dim);
    }
  }
}

/** Any matrix M, from zero. */
class FullMatrix implements Change {
  readonly parameters: readonly [Parameters];

  constructor(private readonly dim: number) {
    this.parameters = [new Parameters(new Float32Array(dim * dim))];
  }

  apply(x: Float32Array, out: Float32Array): void {
    const { values } = this.parameters[0];
    for (let i = 0; i < this.dim; i++)
      out[i] = (out[i] as number) + dot(values, i * this.dim, x, 0, this.dim);
  }

  accumulate(x: Float32Array, signal: Float32Array): void {
    const { gradient } = this.parameters[0];
    for (let i = 0; i < this.dim; i++) add(gradient, i * this.dim, signal[i] as number, x, 0, this.dim);
  }
}

export class FullInformation implements Learner {
  private readonly targets: Float32Array;
  private readonly adapted: Float32Array;
  private readonly signal: Float32Array;
  private readonly weights: Float32Array;
  private readonly random: Random;
  private readonly seen: { x: Float32Array; truth: number }[] = [];

  private constructor(
    readonly name: string,
    priors: readonly Float32Array[],
    private readonly change: Change,
    seed: number,
  ) {
    this.targets = stack(priors);
    this.adapted = new Float32Array(priors[0]?.length ?? 0);
    this.signal = new Float32Array(this.adapted.length);
    this.weights = new Float32Array(priors.length);
    this.random = new Random(seed + 1);
  }

  static lowRank(name: string, priors: readonly Float32Array[], seed: number, rank: number): FullInformation {
    return new FullInformation(name, priors, new LowRank(priors[0]?.length ?? 0, rank, seed), seed);
  }

  static fullMatrix(name: string, priors: readonly Float32Array[], seed: number): FullInformation {
    return new FullInformation(name, priors, new FullMatrix(priors[0]?.length ?? 0), seed);
  }

  choose(x: Float32Array): number {
    this.adapt(x);
    return bestRow(this.targets, this.adapted);
  }

  learn(x: Float32Array, _chosen: number, _reward: number, truth: number): void {
    this.seen.push({ x, truth });
    if (this.seen.length % EVENTS_PER_CYCLE !== 0) return;
    for (let step = 0; step < STEPS_PER_CYCLE; step++) {
      for (let i = 0; i < BATCH; i++) this.accumulate(i < BATCH / 2 ? RECENT : this.seen.length);
      for (const parameters of this.change.parameters) parameters.step(BATCH);
    }
  }

  memoryBytes(): number {
    const events = this.seen.length * (4 * this.adapted.length + 4);
    return this.change.parameters.reduce((sum, p) => sum + p.memoryBytes, this.targets.byteLength + events);
  }

  /** Puts h(x) in `adapted` and returns the length before it was normalised. */
  private adapt(x: Float32Array): number {
    this.adapted.set(x);
    this.change.apply(x, this.adapted);
    return normalise(this.adapted, 0, x.length);
  }

  /** Adds the gradient of one example, drawn from the newest `window`. */
  private accumulate(window: number): void {
    const n = this.seen.length;
    const { x, truth } = this.seen[
      n - 1 - this.random.below(Math.min(window, n))
    ] as (typeof this.seen)[number];
    const { adapted, signal, targets, weights } = this;
    const dim = x.length;
    const length = this.adapt(x);
    let sum = 0;
    for (let k = 0; k < weights.length; k++) {
      // Cosines are at most 1: shifting by it keeps the exponential in range.
      weights[k] = Math.exp(TAU * (dot(targets, k * dim, adapted, 0, dim) - 1));
      sum += weights[k] as number;
    }
    signal.fill(0);
    for (let k = 0; k < weights.length; k++) {
      const slope = (weights[k] as number) / sum - (k === truth ? 1 : 0);
      // Routes with next to no probability do not move the sum.
      if (Math.abs(slope) > 1e-7) add(signal, 0, TAU * slope, targets, k * dim, dim);
    }
    add(signal, 0, -dot(signal, 0, adapted, 0, dim), adapted, 0, dim);
    for (let i = 0; i < dim; i++) signal[i] = (signal[i] as number) / length;
    this.change.accumulate(x, signal);
  }
}
