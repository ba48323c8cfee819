import {
  checkRecords,
  type DecisionLog,
  type DecisionLogStream,
  isAsyncIterable,
  isIterable,
  readLog,
} from './decision-log.ts';
import { type DecisionRecord, featureCount, readFeatures } from './decision-record.ts';
import { invalidArgument, outOfRange, SonaError } from './errors.ts';
import type { EvaluationPolicy, Exclusions } from './evaluation-policy.ts';
import {
  causeOfExclusion,
  type PolicyOfRecords,
  type Probabilities,
  probabilitiesOf,
} from './evaluation-policy.ts';
import { call, native } from './native.ts';
import { checkInteger, checkOptions, checkUnitInterval } from './vectors.ts';

/** Options of `evaluatePolicy`. */
export interface EvaluationOptions {
  /** What a decision was worth, 0 to 1. Default: the quality of its outcome. */
  reward?: (record: DecisionRecord) => number;
  /** Whether the outcome model of DM, DR and SNDR may use the features of the log. Default true. */
  features?: boolean;
  /** Seed of the split into folds. Default 0. */
  seed?: number;
}

/** An estimated mean reward. */
export interface Estimate {
  /** Mean reward that the policy would have had. Not clipped: what leaves [0, 1] shows a lack of data. */
  value: number;
  /** Estimated standard deviation of `value`. */
  standardError: number;
  /** 95 % interval. */
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
   * Mean probability that the policy gives to models whose propensity was above 0. What is missing to 1 the log can't say
   * anything about, and no interval covers it.
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
 * Throws `SONA_INVALID_ARGUMENT` for a log that can't answer: a deterministic one, or one without a choice that the policy
 * might have made; `SONA_OUT_OF_RANGE` for fewer than two decisions that enter.
 */
export function evaluatePolicy(
  log: DecisionLog | readonly DecisionRecord[],
  policy: EvaluationPolicy,
  options?: EvaluationOptions,
): PolicyEvaluation;
export function evaluatePolicy(
  log: DecisionLogStream,
  policy: EvaluationPolicy,
  options?: EvaluationOptions,
): Promise<PolicyEvaluation>;
export function evaluatePolicy(
  log: DecisionLog | readonly DecisionRecord[] | DecisionLogStream,
  policy: EvaluationPolicy,
  options: EvaluationOptions = {},
): PolicyEvaluation | Promise<PolicyEvaluation> {
  const checked = checkEvaluation(options);
  const evaluate = (records: readonly DecisionRecord[]) =>
    evaluateRecords(records, probabilitiesOf(policy, records), checked);
  if (!isIterable(log) && isAsyncIterable(log)) return readLog(log).then(evaluate);
  return evaluate(recordsOf(log as DecisionLog | readonly DecisionRecord[]));
}

/** The options with their defaults. */
export function checkEvaluation(options: EvaluationOptions): Required<EvaluationOptions> {
  checkOptions('options', options, ['reward', 'features', 'seed']);
  const { reward = ({ outcome }) => outcome?.quality as number, features = true, seed = 0 } = options;
  if (typeof reward !== 'function') throw invalidArgument('options.reward', 'a function', reward);
  if (typeof features !== 'boolean') throw invalidArgument('options.features', 'true or false', features);
  checkInteger('options.seed', seed, 0, Number.MAX_SAFE_INTEGER);
  return { reward, features, seed };
}

/** The records of a log: a list of them, its text or its lines. */
export function recordsOf(log: DecisionLog | readonly DecisionRecord[]): readonly DecisionRecord[] {
  if (typeof log === 'string') return readLog(log);
  if (Array.isArray(log) && (log.length === 0 || typeof log[0] === 'object')) return checkRecords('log', log);
  if (isIterable(log)) return readLog(log as Iterable<string>);
  return checkRecords('log', log);
}

/** Evaluates what has been checked. */
export function evaluateRecords(
  records: readonly DecisionRecord[],
  probabilities: PolicyOfRecords,
  { reward, features, seed }: Required<EvaluationOptions>,
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
    const value: unknown = reward(record);
    checkUnitInterval(`reward of decision ${record.id}`, value);
    rounds.push({ record, reward: value, probabilities: own });
  }
  if (rounds.length < 2) throw tooFew(rounds.length, records.length, excluded);
  const { packed, featured } = features ? packFeatures(rounds) : { packed: undefined, featured: 0 };
  const figures = JSON.parse(evaluate(rounds, packed, seed)) as Omit<
    PolicyEvaluation,
    'featured' | 'excluded' | 'support'
  >;
  return { ...figures, featured, excluded, support: supportOf(rounds) };
}

/** Hands the rounds over, with every model of any of them as an arm. */
function evaluate(rounds: readonly Round[], features: Float32Array | undefined, seed: number): string {
  const arms = new Map<string, number>();
  for (const { record } of rounds) {
    for (const model of record.eligible) if (!arms.has(model)) arms.set(model, arms.size);
  }
  const target = new Float64Array(rounds.length * arms.size);
  for (const [round, { record, probabilities }] of rounds.entries()) {
    for (const [i, model] of record.eligible.entries()) {
      target[round * arms.size + (arms.get(model) as number)] = probabilities[i] as number;
    }
  }
  const chosen = Uint32Array.from(rounds, ({ record }) => arms.get(record.model) as number);
  const propensities = Float64Array.from(rounds, ({ record }) => record.propensity);
  const rewards = Float64Array.from(rounds, ({ reward }) => reward);
  return call(() => native.offPolicyEvaluate(features, chosen, propensities, rewards, target, seed));
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

function supportOf(rounds: readonly Round[]): number {
  let sum = 0;
  for (const { record, probabilities } of rounds) {
    for (const [i, propensity] of record.propensities.entries()) {
      if (propensity > 0) sum += probabilities[i] as number;
    }
  }
  return sum / rounds.length;
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
