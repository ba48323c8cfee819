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
interface SonaConfig$1 extends QueryOptions {
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
//#region ts/compat/config.d.ts
/** `microLoraRank` as `micro_lora_rank`. */
type Snake<Name extends string> = Name extends `${infer First}${infer Rest}` ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}` : '';
/** Settings under names of older packages; of one setting one name may be given. */
interface OlderNames {
  /** Length of queries, activations and embeddings, 1 to 65,536. Default: `hiddenDim`. Another length is projected to that. */
  embeddingDim?: number | undefined;
  /** Older name of `trajectoryCapacity`. */
  trajectoryBufferSize?: number | undefined;
  /** Older name of `trajectoryCapacity`. */
  bufferCapacity?: number | undefined;
  /** Older name of `microLoraLr`. */
  microLr?: number | undefined;
  /** Older name of `baseLoraLr`. */
  baseLr?: number | undefined;
  /** Older name of `qualityThreshold`. */
  patternQualityThreshold?: number | undefined;
  /** A setting of older documents: there is no dropout. */
  loraDropout?: 0 | undefined;
  /** A setting of older documents: it always is. */
  ewcOnline?: true | undefined;
}
type CamelCase = Omit<SonaConfig$1, 'now' | 'embedder' | 'promptOf' | 'tiers' | 'background' | 'seed'> & OlderNames;
/** The same settings in snake_case. */
type SnakeCase = { [Name in keyof CamelCase as Snake<Name> extends Name ? never : Snake<Name>]?: CamelCase[Name] };
/** Settings of an engine, under every name that they have had. Ranges and defaults are those of `docs/settings.md`. */
interface SonaConfig extends SonaConfig$1, OlderNames, SnakeCase {}
/** Older name of {@link SonaConfig}. */
type JsSonaConfig = SonaConfig;
/** Names of settings beside those of today that the builder has a method for. */
declare const olderSettingNames: readonly ["embeddingDim", "trajectoryBufferSize", "bufferCapacity", "microLr", "baseLr", "patternQualityThreshold"];
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
type Setters$1 = { [Name in (typeof settingNames)[number]]: (value: NonNullable<SonaConfig$1[Name]>) => SonaEngineBuilder$1 };
/** Builds an engine: one method per setting, then `build`. */
interface SonaEngineBuilder$1 extends Setters$1 {
  /** Takes over every setting of a config, a preset for instance. */
  config(config: SonaConfig$1): SonaEngineBuilder$1;
  /** The engine; what is not accepted is refused here. */
  build(): SonaEngine$1;
}
//#endregion
//#region ts/engine/feedback.d.ts
/** What a trajectory is taken for. Not given, it is judged by its quality against what was expected. */
type Verdict = 'success' | 'failure' | 'unknown';
/** What is known now about a trajectory that has ended. A part that is missing stays as it was. */
interface SignalParts$1 {
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
interface ForgetCriterion$1 {
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
interface TrajectoryBuilder$1 {
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
type TrajectoryRef$1 = TrajectoryBuilder$1 | TrajectoryId | StoredId;
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
interface NodeRecord$1 {
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
interface LearnedPattern$1<V extends Vector = Vector> {
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
  nodes: Readonly<Record<string, NodeRecord$1>>;
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
declare class SonaEngine$1 {
  #private;
  /**
   * An engine that has learned nothing.
   *
   * @param config its settings, or the length of every vector alone, 1 to 65,536; default 256. `SONA_INVALID_CONFIG` names the
   * setting; an unknown key, with the nearest known one
   */
  constructor(config?: number | SonaConfig$1);
  /** As the constructor with settings. */
  static withConfig(config: SonaConfig$1): SonaEngine$1;
  /** Builds the settings of an engine, one method per setting. */
  static builder(): SonaEngineBuilder$1;
  /**
   * One engine for all threads of the process. The first who asks for a name makes it, with `config` or default settings;
   * each thread closes its own, the last one ends the engine. Another config for the same name throws
   * `SONA_INVALID_CONFIG`. A trajectory that has begun belongs to the object that began it.
   */
  static shared(name: string, config?: SonaConfig$1): SonaEngine$1;
  /**
   * The engine of a snapshot, with its settings: gives the same answers and learns on the same way, bit for bit in manual
   * mode. It is an engine of its own: trajectories that came with the state still take their outcomes, ids that were issued
   * after it was saved are `foreign`, unless it {@link EngineRestoreOptions.continues | continues} the other.
   *
   * @throws `SONA_CORRUPT_STATE` for bytes that are damaged, `SONA_INCOMPATIBLE_STATE` for those of something else or of
   * a newer format
   */
  static restore(bytes: Uint8Array, options?: EngineRestoreOptions): SonaEngine$1;
  /**
   * The engine of a file that `save` wrote, read off the main thread. `stats()` tells what it holds. Rejects with
   * `SONA_IO`, and as {@link restore}.
   */
  static load(path: string, options?: EngineRestoreOptions): Promise<SonaEngine$1>;
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
  }): TrajectoryBuilder$1;
  /** As `beginTrajectory`, with every embedder. */
  beginTrajectoryAsync(query: Query, options?: {
    decision?: SuggestionId | StoredId | undefined;
  } & AsyncOptions): Promise<TrajectoryBuilder$1>;
  /**
   * Ends a trajectory with its outcome. When this returns, the next call on any thread sees what was learned from it
   * at once; the record then waits for background learning.
   *
   * @param quality how well it went, 0 to 1; for a route: whether it was the right one
   */
  endTrajectory(trajectory: TrajectoryRef$1, quality: number, options?: EndOptions): void;
  /**
   * Corrects the outcome of a trajectory that has ended: prototype and records become what they would be, had it been
   * told right at once; the per-request adapter takes the difference; the background adapter learns from it from the next
   * cycle on. The same signal again changes nothing. Known are the newest `trajectoryCapacity`, also those that came with a
   * state; an older one throws `SONA_UNKNOWN_TRAJECTORY`. The id of another engine or a router, or one that a former process
   * issued after its state was saved, changes nothing and is told as `foreign`.
   */
  learnFromFeedback(signal: SignalParts$1): FeedbackResult;
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
  }): LearnedPattern$1<AnswerVector<Q>>[];
  /** As `findPatterns`, with every embedder. */
  findPatternsAsync<Q extends Query>(query: Q, k?: number, options?: {
    minQuality?: number | undefined;
  } & AsyncOptions): Promise<LearnedPattern$1<AnswerVector<Q>>[]>;
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
  forget(criterion: ForgetCriterion$1): ForgetResult;
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
//#region ts/compat/learning-signal.d.ts
/** What names a trajectory that has ended: its id, or its number, which is good for engines of one state. */
type TrajectoryName = TrajectoryId | StoredId | number;
/** Parts of a {@link LearningSignal}. */
interface SignalParts extends Omit<SignalParts$1, 'trajectoryId'> {
  /** The trajectory whose outcome is corrected, by its id or its number; default the last one that this thread ended. */
  trajectoryId?: TrajectoryName | undefined;
}
/** What is known now about a trajectory that has ended. A part that is missing stays as it was. */
declare class LearningSignal implements SignalParts {
  /** The trajectory whose outcome is corrected; undefined: the last one that this thread ended. */
  readonly trajectoryId: TrajectoryName | undefined;
  /** How well it went, 0 to 1. */
  readonly quality: number | undefined;
  /** What it is taken for. */
  readonly verdict: Verdict | undefined;
  /** Time that the answer took, in milliseconds. */
  readonly latencyMs: number | undefined;
  /** Throws `SONA_INVALID_ARGUMENT`, `SONA_NOT_FINITE` or `SONA_OUT_OF_RANGE`, naming the part. */
  constructor(parts?: SignalParts);
  /**
   * From what a user or a judge said.
   *
   * @param success whether it went well: the verdict
   * @param latencyMs time that the answer took, in milliseconds, from 0
   * @param quality how well it went, 0 to 1
   */
  static fromFeedback(success: boolean, latencyMs: number, quality: number): LearningSignal;
  /** It went well: `fromFeedback(true, ...)`. */
  static positive(latencyMs: number, quality: number): LearningSignal;
  /** It did not: `fromFeedback(false, ...)`. */
  static negative(latencyMs: number, quality: number): LearningSignal;
  /** For a certain trajectory, by its id, its number or its builder; `quality` from 0 to 1. */
  static fromTrajectory(trajectory: {
    readonly id: TrajectoryName;
  } | TrajectoryName, quality: number): LearningSignal;
}
//#endregion
//#region ts/compat/patterns.d.ts
/** Steps of one node in one pattern. */
interface NodeRecord extends NodeRecord$1 {
  /** Their mean time, in microseconds. */
  avgLatencyUs: number;
}
/** Queries that are alike, and what came of them, with the names of older packages. */
interface LearnedPattern<V extends Vector = Vector> extends LearnedPattern$1<V> {
  /** The same as `avgQuality`. */
  quality: number;
  /** The same as `accessCount`. */
  usage_count: number;
  /** Steps by the node that they named. */
  nodes: Readonly<Record<string, NodeRecord>>;
}
/** {@link LearnedPattern} as it comes for an array of numbers. */
type JsLearnedPattern = LearnedPattern<number[]>;
//#endregion
//#region ts/compat/trajectory.d.ts
/**
 * A trajectory while it is being told. In arithmetic and in a text it is its number, which is good until the process ends; in
 * JSON it is its id, which is good after that too. Every method of the engine knows it by each of these.
 */
interface TrajectoryBuilder extends TrajectoryBuilder$1 {
  /** Length of its vectors. */
  readonly embeddingDim: number;
  /**
   * Adds a step that names a node (a tool, a document, a model) instead of giving an activation. A node is a route: when the
   * trajectory ends without activations and without a route of its own, the node with the highest score (the first of several)
   * is its route. Its outcome is made of the quality of the trajectory: up to .3 it was wrong (0), from .7 on right (1), between
   * them in proportion; a score below .5 takes away from that, and leaves nothing at 0. Queries move toward those that a node
   * was right for, and `suggestRoutes` names the node. Its first query with an outcome of .5 or more is where it starts.
   *
   * @param node its name or number
   * @param score how well the step did: a finite number, usually 0 to 1
   * @param latencyUs time that it took, in microseconds, from 0
   */
  recordStep(node: string | number, score: number, latencyUs: number): this;
  /** As {@link recordStep}, in milliseconds. */
  addNode(node: string | number, step: NodeStepParts): this;
  /** The number of the trajectory. */
  valueOf(): number;
}
/** An open trajectory: its builder, its id or its number. */
type TrajectoryRef = TrajectoryBuilder$1 | TrajectoryName;
//#endregion
//#region ts/compat/engine.d.ts
/** What a snapshot does not hold. */
interface RestoreOptions extends EngineRestoreOptions {
  /** Length of queries, activations and embeddings, where it is not the `hiddenDim` of the state. */
  embeddingDim?: number | undefined;
}
/** Which trajectories to forget: those that every given part holds for. */
interface ForgetCriterion extends Omit<ForgetCriterion$1, 'trajectoryId'> {
  /** The one with this id or number. */
  trajectoryId?: TrajectoryName | undefined;
}
type Setters = { [Name in (typeof settingNames)[number] | (typeof olderSettingNames)[number]]: (value: NonNullable<SonaConfig[Name]>) => SonaEngineBuilder };
/** Builds an engine: one method per setting, then `build`. */
interface SonaEngineBuilder extends Setters {
  /** Takes over every setting of a config, a preset for instance. */
  config(config: SonaConfig): SonaEngineBuilder;
  /** The engine; what is not accepted is refused here. */
  build(): SonaEngine;
}
/**
 * The engine as programs for older packages know it. It is the engine of the main entry, whose state it shares: what one saved
 * the other loads. What differs:
 *
 * - trajectories are known by their numbers too, and every older name of a method, a setting or a field is there;
 * - `applyMicroLora` adds what both adapters have learned, so that vectors stay moved after a training cycle;
 * - steps that name nodes teach: see {@link TrajectoryBuilder.recordStep};
 * - where `embeddingDim` is not `hiddenDim`, every vector that goes in or comes out has `embeddingDim` numbers and is projected
 *   by a fixed orthogonal map.
 */
declare class SonaEngine extends SonaEngine$1 {
  #private;
  /**
   * An engine that has learned nothing.
   *
   * @param config its settings, under names of today or older ones, or `hiddenDim` alone, 1 to 65,536; default 256
   */
  constructor(config?: number | SonaConfig);
  /**
   * The older form, for vectors of 256 numbers.
   *
   * @param microLoraRank 1 to 4
   * @param baseLoraRank 1 to 64
   * @param trajectoryCapacity ended trajectories that wait at most, 1 to 1,000,000
   * @param ewcLambda in the older scale, 0 to 1, or as `SonaConfig.ewcLambda`
   */
  static withConfig(microLoraRank: number, baseLoraRank: number, trajectoryCapacity: number, ewcLambda: number): SonaEngine;
  /** As the constructor with settings. */
  static withConfig(config: SonaConfig): SonaEngine;
  /** Builds the settings of an engine, one method per setting, older names included. */
  static builder(): SonaEngineBuilder;
  /** One engine for all threads of the process, as in the main entry. `embeddingDim` is each opener's own. */
  static shared(name: string, config?: SonaConfig): SonaEngine;
  /**
   * The engine of a snapshot, also of one of the main entry's.
   *
   * @param options.embeddingDim length of outer vectors; a state does not hold it. Default: its `hiddenDim`
   */
  static restore(bytes: Uint8Array, options?: RestoreOptions): SonaEngine;
  /** The engine of a file that `save` wrote, also of one of the main entry's; options as {@link restore}. */
  static load(path: string, options?: RestoreOptions): Promise<SonaEngine>;
  /** Length of every vector that it takes and gives. */
  get embeddingDim(): number;
  /** What makes vectors of text, of `embeddingDim` numbers; null where there is nothing for vectors of this length. */
  get embedder(): Embedder | null;
  /**
   * x plus what both adapters have learned, not normalised; untrained: x, bit for bit. As `applyLora`.
   *
   * Older programs look up patterns with what this returned, and pass it on to `applyBaseLora(0, ...)`. The array that it
   * returned is known there: patterns are those of x, and nothing is added twice. A copy of it is a vector like any other.
   */
  applyMicroLora<V extends Vector>(x: V, out?: Same<V>): Same<V>;
  /**
   * x plus one layer's change of the background adapter. An array that `applyMicroLora` returned has that of layer 0 in it already
   * and comes back as it is, so that one after the other gives what `applyLora` gives.
   */
  applyBaseLora<V extends Vector>(layer: number, x: V, out?: Same<V>): Same<V>;
  /** x plus what both adapters have learned, not normalised; untrained: x, bit for bit. */
  applyLora<V extends Vector>(x: V, out?: Same<V>): Same<V>;
  /** `applyMicroLora` on any number of vectors that lie one after another in one vector. */
  applyMicroLoraBatch<V extends Vector>(flat: V, out?: Same<V>): Same<V>;
  /** As in the main entry; an embedding has `embeddingDim` numbers. */
  addRoute(name: string, options?: RouteParts): void;
  /** As `addRoute`, with every embedder. */
  addRouteAsync(name: string, options?: RouteParts & AsyncOptions): Promise<void>;
  /** As in the main entry. */
  suggestRoutes(query: Query, options?: SuggestOptions): RouteSuggestion;
  /** As `suggestRoutes`, with every embedder. */
  suggestRoutesAsync(query: Query, options?: SuggestOptions & AsyncOptions): Promise<RouteSuggestion>;
  /** Starts telling a trajectory, as in the main entry; the builder is a number too. */
  beginTrajectory(query: Query, options?: {
    decision?: SuggestionId | StoredId | undefined;
  }): TrajectoryBuilder;
  /** As `beginTrajectory`, with every embedder. */
  beginTrajectoryAsync(query: Query, options?: {
    decision?: SuggestionId | StoredId | undefined;
  } & AsyncOptions): Promise<TrajectoryBuilder>;
  /**
   * `beginTrajectory`, by its number alone. At most `trajectoryCapacity` can be open by number; one more gives up the oldest,
   * which the event `dropped` tells.
   */
  startTrajectory(query: Query): number;
  /** As `startTrajectory`, with every embedder. */
  startTrajectoryAsync(query: Query, options?: AsyncOptions): Promise<number>;
  /** `addStep` of a builder. */
  addTrajectoryStep(trajectory: TrajectoryRef, activations: Vector, attentionWeights: Vector, reward: number, options?: StepOptions): void;
  /** `recordStep` of a builder. */
  recordStep(trajectory: TrajectoryRef, node: string | number, score: number, latencyUs: number): void;
  /** `setRoute` of a builder. */
  setTrajectoryRoute(trajectory: TrajectoryRef, name: string): void;
  /** `addContext` of a builder. */
  addTrajectoryContext(trajectory: TrajectoryRef, contextId: string): void;
  /**
   * Ends a trajectory with its outcome, as in the main entry. One that only names nodes ends with the best of them as its route,
   * and with an outcome made of that node's score and `quality`: see {@link TrajectoryBuilder.recordStep}.
   *
   * @param quality how well it went, 0 to 1
   */
  endTrajectory(trajectory: TrajectoryRef, quality: number, options?: EndOptions): void;
  /** What came of a suggestion, as in the main entry. */
  feedback(id: SuggestionId | StoredId, outcome: SuggestionOutcome): SuggestionResult;
  /**
   * Corrects the outcome of a trajectory that has ended, as in the main entry. Where a node became its route,
   * `quality` means what it means to `endTrajectory`, while this object knows of it (the newest `trajectoryCapacity`); to another
   * process it is the outcome itself.
   */
  learnFromFeedback(signal: LearningSignal | SignalParts): FeedbackResult;
  /**
   * The older form: corrects the outcome of the trajectory that this thread ended last.
   *
   * @param success the verdict
   * @param latencyMs time that the answer took, in milliseconds, from 0
   * @param quality how well it went, 0 to 1
   */
  learnFromFeedback(success: boolean, latencyMs: number, quality: number): FeedbackResult;
  /** Older name of `forceLearn`. */
  runBackgroundCycle(): string;
  /** Older name. Outcomes take effect at once, so there is nothing left to do; answers whether learning is on. */
  runInstantCycle(): boolean;
  /** The nearest patterns of past trajectories, nearest first, as in the main entry, with older names too. */
  findPatterns<Q extends Query>(query: Q, k?: number, options?: {
    minQuality?: number | undefined;
  }): LearnedPattern<AnswerVector<Q>>[];
  /** As `findPatterns`, with every embedder. */
  findPatternsAsync<Q extends Query>(query: Q, k?: number, options?: {
    minQuality?: number | undefined;
  } & AsyncOptions): Promise<LearnedPattern<AnswerVector<Q>>[]>;
  /** Older name of {@link findPatterns}. */
  queryPatterns<Q extends Query>(query: Q, k?: number): LearnedPattern<AnswerVector<Q>>[];
  /** As in the main entry. */
  expectQuality(query: Query, options?: {
    route?: string | undefined;
  }): QualityExpectation;
  /** As `expectQuality`, with every embedder. */
  expectQualityAsync(query: Query, options?: {
    route?: string | undefined;
  } & AsyncOptions): Promise<QualityExpectation>;
  /** As in the main entry. */
  remember(query: Query, options?: RememberOptions): MemoryId;
  /** As `remember`, with every embedder. */
  rememberAsync(query: Query, options?: RememberOptions & AsyncOptions): Promise<MemoryId>;
  /** As in the main entry. */
  recall(query: Query, options?: RecallOptions): RecalledItem[];
  /** As `recall`, with every embedder. */
  recallAsync(query: Query, options?: RecallOptions & AsyncOptions): Promise<RecalledItem[]>;
  /** Forgets trajectories, as in the main entry; also by number. */
  forget(criterion: ForgetCriterion): ForgetResult;
  /** Ends the engine and waits for its thread. Later calls throw `SONA_CLOSED`; closing again does nothing. */
  close(): Promise<void>;
  /** Ends the engine without waiting for its thread. */
  [Symbol.dispose](): void;
}
//#endregion
//#region ts/engine/presets.d.ts
/** Settings for common purposes. Copy one and change what you like: `{ ...presets.maxQuality, hiddenDim: 384 }`. */
interface Presets {
  /** Little training, small maps: for many requests per second. */
  readonly maxThroughput: Readonly<SonaConfig$1>;
  /** The best answers: more rank, more memory, more patterns. */
  readonly maxQuality: Readonly<SonaConfig$1>;
  /** Little memory: under 5 MB for 256 numbers and 20 routes. */
  readonly edgeDeployment: Readonly<SonaConfig$1>;
  /** Trained when the caller says, the same every time. */
  readonly batchProcessing: Readonly<SonaConfig$1>;
}
/** Settings for common purposes: of each preset, those that are not the default. */
declare const presets: Presets;
//#endregion
export { type AnswerVector, type Capabilities, type ChatMessage, type ChatMessages, type EmbedOptions, type Embedder, type EndOptions, type Exemplar, type FeedbackResult, type ForgetCriterion, type ForgetResult, type JsLearnedPattern, type JsSonaConfig, type LearnOptions, type LearnProgress, type LearnReport, type LearnedPattern, LearningSignal, type MemoryFilter, type MemoryId, type MemoryStats, type Metadata, type MetadataValue, type NodeRecord, type NodeStepParts, type OlderNames, PatternType, type Presets, type PromptOptions, type QualityExpectation, type Query, type QueryOptions, type RankedRoute, type RecallOptions, type RecalledItem, type RememberOptions, type RestoreOptions, type Route, type RouteParts, type RouteRecord, type RouteSuggestion, type Same, type SignalParts, type SnakeCase, type SonaConfig, SonaEngine, type SonaEngineBuilder, SonaError, type SonaErrorCode, type SonaErrorDetails, type SonaEvents, type SonaMemory, type SonaStats, type SonaTiers, type StepOptions, type StoredId, type SuggestOptions, type SuggestionId, type SyncEmbedder, type TrajectoryBuilder, type TrajectoryId, type TrajectoryName, type TrajectoryRef, type Vector, type Verdict, type Version, presets };