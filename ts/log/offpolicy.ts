import { invalidArgument, outOfRange, SonaError } from '../base/errors.ts';
import { checkInteger, checkNumber, checkOptions, checkUnitInterval } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import { type DecisionLog, type DecisionLogStream, readLog } from './decision-log.ts';
import {
  answerOf,
  type DecisionRecord,
  featureCount,
  propensitiesOf,
  readFeatures,
} from './decision-record.ts';
import type { EvaluationPolicy, Exclusions } from './evaluation-policy.ts';
import {
  causeOfExclusion,
  type PolicyOfRecords,
  type Probabilities,
  probabilitiesOf,
} from './evaluation-policy.ts';
import { isStream } from './lines.ts';

/** Options of `evaluatePolicy`. */
export interface EvaluationOptions {
  /** What a decision was worth, 0 to 1. Default: the quality of its outcome, or of the attempt that answered. */
  reward?: ((record: DecisionRecord) => number) | undefined;
  /** Whether the outcome model of DM, DR and SNDR may use the features of the log. Default true. */
  features?: boolean | undefined;
  /** Seed of the split into folds. Default 0. */
  seed?: number | undefined;
  /** Least support with which a policy is evaluated, 0 to 1. Default 0.5. */
  minSupport?: number | undefined;
  /**
   * Least effective sample size with which a policy is evaluated, from 0: by the weights that were drawn, and with their squares
   * as they were to be expected. Default 10.
   */
  minEffectiveSampleSize?: number | undefined;
}

/** An estimated mean reward. */
export interface Estimate {
  /**
   * Mean reward that the policy would have had. Not clipped: what leaves [0, 1] shows a lack of data. Where support is
   * missing, the middle of what is possible.
   */
  value: number;
  /** Estimated standard deviation of `value`. */
  standardError: number;
  /** 95 % interval: 1.96 standard errors to both sides, and half of the missing support. */
  interval: [number, number];
}

/** The direct method's estimate, which is as good as its model. */
export interface DirectEstimate extends Estimate {
  /** What the log says is missing from `value`, the mean weighted residual: DR minus DM. */
  bias: number;
  /** Estimated standard deviation of `bias`. */
  biasStandardError: number;
}

/** What a decision log says about a policy. */
export interface PolicyEvaluation {
  /** Decisions that entered. */
  rounds: number;
  /** Those of them whose features the outcome model used. */
  featured: number;
  /** Decisions that did not enter, by cause. */
  excluded: Exclusions;
  /** Mean reward of what was logged. */
  loggedReward: number;
  /** How many decisions of the policy itself would say as much. */
  effectiveSampleSize: number;
  /** Mean of the weights, target probability over propensity. About `support` where the propensities are true. */
  meanWeight: number;
  /** Largest weight. */
  largestWeight: number;
  /**
   * Share of the policy that the log has tried: its mean probability of models whose propensity was above 0, and not so small
   * that one such choice would outweigh all others. What is missing to 1 widens every interval.
   */
  support: number;
  /** Inverse propensity scores: unbiased, and the widest. */
  ips: Estimate;
  /** IPS over the mean weight. */
  snips: Estimate;
  /** The outcome model alone. */
  dm: DirectEstimate;
  /** The outcome model, corrected by its weighted residuals. */
  dr: Estimate;
  /** DR with the residuals' weights over their mean. */
  sndr: Estimate;
  /** What the figures can't know or may be wrong about, a sentence each. Empty where there is nothing to say. */
  warnings: string[];
}

interface Round {
  record: DecisionRecord;
  reward: number;
  probabilities: Probabilities;
}

