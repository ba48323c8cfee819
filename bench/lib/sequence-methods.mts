// The methods that the sequence of topics compares: controls that are known to forget, parts of the default, all of it.
import type { SonaConfig } from '../../dist/index.mjs';
import { only } from './engine.mts';

export interface SequenceMethod {
  name: string;
  config: SonaConfig;
  /** The replay memory is cleared whenever a domain begins. */
  clearsMemory?: boolean;
  /** The weights are anchored whenever a domain begins, and held there with this strength. */
  boundaryLambda?: number;
  /** All domains at once, in random order. */
  joint?: boolean;
}

/** Batches come from the current domain alone. */
const naive: SonaConfig = {
  memory: false,
  tiers: { micro: true, base: true, offsets: false, prototypes: false },
  ewcLambda: 0,
  promotionGate: false,
};

/** `ewcLambda` per unit of the strength on the Fisher information whose mean is 1. */
const PER_LAMBDA = 100;

/** No anchor but those at the boundaries. */
const NEVER = 1_000_000;

export const sequenceMethods: readonly SequenceMethod[] = [
  { name: 'naive LoRA', config: naive, clearsMemory: true },
  ...[10, 30, 100].map((lambda) => ({
    name: `naive + boundary EWC, ${lambda}`,
    config: { ...naive, ewcLambda: PER_LAMBDA * lambda, consolidationInterval: NEVER },
    clearsMemory: true,
    boundaryLambda: lambda,
  })),
  { name: 'without prototypes', config: { memory: false, tiers: { prototypes: false } } },
  { name: 'without memory', config: { memory: false } },
  { name: 'Rocchio (prototypes alone)', config: only('prototypes') },
  { name: 'without EWC', config: { ewcLambda: 0 } },
  { name: 'full default', config: {} },
  { name: 'joint', config: {}, joint: true },
];
