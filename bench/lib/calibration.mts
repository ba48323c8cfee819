// Whether the engine knows what it knows: does it choose rightly as often as its probabilities say, and are they lower
// for queries that belong to no route?
import type { IntentSet, Part } from './data.mts';
import { routed, type WithRoutes } from './engine.mts';
import { bestRow, dot, stack } from './linear.mts';
import { type Estimate, estimate, step } from './protocol.mts';
import { episode } from './stationary.mts';

export interface CalibrationProtocol {
  events: number;
  seeds: number;
}

export interface CalibrationRow {
  set: string;
  part: string;
  /** Percent of the part's queries that are chosen rightly, and the mean probability of the choice. */
  accuracy: Estimate;
  probability: Estimate;
  /** Expected calibration error of the choice's probability. */
  error: Estimate;
  /** How well queries of no route are told apart by each of these, as the area under the ROC curve. */
  outOfScope?: Record<Sign, Estimate>;
}

/** What tells queries of no route apart: of the engine, and without learning. */
export const signs = ['inScope', 'confidence', 'score', 'utterances', 'rawCosine'] as const;

type Sign = (typeof signs)[number];

const BINS = 15;

/** Right answers near a query whose mean cosine is what routers by utterances compare with a threshold. */
const UTTERANCES = 5;

/** What is said about one query. */
interface Answer extends Record<Sign, number> {
  probability: number;
  right: boolean;
}

/** A learner with the queries that it has routed rightly, by route, and the routes' names. */
interface Learned {
  learner: WithRoutes;
  utterances: Float32Array[][];
}

/** Streams events by name, then asks about each part that the set has. */
export function judgeCalibration(set: IntentSet, { events, seeds }: CalibrationProtocol): CalibrationRow[] {
  const parts = [
    { part: 'val', inside: set.val, outside: set.oosVal },
    { part: 'test', inside: set.test, outside: set.oosTest },
  ];
  const learners = Array.from({ length: seeds }, (_, seed) => {
    const { priors, stream } = episode(set, seed, 0);
    const learner = routed('full default', priors, seed);
    const utterances = priors.map((prior) => [prior]);
    for (let i = 0; i < events; i++) {
      const at = stream[i % stream.length] as number;
      if (step(learner, set.train, at))
        utterances[set.train.labels[at] as number]?.push(set.train.vectors[at] as Float32Array);
    }
    return { learner, utterances };
  });
  const rows = parts.flatMap(({ part, inside, outside }) =>
    inside ? [judgePart(set, part, learners, inside, outside)] : [],
  );
  for (const { learner } of learners) learner.close();
  return rows;
}

function judgePart(
  set: IntentSet,
  part: string,
  learners: readonly Learned[],
  inside: Part,
  outside: readonly Float32Array[] | undefined,
): CalibrationRow {
  const priors = stack(set.labels);
  const known = learners.map((learner) =>
    inside.vectors.map((x, i) => ask(learner, priors, x, inside.labels[i])),
  );
  const over = (measure: (answers: Answer[]) => number) => estimate(known.map(measure));
  const row: CalibrationRow = {
    set: set.name,
    part,
    accuracy: over((answers) => 100 * mean(answers.map(({ right }) => Number(right)))),
    probability: over((answers) => 100 * mean(answers.map(({ probability }) => probability))),
    error: over((answers) => expectedCalibrationError(answers, BINS)),
  };
  if (!outside) return row;
  const unknown = learners.map((learner) => outside.map((x) => ask(learner, priors, x)));
  const apart = (key: Sign) =>
    estimate(
      known.map((answers, i) =>
        areaUnderRoc(
          answers.map((answer) => answer[key]),
          (unknown[i] as Answer[]).map((answer) => answer[key]),
        ),
      ),
    );
  return {
    ...row,
    outOfScope: Object.fromEntries(signs.map((sign) => [sign, apart(sign)])) as Record<Sign, Estimate>,
  };
}

function ask(
  { learner, utterances }: Learned,
  priors: Float32Array,
  x: Float32Array,
  label?: number,
): Answer {
  const { top, confidence, inScope } = learner.suggest(x);
  const nearest = bestRow(priors, x);
  return {
    probability: top.probability,
    inScope: inScope ?? 1,
    confidence,
    score: top.score,
    utterances: Math.max(...utterances.map((known) => nearestUtterances(known, x))),
    rawCosine: dot(priors, nearest * x.length, x, 0, x.length),
    right: Number(top.route) === label,
  };
}

/** Mean cosine of the nearest of a route's utterances. */
function nearestUtterances(known: readonly Float32Array[], x: Float32Array): number {
  const cosines = known.map((utterance) => dot(utterance, 0, x, 0, x.length)).sort((a, b) => b - a);
  return mean(cosines.slice(0, UTTERANCES));
}

/**
 * Mean distance between the probability of a choice and how often such choices are right, over bins that hold equally
 * many of them (Naeini, Cooper and Hauskrecht, 2015, with the bins of Nixon et al., 2019).
 */
export function expectedCalibrationError(
  choices: readonly { probability: number; right: boolean }[],
  bins: number,
): number {
  const sorted = choices.toSorted((a, b) => a.probability - b.probability);
  const edge = (bin: number) => Math.floor((bin * sorted.length) / bins);
  let sum = 0;
  for (let bin = 0; bin < bins; bin++) {
    const inside = sorted.slice(edge(bin), edge(bin + 1));
    // what is said minus what is so, times the number of choices
    sum += Math.abs(inside.reduce((gap, { probability, right }) => gap + probability - Number(right), 0));
  }
  return sum / sorted.length;
}

/** Chance that one of the first is above one of the second, ties by half (Mann and Whitney, 1947). */
export function areaUnderRoc(inside: readonly number[], outside: readonly number[]): number {
  const sorted = Float64Array.from(outside).sort();
  let wins = 0;
  for (const value of inside) wins += (below(sorted, value, false) + below(sorted, value, true)) / 2;
  return wins / (inside.length * outside.length);
}

/** How many of the sorted values are less than this one, or also equal to it. */
function below(sorted: Float64Array, value: number, orEqual: boolean): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const at = sorted[middle] as number;
    if (at < value || (orEqual && at === value)) from = middle + 1;
    else to = middle;
  }
  return from;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
