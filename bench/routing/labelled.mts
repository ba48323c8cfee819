// What labelled prompts alone are good for, without learning anything after them: their best fixed model, and regressions that are
// fitted to them once.
import { dot64 } from '../lib/eigen.mts';
import type { Stream } from '../lib/stream.mts';
import { scaled } from './axes.mts';
import type { Contestant, Episode, Run } from './protocol.mts';
import { indexOfMost } from './world.mts';

/** Chooses by what it made of the labelled prompts. */
type Fit = (stream: Stream, labelled: Uint32Array) => (prompt: number) => number;

function fixedAfter(name: string, fit: Fit, note = ''): Contestant {
  return {
    name,
    run: (stream, episodes) => ({ runs: episodes.map((episode) => follow(stream, episode, fit)), note }),
  };
}

function follow(stream: Stream, { order, labelled }: Episode, fit: Fit): Run {
  const k = stream.models.length;
  const choose = fit(stream, labelled);
  const began = performance.now();
  const rewards = Float64Array.from(order, (prompt) => stream.utility[prompt * k + choose(prompt)] as number);
  return { rewards, millis: performance.now() - began };
}

const bestFixed: Fit = ({ models, utility }, labelled) => {
  const sums = models.map((_, model) =>
    labelled.reduce((sum, prompt) => sum + (utility[prompt * models.length + model] as number), 0),
  );
  const best = indexOfMost(sums);
  return () => best;
};

/**
 * Precision of the slopes' prior, of 1, 2, 5, 10, 20 and 50: the least mean regret on zeroeval (8 and 29 models) and paretobandit4
 * (with and without costs), 200 and 500 labelled prompts, 5 orders; 50 is level with 20 for ridge, 2 with 5 for logistic. The
 * intercept has next to none.
 */
const PRECISION = { ridge: 20, logistic: 5 };
const INTERCEPT = 1e-3;

/** Newton's steps; by the last one nothing moves any more. */
const STEPS = 12;

/** One regression per model; the model is asked of which it expects the most. */
export const regression =
  (kind: 'ridge' | 'logistic', precision = PRECISION[kind]): Fit =>
  (stream, labelled) => {
    const { width, rows } = scaled(stream);
    const d = width + 1;
    const row = (prompt: number): Float64Array => {
      const x = new Float64Array(d).fill(1);
      x.set(rows.subarray(prompt * width, (prompt + 1) * width));
      return x;
    };
    const known = Array.from(labelled, row);
    const k = stream.models.length;
    const weights = stream.models.map((_, model) => {
      const targets = Float64Array.from(labelled, (prompt) => stream.utility[prompt * k + model] as number);
      return kind === 'ridge' ? ridge(known, targets, precision) : logistic(known, targets, precision);
    });
    return (prompt) => {
      const x = row(prompt);
      return indexOfMost(weights.map((w) => dot64(w, 0, x, 0, d)));
    };
  };

const prior = (d: number, precision: number): Float64Array =>
  Float64Array.from({ length: d }, (_, i) => (i === d - 1 ? INTERCEPT : precision));

/** Least squares with a prior on each weight; the last entry of each row is the intercept's. */
export function ridge(rows: readonly Float64Array[], targets: Float64Array, precision: number): Float64Array {
  const d = rows[0]?.length ?? 0;
  const ones = new Float64Array(rows.length).fill(1);
  const b = new Float64Array(d);
  rows.forEach((x, n) => {
    for (let i = 0; i < d; i++) b[i] = (b[i] as number) + (targets[n] as number) * (x[i] as number);
  });
  return solve(weighted(rows, ones, prior(d, precision)), b);
}

/** The most likely weights for targets between 0 and 1, by Newton's method. */
export function logistic(
  rows: readonly Float64Array[],
  targets: Float64Array,
  precision: number,
): Float64Array {
  const d = rows[0]?.length ?? 0;
  const lambda = prior(d, precision);
  const w = new Float64Array(d);
  const curvature = new Float64Array(rows.length);
  for (let step = 0; step < STEPS; step++) {
    const gradient = w.map((value, i) => -(lambda[i] as number) * value);
    rows.forEach((x, n) => {
      const p = 1 / (1 + Math.exp(-dot64(w, 0, x, 0, d)));
      curvature[n] = Math.max(p * (1 - p), 1e-6);
      const surprise = (targets[n] as number) - p;
      for (let i = 0; i < d; i++) gradient[i] = (gradient[i] as number) + surprise * (x[i] as number);
    });
    const move = solve(weighted(rows, curvature, lambda), gradient);
    for (let i = 0; i < d; i++) w[i] = (w[i] as number) + (move[i] as number);
  }
  return w;
}

/** The lower half of: sum of weight times x x', and the prior's precisions on the diagonal. */
function weighted(
  rows: readonly Float64Array[],
  weights: Float64Array,
  diagonal: Float64Array,
): Float64Array {
  const d = diagonal.length;
  const a = new Float64Array(d * d);
  rows.forEach((x, n) => {
    for (let i = 0; i < d; i++) {
      const scale = (weights[n] as number) * (x[i] as number);
      for (let j = 0; j <= i; j++) a[i * d + j] = (a[i * d + j] as number) + scale * (x[j] as number);
    }
  });
  for (let i = 0; i < d; i++) a[i * d + i] = (a[i * d + i] as number) + (diagonal[i] as number);
  return a;
}

/** a x = b for a positive definite matrix, of which the lower half is read and overwritten (Cholesky). */
function solve(a: Float64Array, b: Float64Array): Float64Array {
  const d = b.length;
  const x = b.slice();
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = (a[i * d + j] as number) - dot64(a, i * d, a, j * d, j);
      a[i * d + j] = i === j ? Math.sqrt(rest) : rest / (a[j * d + j] as number);
    }
    x[i] = ((x[i] as number) - dot64(a, i * d, x, 0, i)) / (a[i * d + i] as number);
  }
  for (let i = d - 1; i >= 0; i--) {
    let rest = x[i] as number;
    for (let j = i + 1; j < d; j++) rest -= (a[j * d + i] as number) * (x[j] as number);
    x[i] = rest / (a[i * d + i] as number);
  }
  return x;
}

export const BEST_LABELLED = 'best fixed, labelled rows';
export const LOGISTIC = 'logistic, labelled rows';

const note = 'fitted once; axes from the stream itself';

export const labelledOnly: readonly Contestant[] = [
  fixedAfter(BEST_LABELLED, bestFixed),
  fixedAfter('ridge, labelled rows', regression('ridge'), note),
  fixedAfter(LOGISTIC, regression('logistic'), note),
];
