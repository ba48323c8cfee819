// Whether the qualities that the router expects are those that come.
import type { Decisions } from './run.mts';
import { mean } from './worth.mts';

/** Decisions whose expected qualities are near each other. */
export interface Bin {
  decisions: number;
  /** Means. */
  expected: number;
  realised: number;
  /** Means of the ends of the 90 % intervals of what is expected. */
  low: number;
  high: number;
  /** Standard error of `realised`. */
  error: number;
  /** Whether `realised` lies inside the interval, 1.645 standard errors added on both sides. */
  inside: boolean;
}

export interface Calibration {
  /** Decisions at the end of the stream that are counted. */
  decisions: number;
  bins: Bin[];
}

/** The last part of the stream, when most has been learned. */
const PART = 5;
const BINS = 10;
/** 90 % of a normal distribution lie within so many standard deviations. */
export const NORMAL_90 = 1.645;

export function calibration({ expected, low, high, quality }: Decisions): Calibration {
  const total = expected.length;
  const decisions = Math.ceil(total / PART);
  const order = Array.from({ length: decisions }, (_, i) => total - decisions + i).sort(
    (a, b) => (expected[a] as number) - (expected[b] as number),
  );
  const bins = Math.min(BINS, decisions);
  const edge = (bin: number) => Math.round((bin * decisions) / bins);
  return {
    decisions,
    bins: Array.from({ length: bins }, (_, bin) => {
      const members = order.slice(edge(bin), edge(bin + 1));
      const of = (values: Float64Array) => mean(members.map((t) => values[t] as number));
      const realised = of(quality);
      const squares = members.map((t) => ((quality[t] as number) - realised) ** 2);
      const error = Math.sqrt(mean(squares) / Math.max(1, members.length - 1));
      const ends = { low: of(low), high: of(high) };
      return {
        decisions: members.length,
        expected: of(expected),
        realised,
        ...ends,
        error,
        inside: realised >= ends.low - NORMAL_90 * error && realised <= ends.high + NORMAL_90 * error,
      };
    }),
  };
}
