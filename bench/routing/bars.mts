// What the router's rows must reach, from the design, and what would be better still.
import { type Bar, judge, type Verdict } from '../lib/bars.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import type { Stream } from '../lib/stream.mts';
import type { Protocol, Row } from './protocol.mts';

/** Fewer decide nothing: single seeds spread by a tenth. */
export const JUDGED_SEEDS = 16;

/** Sets on which settings may be chosen, and sets that are read once, when all settings are. Any other is held out. */
const use: Record<string, string> = {
  zeroeval: 'development set',
  zeroeval29: 'development set',
  paretobandit4: 'development set',
  paretobandit4q: 'development set',
  mmlupro10: 'development set',
  llmrouter9: 'read once, at the end',
  routellm_mmlu: 'read once, at the end',
};

export const useOf = (stream: string): string => use[stream] ?? 'held out';

/** A stream takes so many prompts, or all that it has, unless told otherwise. */
export const ROUNDS = 5000;

const wholeStreams = ['mmlupro10'];

/** How many prompts a stream is judged on; one that is shorter is taken whole. */
export const roundsOf = (stream: string): number => (wholeStreams.includes(stream) ? Infinity : ROUNDS);

interface StreamBars {
  regret: number;
  stretch?: number;
  worst?: number;
  last?: { least: number; stretch: number };
}

const cold: Record<string, StreamBars> = {
  llmrouter9: {
    regret: 0.96,
    stretch: 0.92,
    worst: 1.12,
    last: { least: 0.67, stretch: 0.682 },
  },
  paretobandit4: { regret: 0.98, stretch: 0.95 },
  zeroeval: { regret: 1.11, stretch: 1.05 },
  routellm_mmlu: { regret: 1.01, stretch: 1 },
  mmlupro10: { regret: 1.05, stretch: 1.02 },
  zeroeval29: { regret: 1.43, stretch: 1.35 },
};

/** After 500 labelled prompts. */
const warm: Record<string, StreamBars> = {
  llmrouter9: { regret: 0.86, stretch: 0.82 },
  paretobandit4: { regret: 0.9, stretch: 0.86 },
};
const WARM_BARS_FOR = 500;

/** Of the regret over these streams. */
const meanBar = { most: 1.03, stretch: 0.98 };
const inMean = ['llmrouter9', 'paretobandit4', 'zeroeval', 'routellm_mmlu'];

/** The worst order over the mean of all. */
const spread: Bar = { most: 1.4 };

/** So many standard errors a router may seem worse than an anchor. */
const ERRORS = 2;

/** So much more regret than what labelled prompts alone are good for. */
const fromLabelled: Bar = { most: 0.01 };

/** Sets with bars of their own. */
export const judgedSets = (table: 'cold' | 'warm'): string[] => Object.keys(table === 'cold' ? cold : warm);

/** Whether a run is long enough for the bars of the scenarios. */
export const decisive = ({ seeds, rounds }: Protocol): boolean => seeds >= JUDGED_SEEDS && rounds >= ROUNDS;

/** Whether so many rounds of a stream, one for each of its prompts at most, are long enough for its bars. */
export const decisiveFor = (
  { name, vectors }: Pick<Stream, 'name' | 'vectors'>,
  { seeds, warm: labelled }: Protocol,
  rounds: number,
): boolean => seeds >= JUDGED_SEEDS && rounds >= Math.min(roundsOf(name), vectors.length - labelled);

export interface RowVerdicts {
  regret?: Verdict;
  worst?: Verdict;
  /** Worst order over mean. */
  spread: Verdict;
  last?: Verdict;
}

export interface Judged {
  bar: RowVerdicts;
  stretch: Partial<RowVerdicts>;
}

/** Of a row that was run long enough. */
export function streamVerdicts(row: Row, { warm: labelled }: Protocol): Judged {
  const table = labelled === 0 ? cold : labelled === WARM_BARS_FOR ? warm : {};
  const bars: Partial<StreamBars> = table[row.set] ?? {};
  const { regret, worst, last } = row;
  return {
    bar: {
      ...(bars.regret !== undefined && { regret: judge(regret.mean, { most: bars.regret }, 3) }),
      ...(bars.worst !== undefined && { worst: judge(worst, { most: bars.worst }, 2) }),
      spread: judge(worst / regret.mean, spread, 2),
      ...(bars.last && { last: judge(last.mean, { least: bars.last.least }, 3) }),
    },
    stretch: {
      ...(bars.stretch !== undefined && { regret: judge(regret.mean, { most: bars.stretch }, 3) }),
      ...(bars.last && { last: judge(last.mean, { least: bars.last.stretch }, 3) }),
    },
  };
}

/** The mean regret of rows that cover all streams of the mean; undefined when some are missing. */
export function meanVerdicts(
  rows: readonly Row[],
): { mean: number; bar: Verdict; stretch: Verdict } | undefined {
  const means = inMean.flatMap((set) => rows.find((row) => row.set === set)?.regret.mean ?? []);
  if (means.length < inMean.length) return undefined;
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  return {
    mean,
    bar: judge(mean, { most: meanBar.most }, 3),
    stretch: judge(mean, { most: meanBar.stretch }, 3),
  };
}

/** How much more regret a router has than an anchor, in pairs: the same prompts in the same order. */
export interface Against {
  anchor: string;
  more: Estimate;
}

export function against(router: Row, anchor: Row): Against {
  const more = router.regrets.map((regret, i) => regret - (anchor.regrets[i] as number));
  return { anchor: anchor.policy, more: estimate(more) };
}

/** The anchor with the least regret. */
export const leastRegret = (rows: readonly Row[]): Row | undefined =>
  rows.toSorted((a, b) => a.regret.mean - b.regret.mean)[0];

/** Whether it is worse by no more than chance. */
export const notWorse = ({ more }: Against): Verdict => judge(more.mean / more.error, { most: ERRORS }, 2);

/** Whether it makes at least as much of labelled prompts as what is fitted to them alone. */
export const notWorseThanLabelled = ({ more }: Against): Verdict => judge(more.mean, fromLabelled, 3);

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

/** Reward over that of the best mixture of two fixed models for the same spend, second half of the stream. */
export const mixture: Bar = { least: 0 };

/** Share of a model that always answers, beside a better one that often fails. */
export const steady: Bar = { least: 0.95 };

/** Share of the runs in which a model that improved unseen is found within 3,000 decisions, by the setting for that. */
export const found: Bar = { least: 0.95 };

/** Percent of bins. */
export const calibration: Bar = { least: 80, most: 97 };

/** Expected calibration error of confidences where the truth is known. */
export const confidence: Bar = { most: 0.1 };
