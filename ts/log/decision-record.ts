import { invalidArgument, outOfRange } from '../base/errors.ts';
import type { Metadata } from '../base/metadata.ts';
import { checkInteger, checkName, checkNumber, checkUnitInterval } from '../base/vectors.ts';
import { fromBase64 } from '../host/base64.ts';
import { checkSum, isEntry, normalised } from './propensities.ts';

/** One decision of a router with what came of it: a line of the decision log. */
export interface DecisionRecord {
  /** Version of the format. In the first one, ids were numbers that a restarted router gave out again. */
  v: 1 | 2;
  /** Names the decision: text that no other has, or a number (`v: 1`). */
  id: number | string;
  /** Which router made it, and since which start (`v: 2`). */
  incarnation?: string | undefined;
  /** Version of what was learned when it was made (`v: 2`; in `v: 1`, `policy.version`). */
  version?: number | undefined;
  /** When it was made, milliseconds since 1970. */
  at: number;
  /** Whether the choice was meant to be followed. */
  mode: 'apply' | 'observe';
  /** What chose: the policy, a session that stays with its model, or a trial of a new model. */
  reason: 'policy' | 'session' | 'trial';
  /** The policy that was in force: its kind of exploration, its propensity floor, its version. */
  policy: { exploration: string; floor: number; version?: number };
  /** The basis that made the features. Features of different bases can't be compared. */
  basis: { id: string; hash: string };
  /** Seed of the decision's random choice. */
  seed: number;
  /** Base64 of 128 32-bit floats, little endian: both blocks of features, without their intercepts. */
  features?: string | undefined;
  /** Hash of the features, with or without them in the log. */
  featuresHash: string;
  /** Models that might have been chosen. Left out in logs that do not say. */
  eligible?: string[] | undefined;
  /**
   * Probability with which each of them was, in the same order, as it was given. They sum to 1, within what their digits
   * allow. Left out in logs that know the chosen model's alone.
   */
  propensities?: number[] | undefined;
  /** The model that was chosen. */
  model: string;
  /** What it is called by and with, and its own plain data, where any of that was given. */
  arm?: RecordedArm | undefined;
  /** Its propensity. */
  propensity: number;
  /** What was expected of it. */
  expected: {
    quality: number | null;
    costUsd: number | null;
    latencyMs: number | null;
    /** Tokens of the answer, once any were told of the model. */
    outputTokens?: number | null | undefined;
  };
  /** Whether it was made without its prompt; the features are then the mean of those before. */
  contextFree?: true | undefined;
  /** What was asked about, where the router's `logText` is on. */
  text?: string | undefined;
  /** Session that the request belongs to. */
  sessionId?: string | undefined;
  /** Tenant that the request belongs to. */
  tenant?: string | undefined;
  /** Whose data the request was made from. */
  subject?: string | undefined;
  /** Plain data of the caller's. */
  metadata?: Metadata | undefined;
  /** Length of the prompt. */
  promptTokens?: number | undefined;
  /** What came of it, once that is known. */
  outcome?: RecordedOutcome | undefined;
}

/** What is known of the model that was chosen. */
export interface RecordedArm {
  /** Name of the model that is called, where it is not the id. */
  model?: string | undefined;
  /** What it is called with. */
  settings?: Metadata | undefined;
  /** Plain data of the caller's. */
  metadata?: Metadata | undefined;
}

/** The outcome in a {@link DecisionRecord}. */
export interface RecordedOutcome {
  /** How good the answer was, 0 to 1. */
  quality?: number | undefined;
  /** What it cost, in US dollars. */
  costUsd?: number | undefined;
  /** How long it took, in milliseconds. */
  latencyMs?: number | undefined;
  /** Tokens of the answer. */
  outputTokens?: number | undefined;
  /** Whether the answer was cut there. */
  truncated?: boolean | undefined;
  /** Whether the call failed; in other systems' logs also with what message. */
  error?: boolean | string | undefined;
  /** Who said so. */
  source?: string | undefined;
  /** The model that answered, where it was not the one that was chosen. */
  model?: string | undefined;
  /** The calls that were made for the decision, one after another: those that failed, and the one that answered. */
  attempts?: RecordedAttempt[] | undefined;
  /** Plain data of the caller's. */
  metadata?: Metadata | undefined;
  /** When it was told, milliseconds since 1970. */
  at: number;
}

/** One of the calls that were made for a decision. */
export interface RecordedAttempt {
  /** The model that was called. */
  model: string;
  /** Whether the call failed; in other systems' logs also with what message. */
  error?: boolean | string | undefined;
  /** How good its answer was, 0 to 1. */
  quality?: number | undefined;
  /** What it cost, in US dollars. */
  costUsd?: number | undefined;
  /** How long it took, in milliseconds. */
  latencyMs?: number | undefined;
  /** Tokens of the answer. */
  outputTokens?: number | undefined;
  /** Whether the answer was cut there. */
  truncated?: boolean | undefined;
}

