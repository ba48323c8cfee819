import { invalidArgument, outOfRange, unknownTrajectory } from '../base/errors.ts';
import type { StoredId, TrajectoryId } from '../base/ids.ts';
import { mark } from '../base/marks.ts';
import {
  checkInteger,
  checkName,
  checkNumber,
  checkOptions,
  checkVector,
  copyInto,
  type Vector,
} from '../base/vectors.ts';
import type { Extras, NodeStep } from '../binding/binding.ts';
import { checkDirection } from '../binding/memory.ts';
import { Attention, checkAttention } from './attention.ts';
import { checkLatency } from './feedback.ts';
import { checkPatternType, PatternType } from './pattern-type.ts';

/** Options of a step. */
export interface StepOptions {
  /** Layer of the background adapter that the step trains, below `baseLoraLayers`. Default 0. */
  layer?: number | undefined;
}

/** What is known of a step that names a node. */
export interface NodeStepParts {
  /** How well the step did: a finite number, usually 0 to 1. Patterns show the mean. */
  score: number;
  /** Time that it took, in milliseconds, from 0. Patterns show the mean. */
  latencyMs: number;
}

/**
 * A trajectory while it is being told. Made by `beginTrajectory`, taken by `endTrajectory`. In JSON and in a text it is its
 * id, by which `endTrajectory` knows it too.
 */
export interface TrajectoryBuilder {
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
export type TrajectoryRef = TrajectoryBuilder | TrajectoryId | StoredId;

/** In a millisecond. The core has them. */
const MICROSECONDS = 1_000;

/** The start of a context that says what kind of pattern a trajectory belongs to. */
const TYPE_CONTEXT = 'type:';

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
  readonly maxSteps: number;
  readonly layers: number;
  /** The id of a trajectory, by its number. */
  idOf(key: number): TrajectoryId;
  /** From now on the trajectory is known by its id too. */
  know(trajectory: Trajectory): void;
  /** Gives it up. */
  discard(trajectory: Trajectory): void;
}

/** What few trajectories have, while they are told. */
class Details {
  layers: number[] | undefined;
  contexts: string[] | undefined;
  type: PatternType | undefined;
  nodes: NodeStep[] | undefined;
  attention: Attention | undefined;
}

/** What the engine sees of a builder. */
export class Trajectory implements TrajectoryBuilder {
  readonly #key: number;
  readonly #dim: number;
  readonly #owner: Owner;
  /** Undefined once it has ended. */
  #memory: TrajectoryMemory | undefined;
  #route: string | undefined;
  /** -1 for none. */
  readonly #decision: number;
  #steps = 0;
  #details: Details | undefined;

  constructor(owner: Owner, key: number, dim: number, memory: TrajectoryMemory, decision: number) {
    this.#owner = owner;
    this.#key = key;
    this.#dim = dim;
    this.#memory = memory;
    this.#decision = decision;
  }

  get id(): TrajectoryId {
    this.#know();
    return this.name;
  }

  get dim(): number {
    return this.#dim;
  }

  get stepCount(): number {
    return this.#steps;
  }

