import { SonaError } from '../base/errors.ts';
import type { DecisionId } from '../base/ids.ts';
import { markedPrototype } from '../base/marks.ts';
import type { Metadata } from '../base/metadata.ts';
import { rowOf } from '../binding/layout.ts';
import type { Fallback } from '../embed/fallback.ts';
import type { SonaEngine } from '../engine/engine.ts';
import type { RouteRecord } from '../engine/patterns.ts';
import type { Exploration } from './config.ts';
import type { ModelSettings, Models } from './models.ts';

/** Why a decision went to its model: the policy chose it, the session had it, or it is new and was tried. */
export type DecisionReason = 'policy' | 'session' | 'trial';

/**
 * What stood in a model's way: not among the `eligible`, too dear or too slow for a limit, more than the budget has left, or
 * several failures in a row.
 */
export type CandidateFilter = 'eligible' | 'cost' | 'latency' | 'budget' | 'failing';

/** How much room an answer is to have: powers of two from 64, or what the settings of the model allow. */
export interface AnswerLimits {
  /**
   * Tokens of the answer, for the call's `max_tokens`: the least power of two that holds a share of `quantile` of the model's answers to such
   * prompts; at most the number that its settings give for `maxTokens`, `maxOutputTokens`, `max_tokens`, `max_completion_tokens` or
   * `max_output_tokens`.
   */
  maxTokens: number;
  /**
   * Tokens of prompt and answer, for a context that is to be reserved: the least power of two that holds the prompt (`promptTokens`, said or
   * estimated) and `maxTokens`. Null where the prompt's length is not known: that of a vector without a text.
   */
  contextTokens: number | null;
  /** The share of answers that `maxTokens` is to hold: the setting `lengthQuantile`. */
  quantile: number;
}

/** One model in an {@link Explanation}. */
export interface ExplainedCandidate<Id extends string = string> {
  /** Its name. */
  model: Id;
  /** What is called: the model's name, and its settings. */
  settings: ModelSettings;
  /** Plain data of the caller's, as the model was given. */
  metadata?: Metadata | undefined;
  /** Whether it was chosen. */
  chosen: boolean;
  /** Probability with which it was. */
  propensity: number;
  /** What it was ranked by. */
  score: number;
  /** As {@link RankedModel.confidence}; null for one that could not be chosen. */
  confidence: number | null;
  /** What the score is made of: `quality + optimism + bonus - cost - latency`. */
  parts: {
    /** Worth of the expected quality, not clipped to [0, 1], and of a failed call by the share of calls that fail. */
    quality: number;
    /** What a model gets for what is not known of it yet. */
    optimism: number;
    /**
     * What the upper confidence bound adds: for uncertainty, for few outcomes, for costs that are old. Part of the score with `'ucb'` alone;
     * other explorations do without it.
     */
    bonus: number;
    /** What its cost takes away, the budget's price included. */
    cost: number;
    /** What its latency takes away. */
    latency: number;
  };
  /** What was expected; null where nothing is known. */
  expected: {
    /** 0 to 1. */
    quality: number;
    /** 90 % interval of the quality. */
    interval: [number, number];
    /** Standard deviation of the expectation as the posterior has it, before the interval's calibration. */
    deviation: number;
    /** US dollars. */
    costUsd: number | null;
    /** 90 % interval of what the call costs, in US dollars. `costUsd`, the mean, lies in it. */
    costInterval: [number, number] | null;
    /** Milliseconds. */
    latencyMs: number | null;
    /** 90 % interval of how long the call takes, in milliseconds. `latencyMs`, the mean, lies in it. */
    latencyInterval: [number, number] | null;
    /** Tokens of the answer, were it not cut. */
    outputTokens: number | null;
    /** 90 % interval of the answer's tokens. `outputTokens`, the mean, lies in it. */
    outputInterval: [number, number] | null;
  };
  /** Quality by each block of features alone; what was expected is their mean, and what the tenant adds. */
  blocks: [number, number];
  /** Share of its calls that are expected to be answered, 0 to 1. What a failed call is worth is `objective.failureQuality`. */
  availability: number;
  /** What the tenant's own outcomes add to the expected quality. */
  tenant: number;
  /** Qualities told of it so far, by weight. */
  outcomes: number;
  /** Share of the prior's uncertainty about this prompt that outcomes have removed, 0 to 1. */
  evidence: number;
  /** The rest: how much of what was expected is still prior. */
  prior: number;
  /** What stood in its way; empty: nothing. */
  filters: CandidateFilter[];
}

