import { idPrefix, type MemoryId, parseId, type SuggestionId, type TrajectoryId } from '../base/ids.ts';
import { call, native } from '../binding/native.ts';

/** The ids of one engine: strings outside, numbers in the addon. */
export class Issued {
  readonly #incarnation: string;
  readonly #trajectory: string;
  readonly #suggestion: string;
  readonly #memory: string;

  constructor(handle: number) {
    this.#incarnation = call(() => native.engineIncarnation(handle));
    this.#trajectory = idPrefix('trajectory', this.#incarnation);
    this.#suggestion = idPrefix('suggestion', this.#incarnation);
    this.#memory = idPrefix('memory', this.#incarnation);
  }

  trajectory(number: number): TrajectoryId {
    return (this.#trajectory + number) as TrajectoryId;
  }

  suggestion(number: number): SuggestionId {
    return (this.#suggestion + number) as SuggestionId;
  }

  memory(number: number): MemoryId {
    return (this.#memory + number) as MemoryId;
  }

  /** The number of a trajectory that this object's engine issued; undefined for what another did, or no trajectory is. */
  begun(argument: string, id: string): number | undefined {
    const { kind, incarnation, number } = parseId(argument, id);
    return kind === 'trajectory' && incarnation === this.#incarnation ? number : undefined;
  }

  /** The number of a trajectory that the engine's state may know; undefined for one that it never saw. */
  known(handle: number, argument: string, id: string): number | undefined {
    const { kind, incarnation, number } = parseId(argument, id);
    if (kind !== 'trajectory') return undefined;
    if (incarnation === this.#incarnation) return number;
    return call(() => native.trajectoryIsOwn(handle, incarnation, number)) ? number : undefined;
  }

  /** The number of a suggestion that the engine's state may know; undefined for one that it never made. */
  suggested(handle: number, argument: string, id: string): number | undefined {
    const { kind, incarnation, number } = parseId(argument, id);
    if (kind !== 'suggestion') return undefined;
    if (incarnation === this.#incarnation) return number;
    return call(() => native.suggestionIsOwn(handle, incarnation, number)) ? number : undefined;
  }

  /** The number of a suggestion whose candidates may still be known; -1 for another's. */
  decision(handle: number, argument: string, id: string): number {
    return this.suggested(handle, argument, id) ?? -1;
  }
}
