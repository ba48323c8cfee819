import { invalidArgument } from '../base/errors.ts';
import { parseId, type StoredId, type TrajectoryId } from '../base/ids.ts';
import { checkInteger } from '../base/vectors.ts';
import { checkParts, type SignalParts as PartsOfToday, type Verdict } from '../engine/feedback.ts';

/** What names a trajectory that has ended: its id, or its number, which is good for engines of one state. */
export type TrajectoryName = TrajectoryId | StoredId | number;

/** Parts of a {@link LearningSignal}. */
export interface SignalParts extends Omit<PartsOfToday, 'trajectoryId'> {
  /** The trajectory whose outcome is corrected, by its id or its number; default the last one that this thread ended. */
  trajectoryId?: TrajectoryName | undefined;
}

/** What is known now about a trajectory that has ended. A part that is missing stays as it was. */
export class LearningSignal implements SignalParts {
  /** The trajectory whose outcome is corrected; undefined: the last one that this thread ended. */
  readonly trajectoryId: TrajectoryName | undefined;
  /** How well it went, 0 to 1. */
  readonly quality: number | undefined;
  /** What it is taken for. */
  readonly verdict: Verdict | undefined;
  /** Time that the answer took, in milliseconds. */
  readonly latencyMs: number | undefined;

  /** Throws `SONA_INVALID_ARGUMENT`, `SONA_NOT_FINITE` or `SONA_OUT_OF_RANGE`, naming the part. */
  constructor(parts: SignalParts = {}) {
    checkSignalParts(parts);
    const { trajectoryId, quality, verdict, latencyMs } = parts;
    this.trajectoryId = trajectoryId;
    this.quality = quality;
    this.verdict = verdict;
    this.latencyMs = latencyMs;
  }

  /**
   * From what a user or a judge said.
   *
   * @param success whether it went well: the verdict
   * @param latencyMs time that the answer took, in milliseconds, from 0
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

  /** For a certain trajectory, by its id, its number or its builder; `quality` from 0 to 1. */
  static fromTrajectory(
    trajectory: { readonly id: TrajectoryName } | TrajectoryName,
    quality: number,
  ): LearningSignal {
    const id: unknown = typeof trajectory === 'object' && trajectory !== null ? trajectory.id : trajectory;
    checkTrajectoryName('trajectoryId', id);
    return new LearningSignal({ trajectoryId: id, quality });
  }
}

/** Refuses what is no signal, naming the part. */
export function checkSignalParts(parts: unknown): asserts parts is SignalParts {
  if (typeof parts !== 'object' || parts === null || Array.isArray(parts)) return checkParts(parts);
  const { trajectoryId, ...rest } = parts as SignalParts;
  checkParts(rest);
  if (trajectoryId !== undefined) checkTrajectoryName('trajectoryId', trajectoryId);
}

/** Refuses what is neither a string of an id's form nor a whole number from 1. */
export function checkTrajectoryName(argument: string, id: unknown): asserts id is TrajectoryName {
  if (typeof id === 'number') checkInteger(argument, id, 1, Number.MAX_SAFE_INTEGER);
  else parseId(argument, id);
}

/** The signal in the arguments of `learnFromFeedback`, in either form. */
export function toSignal(args: readonly unknown[]): SignalParts {
  const [first, latencyMs, quality] = args;
  if (typeof first === 'boolean') {
    return LearningSignal.fromFeedback(first, latencyMs as number, quality as number);
  }
  if (typeof first !== 'object' || first === null) {
    throw invalidArgument('signal', 'a LearningSignal, or success, latencyMs, quality', first);
  }
  checkSignalParts(first);
  return first;
}
