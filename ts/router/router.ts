import { fromNative, invalidArgument, reasonOf, SonaError, sonaError } from '../base/errors.ts';
import { attempt, Events } from '../base/events.ts';
import { type DecisionId, formatId, idPrefix, type StoredId } from '../base/ids.ts';
import { isMarked, mark } from '../base/marks.ts';
import { bytesOf, checkInteger, checkName, checkNumber, checkOptions } from '../base/vectors.ts';
import { Slab } from '../binding/memory.ts';
import { call, native } from '../binding/native.ts';
import type { Basis } from '../embed/basis.ts';
import type { Embedder } from '../embed/embedder.ts';
import { type Fallback, isWithoutText } from '../embed/fallback.ts';
import { type AsyncOptions, isChat, Queries, type Query, splitAsync } from '../embed/query.ts';
import { textsOf } from '../embed/sent.ts';
import type { ForgetResult } from '../engine/history.ts';
import { warn } from '../host/warnings.ts';
import type { DecisionLog, DecisionLogStream } from '../log/decision-log.ts';
import type { EvaluationPolicy } from '../log/evaluation-policy.ts';
import {
  type EvaluationOptions,
  evaluateLog,
  evaluatePolicy,
  type PolicyEvaluation,
} from '../log/offpolicy.ts';
import {
  checkRestoreOptions,
  type Exploration,
  encodeRouterConfig,
  type RouterConfig,
  type RouterRestoreOptions,
  type Surroundings,
} from './config.ts';
import { Decision, type RouteOptions, type RouterDecision, requestExtras } from './decision.ts';
import { presentPolicy } from './evaluation.ts';
import { eventNames, type RouterEvents, type Told, takeEvents } from './events.ts';
import { at, type Context, meet, of } from './explanation.ts';
import { forgetOutcomes, type RouterForgetCriterion } from './forget.ts';
import { LogLines } from './log-lines.ts';
import { decodeModel, encodeModel, type ModelPrice, Models, type RouterModel } from './models.ts';
import {
  checkpoint,
  end,
  type FlushOptions,
  flush,
  openReport,
  openRouter,
  type RouterOpenConfig,
  type RouterOpenReport,
} from './open.ts';
import {
  checkOutcome,
  type DecisionRef,
  decisionRef,
  type Outcome,
  type OutcomeResult,
  tellOutcome,
} from './outcome.ts';
import { type RouterMemory, type RouterStats, routerMemory, routerStats } from './stats.ts';
import { type Times, timesOf } from './times.ts';
import { embedRows, type Receiver, type WarmStartRow, warmStart } from './warm-start.ts';

/** The settings that this side needs to know, by their flat names. */
interface Known {
  readonly 'features.dim': number;
  readonly exploration: Exploration;
  readonly propensityFloor: number;
  readonly background: 'auto' | 'manual';
}

/** The process was warned that a log cannot be evaluated. */
let warned = false;

/** Warns, once, of a log from which little can be learned about other policies. */
function warnOfCertainChoices({ exploration, propensityFloor }: Known): void {
  if (warned || propensityFloor > 0 || exploration === 'thompson' || exploration === 'igw') return;
  warned = true;
  const what = `log: with exploration '${exploration}' and no propensityFloor nearly every choice is certain`;
  const then =
    "such a log says little about other policies; set propensityFloor, .0025 for instance, or 'thompson' or 'igw'";
  warn('SONA_EXPLORATION_FOR_LOG', `${what}; ${then}`);
}

/** A router that exists already; only this module can make one. */
class Created {
  constructor(
    readonly handle: number,
    readonly surroundings: Surroundings,
  ) {}
}

const unreachable = new FinalizationRegistry((handle: number) => native.routerClose(handle));

const noOptions = {};

/**
 * Chooses a model for each prompt, from one outcome per decision: expected quality, cost and latency of every model at this
 * prompt, what is not known yet, an objective, a budget.
 *
 * Whatever is refused throws a {@link SonaError} that names the argument, and changes nothing: `SONA_INVALID_ARGUMENT` for a
 * value of the wrong kind, `SONA_DIM_MISMATCH`, `SONA_NOT_FINITE` and `SONA_OUT_OF_RANGE` for numbers and vectors,
 * `SONA_UNKNOWN_MODEL` for names, `SONA_NO_ELIGIBLE_MODEL` when every model is ruled out, and `SONA_CLOSED` after `close`.
 */
