// How much of a figure is the basis: vectors are moved by less than an embedder's rounding, the basis is fitted anew, and the same
// orders are played again.
import { line, seedsOf, type Table } from '../lib/print.mts';
import { estimate } from '../lib/protocol.mts';
import type { Stream } from '../lib/stream.mts';
import { type Contestant, type Episode, episode, type Protocol, type Row, summary } from './protocol.mts';
import { JITTER, refitted, SONA, sona, unseenBasis } from './sona.mts';

const WIDTH = 17;

const REFITS = 3;

export interface BasesRow {
  set: string;
  rounds: number;
  seeds: number;
  /** Regret with the basis of the other tables. */
  regret: Row['regret'];
  /** Mean regret of the same orders by refitted basis. */
  refits: number[];
  /** Standard deviation of those means and of the first. */
  overBases: number;
}

export const basesHeads = (seeds: number): string =>
  `\nHow much of a figure is the basis: every number of every vector moved by up to ${JITTER}, the basis fitted anew, ` +
  `${REFITS} times; the same orders\nRegret as a multiple of the best fixed model's, ${seedsOf(seeds)}; then the mean ` +
  'by refitted basis, and the standard deviation over all bases.\n' +
  line('', ['regret', '± orders', '± bases', 'refitted'], WIDTH);

export function basesRow(stream: Stream, protocol: Protocol): Table<BasesRow> {
  const episodes = Array.from({ length: protocol.seeds }, (_, seed) => episode(stream, seed, protocol));
  const first = played(stream, sona(SONA, unseenBasis), episodes);
  if (typeof first === 'string') {
    console.log(line(stream.name, [first.padStart(WIDTH)], 0));
    return { rows: [], missed: 0 };
  }
  const refits = Array.from({ length: REFITS }, (_, seed) => {
    const again = refitted(stream, seed);
    if ('missing' in again) throw new Error(again.missing);
    const contestant = sona(SONA, () => ({ basis: again.basis, how: '' }));
    const row = played(again.stream, contestant, episodes);
    if (typeof row === 'string') throw new Error(row);
    return row.regret.mean;
  });
  const means = estimate([first.regret.mean, ...refits]);
  const { set, rounds, seeds, regret } = first;
  const overBases = means.error * Math.sqrt(refits.length + 1);
  const cells = [
    regret.mean.toFixed(3),
    Number.isNaN(regret.error) ? '-' : regret.error.toFixed(3),
    overBases.toFixed(3),
    refits
      .map((mean) => mean.toFixed(3))
      .join(' ')
      .padStart(WIDTH + 4),
  ];
  console.log(line(set, cells, WIDTH));
  return { rows: [{ set, rounds, seeds, regret, refits, overBases }], missed: 0 };
}

function played(stream: Stream, contestant: Contestant, episodes: readonly Episode[]): Row | string {
  const result = contestant.run(stream, episodes);
  return 'missing' in result ? result.missing : summary(stream, contestant.name, episodes, result.runs);
}
