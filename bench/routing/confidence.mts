// Whether a decision's confidence is the share of such decisions whose model is nearly as good as the best one, in simulated
// worlds, where that is known. Recorded outcomes do not have it: what a model reaches at one prompt is heard once.

import { judge, show } from '../lib/bars.mts';
import { expectedCalibrationError } from '../lib/calibration.mts';
import { line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import { Random } from '../lib/random.mts';
import { confidence as bar, JUDGED_SEEDS, ROUNDS } from './bars.mts';
import type { Protocol } from './protocol.mts';
import { kindNames, play, router, type Story } from './simulated.mts';

const WIDTH = 17;

/** Bins of the calibration error. */
const BINS = 10;

/** How far from the best a model may be to count as good. */
const EPSILON = 0.05;

/** The seeds of models begin here: the factor of the variance was fitted on other worlds. */
const FIRST_SEED = 1_000;

/** What was said of a decision, and what is so. */
export interface Said {
  probability: number;
  right: boolean;
}

export interface World {
  name: string;
  models: number;
  /** Lowest and highest mean quality of a model for one kind of prompt. */
  between: readonly [number, number];
  /** By how much the kinds lie apart for one model. */
  kinds: number;
}

const worlds: readonly World[] = [
  { name: '3 models, .3 to .9', models: 3, between: [0.3, 0.9], kinds: 0.3 },
  { name: '8 models, .3 to .9', models: 8, between: [0.3, 0.9], kinds: 0.3 },
  { name: '8 models, .6 to .8', models: 8, between: [0.6, 0.8], kinds: 0.1 },
  { name: '5 models, alike on all kinds', models: 5, between: [0.4, 0.8], kinds: 0 },
];

export interface ConfidenceRow {
  world: string;
  /** Decisions from and to. */
  from: number;
  to: number;
  said: Estimate;
  so: Estimate;
  /** Expected calibration error over all seeds. */
  error: number;
}

export function confidenceTable({ seeds, rounds }: Protocol): Table<ConfidenceRow> {
  const table: Table<ConfidenceRow> = { rows: [], missed: 0 };
  const ends = [0, 0.04, 0.2, 1].map((share) => Math.floor(share * rounds));
  console.log(
    `\nConfidence that the chosen model is within ${EPSILON} of the best one, simulated worlds; ${seedsOf(seeds)}\n` +
      `Beside it the share of decisions that are, and the expected calibration error in ${BINS} bins, all seeds together.`,
  );
  for (const world of worlds) {
    const runs = Array.from({ length: seeds }, (_, seed) => saidOf(world, seed, rounds));
    console.log(`\n${world.name}`);
    console.log(line('', ['said', 'so', 'error'], WIDTH));
    for (const [from, to] of [
      ...ends.slice(1).map((to, i) => [ends[i] as number, to] as const),
      [0, rounds] as const,
    ]) {
      const some = runs.map((run) => run.slice(from, to));
      const row = {
        world: world.name,
        from,
        to,
        said: estimate(some.map((run) => mean(run.map(({ probability }) => probability)))),
        so: estimate(some.map((run) => mean(run.map(({ right }) => Number(right))))),
        error: expectedCalibrationError(some.flat(), BINS),
      };
      table.rows.push(row);
      const judged = from === 0 && to === rounds && seeds >= JUDGED_SEEDS && rounds >= ROUNDS;
      const verdict = judged ? judge(row.error, bar, 3) : undefined;
      if (verdict?.met === false) table.missed++;
      const cells = [plusMinus(row.said, 3), plusMinus(row.so, 3), row.error.toFixed(3)];
      console.log(line(`${from} to ${to}`, cells, WIDTH) + (verdict ? `   ${show(verdict)}` : ''));
    }
  }
  return table;
}

/** Of every decision of a router in a world of its own. */
export function saidOf(world: World, seed: number, rounds: number): Said[] {
  const confidences: number[] = [];
  const player = router({ confidenceEpsilon: EPSILON }, undefined, ({ confidence }) =>
    confidences.push(confidence),
  );
  const { expected, best } = play(storyOf(world, FIRST_SEED + seed), player, seed, rounds);
  return confidences.map((probability, t) => ({
    probability,
    right: (expected[t] as number) + EPSILON >= (best[t] as number),
  }));
}

/** Models that are drawn. */
function storyOf({ name, models, between: [low, high], kinds }: World, seed: number): Story {
  const random = new Random(seed);
  const qualityOf = (): Record<string, number> => {
    const own = low + (high - low) * random.uniform();
    const moved = () => Math.min(high, Math.max(low, own + kinds * (2 * random.uniform() - 1)));
    return Object.fromEntries(kindNames.map((kind) => [kind, moved()]));
  };
  return { name, models: Array.from({ length: models }, (_, n) => ({ id: `m${n}`, quality: qualityOf() })) };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