export class SonaRouter<const Id extends string = string> {
  readonly #handle: number;
  readonly #surroundings: Surroundings;
  readonly #settings: Known;
  /** What the ids of its decisions begin with. */
  readonly #prefix: string;
  readonly #incarnation: string;
  /** It was opened in a directory. */
  readonly #isOpened: boolean;
  readonly #models: Models;
  readonly #query: Float32Array;
  readonly #queries: Queries;
  #slab = new Slab();
  #context: Context;
  #fit: Promise<void> | undefined;
  readonly #events = new Events<RouterEvents>(eventNames);
  readonly #saves = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;
  #freed = false;

  /**
   * A router that has learned nothing. `SONA_INVALID_CONFIG` names the setting; an unknown key, with the nearest known one.
   * Models are named `models[i]`.
   */
  constructor(config: RouterConfig<Id>);
  constructor(from: unknown) {
    const { handle, surroundings } = from instanceof Created ? from : create(from);
    this.#handle = handle;
    this.#surroundings = surroundings;
    this.#settings = settingsOf(handle);
    this.#incarnation = call(() => native.routerIncarnation(handle));
    this.#prefix = idPrefix('decision', this.#incarnation);
    this.#isOpened = openReport(handle) !== null;
    this.#query = new Float32Array(this.#settings['features.dim']);
    this.#queries = queriesOf(handle, this.#query.length, surroundings);
    this.#models = new Models(handle);
    this.#context = this.#contextOf();
    if (surroundings.log) warnOfCertainChoices(this.#settings);
    unreachable.register(this, handle, this);
  }

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
  static shared<const Id extends string = string>(name: string, config?: RouterConfig<Id>): SonaRouter<Id> {
    checkName('name', name);
    if (config !== undefined) {
      const created = create(config, name);
      return SonaRouter.#from(created.handle, created.surroundings);
    }
    const handle = call(() => native.routerShared(name));
    return SonaRouter.#from(handle, checkRestoreOptions({}));
  }

  /**
   * The router of a snapshot, with its settings: gives the same answers and learns on the same way, bit for bit with
   * `continues` and `background: 'manual'`. It begins another life, unless `continues` is set: decisions that came with the
   * state take their outcomes, and those that a former life made after it was saved are `foreign`.
   *
   * @throws `SONA_CORRUPT_STATE` for bytes that are damaged, `SONA_INCOMPATIBLE_STATE` for those of something else or of
   * a newer format
   */
  static restore<Id extends string = string>(
    bytes: Uint8Array,
    options: RouterRestoreOptions = {},
  ): SonaRouter<Id> {
    const own = bytesOf('bytes', bytes);
    const { origin, continues, ...surroundings } = checkRestoreOptions(options);
    return SonaRouter.#from(
      call(() => native.routerRestore(own, origin, continues)),
      surroundings,
    );
  }

  /** The router of a file that `save` wrote, read off the main thread. Rejects with `SONA_IO`, and as {@link restore}. */
  static async load<Id extends string = string>(
    path: string,
    options: RouterRestoreOptions = {},
  ): Promise<SonaRouter<Id>> {
    checkName('path', path);
    const { origin, continues, ...surroundings } = checkRestoreOptions(options);
    let handle: number;
    try {
      handle = await native.routerLoad(path, origin, continues);
    } catch (error) {
      throw fromNative(error);
    }
    return SonaRouter.#from(handle, surroundings);
  }

  /**
   * The router of a directory on a local disk, which is made if it isn't there: all that was learned and decided before, by this process or
   * former ones, whatever ended them. Every change goes into a journal there, which no call waits for: see `durability`, `flushDurable` and
   * `stats().durability`. Opening is done off the main thread: 10 ms, some 30 us for each change to replay and 10 us for each decision that is held. Workers that open the same directory share one
   * router; another process is refused. To end it, `await router.close()`.
   *
   * `config` is as of the constructor. In a directory that holds a router, settings must be those that it was made with; models that it has
   * never had are added, others stay as they are, with their prices; `origin`, where it is another, goes on under that name.
   *
   * ```ts
   * const router = await SonaRouter.open('./data/router', { models: [{ id: 'small' }, { id: 'large' }] });
   * console.log(router.opened?.restored);
   * ```
   *
   * @throws `SONA_LOCKED` when another process has it open; `SONA_INVALID_CONFIG` for other settings; `SONA_INCOMPATIBLE_STATE` for
   * another embedder, vectors of another length or a newer format; `SONA_CORRUPT_STATE` where nothing sound is left; `SONA_IO`
   */
  static async open<const Id extends string = string>(
    path: string,
    config: RouterOpenConfig<Id>,
  ): Promise<SonaRouter<Id>> {
    const { handle, surroundings } = await openRouter(path, config);
    return SonaRouter.#from(handle, surroundings);
  }

