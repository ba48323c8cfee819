import { invalidArgument, outOfRange } from './errors.ts';
import { parseId } from './ids.ts';
import type { Metadata } from './router/metadata.ts';
import { checkInteger, checkName, checkNumber, checkUnitInterval } from './vectors.ts';

/** One decision of a router with what came of it: a line of the decision log. */
export interface DecisionRecord {
  /** Version of the format: 1 has numbers as ids, which restarts issue again; 2 has ids that nobody issues twice. */
  v: 1 | 2;
  /** The decision. */
  id: number | string;
  /** The life of the router that made it; part of ids since version 2. */
  incarnation?: string;
  /** When it was made, milliseconds since 1970. */
  at: number;
  /** Whether the choice was meant to be followed. */
  mode: 'apply' | 'observe';
  /** What chose: the policy, a session that stays with its model, or a trial of a new model. */
  reason: 'policy' | 'session' | 'trial';
  /** The policy that was in force: its kind of exploration, its propensity floor, its version. */
  policy: { exploration: string; floor: number; version: number };
  /** The basis that made the features. Features of different bases can't be compared. */
  basis: { id: string; hash: string };
  /** Seed of the decision's random choice. */
  seed: number;
  /** Base64 of 128 32-bit floats, little endian: both blocks of features, without their intercepts. */
  features?: string;
  /** Hash of the features, with or without them in the log. */
  featuresHash: string;
  /** Models that might have been chosen. */
  eligible: string[];
  /** Probability with which each of them was, in the same order. They sum to 1. */
  propensities: number[];
  /** The model that was chosen. */
  model: string;
  /** Its propensity. */
  propensity: number;
  /** What was expected of it. */
  expected: { quality: number; costUsd: number | null; latencyMs: number | null };
  /** Whether it was made without its prompt; the features are then the mean of those before. */
  contextFree?: true;
  /** What was asked about, where the router's `logText` is on. */
  text?: string;
  /** Session that the request belongs to. */
  sessionId?: string;
  /** Tenant that the request belongs to. */
  tenant?: string;
  /** Length of the prompt. */
  promptTokens?: number;
  /** Whose data it is about. */
  subject?: string;
  /** Plain data of the caller's. */
  metadata?: Metadata;
  /** What came of it, once that is known. */
  outcome?: RecordedOutcome;
}

/** The outcome in a {@link DecisionRecord}. */
export interface RecordedOutcome {
  /** How good the answer was, 0 to 1. */
  quality?: number;
  /** What it cost, in US dollars. */
  costUsd?: number;
  /** How long it took, in milliseconds. */
  latencyMs?: number;
  /** Whether the call failed, or with what message. */
  error?: boolean | string;
  /** Who said so. */
  source?: string;
  /** The model that answered, where it was not the one that was chosen. */
  model?: string;
  /** The models that were asked one after the other, where those are several; the last answered. */
  attempts?: RecordedAttempt[];
  /** Plain data of the caller's. */
  metadata?: Metadata;
  /** When it was told, milliseconds since 1970. */
  at: number;
}

/** One attempt in a {@link RecordedOutcome}. */
export interface RecordedAttempt {
  /** The model that was asked. */
  model: string;
  /** How good its answer was, 0 to 1. */
  quality?: number;
  /** What it cost, in US dollars. */
  costUsd?: number;
  /** How long it took, in milliseconds. */
  latencyMs?: number;
  /** Whether the call failed. */
  error?: boolean | string;
}

/** How far propensities may sum from 1. */
const SUM_TOLERANCE = 1e-6;
/** How far the chosen model's propensity may lie from its entry in the list. */
const SAME = 1e-9;

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
  checkVersion(at, value);
  checkId(name('id'), value.id, value.v);
  if (value.incarnation !== undefined) checkText(name('incarnation'), value.incarnation);
  checkNumber(name('at'), value.at);
  checkOneOf(name('mode'), value.mode, ['apply', 'observe']);
  checkOneOf(name('reason'), value.reason, ['policy', 'session', 'trial']);
  checkFields(name('policy'), value.policy);
  checkName(name('policy.exploration'), value.policy.exploration);
  checkUnitInterval(name('policy.floor'), value.policy.floor);
  checkNumber(name('policy.version'), value.policy.version);
  checkFields(name('basis'), value.basis);
  checkName(name('basis.id'), value.basis.id);
  checkText(name('basis.hash'), value.basis.hash);
  checkNumber(name('seed'), value.seed);
  if (value.features !== undefined) checkFeatures(name('features'), value.features);
  checkText(name('featuresHash'), value.featuresHash);
  checkChoice(name, value);
  checkFields(name('expected'), value.expected);
  checkNumber(name('expected.quality'), value.expected.quality);
  for (const field of ['costUsd', 'latencyMs'] as const) {
    if (value.expected[field] !== null) checkAmount(name(`expected.${field}`), value.expected[field]);
  }
  if (value.metadata !== undefined) checkFields(name('metadata'), value.metadata);
  for (const field of ['sessionId', 'tenant', 'text', 'subject'] as const) {
    if (value[field] !== undefined) checkText(name(field), value[field]);
  }
  if (value.promptTokens !== undefined) checkAmount(name('promptTokens'), value.promptTokens);
  if (value.contextFree !== undefined && value.contextFree !== true) {
    throw invalidArgument(name('contextFree'), 'true, or nothing', value.contextFree);
  }
  if (value.outcome !== undefined) checkOutcome(name('outcome'), value.outcome);
}

