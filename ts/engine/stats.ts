/** Counters of one engine. When no call is under way, recorded = learned + buffered + dropped. */
export interface SonaStats {
  /** Ended trajectories. */
  trajectoriesRecorded: number;
  /** Those that wait in the queue. */
  trajectoriesBuffered: number;
  /** Those that have been handed to background learning. */
  trajectoriesLearned: number;
  /** Those that a full queue gave up. */
  trajectoriesDropped: number;
  /** Share of recorded trajectories that were not dropped; 1 before the first. */
  bufferSuccessRate: number;
  /** Mean quality of recorded trajectories; 0 before the first. */
  averageQuality: number;
  /** Steps of the per-request adapter. */
  microUpdates: number;
  /** Times that it diverged and was reset. */
  microDivergences: number;
  /** Training cycles finished. */
  learningCycles: number;
  /** Of these, the ones whose result was published. */
  promotions: number;
  /** Cycles of the background thread that ended in an error. */
  failedCycles: number;
  /** The same as `learningCycles`. */
  backgroundCycles: number;
  /** Patterns of past trajectories. */
  patternsStored: number;
  /** The same as `patternsStored`. */
  patternsLearned: number;
  /** The same as `patternsStored`. */
  patternsExtracted: number;
  /** How often the background adapter's weights have been anchored, so that later training holds on to them. */
  ewcTasks: number;
  /** Number of the version that serves. */
  version: number;
  /** Named routes. */
  routes: number;
  /** Whether anything learns. */
  enabled: boolean;
  /** Whether the per-request adapter or the prototypes learn. */
  instantEnabled: boolean;
  /** Whether a background thread trains. */
  backgroundEnabled: boolean;
  /** Kernels in use. */
  simd: string;
  /** Items that `remember` keeps. */
  memory: MemoryStats;
}

/** Counters of items. */
export interface MemoryStats {
  /** Those that are remembered. */
  items: number;
  /** Calls of `recall`. */
  recalls: number;
  /** Items that made room for others. */
  evicted: number;
  /** Edges between items. */
  edges: number;
}

/** The native core's JSON, in the names of this side. */
export function toStats(json: string): SonaStats {
  const entries = Object.entries(JSON.parse(json) as Record<string, unknown>);
  const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(entries.map(([name, value]) => [camel(name), value])) as unknown as SonaStats;
}

/** Bytes that the parts of an engine take, but for working memory and what the allocator adds. */
export interface SonaMemory {
  /** Trajectories that wait, that can be corrected or that training goes on from; each counts once. */
  trajectories: number;
  /** Both adapters with the state of their training, and the activations that they have seen. */
  adapters: number;
  /** Weights of kept versions that do not serve. */
  versions: number;
  /** Routes with their prototypes. */
  routes: number;
  /** Patterns of past trajectories. */
  patterns: number;
  /** Suggestions that are kept for their outcomes, the newest `suggestionCapacity`. */
  suggestions: number;
  /** Past queries, searchable, beside their trajectories, and what was pooled for the newest outcomes. */
  episodes: number;
  /** Items that `remember` keeps, with their metadata. */
  items: number;
}

/** What one training cycle did. */
export interface LearnReport {
  /** Trajectories taken from the queue. */
  trajectories: number;
  /** Patterns of past trajectories that there are now. */
  patterns: number;
  /** Optimiser steps made. */
  steps: number;
  /** Mean loss on the newest training examples with the weights that served before; null without examples. */
  lossBefore: number | null;
  /** The same with the trained weights. */
  lossAfter: number | null;
  /** Mean gain in log-likelihood on held-back events, in nats per event; null while fewer than 100 are held. */
  heldOutGain: number | null;
  /** Whether the trained weights were published. */
  promoted: boolean;
  /** Whether the promotion gate refused them. */
  refused: boolean;
  /** Number of the published version, for `rollback`; null when none was. */
  version: number | null;
  /** How far recent queries are from all before, as a share of the variance of all; 0 before there are enough. */
  shift: number;
  /** How far they are from those just before, when topics have begun to change; else null. */
  drift: number | null;
  /** Milliseconds it took. */
  ms: number;
}

/** A report in one line. */
export function summary(what: string, report: LearnReport): string {
  const { trajectories, patterns, steps, lossBefore, lossAfter, heldOutGain, ms } = report;
  const counts = `${what}: ${trajectories} trajectories -> ${patterns} patterns`;
  if (steps === 0) return `${counts}; nothing to train on`;
  const loss =
    lossBefore === null || lossAfter === null
      ? ''
      : `, loss ${lossBefore.toFixed(3)} -> ${lossAfter.toFixed(3)}`;
  const gain = heldOutGain === null ? '' : `, held-out gain ${heldOutGain.toFixed(4)}`;
  const verdict = report.promoted ? 'published' : 'refused';
  return `${counts}, ${steps} steps${loss}${gain}, ${verdict} (${ms.toFixed(1)} ms)`;
}
