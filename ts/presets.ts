import type { SonaConfig } from './config.ts';

const preset = (config: SonaConfig): Readonly<SonaConfig> => Object.freeze(config);

/** Settings for common purposes. Copy one and change what you like: `{ ...presets.maxQuality, hiddenDim: 384 }`. */
export const presets = Object.freeze({
  /** Little training, small maps: for many requests per second. */
  maxThroughput: preset({
    microLoraRank: 2,
    baseLoraRank: 4,
    trajectoryCapacity: 5_000,
    backgroundIntervalMs: 7_200_000,
    backgroundEvery: 500,
    patternClusters: 100,
    qualityThreshold: 0.4,
  }),
  /** The best answers: more rank, more memory, more patterns. */
  maxQuality: preset({
    microLoraRank: 2,
    baseLoraRank: 32,
    replayCapacity: 20_000,
    trajectoryCapacity: 20_000,
    backgroundIntervalMs: 1_800_000,
    patternClusters: 100,
    qualityThreshold: 0.2,
  }),
  /** Little memory. */
  edgeDeployment: preset({
    microLoraRank: 1,
    baseLoraRank: 4,
    replayCapacity: 1_000,
    trajectoryCapacity: 200,
    patternClusters: 15,
    qualityThreshold: 0.5,
  }),
  /** Trained when the caller says, the same every time. */
  batchProcessing: preset({
    microLoraRank: 1,
    baseLoraRank: 8,
    trajectoryCapacity: 10_000,
    background: 'manual',
    patternClusters: 100,
    qualityThreshold: 0.3,
  }),
});
