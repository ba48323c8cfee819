// What a log that can be evaluated costs: a floor under every probability against what the router then misses, and what the log
// says of a policy that it did not follow.
import { type RouterConfig, SonaError } from '../../dist/index.mjs';
import { line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { estimate } from '../lib/protocol.mts';
import { columnMeans, type Stream } from '../lib/stream.mts';
import { type Episode, episode, type Protocol, play, type Row, summary } from './protocol.mts';
import { type BasisChoice, Routed } from './sona.mts';
import { indexOfMost } from './world.mts';

const WIDTH = 17;

const settings: readonly [string, Partial<RouterConfig>][] = [
  ['ucb, no floor', {}],
  ...[0.001, 0.0025, 0.005, 0.01, 0.02, 0.05].map((propensityFloor): [string, Partial<RouterConfig>] => [
    `ucb, floor ${propensityFloor}`,
    { propensityFloor },
  ]),
  ['thompson', { exploration: 'thompson' }],
  ['igw', { exploration: 'igw' }],
];

interface FloorRow extends Row {
  /** Of the policy that always asks the second best model: share of it that the log has tried, mean of the seeds. */
  support: number;
  /** Decisions of that policy which the log is worth, by its weights; 0 where it is refused. */
  effective: number;
  /** Seeds of which the question was refused. */
  refused: number;
}

export function floorTable(stream: Stream, protocol: Protocol, basis: BasisChoice): Table<FloorRow> {
  const { seeds } = protocol;
  const episodes = Array.from({ length: seeds }, (_, seed) => episode(stream, seed, protocol));
  const means = Array.from(columnMeans(stream.utility, stream.models.length));
  means[indexOfMost(means)] = -Infinity;
  const model = stream.models[indexOfMost(means)] as string;
  console.log(
    `\n${stream.name}: what a log that can be evaluated costs; ${episodes[0]?.order.length} prompts, ${seedsOf(seeds)}\n` +
      `Regret as a multiple of the best fixed model's; the log asked about ${model}, the second best.`,
  );
  console.log(
    line('', ['regret', 'worst seed', 'against no floor', 'support', 'worth decisions', 'refused'], WIDTH),
  );
  const table: Table<FloorRow> = { rows: [], missed: 0 };
  let bare: readonly number[] = [];
  for (const [name, config] of settings) {
    const asked = episodes.map((each) => logged(stream, each, basis, config, model));
    const row = {
      ...summary(
        stream,
        name,
        episodes,
        asked.map(({ run }) => run),
      ),
      support: mean(asked.map(({ support }) => support)),
      effective: mean(asked.map(({ effective }) => effective)),
      refused: asked.filter(({ refused }) => refused).length,
    };
    table.rows.push({ ...row, note: '' });
    const rewards = asked.map(({ run }) => mean(Array.from(run.rewards)));
    if (bare.length === 0) bare = rewards;
    // in pairs: the same prompts in the same order
    const lost = estimate(rewards.map((reward, seed) => reward - (bare[seed] as number)));
    const cells = [
      plusMinus(row.regret, 3),
      row.worst.toFixed(2),
      plusMinus(lost, 4),
      row.support.toFixed(3),
      row.effective.toFixed(0),
      `${row.refused} of ${seeds}`,
    ];
    console.log(line(name, cells, WIDTH));
  }
  return table;
}

function logged(
  stream: Stream,
  { seed, order }: Episode,
  basis: BasisChoice,
  config: Partial<RouterConfig>,
  model: string,
) {
  const policy = new Routed(stream, basis, seed, config);
  const run = play(policy, stream, order);
  const { router } = policy;
  const evaluated = { support: 0, effective: 0, refused: false };
  try {
    const found = router.evaluate([...router.exportLog()].join('\n'), { model });
    evaluated.support = found.support;
    evaluated.effective = found.effectiveSampleSize;
  } catch (error) {
    // what the log has hardly tried is not answered
    if (!SonaError.isInstance(error) || typeof error.details.support !== 'number') throw error;
    evaluated.support = error.details.support;
    evaluated.refused = true;
  }
  policy.close();
  return { run, ...evaluated };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
