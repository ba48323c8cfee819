// A better model than all others comes at half time.
import { seedsOf, type Table } from '../lib/print.mts';
import { estimate } from '../lib/protocol.mts';
import { columnMeans, type Stream } from '../lib/stream.mts';
import { drift as bars, decisive } from './bars.mts';
import { episode, type Protocol } from './protocol.mts';
import { adoption } from './recovery.mts';
import { type DriftRow, heads, printRow } from './recovery-table.mts';
import { type BasisChoice, Routed, SONA } from './sona.mts';
import { indexOfMost, inOrder, walk } from './world.mts';

export function newcomerTable(stream: Stream, protocol: Protocol, basis: BasisChoice): Table<DriftRow> {
  const k = stream.models.length;
  const best = indexOfMost([...columnMeans(stream.utility, k)]);
  const id = stream.models[best] as string;
  const episodes = Array.from({ length: protocol.seeds }, (_, seed) => episode(stream, seed, protocol));
  const rounds = episodes[0]?.order.length ?? 0;
  const half = Math.floor(rounds / 2);
  console.log(
    `\n${stream.name}: ${id}, better than all others, comes at decision ${half} of ${rounds}; ${seedsOf(protocol.seeds)}\n` +
      'Decisions until it has half of its final share over 50, which begin after its forced trials.',
  );
  console.log(heads('half share after', ['final share']));
  const table: Table<DriftRow> = { rows: [], missed: 0 };
  for (const forcedTrials of [20, 0]) {
    const results = episodes.map(({ seed, order }) => {
      const models = stream.models.filter((_, model) => model !== best).map((model) => ({ id: model }));
      const policy = new Routed(stream, basis, seed, { models, forcedTrials });
      const change = (): void => policy.router.addModel({ id });
      const chosen = walk(policy, { stream, order, half, worth: inOrder(stream.utility, k, order), change });
      policy.close();
      return adoption(chosen, half, best, forcedTrials);
    });
    const row = {
      set: stream.name,
      scenario: 'newcomer',
      policy: forcedTrials > 0 ? `${SONA}, ${forcedTrials} forced trials` : `${SONA}, none`,
      after: results.map(({ adopted }) => adopted),
      others: { finalShare: estimate(results.map(({ finalShare }) => finalShare)) },
    };
    table.rows.push(row);
    if (
      printRow(row, rounds - half, forcedTrials > 0 && decisive(protocol) ? bars.share : undefined)?.met ===
      false
    )
      table.missed++;
  }
  return table;
}
