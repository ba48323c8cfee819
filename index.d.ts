//#region ts/base/error-details.d.ts
/** A value that was refused. */
interface RefusedValue {
  /** The argument, as it is called: `outcome.quality`, `models[2].id`. */
  readonly argument: string;
  /** What would have been taken, in words. */
  readonly expected: string;
  /** What came, shortened. */
  readonly got: string;
}
/** A name or an id that nobody has. */
interface UnknownName {
  /** The argument. */
  readonly argument: string;
  /** The name, or the id as it came. */
  readonly got: string;
}
/** What `SonaError.details` holds, by the error's code. */
interface SonaErrorDetailsByCode {
  SONA_DIM_MISMATCH: {
    readonly argument: string;
    readonly expected: number;
    readonly got: number;
  };
  /** `index`: of the number that is not finite. */
  SONA_NOT_FINITE: RefusedValue & {
    readonly index: number;
  };
  /** `excluded`: what an evaluation left out, by cause. */
  SONA_OUT_OF_RANGE: RefusedValue & {
    readonly excluded?: object | undefined;
  };
  /** `support`, `effectiveSampleSize`: how much a log knows of a policy that was refused. */
  SONA_INVALID_ARGUMENT: Omit<RefusedValue, 'got'> & {
    readonly got?: string | undefined;
    readonly support?: number | undefined;
    readonly effectiveSampleSize?: number | undefined;
  };
  /** `package`: one that an embedder needs and that is not installed, or is of another version. */
  SONA_INVALID_CONFIG: Partial<RefusedValue> & {
    readonly embedder?: string | undefined;
    readonly package?: string | undefined;
  };
  SONA_UNKNOWN_TRAJECTORY: UnknownName;
  SONA_UNKNOWN_ROUTE: UnknownName;
  SONA_UNKNOWN_MODEL: UnknownName;
  /** `filters`: what rules each model out, in words: `'cost, latency'`. */
  SONA_NO_ELIGIBLE_MODEL: {
    readonly filters: Readonly<Record<string, string>>;
  };
  SONA_CLOSED: object;
  SONA_ABORTED: object;
  SONA_CORRUPT_STATE: {
    readonly reason: string;
  };
  SONA_INCOMPATIBLE_STATE: Pick<RefusedValue, 'expected' | 'got'> & {
    readonly argument?: string | undefined;
    readonly embedder?: string | undefined;
    readonly decision?: unknown;
  };
  SONA_ASYNC_EMBEDDER: RefusedValue & {
    readonly embedder: string;
  };
  /** `status`, `body`: of a service's answer; the time limits in milliseconds. */
  SONA_EMBEDDER: Partial<RefusedValue> & {
    readonly embedder: string;
    readonly reason?: string | undefined;
    readonly status?: number | undefined;
    readonly body?: string | undefined;
    readonly timeoutMs?: number | undefined;
    readonly embedderTimeoutMs?: number | undefined;
  };
  /** Of a file `path` and `reason`, of the function `log` its name as `argument`. */
  SONA_IO: {
    readonly path?: string | undefined;
    readonly reason?: string | undefined;
    readonly argument?: string | undefined;
  };
  SONA_LOCKED: {
    readonly path: string;
    readonly reason: string;
  };
  SONA_LISTENER: {
    readonly event: string;
  };
  /** Which platform this is, those that this copy has an addon for, and every place that was tried. */
  SONA_NATIVE_UNAVAILABLE: {
    readonly platform?: string | undefined;
    readonly arch?: string | undefined;
    readonly shipped?: readonly string[] | undefined;
    readonly tried?: readonly string[] | undefined;
    readonly row?: string | undefined;
    readonly expected?: readonly string[] | undefined;
    readonly got?: readonly string[] | undefined;
  };
  SONA_INTERNAL: object;
}
/** Stable codes of everything that a call can refuse. */
type SonaErrorCode = keyof SonaErrorDetailsByCode;
/** What `details` hold of an error of this code. */
type SonaErrorDetails<Code extends SonaErrorCode = SonaErrorCode> = Readonly<SonaErrorDetailsByCode[Code]>;
//#endregion
//#region ts/base/errors.d.ts
declare const marker: unique symbol;
/**
 * Every error of this library. Whatever was refused changed nothing.
 *
 * Tell it from others with {@link SonaError.isInstance}, which also holds across copies of the package.
 */
declare class SonaError extends Error {
  /** `AbortError` where a signal stopped the work, as the platform and the AI SDK expect; else `SonaError`. */
  readonly name: 'SonaError' | 'AbortError';
  /** What {@link SonaError.isInstance} looks for. */
  readonly [marker] = true;
  /** Stays the same between versions; messages may not. */
  readonly code: SonaErrorCode;
  /** The parts of the message. Plain data, so that it can be logged. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Where it says what to do about errors of this code. Shown where an error is printed. */
  readonly help: string;
  constructor(code: SonaErrorCode, message: string, details?: object, cause?: unknown);
  /**
   * Whether a value is an error of this library, of this copy or another; with a code, one of that code, whose `details` then have
   * their types: `if (SonaError.isInstance(error, 'SONA_DIM_MISMATCH')) error.details.expected`.
   */
  static isInstance<Code extends SonaErrorCode = SonaErrorCode>(error: unknown, code?: Code): error is SonaErrorOf<Code>;
}
/** An error of a known code, or of any. */
type SonaErrorOf<Code extends SonaErrorCode> = [SonaErrorCode] extends [Code] ? SonaError : SonaError & {
  readonly code: Code;
  readonly details: SonaErrorDetails<Code>;
};
//#endregion
//#region ts/base/ids.d.ts
declare const named: unique symbol;
type Named<Kind> = string & {
  readonly [named]: Kind;
};
/** Names a decision of a router: an opaque string that no other router gives out. */
type DecisionId = Named<'decision'>;
/** Names a suggestion of an engine. */
type SuggestionId = Named<'suggestion'>;
/** Names a trajectory of an engine. */
type TrajectoryId = Named<'trajectory'>;
/** Names an item that an engine remembers. */
type MemoryId = Named<'memory'>;
/** Text that was an id when it was stored. What is known to be another kind's does not compile in its place. */
type StoredId = string & {
  readonly [named]?: never;
};
//#endregion
//#region ts/base/metadata.d.ts
/** Plain data of the caller's: what JSON carries as it is, up to 65,536 characters of it and 64 levels. */
type Metadata = {
  readonly [key: string]: MetadataValue;
};
/** A value in {@link Metadata}. */
type MetadataValue = string | number | boolean | null | readonly MetadataValue[] | {
  readonly [key: string]: MetadataValue;
};
//#endregion
//#region ts/base/vectors.d.ts
/** A vector of the engine's dimension. What comes back is of the kind that went in. */
type Vector = Float32Array | Float64Array | readonly number[];
/** What a method gives back for a vector `V`, and takes as its `out` buffer. */
type Same<V extends Vector> = V extends Float32Array ? Float32Array : V extends Float64Array ? Float64Array : number[];
//#endregion
//#region ts/binding/binding.d.ts
/**
 * The numbers that turn the vector of a prompt into the features that a router learns on: `z1 = scale (e - mean) Q`
 * along 64 directions, and `z2 = softmax(20 cos(e, c)) / rms` over 64 centroids. Plain data; it is not changed once made.
 */
interface Basis {
  /** Its name. */
  id: string;
  /** Length of the vectors that it takes. */
  dim: number;
  /** Mean of the vectors that it was fitted to. */
  mean: Float32Array;
  /** 64 orthonormal rows, the one with the most variance first; zeros beyond the rank of the vectors. */
  directions: Float32Array;
  /** 64 rows of unit length; zeros beyond the number of different vectors. */
  centroids: Float32Array;
  /** What the first block is multiplied by. */
  scale: number;
  /** What the second block is divided by. */
  rms: number;
  /** Hash of the numbers, 16 hexadecimal digits. Two bases with one hash give the same features. */
  hash: string;
}
//#endregion
//#region ts/embed/basis.d.ts
/** Parts of {@link fitBasis}. */
interface FitOptions {
  /** Length of a vector. Needed where all vectors lie in one Float32Array; else that of the first one. */
  dim?: number | undefined;
  /** Name of the basis. Default `'fitted'`. */
  id?: string | undefined;
  /** Seed of every random choice. Default 42. */
  seed?: number | undefined;
}
/**
 * Fits a basis to the vectors of a broad sample of prompts, at least some hundred; their lengths don't matter. The same
 * vectors and the same seed give the same basis on the same processor. 4,000 vectors of 384 numbers take about 50 ms.
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE` or `SONA_OUT_OF_RANGE`, naming the vector as
 * `vectors[i]`.
 *
 * @param vectors one vector per prompt, or all of them one after another in a Float32Array
 */
declare function fitBasis(vectors: readonly Vector[] | Float32Array, options?: FitOptions): Basis;
//#endregion
//#region ts/embed/embedder.d.ts
/** Options of one call of an embedder. */
interface EmbedOptions {
  /** Gives up the call, which then rejects with `SONA_ABORTED`. */
  signal?: AbortSignal | undefined;
}
/**
 * Turns texts into vectors: one of those that ship (`builtin`, `hash`, `transformers`, `aiSdk`, `openAiCompatible`), or
 * any object of this form.
 */
interface Embedder {
  /** Names the vectors: the same id means the same vectors. Stored in every state, and compared when it is loaded. */
  readonly id: string;
  /** Length of every vector, 2 to 65,536. */
  readonly dim: number;
  /** The basis that suits these vectors: the name of one that ships, or one of `fitBasis`. Default: none is known. */
  readonly basis?: 'minilm' | 'builtin' | Basis | undefined;
  /**
   * Vectors of texts, in their order. Rejects when it can't make all of them. Calls may overlap: each needs vectors of its
   * own.
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /**
   * The vector of one text, at once; in `out` where that is given. Synchronous methods take text only with this, and
   * `routeAsync` and `suggestRoutesAsync` prefer it. `out` is lent, it may be the caller's own memory: write
   * to it during the call alone.
   */
  embedSync?(text: string, out?: Float32Array): Float32Array;
  /** The language whose meaning the vectors know, as BCP 47 has it. Default: not said. */
  readonly language?: string | undefined;
  /**
   * Whether it knows enough of a text for its vector to go by meaning. Asked after the text was embedded; where it says false,
   * decisions and suggestions say so (`fallback: { reason: 'language' }`) and go by the vector all the same. Default: it does.
   */
  knows?(text: string): boolean;
}
/** An {@link Embedder} that can embed at once. */
type SyncEmbedder = Embedder & Required<Pick<Embedder, 'embedSync'>>;
//#endregion
//#region ts/embed/fallback.d.ts
/**
 * Why a request was answered without its text, or by less than its meaning. Without the text a router decides by what is expected
 * of each model at the mean of the prompts so far; an engine ranks routes by how often each was right so far.
 */
interface Fallback {
  /**
   * `'embedder'`: it failed, took too long, or is one that takes its time and gave a text that is not blank a vector without a
   * direction. `'empty'`: the text is blank, or holds nothing that an embedder which is quick knows. `'language'`: the embedder
   * does not know the text's language; the answer goes by its hashed words, and its outcome is learned from as any other.
   */
  reason: 'embedder' | 'empty' | 'language';
  /** Code of the embedder's error. */
  code?: SonaErrorCode | undefined;
  /** What the embedder said. */
  message?: string | undefined;
}
//#endregion
//#region ts/embed/prompt.d.ts
/** One message of a chat, in any of the forms that {@link promptOf} reads; what else it has is passed over. */
interface ChatMessage {
  /** Who says it: OpenAI, Anthropic, the AI SDK, Gemini. */
  readonly role?: unknown;
  /** What is said, as text or in parts. */
  readonly content?: unknown;
  /** The same: AI SDK (UI messages), Gemini. */
  readonly parts?: unknown;
  /** The message itself, in a line of Claude Code or Cursor; the text, in Cohere's first version. */
  readonly message?: unknown;
  /** Kind of an entry (OpenAI's responses), or of a message of LangChain. */
  readonly type?: unknown;
  /** LangChain, serialised. */
  readonly kwargs?: unknown;
  /** LangChain, stored. */
  readonly data?: unknown;
}
/**
 * Messages of a chat, oldest first, as one of these has them: OpenAI (chat, responses, Assistants), Anthropic, the AI SDK (UI
 * and model messages), LangChain (objects and serialised), Gemini, Bedrock, MCP. Entries that are none are passed over.
 */
type ChatMessages = readonly ChatMessage[];
/** Parts of {@link promptOf}. */
interface PromptOptions {
  /**
   * Names of the tags whose blocks are no words of the human's, in place of the default list and of all else that is known of
   * coding agents: a letter, then letters, digits, `_`, `-`, `.` or `:`; upper and lower case are the same. `[]` keeps everything.
   */
  reminders?: readonly string[] | undefined;
}
/**
 * What the human said last: the text of the newest turn of a user, its parts on lines of their own, trimmed. Left out
 * are the texts of others (system, assistant, tools), results of tools, images and files, and what coding agents write into
 * turns of their users, as `<system-reminder>...</system-reminder>`; of a request in a tag of its own, as
 * `<user_query>...</user_query>`, that alone is taken. A turn of which nothing is left is no turn, and the one before it
 * counts; but one of pictures, sound or files alone has the prompt `''`. Without any turn the result is `''`.
 *
 * Entries of a form it does not know are passed over. Linear in the length of what it reads: a megabyte takes some
 * milliseconds.
 *
 * Throws `SONA_INVALID_ARGUMENT` when `messages` is no array or an option is of the wrong kind, `SONA_OUT_OF_RANGE` for
 * a reminder that is no name of a tag.
 */
