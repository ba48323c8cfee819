// Arms that are one model with other settings: what is gained when the router knows which belong together, and what that costs
// where they have nothing in common.
import type { RouterModel } from '../../dist/index.mjs';
import type { WorldModel } from '../../dist/testing.mjs';
import { line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import { Random } from '../lib/random.mts';
import type { Protocol } from './protocol.mts';
import { type Played, type PlayerFactory, play, players, router, type Story } from './simulated.mts';
import { SONA } from './sona.mts';

const WIDTH = 20;

/** Of each seed, before its settings. */
const MODELS = ['one', 'two', 'three', 'four'];
const SETTINGS = ['low', 'medium', 'high'];

/** The kinds of prompts of the simulated world. */
const KINDS = ['code', 'letters', 'sums'] as const;

/** How far models lie apart at a kind of prompt, and their settings. */
interface Spread {
  name: string;
  ofModels: number;
  ofSettings: number;
}

const spreads: readonly Spread[] = [
  { name: 'settings hardly matter', ofModels: 0.25, ofSettings: 0.02 },
  { name: 'settings matter', ofModels: 0.25, ofSettings: 0.08 },
  { name: 'settings matter as much as models', ofModels: 0.15, ofSettings: 0.15 },
  { name: 'arms of one model have nothing in common', ofModels: 0, ofSettings: 0.25 },
];

type Quality = Record<(typeof KINDS)[number], number>;

/** Qualities about .6, drawn by seed. */
function armsOf({ ofModels, ofSettings }: Spread, seed: number): WorldModel[] {
  const random = new Random(6000 + seed);
  const perKind = (draw: (kind: (typeof KINDS)[number]) => number): Quality => ({
    code: draw('code'),
    letters: draw('letters'),
    sums: draw('sums'),
  });
  return MODELS.flatMap((model) => {
    const ofModel = perKind(() => 0.6 + ofModels * (2 * random.uniform() - 1));
    return SETTINGS.map((setting) => ({
      id: `${model} ${setting}`,
      quality: perKind((kind) => clip(ofModel[kind] + ofSettings * (2 * random.uniform() - 1))),
    }));
  });
}

const clip = (quality: number): number => Math.min(0.98, Math.max(0.02, quality));

const ofOneModel = (id: string): RouterModel => {
  const [model, setting] = id.split(' ') as [string, string];
  return { id, model, settings: { effort: setting } };
};

export interface SettingsRow {
  story: string;
  policy: string;
  /** Regret per decision, in the first tenth of the rounds and over all. */
  early: Estimate;
  all: Estimate;
  /** That of all less the router's that takes each arm for a model of its own, in pairs. */
  more: Estimate;
  /** Root of the mean square by which what was expected of the last arm lay off when it came, by prompt. */
  off: Estimate | undefined;
}

const rows: readonly (readonly [string, PlayerFactory])[] = [
  [`${SONA}, arms apart`, router()],
  [SONA, router({}, ofOneModel)],
  ...players.slice(1),
];

export function settingsTable({ seeds, rounds }: Protocol): Table<SettingsRow> {
  const table: Table<SettingsRow> = { rows: [], missed: 0 };
  const early = Math.floor(rounds / 10);
  const half = Math.floor(rounds / 2);
  console.log(
    `\nA simulated world: ${MODELS.length} models with ${SETTINGS.length} settings each, qualities drawn by seed; ${seedsOf(seeds)}\n` +
      'Regret per decision against the best arm for the kind of prompt, in thousandths.',
  );
  const stories: { spread: Spread; from: number }[] = spreads.flatMap((spread) => [
    { spread, from: 0 },
    { spread, from: half },
  ]);
  for (const { spread, from } of stories) {
    const name = from > 0 ? `${spread.name}; the last arm comes at decision ${from}` : spread.name;
    console.log(`\n${name}`);
    const first = from > 0 ? `${early} after it` : `first ${early}`;
    console.log(
      line(
        '',
        [
          first,
          from > 0 ? 'all after it' : `all ${rounds}`,
          'in pairs',
          ...(from > 0 ? ['expectation off by'] : []),
        ],
        WIDTH,
      ),
    );
    let apart: number[] | undefined;
    for (const [policy, create] of from > 0 ? rows.slice(0, 2) : rows) {
      const runs = Array.from({ length: seeds }, (_, seed) => {
        const story: Story = { name, models: armsOf(spread, seed), newcomerFrom: from };
        return play(story, create, seed, rounds);
      });
      const all = runs.map((run) => regret(run, from, rounds));
      apart ??= all;
      const row = {
        story: name,
        policy,
        early: estimate(runs.map((run) => regret(run, from, from + early))),
        all: estimate(all),
        more: estimate(all.map((one, seed) => one - ((apart as number[])[seed] as number))),
        off: from > 0 ? estimate(runs.map(({ errors }) => rootMeanSquare(errors))) : undefined,
      };
      table.rows.push(row);
      const cells = [row.early, row.all, row.more].map((of) => plusMinus(of, 1));
      if (row.off) cells.push(plusMinus(row.off, 3));
      console.log(line(policy, cells, WIDTH));
    }
  }
  return table;
}

const rootMeanSquare = (errors: readonly number[]): number =>
  Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);

/** In thousandths of a right answer. */
function regret({ best, expected }: Played, from: number, to: number): number {
  let sum = 0;
  for (let t = from; t < to; t++) sum += (best[t] as number) - (expected[t] as number);
  return (1000 * sum) / (to - from);
}