/** Refuses what is no {@link RecordedOutcome}. */
export function checkOutcome(argument: string, value: unknown): asserts value is RecordedOutcome {
  checkFields(argument, value);
  const { quality, costUsd, latencyMs, error, source, model, attempts, metadata, at } = value;
  if (quality !== undefined) checkUnitInterval(`${argument}.quality`, quality);
  if (costUsd !== undefined) checkAmount(`${argument}.costUsd`, costUsd);
  if (latencyMs !== undefined) checkAmount(`${argument}.latencyMs`, latencyMs);
  if (error !== undefined && typeof error !== 'boolean') checkText(`${argument}.error`, error);
  if (source !== undefined) checkText(`${argument}.source`, source);
  if (model !== undefined) checkName(`${argument}.model`, model);
  if (attempts !== undefined) checkAttempts(`${argument}.attempts`, attempts);
  if (metadata !== undefined) checkFields(`${argument}.metadata`, metadata);
  checkNumber(`${argument}.at`, at);
}

function checkAttempts(argument: string, attempts: unknown): void {
  if (!Array.isArray(attempts)) throw invalidArgument(argument, 'a list of attempts', attempts);
  for (const [i, attempt] of (attempts as unknown[]).entries()) {
    const at = `${argument}[${i}]`;
    checkFields(at, attempt);
    const { model, quality, costUsd, latencyMs, error } = attempt;
    checkName(`${at}.model`, model);
    if (quality !== undefined) checkUnitInterval(`${at}.quality`, quality);
    if (costUsd !== undefined) checkAmount(`${at}.costUsd`, costUsd);
    if (latencyMs !== undefined) checkAmount(`${at}.latencyMs`, latencyMs);
    if (error !== undefined && typeof error !== 'boolean') checkText(`${at}.error`, error);
  }
}

/** The format's version. */
export function checkVersion(at: string, { v }: Fields): void {
  if (v !== 1 && v !== 2) throw invalidArgument(`${at}: v`, '1 or 2, the version of the format', v);
}

/** The id of a decision: a number in version 1, text since. */
export function checkId(
  argument: string,
  value: unknown,
  version: unknown,
): asserts value is number | string {
  if (version === 1) checkInteger(argument, value, 0, Number.MAX_SAFE_INTEGER);
  else parseId(argument, value);
}

/** The eligible models, their propensities, and the one that was chosen. */
function checkChoice(name: (field: string) => string, value: Fields): void {
  const { eligible, propensities, model, propensity } = value;
  if (!Array.isArray(eligible)) throw invalidArgument(name('eligible'), 'a list of models', eligible);
  for (const [i, id] of eligible.entries()) checkName(name(`eligible[${i}]`), id);
  if (new Set(eligible).size !== eligible.length) {
    throw invalidArgument(name('eligible'), 'each model once', eligible);
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
  const sum = propensities.reduce((total: number, number: number) => total + number, 0);
  if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) throw outOfRange(name('propensities'), 'a sum of 1', sum);
  const chosen = eligible.indexOf(model);
  if (chosen < 0) throw invalidArgument(name('model'), 'one of the eligible models', model);
  checkNumber(name('propensity'), propensity);
  if (propensity <= 0 || propensity > 1) {
    throw outOfRange(name('propensity'), 'a number above 0 and at most 1', propensity);
  }
  if (Math.abs(propensity - propensities[chosen]) > SAME) {
    throw outOfRange(name('propensity'), `${propensities[chosen]}, as in propensities`, propensity);
  }
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
  const bytes = Buffer.from(features, 'base64');
  for (let i = 0; i < featureCount; i++) into[row * featureCount + i] = bytes.readFloatLE(4 * i);
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
