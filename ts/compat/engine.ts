import { invalidArgument } from '../base/errors.ts';
import { type MemoryId, parseId, type StoredId, type SuggestionId, type TrajectoryId } from '../base/ids.ts';
import {
  checkInteger,
  checkName,
  checkOptions,
  checkUnitInterval,
  checkVector,
  isVector,
  type Same,
  type Vector,
  vectorKinds,
} from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import type { Embedder } from '../embed/embedder.ts';
import { type AsyncOptions, isText, type Query, splitAsync } from '../embed/query.ts';
import { settingNames } from '../engine/config.ts';
import {
  Created,
  created,
  createdShared,
  loaded,
  type EngineRestoreOptions as OptionsOfToday,
  restored,
} from '../engine/created.ts';
import {
  type AnswerVector,
  SonaEngine as EngineOfToday,
  type SuggestOptions,
  settingsOf,
} from '../engine/engine.ts';
import { makeBuilder } from '../engine/engine-builder.ts';
import type { FeedbackResult } from '../engine/feedback.ts';
import type { ForgetCriterion as CriterionOfToday, ForgetResult } from '../engine/history.ts';
import type { RecalledItem, RecallOptions, RememberOptions } from '../engine/items.ts';
import { checkEnd, type EndOptions } from '../engine/outcomes.ts';
import type { QualityExpectation } from '../engine/patterns.ts';
import type { RouteParts } from '../engine/route-prior.ts';
import type { RouteSuggestion } from '../engine/routes.ts';
import type { SuggestionOutcome, SuggestionResult } from '../engine/suggestion-outcome.ts';
import type { StepOptions } from '../engine/trajectory-builder.ts';
import { olderSettingNames, positionalConfig, type SonaConfig, splitConfig } from './config.ts';
import {
  checkTrajectoryName,
  type LearningSignal,
  type SignalParts,
  type TrajectoryName,
  toSignal,
} from './learning-signal.ts';
import { OpenTrajectories } from './open-trajectories.ts';
import { applyRows, Outer } from './outer.ts';
import { type LearnedPattern, olderPattern } from './patterns.ts';
import { nodeOutcome, type Trajectory, type TrajectoryBuilder, type TrajectoryRef } from './trajectory.ts';

const noOptions = {};

/** Routes that an engine can have. */
const MOST_ROUTES = 10_000;

/** What a snapshot does not hold. */
export interface RestoreOptions extends OptionsOfToday {
  /** Length of queries, activations and embeddings, where it is not the `hiddenDim` of the state. */
  embeddingDim?: number | undefined;
}

/** Which trajectories to forget: those that every given part holds for. */
export interface ForgetCriterion extends Omit<CriterionOfToday, 'trajectoryId'> {
  /** The one with this id or number. */
  trajectoryId?: TrajectoryName | undefined;
}

type Setters = {
  [Name in (typeof settingNames)[number] | (typeof olderSettingNames)[number]]: (
    value: NonNullable<SonaConfig[Name]>,
  ) => SonaEngineBuilder;
};

/** Builds an engine: one method per setting, then `build`. */
export interface SonaEngineBuilder extends Setters {
  /** Takes over every setting of a config, a preset for instance. */
  config(config: SonaConfig): SonaEngineBuilder;
  /** The engine; what is not accepted is refused here. */
  build(): SonaEngine;
}

/** An engine that exists already, and the vectors that are given to it; only this module can make one. */
class Opened {
  constructor(
    readonly made: Created,
    readonly outer: Outer | undefined,
  ) {}
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
export class SonaEngine extends EngineOfToday {
  readonly #outer: Outer | undefined;
  readonly #open: OpenTrajectories;
  /** What `applyMicroLora` returned, and what it was made of. */
  readonly #origins = new WeakMap<Vector, { readonly origin: Vector; readonly moved: Vector }>();

