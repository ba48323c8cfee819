// What the router's rows must reach, from the design, and what would be better still.
import { type Bar, judge, type Verdict } from '../lib/bars.mts';
import type { Protocol, Row } from './protocol.mts';

/** Fewer decide nothing: single seeds spread by a tenth. */
export const JUDGED_SEEDS = 16;

interface StreamBars {
  /** Prompts that they are for; a stream that is shorter is taken whole. */
  rounds: number;
  regret: number;
  stretch?: number;
  worst?: number;
  last?: { least: number; stretch: number };
}

const cold: Record<string, StreamBars> = {
  llmrouter9: {
    rounds: 5000,
    regret: 0.98,
    stretch: 0.92,
    worst: 1.12,
    last: { least: 0.67, stretch: 0.682 },
  },
  paretobandit4: { rounds: 3559, regret: 1, stretch: 0.95 },
  zeroeval: { rounds: 2840, regret: 1.14, stretch: 1.05 },
  routellm_mmlu: { rounds: 5000, regret: 1.04, stretch: 1 },
};

const warm: Record<string, StreamBars> = {
  llmrouter9: { rounds: 5000, regret: 0.86, stretch: 0.82 },
  paretobandit4: { rounds: 3059, regret: 0.9, stretch: 0.86 },
};

/** Of the regret over all sets that have a bar of their own. */
const meanBar = { most: 1.03, stretch: 0.98 };

/** Sets with bars, with as many prompts as each is judged on. */
export const judgedSets = (table: 'cold' | 'warm'): string[] => Object.keys(table === 'cold' ? cold : warm);

/** A stream takes so many prompts unless told otherwise. */
export const ROUNDS = 5000;

/** Whether a run is long enough for the bars of the scenarios. */
export const decisive = ({ seeds, rounds }: Protocol): boolean => seeds >= JUDGED_SEEDS && rounds >= ROUNDS;

export interface RowVerdicts {
  regret: Verdict;
  worst?: Verdict;
  last?: Verdict;
}

export interface Judged {
  bar: RowVerdicts;
  stretch?: Partial<RowVerdicts>;
}

/** Undefined for a row that has no bars, or was run too short for them. */
export function streamVerdicts(row: Row, { warm: labelled }: Protocol): Judged | undefined {
  const bars = (labelled > 0 ? warm : cold)[row.set];
  if (!bars || row.rounds < bars.rounds || row.seeds < JUDGED_SEEDS) return undefined;
  const { regret, worst, last } = row;
  const stretch = {
    ...(bars.stretch !== undefined && { regret: judge(regret.mean, { most: bars.stretch }, 3) }),
    ...(bars.last && { last: judge(last.mean, { least: bars.last.stretch }, 3) }),
  };
  return {
    bar: {
      regret: judge(regret.mean, { most: bars.regret }, 3),
      ...(bars.worst !== undefined && { worst: judge(worst, { most: bars.worst }, 2) }),
      ...(bars.last && { last: judge(last.mean, { least: bars.last.least }, 3) }),
    },
    stretch,
  };
}

/** The mean regret of rows that cover all judged sets; undefined when some are missing. */
export function meanVerdicts(
  rows: readonly Row[],
): { mean: number; bar: Verdict; stretch: Verdict } | undefined {
  const judged = Object.entries(cold).map(([set, { rounds }]) =>
    rows.find((row) => row.set === set && row.rounds >= rounds && row.seeds >= JUDGED_SEEDS),
  );
  if (judged.some((row) => !row)) return undefined;
  const mean = judged.reduce((sum, row) => sum + (row?.regret.mean ?? Number.NaN), 0) / judged.length;
  return {
    mean,
    bar: judge(mean, { most: meanBar.most }, 3),
    stretch: judge(mean, { most: meanBar.stretch }, 3),
  };
}

/** Decisions. */
export const drift = {
  back: { most: 600 },
  share: { most: 200 },
  /** Per 20,000 decisions of a stream that does not change. */
  falseAlarms: { most: 1 },
} satisfies Record<string, Bar>;

/** Spend as a multiple of the budget, of the worst seed. */
export const budget = {
  whole: { most: 1.01 },
  /** After the dearest call of the window is taken off. */
  window: { most: 1.05 },
} satisfies Record<string, Bar>;

/** Percent of bins. */
export const calibration: Bar = { least: 80, most: 97 };
