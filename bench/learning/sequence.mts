// The table of topics that come one after another.
import { sequenceVerdicts } from '../lib/bars.mts';
import type { IntentSet } from '../lib/data.mts';
import { barLine, countMissed, line, micros, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { judgeSequence, type SequenceProtocol, type SequenceRow } from '../lib/sequence.mts';
import { sequenceMethods } from '../lib/sequence-methods.mts';

const WIDTH = 15;

export function sequenceTable(set: IntentSet, protocol: SequenceProtocol): Table<SequenceRow> {
  const domains = Math.min(protocol.domains, new Set(set.domains).size);
  console.log(
    `\n${set.name}: ${domains} domains in sequence, ${protocol.eventsPerDomain} events each; test accuracy in % ` +
      `at the end, ${seedsOf(protocol.seeds)}`,
  );
  const heads = ['all routes', 'transfer', 'within domain', 'right after', 'online', 'us/event'];
  console.log(line('', heads, WIDTH));
  const rows = sequenceMethods.map((method) => {
    const row = judgeSequence(set, method, protocol);
    const { seen, transfer, within, after, online } = row;
    const cells = [seen, transfer, within, after, online].map((cell) => (cell ? plusMinus(cell) : '-'));
    console.log(line(row.method, [...cells, micros(row.microsPerEvent)], WIDTH));
    return row;
  });
  // a part of it decides nothing
  if (domains < 10 || protocol.eventsPerDomain < 1500) return { rows, missed: 0 };
  console.log('');
  let missed = 0;
  for (const [row, { seen, transfer, within }] of sequenceVerdicts(rows)) {
    const verdicts = [seen, transfer, within];
    console.log(barLine(`bar: ${row.method}`, verdicts, WIDTH));
    missed += countMissed(verdicts);
  }
  return { rows, missed };
}
