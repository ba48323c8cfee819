import { parseId, type TrajectoryId } from '../base/ids.ts';
import type { Vector } from '../base/vectors.ts';
import { checkLatency } from '../engine/feedback.ts';
import type { PatternType } from '../engine/pattern-type.ts';
import type {
  TrajectoryBuilder as BuilderOfToday,
  NodeStepParts,
  StepOptions,
} from '../engine/trajectory-builder.ts';
import type { TrajectoryName } from './learning-signal.ts';

/** Quality up to which a node was wrong, and from which on it was right. */
const [WRONG, RIGHT] = [0.3, 0.7];

/**
 * The outcome that a node is taught with. Older programs grade good answers .8 or .9 and bad ones .2, and give steps scores of
 * about .9. Taken as they are, such grades say that everything was partly right, and the adapters learn to blur.
 */
export function nodeOutcome(score: number, quality: number): number {
  return Math.min(1, 2 * score) * Math.min(1, Math.max(0, (quality - WRONG) / (RIGHT - WRONG)));
}

/** In a millisecond. */
const MICROSECONDS = 1_000;

/**
 * A trajectory while it is being told. In arithmetic and in a text it is its number, which is good until the process ends; in
 * JSON it is its id, which is good after that too. Every method of the engine knows it by each of these.
 */
export interface TrajectoryBuilder extends BuilderOfToday {
  /** Length of its vectors. */
  readonly embeddingDim: number;
  /**
   * Adds a step that names a node (a tool, a document, a model) instead of giving an activation. A node is a route: when the
   * trajectory ends without activations and without a route of its own, the node with the highest score (the first of several)
   * is its route. Its outcome is made of the quality of the trajectory: up to .3 it was wrong (0), from .7 on right (1), between
   * them in proportion; a score below .5 takes away from that, and leaves nothing at 0. Queries move toward those that a node
   * was right for, and `suggestRoutes` names the node. Its first query with an outcome of .5 or more is where it starts.
   *
   * @param node its name or number
   * @param score how well the step did: a finite number, usually 0 to 1
   * @param latencyUs time that it took, in microseconds, from 0
   */
  recordStep(node: string | number, score: number, latencyUs: number): this;
  /** As {@link recordStep}, in milliseconds. */
  addNode(node: string | number, step: NodeStepParts): this;
  /** The number of the trajectory. */
  valueOf(): number;
}

/** An open trajectory: its builder, its id or its number. */
export type TrajectoryRef = BuilderOfToday | TrajectoryName;

/** The engine that a trajectory belongs to. */
export interface Owner {
  /** Length of its vectors. */
  readonly dim: number;
  /** An activation as the core takes it. */
  inner(argument: string, vector: Vector): Vector;
  /** From now on the trajectory is known by its number and its id too. */
  know(trajectory: Trajectory): void;
  /** It has been given up. */
  discarded(trajectory: Trajectory): void;
}

/** What the engine sees of a builder. */
export class Trajectory implements TrajectoryBuilder {
  readonly #owner: Owner;
  readonly #inside: BuilderOfToday;
  #number: number | undefined;
  #best: { node: string; score: number } | undefined;
  #routed = false;
  ended = false;

  constructor(owner: Owner, inside: BuilderOfToday) {
    this.#owner = owner;
    this.#inside = inside;
  }

  get id(): TrajectoryId {
    this.#owner.know(this);
    return this.name;
  }

  get dim(): number {
    return this.#owner.dim;
  }

  get embeddingDim(): number {
    return this.#owner.dim;
  }

  get stepCount(): number {
    return this.#inside.stepCount;
  }

  addStep(activations: Vector, attentionWeights: Vector, reward: number, options?: StepOptions): this {
    this.#inside.addStep(
      this.#owner.inner('activations', activations),
      attentionWeights,
      reward,
      ...(options === undefined ? [] : [options]),
    );
    return this;
  }

  addNode(node: string | number, step: NodeStepParts): this {
    this.#inside.addNode(node, step);
    const score = Math.min(1, Math.max(0, step.score));
    if (!this.#best || score > this.#best.score) this.#best = { node: String(node), score };
    return this;
  }

  recordStep(node: string | number, score: number, latencyUs: number): this {
    checkLatency('latencyUs', latencyUs);
    return this.addNode(node, { score, latencyMs: latencyUs / MICROSECONDS });
  }

  setRoute(name: string): this {
    this.#inside.setRoute(name);
    this.#routed = true;
    return this;
  }

  addContext(contextId: string): this {
    this.#inside.addContext(contextId);
    return this;
  }

  setPatternType(type: PatternType): this {
    this.#inside.setPatternType(type);
    return this;
  }

  discard(): void {
    this.#inside.discard();
    this.#owner.discarded(this);
  }

  valueOf(): number {
    this.#owner.know(this);
    return this.number;
  }

  toString(): string {
    return String(this.valueOf());
  }

  toJSON(): TrajectoryId {
    return this.id;
  }

  /** The number, without making the trajectory known by it. */
  get number(): number {
    this.#number ??= parseId('id', this.#inside.id).number;
    return this.#number;
  }

  /** The id, without making the trajectory known by it. */
  get name(): TrajectoryId {
    return this.#inside.id;
  }

  /** The builder that the core knows. */
  get inside(): BuilderOfToday {
    return this.#inside;
  }

  belongsTo(owner: Owner): boolean {
    return this.#owner === owner;
  }

  /** The node that is its route, with its score in [0, 1]; undefined where activations or a route say what was used. */
  get node(): { node: string; score: number } | undefined {
    return this.#routed || this.stepCount > 0 ? undefined : this.#best;
  }
}
