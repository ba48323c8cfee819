import { fromNative, invalidArgument, type PackedError, SonaError, sonaError } from '../base/errors.ts';
import type { Events } from '../base/events.ts';
import type { MemoryId, StoredId, SuggestionId } from '../base/ids.ts';
import { mark } from '../base/marks.ts';
import {
  checkInteger,
  checkName,
  checkOptions,
  checkUnitInterval,
  type Same,
  type Vector,
} from '../base/vectors.ts';
import type { RouteDetails } from '../binding/binding.ts';
import { checkDirection } from '../binding/memory.ts';
import { call, native } from '../binding/native.ts';
import type { Embedder } from '../embed/embedder.ts';
import type { ChatMessages } from '../embed/prompt.ts';
import {
  type AsyncOptions,
  isText,
  Queries,
  type Query,
  type QueryOptions,
  splitAsync,
} from '../embed/query.ts';
import { Adapters, tiers } from './adapters.ts';
import { type SonaConfig, settingNames } from './config.ts';
import { Created, created, createdShared, type EngineRestoreOptions, loaded, restored } from './created.ts';
import { makeBuilder, type SonaEngineBuilder } from './engine-builder.ts';
import type { SonaEvents } from './events.ts';
import { amend, type FeedbackResult, type SignalParts } from './feedback.ts';
import {
  type ForgetCriterion,
  type ForgetResult,
  forget,
  rollback,
  type Version,
  versions,
} from './history.ts';
import { Issued } from './issued.ts';
import {
  checkRecall,
  checkRemember,
  checkTextLength,
  forgetItem,
  type RecalledItem,
  type RecallOptions,
  type RememberOptions,
  recall,
  reinforce,
  remember,
} from './items.ts';
import { type LearnOptions, learnOffThread } from './learning.ts';
import { type EndOptions, end, extrasWith } from './outcomes.ts';
import { type LearnedPattern, Patterns, type QualityExpectation } from './patterns.ts';
import { type Prior, type RouteParts, routeDetails, routePrior } from './route-prior.ts';
import { checkNames, type Route, type RouteSuggestion, Routes } from './routes.ts';
import { type LearnReport, type SonaMemory, type SonaStats, summary, toStats } from './stats.ts';
import {
  type SuggestionOutcome,
  type SuggestionResult,
  tellSuggestionOutcome,
} from './suggestion-outcome.ts';
import { Trajectories, type Sizes as TrajectorySizes } from './trajectories.ts';
import type { TrajectoryBuilder, TrajectoryRef } from './trajectory-builder.ts';

/** The settings that this side needs to know. */
interface Sizes extends TrajectorySizes {
  readonly qualityThreshold: number;
}

/** What this build can do on this machine. */
export interface Capabilities {
  /** Kernels that engines use. */
  simd: string;
  /** Kernels that would run here. */
  backends: string[];
  /** Version of the native core. */
  version: string;
  /** Operating system and processor, `linux-x86_64` for instance. */
  platform: string;
}

const unreachable = new FinalizationRegistry((handle: number) => native.engineAbandon(handle));

const noOptions = {};

/** The kind of vectors that answers to a query hold: the query's own, or Float32Array for text. */
export type AnswerVector<Q extends Query> = Q extends string | ChatMessages
  ? Float32Array
  : Q extends Vector
    ? Same<Q>
    : never;

/** What routes are wanted. */
export interface SuggestOptions {
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
export class SonaEngine {
  #handle: number;
  #closing: Promise<void> | undefined;
  /** The trajectory that this thread ended last. */
  #last: number | undefined;
  readonly #now: (() => number) | undefined;
  readonly #sizes: Sizes;
  readonly #query: Float32Array;
  readonly #queries: Queries;
  readonly #adapters: Adapters;
  readonly #issued: Issued;
  readonly #routes: Routes;
  readonly #patterns: Patterns;
  readonly #trajectories: Trajectories;
  readonly #listener: number;
  readonly #events: Events<SonaEvents>;

