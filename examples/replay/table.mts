// What the log says of each policy, a line per policy.
import type { Estimate, Exclusions, PolicyEvaluation } from '@sona/sona';
import { bold, count } from '../demo/terminal.mts';

/** A policy with its figures, or with why there are none. */
export type Result = { name: string; evaluation: PolicyEvaluation } | { name: string; reason: string };

const estimators = ['snips', 'dr', 'sndr', 'ips', 'dm'] as const;
const [wide, narrow] = [14, 9];

const number = (value: number): string => value.toFixed(3);
const withHalf = ({ value, interval: [low, high] }: Estimate): string =>
  `${number(value)} ±${number((high - low) / 2)}`;

export function table(results: readonly Result[]): string {
  const first = Math.max(8, ...results.map(({ name }) => name.length)) + 1;
  const line = (name: string, cells: readonly string[]) =>
    name.padEnd(first) +
    cells.map((cell, i) => cell.padStart(i < estimators.length ? wide : narrow)).join('');
  const head = line('policy', [
    ...estimators.map((name) => name.toUpperCase()),
    'DM bias',
    'sample',
    'support',
  ]);
  const rows = results.map((result) => {
    if ('reason' in result) return `${result.name.padEnd(first)}  ${result.reason}`;
    const { dm, effectiveSampleSize, support } = result.evaluation;
    return line(result.name, [
      ...estimators.map((name) => withHalf(result.evaluation[name])),
      `${dm.bias < 0 ? '' : '+'}${number(dm.bias)}`,
      count(Math.round(effectiveSampleSize)),
      // rounded down: 100 % is all of it
      `${Math.floor(100 * support + 1e-9)} %`,
    ]);
  });
  return [bold(head), ...rows].join('\n');
}

export const legend = `± is half of the 95 % interval. DM bias is DR - DM: what the log says is missing from DM, whose interval does not
know of it. sample: as many decisions of the policy itself would say as much. support: the part of the policy that the
log has tried; below 100 % every interval is wider by the rest, of which nothing is known.`;

const causes: Record<keyof Exclusions, string> = {
  observed: 'observed only',
  session: 'by session',
  noOutcome: 'no outcome',
  noQuality: 'outcome without quality',
  otherModel: 'another model answered',
  ineligible: 'model not eligible',
};

/** Why decisions were left out: `left out: 12 (no outcome 10, by session 2)`. */
export function leftOut(excluded: Exclusions): string {
  const parts = Object.entries(causes).map(([cause, text]) => ({
    text,
    n: excluded[cause as keyof Exclusions],
  }));
  const total = parts.reduce((sum, { n }) => sum + n, 0);
  const named = parts.filter(({ n }) => n > 0).map(({ text, n }) => `${text} ${count(n)}`);
  return `left out: ${count(total)}${named.length > 0 ? ` (${named.join(', ')})` : ''}`;
}