/** A pattern of the attached engine near the prompt. */
export interface ExplainedPattern {
  /** Cosine of the prompt with its middle. */
  similarity: number;
  /** Mean quality of its trajectories. */
  avgQuality: number;
  /** How many they are. */
  clusterSize: number;
  /** Outcomes by route. */
  routes: Record<string, RouteRecord>;
}

/** What led to a decision, as it was then. Plain data. */
export interface Explanation<Id extends string = string> {
  /** The decision. */
  id: DecisionId;
  /** The model that was chosen. */
  model: Id;
  /** What is called: its name, and its settings. */
  settings: ModelSettings;
  /** Plain data of the caller's, as the request was given. */
  metadata?: Metadata | undefined;
  /** How much room its answer is to have; null where nothing was told of its answers. */
  limits: AnswerLimits | null;
  /** Why. */
  reason: DecisionReason;
  /** The policy in force. */
  exploration: Exploration;
  /** How much better than usual prompts like this do with any model. */
  difficulty: number;
  /** The budget's price on cost, beside the objective's own; 0 without a budget. */
  budgetPrice: number;
  /** Name of the basis of the features. */
  basis: { id: string };
  /** Why it was made without its prompt, or by hashed words alone; null where neither. */
  fallback: Fallback | null;
  /**
   * Every model; first those that could be chosen, best score first. Of more than 64 models only those that the request names.
   */
  candidates: ExplainedCandidate<Id>[];
  /** The attached engine's nearest patterns, as they are when the explanation is asked for. */
  patterns?: ExplainedPattern[] | undefined;
}

/** Places in the addon's answer: of the whole, and of a candidate. */
export const at = rowOf('RoutedDecision', [
  'number',
  'chosen',
  'reason',
  'difficulty',
  'budget_price',
  'events',
  'fit_due',
  'basis',
  'max_tokens',
  'context_tokens',
  'length_quantile',
]);

/** Places in a candidate's numbers. */
export const of = rowOf('RoutedCandidate', [
  'model',
  'filters',
  'score',
  'quality',
  'low',
  'high',
  'cost_usd',
  'cost_low',
  'cost_high',
  'latency_ms',
  'latency_low',
  'latency_high',
  'worth',
  'optimism',
  'bonus',
  'cost',
  'latency',
  'propensity',
  'outcomes',
  'evidence',
  'tenant',
  'block_1',
  'block_2',
  'deviation',
  'availability',
  'answer_tokens',
  'answer_low',
  'answer_high',
  'confidence',
]);

const reasons: readonly DecisionReason[] = ['policy', 'session', 'trial'];

/** By bit, from the lowest. */
const filters: readonly CandidateFilter[] = ['eligible', 'cost', 'latency', 'budget', 'failing'];

/** How many patterns an explanation shows. */
const PATTERNS = 3;

/** What explains the numbers of decisions. */
export interface Context {
  readonly models: Models;
  readonly exploration: Exploration;
  /** Name of the basis, and the number that decisions on it have. */
  readonly basis: { readonly id: string; readonly number: number };
  readonly engine: SonaEngine | undefined;
}

/** What is not known comes as NaN. */
export function known(amount: number): number | null {
  return Number.isNaN(amount) ? null : amount;
}

/** Its ends; unknown ones come as NaN. */
export function interval(low: number, high: number): [number, number] | null {
  return Number.isNaN(low) ? null : [low, high];
}

/** How much room the chosen model's answer is to have. */
export function limits(numbers: Float64Array): AnswerLimits | null {
  const maxTokens = known(numbers[at.max_tokens] as number);
  if (maxTokens === null) return null;
  const contextTokens = known(numbers[at.context_tokens] as number);
  return { maxTokens, contextTokens, quantile: numbers[at.length_quantile] as number };
}