/** Features of a decision: two blocks of 64. */
export const featureCount = 128;

/** Their bytes. */
const featureBytes = 4 * featureCount;

type Fields = Record<string, unknown>;

/** An object that is no list. */
export function checkFields(argument: string, value: unknown): asserts value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidArgument(argument, 'an object', value);
  }
}

/** Refuses what is no {@link DecisionRecord}; keys of later versions may stand beside those that are known. */
export function checkRecord(at: string, value: unknown): asserts value is DecisionRecord {
  checkFields(at, value);
  const name = (field: string) => `${at}: ${field}`;
  checkIdentity(at, value);
  checkNumber(name('at'), value.at);
  checkOneOf(name('mode'), value.mode, ['apply', 'observe']);
  checkOneOf(name('reason'), value.reason, ['policy', 'session', 'trial']);
  checkFields(name('policy'), value.policy);
  checkName(name('policy.exploration'), value.policy.exploration);
  checkUnitInterval(name('policy.floor'), value.policy.floor);
  const { version } = value.policy;
  if (version !== undefined || value.version === undefined) checkNumber(name('policy.version'), version);
  if (value.version !== undefined) checkNumber(name('version'), value.version);
  checkFields(name('basis'), value.basis);
  checkName(name('basis.id'), value.basis.id);
  checkText(name('basis.hash'), value.basis.hash);
  checkNumber(name('seed'), value.seed);
  if (value.features !== undefined) checkFeatures(name('features'), value.features);
  checkText(name('featuresHash'), value.featuresHash);
  checkChoice(name, value);
  checkFields(name('expected'), value.expected);
  if (value.expected.quality !== null) checkNumber(name('expected.quality'), value.expected.quality);
  for (const field of ['costUsd', 'latencyMs'] as const) {
    if (value.expected[field] !== null) checkAmount(name(`expected.${field}`), value.expected[field]);
  }
  const { outputTokens } = value.expected;
  if (outputTokens !== undefined && outputTokens !== null) {
    checkAmount(name('expected.outputTokens'), outputTokens);
  }
  for (const field of ['incarnation', 'sessionId', 'tenant', 'subject', 'text'] as const) {
    if (value[field] !== undefined) checkText(name(field), value[field]);
  }
  if (value.metadata !== undefined) checkFields(name('metadata'), value.metadata);
  if (value.arm !== undefined) checkArm(name('arm'), value.arm);
  if (value.promptTokens !== undefined) checkAmount(name('promptTokens'), value.promptTokens);
  if (value.contextFree !== undefined && value.contextFree !== true) {
    throw invalidArgument(name('contextFree'), 'true, or nothing', value.contextFree);
  }
  if (value.outcome !== undefined) checkOutcome(name('outcome'), value.outcome);
}

function checkArm(argument: string, value: unknown): void {
  checkFields(argument, value);
  const { model, settings, metadata } = value;
  if (model !== undefined) checkName(`${argument}.model`, model);
  if (settings !== undefined) checkFields(`${argument}.settings`, settings);
  if (metadata !== undefined) checkFields(`${argument}.metadata`, metadata);
}

/** Refuses what is no {@link RecordedOutcome}. */
export function checkOutcome(argument: string, value: unknown): asserts value is RecordedOutcome {
  checkFields(argument, value);
  checkCall(argument, value);
  const { source, model, attempts, metadata, at } = value;
  if (source !== undefined) checkText(`${argument}.source`, source);
  if (model !== undefined) checkName(`${argument}.model`, model);
  if (attempts !== undefined) {
    if (!Array.isArray(attempts) || attempts.length === 0) {
      throw invalidArgument(`${argument}.attempts`, 'a list of at least one attempt', attempts);
    }
    for (const [i, attempt] of (attempts as unknown[]).entries()) {
      const name = `${argument}.attempts[${i}]`;
      checkFields(name, attempt);
      checkName(`${name}.model`, attempt.model);
      checkCall(name, attempt);
    }
  }
  if (metadata !== undefined) checkFields(`${argument}.metadata`, metadata);
  checkNumber(`${argument}.at`, at);
}

/** What may be told of any call. */
function checkCall(argument: string, fields: Fields): void {
  const { quality, costUsd, latencyMs, outputTokens, truncated, error } = fields;
  if (quality !== undefined) checkUnitInterval(`${argument}.quality`, quality);
  if (costUsd !== undefined) checkAmount(`${argument}.costUsd`, costUsd);
  if (latencyMs !== undefined) checkAmount(`${argument}.latencyMs`, latencyMs);
  if (outputTokens !== undefined) checkAmount(`${argument}.outputTokens`, outputTokens);
  if (truncated !== undefined && typeof truncated !== 'boolean') {
    throw invalidArgument(`${argument}.truncated`, 'true or false', truncated);
  }
  if (error !== undefined && typeof error !== 'boolean') checkText(`${argument}.error`, error);
}

