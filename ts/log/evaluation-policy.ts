import { dimMismatch, invalidArgument } from '../base/errors.ts';
import { checkName, checkOptions, checkUnitInterval, isF64 } from '../base/vectors.ts';
import type { DecisionRecord } from './decision-record.ts';
import { answerOf, checkFields, propensitiesOf } from './decision-record.ts';
import { checkSum, normalised } from './propensities.ts';

/**
 * A policy to evaluate:
 * - `'logged'`: the one that made the log;
 * - `'uniform'`: each eligible model with the same probability. The log must say which were;
 * - `{ model }`: always this one, on decisions where it was eligible, or may have been;
 * - a function: probabilities by model that sum to 1. What lies on models that were not eligible is shared out among
 *   those that were; where nothing is left the decision is excluded;
 * - `{ propensities }`: the probabilities of all decisions of the log one after another, each decision's in the order of its
 *   `eligible`, with those that don't enter.
 *
 * Probabilities sum to 1, within what their digits allow. None of these needs the propensities of models that were not chosen,
 * but without them less is known of what the log has not tried.
 */
export type EvaluationPolicy =
  | 'logged'
  | 'uniform'
  | { readonly model: string }
  | { readonly propensities: Float64Array }
  | ((record: DecisionRecord) => Readonly<Record<string, number>>);

/** Decisions that an evaluation leaves out, counted by the first cause that holds. */
export interface Exclusions {
  /** Made in the mode `'observe'`: nobody followed them. */
  observed: number;
  /** Made by a session, which stays with its model whatever the policy says. */
  session: number;
  /** Nothing is known of how they went. */
  noOutcome: number;
  /** The outcome has no quality. */
  noQuality: number;
  /** Another model answered than the one that was chosen. */
  otherModel: number;
  /** The policy chooses no model that was eligible. */
  ineligible: number;
}

/** What a policy would have done in a decision. */
export interface Probabilities {
  /** Models that it might have chosen. */
  readonly models: readonly string[];
  /** Probability of each of them. They sum to 1. */
  readonly probabilities: ArrayLike<number>;
  /** Whether it is what was done: the logged policy, where no more is known of it. */
  readonly done?: true | undefined;
}

/** What a policy would have done. Undefined where it chooses no model that was eligible. */
export type PolicyOfRecords = (record: DecisionRecord, at: number) => Probabilities | undefined;

/** Why a decision does not enter whatever the policy; undefined when it does. */
export function causeOfExclusion(record: DecisionRecord): keyof Exclusions | undefined {
  const { mode, reason, model, outcome } = record;
  if (mode === 'observe') return 'observed';
  if (reason === 'session') return 'session';
  if (!outcome) return 'noOutcome';
  const answer = answerOf(record);
  if (answer.quality === undefined) return 'noQuality';
  if (answer.model !== model) return 'otherModel';
  return undefined;
}

/** The models that were eligible, which a policy needs. */
export function eligibleOf(policy: string, { id, eligible }: DecisionRecord): readonly string[] {
  if (eligible) return eligible;
  const expected = `the eligible models, which the policy ${policy} needs`;
  throw invalidArgument(`eligible of decision ${id}`, expected, eligible);
}

/** Checks a policy against the log that it is evaluated on. */
export function probabilitiesOf(
  policy: EvaluationPolicy,
  records: readonly DecisionRecord[],
): PolicyOfRecords {
  if (policy === 'logged') return asLogged;
  if (policy === 'uniform') {
    return (record) => {
      const models = eligibleOf("'uniform'", record);
      return { models, probabilities: models.map(() => 1 / models.length) };
    };
  }
  const models = new Set<string>();
  for (const { eligible, model } of records) for (const id of eligible ?? [model]) models.add(id);
  if (typeof policy === 'function') return (record) => ofFunction(policy, record, models);
  if (typeof policy !== 'object' || policy === null) {
    throw invalidArgument('policy', "'logged', 'uniform', {model}, {propensities} or a function", policy);
  }
  if ('propensities' in policy) {
    checkOptions('policy', policy, ['propensities']);
    return ofPropensities(policy.propensities, records);
  }
  checkOptions('policy', policy, ['model']);
  const { model } = policy;
  checkName('policy.model', model);
  checkKnown('policy.model', model, models);
  const always = { models: [model], probabilities: [1] };
  return ({ eligible }) => (eligible === undefined || eligible.includes(model) ? always : undefined);
}

function asLogged(record: DecisionRecord): Probabilities {
  const probabilities = propensitiesOf(record);
  if (record.eligible && probabilities) return { models: record.eligible, probabilities };
  return { models: [record.model], probabilities: [1], done: true };
}

function ofFunction(
  policy: (record: DecisionRecord) => Readonly<Record<string, number>>,
  record: DecisionRecord,
  models: ReadonlySet<string>,
): Probabilities | undefined {
  const argument = `policy of decision ${record.id}`;
  const row: unknown = policy(record);
  checkFields(argument, row);
  const given = new Map<string, number>();
  for (const [model, probability] of Object.entries(row)) {
    checkUnitInterval(`${argument}: ${model}`, probability);
    if (probability > 0) checkKnown(argument, model, models);
    given.set(model, probability);
  }
  checkSum(argument, [...given.values()]);
  const own = record.eligible ?? [...given.keys()];
  const probabilities = own.map((model) => given.get(model) ?? 0);
  const some = probabilities.some((probability) => probability > 0);
  return some ? { models: own, probabilities: normalised(probabilities) } : undefined;
}

function ofPropensities(flat: unknown, records: readonly DecisionRecord[]): PolicyOfRecords {
  if (!isF64(flat)) throw invalidArgument('policy.propensities', 'a Float64Array', flat);
  const starts = [0];
  for (const record of records) {
    const { length } = eligibleOf('{propensities}', record);
    starts.push((starts.at(-1) as number) + length);
  }
  const expected = starts.at(-1) as number;
  if (flat.length !== expected) throw dimMismatch('policy.propensities', expected, flat.length);
  return (record, at) => {
    const row = flat.subarray(starts[at], starts[at + 1]);
    const argument = `policy.propensities of decision ${record.id}`;
    for (const probability of row) checkUnitInterval(argument, probability);
    checkSum(argument, row);
    return { models: record.eligible as string[], probabilities: normalised(row) };
  };
}

function checkKnown(argument: string, model: string, models: ReadonlySet<string>): void {
  // an empty log has an error of its own
  if (models.size > 0 && !models.has(model))
    throw invalidArgument(argument, 'models that the log has as eligible', model);
}
