// How good the answers were that SONA got, and those of other ways to choose.
import { contextFree } from './bandit.mts';
import type { Stream } from './stream.mts';

/** By way to choose. */
export interface Ways<T> {
  sona: T;
  /** The one model that is best over the whole stream, which nobody knows beforehand. */
  bestFixed: T;
  /** What a bandit learns that looks at no prompt. */
  bandit: T;
  /** A model at random, each prompt anew. */
  random: T;
  /** The best answer to each prompt. */
  oracle: T;
}

/** Mean quality of the first so many answers. */
export interface Mark extends Ways<number> {
  decisions: number;
  /** Regret against the oracle, as a multiple of the best fixed model's; null where that has none. */
  regret: number | null;
}

/** By how much the best answers were better, summed up, after so many decisions. */
export interface RegretCurves extends Omit<Ways<number[]>, 'oracle'> {
  decisions: number[];
}

/** What is known of the stream without SONA. */
export interface Yardsticks {
  /** Quality by prompt. */
  bestFixed: Float64Array;
  random: Float64Array;
  oracle: Float64Array;
  bandit: Float64Array;
  /** The model's place in the list, by prompt. */
  banditChosen: Uint16Array;
  /** Mean quality by model. */
  models: number[];
  /** Place of the best fixed model. */
  best: number;
}

const POINTS = 120;

/** `seed`: of the bandit's draws. */
export function yardsticks(stream: Stream, seed: number): Yardsticks {
  const { models, vectors, quality } = stream;
  const width = models.length;
  const rows = vectors.map((_, t) => quality.subarray(t * width, (t + 1) * width));
  const means = models.map((_, k) => mean(rows.map((row) => row[k] as number)));
  const best = means.indexOf(Math.max(...means));
  const banditChosen = contextFree(stream, seed);
  return {
    bestFixed: Float64Array.from(rows, (row) => row[best] as number),
    random: Float64Array.from(rows, mean),
    oracle: Float64Array.from(rows, (row) => Math.max(...row)),
    bandit: Float64Array.from(rows, (row, t) => row[banditChosen[t] as number] as number),
    banditChosen,
    models: means,
    best,
  };
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/** Standard error of the mean of the differences. */
export function errorOfDifference(a: Float64Array, b: Float64Array): number {
  return errorOfMean(a.map((value, t) => value - (b[t] as number)));
}

/** Standard error of the mean; 0 of a single value. */
export function errorOfMean(values: ArrayLike<number>): number {
  const middle = mean(values);
  const squares = Array.from(values, (value) => (value - middle) ** 2);
  return Math.sqrt(mean(squares) / Math.max(1, values.length - 1));
}

/** Mean qualities between two places of the stream. */
export function means(ways: Ways<Float64Array>, from: number, to: number): Ways<number> {
  const of = (values: Float64Array) => mean(values.subarray(from, to));
  return {
    sona: of(ways.sona),
    bestFixed: of(ways.bestFixed),
    bandit: of(ways.bandit),
    random: of(ways.random),
    oracle: of(ways.oracle),
  };
}

export function markAt(ways: Ways<Float64Array>, decisions: number): Mark {
  const found = means(ways, 0, decisions);
  const { sona, bestFixed, oracle } = found;
  const least = oracle - bestFixed;
  return { decisions, ...found, regret: least > 0 ? (oracle - sona) / least : null };
}

export function regretCurves({ sona, bestFixed, bandit, random, oracle }: Ways<Float64Array>): RegretCurves {
  const total = oracle.length;
  const points = Math.min(POINTS, total);
  const decisions = Array.from({ length: points + 1 }, (_, i) => Math.round((i * total) / points));
  const curve = (values: Float64Array): number[] => {
    const sums = [0];
    values.forEach((value, t) => {
      sums.push((sums[t] as number) + (oracle[t] as number) - value);
    });
    return decisions.map((n) => sums[n] as number);
  };
  return {
    decisions,
    sona: curve(sona),
    bestFixed: curve(bestFixed),
    bandit: curve(bandit),
    random: curve(random),
  };
}
