// A stream that changes at half time, and what a policy makes of it.
import type { Outcome } from '../../dist/index.mjs';
import { Random } from '../lib/random.mts';
import type { Stream } from '../lib/stream.mts';
import type { Policy } from './protocol.mts';

export interface World<P extends Policy = Policy> {
  stream: Stream;
  /** Prompts in their order. */
  order: Uint32Array;
  /** The round in which it changes. */
  half: number;
  /** What each answer is worth, by round, then by model. */
  worth: Float64Array;
  /** What a router is told of an answer; without it, the worth as quality. */
  outcome?: (round: number, model: number) => Outcome;
  /** What is done to the policy when the world changes. */
  change?: (policy: P) => void;
  /** Outcomes come so many decisions late. */
  delay?: number;
}

/** The model of each round. */
export function walk<P extends Policy>(policy: P, world: World<P>): Uint16Array {
  const { stream, order, half, worth, outcome, change, delay = 0 } = world;
  const chosen = new Uint16Array(order.length);
  for (let t = 0; t < order.length; t++) {
    if (t === half) change?.(policy);
    chosen[t] = policy.choose(order[t] as number);
    const heard = t - delay;
    if (heard < 0) continue;
    const model = chosen[heard] as number;
    const reward = worth[heard * stream.models.length + model] as number;
    policy.learn(order[heard] as number, model, reward, outcome?.(heard, model));
  }
  return chosen;
}

/** A matrix of the stream in the order of the rounds. */
export function inOrder(values: Float64Array, models: number, order: Uint32Array): Float64Array {
  const out = new Float64Array(order.length * models);
  order.forEach((prompt, t) => {
    out.set(values.subarray(prompt * models, (prompt + 1) * models), t * models);
  });
  return out;
}

/** Means by model over some rounds. */
export function meansOver(worth: Float64Array, models: number, from: number, to: number): number[] {
  return Array.from({ length: models }, (_, model) => {
    let sum = 0;
    for (let t = from; t < to; t++) sum += worth[t * models + model] as number;
    return sum / (to - from);
  });
}

export const indexOfMost = (values: readonly number[]): number => values.indexOf(Math.max(...values));

/**
 * From a round on a model is worse by so much on average, and no worth leaves [0, 1]: what is between 0 and 1 loses
 * that amount, right answers become wrong ones with the probability that makes up the rest.
 */
export function drop(
  worth: Float64Array,
  models: number,
  model: number,
  { from, by, seed }: { from: number; by: number; seed: number },
): Float64Array {
  const out = worth.slice();
  const random = new Random(7000 + seed);
  const cells: number[] = [];
  for (let cell = from * models + model; cell < worth.length; cell += models) cells.push(cell);
  const lost = cells.map((cell) => (worth[cell] === 1 ? 0 : Math.min(by, worth[cell] as number)));
  const right = cells.filter((cell) => worth[cell] === 1).length;
  const left = by * cells.length - lost.reduce((sum, value) => sum + value, 0);
  const turned = right === 0 ? 0 : Math.min(1, left / right);
  cells.forEach((cell, i) => {
    out[cell] =
      worth[cell] === 1 ? Number(random.uniform() >= turned) : (worth[cell] as number) - (lost[i] as number);
  });
  return out;
}
