// What it costs to route by the built-in embedder's vectors instead of MiniLM's, on whole streams of recorded outcomes.
import { builtin } from '../../dist/embed.mjs';
import { judge, show } from '../lib/bars.mts';
import { countMissed, line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { loadStream, type Stream } from '../lib/stream.mts';
import { embeddedBy, minilm, textsOf } from '../lib/vectors.mts';
import { cold as published } from '../routing/anchors.mts';
import { JUDGED_SEEDS } from '../routing/bars.mts';
import { controls, episode, type Protocol, type Row, summary } from '../routing/protocol.mts';
import { SONA, sona, unseenBasis } from '../routing/sona.mts';

const WIDTH = 17;

/** Prompts that the bars are for, and the most regret as a multiple of the best fixed model's, from the design. */
const bars: Record<string, { rounds: number; most: number }> = {
  llmrouter9: { rounds: 5000, most: 0.99 },
  paretobandit4: { rounds: 3559, most: 1.02 },
};

const lengths = [256, 128, 64] as const;

export function routingTables(protocol: Protocol, short: boolean): Table<Row>[] {
  const names = Object.keys(bars).filter((set) => textsOf(set, 'prompts'));
  if (names.length === 0) console.log('\nSONA_DATA has no prompts in words: routing by them is left out.');
  return (short ? names.slice(0, 1) : names).map((set) => oneStream(set, protocol));
}

function oneStream(set: string, protocol: Protocol): Table<Row> {
  const byMinilm = loadStream(set, minilm);
  const episodes = Array.from({ length: protocol.seeds }, (_, seed) => episode(byMinilm, seed, protocol));
  const rounds = episodes[0]?.order.length ?? 0;
  console.log(
    `\n${set}: ${rounds} prompts, ${byMinilm.models.length} models, one outcome each, from nothing; ${seedsOf(protocol.seeds)}\n` +
      'Regret against the best answer to each prompt, as a multiple of what the best fixed model has.',
  );
  console.log(line('', ['regret', 'worst seed', 'bar'], WIDTH));
  const table: Table<Row> = { rows: [], missed: 0 };
  const run = (name: string, stream: Stream, contestant: (typeof controls)[number]) => {
    const result = contestant.run(stream, episodes);
    if ('missing' in result) {
      console.log(line(name, [result.missing.padStart(WIDTH)], 0));
      return;
    }
    const row = { ...summary(stream, name, episodes, result.runs), note: result.note ?? '' };
    table.rows.push(row);
    const bar = bars[set];
    const judged = bar && name === builtIn(256) && rounds >= bar.rounds && protocol.seeds >= JUDGED_SEEDS;
    const verdicts = judged ? [judge(row.regret.mean, { most: bar.most }, 3)] : [];
    table.missed += countMissed(verdicts);
    const cells = [plusMinus(row.regret, 3), row.worst.toFixed(2), ...verdicts.map(show)];
    console.log(line(name, cells, WIDTH) + (row.note && `   ${row.note}`));
  };
  for (const control of controls) run(control.name, byMinilm, control);
  const streams = lengths.map((dim) => loadStream(set, embeddedBy(builtin({ dim }))));
  for (const anchor of published) run(anchor.name, streams[0] as Stream, anchor);
  for (const stream of streams) run(builtIn(stream.dim), stream, sona(SONA, unseenBasis));
  run(`${SONA}, MiniLM, 384`, byMinilm, sona(SONA, unseenBasis));
  return table;
}

const builtIn = (dim: number): string => `${SONA}, built-in, ${dim}`;
