import type { DecisionRecord } from './decision-record.ts';
import { checkFields } from './decision-record.ts';
import { dimMismatch, invalidArgument, outOfRange } from './errors.ts';
import { checkName, checkOptions, checkUnitInterval, isF64 } from './vectors.ts';

/**
 * A policy to evaluate:
 * - `'logged'`: the one that made the log;
 * - `'uniform'`: each eligible model with the same probability;
 * - `{ model }`: always this one, on decisions where it was eligible;
 * - a function: probabilities by model that sum to 1. What lies on models that were not eligible is shared out among
 *   those that were; where nothing is left the decision is excluded;
 * - `{ propensities }`: the probabilities of all decisions of the log one after another, each decision's in the order of its
 *   `eligible`, with those that don't enter.
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

/** Probability of each eligible model of a decision, in their order. */
export type Probabilities = ArrayLike<number>;

/** What a policy would have done. Undefined where it chooses no model that was eligible. */
export type PolicyOfRecords = (record: DecisionRecord, at: number) => Probabilities | undefined;

const SUM_TOLERANCE = 1e-6;

/** Why a decision does not enter whatever the policy; undefined when it does. */
export function causeOfExclusion({
  mode,
  reason,
  model,
  outcome,
}: DecisionRecord): keyof Exclusions | undefined {
  if (mode === 'observe') return 'observed';
  if (reason === 'session') return 'session';
  if (!outcome) return 'noOutcome';
  if (outcome.quality === undefined) return 'noQuality';
  if (outcome.model !== undefined && outcome.model !== model) return 'otherModel';
  return undefined;
}

/** Checks a policy against the log that it is evaluated on. */
export function probabilitiesOf(
  policy: EvaluationPolicy,
  records: readonly DecisionRecord[],
): PolicyOfRecords {
  if (policy === 'logged') return ({ propensities }) => propensities;
  if (policy === 'uniform') return ({ eligible }) => eligible.map(() => 1 / eligible.length);
  const models = new Set(records.flatMap(({ eligible }) => eligible));
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
  return ({ eligible }) =>
    eligible.includes(model) ? eligible.map((id) => Number(id === model)) : undefined;
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
  const own = record.eligible.map((model) => given.get(model) ?? 0);
  const mass = own.reduce((sum, probability) => sum + probability, 0);
  return mass > 0 ? own.map((probability) => probability / mass) : undefined;
}

function ofPropensities(flat: unknown, records: readonly DecisionRecord[]): PolicyOfRecords {
  if (!isF64(flat)) throw invalidArgument('policy.propensities', 'a Float64Array', flat);
  const starts = [0];
  for (const { eligible } of records) starts.push((starts.at(-1) as number) + eligible.length);
  const expected = starts.at(-1) as number;
  if (flat.length !== expected) throw dimMismatch('policy.propensities', expected, flat.length);
  return ({ id }, at) => {
    const row = flat.subarray(starts[at], starts[at + 1]);
    const argument = `policy.propensities of decision ${id}`;
    for (const probability of row) checkUnitInterval(argument, probability);
    checkSum(argument, row);
    return row;
  };
}

function checkSum(argument: string, probabilities: Iterable<number>): void {
  let sum = 0;
  for (const probability of probabilities) sum += probability;
  if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) throw outOfRange(argument, 'probabilities that sum to 1', sum);
}

function checkKnown(argument: string, model: string, models: ReadonlySet<string>): void {
  // an empty log has an error of its own
  if (models.size > 0 && !models.has(model))
    throw invalidArgument(argument, 'models that the log has as eligible', model);
}
