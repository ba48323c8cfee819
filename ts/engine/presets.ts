import { native } from '../binding/native.ts';
import type { SonaConfig } from './config.ts';

/** Settings for common purposes. Copy one and change what you like: `{ ...presets.maxQuality, hiddenDim: 384 }`. */
export interface Presets {
  /** Little training, small maps: for many requests per second. */
  readonly maxThroughput: Readonly<SonaConfig>;
  /** The best answers: more rank, more memory, more patterns. */
  readonly maxQuality: Readonly<SonaConfig>;
  /** Little memory: under 5 MB for 256 numbers and 20 routes. */
  readonly edgeDeployment: Readonly<SonaConfig>;
  /** Trained when the caller says, the same every time. */
  readonly batchProcessing: Readonly<SonaConfig>;
}

let known: Presets | undefined;

/** The core has them, which is loaded when one is first read. */
const read = (): Presets => {
  known ??= JSON.parse(native.presets(), (_, value: unknown) => Object.freeze(value)) as Presets;
  return known;
};

/** Settings for common purposes: of each preset, those that are not the default. */
export const presets: Presets = Object.freeze({
  get maxThroughput() {
    return read().maxThroughput;
  },
  get maxQuality() {
    return read().maxQuality;
  },
  get edgeDeployment() {
    return read().edgeDeployment;
  },
  get batchProcessing() {
    return read().batchProcessing;
  },
});
