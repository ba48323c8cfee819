import { EventEmitter } from 'node:events';
import { encodeConfig, type Setting, type SonaConfig } from './config.ts';
import {
  aborted,
  dimMismatch,
  fromNative,
  invalidArgument,
  type PackedError,
  SonaError,
  unknownRoute,
  unknownTrajectory,
} from './errors.ts';
import { native } from './native.ts';
import { type LearnReport, type SonaStats, summary, toStats } from './stats.ts';
import { type Owner, Trajectory, type TrajectoryBuilder, TrajectoryMemory } from './trajectory-builder.ts';
import {
  checkDirection,
  checkInteger,
  checkName,
  checkOptions,
  checkUnitInterval,
  checkVector,
  copyInto,
  copyNumbers,
  isF32,
  isF64,
  isShared,
  type Same,
  Slab,
  type Vector,
} from './vectors.ts';

/** A named option as it stands. */
export interface Route {
  name: string;
  /** Whether it takes part in rankings: it has a prior, its own or taken from its first good query. */
  ranked: boolean;
  /** Outcomes so far. */
  count: number;
  /** Their mean; 0 without any. */
  avgQuality: number;
}

/** One ranked route. */
export interface RankedRoute {
  route: string;
  /** Cosine of the adapted query with the route's prototype. */
  score: number;
  /** Softmax of 20 x score among the eligible routes. */
  probability: number;
  /** Outcomes that the route has had. */
  evidence: { count: number; avgQuality: number };
}

