import { invalidArgument, outOfRange } from '../base/errors.ts';
import type { StoredId, TrajectoryId } from '../base/ids.ts';
import { checkNumber, checkOptions, checkUnitInterval } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import { checkTrajectoryId, type Issued } from './issued.ts';

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

/** Parts of a {@link LearningSignal}. */
export interface SignalParts {
  /**
   * The trajectory whose outcome is corrected, by its id or by the number that `startTrajectory` gave; default the last one
   * that this thread ended.
   */
  trajectoryId?: TrajectoryId | StoredId | number | undefined;
  /** How well it went, 0 to 1. */
  quality?: number | undefined;
  /** What it is taken for: shows in the success rates of patterns. */
  verdict?: Verdict | undefined;
  /** Time that the answer took, in milliseconds, from 0: shows in the patterns. */
  latencyMs?: number | undefined;
}

/** What is known now about a trajectory that has ended. A part that is missing stays as it was. */
export class LearningSignal implements SignalParts {
  /** The trajectory whose outcome is corrected; undefined: the last one that this thread ended. */
  readonly trajectoryId: TrajectoryId | StoredId | number | undefined;
  /** How well it went, 0 to 1. */
  readonly quality: number | undefined;
  /** What it is taken for. */
  readonly verdict: Verdict | undefined;
  /** Time that the answer took, in milliseconds. */
  readonly latencyMs: number | undefined;

  /** Throws `SONA_INVALID_ARGUMENT`, `SONA_NOT_FINITE` or `SONA_OUT_OF_RANGE`, naming the part. */
  constructor(parts: SignalParts = {}) {
    checkOptions('signal', parts, ['trajectoryId', 'quality', 'verdict', 'latencyMs']);
    const { trajectoryId, quality, verdict, latencyMs } = parts;
    if (trajectoryId !== undefined) checkTrajectoryId('trajectoryId', trajectoryId, 1);
    if (quality !== undefined) checkUnitInterval('quality', quality);
    verdictCode('verdict', verdict);
    if (latencyMs !== undefined) checkLatency('latencyMs', latencyMs);
    this.trajectoryId = trajectoryId;
    this.quality = quality;
    this.verdict = verdict;
    this.latencyMs = latencyMs;
  }

  /**
   * From what a user or a judge said.
   *
   * @param success whether it went well: the verdict
   * @param latencyMs time that the answer took, in milliseconds
   * @param quality how well it went, 0 to 1
   */
  static fromFeedback(success: boolean, latencyMs: number, quality: number): LearningSignal {
    if (typeof success !== 'boolean') throw invalidArgument('success', 'true or false', success);
    return new LearningSignal({ verdict: success ? 'success' : 'failure', latencyMs, quality });
  }

  /** It went well: `fromFeedback(true, ...)`. */
  static positive(latencyMs: number, quality: number): LearningSignal {
    return LearningSignal.fromFeedback(true, latencyMs, quality);
  }

  /** It did not: `fromFeedback(false, ...)`. */
  static negative(latencyMs: number, quality: number): LearningSignal {
    return LearningSignal.fromFeedback(false, latencyMs, quality);
  }

  /** For a certain trajectory, by its id or the builder that it was told with. */
  static fromTrajectory(
    trajectory: { readonly id: TrajectoryId | StoredId | number } | TrajectoryId | StoredId | number,
    quality: number,
  ): LearningSignal {
    const id: unknown = typeof trajectory === 'object' && trajectory !== null ? trajectory.id : trajectory;
    checkTrajectoryId('trajectoryId', id, 1);
    return new LearningSignal({ trajectoryId: id, quality });
  }
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

/** Corrects the outcome of a trajectory; `last` is the one that this thread ended last. */
export function amend(
  handle: number,
  issued: Issued,
  signal: LearningSignal,
  last: number | undefined,
): FeedbackResult {
  const told = signal.trajectoryId ?? last;
  if (told === undefined) return { applied: false, deltaNorm: 0, reason: 'no-trajectory' };
  const id = issued.known(handle, 'trajectoryId', told);
  if (id === undefined) return { applied: false, deltaNorm: 0, reason: 'foreign' };
  const { quality, verdict, latencyMs } = signal;
  const disabled = !call(() => native.isEnabled(handle));
  const json = call(() =>
    native.learnFromFeedback(handle, id, quality, verdictCode('verdict', verdict), latencyMs),
  );
  const result = JSON.parse(json) as FeedbackResult;
  if (result.applied) return result;
  return { ...result, reason: disabled ? 'disabled' : 'unchanged' };
}

/** The signal in the arguments of `learnFromFeedback`, in either form. */
export function toSignal(args: readonly unknown[]): LearningSignal {
  const [first] = args;
  if (typeof first === 'object' && first !== null) return new LearningSignal(first as SignalParts);
  if (typeof first === 'boolean') {
    return LearningSignal.fromFeedback(first, args[1] as number, args[2] as number);
  }
  throw invalidArgument('signal', 'a LearningSignal, or success, latencyMs, quality', first);
}
