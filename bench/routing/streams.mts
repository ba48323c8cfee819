// The tables of whole streams: from nothing, or after some prompts with all their answers.
import { show } from '../lib/bars.mts';
import { countMissed, line, micros, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import type { Stream } from '../lib/stream.mts';
import { cold as coldAnchors, warm as warmAnchors } from './anchors.mts';
import { JUDGED_SEEDS, type Judged, meanVerdicts, streamVerdicts } from './bars.mts';
import { type Contestant, controls, episode, LAST, type Protocol, type Row, summary } from './protocol.mts';
import { routers, SONA } from './sona.mts';
import { squareCb } from './vw.mts';

const WIDTH = 17;

const contestants = ({ warm }: Protocol): readonly Contestant[] =>
  warm > 0 ? [...controls, ...warmAnchors, ...routers] : [...controls, ...coldAnchors, squareCb, ...routers];

export function streamTable(stream: Stream, protocol: Protocol): Table<Row> {
  const { seeds, warm } = protocol;
  const episodes = Array.from({ length: seeds }, (_, seed) => episode(stream, seed, protocol));
  const rounds = episodes[0]?.order.length ?? 0;
  const start = warm > 0 ? `after ${warm} prompts with all answers` : 'from nothing';
  console.log(
    `\n${stream.name}: ${rounds} prompts, ${stream.models.length} models, one outcome each, ${start}; ${seedsOf(seeds)}\n` +
      'Regret against the best answer to each prompt, as a multiple of what the best fixed model has.',
  );
  console.log(line('', ['regret', 'worst seed', `last ${LAST} reward`, 'us/decision'], WIDTH));
  const table: Table<Row> = { rows: [], missed: 0 };
  for (const contestant of contestants(protocol)) {
    const result = contestant.run(stream, episodes);
    if ('missing' in result) {
      console.log(line(contestant.name, [result.missing.padStart(WIDTH)], 0));
      continue;
    }
    const row = { ...summary(stream, contestant.name, episodes, result.runs), note: result.note ?? '' };
    table.rows.push(row);
    table.missed += printRow(row, protocol);
  }
  return table;
}

/** Answers how many bars the row missed. */
function printRow(row: Row, protocol: Protocol): number {
  const { regret, worst, last, microsPerDecision, note } = row;
  const cells = [
    plusMinus(regret, 3),
    worst.toFixed(2),
    plusMinus(last, 3),
    microsPerDecision === undefined ? '-' : micros(microsPerDecision),
  ];
  console.log(line(row.policy, cells, WIDTH) + (note && `   ${note}`));
  if (row.policy !== SONA) return 0;
  const judged = streamVerdicts(row, protocol);
  if (!judged) return 0;
  console.log(verdictLine('  bar', judged.bar));
  if (judged.stretch) console.log(verdictLine('  stretch', judged.stretch));
  const { regret: first, worst: second, last: third } = judged.bar;
  return countMissed([first, second, third]);
}

const verdictLine = (name: string, { regret, worst, last }: Partial<Judged['bar']>): string =>
  line(
    name,
    [regret, worst, last].map((verdict) => (verdict ? show(verdict) : '')),
    WIDTH,
  );

/** The mean over all judged streams, once they are there. Answers how many bars it missed. */
export function meanOfStreams(rows: readonly Row[]): number {
  const judged = meanVerdicts(rows.filter(({ policy }) => policy === SONA));
  if (!judged) {
    console.log(
      `\nBars are for whole streams and ${JUDGED_SEEDS} seeds or more, the mean for all judged sets.`,
    );
    return 0;
  }
  const { mean, bar, stretch } = judged;
  console.log(
    `\n${SONA}, mean of the judged streams: ${mean.toFixed(3)}, ${show(bar)}; stretch ${show(stretch)}`,
  );
  return countMissed([bar]);
}