declare function promptOf(messages: ChatMessages, options?: PromptOptions): string;
//#endregion
//#region ts/embed/query.d.ts
/**
 * What is asked about: a vector, or with an embedder a text or the messages of a chat, of which {@link promptOf} is
 * taken.
 */
type Query = Vector | string | ChatMessages;
/** What turns the text of queries into vectors, for an engine or a router. */
interface QueryOptions {
  /**
   * Makes vectors of text. Its `dim` must be the length of the vectors; its `id` is kept with the state, and a state of
   * another embedder is refused. Default: `builtin`, where that has vectors of this length; it is loaded at the first text.
   */
  embedder?: Embedder | undefined;
  /** What the text of a chat is. Default: {@link promptOf}. What it throws is passed on. */
  promptOf?: ((messages: ChatMessages) => string) | undefined;
  /**
   * What becomes of a request whose text the embedder can't make a vector of, be it that it throws, rejects, gives something
   * else or takes too long. `'fallback'`: `route` and `suggestRoutes` answer without the text, `fallback` in the answer says why,
   * and so does the event `error`; without a listener the process is warned, once. `'throw'`: they throw what it threw, as all
   * other calls do either way. Default `'fallback'`.
   */
  onEmbedderError?: 'fallback' | 'throw' | undefined;
  /**
   * Milliseconds that an embedder may take for one text, 1 to 2,147,483,647; after that it has failed (`SONA_EMBEDDER`), and
   * its signal is aborted. An embedder with `embedSync` is not interrupted. Default: no limit.
   */
  embedderTimeoutMs?: number | undefined;
}
/** Of a call that may wait for an embedder. */
interface AsyncOptions {
  /** Gives up the call, which then rejects with `SONA_ABORTED`. */
  signal?: AbortSignal | undefined;
  /** Milliseconds that the embedder may take for this request, in place of the setting of that name. */
  embedderTimeoutMs?: number | undefined;
}
//#endregion
//#region ts/engine/config.d.ts
/** Which parts of an engine learn. */
interface SonaTiers {
  /** The per-request adapter. Default true. */
  micro?: boolean | undefined;
  /** The background adapter. Default true. */
  base?: boolean | undefined;
  /** What each route adds to its score by the query itself, trained with the background adapter. Default true. */
  offsets?: boolean | undefined;
  /** Route prototypes; off, a route stays at its prior embedding. Default true. */
  prototypes?: boolean | undefined;
}
/** Settings of an engine. Ranges and defaults are those of the table in `docs/settings.md`; a key that is not here is refused. */
interface SonaConfig extends QueryOptions {
  /** Length of every query, activation and route embedding, 1 to 65,536. Default 256. */
  hiddenDim?: number | undefined;
  /** Rank of the per-request adapter, 1 to 4. Default 2. */
  microLoraRank?: number | undefined;
  /** Rank of the background adapter, 1 to 64. Default 16. */
  baseLoraRank?: number | undefined;
  /** Layers of the background adapter, 1 to 128. Default 1; layers above the first train on steps that name them. */
  baseLoraLayers?: number | undefined;
  /** Numerator of both adapters' scale, `loraAlpha / rank`. Default 8. */
  loraAlpha?: number | undefined;
  /** Step size of the per-request adapter. Default .01. */
  microLoraLr?: number | undefined;
  /** Step size of the background adapter. Default .002. */
  baseLoraLr?: number | undefined;
  /** How strongly the background adapter is held where it was when topics shift; 0: not at all. Default 1,000. */
  ewcLambda?: number | undefined;
  /** Memory of the importance of each weight, per optimiser step. Default .99. */
  ewcGamma?: number | undefined;
  /** Examples per optimiser step from which the importance of weights is estimated. Default 64, a whole batch. */
  ewcFisherSamples?: number | undefined;
  /** Events after which the weights are anchored again. Default 500. */
  consolidationInterval?: number | undefined;
  /** Most patterns of past trajectories. Default 50. */
  patternClusters?: number | undefined;
  /** Least mean quality of a pattern that `findPatterns` recommends. Default .3. */
  qualityThreshold?: number | undefined;
  /** Examples kept for replay. Default 10,000. */
  replayCapacity?: number | undefined;
  /** Ended trajectories that wait for background learning; when full the oldest is dropped and counted. Default 10,000. */
  trajectoryCapacity?: number | undefined;
  /** Suggestions that `feedback` can name, waiting or answered: the newest. Default 10,000. */
  suggestionCapacity?: number | undefined;
  /** Most items that `remember` keeps; those that are worth least make room. 0: none can be remembered. Default 100,000. */
  memoryCapacity?: number | undefined;
  /** Megabytes that these may take with their metadata, about; 0: no limit. Default 0. */
  memoryBudgetMb?: number | undefined;
  /** Most steps in one trajectory. Default 64. */
  maxTrajectorySteps?: number | undefined;
  /** `suggestRoutes` abstains when its confidence is below this. Default 0, never. */
  abstainBelow?: number | undefined;
  /** `suggestRoutes` abstains when `inScope` is below this. About this share of queries that do belong to a route is turned away as well. Not while `inScope` is null; p takes 1 / p queries that went well. Default 0, never. */
  abstainOutside?: number | undefined;
  /** What learns. Default everything. */
  tiers?: SonaTiers | undefined;
  /**
   * Whether suggestions also ask what happened to the nearest past queries, and reason about it. Without it `inScope` is null. It
   * does not concern `remember`. Default true.
   */
  memory?: boolean | undefined;
  /** Hold back every 10th event and refuse a trained adapter that does worse on them. Default true. */
  promotionGate?: boolean | undefined;
  /** `'auto'`: a native thread trains when work is due. `'manual'`: only explicit calls train, repeatably. Default `'auto'`. */
  background?: 'auto' | 'manual' | undefined;
  /** Ended trajectories after which training is due. Default 100. */
  backgroundEvery?: number | undefined;
  /** Milliseconds after which training is due when anything waits. Default 3,600,000. */
  backgroundIntervalMs?: number | undefined;
  /** Use the widest vector instructions that the processor has. Default true. */
  enableSimd?: boolean | undefined;
  /** Seed of every random choice. Default 42. */
  seed?: number | undefined;
  /**
   * Says what time it is, in whole milliseconds since 1970: for what is shown of patterns and versions, and for
   * `forget`. Asked by the calls that end, learn, find or forget. What is due is measured by a steady clock. Default:
   * the system's clock.
   */
  now?: (() => number) | undefined;
}
/** Every setting, in the order of {@link SonaConfig}. */
declare const settingNames: readonly ["hiddenDim", "microLoraRank", "baseLoraRank", "baseLoraLayers", "loraAlpha", "microLoraLr", "baseLoraLr", "ewcLambda", "ewcGamma", "ewcFisherSamples", "consolidationInterval", "patternClusters", "qualityThreshold", "replayCapacity", "trajectoryCapacity", "suggestionCapacity", "memoryCapacity", "memoryBudgetMb", "maxTrajectorySteps", "abstainBelow", "abstainOutside", "tiers", "memory", "promotionGate", "background", "backgroundEvery", "backgroundIntervalMs", "enableSimd", "seed", "now", "embedder", "promptOf", "onEmbedderError", "embedderTimeoutMs"];
//#endregion
//#region ts/engine/stats.d.ts
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
interface MemoryStats {
  /** Those that are remembered. */
  items: number;
  /** Calls of `recall`. */
  recalls: number;
  /** Items that made room for others. */
  evicted: number;
  /** Edges between items. */
  edges: number;
}
/** Bytes that the parts of an engine take, but for working memory and what the allocator adds. */
interface SonaMemory {
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
interface LearnReport {
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
//#endregion
//#region ts/engine/events.d.ts
/** Events of an engine. */
interface SonaEvents {
  /** A training cycle has finished. */
  learned: LearnReport;
  /** Trained weights have been published. */
  promoted: LearnReport;
  /** The promotion gate refused trained weights; the former ones stay. */
  rolledBack: LearnReport;
  /**
   * Topics have begun to change: how far the newest queries lie from those just before, as a share of the variance of
   * queries. Told once per change.
   */
  drift: {
    change: number;
  };
  /**
   * How many ended trajectories a full queue gave up before they were learned from: the oldest.
   */
  dropped: {
    count: number;
  };
  /**
   * A cycle of the background thread failed; without a listener it is only counted (`failedCycles`). Or an embedder did, and routes
   * were suggested without the text; or another listener, for the first time (`SONA_LISTENER`): without a listener here the process
   * is warned of these, once each.
   */
  error: SonaError;
}
//#endregion
//#region ts/engine/created.d.ts
/** What a snapshot does not hold. An embedder that ships need not be given again. */
interface EngineRestoreOptions extends QueryOptions {
  /**
   * The engine goes on as the one that was saved, which issued no id after that: its ids stay this engine's own. Default
   * false: ids that were issued after the state was saved are another's, and never taken for those that this engine issues.
   */
  continues?: boolean | undefined;
  /** Says what time it is, as `SonaConfig.now`. Default: the system's clock. */
  now?: (() => number) | undefined;
}
//#endregion
//#region ts/engine/engine-builder.d.ts
type Setters = { [Name in (typeof settingNames)[number]]: (value: NonNullable<SonaConfig[Name]>) => SonaEngineBuilder };
/** Builds an engine: one method per setting, then `build`. */
interface SonaEngineBuilder extends Setters {
  /** Takes over every setting of a config, a preset for instance. */
  config(config: SonaConfig): SonaEngineBuilder;
  /** The engine; what is not accepted is refused here. */
  build(): SonaEngine;
}
//#endregion
//#region ts/engine/feedback.d.ts
/** What a trajectory is taken for. Not given, it is judged by its quality against what was expected. */
type Verdict = 'success' | 'failure' | 'unknown';
/** What is known now about a trajectory that has ended. A part that is missing stays as it was. */
interface SignalParts {
  /** The trajectory whose outcome is corrected; default the last one that this thread ended. */
  trajectoryId?: TrajectoryId | StoredId | undefined;
  /** How well it went, 0 to 1. */
  quality?: number | undefined;
  /** What it is taken for: shows in the success rates of patterns. */
  verdict?: Verdict | undefined;
  /** Time that the answer took, in milliseconds, from 0: shows in the patterns. */
  latencyMs?: number | undefined;
}
/** What a correction did. */
interface FeedbackResult {
  /** Whether anything changed. */
  applied: boolean;
  /** Euclidean length of the change of what serves at once: the per-request adapter's weights and the route's prototype. */
  deltaNorm: number;
  /**
   * Why nothing changed: the outcome was known already, nothing has ended yet, learning is off, or the id is another's,
   * `foreign`: of another engine or a router, or of a process that issued it after the state was saved that this one began
   * with.
   */
  reason?: 'unchanged' | 'no-trajectory' | 'disabled' | 'foreign' | undefined;
}
//#endregion
//#region ts/engine/history.d.ts
/** One set of promoted weights. */
interface Version {
  /** Number, from 0 for the untrained adapter. */
  version: number;
  /** When it was promoted, milliseconds since 1970; 0 for the untrained one. */
  promotedAt: number;
  /** Trajectories that background learning had taken in by then. */
  trajectories: number;
  /** What its cycle gained on held-back events, in nats per event; null when fewer than 100 were held. */
  heldOutGain: number | null;
  /** Whether it is the one that serves. */
  current: boolean;
}
/** Which trajectories to forget: those that every given part holds for; or, by `subject`, which items. */
interface ForgetCriterion {
  /** Those of one source, as `endTrajectory` was told. */
  source?: string | undefined;
  /** The one with this id. Another engine's was never here: nothing is forgotten. */
  trajectoryId?: TrajectoryId | StoredId | undefined;
  /** Those that ended before, as a date or in milliseconds since 1970. */
  before?: Date | number | undefined;
  /** All items about this one, as `remember` was told. Trajectories have no subject, so it stands alone. */
  subject?: string | undefined;
}
/** What forgetting did. */
interface ForgetResult {
  /** Trajectories that were taken out of everything. */
  forgotten: number;
  /** Those whose records were gone already, so that their part in prototypes and patterns stays. Never too low. */
  outOfReach: number;
  /** Items that are gone, where a subject was given. */
  items?: number | undefined;
}
//#endregion
//#region ts/engine/items.d.ts
/** What is kept with something that is remembered. */
interface RememberOptions {
  /** Plain data that comes back with the item, up to 65,536 characters of JSON. */
  metadata?: Metadata | undefined;
  /** Up to 64 tags of up to 256 characters. */
  tags?: readonly string[] | undefined;
  /** Whom or what it is about: `forget({ subject })` takes all such items. */
  subject?: string | undefined;
  /** The conversation that it is part of: it is linked with the item before. */
  session?: string | undefined;
  /**
   * The item whose vector and details it replaces; its uses and edges stay. Details that are not given are gone: give `subject` again,
   * or `forget({ subject })` will miss it.
   */
  id?: MemoryId | StoredId | undefined;
}
/** Which items are wanted: those that every given part holds for. */
interface MemoryFilter {
  /** Those that have all of these. */
  tags?: readonly string[] | undefined;
  /** Those that have one of these at least. */
  anyTag?: readonly string[] | undefined;
  /** Those about this one. */
  subject?: string | undefined;
}
/** What items are wanted. */
interface RecallOptions {
  /** How many at most, from 0. Default 10. */
  k?: number | undefined;
  /** Default: among all. */
  where?: MemoryFilter | undefined;
  /** Least score, -1 to 1. Default -1. */
  minScore?: number | undefined;
  /** How many edges are followed from what was found, 0 to 3. Default 0. */
  expand?: number | undefined;
}
/** An item that was found. */
interface RecalledItem {
  /** Its id. */
  id: MemoryId;
  /**
   * Cosine of its vector with the query, or, where that is more, the score of an item that an edge led from times the weight of
   * the edge.
   */
  score: number;
  /** What `remember` was given; undefined without any. */
  metadata?: Metadata | undefined;
  /** What `remember` was given. */
  tags: readonly string[];
  /** What `remember` was given; undefined without one. */
  subject?: string | undefined;
  /** The item from which an edge led to it. */
  via?: MemoryId | undefined;
}
//#endregion
//#region ts/engine/learning.d.ts
/** Progress of `learn`, in optimiser steps. */
interface LearnProgress {
  /** Steps made. */
  done: number;
  /** Steps that the cycle has in all. */
  total: number;
}
/** Options of `learn`. */
interface LearnOptions {
  /** Stops it at its next step: nothing is published, and what was taken in stays owed to the next cycle. */
  signal?: AbortSignal | undefined;
  /** Called about a hundred times; what it throws stops the cycle and is passed on. */
  onProgress?: ((progress: LearnProgress) => void) | undefined;
}
//#endregion
//#region ts/engine/routes.d.ts
/** A named option as it stands. */
interface Route {
  /** Name, as it was given. */
  name: string;
  /** Whether it takes part in rankings: it has a prior, its own or taken from its first good query. */
  ranked: boolean;
  /** Outcomes so far. */
  count: number;
  /** Their mean; 0 without any. */
  avgQuality: number;
  /** What `addRoute` was given, frozen; undefined without any. */
  metadata?: Metadata | undefined;
  /** Its other names; undefined without any. */
  aliases?: string[] | undefined;
}
/** One ranked route. */
interface RankedRoute {
  /** Its name. */
  route: string;
  /** Cosine of the adapted query with the route's prototype, and a twentieth of its trained offset; 0 in a fallback. */
  score: number;
  /**
   * Among the eligible routes: softmax of 20 x score, pooled with what past queries say once that has been learned, over a
   * temperature that is fitted to outcomes, and mixed with what names say where the query is unlike all that is known. Routes are ranked by it. In a fallback the share of this route: the sum of its
   * qualities plus 1.
   */
  probability: number;
  /** How likely the route was to come first, 0 to 1, a sum of 1 over all routes; undefined unless `explore`, and in a fallback. */
  propensity?: number | undefined;
  /** Outcomes that the route has had, and their mean quality, 0 to 1. */
  evidence: {
    count: number;
    avgQuality: number;
  };
  /** What `addRoute` was given, frozen; undefined without any. */
  metadata?: Metadata | undefined;
}
/** A past query that was near, with what was tried and how it went. */
interface Episode {
  /** The trajectory that ended with its outcome. */
  trajectoryId: TrajectoryId;
  /** The route that was tried. */
  route: string;
  /** How well that went, 0 to 1: near 1 it spoke for the route, near 0 against it. */
  quality: number;
  /** Cosine with the present query. */
  similarity: number;
  /** Share of all attention that was paid to it. */
  attention: number;
}
/** How long past queries were reasoned about. */
interface Reasoning {
  /** Rounds of "if not that one, which?"; 0 without past queries near. More are allowed where queries like this one went badly. */
  rounds: number;
  /** Why there were no more: nothing to reason about, no probability moved any more, or the rounds were used up. */
  stop: 'nothing' | 'settled' | 'rounds';
  /** Up to 64 past queries that spoke for and against, the nearest first; undefined unless `explain`. */
  episodes?: Episode[] | undefined;
}
/** A ranking of routes for one query. */
interface RouteSuggestion {
  /** For `feedback`, or for `beginTrajectory` as `decision`: an opaque string that no other engine gives out. */
  id: SuggestionId;
  /** The first of `ranked`; null when no route is ranked. */
  best: string | null;
  /** Best first. */
  ranked: RankedRoute[];
  /** Probability of the best; 0 when no route is ranked. */
  confidence: number;
  /** Whether the confidence is below `abstainBelow`, `inScope` is below `abstainOutside`, or no route is ranked. */
  abstain: boolean;
  /**
   * How usual the query is, 0 to 1: the share of queries that went well that were at most as similar to what is known. Near 0 for a
   * query that belongs to no route; with n such queries at least 1 / (n + 1). Null until 30 have gone well and a training has
   * taken them in, without `memory`, and in a fallback.
   */
  inScope: number | null;
  /** How long past queries were reasoned about and, with `explain`, which. */
  reasoning: Reasoning;
  /**
   * Why the text did not count, or by its hashed words alone (`language`); null where it did. Nothing is learned from the outcome
   * of what was answered without it: `feedback` answers `no-query`.
   */
  fallback: Fallback | null;
}
//#endregion
//#region ts/engine/pattern-type.d.ts
/** What kind of work a pattern stands for, by what most of its trajectories said. */
declare const PatternType: Readonly<{
  /** Nothing in particular, or nobody said. */readonly General: "General"; /** Steps of thought. */
  readonly Reasoning: "Reasoning"; /** Facts looked up. */
  readonly Factual: "Factual"; /** Invention. */
  readonly Creative: "Creative"; /** Code written. */
  readonly CodeGen: "CodeGen"; /** Talk. */
  readonly Conversational: "Conversational";
}>;
/** What kind of work a pattern stands for. */
type PatternType = (typeof PatternType)[keyof typeof PatternType];
//#endregion
//#region ts/engine/trajectory-builder.d.ts
/** Options of a step. */
interface StepOptions {
  /** Layer of the background adapter that the step trains, below `baseLoraLayers`. Default 0. */
  layer?: number | undefined;
}
/** What is known of a step that names a node. */
interface NodeStepParts {
  /** How well the step did: a finite number, usually 0 to 1. Patterns show the mean. */
  score: number;
  /** Time that it took, in milliseconds, from 0. Patterns show the mean. */
  latencyMs: number;
}
/**
 * A trajectory while it is being told. Made by `beginTrajectory`, taken by `endTrajectory`. In JSON and in a text it is its
 * id, by which `endTrajectory` knows it too.
 */
interface TrajectoryBuilder {
  /** Identity, an opaque string that no other engine gives out, nor this one after a restart. */
  readonly id: TrajectoryId;
  /** Length of its vectors. */
  readonly dim: number;
  /** Steps so far. */
  readonly stepCount: number;
  /**
   * Adds a step. Without a route each step is a lesson: queries like this one move toward its activation, or away
   * from it, by the outcome `reward * quality`, clipped to [0, 1].
   *
   * @param activations what was used or produced, `hiddenDim` numbers with a direction
   * @param attentionWeights finite numbers, any length; kept with the trajectory as 32-bit numbers, not learned from
   * @param reward a finite number, usually 0 to 1
   */
  addStep(activations: Vector, attentionWeights: Vector, reward: number, options?: StepOptions): this;
  /**
   * Adds a step that names a node (a tool, a document, a model) instead of giving an activation. It goes to the record
   * of its pattern (`nodes`) and trains no adapter. At most `maxTrajectorySteps`.
   */
  addNode(node: string | number, step: NodeStepParts): this;
  /** Names the option that was chosen. A name that no route has becomes a route when the trajectory ends. */
  setRoute(name: string): this;
  /**
   * Adds the id of a context, any string: patterns show it with their exemplars. `type:<PatternType>` says what kind of
   * pattern the trajectory belongs to.
   */
  addContext(contextId: string): this;
  /** Says what kind of pattern it belongs to. */
  setPatternType(type: PatternType): this;
  /** Gives it up: nothing is learned from it, and its id is not known any more. One that has ended throws `SONA_UNKNOWN_TRAJECTORY`. */
  discard(): void;
}
/** An open trajectory: its builder, or its id. */
type TrajectoryRef = TrajectoryBuilder | TrajectoryId | StoredId;
//#endregion
//#region ts/engine/outcomes.d.ts
/** Options of `endTrajectory`. */
interface EndOptions {
  /** What it is taken for; not given, it is judged by its quality against what was expected. */
  verdict?: Verdict | undefined;
  /** Where the outcome comes from, in words of your own: what `forget` can be asked for. */
  source?: string | undefined;
}
//#endregion
//#region ts/engine/patterns.d.ts
/** Outcomes of one route in one pattern. */
interface RouteRecord {
  /** Trajectories that chose it. */
  count: number;
  /** Their mean quality, 0 to 1. */
  avgQuality: number;
  /** Share of successes among those that succeeded or failed; null when none was judged. */
  successRate: number | null;
}
/** Steps of one node in one pattern. */
interface NodeRecord {
  /** Steps that named it. */
  count: number;
  /** Their mean score. */
  avgScore: number;
  /** Their mean time, in milliseconds. */
  avgLatencyMs: number;
}
/** A trajectory near the middle of a pattern. */
interface Exemplar {
  /** Its id, for `learnFromFeedback` and `forget`. */
  trajectoryId: TrajectoryId;
  /** The option that it chose; null for none, or one that has been removed. */
  route: string | null;
  /** How well it went, 0 to 1. */
  quality: number;
  /** Its context ids. */
  contexts: readonly string[];
  /** Cosine with the centroid. */
  similarity: number;
}
/** Queries that are alike, and what came of them. Objects inside are shared between calls and frozen. */
interface LearnedPattern<V extends Vector = Vector> {
  /** Number as a string; the same as long as the pattern lives. */
  id: string;
  /** Unit mean of the queries, of the kind of the query that was asked with. */
  centroid: V;
  /** Trajectories that it counts. */
  clusterSize: number;
  /** The same, halved for every 50,000 trajectories that the engine learned since the pattern last got one or was found. */
  totalWeight: number;
  /** Mean quality. */
  avgQuality: number;
  /** Share of successes among those that succeeded or failed; null when none was judged. */
  successRate: number | null;
  /** Outcomes by route. */
  routes: Readonly<Record<string, RouteRecord>>;
  /** Steps by the node that they named. */
  nodes: Readonly<Record<string, NodeRecord>>;
  /** Mean time that answers took, in milliseconds; null when it was never told. */
  avgLatencyMs: number | null;
  /** Up to three of its trajectories, nearest to the centroid first. */
  exemplars: readonly Exemplar[];
  /** Unix time in seconds, as a string. */
  createdAt: string;
  /** Unix time in seconds, as a string. */
  lastAccessed: string;
  /** How often it was found, this time included. */
  accessCount: number;
  /** What most of its trajectories said that they are; `General` when none did. */
  patternType: PatternType;
  /** Cosine of the query with the centroid. */
  similarity: number;
}
/** What quality to expect. */
interface QualityExpectation {
  /** 0 to 1, drawn toward the mean of all while evidence is small; null without evidence. */
  quality: number | null;
  /** Trajectories that it rests on, distant and old ones counting less. */
  evidence: number;
}
//#endregion
//#region ts/engine/route-prior.d.ts
/** Where a route starts: the embedding of its name or of a description, or either in words. */
interface RouteParts {
  /** The prior. */
  embedding?: Vector | undefined;
  /** What it is the embedding of, for the engine's embedder. Not both. */
  text?: string | undefined;
  /**
   * Several texts, up to 1,000: a description and examples of what people ask. The prior is the mean of their directions. Not beside
   * the others.
   */
  texts?: readonly string[] | undefined;
  /** Plain data that comes back with the route, in place of what was kept before. */
  metadata?: Metadata | undefined;
  /**
   * Other names of the route, up to 64, in place of those that it had: every call that names a route, but for `addRoute`, takes such a
   * name, too. None may be the name or an alias of a route already; with its route it is gone.
   */
  aliases?: readonly string[] | undefined;
}
//#endregion
//#region ts/engine/suggestion-outcome.d.ts
/** What came of a suggestion. */
interface SuggestionOutcome {
  /** How well it went, 0 to 1: whether the route was the right one. Without it nothing is learned. */
  quality?: number | undefined;
  /** The route that was taken. Default: the best one of the suggestion. */
  route?: string | undefined;
  /** Adds a route of that name where there is none. Default false: `SONA_UNKNOWN_ROUTE`. */
  create?: boolean | undefined;
  /** What it is taken for; by default it is judged by its quality against what was expected. */
  verdict?: Verdict | undefined;
  /** How long the answer took, in milliseconds, from 0: shows in the patterns. */
  latencyMs?: number | undefined;
  /** Where the outcome comes from, for `forget`. */
  source?: string | undefined;
  /** Replaces an outcome that came before; the route and the source stay. Default false. */
  amend?: boolean | undefined;
}
/** Whether the outcome of a suggestion was taken in. */
interface SuggestionResult {
  /** Whether it was. */
  applied: boolean;
  /** The trajectory that holds the outcome, where it was taken in: for `forget` and `learnFromFeedback`. */
  trajectoryId?: TrajectoryId | undefined;
  /**
   * Why not. `expired`: the suggestion is not one of the newest `suggestionCapacity`, or its outcome not one of the newest
   * `trajectoryCapacity`. `unknown`: no suggestion has had this number. `repeated`: it has an outcome already; amend it.
   * `unchanged`: the amendment says what was known. `empty`: there is no quality. `no-route`: no route was named, and the
   * suggestion had none, or it has been removed. `no-query`: the suggestion is a fallback, made without the text. `disabled`: learning is off. `foreign`: another engine made the suggestion, or
   * this one after the state was saved that it was restored from.
   */
  reason?: 'expired' | 'unknown' | 'repeated' | 'empty' | 'disabled' | 'no-route' | 'unchanged' | 'no-query' | 'foreign' | undefined;
}
//#endregion
//#region ts/engine/engine.d.ts
/** What this build can do on this machine. */
interface Capabilities {
  /** Kernels that engines use. */
  simd: string;
  /** Kernels that would run here. */
  backends: string[];
  /** Version of the native core. */
  version: string;
  /** Operating system and processor, `linux-x86_64` for instance. */
  platform: string;
}
/** The kind of vectors that answers to a query hold: the query's own, or Float32Array for text. */
type AnswerVector<Q extends Query> = Q extends string | ChatMessages ? Float32Array : Q extends Vector ? Same<Q> : never;
/** What routes are wanted. */
interface SuggestOptions {
  /** How many, from 1. Default 5. */
  k?: number | undefined;
  /** Names that may be chosen. Default: all. */
  eligible?: readonly string[] | undefined;
  /** Whether to say which past queries spoke for and against: `reasoning.episodes`. Default false. */
  explain?: boolean | undefined;
  /**
   * Whether routes of which little is known are tried where no other is sure: the first of `ranked` is then drawn, `confidence` is
   * its probability, and each has its `propensity`. It begins with the first outcomes, and another than the best is drawn seldom.
   * Default false.
   */
  explore?: boolean | undefined;
}
/**
 * Learns from outcomes and gets better at the next query: adapts query embeddings, ranks routes.
 *
 * Every method that returns a vector returns the kind that it was given and takes an `out` buffer. Whatever is refused
 * throws a {@link SonaError} that names the argument, and changes nothing: `SONA_INVALID_ARGUMENT` for a value of the
 * wrong kind, `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE` and `SONA_OUT_OF_RANGE` for numbers and vectors, also a zero
 * vector where a direction is needed, `SONA_UNKNOWN_TRAJECTORY` and `SONA_UNKNOWN_ROUTE` for names and ids, and
 * `SONA_CLOSED` after `close`.
 *
 * A {@link Query} is a vector, a text, or the messages of a chat. Text needs an embedder: the built-in one where `hiddenDim` is
 * 256, 128 or 64, or that of the config. One that takes its time (`SONA_ASYNC_EMBEDDER`) needs the methods that end in
 * `Async`, which take every query. A text of which the embedder knows nothing is refused as a zero vector is.
 */
declare class SonaEngine {
  #private;
  /**
   * An engine that has learned nothing.
   *
   * @param config its settings, or the length of every vector alone, 1 to 65,536; default 256. `SONA_INVALID_CONFIG` names the
   * setting; an unknown key, with the nearest known one
   */
  constructor(config?: number | SonaConfig);
  /** As the constructor with settings. */
  static withConfig(config: SonaConfig): SonaEngine;
  /** Builds the settings of an engine, one method per setting. */
  static builder(): SonaEngineBuilder;
  /**
   * One engine for all threads of the process. The first who asks for a name makes it, with `config` or default settings;
   * each thread closes its own, the last one ends the engine. Another config for the same name throws
   * `SONA_INVALID_CONFIG`. A trajectory that has begun belongs to the object that began it.
   */
  static shared(name: string, config?: SonaConfig): SonaEngine;
  /**
   * The engine of a snapshot, with its settings: gives the same answers and learns on the same way, bit for bit in manual
   * mode. It is an engine of its own: trajectories that came with the state still take their outcomes, ids that were issued
   * after it was saved are `foreign`, unless it {@link EngineRestoreOptions.continues | continues} the other.
   *
   * @throws `SONA_CORRUPT_STATE` for bytes that are damaged, `SONA_INCOMPATIBLE_STATE` for those of something else or of
   * a newer format
   */
  static restore(bytes: Uint8Array, options?: EngineRestoreOptions): SonaEngine;
  /**
   * The engine of a file that `save` wrote, read off the main thread. `stats()` tells what it holds. Rejects with
   * `SONA_IO`, and as {@link restore}.
   */
  static load(path: string, options?: EngineRestoreOptions): Promise<SonaEngine>;
  /**
   * Calls `listener` with each event of a name from now on; returns what ends that. A listener that throws, or whose promise
   * rejects, fails nobody: see the event `error`.
   */
  on<Name extends keyof SonaEvents>(event: Name, listener: (event: SonaEvents[Name]) => unknown): () => void;
  /** As `on`, for the next event alone. */
  once<Name extends keyof SonaEvents>(event: Name, listener: (event: SonaEvents[Name]) => unknown): () => void;
  /** Ends what `on` or `once` with this listener began. */
  off<Name extends keyof SonaEvents>(event: Name, listener: (event: SonaEvents[Name]) => unknown): void;
  /** Length of every vector. */
  get hiddenDim(): number;
  /** What makes vectors of text; null where there is nothing for vectors of this length. */
  get embedder(): Embedder | null;
  /** x plus the per-request adapter's change, not normalised; untrained: x, bit for bit. About 0.3 us into a buffer. */
  applyMicroLora<V extends Vector>(x: V, out?: Same<V>): Same<V>;
  /** x plus one layer's change of the background adapter; layer 0 is the one that queries train. */
  applyBaseLora<V extends Vector>(layer: number, x: V, out?: Same<V>): Same<V>;
  /** x plus the change of the per-request adapter and of the background adapter's layer 0: what `suggestRoutes` ranks by. */
  applyLora<V extends Vector>(x: V, out?: Same<V>): Same<V>;
  /** `applyMicroLora` on any number of vectors that lie one after another in one vector. */
  applyMicroLoraBatch<V extends Vector>(flat: V, out?: Same<V>): Same<V>;
  /**
   * Adds a named option that can be right for a query, or replaces the prior embedding of a known one. Up to 10,000.
   *
   * @param options.embedding of the name or a description: the prior. Without one the route is not ranked until its
   * first query with quality >= .5, whose vector becomes the prior.
   * @param options.text the name or a description in words, in place of its embedding
   * @param options.texts several texts, 1 to 1,000, in its place: the prior is the mean of their directions
   * @param options.metadata plain data, kept with the route and returned by `routes` and `suggestRoutes`
   * @param options.aliases other names of the route, up to 64, in place of those that it had: every other call that names a route
   * takes such a name, too
   * @throws `SONA_OUT_OF_RANGE` for the 10,001st; `SONA_INVALID_ARGUMENT` for a name that is an alias of another route, and for an
   * alias that is a route's name or alias already
   */
  addRoute(name: string, options?: RouteParts): void;
  /** As `addRoute`, with every embedder. */
  addRouteAsync(name: string, options?: RouteParts & AsyncOptions): Promise<void>;
  /** Removes a route, with what it learned: from rankings, patterns and everything that is trained later. */
  removeRoute(name: string): void;
  /** All routes, in the order in which their places were taken. */
  routes(): Route[];
  /**
   * Ranks routes for a query by the cosine of the adapted query with each route's prototype, and by what happened to the nearest
   * past queries, as far as that has been worth trusting (`memory` in the settings).
   *
   * Where the embedder fails, or knows nothing of the text, the routes are ranked by how often each was right so far, and
   * `fallback` says why; see `onEmbedderError`. It also says where the text's language is not known and its hashed words count.
   *
   * @param options.k how many to return, from 1; default 5
   * @param options.eligible names that may be chosen; default all
   * @param options.explain says which past queries spoke for and against: `reasoning.episodes`; default false
   * @param options.explore tries routes of which little is known where no other is sure, each with its `propensity`; default false
   */
  suggestRoutes(query: Query, options?: SuggestOptions): RouteSuggestion;
  /** As `suggestRoutes`, with every embedder. */
  suggestRoutesAsync(query: Query, options?: SuggestOptions & AsyncOptions): Promise<RouteSuggestion>;
  /**
   * What came of a suggestion: all that a backend without steps of its own needs. The route's prototype and the adapters
   * learn from it before this returns. Once for each suggestion, unless it is amended; also after a restart, where the state was
   * saved after the suggestion was made.
   *
   * @param id `suggestRoutes(query).id`
   * @param outcome.quality how well it went, 0 to 1
   * @param outcome.route the route that was taken, where it is not the best one; `SONA_UNKNOWN_ROUTE` for a name that no route
   * has, unless `create`
   */
  feedback(id: SuggestionId | StoredId, outcome: SuggestionOutcome): SuggestionResult;
  /**
   * Starts telling a trajectory.
   *
   * @param options.decision the id of the `suggestRoutes` result that led here; saves a search when it ends. Another
   * engine's, or one from before a restart, is passed over: the search is made again
   */
  beginTrajectory(query: Query, options?: {
    decision?: SuggestionId | StoredId | undefined;
  }): TrajectoryBuilder;
  /** As `beginTrajectory`, with every embedder. */
  beginTrajectoryAsync(query: Query, options?: {
    decision?: SuggestionId | StoredId | undefined;
  } & AsyncOptions): Promise<TrajectoryBuilder>;
  /**
   * Ends a trajectory with its outcome. When this returns, the next call on any thread sees what was learned from it
   * at once; the record then waits for background learning.
   *
   * @param quality how well it went, 0 to 1; for a route: whether it was the right one
   */
  endTrajectory(trajectory: TrajectoryRef, quality: number, options?: EndOptions): void;
  /**
   * Corrects the outcome of a trajectory that has ended: prototype and records become what they would be, had it been
   * told right at once; the per-request adapter takes the difference; the background adapter learns from it from the next
   * cycle on. The same signal again changes nothing. Known are the newest `trajectoryCapacity`, also those that came with a
   * state; an older one throws `SONA_UNKNOWN_TRAJECTORY`. The id of another engine or a router, or one that a former process
   * issued after its state was saved, changes nothing and is told as `foreign`.
   */
  learnFromFeedback(signal: SignalParts): FeedbackResult;
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
  /**
   * The nearest patterns of past trajectories, nearest first.
   *
   * @param k how many at most, from 0; default 5
   * @param options.minQuality least mean quality; default `qualityThreshold`. 0 shows what failed too
   */
  findPatterns<Q extends Query>(query: Q, k?: number, options?: {
    minQuality?: number | undefined;
  }): LearnedPattern<AnswerVector<Q>>[];
  /** As `findPatterns`, with every embedder. */
  findPatternsAsync<Q extends Query>(query: Q, k?: number, options?: {
    minQuality?: number | undefined;
  } & AsyncOptions): Promise<LearnedPattern<AnswerVector<Q>>[]>;
  /**
   * What quality to expect for a query, from the nearest patterns of past trajectories.
   *
   * @param options.route for that route alone
   */
  expectQuality(query: Query, options?: {
    route?: string | undefined;
  }): QualityExpectation;
  /** As `expectQuality`, with every embedder. */
  expectQualityAsync(query: Query, options?: {
    route?: string | undefined;
  } & AsyncOptions): Promise<QualityExpectation>;
  /**
   * Remembers a vector, or a text by its vector, with details; {@link recall} finds it again. The text itself is not kept: put it
   * into `metadata` where you want it back. Where there is no room (`memoryCapacity`, `memoryBudgetMb`), the items go that are
   * worth least: usefulness x (1 + ln(1 + uses)) x 2^(-age / 30 days), by the time since they were last recalled or remembered.
   *
   * @param options.session it is linked with the newest item of the same session
   * @param options.id the item to replace; `SONA_INVALID_ARGUMENT` for one that is not remembered (any more)
   * @returns the item's id
   */
  remember(query: Query, options?: RememberOptions): MemoryId;
  /** As `remember`, with every embedder. */
  rememberAsync(query: Query, options?: RememberOptions & AsyncOptions): Promise<MemoryId>;
  /**
   * The items whose vectors are most like a query's, best first; each counts as used. Never waits for whoever remembers.
   *
   * @param options.where among those with these tags, or about this subject
   * @param options.expand follows edges from what was found: to the next and the previous of a session, to what was used together.
   * What they lead to competes with the rest for the `k` places, by the better of both scores
   */
  recall(query: Query, options?: RecallOptions): RecalledItem[];
  /** As `recall`, with every embedder. */
  recallAsync(query: Query, options?: RecallOptions & AsyncOptions): Promise<RecalledItem[]>;
  /**
   * Says how well it went with items that were used together: their usefulness and the weights of the edges among them move by up
   * to 5 %, and from .5 on those that have no edge get one.
   *
   * @param ids up to 100; those that are gone count nothing
   * @param quality 0 to 1
   * @returns how many of them are remembered; 0 while learning is off
   */
  reinforce(ids: readonly (MemoryId | StoredId)[], quality: number): number;
  /** Forgets an item at once; whether there was one. */
  forgetMemory(id: MemoryId | StoredId): boolean;
  /** The newest promoted weights, oldest first. Up to eight are kept. */
  versions(): Version[];
  /**
   * Makes the weights of a kept version serve again; training goes on from there. The per-request adapter starts afresh,
   * prototypes and patterns stay.
   *
   * @param version one of `versions()`; another throws `SONA_OUT_OF_RANGE`
   */
  rollback(version: number): void;
  /**
   * Forgets trajectories. Prototypes and patterns become exactly what they would be without them; the background adapter
   * is trained anew on what is left, which takes as long as training on all of it; kept versions go. By `subject`, forgets the
   * items about it, at once.
   *
   * @throws `SONA_INVALID_ARGUMENT` without a criterion
   */
  forget(criterion: ForgetCriterion): ForgetResult;
  /**
   * Everything that was learned and that waits to be, as bytes that {@link restore} takes. Open trajectories are not
   * part of it. Waits for a cycle under way; then about a millisecond per megabyte.
   */
  snapshot(): Uint8Array;
  /**
   * Writes a snapshot to a file, off the main thread. The file is either the old one or the new one, whatever happens.
   * Rejects with `SONA_IO`.
   */
  save(path: string): Promise<void>;
  /** Counters as a JSON string with snake_case keys. */
  getStats(): string;
  /** Counters. */
  stats(): SonaStats;
  /** Bytes that its parts take. Waits for a cycle under way. */
  memory(): SonaMemory;
  /** Off: `apply*` and `suggestRoutes` still answer, no outcome is recorded or learned. Items are still remembered and recalled. */
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
//#region ts/engine/presets.d.ts
/** Settings for common purposes. Copy one and change what you like: `{ ...presets.maxQuality, hiddenDim: 384 }`. */
interface Presets {
  /** Little training, small maps: for many requests per second. */
  readonly maxThroughput: Readonly<SonaConfig>;
  /** The best answers: more rank, more memory, more patterns. */
  readonly maxQuality: Readonly<SonaConfig>;
  /** Little memory: under 5 MB for 256 numbers and 20 routes. */
  readonly edgeDeployment: Readonly<SonaConfig>;
  /** Trained when the caller says, the same every time. */
  readonly batchProcessing: Readonly<SonaConfig>;
}
/** Settings for common purposes: of each preset, those that are not the default. */
declare const presets: Presets;
//#endregion
//#region ts/log/decision-record.d.ts
/** One decision of a router with what came of it: a line of the decision log. */
interface DecisionRecord {
  /** Version of the format. In the first one, ids were numbers that a restarted router gave out again. */
  v: 1 | 2;
  /** Names the decision: text that no other has, or a number (`v: 1`). */
  id: number | string;
  /** Which router made it, and since which start (`v: 2`). */
  incarnation?: string | undefined;
  /** Version of what was learned when it was made (`v: 2`; in `v: 1`, `policy.version`). */
  version?: number | undefined;
  /** When it was made, milliseconds since 1970. */
  at: number;
  /** Whether the choice was meant to be followed. */
  mode: 'apply' | 'observe';
  /** What chose: the policy, a session that stays with its model, or a trial of a new model. */
  reason: 'policy' | 'session' | 'trial';
  /** The policy that was in force: its kind of exploration, its propensity floor, its version. */
  policy: {
    exploration: string;
    floor: number;
    version?: number;
  };
  /** The basis that made the features. Features of different bases can't be compared. */
  basis: {
    id: string;
    hash: string;
  };
  /** Seed of the decision's random choice. */
  seed: number;
  /** Base64 of 128 32-bit floats, little endian: both blocks of features, without their intercepts. */
  features?: string | undefined;
  /** Hash of the features, with or without them in the log. */
  featuresHash: string;
  /** Models that might have been chosen. Left out in logs that do not say. */
  eligible?: string[] | undefined;
  /**
   * Probability with which each of them was, in the same order, as it was given. They sum to 1, within what their digits
   * allow. Left out in logs that know the chosen model's alone.
   */
  propensities?: number[] | undefined;
  /** The model that was chosen. */
  model: string;
  /** What it is called by and with, and its own plain data, where any of that was given. */
  arm?: RecordedArm | undefined;
  /** Its propensity. */
  propensity: number;
  /** What was expected of it. */
  expected: {
    quality: number | null;
    costUsd: number | null;
    latencyMs: number | null; /** Tokens of the answer, once any were told of the model. */
    outputTokens?: number | null | undefined;
  };
  /** Whether it was made without its prompt; the features are then the mean of those before. */
  contextFree?: true | undefined;
  /** What was asked about, where the router's `logText` is on. */
  text?: string | undefined;
  /** Session that the request belongs to. */
  sessionId?: string | undefined;
  /** Tenant that the request belongs to. */
  tenant?: string | undefined;
  /** Whose data the request was made from. */
  subject?: string | undefined;
  /** Plain data of the caller's. */
  metadata?: Metadata | undefined;
  /** Length of the prompt. */
  promptTokens?: number | undefined;
  /** What came of it, once that is known. */
  outcome?: RecordedOutcome | undefined;
}
/** What is known of the model that was chosen. */
interface RecordedArm {
  /** Name of the model that is called, where it is not the id. */
  model?: string | undefined;
  /** What it is called with. */
  settings?: Metadata | undefined;
  /** Plain data of the caller's. */
  metadata?: Metadata | undefined;
}
/** The outcome in a {@link DecisionRecord}. */
interface RecordedOutcome {
  /** How good the answer was, 0 to 1. */
  quality?: number | undefined;
  /** What it cost, in US dollars. */
  costUsd?: number | undefined;
  /** How long it took, in milliseconds. */
  latencyMs?: number | undefined;
  /** Tokens of the answer. */
  outputTokens?: number | undefined;
  /** Whether the answer was cut there. */
  truncated?: boolean | undefined;
  /** Whether the call failed; in other systems' logs also with what message. */
  error?: boolean | string | undefined;
  /** Who said so. */
  source?: string | undefined;
  /** The model that answered, where it was not the one that was chosen. */
  model?: string | undefined;
  /** The calls that were made for the decision, one after another: those that failed, and the one that answered. */
  attempts?: RecordedAttempt[] | undefined;
  /** Plain data of the caller's. */
  metadata?: Metadata | undefined;
  /** When it was told, milliseconds since 1970. */
  at: number;
}
/** One of the calls that were made for a decision. */
interface RecordedAttempt {
  /** The model that was called. */
  model: string;
  /** Whether the call failed; in other systems' logs also with what message. */
  error?: boolean | string | undefined;
  /** How good its answer was, 0 to 1. */
  quality?: number | undefined;
  /** What it cost, in US dollars. */
  costUsd?: number | undefined;
  /** How long it took, in milliseconds. */
  latencyMs?: number | undefined;
  /** Tokens of the answer. */
  outputTokens?: number | undefined;
  /** Whether the answer was cut there. */
  truncated?: boolean | undefined;
}
//#endregion
//#region ts/log/lines.d.ts
/** Text of lines: as a whole, or line by line. */
type TextLines = string | Iterable<string>;
/**
 * Text that comes bit by bit: a file's stream, a `ReadableStream`, lines of a `readline` interface. Pieces may begin and end
 * anywhere; bytes are UTF-8.
 */
type TextStream = AsyncIterable<string | Uint8Array>;
//#endregion
//#region ts/log/decision-log.d.ts
/** A decision log that is there: JSON Lines, as text or line by line, or decision records. */
type DecisionLog = TextLines | Iterable<DecisionRecord>;
/** A decision log that comes by and by: lines, or pieces of text or of its bytes, as streams give them. */
type DecisionLogStream = TextStream;
/**
 * Reads a decision log: JSON Lines, one decision each. Lines of outcomes alone, `{v, id, outcome}`, are joined to their
 * decisions; of several outcomes the one that was told last (`at`) counts, as a whole. Outcomes whose decision the log does
 * not have, and blank lines, are passed over. A decision (`v: 2`) that is there several times is one decision with all that
 * its lines say; where they have features on several bases, those on the basis that most decisions of the log have. Logs of
 * several routers and of restarts may follow one another.
 *
 * Takes text, an iterable of lines, decision records, or a stream of text or bytes, for which it gives a promise.
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_OUT_OF_RANGE` or `SONA_NOT_FINITE`, naming line and field.
 */
declare function readLog(log: DecisionLog): DecisionRecord[];
declare function readLog(log: DecisionLogStream): Promise<DecisionRecord[]>;
declare function readLog(log: DecisionLog | DecisionLogStream): DecisionRecord[] | Promise<DecisionRecord[]>;
/** Writes records as a decision log, a line each. `readLog` gives them back. */
declare function writeLog(records: readonly DecisionRecord[]): string;
//#endregion
//#region ts/log/evaluation-policy.d.ts
/**
 * A policy to evaluate:
 * - `'logged'`: the one that made the log;
 * - `'uniform'`: each eligible model with the same probability. The log must say which were;
 * - `{ model }`: always this one, on decisions where it was eligible, or may have been;
 * - a function: probabilities by model that sum to 1. What lies on models that were not eligible is shared out among
 *   those that were; where nothing is left the decision is excluded;
 * - `{ propensities }`: the probabilities of all decisions of the log one after another, each decision's in the order of its
 *   `eligible`, with those that don't enter.
 *
 * Probabilities sum to 1, within what their digits allow. None of these needs the propensities of models that were not chosen,
 * but without them less is known of what the log has not tried.
 */
type EvaluationPolicy = 'logged' | 'uniform' | {
  readonly model: string;
} | {
  readonly propensities: Float64Array;
} | ((record: DecisionRecord) => Readonly<Record<string, number>>);
/** Decisions that an evaluation leaves out, counted by the first cause that holds. */
interface Exclusions {
  /** Made in the mode `'observe'`: nobody followed them. */
  observed: number;
  /** Made by a session, which stays with its model whatever the policy says. */
  session: number;
  /** Nothing is known of how they went. */
  noOutcome: number;
  /** The outcome has no quality. */
  noQuality: number;
  /** Another model answered than the one that was chosen. */
  otherModel: number;
  /** The policy chooses no model that was eligible. */
  ineligible: number;
}
//#endregion
//#region ts/log/foreign.d.ts
/** Options of every reader of another system's logs. */
interface ForeignLogOptions {
  /** All models that might have been chosen, where the log does not say. Without them, policies that need these are refused. */
  eligible?: readonly string[] | undefined;
  /** Whether to make features of the context, hashed to 128 numbers. Default true. */
  features?: boolean | undefined;
}
//#endregion
//#region ts/log/offpolicy.d.ts
/** Options of `evaluatePolicy`. */
interface EvaluationOptions {
  /** What a decision was worth, 0 to 1. Default: the quality of its outcome, or of the attempt that answered. */
  reward?: ((record: DecisionRecord) => number) | undefined;
  /** Whether the outcome model of DM, DR and SNDR may use the features of the log. Default true. */
  features?: boolean | undefined;
  /** Seed of the split into folds. Default 0. */
  seed?: number | undefined;
  /** Least support with which a policy is evaluated, 0 to 1. Default 0.5. */
  minSupport?: number | undefined;
  /**
   * Least effective sample size with which a policy is evaluated, from 0: by the weights that were drawn, and with their squares
   * as they were to be expected. Default 10.
   */
  minEffectiveSampleSize?: number | undefined;
}
/** An estimated mean reward. */
interface Estimate {
  /**
   * Mean reward that the policy would have had. Not clipped: what leaves [0, 1] shows a lack of data. Where support is
   * missing, the middle of what is possible.
   */
  value: number;
  /** Estimated standard deviation of `value`. */
  standardError: number;
  /** 95 % interval: 1.96 standard errors to both sides, and half of the missing support. */
  interval: [number, number];
}
/** The direct method's estimate, which is as good as its model. */
interface DirectEstimate extends Estimate {
  /** What the log says is missing from `value`, the mean weighted residual: DR minus DM. */
  bias: number;
  /** Estimated standard deviation of `bias`. */
  biasStandardError: number;
}
/** What a decision log says about a policy. */
interface PolicyEvaluation {
  /** Decisions that entered. */
  rounds: number;
  /** Those of them whose features the outcome model used. */
  featured: number;
  /** Decisions that did not enter, by cause. */
  excluded: Exclusions;
  /** Mean reward of what was logged. */
  loggedReward: number;
  /** How many decisions of the policy itself would say as much. */
  effectiveSampleSize: number;
  /** Mean of the weights, target probability over propensity. About `support` where the propensities are true. */
  meanWeight: number;
  /** Largest weight. */
  largestWeight: number;
  /**
   * Share of the policy that the log has tried: its mean probability of models whose propensity was above 0, and not so small
   * that one such choice would outweigh all others. What is missing to 1 widens every interval.
   */
  support: number;
  /** Inverse propensity scores: unbiased, and the widest. */
  ips: Estimate;
  /** IPS over the mean weight. */
  snips: Estimate;
  /** The outcome model alone. */
  dm: DirectEstimate;
  /** The outcome model, corrected by its weighted residuals. */
  dr: Estimate;
  /** DR with the residuals' weights over their mean. */
  sndr: Estimate;
  /** What the figures can't know or may be wrong about, a sentence each. Empty where there is nothing to say. */
  warnings: string[];
}
/**
 * Estimates what another policy would have earned, from a decision log.
 *
 * Decisions of the policy and of trials enter that were applied and have a quality; the rest is counted in `excluded`. The
 * formulas and what the intervals assume are in `docs/decision-log.md`.
 *
 * `log` is text, an iterable of lines, decision records, or a stream, for which it gives a promise; see `readLog`.
 *
 * Throws `SONA_INVALID_ARGUMENT`, with `support` and `effectiveSampleSize` in its details, for a policy that the log says too
 * little about: see `minSupport` and `minEffectiveSampleSize`. What was done is always evaluated. `SONA_OUT_OF_RANGE` for fewer
 * than two decisions that enter.
 */
declare function evaluatePolicy(log: DecisionLog, policy: EvaluationPolicy, options?: EvaluationOptions): PolicyEvaluation;
declare function evaluatePolicy(log: DecisionLogStream, policy: EvaluationPolicy, options?: EvaluationOptions): Promise<PolicyEvaluation>;
declare function evaluatePolicy(log: DecisionLog | DecisionLogStream, policy: EvaluationPolicy, options?: EvaluationOptions): PolicyEvaluation | Promise<PolicyEvaluation>;
//#endregion
//#region ts/log/open-bandit.d.ts
/** Options of `readOpenBandit`. Models are the items. */
type OpenBanditOptions = ForeignLogOptions;
/**
 * Reads a log in the format of the Open Bandit Dataset (Saito et al. 2021): CSV with a header, a decision per row. The columns
 * `item_id` (the model), `click` (the quality, 0 to 1) and `propensity_score` must be there; `timestamp` and `position` may. All
 * others are context. Of the propensities only that of the choice is known.
 *
 * ```ts
 * const log = await readOpenBandit(createReadStream('random/all/all.csv'));
 * evaluatePolicy(log, { model: '7' });
 * ```
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_OUT_OF_RANGE` or `SONA_NOT_FINITE`, naming line and column.
 */
declare function readOpenBandit(csv: TextLines, options?: OpenBanditOptions): DecisionRecord[];
declare function readOpenBandit(csv: TextStream, options?: OpenBanditOptions): Promise<DecisionRecord[]>;
//#endregion
//#region ts/log/vowpal-wabbit.d.ts
/** Options of `readVowpalWabbit`. */
interface VowpalWabbitOptions extends ForeignLogOptions {
  /**
   * `'cb'`: a decision per line, `action:cost:probability | features`. `'cb_adf'`: a line per action and one that is `shared`, up to a
   * blank one. `'dsjson'`: a JSON object per line. Default: what the first line looks like.
   */
  format?: 'cb' | 'cb_adf' | 'dsjson' | undefined;
  /** Quality of an answer by its cost, 0 to 1. Default: minus the cost, which must then lie between -1 and 0. */
  quality?: ((cost: number) => number) | undefined;
}
/**
 * Reads a log of contextual bandits in the formats of Vowpal Wabbit. Models are the numbers of the actions, from `'1'`. The text formats
 * know the probability of the choice alone; `'cb_adf'` says which actions were eligible, as does a line of `'cb'` that lists them
 * (`1 2:-1:0.5 3 | features`), and `'dsjson'` also their probabilities. Examples without a cost are passed over. Continuous actions and
 * slots are refused.
 *
 * ```ts
 * readVowpalWabbit('1:-1:0.5 | user:1 evening\n2:0:0.25 | user:0\n', { eligible: ['1', '2', '3'] });
 * ```
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_OUT_OF_RANGE` or `SONA_NOT_FINITE`, naming line and part.
 */
declare function readVowpalWabbit(log: TextLines, options?: VowpalWabbitOptions): DecisionRecord[];
declare function readVowpalWabbit(log: TextStream, options?: VowpalWabbitOptions): Promise<DecisionRecord[]>;
//#endregion
//#region ts/router/models.d.ts
/** What is expected of a model before any outcome. */
interface ModelPrior {
  /** Mean quality, 0 to 1. Default: the mean of all models, and a bit more while nothing is known. */
  quality?: number | undefined;
  /** US dollars per call. */
  costUsd?: number | undefined;
  /** Milliseconds per call. */
  latencyMs?: number | undefined;
  /** Another model that it will do like: what that knows when this one is added. Default: the arms of the same `model`, or else the one with the most tags in common, if any. */
  like?: string | undefined;
  /** Outcomes that the prior counts for, above 0. Default 10. */
  weight?: number | undefined;
}
/** A model that requests can be routed to, with the settings that it is called with: what a decision chooses among. */
interface RouterModel<Id extends string = string> {
  /** Its name, unique in a router. */
  id: Id;
  /**
   * Name of the model that is called. Default: `id`. Arms that share it learn from each other: one that comes starts from what
   * the others have shown, and its own outcomes come to outweigh that.
   */
  model?: string | undefined;
  /** What it is called with, as plain data: comes back as `decision.settings`. No entry is named `model`. */
  settings?: (Metadata & {
    readonly model?: never;
  }) | undefined;
  /** Plain data of the caller's: comes back in explanations and in the decision log. */
  metadata?: Metadata | undefined;
  /** US dollars per million tokens of prompt. */
  inputUsdPer1M?: number | undefined;
  /** US dollars per million tokens of answer. */
  outputUsdPer1M?: number | undefined;
  /** Words that models share which do well on the same prompts. At most 64. */
  tags?: readonly string[] | undefined;
  /** What is expected of it. */
  prior?: ModelPrior | undefined;
}
/** What to call: the model's name, and its settings. */
type ModelSettings = {
  readonly model: string;
} & Metadata;
/** A change of prices. What is not given stays. */
interface ModelPrice {
  /** US dollars per million tokens of prompt. */
  inputUsdPer1M?: number | undefined;
  /** US dollars per million tokens of answer. */
  outputUsdPer1M?: number | undefined;
}
//#endregion
//#region ts/router/config.d.ts
/** What a router makes of the vector of a prompt. */
interface RouterFeatures {
  /** Length of every query vector, 2 to 65,536. Default: that of the embedder, the engine or the basis; else 256. */
  dim?: number | undefined;
  /**
   * The numbers that turn vectors into features. `'auto'`: fitted to the prompts that come, at 500, 1,000, 2,000 and 4,000
   * of them. `'builtin'` and `'minilm'` ship, for vectors of the built-in embedder and of all-MiniLM-L6-v2. Or one of
   * `fitBasis`. Default: the embedder's, else `'auto'`; without features, engine and embedder `'builtin'`.
   */
  basis?: 'auto' | 'builtin' | 'minilm' | Basis | undefined;
}
/** Costs that the objective tells apart, on a logarithmic scale. */
interface CostScale {
  /** US dollars per call that count as nothing. Default .00001. */
  lowUsd?: number | undefined;
  /** US dollars per call that count in full. Default .02. */
  highUsd?: number | undefined;
}
/** Latencies that the objective tells apart, on a logarithmic scale. */
interface LatencyScale {
  /** Milliseconds that count as nothing. Default 100. */
  lowMs?: number | undefined;
  /** Milliseconds that count in full. Default 30,000. */
  highMs?: number | undefined;
}
/** What is worth how much. */
interface RouterObjective {
  /** What a quality of 1 is worth. Default 1. */
  qualityWeight?: number | undefined;
  /** What a cost at the upper end of the cost scale takes away. Default 0. */
  costWeight?: number | undefined;
  /** What a latency at the upper end of the latency scale takes away. Default 0. */
  latencyWeight?: number | undefined;
  /** Costs between nothing and in full. */
  costScale?: CostScale | undefined;
  /** Latencies between nothing and in full. */
  latencyScale?: LatencyScale | undefined;
  /** Quality that a call which fails is taken for, 0 to 1: models that fail more often rank lower. Default 0. */
  failureQuality?: number | undefined;
  /**
   * Mean spend per request that is held, in US dollars. A call counts for what is expected of it until its `costUsd` or
   * `usage` is told: tell it. Default: no budget.
   */
  budgetUsdPerRequest?: number | undefined;
  /** Models whose expected latency is above this are not chosen. Default: no limit. */
  maxLatencyMs?: number | undefined;
}
/** How a model is chosen from what is known of all. */
type Exploration = 'ucb' | 'thompson' | 'igw' | 'greedy';
/** Settings of a router. Ranges and defaults are those of the table in `docs/settings.md`; a key that is not here is refused. */
interface RouterConfig<Id extends string = string> extends QueryOptions {
  /** Models that requests can be routed to, up to 1,000. More can come while running. */
  models: readonly RouterModel<Id>[];
  /** Vectors and features. */
  features?: RouterFeatures | undefined;
  /** Its nearest patterns appear in explanations. `features.dim` must equal its `hiddenDim`. */
  engine?: SonaEngine | undefined;
  /** What is worth how much. Default: quality alone. */
  objective?: RouterObjective | undefined;
  /** How a model is chosen from what is known of all. Default `'ucb'`. */
  exploration?: Exploration | undefined;
  /** Least probability of every eligible model, 0 to .5. Default 0. Above 0, logs of every policy can be evaluated. */
  propensityFloor?: number | undefined;
  /**
   * By how much a model's expected quality may be below the best one's and still count as good in `confidence`, 0 to 1. Default .05.
   */
  confidenceEpsilon?: number | undefined;
  /** Decisions that wait for their outcome, or may be amended; the oldest is given up. Default 100,000. */
  pendingCapacity?: number | undefined;
  /** Milliseconds after which a decision's outcome is no longer taken. Default 86,400,000, a day. */
  pendingTtlMs?: number | undefined;
  /** Milliseconds after its last request for which a session stays with its model. Default 1,800,000, half an hour. */
  sessionTtlMs?: number | undefined;
  /** Tenants whose own experience is kept; the one unused for longest is given up. Default 100. */
  tenantCapacity?: number | undefined;
  /** Trials that a model added while running gets: while it has some, each decision is one with probability one half. Default 20. */
  forcedTrials?: number | undefined;
  /**
   * Share of answers that `limits.maxTokens` of a decision is to hold, .5 to .999. Default .95.
   */
  lengthQuantile?: number | undefined;
  /** Whether a model whose outcomes have shifted is learned anew, and costs that are old are doubted. Default true. */
  driftDetection?: boolean | undefined;
  /** Where an `'auto'` basis is fitted: `'auto'` on a thread of the pool, `'manual'` inside `route`, repeatably. Default `'auto'`. */
  background?: 'auto' | 'manual' | undefined;
  /** Names it among those whose states are merged; two that learn must differ. Default: a random UUID. */
  origin?: string | undefined;
  /** Seed of every random choice. Default 42. */
  seed?: number | undefined;
  /**
   * Says what time it is, in whole milliseconds since 1970; waiting, resting and expiring go by it, too. Default: the system's
   * clock, and a steady one for those.
   */
  now?: (() => number) | undefined;
  /**
   * Takes the decision log: one JSON line, without its newline, per decision and per outcome. What it throws, or its
   * promise rejects with, goes to the event `error` and disturbs nothing else. Where choices are certain (`ucb` or `greedy` without a
   * `propensityFloor`) the log says little about other policies: the process is warned, once (`SONA_EXPLORATION_FOR_LOG`).
   */
  log?: ((line: string) => unknown) | undefined;
  /**
   * Whether the lines that `log` takes hold the text that was asked about, as `text`. The router keeps no text: `exportLog`
   * has none. Default false.
   */
  logText?: boolean | undefined;
}
/** What a snapshot of a router does not hold. An embedder that ships need not be given again. */
interface RouterRestoreOptions extends QueryOptions {
  /** As `RouterConfig.now`. */
  now?: (() => number) | undefined;
  /** As `RouterConfig.log`. */
  log?: ((line: string) => unknown) | undefined;
  /** As `RouterConfig.logText`. */
  logText?: boolean | undefined;
  /** As `RouterConfig.engine`. */
  engine?: SonaEngine | undefined;
  /** Goes on under this name; what was learned so far stays under the former. Default: the former name. */
  origin?: string | undefined;
  /**
   * It is the only one that goes on from this state, and nothing was decided after it was saved: ids and sums go on as if the
   * process had never ended. Default false: it begins another life, whose ids and sums are its own. Decisions that came with the
   * state take their outcomes either way.
   */
  continues?: boolean | undefined;
}
//#endregion
//#region ts/router/explanation.d.ts
/** Why a decision went to its model: the policy chose it, the session had it, or it is new and was tried. */
type DecisionReason = 'policy' | 'session' | 'trial';
/**
 * What stood in a model's way: not among the `eligible`, too dear or too slow for a limit, more than the budget has left, or
 * several failures in a row.
 */
type CandidateFilter = 'eligible' | 'cost' | 'latency' | 'budget' | 'failing';
/** How much room an answer is to have: powers of two from 64, or what the settings of the model allow. */
interface AnswerLimits {
  /**
   * Tokens of the answer, for the call's `max_tokens`: the least power of two that holds a share of `quantile` of the model's answers to such
   * prompts; at most the number that its settings give for `maxTokens`, `maxOutputTokens`, `max_tokens`, `max_completion_tokens` or
   * `max_output_tokens`.
   */
  maxTokens: number;
  /**
   * Tokens of prompt and answer, for a context that is to be reserved: the least power of two that holds the prompt (`promptTokens`, said or
   * estimated) and `maxTokens`. Null where the prompt's length is not known: that of a vector without a text.
   */
  contextTokens: number | null;
  /** The share of answers that `maxTokens` is to hold: the setting `lengthQuantile`. */
  quantile: number;
}
/** One model in an {@link Explanation}. */
interface ExplainedCandidate<Id extends string = string> {
  /** Its name. */
  model: Id;
  /** What is called: the model's name, and its settings. */
  settings: ModelSettings;
  /** Plain data of the caller's, as the model was given. */
  metadata?: Metadata | undefined;
  /** Whether it was chosen. */
  chosen: boolean;
  /** Probability with which it was. */
  propensity: number;
  /** What it was ranked by. */
  score: number;
  /** As {@link RankedModel.confidence}; null for one that could not be chosen. */
  confidence: number | null;
  /** What the score is made of: `quality + optimism + bonus - cost - latency`. */
  parts: {
    /** Worth of the expected quality, not clipped to [0, 1], and of a failed call by the share of calls that fail. */quality: number; /** What a model gets for what is not known of it yet. */
    optimism: number;
    /**
     * What the upper confidence bound adds: for uncertainty, for few outcomes, for costs that are old. Part of the score with `'ucb'` alone;
     * other explorations do without it.
     */
    bonus: number; /** What its cost takes away, the budget's price included. */
    cost: number; /** What its latency takes away. */
    latency: number;
  };
  /** What was expected; null where nothing is known. */
  expected: {
    /** 0 to 1. */quality: number; /** 90 % interval of the quality. */
    interval: [number, number]; /** Standard deviation of the expectation as the posterior has it, before the interval's calibration. */
    deviation: number; /** US dollars. */
    costUsd: number | null; /** 90 % interval of what the call costs, in US dollars. `costUsd`, the mean, lies in it. */
    costInterval: [number, number] | null; /** Milliseconds. */
    latencyMs: number | null; /** 90 % interval of how long the call takes, in milliseconds. `latencyMs`, the mean, lies in it. */
    latencyInterval: [number, number] | null; /** Tokens of the answer, were it not cut. */
    outputTokens: number | null; /** 90 % interval of the answer's tokens. `outputTokens`, the mean, lies in it. */
    outputInterval: [number, number] | null;
  };
  /** Quality by each block of features alone; what was expected is their mean, and what the tenant adds. */
  blocks: [number, number];
  /** Share of its calls that are expected to be answered, 0 to 1. What a failed call is worth is `objective.failureQuality`. */
  availability: number;
  /** What the tenant's own outcomes add to the expected quality. */
  tenant: number;
  /** Qualities told of it so far, by weight. */
  outcomes: number;
  /** Share of the prior's uncertainty about this prompt that outcomes have removed, 0 to 1. */
  evidence: number;
  /** The rest: how much of what was expected is still prior. */
  prior: number;
  /** What stood in its way; empty: nothing. */
  filters: CandidateFilter[];
}
/** A pattern of the attached engine near the prompt. */
interface ExplainedPattern {
  /** Cosine of the prompt with its middle. */
  similarity: number;
  /** Mean quality of its trajectories. */
  avgQuality: number;
  /** How many they are. */
  clusterSize: number;
  /** Outcomes by route. */
  routes: Record<string, RouteRecord>;
}
/** What led to a decision, as it was then. Plain data. */
interface Explanation<Id extends string = string> {
  /** The decision. */
  id: DecisionId;
  /** The model that was chosen. */
  model: Id;
  /** What is called: its name, and its settings. */
  settings: ModelSettings;
  /** Plain data of the caller's, as the request was given. */
  metadata?: Metadata | undefined;
  /** How much room its answer is to have; null where nothing was told of its answers. */
  limits: AnswerLimits | null;
  /** Why. */
  reason: DecisionReason;
  /** The policy in force. */
  exploration: Exploration;
  /** How much better than usual prompts like this do with any model. */
  difficulty: number;
  /** The budget's price on cost, beside the objective's own; 0 without a budget. */
  budgetPrice: number;
  /** Name of the basis of the features. */
  basis: {
    id: string;
  };
  /** Why it was made without its prompt, or by hashed words alone; null where neither. */
  fallback: Fallback | null;
  /**
   * Every model; first those that could be chosen, best score first. Of more than 64 models only those that the request names.
   */
  candidates: ExplainedCandidate<Id>[];
  /** The attached engine's nearest patterns, as they are when the explanation is asked for. */
  patterns?: ExplainedPattern[] | undefined;
}
//#endregion
//#region ts/router/decision.d.ts
/** What a request says beside its prompt. */
interface RouteOptions<Id extends string = string> {
  /** Models that may be chosen. Default: all. */
  eligible?: readonly Id[] | undefined;
  /**
   * Conversation that stays with its model, until that may not be chosen or fails: then with the one that is told to have
   * answered in its place, or else with the next that is chosen.
   */
  sessionId?: string | undefined;
  /** Whose request it is: the tenant's own outcomes are learned beside those of all. */
  tenant?: string | undefined;
  /** Models whose expected cost is above this many US dollars are not chosen. */
  maxCostUsd?: number | undefined;
  /** Models whose expected latency is above this many milliseconds are not chosen. */
  maxLatencyMs?: number | undefined;
  /**
   * `'observe'`: the caller only wants to know. The decision gets an id and a line in the log, and its prompt
   * counts for an `'auto'` basis; nothing else changes: no
   * session, no trial, no budget. Default `'apply'`.
   */
  mode?: 'apply' | 'observe' | undefined;
  /**
   * Text of the prompt, by whose surface its cost, its latency and the length of its answer are expected: its length, lines, code, digits and so on, of which
   * twelve small numbers are kept, not the text. Default: that of the query; none for a vector.
   */
  text?: string | undefined;
  /**
   * Length of the prompt in tokens, which makes the expected cost and latency sharper, and is part of `limits.contextTokens`. Say it where more is sent than the query, such as
   * pictures and descriptions of tools. Default: estimated from the characters of `text`, else of the query, of a chat from all
   * of its messages; without any 500. An answer is taken for 300 where
   * nothing was told of costs yet.
   */
  promptTokens?: number | undefined;
  /** Plain data of the caller's: comes back in the explanation and in the decision log. Kept as long as the decision is. */
  metadata?: Metadata | undefined;
}
/** A model that might have been chosen. */
interface RankedModel<Id extends string = string> {
  /** Its name. */
  model: Id;
  /** What to call, as `decision.settings`: for whoever goes on to the next one. */
  settings: ModelSettings;
  /** What it was ranked by. */
  score: number;
  /** Expected quality, 0 to 1. */
  quality: number;
  /** Expected US dollars; null where nothing is known. */
  costUsd: number | null;
  /** Expected milliseconds; null where nothing is known. */
  latencyMs: number | null;
  /** Expected tokens of its answer; null where nothing is known. */
  outputTokens: number | null;
  /** Probability with which it was to be chosen. They sum to 1. */
  propensity: number;
  /**
   * Probability that its expected quality is within `confidenceEpsilon` of the best one's of those that could be chosen, at this
   * prompt. Cost and latency are left out.
   */
  confidence: number;
}
/** A model for a prompt. */
interface RouterDecision<Id extends string = string> {
  /** Names it for `feedback`: who made it, and its number there. */
  id: DecisionId;
  /** The model to ask, by its `id`. */
  model: Id;
  /** What to call: the model's name (`model`, or else its id) and its settings. */
  settings: ModelSettings;
  /** The models that could be chosen, best score first: without those that rest after failures, or are too dear. */
  ranked: RankedModel<Id>[];
  /** Probability with which this model was chosen. */
  propensity: number;
  /**
   * Probability that its expected quality is within `confidenceEpsilon` of the best one's of those that could be chosen, at this
   * prompt: low where others may be better, because it is explored or is cheaper. Cost and latency are left out.
   */
  confidence: number;
  /** What is expected of it; null where nothing is known. */
  expected: {
    /** 0 to 1. */quality: number; /** 90 % interval of the quality. */
    interval: [number, number]; /** US dollars. */
    costUsd: number | null; /** 90 % interval of what the call costs, in US dollars. `costUsd`, the mean, lies in it. */
    costInterval: [number, number] | null; /** Milliseconds. */
    latencyMs: number | null; /** 90 % interval of how long the call takes, in milliseconds. `latencyMs`, the mean, lies in it. */
    latencyInterval: [number, number] | null; /** Tokens of the answer, were it not cut. */
    outputTokens: number | null; /** 90 % interval of the answer's tokens. `outputTokens`, the mean, lies in it. */
    outputInterval: [number, number] | null;
  };
  /** How much room the answer is to have; null until `usage` was told of the model. */
  limits: AnswerLimits | null;
  /** Why it was made without its prompt, or by its hashed words alone (`language`); null: it was not. */
  fallback: Fallback | null;
  /** What led to it, as it was then; the attached engine's patterns as they are now. */
  explain(): Explanation<Id>;
}
//#endregion
//#region ts/router/events.d.ts
/** Events of a router. */
interface RouterEvents {
  /** A model is not what it was. Of quality, what came before the shift counts little from now on. */
  drift: DriftEvent;
  /** The cheapest model is expected to cost more than the budget; one is chosen all the same. Told once. */
  budgetInfeasible: BudgetInfeasibleEvent;
  /** A basis has been fitted to the prompts so far, and everything learned anew on it. */
  basis: BasisEvent;
  /**
   * Something failed without failing a call: the fit of a basis; an embedder, for which a decision without the prompt stands in;
   * the `log`, by what it threw or rejected with (`SONA_IO`, each time); another listener, for the first time
   * (`SONA_LISTENER`). Without a listener here the process is warned of the latter three, once for each code.
   */
  error: SonaError;
}
/** A shift that was found. */
interface DriftEvent {
  /** The model. */
  model: string;
  /** For the worse or the better: less cost is better, and so are shorter answers. */
  direction: 'worse' | 'better';
  /** What has shifted: `'length'` is how long answers are, `'availability'` the share of calls that are answered. */
  kind: 'quality' | 'cost' | 'latency' | 'length' | 'availability';
}
/** A budget that can't be held: even the cheapest model costs more, in the mean over some fifty requests. Told once, until it can be. */
interface BudgetInfeasibleEvent {
  /** US dollars per request that are to be held. */
  budgetUsd: number;
  /** What the cheapest model is expected to cost for the prompt at which that was found, US dollars. */
  cheapestUsd: number;
}
/** A basis that was fitted. */
interface BasisEvent {
  /** Its name. */
  id: string;
  /** Prompts that it was fitted to. */
  prompts: number;
}
//#endregion
//#region ts/router/explain-table.d.ts
/** An explanation as a table for the terminal. Columns in which no model has anything to say are left out. */
declare function explainTable(explanation: Explanation): string;
//#endregion
//#region ts/router/forget.d.ts
/** Which outcomes a router forgets: those that every given part holds for. */
interface RouterForgetCriterion {
  /** Those of one source, as `feedback` was told. */
  source?: string | undefined;
  /** That of one decision. */
  decisionId?: DecisionId | StoredId | undefined;
  /** Those told before, as a date or in milliseconds since 1970. */
  before?: Date | number | undefined;
}
//#endregion
//#region ts/router/log-lines.d.ts
/**
 * The lines of a decision log, each a JSON object without its newline. They are made as they are read, in pieces, so that no log is
 * too long: `for (const line of lines)`, or `for await`, which leaves room for other work between pieces. Each reader starts at
 * the beginning; decisions that are given up while it reads are passed over.
 */
declare class LogLines implements Iterable<string>, AsyncIterable<string> {
  #private;
  /** @internal */
  constructor(live: () => number, since: number);
  /** Line by line, at once. */
  [Symbol.iterator](): Iterator<string>;
  /** Line by line; other work goes on between pieces. */
  [Symbol.asyncIterator](): AsyncIterator<string>;
  /** The log as a stream of text: pieces of whole lines, each line with its newline. */
  toReadableStream(): ReadableStream<string>;
  /**
   * Writes the log to a file, a line each; one that is there is replaced. The file is either the old one or the new one, whatever
   * happens. Resolves with the number of lines. Rejects with `SONA_IO`.
   */
  toFile(path: string): Promise<number>;
}
//#endregion
//#region ts/router/outcome.d.ts
/**
 * Tokens of a call, as providers and the AI SDK tell them: of the prompt's and of the answer's the first count that is known; one that
 * is not costs nothing. Those of the answer teach how long answers are. A call costs what its model's prices were when it was decided
 * for, unless `costUsd` is told; of a model without any price nothing is learned of the cost. Cached tokens are priced as the others; Anthropic does not count them among `input_tokens`: tell
 * `costUsd`, too, there.
 */
interface TokenUsage {
  /** Of the prompt: AI SDK. */
  readonly inputTokens?: number | null | undefined;
  /** Of the answer: AI SDK. */
  readonly outputTokens?: number | null | undefined;
  /** Of the prompt: OpenAI (responses), Anthropic. */
  readonly input_tokens?: number | null | undefined;
  /** Of the answer: OpenAI (responses), Anthropic. */
  readonly output_tokens?: number | null | undefined;
  /** Of the prompt: OpenAI (chat), and services that speak its format. */
  readonly prompt_tokens?: number | null | undefined;
  /** Of the answer: OpenAI (chat). */
  readonly completion_tokens?: number | null | undefined;
  /**
   * Whether the answer was cut by a limit of tokens (a finish reason of `'length'` or `'max_tokens'`): it is taken to be twice as long, so
   * that limits grow until answers are whole. One that was cut at 0 tokens says nothing of lengths. Default false.
   */
  readonly truncated?: boolean | undefined;
}
/** One model that was asked, and what came of it. */
interface OutcomeAttempt<Id extends string = string> {
  /** The model. */
  model: Id;
  /** How good its answer was, 0 to 1. */
  quality?: number | undefined;
  /** What it cost, in US dollars. */
  costUsd?: number | undefined;
  /** How long it took, in milliseconds. */
  latencyMs?: number | undefined;
  /** Its tokens, as {@link Outcome.usage}. */
  usage?: TokenUsage | undefined;
  /** Whether the call failed; a message means that it did, and is not kept. */
  error?: boolean | string | undefined;
}
/**
 * What came of a decision. Quality teaches quality; cost, latency and tokens teach their own, and say that the model answered; an error
 * counts against the availability of the model that was asked; what is missing teaches nothing. It may be told in parts.
 */
interface Outcome<Id extends string = string> {
  /** How good the answer was, 0 to 1. */
  quality?: number | undefined;
  /** What it cost, in US dollars. */
  costUsd?: number | undefined;
  /** How long it took, in milliseconds. */
  latencyMs?: number | undefined;
  /**
   * Tokens of the call: how long the answer was, and, without `costUsd`, what it cost by the prices of the model that answered: both
   * prices, or none, then no cost. A `costUsd` that was told stays. Where another `model` is told later, what tokens cost goes: tell
   * `usage` again, with `amend`. Without any count nothing is told.
   */
  usage?: TokenUsage | undefined;
  /** Whether the call to the model that was decided for failed; a message means that it did, and is not kept. */
  error?: boolean | string | undefined;
  /** Who says so, for `forget`. */
  source?: string | undefined;
  /** The model that answered, where it is not the one that was decided for. */
  model?: Id | undefined;
  /** Replaces what was told before. Default false. */
  amend?: boolean | undefined;
  /**
   * A failover chain in place of the parts above: the models that were asked one after the other, at most 64; the last is the
   * one that answered. Each teaches its own model.
   */
  attempts?: readonly OutcomeAttempt<Id>[] | undefined;
  /** Plain data that comes back in the decision log. */
  metadata?: Metadata | undefined;
}
/** Whether an outcome was taken in. */
interface OutcomeResult {
  /** Whether it was. */
  applied: boolean;
  /**
   * Why not: the decision is too old or one of too many, no decision has had that number, it had been told (to change it,
   * amend), the decision was only observed and nobody said who answered, there was nothing in it, or another router made the
   * decision, or this one after the state was saved that it was restored from.
   */
  reason?: 'expired' | 'unknown' | 'repeated' | 'observed' | 'empty' | 'foreign' | undefined;
}
//#endregion
//#region ts/router/stats.d.ts
/** Counters of one model of a router. */
interface RouterModelStats {
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
interface RouterStats {
  /** Decisions made, observed ones included. */
  decisions: number;
  /** Decisions that are held, for their outcome or to be amended. */
  pending: number;
  /** Qualities taken in so far, also those of `warmStart` and those that were forgotten since; not what was merged. */
  learned: number;
  /** The basis of now, and whether another is still to be fitted. */
  basis: {
    id: string;
    hash: string;
    fitting: boolean;
  };
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
  /** By model, in the order in which they came. */
  models: RouterModelStats[];
}
/** Bytes that the parts of a router take, but for what the allocator adds. */
interface RouterMemory {
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
//#endregion
//#region ts/router/warm-start.d.ts
/** An outcome from elsewhere, of a prompt as `vector` or as `text`. */
interface WarmStartRow<Id extends string = string> {
  /** The prompt's vector. */
  vector?: Vector | undefined;
  /** The prompt, or the messages of its chat, for the router's embedder. */
  text?: string | ChatMessages | undefined;
  /** The model that answered. */
  model: Id;
  /** How good the answer was, 0 to 1. */
  quality: number;
  /** Outcomes that it counts for, above 0, at most 1,000. Default 1. */
  weight?: number | undefined;
}
//#endregion
//#region ts/router/router.d.ts
/**
 * Chooses a model for each prompt, from one outcome per decision: expected quality, cost and latency of every model at this
 * prompt, what is not known yet, an objective, a budget.
 *
 * Whatever is refused throws a {@link SonaError} that names the argument, and changes nothing: `SONA_INVALID_ARGUMENT` for a
 * value of the wrong kind, `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE` and `SONA_OUT_OF_RANGE` for numbers and vectors,
 * `SONA_UNKNOWN_MODEL` for names, `SONA_NO_ELIGIBLE_MODEL` when every model is ruled out, and `SONA_CLOSED` after `close`.
 */
declare class SonaRouter<const Id extends string = string> {
  #private;
  /**
   * A router that has learned nothing. `SONA_INVALID_CONFIG` names the setting; an unknown key, with the nearest known one.
   * Models are named `models[i]`.
   */
  constructor(config: RouterConfig<Id>);
  /**
   * One router for all worker threads of the process, by name: whoever asks first gives the config, later ones may leave it
   * out, and what they give is compared: settings, models with their prices, the basis. It is compared with the first config,
   * though models and prices are others by now. `now`, `log`, `logText`, `promptOf`, `onEmbedderError`, `embedderTimeoutMs`
   * and `engine` are each opener's own; so is `embedder`, whose vectors must be the same. `origin` counts when it is the first. It ends when all who opened it have closed it. Events
   * go to the thread that hears of them first.
   *
   * @throws `SONA_INVALID_CONFIG` for another config than the first, and without one where nobody gave one;
   * `SONA_INCOMPATIBLE_STATE` for another embedder
   */
  static shared<const Id extends string = string>(name: string, config?: RouterConfig<Id>): SonaRouter<Id>;
  /**
   * The router of a snapshot, with its settings: gives the same answers and learns on the same way, bit for bit with
   * `continues` and `background: 'manual'`. It begins another life, unless `continues` is set: decisions that came with the
   * state take their outcomes, and those that a former life made after it was saved are `foreign`.
   *
   * @throws `SONA_CORRUPT_STATE` for bytes that are damaged, `SONA_INCOMPATIBLE_STATE` for those of something else or of
   * a newer format
   */
  static restore<Id extends string = string>(bytes: Uint8Array, options?: RouterRestoreOptions): SonaRouter<Id>;
  /** The router of a file that `save` wrote, read off the main thread. Rejects with `SONA_IO`, and as {@link restore}. */
  static load<Id extends string = string>(path: string, options?: RouterRestoreOptions): Promise<SonaRouter<Id>>;
  /**
   * Calls `listener` with each event of a name from now on; returns what ends that. A listener that throws, or whose promise
   * rejects, fails no request: see the event `error`.
   */
  on<Name extends keyof RouterEvents>(event: Name, listener: (event: RouterEvents[Name]) => unknown): () => void;
  /** As `on`, for the next event alone. */
  once<Name extends keyof RouterEvents>(event: Name, listener: (event: RouterEvents[Name]) => unknown): () => void;
  /** Ends what `on` or `once` with this listener began. */
  off<Name extends keyof RouterEvents>(event: Name, listener: (event: RouterEvents[Name]) => unknown): void;
  /** What makes vectors of text; null where there is nothing for vectors of this length. */
  get embedder(): Embedder | null;
  /**
   * Chooses a model for a prompt: its vector, its text, or the messages of its chat. Its outcome goes to `feedback` with the
   * decision's `id`. A text of which the embedder knows nothing, or at which it fails, is decided without: by what is expected of
   * each model at the mean of the prompts so far; one whose language it does not know by its hashed words. The decision's
   * `fallback` says so, and see `onEmbedderError`.
   *
   * @throws `SONA_NO_ELIGIBLE_MODEL`, whose `details.filters` say what rules each model out; for text `SONA_ASYNC_EMBEDDER`
   * when the embedder takes its time, and with `onEmbedderError: 'throw'` what it throws
   */
  route(query: Query, options?: RouteOptions<Id>): RouterDecision<Id>;
  /** As `route`, with every embedder. Rejects with `SONA_ABORTED` when the signal fires. */
  routeAsync(query: Query, options?: RouteOptions<Id> & AsyncOptions): Promise<RouterDecision<Id>>;
  /**
   * Takes in what came of a decision, at once or part by part. An outcome with a part that was told before is refused as a
   * whole (`repeated`), unless `amend` is set: tell the new parts alone. After `attempts` they are of the last one. A decision
   * that is not held any more, or that another router made, is no error: see the result's `reason`.
   */
  feedback(id: DecisionId | StoredId, outcome: Outcome<Id>): OutcomeResult;
  /**
   * Adds a model. It starts with its prior, or that of its nearest sibling by tags, and gets `forcedTrials` trials. One that
   * was removed comes back with what it had learned.
   */
  addModel(model: RouterModel<Id>): void;
  /** Takes a model away. Outcomes of its decisions are still taken in. */
  removeModel(id: Id): void;
  /** Sets prices; nothing has to be learned anew. */
  updatePrice(id: Id, price: ModelPrice): void;
  /** All models in the order in which they came, with their prices of now. */
  models(): RouterModel[];
  /**
   * Takes in outcomes from elsewhere, all or none.
   *
   * @returns how many
   */
  warmStart(rows: readonly WarmStartRow<Id>[]): number;
  /** As `warmStart`, with every embedder; rejects when it fails. */
  warmStartAsync(rows: readonly WarmStartRow<Id>[], options?: AsyncOptions): Promise<number>;
  /**
   * Takes in what the router of a snapshot has learned, and what had been merged into that; of each origin the newest
   * counts, so that merging again changes nothing, and the order of merging does not matter. Shifts, budget, sessions and
   * tenants are each router's own.
   *
   * @returns how many origins were new or newer; and how many outcomes at most could not be told from others, and are counted
   * on one side alone: 0 unless a router was restored from an old state many times between two merges
   * @throws `SONA_INCOMPATIBLE_STATE` for another basis, or one that is still being fitted; else as {@link restore}
   */
  merge(state: Uint8Array): {
    origins: number;
    outOfReach: number;
  };
  /**
   * The decision log of all decisions that are held, for `readLog`: line by line, decisions joined with their outcomes.
   *
   * @param options.since id of the first decision, or its number; default all
   * @throws `SONA_INVALID_ARGUMENT` for the id of something else, also of another router's decision
   */
  exportLog(options?: {
    since?: DecisionId | StoredId | number | undefined;
  }): LogLines;
  /**
   * Takes outcomes out of what was learned: exactly out of the sums of quality, cost and latency and of what is solved from
   * them. Detectors of shifts, calibration, money spent, priors copied from them, and what their prompts' difficulty was to
   * later outcomes stay. Those whose decisions are held no more are counted as out
   * of reach.
   *
   * @throws `SONA_INVALID_ARGUMENT` without a criterion
   */
  forget(criterion: RouterForgetCriterion): ForgetResult;
  /**
   * Estimates from a decision log what a policy would have earned, as {@link evaluatePolicy}. A router as policy is what it
   * would do now at the log's features, without limits, budget, sessions and trials; `'current'` is this one.
   *
   * @throws `SONA_INCOMPATIBLE_STATE` for features on another basis than the router's, or none; else as
   * {@link evaluatePolicy}
   */
  evaluate(log: DecisionLog, policy: RouterEvaluationPolicy, options?: EvaluationOptions): PolicyEvaluation;
  evaluate(log: DecisionLogStream, policy: RouterEvaluationPolicy, options?: EvaluationOptions): Promise<PolicyEvaluation>;
  /** The basis of now, for another router that is to be merged with this one. */
  basis(): Basis;
  /** Counters. */
  stats(): RouterStats;
  /** Bytes that its parts take. */
  memory(): RouterMemory;
  /** Everything that was learned and every decision that is held, as bytes that {@link restore} takes. */
  snapshot(): Uint8Array;
  /**
   * Writes a snapshot to a file, off the main thread. The file is either the old one or the new one, whatever happens.
   * Rejects with `SONA_IO`.
   */
  save(path: string): Promise<void>;
  /** Resolves when no basis is being fitted. */
  settled(): Promise<void>;
  /** Ends the router, after a fit and saves under way. Later calls throw `SONA_CLOSED`; closing again does nothing. */
  close(): Promise<void>;
  /** Ends the router at once. */
  [Symbol.dispose](): void;
  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}
/** A policy of `router.evaluate`: also what a router would do now, this one with `'current'`. */
type RouterEvaluationPolicy = EvaluationPolicy | 'current' | {
  readonly router: SonaRouter;
};
//#endregion
export { type AnswerLimits, type AnswerVector, type AsyncOptions, type Basis, type BasisEvent, type BudgetInfeasibleEvent, type CandidateFilter, type Capabilities, type ChatMessage, type ChatMessages, type CostScale, type DecisionId, type DecisionLog, type DecisionLogStream, type DecisionReason, type DecisionRecord, type DirectEstimate, type DriftEvent, type EmbedOptions, type Embedder, type EndOptions, type EngineRestoreOptions, type Episode, type Estimate, type EvaluationOptions, type EvaluationPolicy, type Exclusions, type Exemplar, type ExplainedCandidate, type ExplainedPattern, type Explanation, type Exploration, type Fallback, type FeedbackResult, type FitOptions, type ForeignLogOptions, type ForgetCriterion, type ForgetResult, type LatencyScale, type LearnOptions, type LearnProgress, type LearnReport, type LearnedPattern, LogLines, type MemoryFilter, type MemoryId, type MemoryStats, type Metadata, type MetadataValue, type ModelPrice, type ModelPrior, type ModelSettings, type NodeRecord, type NodeStepParts, type OpenBanditOptions, type Outcome, type OutcomeAttempt, type OutcomeResult, PatternType, type PolicyEvaluation, type Presets, type PromptOptions, type QualityExpectation, type Query, type QueryOptions, type RankedModel, type RankedRoute, type Reasoning, type RecallOptions, type RecalledItem, type RecordedArm, type RecordedAttempt, type RecordedOutcome, type RefusedValue, type RememberOptions, type Route, type RouteOptions, type RouteParts, type RouteRecord, type RouteSuggestion, type RouterConfig, type RouterDecision, type RouterEvaluationPolicy, type RouterEvents, type RouterFeatures, type RouterForgetCriterion, type RouterMemory, type RouterModel, type RouterModelStats, type RouterObjective, type RouterRestoreOptions, type RouterStats, type Same, type SignalParts, type SonaConfig, SonaEngine, type SonaEngineBuilder, SonaError, type SonaErrorCode, type SonaErrorDetails, type SonaErrorDetailsByCode, type SonaErrorOf, type SonaEvents, type SonaMemory, SonaRouter, type SonaStats, type SonaTiers, type StepOptions, type StoredId, type SuggestOptions, type SuggestionId, type SuggestionOutcome, type SuggestionResult, type SyncEmbedder, type TextLines, type TextStream, type TokenUsage, type TrajectoryBuilder, type TrajectoryId, type TrajectoryRef, type UnknownName, type Vector, type Verdict, type Version, type VowpalWabbitOptions, type WarmStartRow, evaluatePolicy, explainTable, fitBasis, presets, promptOf, readLog, readOpenBandit, readVowpalWabbit, writeLog };