  addStep(activations: Vector, attentionWeights: Vector, reward: number, options?: StepOptions): this {
    const memory = this.#open();
    const dim = this.#dim;
    checkVector('activations', activations, dim);
    checkAttention(attentionWeights);
    checkNumber('reward', reward);
    checkNumber('reward', Math.fround(reward));
    const layer = options === undefined ? 0 : this.#layer(options);
    const steps = this.#steps + 1;
    const { maxSteps } = this.#owner;
    if (steps > maxSteps) throw outOfRange('steps', `at most maxTrajectorySteps = ${maxSteps}`, steps);
    memory.reserve(steps + 1, dim);
    copyInto('activations', activations, memory.vectors, steps * dim);
    checkDirection('activations', this.#owner.handle(), memory.vectors, steps * dim, dim);
    if (attentionWeights.length > 0 || this.#details?.attention) this.#addAttention(attentionWeights);
    if (layer > 0 || this.#details?.layers) this.#addLayer(layer);
    memory.rewards[steps - 1] = reward;
    this.#steps = steps;
    return this;
  }

  addNode(node: string | number, step: NodeStepParts): this {
    this.#open();
    const name: unknown = typeof node === 'number' && Number.isFinite(node) ? String(node) : node;
    checkName('node', name);
    checkOptions('step', step, ['score', 'latencyMs']);
    const { score, latencyMs } = step;
    checkNumber('score', score);
    checkNumber('score', Math.fround(score));
    checkLatency('latencyMs', latencyMs);
    const latencyUs = MICROSECONDS * latencyMs;
    if (!Number.isFinite(Math.fround(latencyUs))) throw outOfRange('latencyMs', 'a number from 0', latencyMs);
    const nodes = this.#more().nodes ?? [];
    const { maxSteps } = this.#owner;
    if (nodes.length >= maxSteps) {
      throw outOfRange('steps', `at most maxTrajectorySteps = ${maxSteps}`, nodes.length + 1);
    }
    nodes.push({ node: name, score, latencyUs });
    this.#more().nodes = nodes;
    return this;
  }

  setRoute(name: string): this {
    this.#open();
    checkName('route', name);
    this.#route = name;
    return this;
  }

  addContext(contextId: string): this {
    this.#open();
    if (typeof contextId !== 'string') throw invalidArgument('contextId', 'a string', contextId);
    const details = this.#more();
    details.contexts ??= [];
    // old programs hand over prompts, cut anywhere
    details.contexts.push(contextId.toWellFormed());
    const type = contextId.startsWith(TYPE_CONTEXT) ? contextId.slice(TYPE_CONTEXT.length) : undefined;
    if (type !== undefined && Object.hasOwn(PatternType, type)) details.type = type as PatternType;
    return this;
  }

  setPatternType(type: PatternType): this {
    this.#open();
    checkPatternType('type', type);
    this.#more().type = type;
    return this;
  }

  discard(): void {
    this.#open();
    this.#owner.discard(this);
  }

  toString(): string {
    return this.id;
  }

  toJSON(): string {
    return this.id;
  }

  /** The id as the addon has it, without making the trajectory known by it. */
  get key(): number {
    return this.#key;
  }

  /** The id, without making the trajectory known by it. */
  get name(): TrajectoryId {
    return this.#owner.idOf(this.#key);
  }

  /** Where it is told; undefined once it has ended. */
  get memory(): TrajectoryMemory | undefined {
    return this.#memory;
  }

  get route(): string | undefined {
    return this.#route;
  }

  get decision(): number {
    return this.#decision;
  }

  belongsTo(owner: Owner): boolean {
    return this.#owner === owner;
  }

  /** Ends it; what it was told in can be used again. */
  release(): TrajectoryMemory | undefined {
    const memory = this.#memory;
    this.#memory = undefined;
    this.#details = undefined;
    return memory;
  }

  /** What it has besides steps and a route. */
  extras(verdict: number | undefined, source: string | undefined): Extras | undefined {
    const details = this.#details;
    if (!details && verdict === undefined && source === undefined) return undefined;
    return {
      layers: details?.layers && Uint32Array.from(details.layers),
      verdict,
      source,
      contexts: details?.contexts,
      kind: details?.type,
      nodes: details?.nodes,
      attention: details?.attention?.weights,
      attentionLengths: details?.attention?.lengths,
    };
  }

  #layer(options: StepOptions): number {
    checkOptions('options', options, ['layer']);
    const { layer = 0 } = options;
    checkInteger('layer', layer, 0, this.#owner.layers - 1);
    return layer;
  }

  #addLayer(layer: number): void {
    const details = this.#more();
    details.layers ??= new Array<number>(this.#steps).fill(0);
    details.layers.push(layer);
  }

  #addAttention(weights: Vector): void {
    const details = this.#more();
    details.attention ??= new Attention(this.#steps);
    details.attention.add(weights);
  }

  /** Whoever looks at the id may come back with nothing else. */
  #know(): void {
    if (this.#memory) this.#owner.know(this);
  }

  #more(): Details {
    this.#details ??= new Details();
    return this.#details;
  }

  #open(): TrajectoryMemory {
    this.#owner.handle();
    if (!this.#memory) throw unknownTrajectory('trajectory', this.name);
    return this.#memory;
  }
}

mark(Trajectory, 'trajectory');
