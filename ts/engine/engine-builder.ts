import { checkSettings, type SonaConfig } from './config.ts';
import type { SonaEngine } from './engine.ts';

/** The settings that the builder has a method for. */
const settings = [
  'hiddenDim',
  'embeddingDim',
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
  'maxTrajectorySteps',
  'abstainBelow',
  'tiers',
  'promotionGate',
  'background',
  'backgroundEvery',
  'backgroundIntervalMs',
  'enableSimd',
  'seed',
  'now',
  'embedder',
  'promptOf',
  'trajectoryBufferSize',
  'bufferCapacity',
  'microLr',
  'baseLr',
  'patternQualityThreshold',
] as const satisfies readonly (keyof SonaConfig)[];

type Setters = {
  [Name in (typeof settings)[number]]: (value: NonNullable<SonaConfig[Name]>) => SonaEngineBuilder;
};

/** Builds an engine: one method per setting, then `build`. */
export interface SonaEngineBuilder extends Setters {
  /** Takes over every setting of a config, a preset for instance. */
  config(config: SonaConfig): SonaEngineBuilder;
  /** The engine; what is not accepted is refused here. */
  build(): SonaEngine;
}

export function makeBuilder(build: (config: SonaConfig) => SonaEngine): SonaEngineBuilder {
  // without a prototype, so that '__proto__' is a key like any other
  const chosen: Record<string, unknown> = Object.create(null);
  const builder: Record<string, unknown> = {
    config: (config: SonaConfig) => {
      checkSettings(config);
      Object.assign(chosen, config);
      return builder;
    },
    build: () => build(chosen),
  };
  for (const name of settings) {
    builder[name] = (value: unknown) => {
      chosen[name] = value;
      return builder;
    };
  }
  return builder as unknown as SonaEngineBuilder;
}
