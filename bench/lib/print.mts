// How the tables print.
import { show, type Verdict } from './bars.mts';
import type { Estimate } from './protocol.mts';

/** What every table gives back. */
export interface Table<Row> {
  rows: Row[];
  /** Bars that were missed. */
  missed: number;
}

const NAME = 28;

/** One line: a name, then cells that end at fixed columns. */
export function line(name: string, cells: readonly string[], width: number): string {
  return (name.padEnd(NAME) + cells.map((cell) => cell.padStart(width)).join('')).trimEnd();
}

export function plusMinus({ mean, error }: Estimate, decimals = 1): string {
  return mean.toFixed(decimals) + (error >= 0 ? ` ± ${error.toFixed(decimals)}` : '');
}

/** A line of bars and whether they were met. */
export function barLine(name: string, verdicts: readonly (Verdict | undefined)[], width: number): string {
  return line(
    name,
    verdicts.map((verdict) => (verdict ? show(verdict) : '')),
    width,
  );
}

export const countMissed = (verdicts: readonly (Verdict | undefined)[]): number =>
  verdicts.filter((verdict) => verdict && !verdict.met).length;

export const micros = (value: number): string => value.toFixed(value < 10 ? 1 : 0);

export const megabytes = (bytes: number | undefined): string =>
  bytes === undefined ? '-' : `${(bytes / 1e6).toFixed(1)} MB`;

export const seedsOf = (seeds: number): string =>
  `mean ± standard error of ${seeds} seed${seeds === 1 ? '' : 's'}`;