/**
 * Estimates what another policy would have earned, from a decision log.
 *
 * Decisions of the policy and of trials enter that were applied and have a quality; the rest is counted in `excluded`. The
 * formulas and what the intervals assume are in `docs/decision-log.md`.
 *
 * `log` is text, an iterable of lines, decision records, or a stream, for which it gives a promise; see `readLog`.
 *
 * Throws `SONA_INVALID_ARGUMENT`, with `support` and `effectiveSampleSize` in its details, for a policy that the log says too
 * little about: see `minSupport` and `minEffectiveSampleSize`. What was done is always evaluated. `SONA_OUT_OF_RANGE` for fewer
 * than two decisions that enter.
 */
export function evaluatePolicy(
  log: DecisionLog,
  policy: EvaluationPolicy,
  options?: EvaluationOptions,
): PolicyEvaluation;
export function evaluatePolicy(
  log: DecisionLogStream,
  policy: EvaluationPolicy,
  options?: EvaluationOptions,
): Promise<PolicyEvaluation>;
export function evaluatePolicy(
  log: DecisionLog | DecisionLogStream,
  policy: EvaluationPolicy,
  options?: EvaluationOptions,
): PolicyEvaluation | Promise<PolicyEvaluation>;
export function evaluatePolicy(
  log: DecisionLog | DecisionLogStream,
  policy: EvaluationPolicy,
  options: EvaluationOptions = {},
): PolicyEvaluation | Promise<PolicyEvaluation> {
  return evaluateLog(log, (records) => probabilitiesOf(policy, records), options);
}

/** Reads a log and evaluates a policy that is made for it. */
export function evaluateLog(
  log: DecisionLog | DecisionLogStream,
  policyOf: (records: readonly DecisionRecord[]) => PolicyOfRecords,
  options: EvaluationOptions,
): PolicyEvaluation | Promise<PolicyEvaluation> {
  if (isStream(log)) return evaluateStream(log, policyOf, options);
  const checked = checkEvaluation(options);
  const records = readLog(log);
  return evaluateRecords(records, policyOf(records), checked);
}

async function evaluateStream(
  log: DecisionLogStream,
  policyOf: (records: readonly DecisionRecord[]) => PolicyOfRecords,
  options: EvaluationOptions,
): Promise<PolicyEvaluation> {
  const checked = checkEvaluation(options);
  const records = await readLog(log);
  return evaluateRecords(records, policyOf(records), checked);
}

/** With every option. */
type Settled = { readonly [K in keyof EvaluationOptions]-?: Exclude<EvaluationOptions[K], undefined> };

const names = ['reward', 'features', 'seed', 'minSupport', 'minEffectiveSampleSize'];

/** The options with their defaults. */
function checkEvaluation(options: EvaluationOptions): Settled {
  checkOptions('options', options, names);
  const { reward = (record) => answerOf(record).quality as number, features = true, seed = 0 } = options;
  const { minSupport = 0.5, minEffectiveSampleSize = 10 } = options;
  if (typeof reward !== 'function') throw invalidArgument('options.reward', 'a function', reward);
  if (typeof features !== 'boolean') throw invalidArgument('options.features', 'true or false', features);
  checkInteger('options.seed', seed, 0, Number.MAX_SAFE_INTEGER);
  checkUnitInterval('options.minSupport', minSupport);
  checkNumber('options.minEffectiveSampleSize', minEffectiveSampleSize);
  if (minEffectiveSampleSize < 0) {
    throw outOfRange('options.minEffectiveSampleSize', 'a number from 0', minEffectiveSampleSize);
  }
  return { reward, features, seed, minSupport, minEffectiveSampleSize };
}

/** Evaluates what has been checked. */
function evaluateRecords(
  records: readonly DecisionRecord[],
  probabilities: PolicyOfRecords,
  options: Settled,
): PolicyEvaluation {
  const excluded: Exclusions = {
    observed: 0,
    session: 0,
    noOutcome: 0,
    noQuality: 0,
    otherModel: 0,
    ineligible: 0,
  };
  const rounds: Round[] = [];
  for (const [at, record] of records.entries()) {
    const cause = causeOfExclusion(record);
    const own = cause ? undefined : probabilities(record, at);
    if (!own) {
      excluded[cause ?? 'ineligible']++;
      continue;
    }
    const value: unknown = options.reward(record);
    checkUnitInterval(`reward of decision ${record.id}`, value);
    rounds.push({ record, reward: value, probabilities: own });
  }
  if (rounds.length < 2) throw tooFew(rounds.length, records.length, excluded);
  const { packed, featured } = options.features ? packFeatures(rounds) : { packed: undefined, featured: 0 };
  const figures = JSON.parse(evaluate(rounds, packed, options)) as Omit<
    PolicyEvaluation,
    'featured' | 'excluded'
  >;
  return { ...figures, featured, excluded };
}

