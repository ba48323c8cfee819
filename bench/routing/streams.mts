// The tables of whole streams: from nothing, or after some prompts with all their answers.
import { show, type Verdict } from '../lib/bars.mts';
import { countMissed, line, micros, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import type { Stream } from '../lib/stream.mts';
import { cold as coldAnchors, warm as warmAnchors } from './anchors.mts';
import {
  type Against,
  against,
  decisiveFor,
  JUDGED_SEEDS,
  type Judged,
  leastRegret,
  meanVerdicts,
  notWorse,
  notWorseThanLabelled,
  streamVerdicts,
  useOf,
} from './bars.mts';
import { contextFree } from './context-free.mts';
import { BEST_LABELLED, LOGISTIC, labelledOnly } from './labelled.mts';
import { kNearest } from './nearest.mts';
import { type Contestant, controls, episode, LAST, type Protocol, type Row, summary } from './protocol.mts';
import { routers, SONA } from './sona.mts';
import { squareCb } from './vw.mts';

const WIDTH = 17;

const contestants = ({ warm }: Protocol): readonly Contestant[] =>
  warm > 0
    ? [...controls, ...labelledOnly, ...warmAnchors, ...routers]
    : [...controls, ...contextFree, kNearest, ...coldAnchors, squareCb, ...routers];

/** A row, and whether it was run long and often enough for its bars. */
export interface StreamRow extends Row {
  judged: boolean;
  /** Of the router: how it stands beside those that it must not lose to. */
  against?: Against[];
}

export function streamTable(stream: Stream, protocol: Protocol): Table<StreamRow> {
  const { seeds, warm } = protocol;
  const episodes = Array.from({ length: seeds }, (_, seed) => episode(stream, seed, protocol));
  const rounds = episodes[0]?.order.length ?? 0;
  const judged = decisiveFor(stream, protocol, rounds);
  const start = warm > 0 ? `after ${warm} prompts with all answers` : 'from nothing';
  console.log(
    `\n${stream.name} (${useOf(stream.name)}): ${rounds} prompts by ${vectorsOf(stream)}, ${stream.models.length} models, ` +
      `one outcome each, ${start}; ${seedsOf(seeds)}\n` +
      'Regret against the best answer to each prompt, as a multiple of what the best fixed model has.',
  );
  console.log(
    line('', ['regret', 'worst order', 'worst / mean', `last ${LAST} reward`, 'us/decision'], WIDTH),
  );
  const rows: StreamRow[] = [];
  for (const contestant of contestants(protocol)) {
    const result = contestant.run(stream, episodes);
    if ('missing' in result) {
      console.log(line(contestant.name, [result.missing.padStart(WIDTH)], 0));
      continue;
    }
    const row = {
      ...summary(stream, contestant.name, episodes, result.runs),
      note: result.note ?? '',
      judged,
    };
    rows.push(row);
    printRow(row);
  }
  const row = rows.find(({ policy }) => policy === SONA);
  return { rows, missed: row ? judgeRow(row, rows, protocol) : 0 };
}

const vectorsOf = ({ by }: Stream): string => (by.name === 'minilm' ? 'MiniLM' : 'the built-in embedder');

function printRow({ policy, regret, worst, last, microsPerDecision, note }: Row): void {
  const cells = [
    plusMinus(regret, 3),
    worst.toFixed(2),
    regret.mean > 0 ? (worst / regret.mean).toFixed(2) : '-',
    plusMinus(last, 3),
    microsPerDecision === undefined ? '-' : micros(microsPerDecision),
  ];
  console.log(line(policy, cells, WIDTH) + (note && `   ${note}`));
}

/** Answers how many bars the router's row missed. */
function judgeRow(row: StreamRow, rows: readonly Row[], protocol: Protocol): number {
  const verdicts: (Verdict | undefined)[] = [];
  if (row.judged) {
    const { bar, stretch } = streamVerdicts(row, protocol);
    console.log(verdictLine('  bar', bar));
    if (Object.keys(stretch).length > 0) console.log(verdictLine('  stretch', stretch));
    verdicts.push(bar.regret, bar.worst, bar.spread, bar.last);
  }
  const among = (contestants: readonly { name: string }[]): Row[] =>
    rows.filter(({ policy }) => contestants.some(({ name }) => name === policy));
  const compared =
    protocol.warm > 0
      ? among([{ name: BEST_LABELLED }, { name: LOGISTIC }])
      : [leastRegret(among(contextFree)) ?? []].flat();
  row.against = compared.map((anchor) => against(row, anchor));
  for (const each of row.against) {
    const verdict = protocol.warm > 0 ? notWorseThanLabelled(each) : notWorse(each);
    const unit = protocol.warm > 0 ? '' : ' standard errors';
    const said = row.judged ? `: ${show(verdict).replace(/ (met|missed)$/, `${unit} $1`)}` : '';
    console.log(
      `  ${SONA}'s regret less that of ${each.anchor}, in pairs: ${plusMinus(each.more, 3)}${said}`,
    );
    if (row.judged) verdicts.push(verdict);
  }
  return countMissed(verdicts);
}

const verdictLine = (name: string, { regret, worst, spread, last }: Partial<Judged['bar']>): string =>
  line(
    name,
    [regret, worst, spread, last].map((verdict) => (verdict ? show(verdict) : '')),
    WIDTH,
  );

/** The mean over the streams that it is for, once they are there. Answers how many bars it missed. */
export function meanOfStreams(rows: readonly StreamRow[]): number {
  const verdict = meanVerdicts(rows.filter(({ policy, judged }) => judged && policy === SONA));
  if (!verdict) {
    console.log(
      `\nBars are for whole streams and ${JUDGED_SEEDS} seeds or more, the mean for four of the streams.`,
    );
    return 0;
  }
  const { mean, bar, stretch } = verdict;
  console.log(`\n${SONA}, mean of four streams: ${mean.toFixed(3)}, ${show(bar)}; stretch ${show(stretch)}`);
  return countMissed([bar]);
}
