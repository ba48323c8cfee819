import { describe, invalidArgument, invalidConfig, SonaError } from '../base/errors.ts';
import { checkQueryOptions, type QueryOptions } from '../embed/query.ts';

/** Which parts of an engine learn. */
export interface SonaTiers {
  /** The per-request adapter. Default true. */
  micro?: boolean | undefined;
  /** The background adapter. Default true. */
  base?: boolean | undefined;
  /** What each route adds to its score by the query itself, trained with the background adapter. Default true. */
  offsets?: boolean | undefined;
  /** Route prototypes; off, a route stays at its prior embedding. Default true. */
  prototypes?: boolean | undefined;
}

/** Settings of an engine. Ranges and defaults are those of the table in `docs/settings.md`; a key that is not here is refused. */
export interface SonaConfig extends QueryOptions {
  /** Length of every query, activation and route embedding, 1 to 65,536. Default 256. */
  hiddenDim?: number | undefined;
  /** Rank of the per-request adapter, 1 to 4. Default 2. */
  microLoraRank?: number | undefined;
  /** Rank of the background adapter, 1 to 64. Default 16. */
  baseLoraRank?: number | undefined;
  /** Layers of the background adapter, 1 to 128. Default 1; layers above the first train on steps that name them. */
  baseLoraLayers?: number | undefined;
  /** Numerator of both adapters' scale, `loraAlpha / rank`. Default 8. */
  loraAlpha?: number | undefined;
  /** Step size of the per-request adapter. Default .01. */
  microLoraLr?: number | undefined;
  /** Step size of the background adapter. Default .002. */
  baseLoraLr?: number | undefined;
  /** How strongly the background adapter is held where it was when topics shift; 0: not at all. Default 1,000. */
  ewcLambda?: number | undefined;
  /** Memory of the importance of each weight, per optimiser step. Default .99. */
  ewcGamma?: number | undefined;
  /** Examples per optimiser step from which the importance of weights is estimated. Default 64, a whole batch. */
  ewcFisherSamples?: number | undefined;
  /** Events after which the weights are anchored again. Default 500. */
  consolidationInterval?: number | undefined;
  /** Most patterns of past trajectories. Default 50. */
  patternClusters?: number | undefined;
  /** Least mean quality of a pattern that `findPatterns` recommends. Default .3. */
  qualityThreshold?: number | undefined;
  /** Examples kept for replay. Default 10,000. */
  replayCapacity?: number | undefined;
  /** Ended trajectories that wait for background learning; when full the oldest is dropped and counted. Default 10,000. */
  trajectoryCapacity?: number | undefined;
  /** Suggestions that `feedback` can name, waiting or answered: the newest. Default 10,000. */
  suggestionCapacity?: number | undefined;
  /** Most items that `remember` keeps; those that are worth least make room. 0: none can be remembered. Default 100,000. */
  memoryCapacity?: number | undefined;
  /** Megabytes that these may take with their metadata, about; 0: no limit. Default 0. */
  memoryBudgetMb?: number | undefined;
  /** Most steps in one trajectory. Default 64. */
  maxTrajectorySteps?: number | undefined;
  /** `suggestRoutes` abstains when its confidence is below this. Default 0, never. */
  abstainBelow?: number | undefined;
  /** `suggestRoutes` abstains when `inScope` is below this. About this share of queries that do belong to a route is turned away as well. Not while `inScope` is null; p takes 1 / p queries that went well. Default 0, never. */
  abstainOutside?: number | undefined;
  /** What learns. Default everything. */
  tiers?: SonaTiers | undefined;
  /**
   * Whether suggestions also ask what happened to the nearest past queries, and reason about it. Without it `inScope` is null. It
   * does not concern `remember`. Default true.
   */
  memory?: boolean | undefined;
  /** Hold back every 10th event and refuse a trained adapter that does worse on them. Default true. */
  promotionGate?: boolean | undefined;
  /** `'auto'`: a native thread trains when work is due. `'manual'`: only explicit calls train, repeatably. Default `'auto'`. */
  background?: 'auto' | 'manual' | undefined;
  /** Ended trajectories after which training is due. Default 100. */
  backgroundEvery?: number | undefined;
  /** Milliseconds after which training is due when anything waits. Default 3,600,000. */
  backgroundIntervalMs?: number | undefined;
  /** Use the widest vector instructions that the processor has. Default true. */
  enableSimd?: boolean | undefined;
  /** Seed of every random choice. Default 42. */
  seed?: number | undefined;
  /**
   * Says what time it is, in whole milliseconds since 1970: for what is shown of patterns and versions, and for
   * `forget`. Asked by the calls that end, learn, find or forget. What is due is measured by a steady clock. Default:
   * the system's clock.
   */
  now?: (() => number) | undefined;
}