  static #from<Id extends string>(handle: number, surroundings: Surroundings): SonaRouter<Id> {
    const { engine } = surroundings;
    try {
      const dim = settingsOf(handle)['features.dim'];
      if (engine && engine.hiddenDim !== dim) {
        throw invalidArgument('engine.hiddenDim', `${dim}, the router's features.dim`, engine.hiddenDim);
      }
    } catch (error) {
      native.routerClose(handle);
      throw error;
    }
    return new (SonaRouter as new (from: unknown) => SonaRouter<Id>)(new Created(handle, surroundings));
  }

  /**
   * Calls `listener` with each event of a name from now on; returns what ends that. A listener that throws, or whose promise
   * rejects, fails no request: see the event `error`.
   */
  on<Name extends keyof RouterEvents>(
    event: Name,
    listener: (event: RouterEvents[Name]) => unknown,
  ): () => void {
    return this.#events.on(event, listener);
  }

  /** As `on`, for the next event alone. */
  once<Name extends keyof RouterEvents>(
    event: Name,
    listener: (event: RouterEvents[Name]) => unknown,
  ): () => void {
    return this.#events.on(event, listener, true);
  }

  /** Ends what `on` or `once` with this listener began. */
  off<Name extends keyof RouterEvents>(event: Name, listener: (event: RouterEvents[Name]) => unknown): void {
    this.#events.off(event, listener);
  }

  /** What makes vectors of text; null where there is nothing for vectors of this length. */
  get embedder(): Embedder | null {
    this.#live();
    return this.#queries.embedder ?? null;
  }

  /**
   * Chooses a model for a prompt: its vector, its text, or the messages of its chat. Its outcome goes to `feedback` with the
   * decision's `id`. A text of which the embedder knows nothing, or at which it fails, is decided without: by what is expected of
   * each model at the mean of the prompts so far; one whose language it does not know by its hashed words. The decision's
   * `fallback` says so, and see `onEmbedderError`.
   *
   * @throws `SONA_NO_ELIGIBLE_MODEL`, whose `details.filters` say what rules each model out; for text `SONA_ASYNC_EMBEDDER`
   * when the embedder takes its time, and with `onEmbedderError: 'throw'` what it throws
   */
  route(query: Query, options: RouteOptions<Id> = noOptions): RouterDecision<Id> {
    this.#live();
    return this.#routeText(query, this.#queries.text('query', query, true), options);
  }

  #routeText(query: Query, text: string | undefined, options: RouteOptions<Id>): RouterDecision<Id> {
    const memory = this.#query;
    // code of the caller's, which may route as well, runs before the memory is written
    const read = this.#withTokens(options === noOptions ? none : this.#read(options), query);
    const now = this.#now();
    if (text === undefined) {
      this.#queries.into('query', query, memory);
      return this.#decide(read, now, text, null);
    }
    const fallback = this.#queries.textOrFallback('query', text, memory, (error) =>
      this.#embedderFailed(error),
    );
    return this.#decide(read, now, text, fallback);
  }

  /** As `route`, with every embedder. Rejects with `SONA_ABORTED` when the signal fires. */
  async routeAsync(query: Query, options: RouteOptions<Id> & AsyncOptions = {}): Promise<RouterDecision<Id>> {
    this.#live();
    const { wait, rest } = splitAsync(options);
    const text = this.#queries.text('query', query, true);
    if (text === undefined || this.#queries.isSync('query')) return this.#routeText(query, text, rest);
    // what is wrong with the request is refused before the wait
    const { extras, names, text: said } = this.#withTokens(this.#read(rest), query);
    const failed = (error: SonaError) => this.#embedderFailed(error);
    const { vector, fallback } = await this.#queries.textVectorOrFallback('query', text, wait, failed);
    this.#live();
    // names may mean other models by now
    const eligible = names && this.#models.numbers('eligible', names);
    const now = this.#now();
    if (vector) this.#query.set(vector);
    return this.#decide({ extras, text: said, eligible, names }, now, text, fallback);
  }

  /** Chooses for the vector in `#query`, or without one. */
  #decide(
    { extras, text: said, eligible, names }: Read,
    { unixMs, steadyMs }: Times,
    text: string | undefined,
    fallback: Fallback | null,
  ): RouterDecision<Id> {
    const handle = this.#handle;
    const memory = isWithoutText(fallback) ? undefined : this.#query;
    const numbers = this.#slab.f64(at.size + of.size * this.#models.count);
    // a prompt that says nothing has no length either: it may be a picture
    const surface = said ?? (text?.trim() ? text : undefined);
    let allowed = eligible;
    const answer = this.#named(
      () =>
        call(() => native.routerRoute(handle, memory, unixMs, steadyMs, numbers, allowed, extras, surface)),
      () => {
        allowed = names && this.#models.numbers('eligible', names);
      },
    );
    // a row of its own where another thread has added models
    const room = typeof answer === 'number' ? numbers.subarray(0, at.size + of.size * answer) : answer;
    meet(this.#models, room);
    // another thread may have fitted a basis
    if (room[at.basis] !== this.#context.basis.number) this.#context = this.#contextOf();
    const number = room[at.number] as number;
    const events = room[at.events] === 1 ? takeEvents(handle) : undefined;
    const kept = this.#context.engine && memory ? memory.slice() : undefined;
    const id = formatId('decision', this.#incarnation, number);
    const decision = new Decision(
      id,
      this.#context,
      room,
      kept,
      fallback,
      extras?.metadata,
    ) as RouterDecision<string> as RouterDecision<Id>;
    this.#write({ number, incarnation: undefined }, false, text);
    if (events) this.#tell(events);
    if (room[at.fit_due] === 1) this.#startFit();
    return decision;
  }

  /**
   * Takes in what came of a decision, at once or part by part. An outcome with a part that was told before is refused as a
   * whole (`repeated`), unless `amend` is set: tell the new parts alone. After `attempts` they are of the last one. A decision
   * that is not held any more, or that another router made, is no error: see the result's `reason`.
   */
  feedback(id: DecisionId | StoredId, outcome: Outcome<Id>): OutcomeResult {
    const handle = this.#live();
    const ref = decisionRef('id', id, this.#prefix);
    let checked = checkOutcome(this.#models, outcome);
    const now = this.#now();
    const { result, events } = this.#named(
      () => tellOutcome(handle, ref, now, checked),
      () => {
        checked = checkOutcome(this.#models, outcome);
      },
    );
    if (result.applied && ref) this.#write(ref, true);
    if (events) this.#tellEvents();
    return result;
  }

  /**
   * Adds a model. It starts with its prior, or that of its nearest sibling by tags, and gets `forcedTrials` trials. One that
   * was removed comes back with what it had learned.
   */
  addModel(model: RouterModel<Id>): void {
    const handle = this.#live();
    const encoded = encodeModel('model', model);
    const number = call(() => native.routerAddModel(handle, encoded));
    this.#models.know(decodeModel(JSON.parse(encoded)), number);
    this.#tellEvents();
  }

  /** Takes a model away. Outcomes of its decisions are still taken in. */
  removeModel(id: Id): void {
    const handle = this.#live();
    checkName('id', id);
    call(() => native.routerRemoveModel(handle, id));
    this.#models.forget(id);
  }

  /** Sets prices; nothing has to be learned anew. */
  updatePrice(id: Id, price: ModelPrice): void {
    const handle = this.#live();
    checkName('id', id);
    checkOptions('price', price, ['inputUsdPer1M', 'outputUsdPer1M']);
    const { inputUsdPer1M, outputUsdPer1M } = price;
    if (inputUsdPer1M !== undefined) checkNumber('inputUsdPer1M', inputUsdPer1M);
    if (outputUsdPer1M !== undefined) checkNumber('outputUsdPer1M', outputUsdPer1M);
    call(() => native.routerUpdatePrice(handle, id, inputUsdPer1M, outputUsdPer1M));
  }

  /** All models in the order in which they came, with their prices of now. */
  models(): RouterModel[] {
    return Models.rows(this.#live()).map(([, model]) => model);
  }

  /**
   * Takes in outcomes from elsewhere, all or none.
   *
   * @returns how many
   */
  warmStart(rows: readonly WarmStartRow<Id>[]): number {
    const handle = this.#live();
    const taken = this.#named(() => warmStart(this.#receiver(handle), rows));
    this.#tellEvents();
    if (this.#settings.background === 'auto') this.#startFit();
    return taken;
  }

  /** As `warmStart`, with every embedder; rejects when it fails. */
  async warmStartAsync(rows: readonly WarmStartRow<Id>[], options: AsyncOptions = {}): Promise<number> {
    const handle = this.#live();
    const { wait, rest } = splitAsync(options);
    checkOptions('options', rest, []);
    return this.warmStart(await embedRows(this.#receiver(handle), rows, wait));
  }

  /**
   * Takes in what the router of a snapshot has learned, and what had been merged into that; of each origin the newest
   * counts, so that merging again changes nothing, and the order of merging does not matter. Shifts, budget, sessions and
   * tenants are each router's own.
   *
   * @returns how many origins were new or newer; and how many outcomes at most could not be told from others, and are counted
   * on one side alone: 0 unless a router was restored from an old state many times between two merges
   * @throws `SONA_INCOMPATIBLE_STATE` for another basis, or one that is still being fitted; else as {@link restore}
   */
  merge(state: Uint8Array): { origins: number; outOfReach: number } {
    const handle = this.#live();
    const own = bytesOf('state', state);
    return JSON.parse(call(() => native.routerMerge(handle, own)));
  }

  /**
   * The decision log of all decisions that are held, for `readLog`: line by line, decisions joined with their outcomes.
   *
   * @param options.since id of the first decision, or its number; default all
   * @throws `SONA_INVALID_ARGUMENT` for the id of something else, also of another router's decision
   */
  exportLog(options: { since?: DecisionId | StoredId | number | undefined } = noOptions): LogLines {
    const handle = this.#live();
    checkOptions('options', options, ['since']);
    const { since = 0 } = options;
    if (typeof since === 'string') {
      const ref = decisionRef('since', since, this.#prefix);
      // an outcome with nothing in it changes nothing, and is told whose decision it is
      const reason = ref?.incarnation && tellOutcome(handle, ref, this.#now(), nothing).result.reason;
      if (!ref || reason === 'foreign' || reason === 'unknown') {
        throw invalidArgument('since', "the id of one of this router's decisions", since);
      }
      return new LogLines(() => this.#live(), ref.number);
    }
    checkInteger('since', since, 0, Number.MAX_SAFE_INTEGER);
    return new LogLines(() => this.#live(), since);
  }

  /**
   * Takes outcomes out of what was learned: exactly out of the sums of quality, cost and latency and of what is solved from
   * them. Detectors of shifts, calibration, money spent, priors copied from them, and what their prompts' difficulty was to
   * later outcomes stay. Those whose decisions are held no more are counted as out
   * of reach.
   *
   * @throws `SONA_INVALID_ARGUMENT` without a criterion
   */
  forget(criterion: RouterForgetCriterion): ForgetResult {
    const handle = this.#live();
    return forgetOutcomes(handle, this.#now(), criterion, this.#prefix);
  }

  /**
   * Estimates from a decision log what a policy would have earned, as {@link evaluatePolicy}. A router as policy is what it
   * would do now at the log's features, without limits, budget, sessions and trials; `'current'` is this one.
   *
   * @throws `SONA_INCOMPATIBLE_STATE` for features on another basis than the router's, or none; else as
   * {@link evaluatePolicy}
   */
  evaluate(log: DecisionLog, policy: RouterEvaluationPolicy, options?: EvaluationOptions): PolicyEvaluation;
  evaluate(
    log: DecisionLogStream,
    policy: RouterEvaluationPolicy,
    options?: EvaluationOptions,
  ): Promise<PolicyEvaluation>;
  evaluate(
    log: DecisionLog | DecisionLogStream,
    policy: RouterEvaluationPolicy,
    options: EvaluationOptions = noOptions,
  ): PolicyEvaluation | Promise<PolicyEvaluation> {
    this.#live();
    const router = policy === 'current' ? this : routerOf(policy);
    if (!router) return evaluatePolicy(log, policy as EvaluationPolicy, options);
    // which may be of another copy of this package
    if (router !== this) return router.evaluate(log as DecisionLog, 'current', options);
    return evaluateLog(log, (records) => presentPolicy(this.#live(), records), options);
  }

  /** The basis of now, for another router that is to be merged with this one. */
  basis(): Basis {
    const handle = this.#live();
    return call(() => native.routerBasis(handle));
  }

  /** Counters. */
  stats(): RouterStats {
    return routerStats(this.#live());
  }

  /** Bytes that its parts take. */
  memory(): RouterMemory {
    return routerMemory(this.#live());
  }

  /** Everything that was learned and every decision that is held, as bytes that {@link restore} takes. */
  snapshot(): Uint8Array {
    const handle = this.#live();
    return call(() => native.routerSnapshot(handle));
  }

  /**
   * Writes a snapshot to a file, off the main thread. The file is either the old one or the new one, whatever happens.
   * Rejects with `SONA_IO`.
   */
  async save(path: string): Promise<void> {
    const handle = this.#live();
    checkName('path', path);
    const saved = call(() => native.routerSave(handle, path)).catch((error: unknown) => {
      throw fromNative(error);
    });
    this.#saves.add(saved);
    try {
      await saved;
    } finally {
      this.#saves.delete(saved);
    }
  }

  /** What opening its directory found; null for a router that was not opened in one. */
  get opened(): RouterOpenReport | null {
    return openReport(this.#live());
  }

  /**
   * Resolves when everything that was decided and learned so far survives a crash, with the number of the newest change that does; 0 for a
   * router that was not opened in a directory. Rejects with `SONA_IO` when the disk did not take it in time.
   */
  async flushDurable(options: FlushOptions = {}): Promise<number> {
    return flush(this.#live(), options);
  }

  /**
   * Writes a checkpoint, so that the next opening has less to replay, and what was forgotten out of all files of the directory but those
   * that were set aside as damaged. One is also written by itself, after 20,000 changes, or 5 minutes in which there were some. Does nothing
   * for a router that was not opened in a directory. Rejects with `SONA_IO`.
   */
  async checkpoint(): Promise<void> {
    return checkpoint(this.#live());
  }

  /** Resolves when no basis is being fitted. */
  async settled(): Promise<void> {
    this.#live();
    await this.#fit;
  }

  /**
   * Ends the router, after a fit and saves under way. Later calls throw `SONA_CLOSED`; closing again does nothing. One that was opened in a
   * directory writes what is not there yet, and lets go of it: rejects with `SONA_IO` where the disk refuses that for 5 s.
   */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** Ends the router at once. */
  [Symbol.dispose](): void {
    if (!this.#closing) {
      this.#closing = Promise.resolve();
      this.#free();
    }
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #live(): number {
    if (this.#closing) throw sonaError('SONA_CLOSED', 'the router is closed', {});
    return this.#handle;
  }

  async #end(): Promise<void> {
    await Promise.allSettled([this.#fit, ...this.#saves]);
    if (this.#isOpened) {
      this.#forgo();
      await end(this.#handle);
    } else {
      this.#free();
    }
  }

  #free(): void {
    this.#forgo();
    native.routerClose(this.#handle);
  }

  #forgo(): void {
    this.#freed = true;
    // whoever holds on to what is closed holds on to little
    this.#slab = new Slab();
    unreachable.unregister(this);
  }

  #now(): Times {
    return timesOf(this.#surroundings.now);
  }

  #read(options: RouteOptions): Read {
    const extras = requestExtras(options);
    const { eligible, text } = options;
    if (eligible === undefined) return { extras, text, eligible, names: undefined };
    const numbers = this.#models.numbers('eligible', eligible);
    return {
      extras,
      text,
      eligible: numbers,
      names: Array.from(numbers, (number) => this.#models.name(number)),
    };
  }

  /** With the length of all that a chat sends, where nobody said it. */
  #withTokens(read: Read, query: Query): Read {
    if (read.text !== undefined || read.extras?.promptTokens !== undefined || !isChat(query)) return read;
    const promptTokens = call(() => native.routerTokensOf(textsOf(query))) ?? undefined;
    return promptTokens === undefined ? read : { ...read, extras: { ...read.extras, promptTokens } };
  }

  /** Uses numbers of models; once more, should names mean others since another thread removed and added some. */
  #named<T>(use: () => T, again?: () => void): T {
    try {
      return use();
    } catch (error) {
      if (!SonaError.isInstance(error) || error.code !== 'SONA_UNKNOWN_MODEL') throw error;
      this.#models.refresh();
      again?.();
      return use();
    }
  }

  #receiver(handle: number): Receiver {
    return { handle, models: this.#models, queries: this.#queries, dim: this.#query.length };
  }

  /** On the basis of now. */
  #contextOf(): Context {
    const { engine } = this.#surroundings;
    const { id, hash } = routerStats(this.#handle).basis;
    const basis = { id, number: Number.parseInt(hash.slice(3), 16) };
    return { models: this.#models, exploration: this.#settings.exploration, basis, engine };
  }

  /** Tells what has happened since; nothing once a listener, or the log, has ended this router. */
  #tellEvents(): void {
    if (!this.#freed) this.#tell(takeEvents(this.#handle));
  }

  #tell(events: readonly Told[]): void {
    for (const told of events) {
      if (told.type === 'error') {
        this.#fail(new SonaError(told.code, told.message, told.details));
      } else {
        const { type, ...event } = told;
        this.#events.tell(type, event as never);
      }
    }
  }

  #fail(error: SonaError): void {
    this.#events.tell('error', error);
  }

  /** One line for the log: a decision, or what was told of it. */
  #write({ number, incarnation }: DecisionRef, outcome: boolean, text?: string): void {
    const { log, logText } = this.#surroundings;
    if (!log) return;
    let line = call(() => native.routerLogLine(this.#handle, incarnation, number, outcome));
    if (line === null) return;
    if (logText && text !== undefined) line = `${line.slice(0, -1)},"text":${onOneLine(text)}}`;
    attempt(
      () => log(line as string),
      (error) => this.#logFailed(error),
    );
  }

  #logFailed(cause: unknown): void {
    const error = sonaError('SONA_IO', `log: it failed: ${reasonOf(cause)}`, { argument: 'log' }, cause);
    this.#events.report(error, 'decisions that it did not take are missing from it');
  }

  #embedderFailed(error: SonaError): void {
    this.#live();
    this.#events.report(error, 'prompts are routed without their text');
  }

  /** Fits the basis that is due, if one is, on a thread of the pool. */
  #startFit(): void {
    this.#fit ??= this.#runFit();
  }

  async #runFit(): Promise<void> {
    let failure: SonaError | undefined;
    try {
      await native.routerFit(this.#handle);
    } catch (error) {
      failure = fromNative(error);
    }
    this.#fit = undefined;
    // disposed of meanwhile
    if (this.#freed) return;
    if (failure) this.#fail(failure);
    this.#tellEvents();
  }
}

mark(SonaRouter, 'router');

/** A policy of `router.evaluate`: also what a router would do now, this one with `'current'`. */
export type RouterEvaluationPolicy = EvaluationPolicy | 'current' | { readonly router: SonaRouter };

function routerOf(policy: unknown): SonaRouter | undefined {
  if (typeof policy !== 'object' || policy === null || !('router' in policy)) return undefined;
  checkOptions('policy', policy, ['router']);
  const { router } = policy;
  if (!isMarked(router, 'router')) throw invalidArgument('policy.router', 'a SonaRouter', router);
  return router as SonaRouter;
}

/** A text as JSON without any character that ends a line for some reader. */
function onOneLine(text: string): string {
  return JSON.stringify(text).replace(
    /[\u0085\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

interface Read {
  extras: ReturnType<typeof requestExtras> | undefined;
  /** In place of the query's. */
  text: string | undefined;
  eligible: Uint32Array | undefined;
  /** The eligible by name, should their numbers be of yesterday. */
  names: readonly string[] | undefined;
}

const nothing = { quality: undefined, costUsd: undefined, latencyMs: undefined, extras: undefined };

const none: Read = { extras: undefined, text: undefined, eligible: undefined, names: undefined };

function create(config: unknown, name?: string): Created {
  const { settings, models, origin, shipped, basis, ...surroundings } = encodeRouterConfig(config);
  return new Created(
    call(() => native.routerCreate(settings, models, origin, shipped, basis, name)),
    surroundings,
  );
}

/** The queries of a router; one that they refuse is ended. */
function queriesOf(handle: number, dim: number, { queries, engine }: Surroundings): Queries {
  const owner = {
    dim,
    known: () => native.routerEmbedder(handle),
    settle: (id: string, length: number) => native.routerSetEmbedder(handle, id, length),
  };
  try {
    return new Queries(owner, queries, engine?.embedder ?? undefined);
  } catch (error) {
    native.routerClose(handle);
    throw error;
  }
}

function settingsOf(handle: number): Known {
  return JSON.parse(call(() => native.routerConfig(handle))) as Known;
}