  /**
   * An engine that has learned nothing.
   *
   * @param config its settings, under names of today or older ones, or `hiddenDim` alone, 1 to 65,536; default 256
   */
  constructor(config?: number | SonaConfig);
  constructor(from: unknown = 256) {
    const { made, outer } = from instanceof Opened ? from : configured(settingsOf(from));
    // the constructor above takes what exists already, which its types keep to its own module
    super(made as never);
    this.#outer = outer;
    this.#open = new OpenTrajectories(made, outer);
  }

  /**
   * The older form, for vectors of 256 numbers.
   *
   * @param microLoraRank 1 to 4
   * @param baseLoraRank 1 to 64
   * @param trajectoryCapacity ended trajectories that wait at most, 1 to 1,000,000
   * @param ewcLambda in the older scale, 0 to 1, or as `SonaConfig.ewcLambda`
   */
  static override withConfig(
    microLoraRank: number,
    baseLoraRank: number,
    trajectoryCapacity: number,
    ewcLambda: number,
  ): SonaEngine;
  /** As the constructor with settings. */
  static override withConfig(config: SonaConfig): SonaEngine;
  static override withConfig(...args: unknown[]): SonaEngine {
    const positional = args.length > 1 && typeof args[0] !== 'object';
    return SonaEngine.#from(configured(positional ? positionalConfig(args) : args[0]));
  }

  /** Builds the settings of an engine, one method per setting, older names included. */
  static override builder(): SonaEngineBuilder {
    const names = [...settingNames, ...olderSettingNames];
    return makeBuilder(names, (config) => new SonaEngine(config)) as SonaEngineBuilder;
  }

  /** One engine for all threads of the process, as in the main entry. `embeddingDim` is each opener's own. */
  static override shared(name: string, config?: SonaConfig): SonaEngine {
    const { settings, embeddingDim } = splitConfig(config);
    return SonaEngine.#from(opened(createdShared(name, settings, true), embeddingDim));
  }

  /**
   * The engine of a snapshot, also of one of the main entry's.
   *
   * @param options.embeddingDim length of outer vectors; a state does not hold it. Default: its `hiddenDim`
   */
  static override restore(bytes: Uint8Array, options: RestoreOptions = {}): SonaEngine {
    const { embeddingDim, rest } = splitOptions(options);
    return SonaEngine.#from(opened(restored(bytes, rest), embeddingDim));
  }

  /** The engine of a file that `save` wrote, also of one of the main entry's; options as {@link restore}. */
  static override async load(path: string, options: RestoreOptions = {}): Promise<SonaEngine> {
    const { embeddingDim, rest } = splitOptions(options);
    return SonaEngine.#from(opened(await loaded(path, rest), embeddingDim));
  }

  static #from(from: Opened): SonaEngine {
    return new (SonaEngine as new (from: unknown) => SonaEngine)(from);
  }

  /** Length of every vector that it takes and gives. */
  get embeddingDim(): number {
    const { hiddenDim } = this;
    return this.#outer ? this.#outer.dim : hiddenDim;
  }

  /** What makes vectors of text, of `embeddingDim` numbers; null where there is nothing for vectors of this length. */
  override get embedder(): Embedder | null {
    const embedder = super.embedder;
    return this.#outer ? this.#outer.embedder : embedder;
  }

  /**
   * x plus what both adapters have learned, not normalised; untrained: x, bit for bit. As `applyLora`.
   *
   * Older programs look up patterns with what this returned, and pass it on to `applyBaseLora(0, ...)`. The array that it
   * returned is known there: patterns are those of x, and nothing is added twice. A copy of it is a vector like any other.
   */
  override applyMicroLora<V extends Vector>(x: V, out?: Same<V>): Same<V> {
    const origin = isVector(x) ? x.slice() : x;
    const moved = this.applyLora(x, out);
    this.#origins.set(moved, { origin, moved: moved.slice() });
    return moved;
  }

