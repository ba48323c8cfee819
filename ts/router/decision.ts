import { invalidArgument } from '../base/errors.ts';
import type { DecisionId } from '../base/ids.ts';
import { encodeMetadata, type Metadata } from '../base/metadata.ts';
import { checkName, checkNumber, checkOptions } from '../base/vectors.ts';
import type { RequestExtras } from '../binding/binding.ts';
import type { Fallback } from '../embed/fallback.ts';
import {
  type AnswerLimits,
  at,
  type Context,
  type Explanation,
  explain,
  interval,
  known,
  limits,
  of,
} from './explanation.ts';
import type { ModelSettings } from './models.ts';

/** What a request says beside its prompt. */
export interface RouteOptions<Id extends string = string> {
  /** Models that may be chosen. Default: all. */
  eligible?: readonly Id[] | undefined;
  /**
   * Conversation that stays with its model, until that may not be chosen or fails: then with the one that is told to have
   * answered in its place, or else with the next that is chosen.
   */
  sessionId?: string | undefined;
  /** Whose request it is: the tenant's own outcomes are learned beside those of all. */
  tenant?: string | undefined;
  /** Models whose expected cost is above this many US dollars are not chosen. */
  maxCostUsd?: number | undefined;
  /** Models whose expected latency is above this many milliseconds are not chosen. */
  maxLatencyMs?: number | undefined;
  /**
   * `'observe'`: the caller only wants to know. The decision gets an id and a line in the log, and its prompt
   * counts for an `'auto'` basis; nothing else changes: no
   * session, no trial, no budget. Default `'apply'`.
   */
  mode?: 'apply' | 'observe' | undefined;
  /**
   * Text of the prompt, by whose surface its cost, its latency and the length of its answer are expected: its length, lines, code, digits and so on, of which
   * twelve small numbers are kept, not the text. Default: that of the query; none for a vector.
   */
  text?: string | undefined;
  /**
   * Length of the prompt in tokens, which makes the expected cost and latency sharper, and is part of `limits.contextTokens`. Say it where more is sent than the query, such as
   * pictures and descriptions of tools. Default: estimated from the characters of `text`, else of the query, of a chat from all
   * of its messages; without any 500. An answer is taken for 300 where
   * nothing was told of costs yet.
   */
  promptTokens?: number | undefined;
  /** Plain data of the caller's: comes back in the explanation and in the decision log. Kept as long as the decision is. */
  metadata?: Metadata | undefined;
}

/** A model that might have been chosen. */
export interface RankedModel<Id extends string = string> {
  /** Its name. */
  model: Id;
  /** What to call, as `decision.settings`: for whoever goes on to the next one. */
  settings: ModelSettings;
  /** What it was ranked by. */
  score: number;
  /** Expected quality, 0 to 1. */
  quality: number;
  /** Expected US dollars; null where nothing is known. */
  costUsd: number | null;
  /** Expected milliseconds; null where nothing is known. */
  latencyMs: number | null;
  /** Expected tokens of its answer; null where nothing is known. */
  outputTokens: number | null;
  /** Probability with which it was to be chosen. They sum to 1. */
  propensity: number;
  /**
   * Probability that its expected quality is within `confidenceEpsilon` of the best one's of those that could be chosen, at this
   * prompt. Cost and latency are left out.
   */
  confidence: number;
}

/** A model for a prompt. */
export interface RouterDecision<Id extends string = string> {
  /** Names it for `feedback`: who made it, and its number there. */
  id: DecisionId;
  /** The model to ask, by its `id`. */
  model: Id;
  /** What to call: the model's name (`model`, or else its id) and its settings. */
  settings: ModelSettings;
  /** The models that could be chosen, best score first: without those that rest after failures, or are too dear. */
  ranked: RankedModel<Id>[];
  /** Probability with which this model was chosen. */
  propensity: number;
  /**
   * Probability that its expected quality is within `confidenceEpsilon` of the best one's of those that could be chosen, at this
   * prompt: low where others may be better, because it is explored or is cheaper. Cost and latency are left out.
   */
  confidence: number;
  /** What is expected of it; null where nothing is known. */
  expected: {
    /** 0 to 1. */
    quality: number;
    /** 90 % interval of the quality. */
    interval: [number, number];
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
  /** How much room the answer is to have; null until `usage` was told of the model. */
  limits: AnswerLimits | null;
  /** Why it was made without its prompt, or by its hashed words alone (`language`); null: it was not. */
  fallback: Fallback | null;
  /** What led to it, as it was then; the attached engine's patterns as they are now. */
  explain(): Explanation<Id>;
}

/** Keeps the addon's numbers, from which explanations are made when they are asked for. */
export class Decision implements RouterDecision {
  readonly id: DecisionId;
  readonly model: string;
  readonly settings: ModelSettings;
  readonly ranked: RankedModel[];
  readonly propensity: number;
  readonly confidence: number;
  readonly expected: RouterDecision['expected'];
  readonly limits: AnswerLimits | null;
  readonly fallback: Fallback | null;
  readonly #context: Context;
  readonly #numbers: Float64Array;
  readonly #query: Float32Array | undefined;
  /** JSON. */
  readonly #metadata: string | undefined;

