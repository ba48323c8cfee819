// Decision records made by hand.
import { Random } from '../../bench/lib/random.mts';
import type { DecisionRecord, RecordedOutcome } from '../../index.ts';

export const models = ['small', 'middle', 'large'];

/** Base64 of 128 floats. */
export function encode(features: readonly number[]): string {
  return Buffer.from(Float32Array.from({ length: 128 }, (_, i) => features[i] ?? 0).buffer).toString(
    'base64',
  );
}

/** The floats again. */
export function readFeatures(features: string): number[] {
  const bytes = Buffer.from(features, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

/** A decision of which the log says everything. */
export type FullRecord = DecisionRecord & { id: number; eligible: string[]; propensities: number[] };

/** A decision between `small` and `middle`, with the parts that are given. */
export function decision(id: number, parts: Partial<FullRecord> = {}): FullRecord {
  return {
    v: 1,
    id,
    at: 1_700_000_000_000 + id,
    mode: 'apply',
    reason: 'policy',
    policy: { exploration: 'igw', floor: 0.05, version: 3 },
    basis: { id: 'minilm', hash: '0123456789abcdef' },
    seed: id,
    featuresHash: 'fedcba9876543210',
    eligible: ['small', 'middle'],
    propensities: [0.5, 0.5],
    model: 'small',
    propensity: 0.5,
    expected: { quality: 0.6, costUsd: 0.001, latencyMs: null },
    ...parts,
  };
}

export const outcome = (quality: number, parts: Partial<RecordedOutcome> = {}): RecordedOutcome => ({
  quality,
  at: 1_700_000_100_000,
  ...parts,
});

/** Decisions among three models by propensities that vary, the second of which is often not eligible. */
export function randomLog(count: number, seed: number, features = true): FullRecord[] {
  const random = new Random(seed);
  const next = () => random.uniform();
  return Array.from({ length: count }, (_, id) => {
    const eligible = next() < 0.3 ? ['small', 'large'] : models;
    const odds = eligible.map(() => 0.1 + next());
    const sum = odds.reduce((a, b) => a + b, 0);
    const propensities = odds.map((part) => part / sum);
    const [x, y] = [next() - 0.5, next() - 0.5];
    let draw = next();
    const found = propensities.findIndex((propensity) => {
      draw -= propensity;
      return draw < 0;
    });
    const at = found < 0 ? eligible.length - 1 : found;
    const model = eligible[at] as string;
    const quality = Math.min(
      1,
      Math.max(0, 0.3 + 0.2 * models.indexOf(model) + x * (at - 1) + 0.2 * (next() - 0.5)),
    );
    return decision(id, {
      eligible,
      propensities,
      model,
      propensity: propensities[at] as number,
      ...(features && { features: encode([x, y]) }),
      outcome: outcome(quality),
    });
  });
}

/** A decision of the second version of the format, the `number`th of an incarnation. */
export function named(number: number, parts: Partial<DecisionRecord> = {}, incarnation = '00000000000000aa') {
  const { policy, ...rest } = decision(number);
  const { exploration, floor } = policy;
  const record: DecisionRecord = {
    ...rest,
    v: 2,
    id: `r${incarnation}-${number}`,
    incarnation,
    version: 3,
    policy: { exploration, floor },
    ...parts,
  };
  return record;
}

/** Text in pieces of so many characters. */
export async function* pieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

/** A record without one of its fields. */
export function without<K extends keyof DecisionRecord>(
  record: DecisionRecord,
  field: K,
): Omit<DecisionRecord, K> {
  const { [field]: _, ...rest } = record;
  return rest;
}
