import { invalidArgument, unknownTrajectory } from '../base/errors.ts';
import type { TrajectoryId } from '../base/ids.ts';
import { isMarked } from '../base/marks.ts';
import { checkVector, copyInto, type Vector } from '../base/vectors.ts';
import { checkDirection } from '../binding/memory.ts';
import { call, native } from '../binding/native.ts';
import type { Issued } from './issued.ts';
import { type Owner, Trajectory, TrajectoryMemory, type TrajectoryRef } from './trajectory-builder.ts';

/** The settings that trajectories need to know. */
export interface Sizes {
  readonly hiddenDim: number;
  readonly maxTrajectorySteps: number;
  readonly trajectoryCapacity: number;
  readonly baseLoraLayers: number;
}

/** Trajectory ids fetched at a time, so that most begin without a native call for one. */
const ID_BLOCK = 256;

/** Memories of ended trajectories kept for the next ones. */
const SPARE_MEMORIES = 64;

/** Vectors that such a memory holds at most; a larger one is freed. */
const SPARE_VECTORS = 8;

/** The trajectories of one engine that have begun and not ended. */
export class Trajectories implements Owner {
  readonly maxSteps: number;
  readonly layers: number;
  readonly #handle: () => number;
  readonly #issued: Issued;
  readonly #dim: number;
  readonly #mostOpen: number;
  readonly #spare: TrajectoryMemory[] = [];
  /** Those that are known by their ids, oldest first. */
  readonly #open = new Map<number, Trajectory>();
  #nextId = 0;
  #idsLeft = 0;

  constructor(handle: () => number, issued: Issued, sizes: Sizes) {
    this.#handle = handle;
    this.#issued = issued;
    this.#dim = sizes.hiddenDim;
    this.maxSteps = sizes.maxTrajectorySteps;
    this.layers = sizes.baseLoraLayers;
    this.#mostOpen = sizes.trajectoryCapacity;
  }

  handle(): number {
    return this.#handle();
  }

  idOf(key: number): TrajectoryId {
    return this.#issued.trajectory(key);
  }

  /** Begins one; `decision` is -1 for none. */
  begin(handle: number, query: Vector, decision: number): Trajectory {
    const dim = this.#dim;
    checkVector('query', query, dim);
    const memory = this.#spare.pop() ?? new TrajectoryMemory(dim);
    try {
      copyInto('query', query, memory.vectors, 0);
      checkDirection('query', handle, memory.vectors, 0, dim);
    } catch (error) {
      this.#spare.push(memory);
      throw error;
    }
    if (this.#idsLeft === 0) {
      this.#nextId = call(() => native.reserveIds(handle, ID_BLOCK));
      this.#idsLeft = ID_BLOCK;
    }
    this.#idsLeft--;
    return new Trajectory(this, this.#nextId++, dim, memory, decision);
  }

  know(trajectory: Trajectory): void {
    if (this.#open.has(trajectory.key)) return;
    if (this.#open.size >= this.#mostOpen) {
      // whoever holds its builder can still end it: it is only known by its id no more
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.#open.delete(oldest);
    }
    this.#open.set(trajectory.key, trajectory);
  }

  /** The open trajectory that a builder or an id names. */
  find(trajectory: TrajectoryRef): Trajectory {
    if (trajectory instanceof Trajectory) {
      if (trajectory.belongsTo(this) && trajectory.memory) return trajectory;
      throw unknownTrajectory('trajectory', trajectory.name);
    }
    if (isMarked(trajectory, 'trajectory')) {
      // of another copy of this package, or of a class that keeps one of these
      throw unknownTrajectory('trajectory', String(trajectory));
    }
    if (typeof trajectory !== 'string') {
      throw invalidArgument('trajectory', 'a builder or an id of this engine', trajectory);
    }
    const key = this.#issued.begun('trajectory', trajectory);
    const found = key === undefined ? undefined : this.#open.get(key);
    if (!found) throw unknownTrajectory('trajectory', trajectory);
    return found;
  }

  discard(trajectory: Trajectory): void {
    this.#handle();
    this.release(trajectory);
  }

  /** Ends one and takes its memory back. */
  release(trajectory: Trajectory): void {
    this.#open.delete(trajectory.key);
    const memory = trajectory.release();
    const small = memory && memory.vectors.length <= SPARE_VECTORS * this.#dim;
    if (small && this.#spare.length < SPARE_MEMORIES) this.#spare.push(memory);
  }

  /**
   * Leaves the rest of the block unused. A snapshot knows where the next block begins: the engine and its copies then go
   * on with the same ids, which decide what is held back, and so learn on the same way.
   */
  leaveIds(): void {
    this.#idsLeft = 0;
  }

  clear(): void {
    this.#open.clear();
  }
}
