import { EventEmitter } from "node:events";

//#region ts/config.d.ts
/** Which parts of an engine learn. */
interface SonaTiers {
  /** The per-request adapter. Default true. */
  micro?: boolean;
  /** The background adapter. Default true. */
  base?: boolean;
  /** Route prototypes; off, a route stays at its prior embedding. Default true. */
  prototypes?: boolean;
}
/** Settings of an engine. Ranges and defaults are those of the table in the README; a key that is not here is refused. */
interface SonaConfig {
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
//#endregion
//#region ts/errors.d.ts
/** Stable codes of everything that a call can refuse. */
type SonaErrorCode = 'SONA_DIM_MISMATCH' | 'SONA_NOT_FINITE' | 'SONA_OUT_OF_RANGE' | 'SONA_INVALID_ARGUMENT' | 'SONA_UNKNOWN_TRAJECTORY' | 'SONA_UNKNOWN_ROUTE' | 'SONA_INVALID_CONFIG' | 'SONA_CLOSED' | 'SONA_ABORTED' | 'SONA_NATIVE_UNAVAILABLE' | 'SONA_INTERNAL';
/** The parts of an error's message: `argument`, `expected`, `got`, `index` where they apply. */
type SonaErrorDetails = Readonly<Record<string, unknown>>;
declare const marker: unique symbol;
/**
 * Every error of this library. Whatever was refused changed nothing.
 *
 * Tell it from others with {@link SonaError.isInstance}, which also holds across copies of the package.
 */
declare class SonaError extends Error {
  readonly name = "SonaError";
  readonly [marker] = true;
  readonly code: SonaErrorCode;
  readonly details: SonaErrorDetails;
  constructor(code: SonaErrorCode, message: string, details?: SonaErrorDetails, cause?: unknown);
  static isInstance(error: unknown): error is SonaError;
}
//#endregion
//#region ts/learning.d.ts
/** Progress of `learn`, in optimiser steps. */
interface LearnProgress {
  done: number;
  total: number;
}
/** Options of `learn`. */
interface LearnOptions {
  /** Stops it at its next step: nothing is published, and what was taken in stays owed to the next cycle. */
  signal?: AbortSignal;
  /** Called about a hundred times; what it throws stops the cycle and is passed on. */
  onProgress?: (progress: LearnProgress) => void;
}
//#endregion
//#region ts/routes.d.ts
/** A named option as it stands. */
interface Route {
  name: string;
  /** Whether it takes part in rankings: it has a prior, its own or taken from its first good query. */
  ranked: boolean;
  /** Outcomes so far. */
  count: number;
  /** Their mean; 0 without any. */
  avgQuality: number;
}
/** One ranked route. */
interface RankedRoute {
  route: string;
  /** Cosine of the adapted query with the route's prototype. */
  score: number;
  /** Softmax of 20 x score among the eligible routes. */
  probability: number;
  /** Outcomes that the route has had. */
  evidence: {
    count: number;
    avgQuality: number;
  };
}
/** A ranking of routes for one query. */
interface RouteSuggestion {
  /** To be handed to `beginTrajectory` as `decision`. */
  id: number;
  /** The first of `ranked`; null when no route is ranked. */
  best: string | null;
  /** Best first. */
  ranked: RankedRoute[];
  /** Probability of the best; 0 when no route is ranked. */
  confidence: number;
  /** Whether the confidence is below `abstainBelow`, or no route is ranked. */
  abstain: boolean;
}
//#endregion
//#region ts/stats.d.ts
/** Counters of one engine. When no call is under way, recorded = learned + buffered + dropped. */
interface SonaStats {
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
}
/** What one training cycle did. */
interface LearnReport {
  /** Trajectories taken from the queue. */
  trajectories: number;
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
  /** Milliseconds it took. */
  ms: number;
}
//#endregion
//#region ts/vectors.d.ts
/** A vector of the engine's dimension. What comes back is of the kind that went in. */
type Vector = Float32Array | Float64Array | readonly number[];
/** What a method gives back for a vector `V`, and takes as its `out` buffer. */
type Same<V extends Vector> = V extends Float32Array ? Float32Array : V extends Float64Array ? Float64Array : number[];
//#endregion
//#region ts/trajectory-builder.d.ts
/** A trajectory while it is being told. Made by `beginTrajectory`, taken by `endTrajectory`. */
interface TrajectoryBuilder {
  /** Identity, unique within the engine. */
  readonly id: number;
  /** Length of its vectors. */
  readonly embeddingDim: number;
  /** Steps so far. */
  readonly stepCount: number;
  /**
   * Adds a step. Without a route each step is a lesson: queries like this one move toward its activation, or away
   * from it, by the outcome `reward * quality`, clipped to [0, 1].
   *
   * @param activations what was used or produced, `hiddenDim` numbers with a direction
   * @param attentionWeights finite numbers, any length; checked, not learned from
   * @param reward a finite number, usually 0 to 1
   */
  addStep(activations: Vector, attentionWeights: Vector, reward: number): this;
  /** Names the option that was chosen. A name that no route has becomes a route when the trajectory ends. */
  setRoute(name: string): this;
}
//#endregion
//#region ts/engine.d.ts
/** What this build can do on this machine. */
interface Capabilities {
  /** Kernels that engines use. */
  simd: string;
  /** Kernels that would run here. */
  backends: string[];
  version: string;
  platform: string;
}
/** Events of an engine. */
interface SonaEvents {
  /** A training cycle has finished. */
  learned: [report: LearnReport];
  /** Trained weights have been published. */
  promoted: [report: LearnReport];
  /** The promotion gate refused trained weights; the former ones stay. */
  rolledBack: [report: LearnReport];
  /** A full queue gave up its oldest trajectories. */
  dropped: [event: {
    count: number;
  }];
  /** A cycle of the background thread failed. Without a listener it is only counted (`failedCycles`). */
  error: [error: SonaError];
}
/**
 * Learns from outcomes and gets better at the next query: adapts query embeddings, ranks routes.
 *
 * Every method that returns a vector returns the kind that it was given and takes an `out` buffer. Whatever is refused
 * throws a {@link SonaError} that names the argument, and changes nothing.
 */
declare class SonaEngine extends EventEmitter<SonaEvents> {
  #private;
  /**
   * An engine with default settings.
   *
   * @param hiddenDim length of every vector, 1 to 65,536; default 256
   */
  constructor(hiddenDim?: number);
  /** An engine with settings. An unknown key is refused, with the nearest known one. */
  static withConfig(config: SonaConfig): SonaEngine;
  /** x plus the per-request adapter's change, not normalised; untrained: x, bit for bit. About 0.3 us into a buffer. */
  applyMicroLora<V extends Vector>(x: V, out?: Same<V>): Same<V>;
  /** x plus the background adapter's change. `layer` must be 0, the layer that queries train. */
  applyBaseLora<V extends Vector>(layer: number, x: V, out?: Same<V>): Same<V>;
  /** x plus both adapters' change: what `suggestRoutes` ranks by. */
  applyLora<V extends Vector>(x: V, out?: Same<V>): Same<V>;
  /** `applyMicroLora` on any number of vectors that lie one after another in one vector. */
  applyMicroLoraBatch<V extends Vector>(flat: V, out?: Same<V>): Same<V>;
  /**
   * Adds a named option that can be right for a query, or replaces the prior embedding of a known one. Up to 10,000.
   *
   * @param options.embedding of the name or a description: the prior. Without one the route is not ranked until its
   * first query with quality >= .5, whose vector becomes the prior.
   */
  addRoute(name: string, options?: {
    embedding?: Vector;
  }): void;
  /** Removes a route, with what it learned. */
  removeRoute(name: string): void;
  /** All routes, in the order in which their places were taken. */
  routes(): Route[];
  /**
   * Ranks routes for a query by the cosine of the adapted query with each route's prototype.
   *
   * @param options.k how many to return, from 1; default 5
   * @param options.eligible names that may be chosen; default all
   */
  suggestRoutes(query: Vector, options?: {
    k?: number;
    eligible?: readonly string[];
  }): RouteSuggestion;
  /**
   * Starts telling a trajectory.
   *
   * @param options.decision the id of the `suggestRoutes` result that led here; saves a search when it ends
   */
  beginTrajectory(query: Vector, options?: {
    decision?: number;
  }): TrajectoryBuilder;
  /**
   * As `beginTrajectory`, known by its id alone. At most `trajectoryCapacity` can be open; one more gives up the
   * oldest.
   */
  startTrajectory(query: Vector): number;
  /** `addStep` of a builder or of a trajectory known by its id. */
  addTrajectoryStep(trajectory: TrajectoryBuilder | number, activations: Vector, attentionWeights: Vector, reward: number): void;
  /** `setRoute` of a builder or of a trajectory known by its id. */
  setTrajectoryRoute(trajectory: TrajectoryBuilder | number, name: string): void;
  /**
   * Ends a trajectory with its outcome. When this returns, the next call on any thread sees what was learned from it
   * at once; the record then waits for background learning.
   *
   * @param quality how well it went, 0 to 1; for a route: whether it was the right one
   */
  endTrajectory(trajectory: TrajectoryBuilder | number, quality: number): void;
  /** Trains if `backgroundEvery` events or `backgroundIntervalMs` have passed. A message, or null if nothing was due. */
  tick(): string | null;
  /** Trains now on everything that waits. A message. */
  forceLearn(): string;
  /** Moves what waits in the queue into the replay memory, without training. How many moved. */
  flush(): number;
  /**
   * Trains now, on a thread of Node.js's pool; a cycle under way is waited for there, so begin one at a time.
   *
   * @returns what the cycle did; rejects with `SONA_ABORTED` when `options.signal` stopped it
   */
  learn(options?: LearnOptions): Promise<LearnReport>;
  /** Counters as a JSON string with snake_case keys. */
  getStats(): string;
  /** Counters. */
  stats(): SonaStats;
  /** Off: `apply*` and `suggestRoutes` still answer, nothing is recorded or learned. */
  setEnabled(enabled: boolean): void;
  /** Whether it learns. */
  isEnabled(): boolean;
  /** What this build can do on this machine. */
  capabilities(): Capabilities;
  /** Ends the engine and waits for its thread. Later calls throw `SONA_CLOSED`; closing again does nothing. */
  close(): Promise<void>;
  /** Ends the engine without waiting for its thread. */
  [Symbol.dispose](): void;
  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}
//#endregion
export { type Capabilities, type LearnOptions, type LearnProgress, type LearnReport, type RankedRoute, type Route, type RouteSuggestion, type Same, type SonaConfig, SonaEngine, SonaError, type SonaErrorCode, type SonaErrorDetails, type SonaEvents, type SonaStats, type SonaTiers, type TrajectoryBuilder, type Vector };