/**
 * The numbers that turn the vector of a prompt into the features that a router learns on: `z1 = scale (e - mean) Q`
 * along 64 directions, and `z2 = softmax(20 cos(e, c)) / rms` over 64 centroids. Plain data; it is not changed once made.
 */
export interface Basis {
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

/** What few trajectories have. */
export interface Extras {
  layers?: Uint32Array | undefined;
  verdict?: number | undefined;
  source?: string | undefined;
  contexts?: string[] | undefined;
  kind?: string | undefined;
  nodes?: NodeStep[] | undefined;
  attention?: Float32Array | undefined;
  attentionLengths?: Uint32Array | undefined;
}

/** A step that names a node instead of giving an activation. */
export interface NodeStep {
  node: string;
  score: number;
  latencyUs: number;
}

/** What came of a suggestion. */
export interface SuggestionParts {
  quality?: number | undefined;
  route?: string | undefined;
  create?: boolean | undefined;
  verdict?: number | undefined;
  latencyMs?: number | undefined;
  source?: string | undefined;
  amend?: boolean | undefined;
}

/** What is told of a route; `metadata` is JSON. What is undefined stays as it was. */
export interface RouteDetails {
  metadata?: string | undefined;
  aliases?: string[] | undefined;
}

/** What is kept with an item; `metadata` is JSON. */
export interface MemoParts {
  metadata?: string | undefined;
  tags?: string[] | undefined;
  subject?: string | undefined;
  session?: string | undefined;
  id?: ItemName | undefined;
}

/** An item's number, and who issued it. */
export interface ItemName {
  incarnation: string;
  number: number;
}

/** What items are asked for. */
export interface RecallParts {
  k: number;
  minScore?: number | undefined;
  expand: number;
  tags?: string[] | undefined;
  anyTag?: string[] | undefined;
  subject?: string | undefined;
}

/** What few requests have. */
export interface RequestExtras {
  session?: string | undefined;
  tenant?: string | undefined;
  maxCostUsd?: number | undefined;
  maxLatencyMs?: number | undefined;
  observe?: boolean | undefined;
  promptTokens?: number | undefined;
  metadata?: string | undefined;
}

/** How a router is made where there is none. */
export interface RouterMaking {
  config: string;
  models: string;
  origin: string;
  shipped: boolean;
  basis?: Basis | undefined;
}

/** One attempt of a chain. */
export interface AttemptParts {
  model: number;
  quality?: number | undefined;
  costUsd?: number | undefined;
  latencyMs?: number | undefined;
  error?: boolean | undefined;
  usage?: UsageParts | undefined;
}

/** Tokens of a call. */
export interface UsageParts {
  input: number;
  output: number | undefined;
  truncated: boolean;
}

/** What few outcomes have. */
export interface OutcomeExtras {
  incarnation?: string | undefined;
  attempts?: AttemptParts[] | undefined;
  metadata?: string | undefined;
  usage?: UsageParts | undefined;
  error?: boolean | undefined;
  source?: string | undefined;
  model?: number | undefined;
  amend?: boolean | undefined;
}

/**
 * The addon's functions. Every call either returns or throws an error that `fromNative` understands; numbers that
 * are typed `u32` on the other side wrap silently there, so they are validated here first.
 */
export interface Binding {
  engineCreate(config: string): number;
  engineShared(name: string, config?: string): number;
  engineRestore(bytes: Uint8Array, continues: boolean): number;
  engineLoad(path: string, continues: boolean): Promise<number>;
  engineIncarnation(handle: number): string;
  trajectoryIsOwn(handle: number, incarnation: string, id: number): boolean;
  suggestionIsOwn(handle: number, incarnation: string, id: number): boolean;
  engineConfig(handle: number): string;
  engineSetEmbedder(handle: number, id: string, dim: number): void;
  engineEmbedder(handle: number): string | null;
  setTime(handle: number, unixMs: number): void;
  engineClose(handle: number): Promise<void>;
  engineAbandon(handle: number): void;
  apply(handle: number, tier: number, x: Float32Array, out: Float32Array): void;
  applyF64(handle: number, tier: number, x: Float64Array, out: Float64Array): void;
  applyMicroBatch(handle: number, flat: Float32Array, out: Float32Array): void;
  applyMicroBatchF64(handle: number, flat: Float64Array, out: Float64Array): void;
  floor(handle: number, tier: number, x: Float32Array, out: Float32Array): void;
  routeAdd(handle: number, name: string, embedding: Float32Array | undefined, parts: RouteDetails): number;
  routeAddSeveral(handle: number, name: string, embeddings: Float32Array, parts: RouteDetails): number;
  routeRemove(handle: number, name: string): void;
  routeId(handle: number, name: string): number;
  routes(handle: number): string;
  route(handle: number, id: number): string | null;
  suggest(
    handle: number,
    query: Float32Array | undefined,
    eligible: Uint32Array | undefined,
    ids: Uint32Array,
    numbers: Float64Array,
    explore: boolean,
  ): number;
  suggestExplained(
    handle: number,
    query: Float32Array,
    eligible: Uint32Array | undefined,
    ids: Uint32Array,
    numbers: Float64Array,
    explore: boolean,
  ): string;
  squaredNorm(handle: number, memory: Float32Array, at: number, length: number): number;
  reserveIds(handle: number, count: number): number;
  trajectoryEnd(
    handle: number,
    id: number,
    vectors: Float32Array,
    rewards: Float32Array,
    steps: number,
    route: number,
    decision: number,
    quality: number,
    name?: string,
    extras?: Extras,
  ): number;
  suggestionFeedback(handle: number, suggestion: number, parts: SuggestionParts): number[];
  learnFromFeedback(
    handle: number,
    id: number,
    quality?: number,
    verdict?: number,
    latencyMs?: number,
  ): string;
  versions(handle: number): string;
  rollback(handle: number, version: number): void;
  forget(handle: number, source?: string, trajectory?: number, beforeMs?: number): string;
  snapshot(handle: number): Uint8Array;
  save(handle: number, path: string): Promise<void>;
  patternsFind(handle: number, query: Float32Array, minQuality: number, numbers: Float64Array): number;
  patternRead(handle: number, id: number, centroid: Float32Array): string | null;
  expectQuality(handle: number, query: Float32Array, route?: string): string;
  itemRemember(handle: number, vector: Float32Array, parts: MemoParts): number;
  itemRecall(handle: number, query: Float32Array, parts: RecallParts): string;
  itemForget(handle: number, name: ItemName): boolean;
  itemReinforce(handle: number, names: ItemName[], quality: number): number;
  subjectForget(handle: number, subject: string): number;
  tick(handle: number): string | null;
  forceLearn(handle: number): string;
  flush(handle: number): number;
  intervene(handle: number, code: number): void;
  learn(handle: number, job: number, progress?: (done: number, total: number) => void): Promise<string>;
  learnJob(): number;
  learnAbort(job: number): void;
  stats(handle: number): string;
  memory(handle: number): string;
  setEnabled(handle: number, enabled: boolean): void;
  isEnabled(handle: number): boolean;
  observe(handle: number, listener: (report: string) => void): number;
  unobserve(handle: number, listener: number): void;
  basisFit(flat: Float32Array, dim: number, id: string, seed: number): Basis;
  basisMinilm(): Basis;
  basisHash(parts: Basis): string;
  basisFeatures(parts: Basis, flat: Float32Array): Float32Array;
  offPolicyEvaluate(
    features: Float32Array | undefined,
    chosen: Uint32Array,
    propensities: Float64Array,
    logging: Float64Array | undefined,
    rewards: Float64Array,
    target: Float64Array,
    settings: { seed: number; minSupport: number; minEffectiveSampleSize: number },
  ): string;
  routerCreate(
    config: string,
    models: string,
    origin: string,
    shipped: boolean,
    basis?: Basis,
    name?: string,
  ): number;
  routerShared(name: string): number;
  routerOpen(
    path: string,
    making: RouterMaking | undefined,
    durability: string,
    rename: string | undefined,
    nowMs: number,
  ): Promise<number>;
  routerOpened(handle: number): string | null | undefined;
  routerFlushDurable(handle: number, timeoutMs: number): Promise<number>;
  routerCheckpoint(handle: number): Promise<void>;
  routerEnd(handle: number): Promise<void>;
  routerIncarnation(handle: number): string;
  routerMemory(handle: number): string;
  routerRestore(bytes: Uint8Array, origin: string | undefined, continues: boolean): number;
  routerLoad(path: string, origin: string | undefined, continues: boolean): Promise<number>;
  routerClose(handle: number): void;
  routerSettings(): string;
  routerConfig(handle: number): string;
  routerModels(handle: number): string;
  routerModel(handle: number, number: number): string | null;
  routerAddModel(handle: number, model: string): number;
  routerRemoveModel(handle: number, name: string): number;
  routerUpdatePrice(handle: number, name: string, input?: number, output?: number): void;
  routerSetEmbedder(handle: number, id: string, dim: number): void;
  routerEmbedder(handle: number): string | null;
  routerBasis(handle: number): Basis;
  routerEvents(handle: number): string;
  routerStats(handle: number): string;
  routerTokensOf(texts: string[]): number | null;
  routerRoute(
    handle: number,
    query: Float32Array | undefined,
    unixMs: number,
    steadyMs: number,
    numbers: Float64Array,
    eligible?: Uint32Array,
    extras?: RequestExtras,
    text?: string,
  ): number | Float64Array;
  routerPropensities(
    handle: number,
    hash: string,
    names: string[],
    features: Float32Array,
    eligible: Uint8Array,
    out: Float64Array,
  ): boolean;
  routerFeedback(
    handle: number,
    number: number,
    unixMs: number,
    steadyMs: number,
    quality?: number,
    costUsd?: number,
    latencyMs?: number,
    extras?: OutcomeExtras,
  ): number;
  routerWarmStart(handle: number, vectors: Float32Array, models: Uint32Array, numbers: Float64Array): void;
  routerForget(
    handle: number,
    unixMs: number,
    steadyMs: number,
    source?: string,
    incarnation?: string,
    number?: number,
    before?: number,
  ): string;
  routerFit(handle: number): Promise<boolean>;
  routerSnapshot(handle: number): Uint8Array;
  routerMerge(handle: number, bytes: Uint8Array): string;
  routerSave(handle: number, path: string): Promise<void>;
  routerLogChunk(handle: number, since: number, bytes: number): { lines: string; next?: number | null };
  routerLogLine(
    handle: number,
    incarnation: string | undefined,
    number: number,
    outcome: boolean,
  ): string | null;
  embedderOpen(path: string, dim?: number): number;
  embedderFromBytes(bytes: Uint8Array, dim?: number): number;
  embedderInfo(handle: number): string;
  embedderBasis(handle: number): Basis | null;
  embedderEmbed(handle: number, text: string, out: Float32Array): boolean;
  embedderEmbedBatch(handle: number, texts: string[], out: Float32Array): number;
  hashEmbed(text: string, out: Float32Array): void;
  settings(): string;
  presets(): string;
  capabilities(): string;
  layout(): string;
}