/** Hands the rounds over, with every model of any of them as an arm. */
function evaluate(
  rounds: readonly Round[],
  features: Float32Array | undefined,
  { seed, minSupport, minEffectiveSampleSize }: Settled,
): string {
  const arms = new Map<string, number>();
  const arm = (model: string) => {
    const known = arms.get(model) ?? arms.size;
    arms.set(model, known);
    return known;
  };
  const chosen = Uint32Array.from(rounds, ({ record }) => arm(record.model));
  for (const { record, probabilities } of rounds) {
    for (const model of record.eligible ?? []) arm(model);
    for (const model of probabilities.models) arm(model);
  }
  const target = new Float64Array(rounds.length * arms.size);
  const logging = new Float64Array(rounds.length * arms.size);
  const propensities = new Float64Array(rounds.length);
  for (const [round, { record, probabilities }] of rounds.entries()) {
    const put = (into: Float64Array, models: readonly string[], values: ArrayLike<number>) => {
      for (const [i, model] of models.entries()) into[round * arms.size + arm(model)] = values[i] as number;
    };
    put(target, probabilities.models, probabilities.probabilities);
    const all = propensitiesOf(record);
    if (record.eligible && all) put(logging, record.eligible, all);
    const own = all ? logging[round * arms.size + (chosen[round] as number)] : record.propensity;
    // what was done was certain to be done by whoever does the same
    propensities[round] = probabilities.done ? 1 : (own as number);
  }
  const rewards = Float64Array.from(rounds, ({ reward }) => reward);
  const settings = { seed, minSupport, minEffectiveSampleSize };
  return call(() =>
    native.offPolicyEvaluate(features, chosen, propensities, logging, rewards, target, settings),
  );
}

/**
 * The features of the basis that most rounds have; zeros for the others, which leaves them the model's intercept.
 * Undefined when no round has any.
 */
function packFeatures(rounds: readonly Round[]): { packed: Float32Array | undefined; featured: number } {
  const bases = new Map<string, number>();
  const basisOf = ({ record }: Round) => JSON.stringify([record.basis.id, record.basis.hash]);
  for (const round of rounds) {
    if (round.record.features !== undefined) bases.set(basisOf(round), (bases.get(basisOf(round)) ?? 0) + 1);
  }
  const [first] = [...bases].sort(([, a], [, b]) => b - a);
  if (!first) return { packed: undefined, featured: 0 };
  const [basis, featured] = first;
  const packed = new Float32Array(rounds.length * featureCount);
  for (const [at, round] of rounds.entries()) {
    const { features } = round.record;
    if (features !== undefined && basisOf(round) === basis) readFeatures(features, packed, at);
  }
  return { packed, featured };
}

function tooFew(rounds: number, decisions: number, excluded: Exclusions): SonaError {
  const causes = Object.entries(excluded).filter(([, count]) => count > 0);
  const without =
    causes.length > 0 ? ` (${causes.map(([cause, count]) => `${cause} ${count}`).join(', ')})` : '';
  const expected = 'at least 2 decisions that were applied and have a quality';
  const got = `${rounds} of ${decisions}${without}`;
  const { code } = outOfRange('log', expected, rounds);
  return new SonaError(code, `log: expected ${expected}, got ${got}`, {
    argument: 'log',
    expected,
    got,
    excluded,
  });
}
