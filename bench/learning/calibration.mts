// The table of probabilities: how true they are, and how well they tell queries of no route apart.
import { calibrationVerdict, show } from '../lib/bars.mts';
import {
  type CalibrationProtocol,
  type CalibrationRow,
  judgeCalibration,
  signs,
} from '../lib/calibration.mts';
import type { IntentSet } from '../lib/data.mts';
import { countMissed, line, plusMinus, seedsOf, type Table } from '../lib/print.mts';

const WIDTH = 16;

export function calibrationTable(
  sets: readonly IntentSet[],
  protocol: CalibrationProtocol,
): Table<CalibrationRow> {
  console.log(
    `\nProbabilities after ${protocol.events} events, routes known by name, full default; ${seedsOf(protocol.seeds)}\n` +
      'ECE: expected calibration error of the choice, 15 bins of equal mass. AUROC: queries of the part against those ' +
      'of no route, by what the engine says\n(inScope, confidence, score of the choice), by the mean cosine of the five nearest right answers ' +
      'of a route, and by the largest cosine of the raw query with a prior.',
  );
  const heads = ['accuracy %', 'probability %', 'ECE', '', 'AUROC: inScope', ...signs.slice(1)];
  console.log(line('', heads, WIDTH));
  const rows: CalibrationRow[] = [];
  let missed = 0;
  for (const row of sets.flatMap((set) => judgeCalibration(set, protocol))) {
    rows.push(row);
    const { accuracy, probability, error, outOfScope } = row;
    const verdict = calibrationVerdict(error.mean, protocol.events);
    const apart = outOfScope && signs.map((sign) => outOfScope[sign]);
    const cells = [
      plusMinus(accuracy),
      plusMinus(probability),
      plusMinus(error, 3),
      verdict ? show(verdict) : '',
      ...(apart ?? []).map((area) => plusMinus(area, 3)),
    ];
    console.log(line(`${row.set}, ${row.part}`, cells, WIDTH));
    missed += countMissed([verdict]);
  }
  return { rows, missed };
}
