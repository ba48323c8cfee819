// How the tables of recovery print.
import { judge, show, type Verdict } from '../lib/bars.mts';
import { line, plusMinus, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import type { Stream } from '../lib/stream.mts';
import { drift as bars, decisive } from './bars.mts';
import type { Policy, Protocol } from './protocol.mts';
import { recovery, WINDOW } from './recovery.mts';
import { type World, walk } from './world.mts';

const WIDTH = 16;

export interface DriftRow {
  set: string;
  scenario: string;
  policy: string;
  /** Decisions after the change, by seed; Infinity, which JSON writes as null: never. */
  after: number[];
  /** By the heads of the table. */
  others: Record<string, Estimate>;
}

/** One row: a policy in a world of its own for each seed. */
export interface Entry {
  name: string;
  /** Whether the bar is for it. */
  judged: boolean;
  make: (seed: number) => { policy: Policy; world: World };
}

export const heads = (after: string, others: readonly string[]): string =>
  line('', [after, 'middle seed', 'worst seed', ...others], WIDTH);

/** A seed that never gets there adds the whole rest of its stream to the mean. */
export function printRow(row: DriftRow, rest: number, bar?: { most: number }): Verdict | undefined {
  const average = estimate(row.after.map((n) => Math.min(n, rest)));
  const sorted = row.after.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? Infinity;
  const cells = [
    plusMinus(average, 0),
    ...[middle, sorted.at(-1) ?? Infinity].map((n) => (n === Infinity ? 'never' : String(n))),
    ...Object.values(row.others).map((other) => plusMinus(other, 3)),
  ];
  const verdict = bar ? judge(average.mean, bar, 0) : undefined;
  console.log(line(row.policy, cells, WIDTH) + (verdict ? `   ${show(verdict)}` : ''));
  return verdict;
}

/** How soon each is near the new best fixed model again. */
export function recoveryTable(
  scenario: string,
  { name: set }: Stream,
  protocol: Protocol,
  entries: readonly Entry[],
): Table<DriftRow> {
  const first = `first ${WINDOW}`;
  const later = 'to 600';
  console.log(heads('back after', [first, later]));
  const table: Table<DriftRow> = { rows: [], missed: 0 };
  for (const { name, judged, make } of entries) {
    let rest = 0;
    const results = Array.from({ length: protocol.seeds }, (_, seed) => {
      const { policy, world } = make(seed);
      const chosen = walk(policy, world);
      policy.close?.();
      rest = world.order.length - world.half;
      return recovery(chosen, world);
    });
    const row = {
      set,
      scenario,
      policy: name,
      after: results.map(({ back }) => back),
      others: {
        [first]: estimate(results.map(({ atFirst }) => atFirst)),
        [later]: estimate(results.map((result) => result.later)),
      },
    };
    table.rows.push(row);
    if (printRow(row, rest, judged && decisive(protocol) ? bars.back : undefined)?.met === false)
      table.missed++;
  }
  return table;
}
