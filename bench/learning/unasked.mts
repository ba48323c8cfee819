// The table of routes that nobody asks for.
import { unaskedVerdict } from '../lib/bars.mts';
import type { IntentSet } from '../lib/data.mts';
import { barLine, countMissed, line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { checkpoints } from '../lib/stationary.mts';
import { judgeUnasked, type UnaskedProtocol, type UnaskedRow } from '../lib/unasked.mts';

const WIDTH = 15;

export function unaskedTable(set: IntentSet, protocol: UnaskedProtocol): Table<UnaskedRow> {
  const { events, seeds } = protocol;
  console.log(
    `\n${set.name}: a fifth of its ${set.labels.length} routes is never asked for; % of test queries after events, ${seedsOf(seeds)}`,
  );
  console.log(line('', checkpoints(events).map(String), WIDTH));
  const table: Table<UnaskedRow> = { rows: [], missed: 0 };
  for (const [learner, config] of [
    ['full default', {}],
    ['without memory', { memory: false }],
  ] as const) {
    const row = judgeUnasked(set, learner, config, protocol);
    table.rows.push(row);
    const print = (name: string, share: 'asked' | 'unasked' | 'shortlisted') =>
      console.log(
        line(
          name,
          row.at.map((at) => plusMinus(at[share])),
          WIDTH,
        ),
      );
    console.log(learner);
    print('  asked for, best', 'asked');
    print('  never asked for, best', 'unasked');
    print('  never asked for, best five', 'shortlisted');
    // the start is what names alone say
    const start = row.at[0]?.shortlisted.mean ?? Number.NaN;
    const verdicts = row.at.map(({ events, shortlisted }) =>
      unaskedVerdict(learner, events, shortlisted.mean, start),
    );
    if (verdicts.some((verdict) => verdict)) console.log(barLine('  bar', verdicts, WIDTH));
    table.missed += countMissed(verdicts);
  }
  return table;
}
