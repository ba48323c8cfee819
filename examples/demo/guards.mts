// The second act's engines: how much each does against forgetting.
import type { SonaConfig } from '@sona/sona';

export interface Guard {
  name: string;
  config: SonaConfig;
  /** Its colour, an ANSI code. */
  colour: number;
}

/** No penalty for leaving what was learned, next to no memory of past queries, no test on held-back ones. */
const unprotected: SonaConfig = { memory: false, ewcLambda: 0, replayCapacity: 64, promotionGate: false };

export const guards: readonly Guard[] = [
  { name: 'everything on', config: {}, colour: 32 },
  { name: 'without protection', config: unprotected, colour: 33 },
  {
    name: 'adapter alone',
    config: { ...unprotected, tiers: { offsets: false, prototypes: false } },
    colour: 35,
  },
];
