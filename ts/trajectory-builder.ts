import { invalidArgument, notFinite, outOfRange, unknownTrajectory } from './errors.ts';
import {
  checkDirection,
  checkName,
  checkNumber,
  checkVector,
  copyInto,
  isVector,
  type Vector,
  vectorKinds,
} from './vectors.ts';

/** A trajectory while it is being told. Made by `beginTrajectory`, taken by `endTrajectory`. */
export interface TrajectoryBuilder {
  /** Identity, unique within the engine. */
  readonly id: number;
  /** Length of its vectors. */
  readonly embeddingDim: number;
  /** Steps so far. */
  readonly stepCount: number;
  /**
   * Adds a step. Without a route each step is a lesson: queries like this one move toward its activation, or away
   * from it, by the outcome `reward * quality`, clipped to [0, 1].
   *
   * @param activations what was used or produced, `hiddenDim` numbers with a direction
   * @param attentionWeights finite numbers, any length; checked, not learned from
   * @param reward a finite number, usually 0 to 1
   */
  addStep(activations: Vector, attentionWeights: Vector, reward: number): this;
  /** Names the option that was chosen. A name that no route has becomes a route when the trajectory ends. */
  setRoute(name: string): this;
}

/** Memory of one trajectory, passed from one that ended to one that begins. */
export class TrajectoryMemory {
  /** The query, then the activations. */
  vectors: Float32Array;
  rewards: Float32Array;

  constructor(dim: number) {
    this.vectors = new Float32Array(2 * dim);
    this.rewards = new Float32Array(4);
  }

  /** Makes room for so many vectors of `dim` numbers and as many rewards. */
  reserve(count: number, dim: number): void {
    if (count * dim > this.vectors.length) this.vectors = grown(this.vectors, count * dim);
    if (count > this.rewards.length) this.rewards = grown(this.rewards, count);
  }
}

function grown(memory: Float32Array, least: number): Float32Array {
  const larger = new Float32Array(Math.max(least, 2 * memory.length));
  larger.set(memory);
  return larger;
}

/** The engine that a builder belongs to. */
export interface Owner {
  /** The native handle; throws `SONA_CLOSED` once the engine is closed. */
  handle(): number;
}

/** What the engine sees of a builder. */
export class Trajectory implements TrajectoryBuilder {
  readonly id: number;
  readonly embeddingDim: number;
  readonly maxSteps: number;
  readonly owner: Owner;
  /** Undefined once it has ended. */
  memory: TrajectoryMemory | undefined;
  route: string | undefined;
  /** -1 for none. */
  readonly decision: number;
  #steps = 0;

  constructor(
    owner: Owner,
    id: number,
    dim: number,
    maxSteps: number,
    memory: TrajectoryMemory,
    decision: number,
  ) {
    this.owner = owner;
    this.id = id;
    this.embeddingDim = dim;
    this.maxSteps = maxSteps;
    this.memory = memory;
    this.decision = decision;
  }

  get stepCount(): number {
    return this.#steps;
  }

  addStep(activations: Vector, attentionWeights: Vector, reward: number): this {
    const memory = this.#open();
    const dim = this.embeddingDim;
    checkVector('activations', activations, dim);
    checkAttention(attentionWeights);
    checkNumber('reward', reward);
    checkNumber('reward', Math.fround(reward));
    const steps = this.#steps + 1;
    if (steps > this.maxSteps)
      throw outOfRange('steps', `at most maxTrajectorySteps = ${this.maxSteps}`, steps);
    memory.reserve(steps + 1, dim);
    copyInto('activations', activations, memory.vectors, steps * dim);
    checkDirection('activations', this.owner.handle(), memory.vectors, steps * dim, dim);
    memory.rewards[steps - 1] = reward;
    this.#steps = steps;
    return this;
  }

  setRoute(name: string): this {
    this.#open();
    checkName('route', name);
    this.route = name;
    return this;
  }

  #open(): TrajectoryMemory {
    this.owner.handle();
    if (!this.memory) throw unknownTrajectory('trajectory', this.id);
    return this.memory;
  }
}

/** Attention weights are any finite numbers, or none. */
function checkAttention(weights: unknown): void {
  if (!isVector(weights)) throw invalidArgument('attentionWeights', vectorKinds, weights);
  for (let i = 0; i < weights.length; i++) {
    const weight: unknown = weights[i];
    if (typeof weight !== 'number') throw invalidArgument(`attentionWeights[${i}]`, 'a number', weight);
    if (!Number.isFinite(weight)) throw notFinite('attentionWeights', i, weight);
  }
}
