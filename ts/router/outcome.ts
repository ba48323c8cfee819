import { invalidArgument } from '../base/errors.ts';
import { parseId } from '../base/ids.ts';
import { encodeMetadata, type Metadata } from '../base/metadata.ts';
import { checkName, checkNumber, checkOptions } from '../base/vectors.ts';
import type { AttemptParts, OutcomeExtras, UsageParts } from '../binding/binding.ts';
import { call, native } from '../binding/native.ts';
import type { Models } from './models.ts';
import type { Times } from './times.ts';

/**
 * Tokens of a call, as providers and the AI SDK tell them: of the prompt's and of the answer's the first count that is known; one that
 * is not costs nothing. Those of the answer teach how long answers are. A call costs what its model's prices were when it was decided
 * for, unless `costUsd` is told; of a model without any price nothing is learned of the cost. Cached tokens are priced as the others; Anthropic does not count them among `input_tokens`: tell
 * `costUsd`, too, there.
 */
export interface TokenUsage {
  /** Of the prompt: AI SDK. */
  readonly inputTokens?: number | null | undefined;
  /** Of the answer: AI SDK. */
  readonly outputTokens?: number | null | undefined;
  /** Of the prompt: OpenAI (responses), Anthropic. */
  readonly input_tokens?: number | null | undefined;
  /** Of the answer: OpenAI (responses), Anthropic. */
  readonly output_tokens?: number | null | undefined;
  /** Of the prompt: OpenAI (chat), and services that speak its format. */
  readonly prompt_tokens?: number | null | undefined;
  /** Of the answer: OpenAI (chat). */
  readonly completion_tokens?: number | null | undefined;
  /**
   * Whether the answer was cut by a limit of tokens (a finish reason of `'length'` or `'max_tokens'`): it is taken to be twice as long, so
   * that limits grow until answers are whole. One that was cut at 0 tokens says nothing of lengths. Default false.
   */
  readonly truncated?: boolean | undefined;
}

/** One model that was asked, and what came of it. */
export interface OutcomeAttempt<Id extends string = string> {
  /** The model. */
  model: Id;
  /** How good its answer was, 0 to 1. */
  quality?: number | undefined;
  /** What it cost, in US dollars. */
  costUsd?: number | undefined;
  /** How long it took, in milliseconds. */
  latencyMs?: number | undefined;
  /** Its tokens, as {@link Outcome.usage}. */
  usage?: TokenUsage | undefined;
  /** Whether the call failed; a message means that it did, and is not kept. */
  error?: boolean | string | undefined;
}

/**
 * What came of a decision. Quality teaches quality; cost, latency and tokens teach their own, and say that the model answered; an error
 * counts against the availability of the model that was asked; what is missing teaches nothing. It may be told in parts.
 */
export interface Outcome<Id extends string = string> {
  /** How good the answer was, 0 to 1. */
  quality?: number | undefined;
  /** What it cost, in US dollars. */
  costUsd?: number | undefined;
  /** How long it took, in milliseconds. */
  latencyMs?: number | undefined;
  /**
   * Tokens of the call: how long the answer was, and, without `costUsd`, what it cost by the prices of the model that answered: both
   * prices, or none, then no cost. A `costUsd` that was told stays. Where another `model` is told later, what tokens cost goes: tell
   * `usage` again, with `amend`. Without any count nothing is told.
   */
  usage?: TokenUsage | undefined;
  /** Whether the call to the model that was decided for failed; a message means that it did, and is not kept. */
  error?: boolean | string | undefined;
  /** Who says so, for `forget`. */
  source?: string | undefined;
  /** The model that answered, where it is not the one that was decided for. */
  model?: Id | undefined;
  /** Replaces what was told before. Default false. */
  amend?: boolean | undefined;
  /**
   * A failover chain in place of the parts above: the models that were asked one after the other, at most 64; the last is the
   * one that answered. Each teaches its own model.
   */
  attempts?: readonly OutcomeAttempt<Id>[] | undefined;
  /** Plain data that comes back in the decision log. */
  metadata?: Metadata | undefined;
}

/** Whether an outcome was taken in. */
export interface OutcomeResult {
  /** Whether it was. */
  applied: boolean;
  /**
   * Why not: the decision is too old or one of too many, no decision has had that number, it had been told (to change it,
   * amend), the decision was only observed and nobody said who answered, there was nothing in it, or another router made the
   * decision, or this one after the state was saved that it was restored from.
   */
  reason?: 'expired' | 'unknown' | 'repeated' | 'observed' | 'empty' | 'foreign' | undefined;
}

/** By the addon's answer, 0 for applied. */
const reasons = [undefined, 'expired', 'unknown', 'repeated', 'observed', 'empty', 'foreign'] as const;

/** Added to the addon's answer when events wait. */
const EVENTS = 8;

const names = [
  'quality',
  'costUsd',
  'latencyMs',
  'usage',
  'error',
  'source',
  'model',
  'amend',
  'attempts',
  'metadata',
];

const attemptNames = ['model', 'quality', 'costUsd', 'latencyMs', 'usage', 'error'];

/** A decision as the addon takes it: its number, and who made it where it was not this router. */
export interface DecisionRef {
  readonly number: number;
  readonly incarnation: string | undefined;
}

