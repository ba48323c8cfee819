import { invalidArgument } from '../base/errors.ts';
import type { Metadata } from '../base/metadata.ts';
import { checkName, checkOptions } from '../base/vectors.ts';
import { toBase64 } from '../host/base64.ts';
import { type DecisionRecord, featureCount } from './decision-record.ts';

/** Options of every reader of another system's logs. */
export interface ForeignLogOptions {
  /** All models that might have been chosen, where the log does not say. Without them, policies that need these are refused. */
  eligible?: readonly string[] | undefined;
  /** Whether to make features of the context, hashed to 128 numbers. Default true. */
  features?: boolean | undefined;
}

/** The options of a reader, which may know of `more`. */
export function checkForeignLogOptions(options: ForeignLogOptions, more: readonly string[] = []): void {
  checkOptions('options', options, [...more, 'eligible', 'features']);
  const { eligible, features } = options;
  if (eligible !== undefined) {
    if (!Array.isArray(eligible)) throw invalidArgument('options.eligible', 'a list of models', eligible);
    for (const [i, model] of eligible.entries()) checkName(`options.eligible[${i}]`, model);
  }
  if (features !== undefined && typeof features !== 'boolean') {
    throw invalidArgument('options.features', 'true or false', features);
  }
}

/** The number that a text is. */
export function numberOf(at: string, text: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(number)) throw invalidArgument(at, 'a number', text);
  return number;
}

/** Milliseconds since 1970 of a time such as `2019-11-24 00:00:17.004101+00:00`; without a zone it is UTC. */
export function timeOf(at: string, text: unknown): number {
  const iso = typeof text === 'string' ? text.trim().replace(' ', 'T') : '';
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`);
  if (Number.isNaN(time)) throw invalidArgument(at, 'a time such as 2019-11-24T00:00:17.004Z', text);
  return time;
}

/** What a log of another system says of a decision. */
export interface Foreign {
  readonly id: number | string;
  readonly at: number;
  readonly source: string;
  readonly model: string;
  readonly propensity: number;
  readonly eligible?: readonly string[] | undefined;
  readonly propensities?: readonly number[] | undefined;
  readonly features?: Features | undefined;
  readonly quality?: number | undefined;
  readonly metadata?: Metadata | undefined;
  readonly mode?: 'apply' | 'observe' | undefined;
}

/** A decision of another system as a record. */
export function foreignRecord(given: Foreign): DecisionRecord {
  const { id, at, source, model, propensity, eligible, propensities, features, quality, metadata } = given;
  return {
    v: typeof id === 'number' ? 1 : 2,
    id,
    at,
    mode: given.mode ?? 'apply',
    reason: 'policy',
    policy: { exploration: source, floor: 0, version: 0 },
    basis: features ? { id: 'hashed', hash: 'fnv-1a' } : { id: 'none', hash: '' },
    seed: 0,
    ...(features && { features: features.encode() }),
    featuresHash: '',
    ...(eligible && { eligible: [...eligible] }),
    ...(propensities && { propensities: [...propensities] }),
    model,
    propensity,
    expected: { quality: null, costUsd: null, latencyMs: null },
    ...(metadata && { metadata }),
    ...(quality !== undefined && { outcome: { quality, at } }),
  };
}

/**
 * Named features as 128 numbers: each is added to, or taken from, the place that its name hashes to (Weinberger et al. 2009, "Feature
 * Hashing for Large Scale Multitask Learning"), and all are scaled to unit length.
 */
export class Features {
  readonly #sums = new Float64Array(featureCount);

  add(name: string, value: number): void {
    const hash = fnv1a(name);
    const place = hash % featureCount;
    this.#sums[place] = (this.#sums[place] as number) + (hash >>> 31 === 0 ? value : -value);
  }

  /** A value that is a number counts as such, times the factor; another one as a part of the name. */
  addText(name: string, value: string, factor = 1): void {
    const number = value.trim() === '' ? Number.NaN : Number(value);
    if (Number.isFinite(number)) this.add(name, number * factor);
    else this.add(`${name}=${value}`, 1);
  }

  /** Base64 of 128 32-bit floats, little endian. */
  encode(): string {
    let largest = 0;
    for (const sum of this.#sums) largest = Math.max(largest, Math.abs(sum));
    const scaled = this.#sums.map((sum) => (largest > 0 ? sum / largest : 0));
    const norm = Math.hypot(...scaled) || 1;
    return toBase64(Float32Array.from(scaled, (number) => number / norm));
  }
}

/** FNV-1a of the UTF-16 units, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
