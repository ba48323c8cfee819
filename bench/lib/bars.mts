// What the engine's rows must reach, from the design.
import type { SequenceRow } from './sequence.mts';
import type { Row } from './stationary.mts';

/** At least or at most so much. */
export interface Bar {
  least?: number;
  most?: number;
}

export interface Verdict extends Bar {
  met: boolean;
}

/** Compared as it is printed, with so many decimals. */
export function judge(value: number, bar: Bar, decimals: number): Verdict {
  const shown = Number(value.toFixed(decimals));
  return { ...bar, met: shown >= (bar.least ?? -Infinity) && shown <= (bar.most ?? Infinity) };
}

export function show({ least, most, met }: Verdict): string {
  const bar = least === undefined ? `<= ${most}` : most === undefined ? `>= ${least}` : `${least} to ${most}`;
  return `${bar} ${met ? 'met' : 'missed'}`;
}

/** Test accuracy in percent after so many events. */
const EVENTS = [0, 500, 1000, 2000, 5000, 10_000];

type Accuracies = Record<string, Record<string, readonly number[]>>;

/** At the end of the stream alone. */
const atLast = (least: number): Accuracies[string] => ({
  'full default': EVENTS.map((events) => (events === 10_000 ? least : Number.NaN)),
});

const byName: Accuracies = {
  clinc150: {
    'full default': [68.3, 74.2, 78.7, 83, 88, 93.3],
    'default, gate off': [68.3, 74.2, 78.7, 83, 88, 90.7],
    'BaseLoRA alone': [68.3, 70.9, 73.7, 77.9, 83.6, 86.5],
    'MicroLoRA alone': [68.3, 68.5, 69.6, 71, 73.2, 74.8],
  },
  banking77: {
    'full default': [62.3, 67, 71.2, 75.7, 81.6, 89.5],
    'without EWC': [62.3, 67, 71, 76.5, 82.5, 86.4],
    'default, gate off': [62.3, 67, 71.2, 75.7, 81.6, 85.3],
    'BaseLoRA alone': [62.3, 64.3, 67.6, 71.9, 78.6, 83.2],
    'MicroLoRA alone': [62.3, 62.6, 64, 65.4, 67.6, 69.5],
    'no routes': [62.3, 64, 66.8, 70.6, 76.8, 81],
  },
  'clinc150:builtin/domains': atLast(95),
  'clinc150/30': atLast(85),
  'hwu64:builtin': atLast(83),
  'curekart:builtin': atLast(80.5),
  'fbes12:builtin': atLast(96.6),
};

/** Five examples per route. The start depends on the examples drawn and has no bar. */
const fiveShot: Accuracies = {
  clinc150: { 'full default': [Number.NaN, 85.7, 86.7, 88.5, 91, 92.4] },
  banking77: { 'full default': [Number.NaN, 76.3, 78.2, 81.4, 85.8, 88] },
};

/** With few examples no evaluation may fall further below the start. */
const DIP = 0.5;

export interface StationaryVerdicts {
  /** One for each evaluation, where there is a bar. */
  accuracy: (Verdict | undefined)[];
  /** The lowest evaluation against the start. */
  floor?: Verdict & { lowest: number };
}

/** Undefined for a row without bars. */
export function stationaryVerdicts(row: Row, shots: number): StationaryVerdicts | undefined {
  const table = shots === 0 ? byName : shots === 5 ? fiveShot : {};
  const bars = table[row.set]?.[row.learner];
  if (!bars) return undefined;
  const accuracy = row.accuracy.map(({ events, mean }) => {
    const least = bars[EVENTS.indexOf(events)];
    return least === undefined || Number.isNaN(least) ? undefined : judge(mean, { least }, 1);
  });
  if (shots === 0 || accuracy.every((verdict) => !verdict)) return { accuracy };
  const means = row.accuracy.map(({ mean }) => mean);
  const lowest = Math.min(...means);
  const least = Number(((means[0] ?? 0) - DIP).toFixed(1));
  return { accuracy, floor: { ...judge(lowest, { least }, 1), lowest } };
}

type SequenceBars = Partial<Record<'seen' | 'transfer' | 'within', Bar>>;

/** Of CLINC150. */
const inSequence: Record<string, SequenceBars> = {
  // a control: a sequence that a method without protection remembers is too easy to tell anything
  'naive LoRA': { seen: { most: 60 } },
  'without prototypes': { seen: { least: 84.5 } },
  'full default': { seen: { least: 91.3 }, transfer: { least: -3.5 }, within: { least: 94 } },
};

/** What the best of the rows with elastic weight consolidation at known boundaries must reach. */
const bestAtBoundaries: SequenceBars = { seen: { least: 76 } };

/** By row, then by column; for whole sequences only. */
export function sequenceVerdicts(rows: readonly SequenceRow[]): Map<SequenceRow, Record<string, Verdict>> {
  const judged = rows.filter(({ set }) => set === 'clinc150');
  const atBoundaries = judged.filter(({ boundaryLambda }) => boundaryLambda);
  const best = atBoundaries.toSorted((a, b) => b.seen.mean - a.seen.mean)[0];
  const verdicts = new Map<SequenceRow, Record<string, Verdict>>();
  for (const row of judged) {
    const bars = row === best ? bestAtBoundaries : inSequence[row.method];
    if (!bars) continue;
    const columns = Object.entries(bars) as [keyof SequenceBars, Bar][];
    verdicts.set(
      row,
      Object.fromEntries(
        columns.map(([column, bar]) => [column, judge(row[column]?.mean ?? Number.NaN, bar, 1)]),
      ),
    );
  }
  return verdicts;
}

/** Expected calibration error of the best route's probability; undefined before there was enough to learn from. */
export const calibrationVerdict = (error: number, events: number): Verdict | undefined =>
  events < 10_000 ? undefined : judge(error, { most: 0.05 }, 3);

/** Routes that nobody asked for may fall so far below what their names gave them. */
const LOST = 2;

/** Of their share among the best five, by default and at the end of a whole stream. */
export const unaskedVerdict = (
  learner: string,
  events: number,
  share: number,
  start: number,
): Verdict | undefined =>
  events !== 10_000 || learner !== 'full default'
    ? undefined
    : judge(share, { least: Number((start - LOST).toFixed(1)) }, 1);
