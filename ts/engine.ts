import { EventEmitter } from 'node:events';
import { Adapters, tiers } from './adapters.ts';
import { encodeConfig, type Setting, type SonaConfig } from './config.ts';
import { fromNative, invalidArgument, type PackedError, SonaError, unknownTrajectory } from './errors.ts';
import { type LearnOptions, learnOffThread } from './learning.ts';
import { call, native } from './native.ts';
import { type Route, type RouteSuggestion, Routes } from './routes.ts';
import { type LearnReport, type SonaStats, summary, toStats } from './stats.ts';
import { Trajectories } from './trajectories.ts';
import type { TrajectoryBuilder } from './trajectory-builder.ts';
import {
  checkDirection,
  checkInteger,
  checkName,
  checkOptions,
  checkUnitInterval,
  checkVector,
  copyInto,
  type Same,
  type Vector,
} from './vectors.ts';

/** What this build can do on this machine. */
export interface Capabilities {
  /** Kernels that engines use. */
  simd: string;
  /** Kernels that would run here. */
  backends: string[];
  version: string;
  platform: string;
}

/** Events of an engine. */
export interface SonaEvents {
  /** A training cycle has finished. */
  learned: [report: LearnReport];
  /** Trained weights have been published. */
  promoted: [report: LearnReport];
  /** The promotion gate refused trained weights; the former ones stay. */
  rolledBack: [report: LearnReport];
  /** A full queue gave up its oldest trajectories. */
  dropped: [event: { count: number }];
  /** A cycle of the background thread failed. Without a listener it is only counted (`failedCycles`). */
  error: [error: SonaError];
}

/** An engine that exists already; only this module can make one. */
class Created {
  constructor(
    readonly handle: number,
    readonly settings: Sizes,
  ) {}
}

const unreachable = new FinalizationRegistry((handle: number) => native.engineAbandon(handle));

/** The settings that this side needs to know. */
type Sizes = Readonly<Required<Pick<SonaConfig, 'hiddenDim' | 'maxTrajectorySteps' | 'trajectoryCapacity'>>>;

const defaults = Object.fromEntries(
  (JSON.parse(native.settings()) as Setting[]).map((setting) => [setting.name, setting.default]),
) as unknown as Sizes;

const noOptions = {};

function create(config: unknown): Created {
  const encoded = encodeConfig(config);
  try {
    return new Created(native.engineCreate(encoded), { ...defaults, ...JSON.parse(encoded) });
  } catch (error) {
    throw fromNative(error);
  }
}

/**
 * Learns from outcomes and gets better at the next query: adapts query embeddings, ranks routes.
 *
 * Every method that returns a vector returns the kind that it was given and takes an `out` buffer. Whatever is refused
 * throws a {@link SonaError} that names the argument, and changes nothing.
 */
export class SonaEngine extends EventEmitter<SonaEvents> {
  #handle: number;
  #closing: Promise<void> | undefined;
  readonly #dim: number;
  readonly #query: Float32Array;
  readonly #adapters: Adapters;
  readonly #routes = new Routes();
  readonly #trajectories: Trajectories;

