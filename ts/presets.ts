import type { SonaConfig } from './config.ts';
import { native } from './native.ts';

/** Settings for common purposes. Copy one and change what you like: `{ ...presets.maxQuality, hiddenDim: 384 }`. */
export interface Presets {
  /** Little training, small maps: for many requests per second. */
  readonly maxThroughput: Readonly<SonaConfig>;
  /** The best answers: more rank, more memory, more patterns. */
  readonly maxQuality: Readonly<SonaConfig>;
  /** Little memory. */
  readonly edgeDeployment: Readonly<SonaConfig>;
  /** Trained when the caller says, the same every time. */
  readonly batchProcessing: Readonly<SonaConfig>;
}

/** Settings for common purposes: of each preset, those that are not the default. */
export const presets: Presets = JSON.parse(native.presets(), (_, value: unknown) =>
  Object.freeze(value),
) as Presets;
