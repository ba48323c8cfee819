import { invalidArgument, outOfRange } from '../base/errors.ts';
import { checkInteger, checkNumber, checkOptions } from '../base/vectors.ts';

/** A number for every kind of prompt, or one for all. */
export type PerKind<Kind extends string = string> = number | { readonly [kind in Kind]: number };

/** A number for some kinds of prompt, or one for all. */
export type SomeKinds<Kind extends string = string> =
  | number
  | { readonly [kind in Kind]?: number | undefined };

/** How a model behaves. Where one number is given it holds for every kind of prompt. */
export interface WorldBehaviour<Kind extends string = string> {
  /** Mean quality of its answers, 0 to 1. */
  quality: PerKind<Kind>;
  /** Mean time of a call in milliseconds, 0 to 3,600,000; half to one and a half times that is drawn. Default 1,000. */
  latencyMs?: PerKind<Kind> | undefined;
  /** Probability that a call fails, 0 to 1. Default 0. */
  errorRate?: PerKind<Kind> | undefined;
  /** Mean length of its answers in tokens, 1 to 1,000,000; about half to one and a half times that is drawn. Default 300. */
  answerTokens?: PerKind<Kind> | undefined;
  /** US dollars per million tokens of the prompt, from 0 on. Default 0. */
  inputUsdPer1M?: number | undefined;
  /** US dollars per million tokens of the answer, from 0 on. Default 0. */
  outputUsdPer1M?: number | undefined;
}

/** What a model does differently. What is missing stays as it is, also for kinds that are missing. */
export interface WorldChange<Kind extends string = string> {
  /** As {@link WorldBehaviour.quality}. */
  quality?: SomeKinds<Kind> | undefined;
  /** As {@link WorldBehaviour.latencyMs}. */
  latencyMs?: SomeKinds<Kind> | undefined;
  /** As {@link WorldBehaviour.errorRate}. */
  errorRate?: SomeKinds<Kind> | undefined;
  /** As {@link WorldBehaviour.answerTokens}. */
  answerTokens?: SomeKinds<Kind> | undefined;
  /** As {@link WorldBehaviour.inputUsdPer1M}. */
  inputUsdPer1M?: number | undefined;
  /** As {@link WorldBehaviour.outputUsdPer1M}. */
  outputUsdPer1M?: number | undefined;
}

/** Behaviour with a number for every kind, in the order of the kinds. */
export interface Behaviour {
  quality: number[];
  latencyMs: number[];
  errorRate: number[];
  answerTokens: number[];
  inputUsdPer1M: number;
  outputUsdPer1M: number;
}

const perKind = {
  quality: { most: 1, least: 0, whole: false, otherwise: undefined },
  latencyMs: { most: 3_600_000, least: 0, whole: false, otherwise: 1_000 },
  errorRate: { most: 1, least: 0, whole: false, otherwise: 0 },
  answerTokens: { most: 1_000_000, least: 1, whole: true, otherwise: 300 },
} as const;

const prices = ['inputUsdPer1M', 'outputUsdPer1M'] as const;

/** Names of the parts of a behaviour. */
export const parts = [...Object.keys(perKind), ...prices];

/** The number for a kind. */
export function of(numbers: readonly number[], kind: number): number {
  return numbers[kind] as number;
}

/** The behaviour of a model, with a number for every kind. */
export function behaviourOf(at: string, given: object, kinds: readonly string[]): Behaviour {
  const nothing = kinds.map(() => Number.NaN);
  const blank: Behaviour = {
    quality: nothing,
    latencyMs: nothing,
    errorRate: nothing,
    answerTokens: nothing,
    inputUsdPer1M: 0,
    outputUsdPer1M: 0,
  };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const defaults = Object.fromEntries(
    Object.entries(perKind).flatMap(([name, { otherwise }]) =>
      otherwise === undefined ? [] : [[name, otherwise]],
    ),
  );
  const behaviour = changedBy(at, blank, { ...defaults, ...set }, kinds);
  for (const name of Object.keys(perKind) as (keyof typeof perKind)[]) {
    const missing = kinds.find((_, i) => Number.isNaN(behaviour[name][i]));
    if (missing === undefined) continue;
    const where = typeof set[name] === 'object' ? `${at}.${name}.${missing}` : `${at}.${name}`;
    throw invalidArgument(where, 'a number', undefined);
  }
  return behaviour;
}

/** Behaviour with what is given in place of what was. */
export function changedBy(at: string, former: Behaviour, given: object, kinds: readonly string[]): Behaviour {
  const changed = { ...former };
  for (const [name, value] of Object.entries(given) as [keyof Behaviour, unknown][]) {
    if (value === undefined) continue;
    const argument = `${at}.${name}`;
    if (name === 'inputUsdPer1M' || name === 'outputUsdPer1M') {
      checkNumber(argument, value);
      if (value < 0) throw outOfRange(argument, 'a number from 0 on', value);
      changed[name] = value;
      continue;
    }
    changed[name] = numbers(argument, value, perKind[name], former[name], kinds);
  }
  return changed;
}

function numbers(
  argument: string,
  value: unknown,
  range: { least: number; most: number; whole: boolean },
  former: readonly number[],
  kinds: readonly string[],
): number[] {
  const check = (at: string, number: unknown): number => {
    const { least, most, whole } = range;
    if (whole) checkInteger(at, number, least, most);
    else checkNumber(at, number);
    if (number < least || number > most) throw outOfRange(at, `a number from ${least} to ${most}`, number);
    return number;
  };
  if (typeof value !== 'object') return kinds.map(() => check(argument, value));
  checkOptions(argument, value, kinds);
  const given = value as Record<string, unknown>;
  return kinds.map((kind, i) =>
    Object.hasOwn(given, kind) && given[kind] !== undefined
      ? check(`${argument}.${kind}`, given[kind])
      : of(former, i),
  );
}
