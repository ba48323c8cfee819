import { invalidArgument } from '../errors.ts';
import type { ForgetResult } from '../history.ts';
import { call, native } from '../native.ts';
import { checkInteger, checkName, checkOptions } from '../vectors.ts';
import { checkDecisionId } from './outcome.ts';

/** Which outcomes a router forgets: those that every given part holds for. */
export interface RouterForgetCriterion {
  /** Those of one source, as `feedback` was told. */
  source?: string;
  /** That of one decision. */
  decisionId?: number;
  /** Those told before, as a date or in milliseconds since 1970. */
  before?: Date | number;
}

export function forgetOutcomes(handle: number, now: number, criterion: RouterForgetCriterion): ForgetResult {
  checkOptions('criterion', criterion, ['source', 'decisionId', 'before']);
  const { source, decisionId, before } = criterion;
  if (source === undefined && decisionId === undefined && before === undefined) {
    throw invalidArgument('criterion', 'at least one of source, decisionId, before', criterion);
  }
  if (source !== undefined) checkName('source', source);
  if (decisionId !== undefined) checkDecisionId('decisionId', decisionId);
  const beforeMs: unknown = before instanceof Date ? before.getTime() : before;
  if (before instanceof Date && Number.isNaN(beforeMs))
    throw invalidArgument('before', 'a valid date', before);
  if (beforeMs !== undefined) checkInteger('before', beforeMs, 0, Number.MAX_SAFE_INTEGER);
  return JSON.parse(
    call(() => native.routerForget(handle, now, source, decisionId, beforeMs)),
  ) as ForgetResult;
}
