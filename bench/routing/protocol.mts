// How a router is judged on a stream: prompts in a seeded order, one choice each, one outcome each. Regret is against
// the best answer to each prompt, as a multiple of what the best fixed model has, which nobody knows beforehand.
import type { Outcome } from '../../dist/index.mjs';
import { type Estimate, estimate } from '../lib/protocol.mts';
import { Random } from '../lib/random.mts';
import type { Stream } from '../lib/stream.mts';

/** Makes one choice for each prompt and hears what it was worth. */
export interface Policy {
  /** The model for a prompt of the stream, by number; learns nothing. */
  choose(prompt: number): number;
  /** A stream has each prompt once, so this may come late. A router may be told more than what the answer was worth. */
  learn(prompt: number, model: number, reward: number, outcome?: Outcome): void;
  /** Called when it has been judged. */
  close?(): void;
}

/** Makes a fresh policy for each seed, after what it needs to know of the stream. */
export type PolicyFactory = (stream: Stream) => (seed: number) => Policy;

export interface Protocol {
  seeds: number;
  /** At most so many prompts. */
  rounds: number;
  /** So many prompts, the last of the order, are known with all their answers before the first round. */
  warm: number;
}

export interface Episode {
  seed: number;
  /** Prompts in their order. */
  order: Uint32Array;
  /** Those that come with all answers. */
  labelled: Uint32Array;
}

export function episode(stream: Stream, seed: number, { rounds, warm }: Protocol): Episode {
  const order = new Random(1000 + seed).permutation(stream.vectors.length);
  const end = Math.max(0, order.length - warm);
  return { seed, order: order.subarray(0, Math.min(rounds, end)), labelled: order.subarray(end) };
}

export interface Run {
  /** By round. */
  rewards: Float64Array;
  millis: number;
}

/** What a row of the table is made by. */
export interface Contestant {
  name: string;
  /** Runs of all seeds, or why there are none. */
  run(stream: Stream, episodes: readonly Episode[]): { runs: Run[]; note?: string } | { missing: string };
}

/** A policy that learns as it goes; with `warm` it is first told all answers to the labelled prompts. */
export function online(name: string, create: PolicyFactory, { warm = false, note = '' } = {}): Contestant {
  return {
    name,
    run(stream, episodes) {
      const make = create(stream);
      const runs = episodes.map(({ seed, order, labelled }) => {
        const policy = make(seed);
        if (warm) for (const prompt of labelled) teachAll(policy, stream, prompt);
        const run = play(policy, stream, order);
        policy.close?.();
        return run;
      });
      return { runs, note };
    },
  };
}

function teachAll(policy: Policy, { models, utility }: Stream, prompt: number): void {
  models.forEach((_, k) => {
    policy.learn(prompt, k, utility[prompt * models.length + k] as number);
  });
}

export function play(policy: Policy, { models, utility }: Stream, order: Uint32Array): Run {
  const rewards = new Float64Array(order.length);
  const began = performance.now();
  order.forEach((prompt, t) => {
    const model = policy.choose(prompt);
    const reward = utility[prompt * models.length + model] as number;
    policy.learn(prompt, model, reward);
    rewards[t] = reward;
  });
  return { rewards, millis: performance.now() - began };
}

/** What is known of a stream in one order, whoever routes. */
export interface Known {
  oracle: number;
  /** By model, as the next. */
  sums: Float64Array;
  /** Over the last prompts. */
  lastSums: Float64Array;
}

/** So many prompts at the end tell what was learned. */
export const LAST = 1000;

export function known({ models, utility }: Stream, order: Uint32Array): Known {
  const k = models.length;
  const sums = new Float64Array(k);
  const lastSums = new Float64Array(k);
  let oracle = 0;
  order.forEach((prompt, t) => {
    const row = utility.subarray(prompt * k, (prompt + 1) * k);
    oracle += Math.max(...row);
    row.forEach((value, model) => {
      sums[model] = (sums[model] as number) + value;
      if (t >= order.length - LAST) lastSums[model] = (lastSums[model] as number) + value;
    });
  });
  return { oracle, sums, lastSums };
}

/** One row of the table. */
export interface Row {
  set: string;
  policy: string;
  rounds: number;
  seeds: number;
  /** Regret as a multiple of the best fixed model's. */
  regret: Estimate;
  /** By order. */
  regrets: number[];
  /** Of the orders. */
  worst: number;
  /** Mean reward of the last prompts. */
  last: Estimate;
  /** Time of one choice and its feedback. */
  microsPerDecision?: number;
  note: string;
}

export function summary(
  stream: Stream,
  name: string,
  episodes: readonly Episode[],
  runs: readonly Run[],
): Row {
  const ratios = runs.map(({ rewards }, i) => {
    const { oracle, sums } = known(stream, (episodes[i] as Episode).order);
    return (oracle - total(rewards)) / (oracle - Math.max(...sums));
  });
  const rounds = episodes[0]?.order.length ?? 0;
  const millis = runs.reduce((sum, run) => sum + run.millis, 0);
  return {
    set: stream.name,
    policy: name,
    rounds,
    seeds: runs.length,
    regret: estimate(ratios),
    regrets: ratios,
    worst: Math.max(...ratios),
    last: estimate(runs.map(({ rewards }) => mean(rewards.subarray(-LAST)))),
    ...(millis > 0 && { microsPerDecision: (1000 * millis) / (rounds * runs.length) }),
    note: '',
  };
}

export const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

export const mean = (values: Float64Array): number => total(values) / values.length;

/** Rewards that need no choosing, from what is known of each order. */
function fixedReward(name: string, reward: (row: Float64Array, best: number) => number): Contestant {
  return {
    name,
    run: (stream, episodes) => ({
      runs: episodes.map(({ order }) => {
        const k = stream.models.length;
        const { sums } = known(stream, order);
        const best = sums.indexOf(Math.max(...sums));
        const rewards = Float64Array.from(order, (prompt) =>
          reward(stream.utility.subarray(prompt * k, (prompt + 1) * k), best),
        );
        return { rewards, millis: 0 };
      }),
    }),
  };
}

/** What can be said without learning anything. */
export const controls: readonly Contestant[] = [
  fixedReward('random', mean),
  fixedReward('best fixed', (row, best) => row[best] as number),
  fixedReward('oracle', (row) => Math.max(...row)),
];
