import { call, native } from '../binding/native.ts';
import type { RouterDurability } from './open.ts';

/** Counters of one model of a router. */
export interface RouterModelStats {
  /** Its name. */
  id: string;
  /** Decisions for it. */
  decisions: number;
  /** Qualities told of it, by weight. */
  outcomes: number;
  /** Their mean; null without any. */
  quality: number | null;
  /** Expected US dollars of a prompt of usual length; null where nothing is known. */
  costUsd: number | null;
  /** Expected milliseconds of such a prompt; null where nothing is known. */
  latencyMs: number | null;
  /** Share of calls that did not fail; null without any. */
  availability: number | null;
  /** It has failed several times in a row and rests until then, in milliseconds since 1970; null: it does not. */
  restsUntil: number | null;
  /** Trials that it still has to get. */
  trialsLeft: number;
}

/** Counters of a router. */
export interface RouterStats {
  /** Decisions made, observed ones included. */
  decisions: number;
  /** Decisions that are held, for their outcome or to be amended. */
  pending: number;
  /** Qualities taken in so far, also those of `warmStart` and those that were forgotten since; not what was merged. */
  learned: number;
  /** The basis of now, and whether another is still to be fitted. */
  basis: { id: string; hash: string; fitting: boolean };
  /** Standard deviation of one quality about what was expected. */
  noise: number;
  /** What the calibration of intervals scales them by, 1 to 4. */
  intervalScale: number;
  /** Mean quality over all models, less what the prompts' difficulty explains. */
  mean: number;
  /** Mean spend per request of late in US dollars, which begins at the budget; null without a budget. */
  spendUsd: number | null;
  /** US dollars that the budget has left now; null without one. */
  budgetLeftUsd: number | null;
  /** The budget's price on cost; null without one. */
  budgetPrice: number | null;
  /** US dollars of the budget that were spent beyond what later requests make up for; null without one. */
  writtenOffUsd: number | null;
  /** Other routers, and former lives of this one, whose outcomes it knows. */
  origins: number;
  /** Version of what it has learned itself. */
  version: number;
  /** Sessions that are held. */
  sessions: number;
  /** Tenants whose experience is held. */
  tenants: number;
  /** How its directory is doing; null for a router that was not opened in one. */
  durability: RouterDurability | null;
  /** By model, in the order in which they came. */
  models: RouterModelStats[];
}

export function routerStats(handle: number): RouterStats {
  return JSON.parse(call(() => native.routerStats(handle))) as RouterStats;
}

/** Bytes that the parts of a router take, but for what the allocator adds. */
export interface RouterMemory {
  /** Decisions that are held, with what was told of them. */
  decisions: number;
  /** Prompts and outcomes that a basis is to be fitted to. */
  prompts: number;
  /** Posteriors of models. */
  posteriors: number;
  /** Sums of this router and of those that were merged into it. */
  sums: number;
  /** Tenants' own posteriors. */
  tenants: number;
  /** Sessions. */
  sessions: number;
  /** The basis. */
  basis: number;
}

export function routerMemory(handle: number): RouterMemory {
  return JSON.parse(call(() => native.routerMemory(handle))) as RouterMemory;
}
