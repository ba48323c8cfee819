// What can be had for money without looking at prompts: the best random mixture of two fixed models, and how much of the gap
// between the cheapest and the best model is recovered along the way.
import type { Stream } from '../lib/stream.mts';

/** A stream with the models alone whose cost is known for every prompt. */
export function withCosts(stream: Stream): Stream {
  const k = stream.models.length;
  const kept = stream.models
    .map((_, model) => model)
    .filter((model) => !stream.cost.some((usd, cell) => cell % k === model && Number.isNaN(usd)));
  if (kept.length === k) return stream;
  const cut = (values: Float64Array): Float64Array => values.filter((_, cell) => kept.includes(cell % k));
  return {
    ...stream,
    models: kept.map((model) => stream.models[model] as string),
    utility: cut(stream.utility),
    quality: cut(stream.quality),
    cost: cut(stream.cost),
  };
}

/** Mean cost and mean quality by model, over the same prompts. */
export interface Means {
  costs: readonly number[];
  qualities: readonly number[];
}

/** The most quality that one model, or two in some proportion, have on average within the budget; NaN where none has. */
export function bestMixture({ costs, qualities }: Means, budgetUsd: number): number {
  let best = Number.NaN;
  costs.forEach((low, i) => {
    costs.forEach((high, j) => {
      if (low > budgetUsd || high < low) return;
      const share = high === low ? 1 : Math.min(1, (budgetUsd - low) / (high - low));
      const mixed = (1 - share) * (qualities[i] as number) + share * (qualities[j] as number);
      if (!(mixed <= best)) best = mixed;
    });
  });
  return best;
}

/** The same for what was spent: who chose prompts that cost less than the cheapest model's mean is held to that model. */
export const mixtureFor = (means: Means, spentUsd: number): number =>
  bestMixture(means, Math.max(spentUsd, Math.min(...means.costs)));

/** The cheapest model and the best one, by place; undefined where they are the same, and nothing is to be bought. */
export function ends({ costs, qualities }: Means): { weak: number; strong: number } | undefined {
  const weak = costs.indexOf(Math.min(...costs));
  const strong = qualities.indexOf(Math.max(...qualities));
  return weak === strong || costs[weak] === costs[strong] ? undefined : { weak, strong };
}

/**
 * Performance gap recovered (Ong et al., "RouteLLM: Learning to route LLMs with preference data", arXiv 2406.18665, section 3):
 * 0 is the weak model's quality, 1 the strong one's.
 */
export const gapRecovered = (quality: number, weak: number, strong: number): number =>
  (quality - weak) / (strong - weak);

/**
 * Budgets at which the gap is averaged: in the middles of equal parts of the way from the weak model's cost to the strong one's.
 * The paper's cost is the share of calls to the strong model; of more than two models it is money.
 */
export function evenBudgets(weakUsd: number, strongUsd: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, i) => weakUsd + ((i + 0.5) / parts) * (strongUsd - weakUsd));
}