/** Every setting, in the order of {@link SonaConfig}. */
export const settingNames = [
  'hiddenDim',
  'microLoraRank',
  'baseLoraRank',
  'baseLoraLayers',
  'loraAlpha',
  'microLoraLr',
  'baseLoraLr',
  'ewcLambda',
  'ewcGamma',
  'ewcFisherSamples',
  'consolidationInterval',
  'patternClusters',
  'qualityThreshold',
  'replayCapacity',
  'trajectoryCapacity',
  'suggestionCapacity',
  'memoryCapacity',
  'memoryBudgetMb',
  'maxTrajectorySteps',
  'abstainBelow',
  'abstainOutside',
  'tiers',
  'memory',
  'promotionGate',
  'background',
  'backgroundEvery',
  'backgroundIntervalMs',
  'enableSimd',
  'seed',
  'now',
  'embedder',
  'promptOf',
  'onEmbedderError',
  'embedderTimeoutMs',
] as const satisfies readonly (keyof SonaConfig)[];

/** Names that the core takes beside these, for the compatibility entry; with the name of today, where there is one. */
const olderNames: ReadonlyMap<string, string | undefined> = new Map([
  ['embeddingDim', 'hiddenDim'],
  ['trajectoryBufferSize', 'trajectoryCapacity'],
  ['bufferCapacity', 'trajectoryCapacity'],
  ['microLr', 'microLoraLr'],
  ['baseLr', 'baseLoraLr'],
  ['patternQualityThreshold', 'qualityThreshold'],
  ['loraDropout', undefined],
  ['ewcOnline', undefined],
]);

/** Refuses a name that only the compatibility entry takes. Names of no meaning are the core's to refuse. */
function checkToday(key: string): void {
  const camel = key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const older = olderNames.has(camel);
  if (!older && (camel === key || !settingNames.some((name) => name === camel))) return;
  const name = older ? olderNames.get(camel) : camel;
  const today = name === undefined ? 'there is no such setting' : `the setting is '${name}'`;
  const message = `${key}: ${today}; older names are for '@sona/sona/compat'`;
  throw new SonaError('SONA_INVALID_CONFIG', message, { argument: key, expected: name ?? null, got: key });
}

/** One row of the table that the native core validates by. */
export interface Setting {
  name: string;
  kind: 'integer' | 'number' | 'boolean' | 'choice';
  min?: number | undefined;
  max?: number | undefined;
  choices?: string[] | undefined;
  /** Null: not set. */
  default: number | boolean | string | null;
  doc: string;
}

/** What JSON can't carry travels as its description, which no setting accepts, so the core's own check names it. */
export function portable(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : describe(value);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  return describe(value);
}

/** Refuses what is no object of settings. */
export function checkSettings(config: unknown): asserts config is object {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw invalidArgument('config', 'an object of settings', config);
  }
}

/** What the native core of an engine does not know of. */
export interface Surroundings {
  readonly now: (() => number) | undefined;
  readonly queries: QueryOptions;
}

const queryKeys = new Set<string>([
  'embedder',
  'promptOf',
  'onEmbedderError',
  'embedderTimeoutMs',
] satisfies (keyof QueryOptions)[]);

/**
 * Settings for the native core, which checks them, and the part that it can't take. Each is read once.
 *
 * @param older whether names of older packages are taken
 */
export function encodeConfig(config: unknown, older = false): Surroundings & { encoded: string } {
  checkSettings(config);
  // without a prototype, so that '__proto__' is a key like any other
  const settings: Record<string, unknown> = Object.create(null);
  const aside: Record<string, unknown> = {};
  let now: (() => number) | undefined;
  for (const [key, value] of Object.entries(config)) {
    if (value === undefined) continue;
    if (!older) checkToday(key);
    if (key === 'now') {
      if (typeof value !== 'function') throw invalidConfig('now', 'a function', value);
      now = value as () => number;
    } else if (queryKeys.has(key)) {
      aside[key] = value;
    } else if (key === 'tiers' && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      settings[key] = Object.fromEntries(
        Object.entries(value)
          .filter(([, on]) => on !== undefined)
          .map(([tier, on]) => [tier, portable(on)]),
      );
    } else {
      settings[key] = portable(value);
    }
  }
  const queries = checkQueryOptions(aside as Record<keyof QueryOptions, unknown>, invalidConfig);
  return { encoded: JSON.stringify(settings), now, queries };
}
