import { fromNative, invalidConfig } from '../base/errors.ts';
import { checkInteger, checkName, checkOptions } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import { checkSettings } from '../engine/config.ts';
import { encodeRouterConfig, type RouterConfig, type Surroundings } from './config.ts';

/**
 * When what happens gets to the disk: `'immediate'` as soon as the disk is free, `'batched'` within 50 ms or 256 changes, `'none'` at
 * flushes, at checkpoints and at the end, otherwise within 5 s. No call waits for it.
 */
export type Durability = 'immediate' | 'batched' | 'none';

/** Settings of a router in a directory. */
export interface RouterOpenConfig<Id extends string = string> extends RouterConfig<Id> {
  /** When what happens gets to the disk. Default `'batched'`. */
  durability?: Durability | undefined;
}

/** What opening a directory found. */
export interface RouterOpenReport {
  /** The directory held no router: this one has learned nothing. */
  created: boolean;
  /**
   * It goes on as the one that was closed: ids go on. False where the process before ended otherwise: what that had decided and the disk
   * had not seen is `foreign`.
   */
  continues: boolean;
  /** Decisions that came back with the last checkpoint, for their outcomes. */
  restored: number;
  /** Changes that were made again after it. */
  replayed: number;
  /** What could not be read, or belonged to what could not. */
  skipped: number;
  /** How long it took, milliseconds. */
  ms: number;
  /** Where damaged files are now, as paths; they are read no more, and never deleted. */
  setAside: string[];
  /** What was wrong, in words. */
  notes: string[];
}

/** How the directory of a router is doing. */
export interface RouterDurability {
  /** Its path. */
  path: string;
  /** When what happens gets to the disk. */
  mode: Durability;
  /**
   * `'retrying'`: the disk refuses, changes wait in memory. `'behind'`: more than may wait; a checkpoint is made of itself when the disk is
   * back. Learning goes on in either.
   */
  state: 'healthy' | 'retrying' | 'behind' | 'closed';
  /** Changes so far, with notes of the journal's own. */
  appended: number;
  /** Everything up to this one survives a crash. */
  durableSeq: number;
  /** Why the last attempt to write failed; null since the last one that succeeded. */
  lastError: { code: string; message: string } | null;
  /** Changes that wait for the disk. */
  queued: number;
  /** Bytes of memory that they take. */
  queuedBytes: number;
  /** Length of the journal's file in bytes, at the last commit. */
  bytes: number;
}

/** How long `flushDurable` waits. */
export interface FlushOptions {
  /** Milliseconds, whole, 0 to 86,400,000. Default 30,000. */
  timeoutMs?: number | undefined;
}

const durabilities: readonly unknown[] = ['immediate', 'batched', 'none'];

/** Opens a directory: the handle of its router. */
export async function openRouter(
  path: string,
  config: unknown,
): Promise<{ handle: number; surroundings: Surroundings }> {
  checkName('path', path);
  checkSettings(config);
  const { durability = 'batched', ...rest } = config as RouterOpenConfig;
  if (!durabilities.includes(durability)) {
    throw invalidConfig('durability', "'immediate', 'batched' or 'none'", durability);
  }
  // the router of a directory has a name, which goes on unless another is given
  const rename = rest.origin;
  const { settings, models, origin, shipped, basis, ...surroundings } = encodeRouterConfig(rest);
  const making = { config: settings, models, origin, shipped, basis };
  try {
    return { handle: await native.routerOpen(path, making, durability, rename, Date.now()), surroundings };
  } catch (error) {
    throw fromNative(error);
  }
}

/** What opening the directory of a router found. */
export function openReport(handle: number): RouterOpenReport | null {
  const report = call(() => native.routerOpened(handle)) ?? null;
  return report === null ? null : (JSON.parse(report) as RouterOpenReport);
}

/** Waits for the disk. */
export async function flush(handle: number, options: FlushOptions): Promise<number> {
  checkOptions('options', options, ['timeoutMs']);
  const { timeoutMs = 30_000 } = options;
  checkInteger('timeoutMs', timeoutMs, 0, 86_400_000);
  return settled(() => native.routerFlushDurable(handle, timeoutMs));
}

/** Writes a checkpoint. */
export function checkpoint(handle: number): Promise<void> {
  return settled(() => native.routerCheckpoint(handle));
}

/** Lets go of a directory. */
export function end(handle: number): Promise<void> {
  return settled(() => native.routerEnd(handle));
}

async function settled<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromNative(error);
  }
}
