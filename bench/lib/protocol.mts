// What every bench of learning has in common: a learner that makes one choice and hears one bit of feedback, and means
// over seeds.
import type { Part } from './data.mts';

export interface Learner {
  readonly name: string;
  /** The best route for a query; learns nothing. */
  choose(x: Float32Array): number;
  /** Feedback on a choice. Only baselines with full information may look at `truth`. */
  learn(x: Float32Array, chosen: number, reward: number, truth: number): void;
  /** Called before each evaluation: finish what is pending. */
  checkpoint?(): void;
  /** What the learner holds, in bytes. */
  memoryBytes?(): number;
  /** Called when it has been judged. */
  close?(): void;
}

/** A fresh learner that knows the routes' prior embeddings. */
export type LearnerFactory = (priors: Float32Array[], seed: number) => Learner;

/** One query of a part: choose, hear whether that was right. Answers whether it was. */
export function step(learner: Learner, { vectors, labels }: Part, i: number): boolean {
  const x = vectors[i] as Float32Array;
  const truth = labels[i] as number;
  const chosen = learner.choose(x);
  learner.learn(x, chosen, chosen === truth ? 1 : 0, truth);
  return chosen === truth;
}

/** Percent of a part that the learner would choose rightly. */
export function accuracy(learner: Learner, { vectors, labels }: Part): number {
  let right = 0;
  vectors.forEach((x, i) => {
    if (learner.choose(x) === labels[i]) right++;
  });
  return (100 * right) / vectors.length;
}

/** A mean over seeds and its standard error (NaN for one seed). */
export interface Estimate {
  mean: number;
  error: number;
}

export function estimate(values: readonly number[]): Estimate {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: n > 1 ? Math.sqrt(squares / (n - 1) / n) : Number.NaN };
}