/** Learns the models in the core's answer that another thread has added, also those that are gone again. */
export function meet(models: Models, answer: Float64Array): void {
  let refreshed = false;
  for (let start = at.size; start < answer.length; start += of.size) {
    const number = answer[start + of.model] as number;
    if (models.has(number)) continue;
    if (!refreshed) models.refresh();
    refreshed = true;
    models.arm(number);
  }
}

/** @param query the prompt's vector, where an engine is attached */
export function explain(
  id: DecisionId,
  { models, exploration, basis, engine }: Context,
  numbers: Float64Array,
  query: Float32Array | undefined,
  fallback: Fallback | null,
  metadata: string | undefined,
): Explanation {
  const number = (place: number) => numbers[place] as number;
  const chosen = number(at.chosen);
  const candidates: ExplainedCandidate[] = [];
  for (let start = at.size; start < numbers.length; start += of.size) {
    candidates.push(explainCandidate(models, numbers.subarray(start), candidates.length === chosen));
  }
  const { model, settings } = candidates[chosen] as ExplainedCandidate;
  const explanation: Explanation = {
    id,
    model,
    settings,
    limits: limits(numbers),
    reason: reasons[number(at.reason)] as DecisionReason,
    exploration,
    difficulty: number(at.difficulty),
    budgetPrice: number(at.budget_price),
    basis: { id: basis.id },
    fallback: fallback && { ...fallback },
    candidates,
  };
  if (metadata !== undefined) explanation.metadata = JSON.parse(metadata) as Metadata;
  const patterns = engine && query ? nearestPatterns(engine, query) : undefined;
  return patterns ? { ...explanation, patterns } : explanation;
}

function explainCandidate(models: Models, numbers: Float64Array, chosen: boolean): ExplainedCandidate {
  const number = (place: number) => numbers[place] as number;
  const hit = number(of.filters);
  const evidence = number(of.evidence);
  const { id, settings, metadata } = models.arm(number(of.model));
  return {
    model: id,
    settings,
    ...(metadata && { metadata }),
    chosen,
    propensity: number(of.propensity),
    score: number(of.score),
    confidence: known(number(of.confidence)),
    parts: {
      quality: number(of.worth),
      optimism: number(of.optimism),
      bonus: number(of.bonus),
      cost: number(of.cost),
      latency: number(of.latency),
    },
    expected: {
      quality: number(of.quality),
      interval: [number(of.low), number(of.high)],
      deviation: number(of.deviation),
      costUsd: known(number(of.cost_usd)),
      costInterval: interval(number(of.cost_low), number(of.cost_high)),
      latencyMs: known(number(of.latency_ms)),
      latencyInterval: interval(number(of.latency_low), number(of.latency_high)),
      outputTokens: known(number(of.answer_tokens)),
      outputInterval: interval(number(of.answer_low), number(of.answer_high)),
    },
    blocks: [number(of.block_1), number(of.block_2)],
    availability: number(of.availability),
    tenant: number(of.tenant),
    outcomes: number(of.outcomes),
    evidence,
    prior: 1 - evidence,
    filters: filters.filter((_, bit) => hit & (1 << bit)),
  };
}

/** Also those with a low quality. Undefined when the engine has been closed since. */
function nearestPatterns(engine: SonaEngine, query: Float32Array): ExplainedPattern[] | undefined {
  try {
    // a subclass may take other vectors than the core, whose length the router's are of
    const { findPatterns } = markedPrototype(engine, 'engine') as SonaEngine;
    return findPatterns
      .call(engine, query, PATTERNS, { minQuality: 0 })
      .map(({ similarity, avgQuality, clusterSize, routes }) => ({
        similarity,
        avgQuality,
        clusterSize,
        routes: structuredClone(routes),
      }));
  } catch (error) {
    if (SonaError.isInstance(error) && error.code === 'SONA_CLOSED') return undefined;
    throw error;
  }
}
