// Cost against quality, of the models and of ways to choose among them.
import type { Decisions } from './run.mts';
import type { Stream } from './stream.mts';
import { mean, type Yardsticks } from './worth.mts';

/** Means over the whole stream. */
export interface CostPoint {
  kind: 'model' | 'sona' | 'bandit' | 'random' | 'oracle';
  name: string;
  /** US dollars per call. */
  costUsd: number;
  quality: number;
  /** Of SONA's routers: the weight of cost in the objective. */
  costWeight?: number;
}

/** A router's decisions with its weight of cost in the objective. */
export interface WeightedDecisions {
  costWeight: number;
  decisions: Decisions;
}

export function costPoints(
  stream: Stream,
  { models: qualities, random, oracle, bandit, banditChosen }: Yardsticks,
  runs: readonly WeightedDecisions[],
): CostPoint[] {
  const costs = stream.models.map(({ costUsd }) => costUsd);
  return [
    ...stream.models.map(
      ({ id, costUsd }, k): CostPoint => ({
        kind: 'model',
        name: id,
        costUsd,
        quality: qualities[k] as number,
      }),
    ),
    { kind: 'random', name: 'random', costUsd: mean(costs), quality: mean(random) },
    { kind: 'oracle', name: 'oracle', costUsd: oracleCost(stream, oracle), quality: mean(oracle) },
    {
      kind: 'bandit',
      name: 'context-free bandit',
      costUsd: mean(Array.from(banditChosen, (k) => costs[k] as number)),
      quality: mean(bandit),
    },
    ...runs.map(
      ({ costWeight, decisions: { chosen, quality } }): CostPoint => ({
        kind: 'sona',
        name: `SONA, weight ${costWeight}`,
        costWeight,
        costUsd: mean(Array.from(chosen, (k) => costs[k] as number)),
        quality: mean(quality),
      }),
    ),
  ];
}

/** Of the best answers to a prompt the cheapest is taken. */
function oracleCost({ models, quality }: Stream, oracle: Float64Array): number {
  const width = models.length;
  const cheapest = Array.from(oracle, (most, t) =>
    Math.min(...models.filter((_, k) => quality[t * width + k] === most).map(({ costUsd }) => costUsd)),
  );
  return mean(cheapest);
}
