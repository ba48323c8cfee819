import { invalidArgument } from './errors.ts';

declare const named: unique symbol;

type Named<Kind> = string & { readonly [named]: Kind };

/** Names a decision of a router: an opaque string that no other router gives out. */
export type DecisionId = Named<'decision'>;

/** Names a suggestion of an engine. */
export type SuggestionId = Named<'suggestion'>;

/** Names a trajectory of an engine. */
export type TrajectoryId = Named<'trajectory'>;

/** Names an item that an engine remembers. */
export type MemoryId = Named<'memory'>;

/** Text that was an id when it was stored. What is known to be another kind's does not compile in its place. */
export type StoredId = string & { readonly [named]?: never };

/** What an id names: a trajectory, a suggestion or an item of an engine, a decision of a router. */
export type IdKind = 'trajectory' | 'suggestion' | 'memory' | 'decision';

/** An id in its parts. */
export interface Id {
  readonly kind: IdKind;
  /** Who issued it: 16 hexadecimal digits, others for every engine and router and for each time that one is restored. */
  readonly incarnation: string;
  /** Its place among those of its kind, from 1. */
  readonly number: number;
}

const letters: Readonly<Record<IdKind, string>> = {
  trajectory: 't',
  suggestion: 's',
  memory: 'm',
  decision: 'r',
};

const kinds: ReadonlyMap<string, IdKind> = new Map(
  Object.entries(letters).map(([kind, letter]) => [letter, kind as IdKind]),
);

const pattern = /^([tsmr])([0-9a-f]{16})-([1-9][0-9]{0,15})$/;

/** What all ids of one kind and one incarnation begin with. The rest is the number. */
export function idPrefix(kind: IdKind, incarnation: string): string {
  return `${letters[kind]}${incarnation}-`;
}

/** An id as it is given out. */
export function formatId<Kind extends IdKind>(kind: Kind, incarnation: string, number: number): Named<Kind> {
  return (idPrefix(kind, incarnation) + number) as Named<Kind>;
}

/** The parts of an id, whoever issued it. `SONA_INVALID_ARGUMENT` for what is no id of any kind. */
export function parseId(argument: string, text: unknown): Id {
  const parts = typeof text === 'string' ? pattern.exec(text) : null;
  const kind = kinds.get(parts?.[1] ?? '');
  const number = Number(parts?.[3]);
  if (!kind || !Number.isSafeInteger(number)) {
    throw invalidArgument(argument, 'an id that an engine or a router gave out', text);
  }
  return { kind, incarnation: parts?.[2] as string, number };
}