  /**
   * An engine with default settings.
   *
   * @param hiddenDim length of every vector, 1 to 65,536; default 256
   */
  constructor(hiddenDim?: number);
  constructor(from: unknown = 256) {
    super();
    const { handle, settings } = from instanceof Created ? from : create({ hiddenDim: from });
    this.#handle = handle;
    const { hiddenDim, maxTrajectorySteps, trajectoryCapacity } = settings;
    this.#dim = hiddenDim;
    this.#query = new Float32Array(hiddenDim);
    this.#adapters = new Adapters(hiddenDim);
    const owner = { handle: () => this.#live() };
    this.#trajectories = new Trajectories(owner, hiddenDim, maxTrajectorySteps, trajectoryCapacity);
    unreachable.register(this, handle, this);
    SonaEngine.#listen(handle, new WeakRef(this));
  }

  /** An engine with settings. An unknown key is refused, with the nearest known one. */
  static withConfig(config: SonaConfig): SonaEngine {
    return new (SonaEngine as new (from: unknown) => SonaEngine)(create(config));
  }

  /** x plus the per-request adapter's change, not normalised; untrained: x, bit for bit. About 0.3 us into a buffer. */
  applyMicroLora<V extends Vector>(x: V, out?: Same<V>): Same<V> {
    return this.#adapters.apply(this.#live(), tiers.micro, x, out);
  }

  /** x plus the background adapter's change. `layer` must be 0, the layer that queries train. */
  applyBaseLora<V extends Vector>(layer: number, x: V, out?: Same<V>): Same<V> {
    const handle = this.#live();
    checkInteger('layer', layer, 0, 0);
    return this.#adapters.apply(handle, tiers.base, x, out);
  }

  /** x plus both adapters' change: what `suggestRoutes` ranks by. */
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
   */
  addRoute(name: string, options: { embedding?: Vector } = {}): void {
    const handle = this.#live();
    checkName('name', name);
    checkOptions('options', options, ['embedding']);
    const { embedding } = options;
    if (embedding !== undefined) this.#read('embedding', embedding);
    const id = call(() => native.routeAdd(handle, name, embedding === undefined ? undefined : this.#query));
    this.#routes.know(name, id);
  }

  /** Removes a route, with what it learned. */
  removeRoute(name: string): void {
    const handle = this.#live();
    checkName('name', name);
    call(() => native.routeRemove(handle, name));
    this.#routes.forget(name);
  }

  /** All routes, in the order in which their places were taken. */
  routes(): Route[] {
    return this.#routes.list(this.#live());
  }

  /**
   * Ranks routes for a query by the cosine of the adapted query with each route's prototype.
   *
   * @param options.k how many to return, from 1; default 5
   * @param options.eligible names that may be chosen; default all
   */
  suggestRoutes(
    query: Vector,
    options: { k?: number; eligible?: readonly string[] } = noOptions,
  ): RouteSuggestion {
    const handle = this.#live();
    if (options !== noOptions) checkOptions('options', options, ['k', 'eligible']);
    const { k = 5, eligible } = options;
    checkInteger('k', k, 1, 10_000);
    return this.#routes.suggest(handle, this.#read('query', query), k, eligible);
  }

  /**
   * Starts telling a trajectory.
   *
   * @param options.decision the id of the `suggestRoutes` result that led here; saves a search when it ends
   */
  beginTrajectory(query: Vector, options: { decision?: number } = noOptions): TrajectoryBuilder {
    const handle = this.#live();
    if (options !== noOptions) checkOptions('options', options, ['decision']);
    const { decision } = options;
    if (decision !== undefined) checkInteger('decision', decision, 1, Number.MAX_SAFE_INTEGER);
    return this.#trajectories.begin(handle, query, decision ?? -1);
  }

  /**
   * As `beginTrajectory`, known by its id alone. At most `trajectoryCapacity` can be open; one more gives up the
   * oldest.
   */
  startTrajectory(query: Vector): number {
    return this.#trajectories.start(this.#live(), query);
  }

  /** `addStep` of a builder or of a trajectory known by its id. */
  addTrajectoryStep(
    trajectory: TrajectoryBuilder | number,
    activations: Vector,
    attentionWeights: Vector,
    reward: number,
  ): void {
    this.#live();
    this.#trajectories.find(trajectory).addStep(activations, attentionWeights, reward);
  }

  /** `setRoute` of a builder or of a trajectory known by its id. */
  setTrajectoryRoute(trajectory: TrajectoryBuilder | number, name: string): void {
    this.#live();
    this.#trajectories.find(trajectory).setRoute(name);
  }

  /**
   * Ends a trajectory with its outcome. When this returns, the next call on any thread sees what was learned from it
   * at once; the record then waits for background learning.
   *
   * @param quality how well it went, 0 to 1; for a route: whether it was the right one
   */
  endTrajectory(trajectory: TrajectoryBuilder | number, quality: number): void {
    const handle = this.#live();
    const ended = this.#trajectories.find(trajectory);
    checkUnitInterval('quality', quality);
    const { memory, route } = ended;
    if (!memory) throw unknownTrajectory('trajectory', ended.id);
    let dropped: number;
    try {
      const routeId = route === undefined ? -1 : this.#routes.id(route);
      dropped = native.trajectoryEnd(
        handle,
        ended.id,
        memory.vectors,
        memory.rewards,
        ended.stepCount,
        routeId,
        ended.decision,
        quality,
        routeId < 0 ? route : undefined,
      );
      // off, the name has not become a route
      if (route !== undefined && routeId < 0 && native.isEnabled(handle)) {
        this.#routes.know(route, native.routeId(handle, route));
      }
    } catch (error) {
      throw fromNative(error);
    }
    this.#trajectories.release(ended);
    if (dropped > 0 && this.listenerCount('dropped') > 0) this.emit('dropped', { count: dropped });
  }

  /** Trains if `backgroundEvery` events or `backgroundIntervalMs` have passed. A message, or null if nothing was due. */
  tick(): string | null {
    const handle = this.#live();
    const json = call(() => native.tick(handle));
    return json === null ? null : summary(this.#finished(json));
  }

  /** Trains now on everything that waits. A message. */
  forceLearn(): string {
    const handle = this.#live();
    return summary(this.#finished(call(() => native.forceLearn(handle))));
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
    const { json, failure } = await learnOffThread(handle, options);
    const report = this.#finished(json);
    if (failure) throw failure.error;
    return report;
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

  /** Off: `apply*` and `suggestRoutes` still answer, nothing is recorded or learned. */
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
    if (this.#closing) throw new SonaError('SONA_CLOSED', 'the engine is closed');
    return this.#handle;
  }

  #forget(): number {
    unreachable.unregister(this);
    this.#trajectories.clear();
    return this.#handle;
  }

  /** Copies a vector with a direction into the engine's own memory. */
  #read(argument: string, value: Vector): Float32Array {
    checkVector(argument, value, this.#dim);
    copyInto(argument, value, this.#query, 0);
    checkDirection(argument, this.#handle, this.#query, 0, this.#dim);
    return this.#query;
  }

  #finished(json: string): LearnReport {
    const report = JSON.parse(json) as LearnReport;
    this.emit('learned', report);
    if (report.promoted) this.emit('promoted', report);
    if (report.refused) this.emit('rolledBack', report);
    return report;
  }

  /**
   * Passes on what the background thread tells, weakly: the thread must not keep an engine alive that nobody holds.
   * Static, because a closure that is made in the constructor would hold on to `this` with it.
   */
  static #listen(handle: number, listener: WeakRef<SonaEngine>): void {
    native.observe(handle, (json) => {
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
    } else if (this.listenerCount('error') > 0) {
      this.emit('error', new SonaError(told.error.code, told.error.message, told.error.details));
    }
  }
}
