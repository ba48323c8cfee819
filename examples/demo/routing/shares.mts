// Which model got how much of the prompts: over time, and by domain.
import type { Stream } from './stream.mts';

export interface Shares {
  /** Decisions around each point that its shares are of. */
  window: number;
  decisions: number[];
  /** By model, then by point; 0 to 1. */
  byModel: number[][];
}

export interface DomainShares {
  /** So many of the first decisions are `before`, as many of the last `after`. */
  window: number;
  rows: DomainRow[];
}

export interface DomainRow {
  domain: string;
  /** Decisions, and by model the share of them, 0 to 1; null where there was none. */
  before: { decisions: number; shares: number[] | null };
  after: { decisions: number; shares: number[] | null };
}

const POINTS = 80;
/** A point shows this part of the stream. */
const SMOOTHING = 20;
/** At most so many decisions count as the first, and as the last. */
const WINDOW = 1000;

export function sharesOverTime({ models }: Stream, chosen: Uint16Array): Shares {
  const total = chosen.length;
  const window = Math.max(1, Math.round(total / SMOOTHING));
  const points = Math.min(POINTS, total);
  const decisions = Array.from({ length: points + 1 }, (_, i) => Math.round((i * total) / points));
  const byPoint = decisions.map((middle) => {
    // at both ends the window is moved inside, not cut
    const from = Math.max(0, Math.min(total - window, Math.round(middle - window / 2)));
    return sharesOf(chosen.subarray(from, from + window), models.length) ?? [];
  });
  return { window, decisions, byModel: models.map((_, k) => byPoint.map((shares) => shares[k] ?? 0)) };
}

export function domainShares({ models, domains, domain }: Stream, chosen: Uint16Array): DomainShares {
  const total = chosen.length;
  const window = Math.min(WINDOW, Math.ceil(total / 2));
  const part = (which: number, from: number, to: number): DomainRow['before'] => {
    const own = chosen.subarray(from, to).filter((_, i) => domain[from + i] === which);
    return { decisions: own.length, shares: sharesOf(own, models.length) };
  };
  return {
    window,
    rows: domains.map((name, which) => ({
      domain: name,
      before: part(which, 0, window),
      after: part(which, total - window, total),
    })),
  };
}

function sharesOf(chosen: Uint16Array, models: number): number[] | null {
  if (chosen.length === 0) return null;
  const counts = new Array<number>(models).fill(0);
  for (const k of chosen) counts[k] = (counts[k] as number) + 1;
  return counts.map((n) => n / chosen.length);
}
