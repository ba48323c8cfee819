import { invalidArgument, unknownTrajectory } from '../base/errors.ts';
import { formatId, parseId, type TrajectoryId } from '../base/ids.ts';
import type { Vector } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import type { Created } from '../engine/created.ts';
import type { TrajectoryBuilder as BuilderOfToday } from '../engine/trajectory-builder.ts';
import type { Outer } from './outer.ts';
import { nodeOutcome, type Owner, Trajectory, type TrajectoryRef } from './trajectory.ts';

/** The trajectories of one engine by their numbers. */
export class OpenTrajectories implements Owner {
  readonly dim: number;
  readonly #made: Created;
  readonly #outer: Outer | undefined;
  readonly #most: number;
  readonly #incarnation: string;
  /** Those that are known by number or id, oldest first, and whether by nothing else. */
  readonly #open = new Map<number, { trajectory: Trajectory; byNumberAlone: boolean }>();
  /** Scores of the nodes that became routes of ended ones, oldest first. */
  readonly #scores = new Map<number, number>();
  #last: number | undefined;

  constructor(made: Created, outer: Outer | undefined) {
    const { handle } = made;
    const sizes = JSON.parse(call(() => native.engineConfig(handle)));
    const { hiddenDim, trajectoryCapacity } = sizes as { hiddenDim: number; trajectoryCapacity: number };
    this.dim = outer ? outer.dim : hiddenDim;
    this.#made = made;
    this.#outer = outer;
    this.#most = trajectoryCapacity;
    this.#incarnation = call(() => native.engineIncarnation(handle));
  }

  /** The builder of one that has begun. */
  begin(inside: BuilderOfToday): Trajectory {
    return new Trajectory(this, inside);
  }

  /** The number of one that is known by nothing else; the oldest of too many is given up. */
  start(inside: BuilderOfToday): number {
    const trajectory = this.begin(inside);
    this.#remember(trajectory, true);
    return trajectory.number;
  }

  inner(argument: string, vector: Vector): Vector {
    return this.#outer ? this.#outer.inner(argument, vector) : vector;
  }

  know(trajectory: Trajectory): void {
    // whoever looks at the number may come back with nothing else
    if (!trajectory.ended && !this.#open.has(trajectory.number)) this.#remember(trajectory, false);
  }

  discarded(trajectory: Trajectory): void {
    trajectory.ended = true;
    this.#open.delete(trajectory.number);
  }

  #remember(trajectory: Trajectory, byNumberAlone: boolean): void {
    if (this.#open.size >= this.#most) {
      const [oldest] = this.#open.entries();
      if (oldest) {
        this.#open.delete(oldest[0]);
        // one that somebody holds a builder of is only known by its number no more
        if (oldest[1].byNumberAlone) this.#made.events.tell('dropped', { count: 1 });
      }
    }
    this.#open.set(trajectory.number, { trajectory, byNumberAlone });
  }

  /** The open trajectory that a builder, an id or a number names. */
  find(trajectory: TrajectoryRef): Trajectory {
    if (trajectory instanceof Trajectory) {
      if (trajectory.belongsTo(this) && !trajectory.ended) return trajectory;
      throw unknownTrajectory('trajectory', trajectory.name);
    }
    if (typeof trajectory !== 'string' && typeof trajectory !== 'number') {
      throw invalidArgument('trajectory', 'a builder, an id or a number of this engine', trajectory);
    }
    const number = typeof trajectory === 'string' ? this.#begun(trajectory) : trajectory;
    const found = number === undefined ? undefined : this.#open.get(number);
    if (!found) throw unknownTrajectory('trajectory', trajectory);
    return found.trajectory;
  }

  #begun(id: string): number | undefined {
    const { kind, incarnation, number } = parseId('trajectory', id);
    return kind === 'trajectory' && incarnation === this.#incarnation ? number : undefined;
  }

  /** One has ended that was never open here. */
  noteEnd(number: number): void {
    this.#last = number;
  }

  /** Takes out one that has ended; `score` is that of the node that became its route. */
  end(trajectory: Trajectory, score: number | undefined): void {
    const { number } = trajectory;
    trajectory.ended = true;
    this.#open.delete(number);
    this.#last = number;
    if (score === undefined) return;
    this.#scores.set(number, score);
    if (this.#scores.size > this.#most) {
      const [oldest] = this.#scores.keys();
      if (oldest !== undefined) this.#scores.delete(oldest);
    }
  }

  /** The outcome that a later quality means for one that has ended; without an id, for the one that ended last. */
  outcome(id: string | number | undefined, quality: number): number {
    const number = typeof id === 'string' ? this.#begun(id) : (id ?? this.#last);
    const score = number === undefined ? undefined : this.#scores.get(number);
    return score === undefined ? quality : nodeOutcome(score, quality);
  }

  /** The id of a number. */
  idOf(number: number): TrajectoryId {
    return formatId('trajectory', this.#incarnation, number);
  }

  clear(): void {
    this.#open.clear();
  }
}
