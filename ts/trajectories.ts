import { invalidArgument, unknownTrajectory } from './errors.ts';
import { call, native } from './native.ts';
import { type Owner, Trajectory, type TrajectoryBuilder, TrajectoryMemory } from './trajectory-builder.ts';
import { checkDirection, checkVector, copyInto, type Vector } from './vectors.ts';

/** Trajectory ids fetched at a time, so that most begin without a native call for one. */
const ID_BLOCK = 256;

/** Memories of ended trajectories kept for the next ones. */
const SPARE_MEMORIES = 64;

/** Vectors that such a memory holds at most; a larger one is freed. */
const SPARE_VECTORS = 8;

/** The trajectories of one engine that have begun and not ended. */
export class Trajectories {
  readonly #owner: Owner;
  readonly #dim: number;
  readonly #maxSteps: number;
  readonly #mostOpen: number;
  readonly #spare: TrajectoryMemory[] = [];
  /** Those that are known by their ids, oldest first. */
  readonly #open = new Map<number, Trajectory>();
  #nextId = 0;
  #idsLeft = 0;

  constructor(owner: Owner, dim: number, maxSteps: number, mostOpen: number) {
    this.#owner = owner;
    this.#dim = dim;
    this.#maxSteps = maxSteps;
    this.#mostOpen = mostOpen;
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
    return new Trajectory(this.#owner, this.#nextId++, dim, this.#maxSteps, memory, decision);
  }

  /** Begins one that is known by its id; the oldest of too many is given up. */
  start(handle: number, query: Vector): number {
    const trajectory = this.begin(handle, query, -1);
    if (this.#open.size >= this.#mostOpen) {
      const [oldest] = this.#open.values();
      if (oldest) this.release(oldest);
    }
    this.#open.set(trajectory.id, trajectory);
    return trajectory.id;
  }

  /** The open trajectory that a builder or an id names. */
  find(trajectory: TrajectoryBuilder | number): Trajectory {
    const found = typeof trajectory === 'number' ? this.#open.get(trajectory) : trajectory;
    if (!(found instanceof Trajectory) || found.owner !== this.#owner || !found.memory) {
      const known = typeof trajectory === 'number' || trajectory instanceof Trajectory;
      if (!known) throw invalidArgument('trajectory', 'a builder or an id of this engine', trajectory);
      throw unknownTrajectory('trajectory', typeof trajectory === 'number' ? trajectory : trajectory.id);
    }
    return found;
  }

  /** Ends one and takes its memory back. */
  release(trajectory: Trajectory): void {
    this.#open.delete(trajectory.id);
    const { memory } = trajectory;
    trajectory.memory = undefined;
    const small = memory && memory.vectors.length <= SPARE_VECTORS * this.#dim;
    if (small && this.#spare.length < SPARE_MEMORIES) this.#spare.push(memory);
  }

  clear(): void {
    this.#open.clear();
  }
}
