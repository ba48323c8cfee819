import { invalidConfig } from '../base/errors.ts';
import type { SonaConfig as ConfigOfToday } from '../engine/config.ts';

/** `microLoraRank` as `micro_lora_rank`. */
type Snake<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : '';

/** Settings under names of older packages; of one setting one name may be given. */
export interface OlderNames {
  /** Length of queries, activations and embeddings, 1 to 65,536. Default: `hiddenDim`. Another length is projected to that. */
  embeddingDim?: number | undefined;
  /** Older name of `trajectoryCapacity`. */
  trajectoryBufferSize?: number | undefined;
  /** Older name of `trajectoryCapacity`. */
  bufferCapacity?: number | undefined;
  /** Older name of `microLoraLr`. */
  microLr?: number | undefined;
  /** Older name of `baseLoraLr`. */
  baseLr?: number | undefined;
  /** Older name of `qualityThreshold`. */
  patternQualityThreshold?: number | undefined;
  /** A setting of older documents: there is no dropout. */
  loraDropout?: 0 | undefined;
  /** A setting of older documents: it always is. */
  ewcOnline?: true | undefined;
}

type CamelCase = Omit<ConfigOfToday, 'now' | 'embedder' | 'promptOf' | 'tiers' | 'background' | 'seed'> &
  OlderNames;

/** The same settings in snake_case. */
export type SnakeCase = {
  [Name in keyof CamelCase as Snake<Name> extends Name ? never : Snake<Name>]?: CamelCase[Name];
};

/** Settings of an engine, under every name that they have had. Ranges and defaults are those of `docs/settings.md`. */
export interface SonaConfig extends ConfigOfToday, OlderNames, SnakeCase {}

/** Older name of {@link SonaConfig}. */
export type JsSonaConfig = SonaConfig;

/** Names of settings beside those of today that the builder has a method for. */
export const olderSettingNames = [
  'embeddingDim',
  'trajectoryBufferSize',
  'bufferCapacity',
  'microLr',
  'baseLr',
  'patternQualityThreshold',
] as const satisfies readonly (keyof OlderNames)[];

/** Settings with the length of outer vectors apart; undefined where that is not given. What is no object is passed on. */
export function splitConfig(config: unknown): { settings: unknown; embeddingDim: number | undefined } {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    return { settings: config, embeddingDim: undefined };
  }
  // without a prototype, so that '__proto__' is a key like any other
  const settings: Record<string, unknown> = Object.create(null);
  let embeddingDim: number | undefined;
  for (const [key, value] of Object.entries(config)) {
    if (key !== 'embeddingDim' && key !== 'embedding_dim') settings[key] = value;
    else if (value !== undefined) {
      if (embeddingDim !== undefined) throw invalidConfig(key, "one name of 'embeddingDim', not both", value);
      embeddingDim = checkEmbeddingDim(key, value, invalidConfig);
    }
  }
  return { settings, embeddingDim };
}

/** A length that vectors may have. */
export function checkEmbeddingDim(
  argument: string,
  value: unknown,
  refuse: (argument: string, expected: string, value: unknown) => Error,
): number {
  const good = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_536;
  if (!good) throw refuse(argument, 'an integer from 1 to 65536', value);
  return value;
}

/** The scale of `ewcLambda` in the positional form was 0 to 1, with .4 in the middle. */
const OLDER_LAMBDA = 2500;

/** Settings of the older form (microLoraRank, baseLoraRank, trajectoryCapacity, ewcLambda). */
export function positionalConfig(args: readonly unknown[]): Record<string, unknown> {
  const [microLoraRank, baseLoraRank, trajectoryCapacity, lambda] = args;
  const older = typeof lambda === 'number' && lambda > 0 && lambda <= 1;
  return {
    microLoraRank,
    baseLoraRank,
    trajectoryCapacity,
    ewcLambda: older ? OLDER_LAMBDA * lambda : lambda,
  };
}
