// Bandits that look at no prompt: they learn which model is good on the whole. A router that knows the prompt must not lose to
// the best of them.
import { beta } from '../lib/beta.mts';
import { Random } from '../lib/random.mts';
import type { Stream } from '../lib/stream.mts';
import { type Contestant, online, type Policy } from './protocol.mts';

/** What was heard of each model. */
export interface Tally {
  /** Outcomes of all models. */
  heard: number;
  /** Outcomes by model, as the next two. */
  counts: Float64Array;
  sums: Float64Array;
  squares: Float64Array;
}

/** The model with the highest score is asked; equal scores are decided by chance. */
export type Score = (tally: Tally, model: number, random: Random) => number;

/** Says, before any score, that a model is to be asked at random. */
export type Wander = (tally: Tally, random: Random) => boolean;

export class ContextFree implements Policy {
  private readonly tally: Tally;
  private readonly random: Random;

  constructor(
    private readonly models: number,
    seed: number,
    private readonly score: Score,
    private readonly wander?: Wander,
  ) {
    const zeros = (): Float64Array => new Float64Array(models);
    this.tally = { heard: 0, counts: zeros(), sums: zeros(), squares: zeros() };
    this.random = new Random(4000 + seed);
  }

  choose(): number {
    const { models, tally, random, score, wander } = this;
    if (wander?.(tally, random)) return random.below(models);
    return highest(models, random, (model) => score(tally, model, random));
  }

  learn(_prompt: number, model: number, reward: number): void {
    const { tally } = this;
    tally.heard++;
    tally.counts[model] = (tally.counts[model] as number) + 1;
    tally.sums[model] = (tally.sums[model] as number) + reward;
    tally.squares[model] = (tally.squares[model] as number) + reward * reward;
  }
}

/** The number with the highest score; of equals, any of them. */
export function highest(models: number, random: Random, score: (model: number) => number): number {
  let best = 0;
  let top = -Infinity;
  let equals = 0;
  for (let model = 0; model < models; model++) {
    const value = score(model);
    if (value > top) {
      top = value;
      best = model;
      equals = 1;
    } else if (value === top && random.below(++equals) === 0) best = model;
  }
  return best;
}

const at = (values: Float64Array, model: number): number => values[model] as number;

const mean = ({ counts, sums }: Tally, model: number): number => at(sums, model) / at(counts, model);

/**
 * Thompson sampling with a Beta posterior from the uniform prior (Thompson, 1933; Chapelle and Li, "An empirical evaluation of
 * Thompson sampling", 2011). A reward between 0 and 1 counts in parts, as if it were the mean of the coins that Agrawal and Goyal
 * ("Analysis of Thompson sampling", 2012) toss for it.
 */
export const betaThompson: Score = ({ counts, sums }, model, random) =>
  beta(random, 1 + at(sums, model), 1 + at(counts, model) - at(sums, model));

/** Half of the range: no reward between 0 and 1 deviates more (Hoeffding, 1963). */
const DEVIATION = 0.5;

/**
 * Thompson sampling with a Gaussian posterior (Agrawal and Goyal, "Further optimal regret bounds for Thompson sampling", 2013):
 * mean sum / (n + 1), variance that of one reward over n + 1.
 */
export const gaussianThompson: Score = ({ counts, sums }, model, random) => {
  const n = at(counts, model) + 1;
  return at(sums, model) / n + (DEVIATION / Math.sqrt(n)) * random.normal();
};

/** UCB1-tuned (Auer, Cesa-Bianchi and Fischer, "Finite-time analysis of the multiarmed bandit problem", 2002, section 4). */
export const ucbTuned: Score = (tally, model) => {
  const n = at(tally.counts, model);
  if (n === 0) return Infinity;
  const log = Math.log(tally.heard);
  const average = mean(tally, model);
  const variance = at(tally.squares, model) / n - average * average + Math.sqrt((2 * log) / n);
  return average + Math.sqrt((log / n) * Math.min(1 / 4, variance));
};

/** Each model once, then the best so far. */
export const greedy: Score = (tally, model) =>
  at(tally.counts, model) === 0 ? Infinity : mean(tally, model);

/**
 * Decaying epsilon, as in the epsilon_n-greedy of Auer, Cesa-Bianchi and Fischer (2002): min(1, c K / t) after t outcomes of K
 * models. Their c depends on gaps that nobody knows; this one is the best of 1, 2, 5, 10 and 20 by the mean over the development
 * sets, 20 orders.
 */
const EPSILON = 2;

export const decaying = (heard: number, models: number, c = EPSILON): number =>
  Math.min(1, (c * models) / (heard + 1));

/** Needs to know nothing but the models. */
type AnchorFactory = (of: Pick<Stream, 'models'>) => (seed: number) => Policy;

const factory =
  (score: Score, wander?: Wander): AnchorFactory =>
  ({ models }) =>
  (seed) =>
    new ContextFree(models.length, seed, score, wander);

/** With another constant than the chosen one, for the choice of it. */
export const epsilonGreedy = (c?: number): AnchorFactory =>
  factory(greedy, ({ heard, counts }, random) => random.uniform() < decaying(heard, counts.length, c));

/** By name. */
export const anchors: readonly (readonly [string, AnchorFactory])[] = [
  ['Beta Thompson, no context', factory(betaThompson)],
  ['Gaussian Thompson, same', factory(gaussianThompson)],
  ['UCB1-tuned, same', factory(ucbTuned)],
  ['epsilon-greedy, same', epsilonGreedy()],
];

export const contextFree: readonly Contestant[] = anchors.map(([name, create]) => online(name, create));
