// How true the intervals of the expected quality are: the last fifth of each stream, by model and decile of prediction.
import { judge, show } from '../lib/bars.mts';
import { line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import type { Stream } from '../lib/stream.mts';
import { calibration as bar, decisive } from './bars.mts';
import { type Episode, episode, type Protocol } from './protocol.mts';
import { type BasisChoice, Routed } from './sona.mts';

const WIDTH = 16;

/** A model with fewer outcomes is not asked how sure it is. */
const OUTCOMES = 200;

const DECILES = 10;

/** Fewer in a bin tell nothing about its mean: a model with fewer than ten times as many has fewer, wider bins. */
const LEAST = 20;

/** Standard errors on either side of 90 % of a normal distribution. */
const NINETY = 1.645;

interface Prediction {
  expected: number;
  halfWidth: number;
  /** Of the interval that the posterior alone would give. */
  uncalibrated: number;
  outcome: number;
}

interface Bin {
  count: number;
  /** Mean outcome less mean prediction. */
  gap: number;
  halfWidth: number;
  uncalibrated: number;
  /** Standard error of the gap. */
  error: number;
}

interface Bins {
  byModel: Bin[];
  pooled: Bin[];
}

/** The mean of the outcomes errs too: independent errors add up as squares do. */
const holds = (gap: number, halfWidth: number, error: number): boolean =>
  Math.abs(gap) <= Math.hypot(halfWidth, NINETY * error);

const inside = ({ gap, halfWidth, error }: Bin): boolean => holds(gap, halfWidth, error);

const insideUncalibrated = ({ gap, uncalibrated, error }: Bin): boolean => holds(gap, uncalibrated, error);

/** The more lenient reading: both errors at their worst together. */
const insideSum = ({ gap, halfWidth, error }: Bin): boolean => Math.abs(gap) <= halfWidth + NINETY * error;

export interface CalibrationRow {
  set: string;
  bins: number;
  /** Percent of bins whose mean outcome is inside. */
  inside: Estimate;
  /** The same with the posterior's own interval. */
  uncalibrated: Estimate;
  /** The same when interval and sampling error are added up instead of their squares. */
  insideSum: Estimate;
  /** With the sampling error alone: what is left inside an interval of no width. */
  withoutInterval: Estimate;
  halfWidth: Estimate;
  /** Expected calibration error of the predictions, of the pooled bins. */
  ece: Estimate;
}

export const calibrationHeads = (seeds: number): string =>
  '\nIntervals of the expected quality (90 %), last fifth of each stream, models with ' +
  `${OUTCOMES} outcomes or more, by decile of prediction; ${seedsOf(seeds)}\n` +
  'Inside: |mean outcome - mean prediction| <= root of (mean half width)^2 + (1.645 standard errors of the mean)^2.\n' +
  line('', ['bins', 'inside %', 'uncalibrated', 'added up', 'no interval', 'half width', 'ECE'], WIDTH);

export function calibrationRow(
  stream: Stream,
  protocol: Protocol,
  basis: BasisChoice,
): Table<CalibrationRow> {
  const perSeed = Array.from({ length: protocol.seeds }, (_, seed) =>
    binsOf(stream, episode(stream, seed, protocol), basis),
  ).filter(({ pooled }) => pooled.length > 0);
  if (perSeed.length === 0) {
    console.log(line(stream.name, ['too few outcomes'.padStart(WIDTH)], 0));
    return { rows: [], missed: 0 };
  }
  const percent = (bins: readonly Bin[], counts: (bin: Bin) => boolean): number =>
    (100 * bins.filter(counts).length) / bins.length;
  const weighted = (bins: readonly Bin[], of: (bin: Bin) => number): number => {
    const all = bins.reduce((sum, { count }) => sum + count, 0);
    return bins.reduce((sum, bin) => sum + bin.count * of(bin), 0) / all;
  };
  const overSeeds = (of: (bins: Bins) => number): Estimate => estimate(perSeed.map(of));
  const row = {
    set: stream.name,
    bins: perSeed.reduce((sum, { byModel }) => sum + byModel.length, 0),
    inside: overSeeds(({ byModel }) => percent(byModel, inside)),
    withoutInterval: overSeeds(({ byModel }) => percent(byModel, (bin) => inside({ ...bin, halfWidth: 0 }))),
    uncalibrated: overSeeds(({ byModel }) => percent(byModel, insideUncalibrated)),
    insideSum: overSeeds(({ byModel }) => percent(byModel, insideSum)),
    halfWidth: overSeeds(({ pooled }) => weighted(pooled, ({ halfWidth }) => halfWidth)),
    ece: overSeeds(({ pooled }) => weighted(pooled, ({ gap }) => Math.abs(gap))),
  };
  const verdict = decisive(protocol) ? judge(row.inside.mean, bar, 1) : undefined;
  const cells = [
    String(row.bins),
    plusMinus(row.inside),
    plusMinus(row.uncalibrated),
    plusMinus(row.insideSum),
    plusMinus(row.withoutInterval),
    plusMinus(row.halfWidth, 3),
    plusMinus(row.ece, 3),
  ];
  console.log(line(row.set, cells, WIDTH) + (verdict ? `   ${show(verdict)}` : ''));
  return { rows: [row], missed: Number(verdict?.met === false) };
}

function binsOf(stream: Stream, { seed, order }: Episode, basis: BasisChoice): Bins {
  const k = stream.models.length;
  const policy = new Routed(stream, basis, seed);
  const last: Prediction[][] = stream.models.map(() => []);
  const outcomes = new Uint32Array(k);
  const from = Math.floor(0.8 * order.length);
  order.forEach((prompt, t) => {
    const { decision, model } = policy.decide(prompt);
    const outcome = stream.utility[prompt * k + model] as number;
    policy.learn(prompt, model, outcome);
    outcomes[model] = (outcomes[model] as number) + 1;
    if (t < from) return;
    const { quality: expected, interval } = decision.expected;
    const { candidates } = decision.explain();
    const deviation = candidates.find(({ chosen }) => chosen)?.expected.deviation ?? 0;
    const halfWidth = (interval[1] - interval[0]) / 2;
    last[model]?.push({ expected, halfWidth, uncalibrated: NINETY * deviation, outcome });
  });
  policy.close();
  const asked = last.filter((_, model) => (outcomes[model] as number) >= OUTCOMES);
  return { byModel: asked.flatMap(deciles), pooled: deciles(asked.flat()) };
}

function deciles(predictions: readonly Prediction[]): Bin[] {
  const sorted = predictions.toSorted((a, b) => a.expected - b.expected);
  const bins = Math.min(DECILES, Math.floor(sorted.length / LEAST));
  return Array.from({ length: bins }, (_, i) =>
    sorted.slice(Math.floor((i * sorted.length) / bins), Math.floor(((i + 1) * sorted.length) / bins)),
  ).map((bin) => {
    const gap = estimate(bin.map(({ outcome, expected }) => outcome - expected));
    const halfWidth = estimate(bin.map((prediction) => prediction.halfWidth)).mean;
    const uncalibrated = estimate(bin.map((prediction) => prediction.uncalibrated)).mean;
    return { count: bin.length, gap: gap.mean, halfWidth, uncalibrated, error: gap.error };
  });
}
