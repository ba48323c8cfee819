import { invalidArgument } from '../base/errors.ts';
import type { DecisionId, StoredId } from '../base/ids.ts';
import { checkName, checkOptions, millisecondsOf } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import type { ForgetResult } from '../engine/history.ts';
import { decisionRef } from './outcome.ts';
import type { Times } from './times.ts';

/** Which outcomes a router forgets: those that every given part holds for. */
export interface RouterForgetCriterion {
  /** Those of one source, as `feedback` was told. */
  source?: string | undefined;
  /** That of one decision. */
  decisionId?: DecisionId | StoredId | undefined;
  /** Those told before, as a date or in milliseconds since 1970. */
  before?: Date | number | undefined;
}

export function forgetOutcomes(
  handle: number,
  { unixMs, steadyMs }: Times,
  criterion: RouterForgetCriterion,
  prefix: string,
): ForgetResult {
  checkOptions('criterion', criterion, ['source', 'decisionId', 'before']);
  const { source, decisionId, before } = criterion;
  if (source === undefined && decisionId === undefined && before === undefined) {
    throw invalidArgument('criterion', 'at least one of source, decisionId, before', criterion);
  }
  if (source !== undefined) checkName('source', source);
  const ref = decisionId === undefined ? undefined : decisionRef('decisionId', decisionId, prefix);
  const beforeMs = before === undefined ? undefined : millisecondsOf('before', before);
  // that of something else is no decision of ours
  if (decisionId !== undefined && !ref) return { forgotten: 0, outOfReach: 0 };
  return JSON.parse(
    call(() =>
      native.routerForget(handle, unixMs, steadyMs, source, ref?.incarnation, ref?.number, beforeMs),
    ),
  ) as ForgetResult;
}