  /**
   * An engine that has learned nothing.
   *
   * @param config its settings, or the length of every vector alone, 1 to 65,536; default 256. `SONA_INVALID_CONFIG` names the
   * setting; an unknown key, with the nearest known one
   */
  constructor(config?: number | SonaConfig);
  constructor(from: unknown = 256) {
    const { handle, surroundings, events } = from instanceof Created ? from : created(settingsOf(from));
    this.#handle = handle;
    this.#now = surroundings.now;
    this.#sizes = JSON.parse(call(() => native.engineConfig(handle))) as Sizes;
    const { hiddenDim } = this.#sizes;
    this.#query = new Float32Array(hiddenDim);
    this.#queries = queriesOf(handle, hiddenDim, surroundings.queries);
    this.#adapters = new Adapters(hiddenDim);
    this.#issued = new Issued(handle);
    this.#routes = new Routes(this.#issued);
    this.#patterns = new Patterns(hiddenDim);
    this.#trajectories = new Trajectories(() => this.#live(), this.#issued, this.#sizes);
    this.#events = events;
    unreachable.register(this, handle, this);
    this.#listener = SonaEngine.#listen(handle, new WeakRef(this));
  }

  /** As the constructor with settings. */
  static withConfig(config: SonaConfig): SonaEngine {
    return SonaEngine.#from(created(config));
  }

  /** Builds the settings of an engine, one method per setting. */
  static builder(): SonaEngineBuilder {
    return makeBuilder(settingNames, (config) => new SonaEngine(config)) as SonaEngineBuilder;
  }

  /**
   * One engine for all threads of the process. The first who asks for a name makes it, with `config` or default settings;
   * each thread closes its own, the last one ends the engine. Another config for the same name throws
   * `SONA_INVALID_CONFIG`. A trajectory that has begun belongs to the object that began it.
   */
  static shared(name: string, config?: SonaConfig): SonaEngine {
    return SonaEngine.#from(createdShared(name, config));
  }

  /**
   * The engine of a snapshot, with its settings: gives the same answers and learns on the same way, bit for bit in manual
   * mode. It is an engine of its own: trajectories that came with the state still take their outcomes, ids that were issued
   * after it was saved are `foreign`, unless it {@link EngineRestoreOptions.continues | continues} the other.
   *
   * @throws `SONA_CORRUPT_STATE` for bytes that are damaged, `SONA_INCOMPATIBLE_STATE` for those of something else or of
   * a newer format
   */
  static restore(bytes: Uint8Array, options: EngineRestoreOptions = {}): SonaEngine {
    return SonaEngine.#from(restored(bytes, options));
  }

  /**
   * The engine of a file that `save` wrote, read off the main thread. `stats()` tells what it holds. Rejects with
   * `SONA_IO`, and as {@link restore}.
   */
  static async load(path: string, options: EngineRestoreOptions = {}): Promise<SonaEngine> {
    return SonaEngine.#from(await loaded(path, options));
  }

  static #from(made: Created): SonaEngine {
    return new (SonaEngine as new (from: unknown) => SonaEngine)(made);
  }

  /**
   * Calls `listener` with each event of a name from now on; returns what ends that. A listener that throws, or whose promise
   * rejects, fails nobody: see the event `error`.
   */
  on<Name extends keyof SonaEvents>(event: Name, listener: (event: SonaEvents[Name]) => unknown): () => void {
    return this.#events.on(event, listener);
  }

  /** As `on`, for the next event alone. */
  once<Name extends keyof SonaEvents>(
    event: Name,
    listener: (event: SonaEvents[Name]) => unknown,
  ): () => void {
    return this.#events.on(event, listener, true);
  }

  /** Ends what `on` or `once` with this listener began. */
  off<Name extends keyof SonaEvents>(event: Name, listener: (event: SonaEvents[Name]) => unknown): void {
    this.#events.off(event, listener);
  }

  /** Length of every vector. */
  get hiddenDim(): number {
    this.#live();
    return this.#sizes.hiddenDim;
  }

  /** What makes vectors of text; null where there is nothing for vectors of this length. */
  get embedder(): Embedder | null {
    this.#live();
    return this.#queries.embedder ?? null;
  }

  /** x plus the per-request adapter's change, not normalised; untrained: x, bit for bit. About 0.3 us into a buffer. */
  applyMicroLora<V extends Vector>(x: V, out?: Same<V>): Same<V> {
    return this.#adapters.apply(this.#live(), tiers.micro, x, out);
  }

