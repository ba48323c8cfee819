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

/** A decision between `small` and `middle`, with the parts that are given. */
export function decision(id: number, parts: Partial<DecisionRecord> = {}): DecisionRecord {
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
export function randomLog(count: number, seed: number, features = true): DecisionRecord[] {
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