  /**
   * x plus one layer's change of the background adapter. An array that `applyMicroLora` returned has that of layer 0 in it already
   * and comes back as it is, so that one after the other gives what `applyLora` gives.
   */
  override applyBaseLora<V extends Vector>(layer: number, x: V, out?: Same<V>): Same<V> {
    if (layer === 0 && this.#known(x)) return this.#copied(x, out);
    if (!this.#outer) return super.applyBaseLora(layer, x, out);
    this.#live();
    return this.#outer.apply(x, out, (inner) => super.applyBaseLora(layer, inner));
  }

  /** x plus what both adapters have learned, not normalised; untrained: x, bit for bit. */
  override applyLora<V extends Vector>(x: V, out?: Same<V>): Same<V> {
    if (!this.#outer) return super.applyLora(x, out);
    this.#live();
    return this.#outer.apply(x, out, (inner) => super.applyLora(inner));
  }

  /** `applyMicroLora` on any number of vectors that lie one after another in one vector. */
  override applyMicroLoraBatch<V extends Vector>(flat: V, out?: Same<V>): Same<V> {
    this.#live();
    if (!isVector(flat)) throw invalidArgument('flat', vectorKinds, flat);
    return applyRows('flat', flat, out, this.embeddingDim, (row) => this.applyLora(row));
  }

  /** As in the main entry; an embedding has `embeddingDim` numbers. */
  override addRoute(name: string, options: RouteParts = {}): void {
    super.addRoute(name, this.#outer ? this.#prior(this.#outer, options) : options);
  }

  /** As `addRoute`, with every embedder. */
  override async addRouteAsync(name: string, options: RouteParts & AsyncOptions = {}): Promise<void> {
    if (!this.#outer) return super.addRouteAsync(name, options);
    this.#live();
    checkName('name', name);
    const { wait, rest: parts } = splitAsync(options);
    const { text, metadata, aliases, embedding, ...others } = parts;
    const alone = embedding === undefined && Object.keys(others).length === 0;
    if (typeof text !== 'string' || !alone) return this.addRoute(name, parts);
    const vector = await this.#outer.vector('text', text, wait);
    super.addRoute(name, { embedding: this.#outer.inner('text', vector), metadata, aliases });
  }

  /** As in the main entry. */
  override suggestRoutes(query: Query, options: SuggestOptions = noOptions): RouteSuggestion {
    return super.suggestRoutes(this.#inner(query), options);
  }

  /** As `suggestRoutes`, with every embedder. */
  override async suggestRoutesAsync(
    query: Query,
    options: SuggestOptions & AsyncOptions = {},
  ): Promise<RouteSuggestion> {
    if (!this.#outer) return super.suggestRoutesAsync(query, options);
    this.#live();
    const { wait, rest } = splitAsync(options);
    return this.suggestRoutes(await this.#outer.vector('query', query, wait), rest);
  }

  /** Starts telling a trajectory, as in the main entry; the builder is a number too. */
  override beginTrajectory(
    query: Query,
    options: { decision?: SuggestionId | StoredId | undefined } = noOptions,
  ): TrajectoryBuilder {
    return this.#open.begin(super.beginTrajectory(this.#inner(query), options));
  }

  /** As `beginTrajectory`, with every embedder. */
  override async beginTrajectoryAsync(
    query: Query,
    options: { decision?: SuggestionId | StoredId | undefined } & AsyncOptions = {},
  ): Promise<TrajectoryBuilder> {
    if (!this.#outer) return (await super.beginTrajectoryAsync(query, options)) as TrajectoryBuilder;
    this.#live();
    const { wait, rest } = splitAsync(options);
    return this.beginTrajectory(await this.#outer.vector('query', query, wait), rest);
  }

  /**
   * `beginTrajectory`, by its number alone. At most `trajectoryCapacity` can be open by number; one more gives up the oldest,
   * which the event `dropped` tells.
   */
  startTrajectory(query: Query): number {
    return this.#open.start(super.beginTrajectory(this.#inner(query)));
  }

  /** As `startTrajectory`, with every embedder. */
  async startTrajectoryAsync(query: Query, options: AsyncOptions = {}): Promise<number> {
    this.#live();
    checkOptions('options', splitAsync(options).rest, []);
    return this.#open.start(((await this.beginTrajectoryAsync(query, options)) as Trajectory).inside);
  }

  /** `addStep` of a builder. */
  addTrajectoryStep(
    trajectory: TrajectoryRef,
    activations: Vector,
    attentionWeights: Vector,
    reward: number,
    options?: StepOptions,
  ): void {
    this.#find(trajectory).addStep(activations, attentionWeights, reward, options);
  }

  /** `recordStep` of a builder. */
  recordStep(trajectory: TrajectoryRef, node: string | number, score: number, latencyUs: number): void {
    this.#find(trajectory).recordStep(node, score, latencyUs);
  }

  /** `setRoute` of a builder. */
  setTrajectoryRoute(trajectory: TrajectoryRef, name: string): void {
    this.#find(trajectory).setRoute(name);
  }

  /** `addContext` of a builder. */
  addTrajectoryContext(trajectory: TrajectoryRef, contextId: string): void {
    this.#find(trajectory).addContext(contextId);
  }

  /**
   * Ends a trajectory with its outcome, as in the main entry. One that only names nodes ends with the best of them as its route,
   * and with an outcome made of that node's score and `quality`: see {@link TrajectoryBuilder.recordStep}.
   *
   * @param quality how well it went, 0 to 1
   */
  override endTrajectory(trajectory: TrajectoryRef, quality: number, options: EndOptions = noOptions): void {
    const ended = this.#find(trajectory);
    const node = ended.node && this.#canBeRoute(ended.node.node) ? ended.node : undefined;
    if (!node) {
      super.endTrajectory(ended.inside, quality, options);
      this.#open.end(ended, undefined);
      return;
    }
    // whatever is refused is refused before the trajectory gets its route
    checkUnitInterval('quality', quality);
    if (options !== noOptions) checkEnd(options);
    ended.inside.setRoute(node.node);
    super.endTrajectory(ended.inside, nodeOutcome(node.score, quality), options);
    this.#open.end(ended, node.score);
  }

  /** What came of a suggestion, as in the main entry. */
  override feedback(id: SuggestionId | StoredId, outcome: SuggestionOutcome): SuggestionResult {
    const result = super.feedback(id, outcome);
    if (result.trajectoryId !== undefined) this.#open.noteEnd(parseId('id', result.trajectoryId).number);
    return result;
  }

  /**
   * Corrects the outcome of a trajectory that has ended, as in the main entry. Where a node became its route,
   * `quality` means what it means to `endTrajectory`, while this object knows of it (the newest `trajectoryCapacity`); to another
   * process it is the outcome itself.
   */
  override learnFromFeedback(signal: LearningSignal | SignalParts): FeedbackResult;
  /**
   * The older form: corrects the outcome of the trajectory that this thread ended last.
   *
   * @param success the verdict
   * @param latencyMs time that the answer took, in milliseconds, from 0
   * @param quality how well it went, 0 to 1
   */
  override learnFromFeedback(success: boolean, latencyMs: number, quality: number): FeedbackResult;
  override learnFromFeedback(...args: unknown[]): FeedbackResult {
    this.#live();
    const { trajectoryId, quality, verdict, latencyMs } = toSignal(args);
    return super.learnFromFeedback({
      trajectoryId: this.#id(trajectoryId),
      quality: quality === undefined ? undefined : this.#open.outcome(trajectoryId, quality),
      verdict,
      latencyMs,
    });
  }

  /** Older name of `forceLearn`. */
  runBackgroundCycle(): string {
    return this.forceLearn();
  }

  /** Older name. Outcomes take effect at once, so there is nothing left to do; answers whether learning is on. */
  runInstantCycle(): boolean {
    return this.isEnabled();
  }

  /** The nearest patterns of past trajectories, nearest first, as in the main entry, with older names too. */
  override findPatterns<Q extends Query>(
    query: Q,
    k = 5,
    options: { minQuality?: number | undefined } = noOptions,
  ): LearnedPattern<AnswerVector<Q>>[] {
    const outer = this.#outer;
    const asked = this.#origin(query);
    if (!outer) return super.findPatterns(asked, k, options).map((each) => olderPattern(each, each.centroid));
    const found = super.findPatterns(this.#inner(asked), k, options);
    const kind: Vector = isText(query) ? new Float32Array(0) : query;
    const outside = found.map((each) => olderPattern(each, outer.outside(each.centroid, kind)));
    return outside as LearnedPattern<AnswerVector<Q>>[];
  }

  /** As `findPatterns`, with every embedder. */
  override async findPatternsAsync<Q extends Query>(
    query: Q,
    k = 5,
    options: { minQuality?: number | undefined } & AsyncOptions = {},
  ): Promise<LearnedPattern<AnswerVector<Q>>[]> {
    if (!this.#outer) {
      return (await super.findPatternsAsync(this.#origin(query), k, options)) as LearnedPattern<
        AnswerVector<Q>
      >[];
    }
    this.#live();
    const { wait, rest } = splitAsync(options);
    const vector = await this.#outer.vector('query', this.#origin(query), wait);
    return this.findPatterns(vector, k, rest) as LearnedPattern<AnswerVector<Q>>[];
  }

  /** Older name of {@link findPatterns}. */
  queryPatterns<Q extends Query>(query: Q, k = 5): LearnedPattern<AnswerVector<Q>>[] {
    return this.findPatterns(query, k);
  }

  /** As in the main entry. */
  override expectQuality(
    query: Query,
    options: { route?: string | undefined } = noOptions,
  ): QualityExpectation {
    return super.expectQuality(this.#inner(this.#origin(query)), options);
  }

  /** As `expectQuality`, with every embedder. */
  override async expectQualityAsync(
    query: Query,
    options: { route?: string | undefined } & AsyncOptions = {},
  ): Promise<QualityExpectation> {
    const asked = this.#origin(query);
    if (!this.#outer) return super.expectQualityAsync(asked, options);
    this.#live();
    const { wait, rest } = splitAsync(options);
    return this.expectQuality(await this.#outer.vector('query', asked, wait), rest);
  }

  /** As in the main entry. */
  override remember(query: Query, options: RememberOptions = noOptions): MemoryId {
    return super.remember(this.#inner(query), options);
  }

  /** As `remember`, with every embedder. */
  override async rememberAsync(
    query: Query,
    options: RememberOptions & AsyncOptions = {},
  ): Promise<MemoryId> {
    if (!this.#outer) return super.rememberAsync(query, options);
    this.#live();
    const { wait, rest } = splitAsync(options);
    return this.remember(await this.#outer.vector('query', query, wait), rest);
  }

  /** As in the main entry. */
  override recall(query: Query, options: RecallOptions = noOptions): RecalledItem[] {
    return super.recall(this.#inner(query), options);
  }

  /** As `recall`, with every embedder. */
  override async recallAsync(
    query: Query,
    options: RecallOptions & AsyncOptions = {},
  ): Promise<RecalledItem[]> {
    if (!this.#outer) return super.recallAsync(query, options);
    this.#live();
    const { wait, rest } = splitAsync(options);
    return this.recall(await this.#outer.vector('query', query, wait), rest);
  }

  /** Forgets trajectories, as in the main entry; also by number. */
  override forget(criterion: ForgetCriterion): ForgetResult {
    this.#live();
    if (typeof criterion !== 'object' || criterion === null || criterion.trajectoryId === undefined) {
      return super.forget(criterion as CriterionOfToday);
    }
    checkTrajectoryName('trajectoryId', criterion.trajectoryId);
    return super.forget({ ...criterion, trajectoryId: this.#id(criterion.trajectoryId) });
  }

  /** Ends the engine and waits for its thread. Later calls throw `SONA_CLOSED`; closing again does nothing. */
  override close(): Promise<void> {
    this.#open.clear();
    return super.close();
  }

  /** Ends the engine without waiting for its thread. */
  override [Symbol.dispose](): void {
    this.#open.clear();
    super[Symbol.dispose]();
  }

  /** Throws `SONA_CLOSED` once it is closed. */
  #live(): void {
    super.hiddenDim;
  }

  #copied<V extends Vector>(x: V, out: Same<V> | undefined): Same<V> {
    this.#live();
    return applyRows('x', x, out, this.embeddingDim, (row) => row);
  }

  #find(trajectory: TrajectoryRef): Trajectory {
    this.#live();
    return this.#open.find(trajectory);
  }

  #id(name: TrajectoryName | undefined): TrajectoryId | StoredId | undefined {
    return typeof name === 'number' ? this.#open.idOf(name) : name;
  }

  /** What `applyMicroLora` made a query of; the query itself where it was not. */
  #origin<Q extends Query>(query: Q): Q {
    return (this.#known(query)?.origin as Q | undefined) ?? query;
  }

  /** What `applyMicroLora` made of which vector, while the array holds nothing else. */
  #known(query: Query): { readonly origin: Vector; readonly moved: Vector } | undefined {
    const known =
      typeof query === 'object' && query !== null ? this.#origins.get(query as Vector) : undefined;
    const same = known?.moved.every((number, i) => Object.is(number, (query as Vector)[i]));
    return same ? known : undefined;
  }

  /** A query as the core takes it. */
  #inner(query: Query): Query {
    if (!this.#outer) return query;
    this.#live();
    return this.#outer.inner('query', query);
  }

  /** The prior of a route as the core takes it. What is no prior is the core's to refuse. */
  /** Whether a name is a route's, or there is room for one more. */
  #canBeRoute(name: string): boolean {
    return (
      this.stats().routes < MOST_ROUTES ||
      this.routes().some((route) => route.name === name || route.aliases?.includes(name))
    );
  }

  #prior(outer: Outer, options: RouteParts): RouteParts {
    this.#live();
    if (typeof options !== 'object' || options === null) return options;
    const { embedding, text, texts, ...rest } = options;
    if (texts !== undefined)
      throw invalidArgument('texts', 'one text or embedding where vectors have another length', texts);
    if (text !== undefined) {
      if (embedding !== undefined || typeof text !== 'string') return options;
      return { ...rest, embedding: outer.inner('text', text) };
    }
    if (embedding === undefined) return options;
    checkVector('embedding', embedding, outer.dim);
    return { ...rest, embedding: outer.inner('embedding', embedding) };
  }
}

function configured(config: unknown): Opened {
  const { settings, embeddingDim } = splitConfig(config);
  return opened(created(settings, true), embeddingDim);
}

/** An engine with vectors of another length than its own where that is asked for. */
function opened(made: Created, embeddingDim: number | undefined): Opened {
  const { handle, surroundings, events } = made;
  const { hiddenDim } = JSON.parse(call(() => native.engineConfig(handle))) as { hiddenDim: number };
  if (embeddingDim === undefined || embeddingDim === hiddenDim) return new Opened(made, undefined);
  const { now, queries } = surroundings;
  try {
    const outer = new Outer(handle, embeddingDim, hiddenDim, queries);
    // text is made a vector before the core sees it
    return new Opened(new Created(handle, { now, queries: {} }, events), outer);
  } catch (error) {
    native.engineAbandon(handle);
    throw error;
  }
}

function splitOptions(options: RestoreOptions): { embeddingDim: number | undefined; rest: OptionsOfToday } {
  if (typeof options !== 'object' || options === null) return { embeddingDim: undefined, rest: options };
  const { embeddingDim, ...rest } = options;
  if (embeddingDim !== undefined) checkInteger('embeddingDim', embeddingDim, 1, 65_536);
  return { embeddingDim, rest };
}
