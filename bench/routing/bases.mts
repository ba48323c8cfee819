// How much of a figure is the basis: vectors are moved by less than an embedder's rounding, the basis is fitted anew, and the same
// orders are played again.
import { line, seedsOf, type Table } from '../lib/print.mts';
import { estimate } from '../lib/protocol.mts';
import type { Stream } from '../lib/stream.mts';
import { episode, type Protocol, type Row, summary } from './protocol.mts';
import { JITTER, onePass, refitted, SONA, unseenBasis } from './sona.mts';

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
  const { seeds } = protocol;
  const episodes = Array.from({ length: seeds }, (_, seed) => episode(stream, seed, protocol));
  const rows: Row[] = [];
  for (const again of [undefined, ...Array(REFITS).keys()]) {
    const found = again === undefined ? { stream, ...unseenBasis(stream) } : refitted(stream, again);
    if ('missing' in found) {
      console.log(line(stream.name, [found.missing.padStart(WIDTH)], 0));
      return { rows: [], missed: 0 };
    }
    const runs = episodes.map((each) => onePass(found.stream, each, found.basis));
    rows.push(summary(stream, SONA, episodes, runs));
  }
  const [first, ...others] = rows as [Row, ...Row[]];
  const refits = others.map(({ regret }) => regret.mean);
  const means = estimate([first.regret.mean, ...refits]);
  const { set, rounds, regret } = first;
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
