import { invalidArgument } from '../errors.ts';
import { call, native, type OutcomeExtras } from '../native.ts';
import { checkName, checkNumber, checkOptions } from '../vectors.ts';
import type { Models } from './models.ts';

/**
 * What came of a decision. Quality teaches quality; cost and latency teach their own; an error alone counts against
 * availability; what is missing teaches nothing. It may be told in parts.
 */
export interface Outcome {
  /** How good the answer was, 0 to 1. */
  quality?: number;
  /** What it cost, in US dollars. */
  costUsd?: number;
  /** How long it took, in milliseconds. */
  latencyMs?: number;
  /** Whether the call failed; a message means that it did. */
  error?: boolean | string;
  /** Who says so, for `forget`. */
  source?: string;
  /** The model that answered, where it is not the one that was decided for. */
  model?: string;
  /** Replaces what was told before. Default false. */
  amend?: boolean;
}

/** Whether an outcome was taken in. */
export interface OutcomeResult {
  /** Whether it was. */
  applied: boolean;
  /**
   * Why not: the decision is too old or one of too many, no decision has had that number, it had been told (to change it,
   * amend), the decision was only observed and nobody said who answered, or there was nothing in it.
   */
  reason?: 'expired' | 'unknown' | 'repeated' | 'observed' | 'empty';
}

/** By the addon's answer, 0 for applied. */
const reasons = [undefined, 'expired', 'unknown', 'repeated', 'observed', 'empty'] as const;

/** Added to the answer when events wait. */
const EVENTS = 8;

const names = ['quality', 'costUsd', 'latencyMs', 'error', 'source', 'model', 'amend'];

/** An id as `route` gives them. */
export function checkDecisionId(argument: string, id: unknown): asserts id is number {
  if (!Number.isSafeInteger(id) || (id as number) < 1) {
    throw invalidArgument(argument, 'the id of a decision', id);
  }
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
  const { quality, costUsd, latencyMs, error, source, model, amend } = outcome;
  if (quality !== undefined) checkNumber('outcome.quality', quality);
  if (costUsd !== undefined) checkNumber('outcome.costUsd', costUsd);
  if (latencyMs !== undefined) checkNumber('outcome.latencyMs', latencyMs);
  const usual = error === undefined && source === undefined && model === undefined && amend === undefined;
  if (usual) return { quality, costUsd, latencyMs, extras: undefined };
  if (error !== undefined && typeof error !== 'boolean' && typeof error !== 'string') {
    throw invalidArgument('outcome.error', 'true, false or a message', error);
  }
  if (source !== undefined) checkName('outcome.source', source);
  if (amend !== undefined && typeof amend !== 'boolean') {
    throw invalidArgument('outcome.amend', 'true or false', amend);
  }
  const extras: OutcomeExtras = {
    error: typeof error === 'string' ? true : error,
    source,
    model: model === undefined ? undefined : models.number('outcome.model', model),
    amend,
  };
  return { quality, costUsd, latencyMs, extras };
}

/** Hands an outcome over. Also whether events wait. */
export function tellOutcome(
  handle: number,
  id: number,
  now: number,
  { quality, costUsd, latencyMs, extras }: CheckedOutcome,
): { result: OutcomeResult; events: boolean } {
  const answer = call(() => native.routerFeedback(handle, id, now, quality, costUsd, latencyMs, extras));
  const reason = reasons[answer % EVENTS];
  return { result: reason ? { applied: false, reason } : { applied: true }, events: answer >= EVENTS };
}