/** The format's version, and an id of its kind. */
export function checkIdentity(at: string, { v, id }: Fields): void {
  if (v === 1) checkInteger(`${at}: id`, id, 0, Number.MAX_SAFE_INTEGER);
  else if (v === 2) checkName(`${at}: id`, id);
  else throw invalidArgument(`${at}: v`, '1 or 2, the version of the format', v);
}

/** The eligible models and their propensities, as far as they are known, and the one that was chosen. */
function checkChoice(name: (field: string) => string, value: Fields): void {
  const { eligible, propensities, model, propensity } = value;
  if (eligible !== undefined) {
    if (!Array.isArray(eligible)) throw invalidArgument(name('eligible'), 'a list of models', eligible);
    for (const [i, id] of eligible.entries()) checkName(name(`eligible[${i}]`), id);
    if (new Set(eligible).size !== eligible.length) {
      throw invalidArgument(name('eligible'), 'each model once', eligible);
    }
  }
  if (propensities !== undefined) checkPropensities(name, eligible, propensities);
  checkName(name('model'), model);
  if (eligible && !eligible.includes(model)) {
    throw invalidArgument(name('model'), 'one of the eligible models', model);
  }
  checkNumber(name('propensity'), propensity);
  if (propensity <= 0 || propensity > 1) {
    throw outOfRange(name('propensity'), 'a number above 0 and at most 1', propensity);
  }
  if (propensities === undefined) return;
  const list = propensities as number[];
  const entry = list[(eligible as string[]).indexOf(model)] as number;
  if (!isEntry(propensity, entry, list)) {
    throw outOfRange(name('propensity'), `${entry}, as in propensities`, propensity);
  }
}

function checkPropensities(name: (field: string) => string, eligible: unknown, propensities: unknown): void {
  if (!Array.isArray(eligible)) {
    throw invalidArgument(name('eligible'), 'the models that the propensities are of', eligible);
  }
  if (!Array.isArray(propensities))
    throw invalidArgument(name('propensities'), 'a list of numbers', propensities);
  if (propensities.length !== eligible.length) {
    throw outOfRange(
      name('propensities.length'),
      `${eligible.length}, as many as are eligible`,
      propensities.length,
    );
  }
  for (const [i, number] of propensities.entries()) checkUnitInterval(name(`propensities[${i}]`), number);
  checkSum(name('propensities'), propensities);
}

/**
 * Propensities of the eligible models that sum to 1; the chosen model's with all of its digits. Undefined where only that one
 * is known.
 */
export function propensitiesOf(record: DecisionRecord): ArrayLike<number> | undefined {
  const { eligible, propensities, model, propensity } = record;
  if (!eligible) return undefined;
  if (!propensities) return propensity === 1 ? eligible.map((id) => Number(id === model)) : undefined;
  const chosen = eligible.indexOf(model);
  if (propensities[chosen] === propensity) return normalised(propensities);
  return normalised(propensities.map((entry, i) => (i === chosen ? propensity : entry)));
}

/** Who answered, and how good that was: the last attempt that did not fail, or else the last one. */
export function answerOf({ model, outcome }: DecisionRecord): { model: string; quality: number | undefined } {
  const attempts = outcome?.attempts ?? [];
  const answer = attempts.findLast(({ error }) => error === undefined || error === false) ?? attempts.at(-1);
  return { model: outcome?.model ?? answer?.model ?? model, quality: outcome?.quality ?? answer?.quality };
}

function checkFeatures(argument: string, value: unknown): void {
  if (typeof value !== 'string') throw invalidArgument(argument, 'a string in base64', value);
  // 512 bytes are 683 characters, the last of which carries four bits, and one of padding
  if (!/^[A-Za-z0-9+/]{683}=$/.test(value)) {
    throw invalidArgument(argument, `${featureBytes} bytes in base64`, value);
  }
}

/** Copies the features of a record into row `row` of memory. */
export function readFeatures(features: string, into: Float32Array, row: number): void {
  fromBase64(features, into, row * featureCount);
}

function checkOneOf(argument: string, value: unknown, known: readonly string[]): void {
  if (!known.includes(value as string)) {
    throw invalidArgument(argument, known.map((word) => `'${word}'`).join(' or '), value);
  }
}

function checkText(argument: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw invalidArgument(argument, 'a string', value);
}

/** A number from 0. */
function checkAmount(argument: string, value: unknown): void {
  checkNumber(argument, value);
  if (value < 0) throw outOfRange(argument, 'a number from 0', value);
}