/** The decision of an id; undefined for that of something else than a decision. `prefix`: what this router's ids begin with. */
export function decisionRef(argument: string, id: unknown, prefix: string): DecisionRef | undefined {
  if (typeof id === 'string' && id.startsWith(prefix)) {
    const text = id.slice(prefix.length);
    const number = Number(text);
    if (Number.isSafeInteger(number) && number > 0 && String(number) === text) {
      return { number, incarnation: undefined };
    }
  }
  const { kind, incarnation, number } = parseId(argument, id);
  return kind === 'decision' ? { number, incarnation } : undefined;
}

/** An outcome that has been checked, but for the ranges, which are the core's to check. */
export interface CheckedOutcome {
  readonly quality: number | undefined;
  readonly costUsd: number | undefined;
  readonly latencyMs: number | undefined;
  readonly extras: OutcomeExtras | undefined;
}

export function checkOutcome(models: Models, outcome: Outcome): CheckedOutcome {
  checkOptions('outcome', outcome, names);
  const { quality, costUsd, latencyMs, usage, error, source, model, amend, attempts, metadata } = outcome;
  if (quality !== undefined) checkNumber('outcome.quality', quality);
  if (costUsd !== undefined) checkNumber('outcome.costUsd', costUsd);
  if (latencyMs !== undefined) checkNumber('outcome.latencyMs', latencyMs);
  const usual = error === undefined && source === undefined && model === undefined && amend === undefined;
  if (usual && attempts === undefined && metadata === undefined && usage === undefined) {
    return { quality, costUsd, latencyMs, extras: undefined };
  }
  if (source !== undefined) checkName('outcome.source', source);
  if (amend !== undefined && typeof amend !== 'boolean') {
    throw invalidArgument('outcome.amend', 'true or false', amend);
  }
  const extras: OutcomeExtras = {
    error: failed('outcome.error', error),
    source,
    model: model === undefined ? undefined : models.number('outcome.model', model),
    amend,
    attempts: attempts === undefined ? undefined : checkAttempts(models, attempts),
    metadata: encodeMetadata('outcome.metadata', metadata),
    usage: checkUsage('outcome.usage', usage),
  };
  return { quality, costUsd, latencyMs, extras };
}

/** Tokens of the prompt and of the answer, and whether that was cut; undefined where neither is known. */
function checkUsage(argument: string, usage: unknown): UsageParts | undefined {
  if (usage === undefined) return undefined;
  if (typeof usage !== 'object' || usage === null) throw invalidArgument(argument, 'counts of tokens', usage);
  const count = (keys: readonly Exclude<keyof TokenUsage, 'truncated'>[]): number | undefined => {
    for (const key of keys) {
      const value: unknown = (usage as TokenUsage)[key];
      if (value === undefined || value === null) continue;
      checkNumber(`${argument}.${key}`, value);
      return value;
    }
    return undefined;
  };
  const input = count(['inputTokens', 'input_tokens', 'prompt_tokens']);
  const output = count(['outputTokens', 'output_tokens', 'completion_tokens']);
  const { truncated = false } = usage as TokenUsage;
  if (typeof truncated !== 'boolean') {
    throw invalidArgument(`${argument}.truncated`, 'true or false', truncated);
  }
  return input === undefined && output === undefined ? undefined : { input: input ?? 0, output, truncated };
}

function failed(argument: string, error: unknown): boolean | undefined {
  if (error === undefined || typeof error === 'boolean') return error;
  if (typeof error === 'string') return true;
  throw invalidArgument(argument, 'true, false or a message', error);
}

function checkAttempts(models: Models, attempts: unknown): AttemptParts[] {
  if (!Array.isArray(attempts) || attempts.length === 0) {
    throw invalidArgument('outcome.attempts', 'a list of at least one attempt', attempts);
  }
  const parts: AttemptParts[] = [];
  for (let i = 0; i < attempts.length; i++) {
    const at = `outcome.attempts[${i}]`;
    const attempt: unknown = attempts[i];
    checkOptions(at, attempt, attemptNames);
    const { model, quality, costUsd, latencyMs, usage, error } = attempt as OutcomeAttempt;
    if (quality !== undefined) checkNumber(`${at}.quality`, quality);
    if (costUsd !== undefined) checkNumber(`${at}.costUsd`, costUsd);
    if (latencyMs !== undefined) checkNumber(`${at}.latencyMs`, latencyMs);
    const number = models.number(`${at}.model`, model);
    const tokens = checkUsage(`${at}.usage`, usage);
    parts.push({
      model: number,
      quality,
      costUsd,
      latencyMs,
      error: failed(`${at}.error`, error),
      usage: tokens,
    });
  }
  return parts;
}

/** Hands an outcome over. Also whether events wait. */
export function tellOutcome(
  handle: number,
  ref: DecisionRef | undefined,
  { unixMs, steadyMs }: Times,
  { quality, costUsd, latencyMs, extras }: CheckedOutcome,
): { result: OutcomeResult; events: boolean } {
  if (!ref) return { result: { applied: false, reason: 'foreign' }, events: false };
  const { number, incarnation } = ref;
  const more = incarnation === undefined ? extras : { ...extras, incarnation };
  const answer = call(() =>
    native.routerFeedback(handle, number, unixMs, steadyMs, quality, costUsd, latencyMs, more),
  );
  const reason = reasons[answer % EVENTS];
  return { result: reason ? { applied: false, reason } : { applied: true }, events: answer >= EVENTS };
}