  /** x plus one layer's change of the background adapter; layer 0 is the one that queries train. */
  applyBaseLora<V extends Vector>(layer: number, x: V, out?: Same<V>): Same<V> {
    const handle = this.#live();
    checkInteger('layer', layer, 0, this.#sizes.baseLoraLayers - 1);
    return this.#adapters.apply(handle, tiers.base + layer, x, out);
  }

  /** x plus the change of the per-request adapter and of the background adapter's layer 0: what `suggestRoutes` ranks by. */
  applyLora<V extends Vector>(x: V, out?: Same<V>): Same<V> {
    return this.#adapters.apply(this.#live(), tiers.both, x, out);
  }

  /** `applyMicroLora` on any number of vectors that lie one after another in one vector. */
  applyMicroLoraBatch<V extends Vector>(flat: V, out?: Same<V>): Same<V> {
    return this.#adapters.applyBatch(this.#live(), flat, out);
  }

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
  addRoute(name: string, options: RouteParts = {}): void {
    this.#live();
    checkName('name', name);
    const prior = routePrior(options);
    this.#startRoute(name, prior, routeDetails(options));
  }

  /** As `addRoute`, with every embedder. */
  async addRouteAsync(name: string, options: RouteParts & AsyncOptions = {}): Promise<void> {
    this.#live();
    checkName('name', name);
    const { wait, rest: parts } = splitAsync(options);
    const prior = routePrior(parts);
    const details = routeDetails(parts);
    if (!prior) return this.#startRoute(name, undefined, details);
    if ('texts' in prior) {
      const vectors = await this.#queries.textVectors('texts', prior.texts, wait);
      return this.#startRouteOf(name, vectors, details);
    }
    const { argument } = prior;
    const query = await this.#queries.vector(argument, prior.query, wait);
    this.#startRoute(name, { argument, query }, details);
  }

  /** Removes a route, with what it learned: from rankings, patterns and everything that is trained later. */
  removeRoute(name: string): void {
    const handle = this.#live();
    checkName('name', name);
    call(() => native.routeRemove(handle, name));
    this.#routes.forget(name);
    this.#patterns.clear();
  }

  /** All routes, in the order in which their places were taken. */
  routes(): Route[] {
    return this.#routes.list(this.#live());
  }

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
  suggestRoutes(query: Query, options: SuggestOptions = noOptions): RouteSuggestion {
    const handle = this.#live();
    const { k, eligible, mode } = checkSuggest(options);
    const text = this.#queries.text('query', query);
    if (text === undefined)
      return this.#routes.suggest(handle, this.#read('query', query), k, eligible, mode, null);
    const fallback = this.#queries.textOrFallback('query', text, this.#query, (error) => this.#fail(error));
    return this.#routes.suggest(handle, this.#query, k, eligible, mode, fallback);
  }

  /** As `suggestRoutes`, with every embedder. */
  async suggestRoutesAsync(
    query: Query,
    options: SuggestOptions & AsyncOptions = {},
  ): Promise<RouteSuggestion> {
    this.#live();
    const { wait, rest } = splitAsync(options);
    const { k, eligible, mode } = checkSuggest(rest);
    const text = this.#queries.text('query', query);
    if (text === undefined || this.#queries.isSync('query')) return this.suggestRoutes(text ?? query, rest);
    const names = eligible && Array.from(eligible);
    const failed = (error: SonaError) => this.#fail(error);
    const { vector, fallback } = await this.#queries.textVectorOrFallback('query', text, wait, failed);
    const handle = this.#live();
    const read = vector ? this.#read('query', vector) : this.#query;
    return this.#routes.suggest(handle, read, k, names, mode, fallback);
  }

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
  feedback(id: SuggestionId | StoredId, outcome: SuggestionOutcome): SuggestionResult {
    const handle = this.#live();
    this.#tellTime();
    const { result, key, dropped } = tellSuggestionOutcome(handle, this.#issued, this.#routes, id, outcome);
    if (key !== undefined) this.#last = key;
    if (dropped > 0) this.#dropped(dropped);
    return result;
  }

  /**
   * Starts telling a trajectory.
   *
   * @param options.decision the id of the `suggestRoutes` result that led here; saves a search when it ends. Another
   * engine's, or one from before a restart, is passed over: the search is made again
   */
  beginTrajectory(
    query: Query,
    options: { decision?: SuggestionId | StoredId | undefined } = noOptions,
  ): TrajectoryBuilder {
    const handle = this.#live();
    const decision = this.#decision(options);
    return this.#trajectories.begin(handle, this.#embedded(query), decision);
  }

  /** As `beginTrajectory`, with every embedder. */
  async beginTrajectoryAsync(
    query: Query,
    options: { decision?: SuggestionId | StoredId | undefined } & AsyncOptions = {},
  ): Promise<TrajectoryBuilder> {
    this.#live();
    const { wait, rest } = splitAsync(options);
    this.#decision(rest);
    return this.beginTrajectory(await this.#queries.vector('query', query, wait), rest);
  }

  /**
   * Ends a trajectory with its outcome. When this returns, the next call on any thread sees what was learned from it
   * at once; the record then waits for background learning.
   *
   * @param quality how well it went, 0 to 1; for a route: whether it was the right one
   */
  endTrajectory(trajectory: TrajectoryRef, quality: number, options: EndOptions = noOptions): void {
    const handle = this.#live();
    const ended = this.#trajectories.find(trajectory);
    checkUnitInterval('quality', quality);
    const extras = options === noOptions ? ended.extras(undefined, undefined) : extrasWith(ended, options);
    this.#tellTime();
    let dropped: number;
    try {
      dropped = end(handle, this.#routes, ended, quality, extras);
    } catch (error) {
      throw fromNative(error);
    }
    this.#last = ended.key;
    this.#trajectories.release(ended);
    if (dropped > 0) this.#dropped(dropped);
  }

  /**
   * Corrects the outcome of a trajectory that has ended: prototype and records become what they would be, had it been
   * told right at once; the per-request adapter takes the difference; the background adapter learns from it from the next
   * cycle on. The same signal again changes nothing. Known are the newest `trajectoryCapacity`, also those that came with a
   * state; an older one throws `SONA_UNKNOWN_TRAJECTORY`. The id of another engine or a router, or one that a former process
   * issued after its state was saved, changes nothing and is told as `foreign`.
   */
  learnFromFeedback(signal: SignalParts): FeedbackResult {
    return amend(this.#live(), this.#issued, signal, this.#last);
  }

  /** Trains if `backgroundEvery` events or `backgroundIntervalMs` have passed. A message, or null if nothing was due. */
  tick(): string | null {
    const handle = this.#live();
    this.#tellTime();
    const json = call(() => native.tick(handle));
    return json === null ? null : summary('Background cycle', this.#finished(json));
  }

  /** Trains now on everything that waits. A message. */
  forceLearn(): string {
    const handle = this.#live();
    this.#tellTime();
    return summary('Forced learning', this.#finished(call(() => native.forceLearn(handle))));
  }

  /** Moves what waits in the queue into the replay memory, without training. How many moved. */
  flush(): number {
    const handle = this.#live();
    return call(() => native.flush(handle));
  }

  /**
   * Trains now, on a thread of Node.js's pool; a cycle under way is waited for there, so begin one at a time.
   *
   * @returns what the cycle did; rejects with `SONA_ABORTED` when `options.signal` stopped it
   */
  async learn(options: LearnOptions = {}): Promise<LearnReport> {
    const handle = this.#live();
    this.#tellTime();
    const { json, failure } = await learnOffThread(handle, options);
    const report = this.#finished(json);
    if (failure) throw failure.error;
    return report;
  }

  /**
   * The nearest patterns of past trajectories, nearest first.
   *
   * @param k how many at most, from 0; default 5
   * @param options.minQuality least mean quality; default `qualityThreshold`. 0 shows what failed too
   */
  findPatterns<Q extends Query>(
    query: Q,
    k = 5,
    options: { minQuality?: number | undefined } = noOptions,
  ): LearnedPattern<AnswerVector<Q>>[] {
    const handle = this.#live();
    const minQuality = checkFind(k, options) ?? this.#sizes.qualityThreshold;
    this.#tellTime();
    const read = this.#read('query', query);
    const found = this.#patterns.find(handle, isText(query) ? read : (query as Vector), read, k, minQuality);
    return found as LearnedPattern<AnswerVector<Q>>[];
  }

  /** As `findPatterns`, with every embedder. */
  async findPatternsAsync<Q extends Query>(
    query: Q,
    k = 5,
    options: { minQuality?: number | undefined } & AsyncOptions = {},
  ): Promise<LearnedPattern<AnswerVector<Q>>[]> {
    this.#live();
    const { wait, rest } = splitAsync(options);
    checkFind(k, rest);
    const vector = await this.#queries.vector('query', query, wait);
    return this.findPatterns(vector, k, rest) as LearnedPattern<AnswerVector<Q>>[];
  }

  /**
   * What quality to expect for a query, from the nearest patterns of past trajectories.
   *
   * @param options.route for that route alone
   */
  expectQuality(query: Query, options: { route?: string | undefined } = noOptions): QualityExpectation {
    const handle = this.#live();
    const route = checkExpect(options);
    return this.#patterns.expect(handle, this.#read('query', query), route);
  }

  /** As `expectQuality`, with every embedder. */
  async expectQualityAsync(
    query: Query,
    options: { route?: string | undefined } & AsyncOptions = {},
  ): Promise<QualityExpectation> {
    this.#live();
    const { wait, rest } = splitAsync(options);
    checkExpect(rest);
    return this.expectQuality(await this.#queries.vector('query', query, wait), rest);
  }

  /**
   * Remembers a vector, or a text by its vector, with details; {@link recall} finds it again. The text itself is not kept: put it
   * into `metadata` where you want it back. Where there is no room (`memoryCapacity`, `memoryBudgetMb`), the items go that are
   * worth least: usefulness x (1 + ln(1 + uses)) x 2^(-age / 30 days), by the time since they were last recalled or remembered.
   *
   * @param options.session it is linked with the newest item of the same session
   * @param options.id the item to replace; `SONA_INVALID_ARGUMENT` for one that is not remembered (any more)
   * @returns the item's id
   */
  remember(query: Query, options: RememberOptions = noOptions): MemoryId {
    const handle = this.#live();
    const parts = checkRemember(options);
    const vector = this.#read('query', this.#short(query));
    this.#tellTime();
    return remember(handle, this.#issued, vector, parts);
  }

  /** As `remember`, with every embedder. */
  async rememberAsync(query: Query, options: RememberOptions & AsyncOptions = {}): Promise<MemoryId> {
    this.#live();
    const { wait, rest } = splitAsync(options);
    const parts = checkRemember(rest);
    const vector = await this.#queries.vector('query', this.#short(query), wait);
    const handle = this.#live();
    const read = this.#read('query', vector);
    this.#tellTime();
    return remember(handle, this.#issued, read, parts);
  }

  /**
   * The items whose vectors are most like a query's, best first; each counts as used. Never waits for whoever remembers.
   *
   * @param options.where among those with these tags, or about this subject
   * @param options.expand follows edges from what was found: to the next and the previous of a session, to what was used together.
   * What they lead to competes with the rest for the `k` places, by the better of both scores
   */
  recall(query: Query, options: RecallOptions = noOptions): RecalledItem[] {
    const handle = this.#live();
    const parts = checkRecall(options);
    const read = this.#read('query', this.#short(query));
    this.#tellTime();
    return recall(handle, read, parts);
  }

  /** As `recall`, with every embedder. */
  async recallAsync(query: Query, options: RecallOptions & AsyncOptions = {}): Promise<RecalledItem[]> {
    this.#live();
    const { wait, rest } = splitAsync(options);
    const parts = checkRecall(rest);
    const vector = await this.#queries.vector('query', this.#short(query), wait);
    const handle = this.#live();
    const read = this.#read('query', vector);
    this.#tellTime();
    return recall(handle, read, parts);
  }

  /**
   * Says how well it went with items that were used together: their usefulness and the weights of the edges among them move by up
   * to 5 %, and from .5 on those that have no edge get one.
   *
   * @param ids up to 100; those that are gone count nothing
   * @param quality 0 to 1
   * @returns how many of them are remembered; 0 while learning is off
   */
  reinforce(ids: readonly (MemoryId | StoredId)[], quality: number): number {
    return reinforce(this.#live(), ids, quality);
  }

  /** Forgets an item at once; whether there was one. */
  forgetMemory(id: MemoryId | StoredId): boolean {
    return forgetItem(this.#live(), id);
  }

  /** The newest promoted weights, oldest first. Up to eight are kept. */
  versions(): Version[] {
    return versions(this.#live());
  }

  /**
   * Makes the weights of a kept version serve again; training goes on from there. The per-request adapter starts afresh,
   * prototypes and patterns stay.
   *
   * @param version one of `versions()`; another throws `SONA_OUT_OF_RANGE`
   */
  rollback(version: number): void {
    rollback(this.#live(), version);
  }

  /**
   * Forgets trajectories. Prototypes and patterns become exactly what they would be without them; the background adapter
   * is trained anew on what is left, which takes as long as training on all of it; kept versions go. By `subject`, forgets the
   * items about it, at once.
   *
   * @throws `SONA_INVALID_ARGUMENT` without a criterion
   */
  forget(criterion: ForgetCriterion): ForgetResult {
    const handle = this.#live();
    this.#tellTime();
    this.#patterns.clear();
    return forget(handle, this.#issued, criterion);
  }

  /**
   * Everything that was learned and that waits to be, as bytes that {@link restore} takes. Open trajectories are not
   * part of it. Waits for a cycle under way; then about a millisecond per megabyte.
   */
  snapshot(): Uint8Array {
    const handle = this.#live();
    this.#trajectories.leaveIds();
    return call(() => native.snapshot(handle));
  }

  /**
   * Writes a snapshot to a file, off the main thread. The file is either the old one or the new one, whatever happens.
   * Rejects with `SONA_IO`.
   */
  async save(path: string): Promise<void> {
    const handle = this.#live();
    checkName('path', path);
    this.#trajectories.leaveIds();
    try {
      await native.save(handle, path);
    } catch (error) {
      throw fromNative(error);
    }
  }

  /** Counters as a JSON string with snake_case keys. */
  getStats(): string {
    const handle = this.#live();
    return call(() => native.stats(handle));
  }

  /** Counters. */
  stats(): SonaStats {
    return toStats(this.getStats());
  }

  /** Bytes that its parts take. Waits for a cycle under way. */
  memory(): SonaMemory {
    const handle = this.#live();
    return JSON.parse(call(() => native.memory(handle))) as SonaMemory;
  }

  /** Off: `apply*` and `suggestRoutes` still answer, no outcome is recorded or learned. Items are still remembered and recalled. */
  setEnabled(enabled: boolean): void {
    const handle = this.#live();
    if (typeof enabled !== 'boolean') throw invalidArgument('enabled', 'true or false', enabled);
    call(() => native.setEnabled(handle, enabled));
  }

  /** Whether it learns. */
  isEnabled(): boolean {
    const handle = this.#live();
    return call(() => native.isEnabled(handle));
  }

  /** What this build can do on this machine. */
  capabilities(): Capabilities {
    this.#live();
    return JSON.parse(native.capabilities()) as Capabilities;
  }

  /** Ends the engine and waits for its thread. Later calls throw `SONA_CLOSED`; closing again does nothing. */
  close(): Promise<void> {
    if (!this.#closing) {
      const handle = this.#forget();
      this.#closing = native.engineClose(handle).catch((error: unknown) => {
        throw fromNative(error);
      });
    }
    return this.#closing;
  }

  /** Ends the engine without waiting for its thread. */
  [Symbol.dispose](): void {
    if (!this.#closing) {
      this.#closing = Promise.resolve();
      native.engineAbandon(this.#forget());
    }
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #live(): number {
    if (this.#closing) throw sonaError('SONA_CLOSED', 'the engine is closed', {});
    return this.#handle;
  }

  #forget(): number {
    unreachable.unregister(this);
    this.#trajectories.clear();
    try {
      native.unobserve(this.#handle, this.#listener);
    } catch {
      // the engine is gone already, and its listeners with it
    }
    return this.#handle;
  }

  /** Passes on what time it is, where the caller says. */
  #tellTime(): void {
    if (!this.#now) return;
    const now: unknown = this.#now();
    checkInteger('now', now, 1, Number.MAX_SAFE_INTEGER);
    native.setTime(this.#handle, now);
  }

  /** An embedder failed, and a suggestion was made without it. */
  #fail(error: SonaError): void {
    this.#live();
    this.#events.report(error, 'routes are suggested without the text');
  }

  #dropped(count: number): void {
    this.#events.tell('dropped', { count });
  }

  #startRoute(name: string, prior: Prior | undefined, details: RouteDetails): void {
    const handle = this.#live();
    if (prior && 'texts' in prior) {
      this.#startRouteOf(name, prior.texts, details);
      return;
    }
    if (prior) this.#read(prior.argument, prior.query);
    const id = call(() => native.routeAdd(handle, name, prior && this.#query, details));
    this.#routes.know(name, id);
  }

  /** Of several texts or their vectors. */
  #startRouteOf(name: string, queries: readonly Query[], details: RouteDetails): void {
    const handle = this.#live();
    const dim = this.#sizes.hiddenDim;
    const embeddings = new Float32Array(dim * queries.length);
    queries.forEach((query, i) => {
      embeddings.set(this.#read(`texts[${i}]`, query), dim * i);
    });
    const id = call(() => native.routeAddSeveral(handle, name, embeddings, details));
    this.#routes.know(name, id);
  }

  /** The number of the suggestion that led to a trajectory; -1 for none. */
  #decision(options: { decision?: SuggestionId | StoredId | undefined }): number {
    if (options !== noOptions) checkOptions('options', options, ['decision']);
    const { decision } = options;
    return decision === undefined ? -1 : this.#issued.decision(this.#live(), 'decision', decision);
  }

  /** Copies a vector with a direction into the engine's own memory, or that of a text. */
  #read(argument: string, query: Query): Float32Array {
    this.#queries.into(argument, query, this.#query);
    checkDirection(argument, this.#handle, this.#query, 0, this.#sizes.hiddenDim);
    return this.#query;
  }

  /** A vector, or a text that is not too long. */
  #short(query: Query): Query {
    const text = this.#queries.text('query', query);
    if (text !== undefined) checkTextLength('query', text);
    return text ?? query;
  }

  /** A vector as it is, that of a text in the engine's own memory. */
  #embedded(query: Query): Vector {
    const text = this.#queries.text('query', query);
    if (text === undefined) return query as Vector;
    this.#queries.textInto('query', text, this.#query);
    return this.#query;
  }

  #finished(json: string): LearnReport {
    const report = JSON.parse(json) as LearnReport;
    this.#events.tell('learned', report);
    if (report.promoted) this.#events.tell('promoted', report);
    if (report.refused) this.#events.tell('rolledBack', report);
    if (report.drift !== null) this.#events.tell('drift', { change: report.drift });
    return report;
  }

  /**
   * Passes on what the background thread tells, weakly: the thread must not keep an engine alive that nobody holds.
   * Static, because a closure that is made in the constructor would hold on to `this` with it.
   */
  static #listen(handle: number, listener: WeakRef<SonaEngine>): number {
    return native.observe(handle, (json) => {
      const engine = listener.deref();
      if (engine) engine.#told(json);
    });
  }

  /** Hears of a cycle of the background thread. */
  #told(json: string): void {
    if (this.#closing) return;
    const told = JSON.parse(json) as { error?: PackedError };
    if (!told.error) {
      this.#finished(json);
    } else if (this.#events.has('error')) {
      this.#events.tell('error', new SonaError(told.error.code, told.error.message, told.error.details));
    }
  }
}

mark(SonaEngine, 'engine');

/** Settings, or the length of vectors alone. */
export function settingsOf(config: unknown): unknown {
  return typeof config === 'object' && config !== null ? config : { hiddenDim: config };
}

/** The queries of an engine; one that they refuse is ended. */
function queriesOf(handle: number, dim: number, options: QueryOptions): Queries {
  const owner = {
    dim,
    known: () => native.engineEmbedder(handle),
    settle: (id: string, length: number) => native.engineSetEmbedder(handle, id, length),
  };
  try {
    return new Queries(owner, options);
  } catch (error) {
    native.engineAbandon(handle);
    throw error;
  }
}

function checkSuggest(options: SuggestOptions) {
  if (options !== noOptions) checkOptions('options', options, ['k', 'eligible', 'explain', 'explore']);
  const { k = 5, eligible, explain = false, explore = false } = options;
  checkInteger('k', k, 1, 10_000);
  if (eligible !== undefined) checkNames('eligible', eligible);
  if (typeof explain !== 'boolean') throw invalidArgument('explain', 'true or false', explain);
  if (typeof explore !== 'boolean') throw invalidArgument('explore', 'true or false', explore);
  return { k, eligible, mode: { explain, explore } };
}

function checkFind(k: number, options: { minQuality?: number | undefined }): number | undefined {
  checkInteger('k', k, 0, 10_000);
  if (options !== noOptions) checkOptions('options', options, ['minQuality']);
  const { minQuality } = options;
  if (minQuality !== undefined) checkUnitInterval('minQuality', minQuality);
  return minQuality;
}

function checkExpect(options: { route?: string | undefined }): string | undefined {
  if (options !== noOptions) checkOptions('options', options, ['route']);
  const { route } = options;
  if (route !== undefined) checkName('route', route);
  return route;
}
