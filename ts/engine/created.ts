import { fromNative, invalidArgument } from '../base/errors.ts';
import { Events } from '../base/events.ts';
import { bytesOf, checkName, checkOptions } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import { checkQueryOptions, type QueryOptions } from '../embed/query.ts';
import { encodeConfig, type Surroundings } from './config.ts';
import { eventNames, type SonaEvents } from './events.ts';

/** What a snapshot does not hold. An embedder that ships need not be given again. */
export interface EngineRestoreOptions extends QueryOptions {
  /**
   * The engine goes on as the one that was saved, which issued no id after that: its ids stay this engine's own. Default
   * false: ids that were issued after the state was saved are another's, and never taken for those that this engine issues.
   */
  continues?: boolean | undefined;
  /** Says what time it is, as `SonaConfig.now`. Default: the system's clock. */
  now?: (() => number) | undefined;
}

const noSurroundings: Surroundings = { now: undefined, queries: {} };

/** A native engine that exists already, on its way to the object that stands for it. */
export class Created {
  constructor(
    readonly handle: number,
    readonly surroundings: Surroundings,
    readonly events = new Events<SonaEvents>(eventNames),
  ) {}
}

/**
 * An engine of its settings.
 *
 * @param older whether names of older packages are taken
 */
export function created(config: unknown, older = false): Created {
  const { encoded, ...surroundings } = encodeConfig(config, older);
  return new Created(
    call(() => native.engineCreate(encoded)),
    surroundings,
  );
}

/** The engine of a name, for all threads. */
export function createdShared(name: string, config: unknown, older = false): Created {
  checkName('name', name);
  const { encoded, ...surroundings } =
    config === undefined ? { ...noSurroundings, encoded: undefined } : encodeConfig(config, older);
  return new Created(
    call(() => native.engineShared(name, encoded)),
    surroundings,
  );
}

/** The engine of a snapshot. */
export function restored(bytes: Uint8Array, options: EngineRestoreOptions): Created {
  const own = bytesOf('bytes', bytes);
  const { continues, surroundings } = checkRestore(options);
  return new Created(
    call(() => native.engineRestore(own, continues)),
    surroundings,
  );
}

/** The engine of a file. */
export async function loaded(path: string, options: EngineRestoreOptions): Promise<Created> {
  checkName('path', path);
  const { continues, surroundings } = checkRestore(options);
  try {
    return new Created(await native.engineLoad(path, continues), surroundings);
  } catch (error) {
    throw fromNative(error);
  }
}

function checkRestore(options: EngineRestoreOptions): { continues: boolean; surroundings: Surroundings } {
  checkOptions('options', options, [
    'now',
    'embedder',
    'promptOf',
    'onEmbedderError',
    'embedderTimeoutMs',
    'continues',
  ]);
  const { now, continues = false, ...queries } = options;
  if (now !== undefined && typeof now !== 'function') throw invalidArgument('now', 'a function', now);
  if (typeof continues !== 'boolean') throw invalidArgument('continues', 'true or false', continues);
  return {
    continues,
    surroundings: { now, queries: checkQueryOptions(queries as Required<QueryOptions>, invalidArgument) },
  };
}
