import { fromNative, invalidArgument, SonaError } from '../base/errors.ts';
import type { TrajectoryId } from '../base/ids.ts';
import { checkName, checkOptions, checkUnitInterval } from '../base/vectors.ts';
import { native } from '../binding/native.ts';
import { checkLatency, type Verdict, verdictCode } from './feedback.ts';
import type { Issued } from './issued.ts';
import type { Routes } from './routes.ts';

/** What came of a suggestion. */
export interface SuggestionOutcome {
  /** How well it went, 0 to 1: whether the route was the right one. Without it nothing is learned. */
  quality?: number | undefined;
  /** The route that was taken. Default: the best one of the suggestion. */
  route?: string | undefined;
  /** Adds a route of that name where there is none. Default false: `SONA_UNKNOWN_ROUTE`. */
  create?: boolean | undefined;
  /** What it is taken for; by default it is judged by its quality against what was expected. */
  verdict?: Verdict | undefined;
  /** How long the answer took, in milliseconds, from 0: shows in the patterns. */
  latencyMs?: number | undefined;
  /** Where the outcome comes from, for `forget`. */
  source?: string | undefined;
  /** Replaces an outcome that came before; the route and the source stay. Default false. */
  amend?: boolean | undefined;
}

/** Whether the outcome of a suggestion was taken in. */
export interface SuggestionResult {
  /** Whether it was. */
  applied: boolean;
  /** The trajectory that holds the outcome, where it was taken in: for `forget` and `learnFromFeedback`. */
  trajectoryId?: TrajectoryId | undefined;
  /**
   * Why not. `expired`: the suggestion is not one of the newest `suggestionCapacity`, or its outcome not one of the newest
   * `trajectoryCapacity`. `unknown`: no suggestion has had this number. `repeated`: it has an outcome already; amend it.
   * `unchanged`: the amendment says what was known. `empty`: there is no quality. `no-route`: no route was named, and the
   * suggestion had none, or it has been removed. `no-query`: the suggestion is a fallback, made without the text. `disabled`: learning is off. `foreign`: another engine made the suggestion, or
   * this one after the state was saved that it was restored from.
   */
  reason?:
    | 'expired'
    | 'unknown'
    | 'repeated'
    | 'empty'
    | 'disabled'
    | 'no-route'
    | 'unchanged'
    | 'no-query'
    | 'foreign'
    | undefined;
}

/** By the addon's answer, 0 for applied. */
const reasons = [
  undefined,
  'expired',
  'unknown',
  'repeated',
  'empty',
  'disabled',
  'no-route',
  'unchanged',
  'no-query',
] as const;

const names = ['quality', 'route', 'create', 'verdict', 'latencyMs', 'source', 'amend'];

/** Hands an outcome over. Also the number of the trajectory that holds it, and how many older records had to go. */
export function tellSuggestionOutcome(
  handle: number,
  issued: Issued,
  routes: Routes,
  id: string,
  outcome: SuggestionOutcome,
): { result: SuggestionResult; key: number | undefined; dropped: number } {
  checkOptions('outcome', outcome, names);
  const { quality, route, create, verdict, latencyMs, source, amend } = outcome;
  if (quality !== undefined) checkUnitInterval('outcome.quality', quality);
  if (route !== undefined) checkName('outcome.route', route);
  checkFlag('outcome.create', create);
  if (latencyMs !== undefined) checkLatency('outcome.latencyMs', latencyMs);
  if (source !== undefined) checkName('outcome.source', source);
  checkFlag('outcome.amend', amend);
  const code = verdictCode('outcome.verdict', verdict);
  const number = issued.suggested(handle, 'id', id);
  if (number === undefined) {
    return { result: { applied: false, reason: 'foreign' }, key: undefined, dropped: 0 };
  }
  const parts = { quality, route, create, verdict: code, latencyMs, source, amend };
  let answer: number[];
  try {
    answer = native.suggestionFeedback(handle, number, parts);
  } catch (error) {
    throw named(fromNative(error));
  }
  const [told = 0, key = 0, dropped = 0] = answer;
  const reason = reasons[told];
  if (reason) return { result: { applied: false, reason }, key: undefined, dropped: 0 };
  if (create && route !== undefined) routes.lookUp(handle, route);
  return { result: { applied: true, trajectoryId: issued.trajectory(key) }, key, dropped };
}

/** The core knows the route without the outcome that it is a part of. */
function named(error: SonaError): SonaError {
  const { code, message, details } = error;
  if (details.argument !== 'route') return error;
  const argument = 'outcome.route';
  return new SonaError(code, message.replace(/^route:/, `${argument}:`), { ...details, argument });
}

function checkFlag(argument: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw invalidArgument(argument, 'true or false', value);
  }
}
