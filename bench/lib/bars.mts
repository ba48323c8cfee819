// What the engine's rows must reach: test accuracy in percent after 0, 500, 1k, 2k, 5k and 10k events, from the design.
import type { Row } from './protocol.mts';

const EVENTS = [0, 500, 1000, 2000, 5000, 10_000];

type Bars = Record<string, Record<string, readonly number[]>>;

/** Routes known by name only. Rows are those of an engine without elastic weight consolidation, where they differ. */
const byName: Bars = {
  clinc150: {
    'full default': [68.3, 74.2, 78.7, 83, 88, 90.7],
    'default, gate off': [68.3, 74.2, 78.7, 83, 88, 90.7],
    'BaseLoRA alone': [68.3, 70.9, 73.7, 77.9, 83.6, 86.5],
    'MicroLoRA alone': [68.3, 68.5, 69.6, 71, 73.2, 74.8],
  },
  banking77: {
    'full default': [62.3, 67, 71, 76.5, 82.5, 86.4],
    'default, gate off': [62.3, 67, 71, 76.5, 82.5, 86.4],
    'BaseLoRA alone': [62.3, 64.3, 67.6, 71.9, 78.6, 83.2],
    'MicroLoRA alone': [62.3, 62.6, 64, 65.4, 67.6, 69.5],
    'no routes': [62.3, 64, 66.8, 70.6, 76.8, 81],
  },
};

/** Five examples per route; the start depends on the examples drawn. */
const fewShot: Bars = {
  clinc150: { 'full default': [0, 85.7, 86.7, 88.5, 91, 92.4] },
  banking77: { 'full default': [0, 76.3, 78.2, 81.4, 85.8, 88] },
};

export interface Verdict {
  bar: number;
  met: boolean;
}

/** For each of a row's evaluations its bar, where there is one; undefined for a row without bars. */
export function verdicts(row: Row, shots: number): (Verdict | undefined)[] | undefined {
  const table = shots === 0 ? byName : shots === 5 ? fewShot : {};
  const bars = table[row.set]?.[row.learner];
  return (
    bars &&
    row.accuracy.map(({ events, mean }) => {
      const bar = bars[EVENTS.indexOf(events)];
      // compared as it is printed
      return bar ? { bar, met: Number(mean.toFixed(1)) >= bar } : undefined;
    })
  );
}