  constructor(
    id: DecisionId,
    context: Context,
    numbers: Float64Array,
    query: Float32Array | undefined,
    fallback: Fallback | null,
    metadata: string | undefined,
  ) {
    this.#metadata = metadata;
    this.fallback = fallback;
    this.#context = context;
    this.#numbers = numbers;
    this.#query = query;
    const { models } = context;
    const ranked: RankedModel[] = [];
    for (let start = at.size; start < numbers.length; start += of.size) {
      // those that could be chosen come first
      if (numbers[start + of.filters] !== 0) break;
      const { id: name, settings } = models.arm(numbers[start + of.model] as number);
      ranked.push({
        model: name,
        settings,
        score: numbers[start + of.score] as number,
        quality: numbers[start + of.quality] as number,
        costUsd: known(numbers[start + of.cost_usd] as number),
        latencyMs: known(numbers[start + of.latency_ms] as number),
        outputTokens: known(numbers[start + of.answer_tokens] as number),
        propensity: numbers[start + of.propensity] as number,
        confidence: numbers[start + of.confidence] as number,
      });
    }
    const chosen = numbers[at.chosen] as number;
    const start = at.size + of.size * chosen;
    const { model, settings, propensity, confidence, quality, costUsd, latencyMs, outputTokens } = ranked[
      chosen
    ] as RankedModel;
    this.id = id;
    this.model = model;
    this.settings = settings;
    this.ranked = ranked;
    this.propensity = propensity;
    this.confidence = confidence;
    this.expected = {
      quality,
      interval: [numbers[start + of.low] as number, numbers[start + of.high] as number],
      costUsd,
      costInterval: interval(numbers[start + of.cost_low] as number, numbers[start + of.cost_high] as number),
      latencyMs,
      latencyInterval: interval(
        numbers[start + of.latency_low] as number,
        numbers[start + of.latency_high] as number,
      ),
      outputTokens,
      outputInterval: interval(
        numbers[start + of.answer_low] as number,
        numbers[start + of.answer_high] as number,
      ),
    };
    this.limits = limits(numbers);
  }

  explain(): Explanation {
    return explain(this.id, this.#context, this.#numbers, this.#query, this.fallback, this.#metadata);
  }
}

const names = [
  'eligible',
  'sessionId',
  'tenant',
  'maxCostUsd',
  'maxLatencyMs',
  'mode',
  'text',
  'promptTokens',
  'metadata',
];

/** What a request has beside its prompt and the eligible; ranges are the core's to check. */
export function requestExtras(options: RouteOptions): RequestExtras {
  checkOptions('options', options, names);
  const { sessionId, tenant, maxCostUsd, maxLatencyMs, mode, text, promptTokens, metadata } = options;
  if (sessionId !== undefined) checkName('sessionId', sessionId);
  if (tenant !== undefined) checkName('tenant', tenant);
  if (maxCostUsd !== undefined) checkNumber('maxCostUsd', maxCostUsd);
  if (maxLatencyMs !== undefined) checkNumber('maxLatencyMs', maxLatencyMs);
  if (text !== undefined && typeof text !== 'string') throw invalidArgument('text', 'a string', text);
  if (promptTokens !== undefined) checkNumber('promptTokens', promptTokens);
  if (mode !== undefined && mode !== 'apply' && mode !== 'observe') {
    throw invalidArgument('mode', "'apply' or 'observe'", mode);
  }
  return {
    session: sessionId,
    tenant,
    maxCostUsd,
    maxLatencyMs,
    observe: mode === 'observe',
    promptTokens,
    metadata: encodeMetadata('metadata', metadata),
  };
}