/** A ranking of routes for one query. */
export interface RouteSuggestion {
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

/** Progress of `learn`, in optimiser steps. */
export interface LearnProgress {
  done: number;
  total: number;
}

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

const MICRO = 0;
const BASE = 1;
const BOTH = 2;

/** Trajectory ids fetched at a time, so that most begin without a native call. */
const ID_BLOCK = 256;

/** Memories of ended trajectories kept for the next ones. */
const SPARE_MEMORIES = 64;

/** An engine that exists already; only this module can make one. */
class Created {
  constructor(
    readonly handle: number,
    readonly settings: Readonly<Record<string, number>>,
  ) {}
}

const unreachable = new FinalizationRegistry((handle: number) => native.engineAbandon(handle));

const defaults: Readonly<Record<string, number>> = Object.fromEntries(
  (JSON.parse(native.settings()) as Setting[])
    .filter((setting) => typeof setting.default === 'number')
    .map((setting) => [setting.name, setting.default as number]),
);

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
  readonly #maxSteps: number;
  readonly #slab = new Slab();
  readonly #query: Float32Array;
  readonly #wide: Float64Array;
  readonly #wideOut: Float64Array;
  #rankedIds = new Uint32Array(5);
  #rankedNumbers = new Float64Array(3 + 4 * 5);
  readonly #routeIds = new Map<string, number>();
  readonly #routeNames = new Map<number, string>();
  readonly #memories: TrajectoryMemory[] = [];
  readonly #open = new Map<number, Trajectory>();
  readonly #openLimit: number;
  readonly #owner: Owner = { handle: () => this.#live() };
  #nextId = 0;
  #idsLeft = 0;

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
    this.#dim = settings['hiddenDim'] as number;
    this.#maxSteps = settings['maxTrajectorySteps'] as number;
    this.#openLimit = settings['trajectoryCapacity'] as number;
    this.#query = new Float32Array(this.#dim);
    this.#wide = new Float64Array(this.#dim);
    this.#wideOut = new Float64Array(this.#dim);
    unreachable.register(this, handle, this);
    // weakly, because the background thread must not keep an engine alive that nobody holds
    const self = new WeakRef(this);
    native.observe(handle, (json) => {
      const engine = self.deref();
      if (engine) engine.#told(json);
    });
  }

  /** An engine with settings. An unknown key is refused, with the nearest known one. */
  static withConfig(config: SonaConfig): SonaEngine {
    return new (SonaEngine as new (from: unknown) => SonaEngine)(create(config));
  }

  /** x plus the per-request adapter's change, not normalised; untrained: x, bit for bit. About 0.3 us into a buffer. */
  applyMicroLora<V extends Vector>(x: V, out?: Same<V>): Same<V> {
    return this.#apply(MICRO, x, out);
  }

  /** x plus the background adapter's change. `layer` must be 0, the layer that queries train. */
  applyBaseLora<V extends Vector>(layer: number, x: V, out?: Same<V>): Same<V> {
    checkInteger('layer', layer, 0, 0);
    return this.#apply(BASE, x, out);
  }

  /** x plus both adapters' change: what `suggestRoutes` ranks by. */
  applyLora<V extends Vector>(x: V, out?: Same<V>): Same<V> {
    return this.#apply(BOTH, x, out);
  }

  /** `applyMicroLora` on vectors that lie one after another in one Float32Array. */
  applyMicroLoraBatch(flat: Float32Array, out?: Float32Array): Float32Array {
    const handle = this.#live();
    if (!isF32(flat)) throw invalidArgument('flat', 'a Float32Array', flat);
    if (out !== undefined && !isF32(out)) throw invalidArgument('out', 'a Float32Array', out);
    const target = out === undefined ? this.#slab.f32(flat.length) : own(out);
    call(() => native.applyMicroBatch(handle, own(flat), target));
    return deliver(target, out);
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
    this.#knowRoute(name, id);
  }

  /** Removes a route, with what it learned. */
  removeRoute(name: string): void {
    const handle = this.#live();
    checkName('name', name);
    call(() => native.routeRemove(handle, name));
    const id = this.#routeIds.get(name);
    this.#routeIds.delete(name);
    if (id !== undefined) this.#routeNames.delete(id);
  }

  /** All routes, in the order in which their places were taken. */
  routes(): Route[] {
    const handle = this.#live();
    const rows = JSON.parse(call(() => native.routes(handle))) as (Route & { id: number })[];
    return rows.map(({ name, ranked, count, avgQuality }) => ({ name, ranked, count, avgQuality }));
  }

  /**
   * Ranks routes for a query by the cosine of the adapted query with each route's prototype.
   *
   * @param options.k how many to return, from 1; default 5
   * @param options.eligible names that may be chosen; default all
   */
  suggestRoutes(query: Vector, options: { k?: number; eligible?: readonly string[] } = {}): RouteSuggestion {
    const handle = this.#live();
    checkOptions('options', options, ['k', 'eligible']);
    const { k = 5, eligible } = options;
    checkInteger('k', k, 1, 10_000);
    const vector = this.#read('query', query);
    const wanted = eligible === undefined ? undefined : this.#resolve(handle, eligible);
    if (this.#rankedIds.length !== k) {
      this.#rankedIds = new Uint32Array(k);
      this.#rankedNumbers = new Float64Array(3 + 4 * k);
    }
    const ids = this.#rankedIds;
    const numbers = this.#rankedNumbers;
    const found = call(() => native.suggest(handle, vector, wanted, ids, numbers));
    const ranked: RankedRoute[] = [];
    for (let i = 0; i < found; i++) {
      const at = 3 + 4 * i;
      ranked.push({
        route: this.#routeName(handle, ids[i] as number),
        score: numbers[at] as number,
        probability: numbers[at + 1] as number,
        evidence: { count: numbers[at + 2] as number, avgQuality: numbers[at + 3] as number },
      });
    }
    return {
      id: numbers[0] as number,
      best: ranked[0]?.route ?? null,
      ranked,
      confidence: numbers[1] as number,
      abstain: numbers[2] === 1,
    };
  }

  /**
   * Starts telling a trajectory.
   *
   * @param options.decision the id of the `suggestRoutes` result that led here; saves a search when it ends
   */
  beginTrajectory(query: Vector, options: { decision?: number } = {}): TrajectoryBuilder {
    return this.#begin(query, options);
  }

  /**
   * As `beginTrajectory`, known by its id alone. At most `trajectoryCapacity` can be open; one more gives up the
   * oldest.
   */
  startTrajectory(query: Vector): number {
    const trajectory = this.#begin(query, {});
    if (this.#open.size >= this.#openLimit) {
      for (const [id, oldest] of this.#open) {
        this.#release(oldest);
        this.#open.delete(id);
        break;
      }
    }
    this.#open.set(trajectory.id, trajectory);
    return trajectory.id;
  }

  /** `addStep` of a builder or of a trajectory known by its id. */
  addTrajectoryStep(
    trajectory: TrajectoryBuilder | number,
    activations: Vector,
    attentionWeights: Vector,
    reward: number,
  ): void {
    this.#live();
    this.#find(trajectory).addStep(activations, attentionWeights, reward);
  }

  /** `setRoute` of a builder or of a trajectory known by its id. */
  setTrajectoryRoute(trajectory: TrajectoryBuilder | number, name: string): void {
    this.#live();
    this.#find(trajectory).setRoute(name);
  }

  /**
   * Ends a trajectory with its outcome. When this returns, the next call on any thread sees what was learned from it
   * at once; the record then waits for background learning.
   *
   * @param quality how well it went, 0 to 1; for a route: whether it was the right one
   */
  endTrajectory(trajectory: TrajectoryBuilder | number, quality: number): void {
    const handle = this.#live();
    const ended = this.#find(trajectory);
    checkUnitInterval('quality', quality);
    const { memory, route } = ended;
    if (!memory) throw unknownTrajectory('trajectory', ended.id);
    let dropped: number;
    try {
      const routeId = route === undefined ? -1 : (this.#routeIds.get(route) ?? -1);
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
        this.#knowRoute(route, native.routeId(handle, route));
      }
    } catch (error) {
      throw fromNative(error);
    }
    this.#open.delete(ended.id);
    this.#release(ended);
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
   * Trains now, off the main thread.
   *
   * @param options.signal stops it at its next step: nothing is published, and what was taken in stays owed to the
   * next cycle
   * @param options.onProgress called about a hundred times; what it throws stops the cycle and is passed on
   */
  async learn(
    options: { signal?: AbortSignal; onProgress?: (progress: LearnProgress) => void } = {},
  ): Promise<LearnReport> {
    const handle = this.#live();
    checkOptions('options', options, ['signal', 'onProgress']);
    const { signal, onProgress } = options;
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw invalidArgument('options.signal', 'an AbortSignal', signal);
    }
    if (onProgress !== undefined && typeof onProgress !== 'function') {
      throw invalidArgument('options.onProgress', 'a function', onProgress);
    }
    if (signal?.aborted) throw aborted(signal);
    const job = native.learnJob();
    const abort = () => native.learnAbort(job);
    let latest = -1;
    let failure: { error: unknown } | undefined;
    const progress = (done: number, total: number) => {
      // the native queue may deliver a report after the result
      if (done <= latest || failure) return;
      latest = done;
      try {
        onProgress?.({ done, total });
      } catch (error) {
        // thrown on, it would be nobody's and end the process
        failure = { error };
        native.learnAbort(job);
      }
    };
    let json: string;
    try {
      const work = native.learn(handle, job, onProgress && progress);
      signal?.addEventListener('abort', abort, { once: true });
      json = await work;
      const { steps } = JSON.parse(json) as LearnReport;
      progress(steps, steps);
    } catch (error) {
      const known = fromNative(error);
      if (known.code !== 'SONA_ABORTED') throw known;
      throw failure ? failure.error : signal ? aborted(signal) : known;
    } finally {
      latest = Number.POSITIVE_INFINITY;
      signal?.removeEventListener('abort', abort);
    }
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
    this.#open.clear();
    return this.#handle;
  }

  #apply<V extends Vector>(tier: number, x: V, out: Same<V> | undefined): Same<V> {
    const handle = this.#live();
    return (isF32(x) ? this.#apply32(handle, tier, x, out) : this.#apply64(handle, tier, x, out)) as Same<V>;
  }

  #apply32(handle: number, tier: number, x: Float32Array, out: unknown): Float32Array {
    if (out !== undefined && !isF32(out)) throw invalidArgument('out', 'a Float32Array, as x', out);
    const target = out === undefined ? this.#slab.f32(this.#dim) : own(out);
    try {
      native.apply(handle, tier, own(x), target);
    } catch (error) {
      throw fromNative(error);
    }
    return deliver(target, out);
  }

  #apply64(handle: number, tier: number, x: unknown, out: unknown): Float64Array | number[] {
    const dim = this.#dim;
    checkVector('x', x, dim);
    if (isF64(x)) {
      if (out !== undefined && !isF64(out)) throw invalidArgument('out', 'a Float64Array, as x', out);
      const target = out === undefined ? this.#slab.f64(dim) : own(out);
      call(() => native.applyF64(handle, tier, own(x), target));
      return deliver(target, out);
    }
    if (out !== undefined && !Array.isArray(out)) throw invalidArgument('out', 'an array, as x', out);
    if (out !== undefined && out.length !== dim) throw dimMismatch('out', dim, out.length);
    copyNumbers('x', x as readonly number[], this.#wide);
    call(() => native.applyF64(handle, tier, this.#wide, this.#wideOut));
    // a loop, because Array.from of a typed array is ten times slower
    const result = out ?? new Array<number>(dim);
    for (let i = 0; i < dim; i++) result[i] = this.#wideOut[i] as number;
    return result;
  }

  /** Copies a vector with a direction into the engine's own memory. */
  #read(argument: string, value: Vector): Float32Array {
    checkVector(argument, value, this.#dim);
    copyInto(argument, value, this.#query, 0);
    checkDirection(argument, this.#handle, this.#query, 0, this.#dim);
    return this.#query;
  }

  #begin(query: Vector, options: { decision?: number }): Trajectory {
    const handle = this.#live();
    const dim = this.#dim;
    checkOptions('options', options, ['decision']);
    const { decision } = options;
    if (decision !== undefined) checkInteger('decision', decision, 1, Number.MAX_SAFE_INTEGER);
    checkVector('query', query, dim);
    const memory = this.#memories.pop() ?? new TrajectoryMemory(dim);
    try {
      copyInto('query', query, memory.vectors, 0);
      checkDirection('query', handle, memory.vectors, 0, dim);
    } catch (error) {
      this.#memories.push(memory);
      throw error;
    }
    if (this.#idsLeft === 0) {
      this.#nextId = call(() => native.reserveIds(handle, ID_BLOCK));
      this.#idsLeft = ID_BLOCK;
    }
    this.#idsLeft--;
    const trajectory = new Trajectory(this.#owner, this.#nextId++, dim, this.#maxSteps, memory);
    if (decision !== undefined) trajectory.decision = decision;
    return trajectory;
  }

  #find(trajectory: TrajectoryBuilder | number): Trajectory {
    const found = typeof trajectory === 'number' ? this.#open.get(trajectory) : trajectory;
    if (!(found instanceof Trajectory) || found.owner !== this.#owner || !found.memory) {
      const known = typeof trajectory === 'number' || trajectory instanceof Trajectory;
      if (!known) throw invalidArgument('trajectory', 'a builder or an id of this engine', trajectory);
      throw unknownTrajectory('trajectory', typeof trajectory === 'number' ? trajectory : trajectory.id);
    }
    return found;
  }

  #release(trajectory: Trajectory): void {
    const { memory } = trajectory;
    trajectory.memory = undefined;
    if (memory && this.#memories.length < SPARE_MEMORIES) this.#memories.push(memory);
  }

  #knowRoute(name: string, id: number): void {
    this.#routeIds.set(name, id);
    this.#routeNames.set(id, name);
  }

  #routeName(handle: number, id: number): string {
    const known = this.#routeNames.get(id);
    if (known !== undefined) return known;
    for (const row of JSON.parse(call(() => native.routes(handle))) as { id: number; name: string }[]) {
      this.#knowRoute(row.name, row.id);
    }
    return this.#routeNames.get(id) ?? '';
  }

  #resolve(handle: number, eligible: unknown): Uint32Array {
    if (!Array.isArray(eligible)) throw invalidArgument('eligible', 'an array of route names', eligible);
    const ids = new Uint32Array(eligible.length);
    for (let i = 0; i < ids.length; i++) {
      const name: unknown = eligible[i];
      checkName(`eligible[${i}]`, name);
      try {
        ids[i] = this.#routeIds.get(name) ?? native.routeId(handle, name);
      } catch (error) {
        const known = fromNative(error);
        throw known.code === 'SONA_UNKNOWN_ROUTE' ? unknownRoute(`eligible[${i}]`, name) : known;
      }
    }
    return ids;
  }

  #finished(json: string): LearnReport {
    const report = JSON.parse(json) as LearnReport;
    this.emit('learned', report);
    if (report.promoted) this.emit('promoted', report);
    if (report.refused) this.emit('rolledBack', report);
    return report;
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

function call<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fromNative(error);
  }
}

/** A copy, where another thread could write to the memory while native code reads it. */
function own<V extends Float32Array | Float64Array>(view: V): V {
  return (isShared(view) ? view.slice() : view) as V;
}

/** Hands a result over to the caller's buffer, where the work was done in a copy of it. */
function deliver<V extends Float32Array | Float64Array>(result: V, out: unknown): V {
  if (out === undefined || out === result) return result;
  (out as V).set(result);
  return out as V;
}
