import { invalidArgument, outOfRange } from '../base/errors.ts';
import { parseId, type StoredId, type TrajectoryId } from '../base/ids.ts';
import { checkNumber, checkOptions, checkUnitInterval } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import type { Issued } from './issued.ts';

/** What a trajectory is taken for. Not given, it is judged by its quality against what was expected. */
export type Verdict = 'success' | 'failure' | 'unknown';

/** Verdicts in the order of the addon's codes, from 1. */
const verdicts: readonly Verdict[] = ['success', 'failure', 'unknown'];

/** The addon's code of a verdict that was given. */
export function verdictCode(argument: string, verdict: unknown): number | undefined {
  if (verdict === undefined) return undefined;
  const at = verdicts.indexOf(verdict as Verdict);
  if (at < 0) throw invalidArgument(argument, verdicts.map((known) => `'${known}'`).join(' or '), verdict);
  return at + 1;
}

/** What is known now about a trajectory that has ended. A part that is missing stays as it was. */
export interface SignalParts {
  /** The trajectory whose outcome is corrected; default the last one that this thread ended. */
  trajectoryId?: TrajectoryId | StoredId | undefined;
  /** How well it went, 0 to 1. */
  quality?: number | undefined;
  /** What it is taken for: shows in the success rates of patterns. */
  verdict?: Verdict | undefined;
  /** Time that the answer took, in milliseconds, from 0: shows in the patterns. */
  latencyMs?: number | undefined;
}

/** Refuses what is no signal, naming the part. */
export function checkParts(parts: unknown): asserts parts is SignalParts {
  checkOptions('signal', parts, ['trajectoryId', 'quality', 'verdict', 'latencyMs']);
  const { trajectoryId, quality, verdict, latencyMs } = parts as SignalParts;
  if (trajectoryId !== undefined) parseId('trajectoryId', trajectoryId);
  if (quality !== undefined) checkUnitInterval('quality', quality);
  verdictCode('verdict', verdict);
  if (latencyMs !== undefined) checkLatency('latencyMs', latencyMs);
}

/** What a correction did. */
export interface FeedbackResult {
  /** Whether anything changed. */
  applied: boolean;
  /** Euclidean length of the change of what serves at once: the per-request adapter's weights and the route's prototype. */
  deltaNorm: number;
  /**
   * Why nothing changed: the outcome was known already, nothing has ended yet, learning is off, or the id is another's,
   * `foreign`: of another engine or a router, or of a process that issued it after the state was saved that this one began
   * with.
   */
  reason?: 'unchanged' | 'no-trajectory' | 'disabled' | 'foreign' | undefined;
}

/** A number of milliseconds or microseconds. */
export function checkLatency(argument: string, value: unknown): asserts value is number {
  checkNumber(argument, value);
  if (value < 0 || !Number.isFinite(Math.fround(value))) throw outOfRange(argument, 'a number from 0', value);
}

/** Corrects the outcome of a trajectory; `last` is the number of the one that this thread ended last. */
export function amend(
  handle: number,
  issued: Issued,
  parts: SignalParts,
  last: number | undefined,
): FeedbackResult {
  checkParts(parts);
  const { trajectoryId, quality, verdict, latencyMs } = parts;
  if (trajectoryId === undefined && last === undefined) {
    return { applied: false, deltaNorm: 0, reason: 'no-trajectory' };
  }
  const id = trajectoryId === undefined ? last : issued.known(handle, 'trajectoryId', trajectoryId);
  if (id === undefined) return { applied: false, deltaNorm: 0, reason: 'foreign' };
  const disabled = !call(() => native.isEnabled(handle));
  const json = call(() =>
    native.learnFromFeedback(handle, id, quality, verdictCode('verdict', verdict), latencyMs),
  );
  const result = JSON.parse(json) as FeedbackResult;
  if (result.applied) return result;
  return { ...result, reason: disabled ? 'disabled' : 'unchanged' };
}
