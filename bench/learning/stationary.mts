// The tables of a stream whose topics do not change: routes known by name, or by a few examples each.
import { stationaryVerdicts } from '../lib/bars.mts';
import type { IntentSet } from '../lib/data.mts';
import {
  barLine,
  countMissed,
  line,
  megabytes,
  micros,
  plusMinus,
  seedsOf,
  type Table,
} from '../lib/print.mts';
import type { LearnerFactory } from '../lib/protocol.mts';
import { checkpoints, judge, type Protocol, type Row } from '../lib/stationary.mts';

const WIDTH = 13;

export function stationaryTable(
  set: IntentSet,
  learners: readonly LearnerFactory[],
  protocol: Protocol,
): Table<Row> {
  const { events, seeds, shots } = protocol;
  const prior = shots === 0 ? 'routes known by name' : `${shots} examples per route`;
  console.log(
    `\n${set.name}: ${set.labels.length} routes, ${prior}; test accuracy in % after events, ${seedsOf(seeds)}`,
  );
  console.log(line('', [...checkpoints(events).map(String), 'us/event', 'memory'], WIDTH));
  const table: Table<Row> = { rows: [], missed: 0 };
  for (const create of learners) {
    const row = judge(set, create, protocol);
    table.rows.push(row);
    table.missed += printRow(row, shots);
  }
  return table;
}

/** Answers how many bars the row missed. */
function printRow(row: Row, shots: number): number {
  const cells = row.accuracy.map((at) => plusMinus(at));
  console.log(line(row.learner, [...cells, micros(row.microsPerEvent), megabytes(row.memoryBytes)], WIDTH));
  const verdicts = stationaryVerdicts(row, shots);
  if (!verdicts) return 0;
  const { accuracy, floor } = verdicts;
  if (accuracy.some((verdict) => verdict)) console.log(barLine('  bar', accuracy, WIDTH));
  if (floor) {
    console.log(
      `  bar: never below the start - .5, which is ${floor.least}: ` +
        `lowest ${floor.lowest.toFixed(1)}, ${floor.met ? 'met' : 'missed'}`,
    );
  }
  return countMissed([...accuracy, floor]);
}
