// Published routers, from their formulas, in plain JavaScript.
import { add64, dot64, principalAxes } from '../lib/eigen.mts';
import { Random } from '../lib/random.mts';
import type { Stream } from '../lib/stream.mts';
import { online, type Policy, type PolicyFactory } from './protocol.mts';

/** Variance of what has not been heard for long grows at most so many times. */
const OLDEST = 200;

/** Equal scores are decided by chance, not by the order of the models. */
const TIE = 1e-9;

/** And what was learned from it keeps at least this share. */
const LEAST = 1e-3;

/**
 * LinUCB (Li et al., 2010) with geometric forgetting, as in ParetoBandit: theta = A^-1 b, score = theta x +
 * alpha sqrt(x' A^-1 x), A = I at first; before an update A and b decay by gamma for each round since the last one of
 * the same model.
 */
class LinUcb implements Policy {
  private readonly inverse: Float64Array[];
  private readonly b: Float64Array[];
  private readonly theta: Float64Array[];
  private readonly heard: Float64Array;
  private readonly gain: Float64Array;
  private readonly random: Random;
  private round = 0;

  constructor(
    private readonly features: readonly Float64Array[],
    models: number,
    private readonly gamma: number,
    private readonly alpha: number,
    seed: number,
  ) {
    this.random = new Random(seed);
    const d = features[0]?.length ?? 0;
    this.gain = new Float64Array(d);
    this.inverse = Array.from({ length: models }, () => {
      const unit = new Float64Array(d * d);
      for (let i = 0; i < d; i++) unit[i * d + i] = 1;
      return unit;
    });
    this.b = Array.from({ length: models }, () => new Float64Array(d));
    this.theta = Array.from({ length: models }, () => new Float64Array(d));
    this.heard = new Float64Array(models);
  }

  choose(prompt: number): number {
    const x = this.features[prompt] as Float64Array;
    let best = 0;
    let top = -Infinity;
    for (let k = 0; k < this.theta.length; k++) {
      const age = Math.max(this.gamma ** (this.round - (this.heard[k] as number)), 1 / OLDEST);
      const variance = this.apply(k, x) / age;
      const estimate = dot64(this.theta[k] as Float64Array, 0, x, 0, x.length);
      const score = estimate + this.alpha * Math.sqrt(Math.max(0, variance)) + TIE * this.random.uniform();
      if (score > top) {
        top = score;
        best = k;
      }
    }
    return best;
  }

  learn(prompt: number, model: number, reward: number): void {
    const x = this.features[prompt] as Float64Array;
    const d = x.length;
    const inverse = this.inverse[model] as Float64Array;
    const b = this.b[model] as Float64Array;
    this.round++;
    const kept = Math.max(this.gamma ** (this.round - (this.heard[model] as number)), LEAST);
    this.heard[model] = this.round;
    if (kept < 1) {
      for (let i = 0; i < d * d; i++) inverse[i] = (inverse[i] as number) / kept;
      for (let i = 0; i < d; i++) b[i] = (b[i] as number) * kept;
    }
    const spread = 1 + this.apply(model, x);
    for (let i = 0; i < d; i++) add64(inverse, i * d, -(this.gain[i] as number) / spread, this.gain, 0, d);
    add64(b, 0, reward, x, 0, d);
    const theta = this.theta[model] as Float64Array;
    for (let i = 0; i < d; i++) theta[i] = dot64(inverse, i * d, b, 0, d);
  }

  /** Leaves A^-1 x in `gain` and returns x' A^-1 x. */
  private apply(model: number, x: Float64Array): number {
    const inverse = this.inverse[model] as Float64Array;
    const d = x.length;
    for (let i = 0; i < d; i++) this.gain[i] = dot64(inverse, i * d, x, 0, d);
    return dot64(x, 0, this.gain, 0, d);
  }
}

/** Each prompt along the stream's own principal axes, every axis scaled to unit variance, and a bias. */
export function whitened({ vectors }: Stream, k: number): Float64Array[] {
  const { mean, values, axes } = principalAxes(vectors, k);
  const d = mean.length;
  return vectors.map((vector) => {
    const centred = Float64Array.from(vector, (value, i) => value - (mean[i] as number));
    const x = new Float64Array(values.length + 1).fill(1);
    values.forEach((value, i) => {
      x[i] = dot64(axes, i * d, centred, 0, d) / Math.sqrt(value);
    });
    return x;
  });
}

const AXES = 25;
const ALPHA = 0.05;

/** ParetoBandit's features and settings; its axes know the whole stream beforehand. */
export function paretoBandit(gamma: number): PolicyFactory {
  return (stream) => {
    const features = featuresOf(stream);
    return (seed) => new LinUcb(features, stream.models.length, gamma, ALPHA, seed);
  };
}

const made = new WeakMap<Stream, Float64Array[]>();

function featuresOf(stream: Stream): Float64Array[] {
  const features = made.get(stream) ?? whitened(stream, AXES);
  made.set(stream, features);
  return features;
}

const note = 'axes from the stream itself';

export const cold = [
  online('ParetoBandit, as published', paretoBandit(0.997), { note }),
  online('same, without forgetting', paretoBandit(1), { note }),
];

export const warm = [
  online('ParetoBandit, as published', paretoBandit(0.997), {
    warm: true,
    note: `${note}; same labelled prompts`,
  }),
  online('same, without forgetting', paretoBandit(1), { warm: true, note: `${note}; same labelled prompts` }),
];
