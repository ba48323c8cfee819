import { invalidArgument } from '../base/errors.ts';
import { parseId, type StoredId, type TrajectoryId } from '../base/ids.ts';
import { checkInteger, checkName, checkOptions, millisecondsOf } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import type { Issued } from './issued.ts';
import { checkedName } from './items.ts';

/** One set of promoted weights. */
export interface Version {
  /** Number, from 0 for the untrained adapter. */
  version: number;
  /** When it was promoted, milliseconds since 1970; 0 for the untrained one. */
  promotedAt: number;
  /** Trajectories that background learning had taken in by then. */
  trajectories: number;
  /** What its cycle gained on held-back events, in nats per event; null when fewer than 100 were held. */
  heldOutGain: number | null;
  /** Whether it is the one that serves. */
  current: boolean;
}

/** Which trajectories to forget: those that every given part holds for; or, by `subject`, which items. */
export interface ForgetCriterion {
  /** Those of one source, as `endTrajectory` was told. */
  source?: string | undefined;
  /** The one with this id. Another engine's was never here: nothing is forgotten. */
  trajectoryId?: TrajectoryId | StoredId | undefined;
  /** Those that ended before, as a date or in milliseconds since 1970. */
  before?: Date | number | undefined;
  /** All items about this one, as `remember` was told. Trajectories have no subject, so it stands alone. */
  subject?: string | undefined;
}

/** What forgetting did. */
export interface ForgetResult {
  /** Trajectories that were taken out of everything. */
  forgotten: number;
  /** Those whose records were gone already, so that their part in prototypes and patterns stays. Never too low. */
  outOfReach: number;
  /** Items that are gone, where a subject was given. */
  items?: number | undefined;
}

export function versions(handle: number): Version[] {
  return JSON.parse(call(() => native.versions(handle))) as Version[];
}

export function rollback(handle: number, version: number): void {
  checkInteger('version', version, 0, Number.MAX_SAFE_INTEGER);
  call(() => native.rollback(handle, version));
}

export function forget(handle: number, issued: Issued, criterion: ForgetCriterion): ForgetResult {
  checkOptions('criterion', criterion, ['source', 'trajectoryId', 'before', 'subject']);
  const { source, trajectoryId, before, subject } = criterion;
  if (subject !== undefined) {
    const name = checkedName('subject', subject);
    if (source !== undefined || trajectoryId !== undefined || before !== undefined) {
      throw invalidArgument('subject', 'nothing beside it', subject);
    }
    return { forgotten: 0, outOfReach: 0, items: call(() => native.subjectForget(handle, name)) };
  }
  if (source !== undefined) checkName('source', source);
  if (trajectoryId !== undefined) parseId('trajectoryId', trajectoryId);
  const beforeMs = before === undefined ? undefined : millisecondsOf('before', before);
  const id = trajectoryId === undefined ? undefined : issued.known(handle, 'trajectoryId', trajectoryId);
  if (trajectoryId !== undefined && id === undefined) return { forgotten: 0, outOfReach: 0 };
  return JSON.parse(call(() => native.forget(handle, source, id, beforeMs))) as ForgetResult;
}
