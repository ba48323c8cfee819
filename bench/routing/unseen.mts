// A model that nobody asks any more becomes the best, and nobody says so: which settings find it, and what they cost where
// nothing changes.
import type { RouterConfig } from '../../dist/index.mjs';
import { judge, show } from '../lib/bars.mts';
import { line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import type { Stream } from '../lib/stream.mts';
import { found as bar, JUDGED_SEEDS, ROUNDS } from './bars.mts';
import { episode, type Protocol, summary } from './protocol.mts';
import { type PlayerFactory, play, players, router, type Story, shareOf } from './simulated.mts';
import { type BasisChoice, onePass } from './sona.mts';

const WIDTH = 16;

/** Decisions over which a share is taken. */
const WINDOW = 100;

/** The setting that is recommended for models that may improve unseen, which the bar is for. */
const RECOMMENDED = 'ucb, floor 0.02';

const settings: readonly (readonly [string, Partial<RouterConfig>])[] = [
  ['ucb, no floor', {}],
  ...[0.0025, 0.005, 0.01, 0.02, 0.05].map((propensityFloor): [string, Partial<RouterConfig>] => [
    `ucb, floor ${propensityFloor}`,
    { propensityFloor },
  ]),
  ['igw', { exploration: 'igw' }],
  ['thompson', { exploration: 'thompson' }],
];

const others = [
  { id: 'one', quality: 0.75 },
  { id: 'other', quality: 0.75 },
];
const IMPROVED = 0;

const storiesOf = (turn: number): Story[] => [
  {
    name: 'its answers are right in .55, then in .95',
    models: [{ id: 'improved', quality: 0.55 }, ...others],
    events: (round) => (round === turn ? [{ model: 'improved', change: { quality: 0.95 } }] : []),
  },
  {
    name: 'its answers are right in .95, but half of its calls fail, then none',
    models: [{ id: 'improved', quality: 0.95, errorRate: 0.5 }, ...others],
    events: (round) => (round === turn ? [{ model: 'improved', change: { errorRate: 0 } }] : []),
  },
];

export interface UnseenRow {
  story: string;
  policy: string;
  /** Decisions after the change until it has half of a window, by seed; Infinity, which JSON writes as null: never. */
  after: number[];
  /** Share that it had before, in the second half of that time. */
  before: Estimate;
}

export interface PriceRow {
  policy: string;
  /** Regret as a multiple of the best fixed model's, by stream. */
  regret: Record<string, Estimate>;
  /** That less the one without a floor, in pairs. */
  more: Record<string, Estimate>;
}

export function unseenTable({ seeds, rounds }: Protocol): Table<UnseenRow> {
  const table: Table<UnseenRow> = { rows: [], missed: 0 };
  const turn = Math.floor(0.4 * rounds);
  const rest = rounds - turn;
  console.log(
    `\nA simulated world: of three models two are right in .75 of their answers, the third is worse until decision ${turn} of ${rounds}, then better; ` +
      `${seedsOf(seeds)}\nDecisions until it has half of ${WINDOW}; a seed that never gets there adds ${rest}. Share: what it had before.`,
  );
  const rows: (readonly [string, PlayerFactory])[] = [
    ...settings.map(([name, config]): [string, PlayerFactory] => [name, router(config)]),
    ...players.slice(1),
  ];
  for (const story of storiesOf(turn)) {
    console.log(`\n${story.name}`);
    console.log(line('', ['found', 'after', 'middle seed', 'worst seed', 'share'], WIDTH));
    for (const [policy, create] of rows) {
      const runs = Array.from({ length: seeds }, (_, seed) => play(story, create, seed, rounds).chosen);
      const after = runs.map((chosen) => halfAfter(chosen, turn)).toSorted((a, b) => a - b);
      const row = {
        story: story.name,
        policy,
        after,
        before: estimate(runs.map((chosen) => shareOf(chosen, IMPROVED, Math.floor(turn / 2), turn))),
      };
      table.rows.push(row);
      const found = after.filter(Number.isFinite).length;
      const judged = policy === RECOMMENDED && seeds >= JUDGED_SEEDS && rounds >= ROUNDS;
      const verdict = judged ? judge(found / seeds, bar, 2) : undefined;
      if (verdict?.met === false) table.missed++;
      const cells = [
        `${found} of ${seeds}`,
        plusMinus(estimate(after.map((n) => Math.min(n, rest))), 0),
        ...[after[Math.floor(seeds / 2)], after.at(-1)].map((n) =>
          Number.isFinite(n) ? String(n) : 'never',
        ),
        plusMinus(row.before, 4),
      ];
      console.log(line(policy, cells, WIDTH) + (verdict ? `   ${show(verdict)}` : ''));
    }
  }
  return table;
}

function halfAfter(chosen: Uint16Array, turn: number): number {
  for (let end = turn + WINDOW; end <= chosen.length; end++)
    if (shareOf(chosen, IMPROVED, end - WINDOW, end) >= 0.5) return end - turn;
  return Infinity;
}

/** What the settings cost on streams of recorded outcomes that do not change. */
export function priceTable(
  streams: readonly { stream: Stream; basis: BasisChoice; protocol: Protocol }[],
): Table<PriceRow> {
  const orders = streams[0]?.protocol.seeds ?? 0;
  console.log(
    `\nWhat that costs on streams that do not change: regret as a multiple of the best fixed model's, ${seedsOf(orders)}; ` +
      'in brackets what is more than without a floor, in pairs.',
  );
  const names = streams.map(({ stream }) => stream.name);
  const wide = 33;
  console.log(line('', names, wide));
  const bare = new Map<string, readonly number[]>();
  const rows = settings.map(([policy, config]) => {
    const row: PriceRow = { policy, regret: {}, more: {} };
    for (const { stream, basis, protocol } of streams) {
      const episodes = Array.from({ length: orders }, (_, seed) => episode(stream, seed, protocol));
      const runs = episodes.map((each) => onePass(stream, each, basis, config));
      const { regret, regrets } = summary(stream, policy, episodes, runs);
      const without = bare.get(stream.name) ?? regrets;
      bare.set(stream.name, without);
      row.regret[stream.name] = regret;
      row.more[stream.name] = estimate(regrets.map((value, seed) => value - (without[seed] as number)));
    }
    const cell = (name: string): string => {
      const [regret, more] = [row.regret[name] as Estimate, row.more[name] as Estimate];
      return `${plusMinus(regret, 3)} (${more.mean < 0 ? '' : '+'}${plusMinus(more, 3)})`;
    };
    console.log(line(policy, names.map(cell), wide));
    return row;
  });
  return { rows, missed: 0 };
}
