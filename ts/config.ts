import { describe, invalidArgument } from './errors.ts';

/** Which parts of an engine learn. */
export interface SonaTiers {
  /** The per-request adapter. Default true. */
  micro?: boolean;
  /** The background adapter. Default true. */
  base?: boolean;
  /** Route prototypes; off, a route stays at its prior embedding. Default true. */
  prototypes?: boolean;
}

/** Settings of an engine. Ranges and defaults are those of the table in the README; a key that is not here is refused. */
export interface SonaConfig {
  /** Length of every query, activation and route embedding, 1 to 65,536. Default 256. */
  hiddenDim?: number;
  /** Must equal `hiddenDim` where given. */
  embeddingDim?: number;
  /** Rank of the per-request adapter, 1 to 4. Default 2. */
  microLoraRank?: number;
  /** Rank of the background adapter, 1 to 64. Default 16. */
  baseLoraRank?: number;
  /** Numerator of both adapters' scale, `loraAlpha / rank`. Default 8. */
  loraAlpha?: number;
  /** Step size of the per-request adapter. Default .01. */
  microLoraLr?: number;
  /** Step size of the background adapter. Default .002. */
  baseLoraLr?: number;
  /** Examples kept for replay. Default 10,000. */
  replayCapacity?: number;
  /** Ended trajectories that wait for background learning; when full the oldest is dropped and counted. Default 10,000. */
  trajectoryCapacity?: number;
  /** Most steps in one trajectory. Default 64. */
  maxTrajectorySteps?: number;
  /** `suggestRoutes` abstains when its confidence is below this. Default 0, never. */
  abstainBelow?: number;
  /** What learns. Default everything. */
  tiers?: SonaTiers;
  /** Hold back every 10th event and refuse a trained adapter that does worse on them. Default true. */
  promotionGate?: boolean;
  /** `'auto'`: a native thread trains when work is due. `'manual'`: only explicit calls train, repeatably. Default `'auto'`. */
  background?: 'auto' | 'manual';
  /** Ended trajectories after which training is due. Default 100. */
  backgroundEvery?: number;
  /** Milliseconds after which training is due when anything waits. Default 3,600,000. */
  backgroundIntervalMs?: number;
  /** Use the widest vector instructions that the processor has. Default true. */
  enableSimd?: boolean;
  /** Seed of every random choice. Default 42. */
  seed?: number;
}

/** One row of the table that the native core validates by. */
export interface Setting {
  name: string;
  kind: 'integer' | 'number' | 'boolean' | 'choice';
  min?: number;
  max?: number;
  choices?: string[];
  default: number | boolean | string;
  doc: string;
}

/** What JSON can't carry travels as its description, which no setting accepts, so the core's own check names it. */
function portable(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : describe(value);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  return describe(value);
}

/** Writes settings for the native core, which checks them. Each is read once. */
export function encodeConfig(config: unknown): string {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw invalidArgument('config', 'an object of settings', config);
  }
  // without a prototype, so that '__proto__' is a key like any other
  const settings: Record<string, unknown> = Object.create(null);
  for (const [key, value] of Object.entries(config)) {
    if (value === undefined) continue;
    if (key === 'tiers' && typeof value === 'object' && value !== null && !Array.isArray(value)) {
      settings[key] = Object.fromEntries(
        Object.entries(value)
          .filter(([, on]) => on !== undefined)
          .map(([tier, on]) => [tier, portable(on)]),
      );
    } else {
      settings[key] = portable(value);
    }
  }
  return JSON.stringify(settings);
}
