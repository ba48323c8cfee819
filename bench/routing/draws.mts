// Few models or many, few prompts or some: what a router makes of a stream that is drawn by chance from a recorded set, beside
// bandits that look at no prompt. Each seed draws its own models and prompts.
import { line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import { Random } from '../lib/random.mts';
import type { Stream } from '../lib/stream.mts';
import { contextFree } from './context-free.mts';
import { type Contestant, episode, summary } from './protocol.mts';
import { type BasisChoice, onePass, SONA } from './sona.mts';

const WIDTH = 18;

interface Shape {
  models: number;
  prompts: number;
}

const shapes: readonly Shape[] = [
  { models: 2, prompts: 2000 },
  { models: 5, prompts: 1000 },
  { models: 12, prompts: 1500 },
  { models: 20, prompts: 600 },
];

/** A part of a stream, by chance. */
export function drawn(stream: Stream, { models, prompts }: Shape, seed: number): Stream {
  const random = new Random(77 + seed);
  const width = stream.models.length;
  const columns = Array.from(random.permutation(width)).slice(0, models);
  const rows = Array.from(random.permutation(stream.vectors.length)).slice(0, prompts);
  const cut = (values: Float64Array): Float64Array =>
    Float64Array.from(rows.flatMap((row) => columns.map((column) => values[row * width + column] as number)));
  return {
    ...stream,
    name: `${stream.name}, ${models} models`,
    models: columns.map((column) => stream.models[column] as string),
    vectors: rows.map((row) => stream.vectors[row] as Float32Array),
    utility: cut(stream.utility),
    quality: cut(stream.quality),
    cost: cut(stream.cost),
  };
}

export interface DrawsRow extends Shape {
  set: string;
  policy: string;
  /** As a multiple of the best fixed model's. */
  regret: Estimate;
  worst: number;
  /** That less the router's, in pairs. */
  more: Estimate;
}

export function drawsTable(stream: Stream, seeds: number, basis: BasisChoice): Table<DrawsRow> {
  const table: Table<DrawsRow> = { rows: [], missed: 0 };
  const sona: Contestant = {
    name: SONA,
    run: (part, episodes) => ({ runs: episodes.map((one) => onePass(part, one, basis)) }),
  };
  console.log(
    `\n${stream.name}: models and prompts drawn by seed, one outcome each, from nothing; ${seedsOf(seeds)}\n` +
      'Regret against the best answer to each prompt, as a multiple of what the best fixed model has.',
  );
  for (const shape of shapes.filter(({ models }) => models <= stream.models.length)) {
    console.log(`\n${shape.models} models, ${shape.prompts} prompts`);
    console.log(line('', ['regret', 'worst seed', 'more than SONA'], WIDTH));
    const parts = Array.from({ length: seeds }, (_, seed) => drawn(stream, shape, seed));
    let ofRouter: number[] | undefined;
    for (const contestant of [sona, ...contextFree]) {
      const regrets = parts.map((part, seed) => {
        const one = episode(part, seed, { seeds: 1, rounds: shape.prompts, warm: 0 });
        const result = contestant.run(part, [one]);
        if ('missing' in result) throw new Error(result.missing);
        return summary(part, contestant.name, [one], result.runs).regret.mean;
      });
      ofRouter ??= regrets;
      const row = {
        ...shape,
        set: stream.name,
        policy: contestant.name,
        regret: estimate(regrets),
        worst: Math.max(...regrets),
        more: estimate(regrets.map((regret, seed) => regret - ((ofRouter as number[])[seed] as number))),
      };
      table.rows.push(row);
      console.log(
        line(row.policy, [plusMinus(row.regret, 3), row.worst.toFixed(2), plusMinus(row.more, 3)], WIDTH),
      );
    }
  }
  return table;
}
