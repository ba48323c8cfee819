// The decision log: what is written comes back, what is wrong is named by line and field.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecisionRecord, readLog, writeLog } from '../index.ts';
import { decision, encode, outcome } from './support/decisions.ts';
import { refusal } from './support/errors.ts';

const lines = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join('\n');

/** A record with every field. */
const full: DecisionRecord = decision(7, {
  mode: 'observe',
  reason: 'trial',
  features: encode([1, -0.5, 1e-30]),
  expected: { quality: 0.25, costUsd: null, latencyMs: 12 },
  sessionId: 's-1',
  tenant: 'acme',
  promptTokens: 120,
  outcome: {
    quality: 0.75,
    costUsd: 0.01,
    latencyMs: 900,
    error: 'timeout',
    source: 'judge',
    model: 'middle',
    at: 1_700_000_000_500,
  },
});

describe('writing and reading', () => {
  it('gives the same records', () => {
    const records = [full, decision(8), decision(3, { outcome: outcome(0.5, { error: false }) })];
    const text = writeLog(records);
    expect(text.split('\n')).toHaveLength(4);
    expect(readLog(text)).toEqual(records);
  });

  it('gives the same records, whatever is in them', () => {
    const record = fc.record({
      at: fc.nat(),
      tenant: fc.string(),
      promptTokens: fc.nat(),
      expected: fc.record({
        quality: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1, max: 2 }),
        costUsd: fc.option(fc.double({ noNaN: true, min: 0, max: 1e9 })),
        latencyMs: fc.option(fc.double({ noNaN: true, min: 0, max: 1e9 })),
      }),
      outcome: fc.record({
        quality: fc.double({ noNaN: true, min: 0, max: 1 }),
        error: fc.string(),
        at: fc.nat(),
      }),
    });
    fc.assert(
      fc.property(fc.array(record), (parts) => {
        const records = parts.map((part, id) => decision(id, part));
        // -0 is written as 0
        expect(readLog(writeLog(records))).toEqual(JSON.parse(JSON.stringify(records)));
      }),
    );
  });

  it('of nothing is nothing', () => {
    expect(writeLog([])).toBe('');
    expect(readLog('')).toEqual([]);
    expect(readLog('\n \r\n\t\n')).toEqual([]);
  });

  it('passes over blank lines, line ends of other systems and a byte order mark', () => {
    const text = `\uFEFF${JSON.stringify(decision(1))}\r\n\r\n  ${JSON.stringify(decision(2))}  \n\n`;
    expect(readLog(text)).toEqual([decision(1), decision(2)]);
  });

  it('keeps what a later version may add', () => {
    const record = { ...decision(1), more: { of: 'this' } };
    expect(readLog(lines(record))).toEqual([record]);
  });
});

describe('outcome lines', () => {
  const later = (id: number, parts: object) => ({ v: 1, id, outcome: { at: 5, ...parts } });

  it('are joined to their decisions', () => {
    const text = lines(decision(1), decision(2), later(2, { quality: 0.5 }), later(1, { costUsd: 0.1 }));
    expect(readLog(text)).toEqual([
      decision(1, { outcome: { at: 5, costUsd: 0.1 } }),
      decision(2, { outcome: { at: 5, quality: 0.5 } }),
    ]);
  });

  it('win field by field over earlier ones, and over what the decision has', () => {
    const record = decision(1, { outcome: { at: 1, quality: 0.1, latencyMs: 10, source: 'user' } });
    const text = lines(record, later(1, { quality: 0.5, costUsd: 0.1 }), later(1, { at: 9, quality: 0.9 }));
    expect(readLog(text)).toEqual([
      decision(1, { outcome: { at: 9, quality: 0.9, latencyMs: 10, source: 'user', costUsd: 0.1 } }),
    ]);
  });

  it('may come before their decision', () => {
    expect(readLog(lines(later(1, { quality: 0.5 }), decision(1)))).toEqual([
      decision(1, { outcome: { at: 5, quality: 0.5 } }),
    ]);
  });

  it('without a decision are passed over', () => {
    expect(readLog(lines(later(4, { quality: 0.5 }), decision(1)))).toEqual([decision(1)]);
  });
});

describe('a wrong line', () => {
  const without = (field: keyof DecisionRecord) => {
    const { [field]: _, ...rest } = decision(2);
    return rest;
  };
  const wrong = (parts: object) => ({ ...decision(2), ...parts });

  it.each<[string, unknown, string]>([
    ['no JSON', undefined, 'SONA_INVALID_ARGUMENT'],
    ['a number', 5, 'SONA_INVALID_ARGUMENT'],
    ['a list', [decision(2)], 'SONA_INVALID_ARGUMENT'],
    ['null', null, 'SONA_INVALID_ARGUMENT'],
  ])('%s', async (_, value, code) => {
    const text = `${lines(decision(1))}\n\n${value === undefined ? '{"v": 1, "id"' : JSON.stringify(value)}`;
    const error = await refusal(() => readLog(text));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^line 3: expected /);
  });

  it.each<[string, object, string]>([
    ['v', wrong({ v: 3 }), 'SONA_INVALID_ARGUMENT'],
    ['id', wrong({ id: -1 }), 'SONA_OUT_OF_RANGE'],
    ['id', wrong({ id: '7' }), 'SONA_INVALID_ARGUMENT'],
    ['id', wrong({ v: 2, id: 1 } as never), 'SONA_INVALID_ARGUMENT'],
    ['id', wrong({ v: 2, id: 'r1-1' }), 'SONA_INVALID_ARGUMENT'],
    ['at', without('at'), 'SONA_INVALID_ARGUMENT'],
    ['mode', wrong({ mode: 'maybe' }), 'SONA_INVALID_ARGUMENT'],
    ['reason', wrong({ reason: 'luck' }), 'SONA_INVALID_ARGUMENT'],
    ['policy', wrong({ policy: 'igw' }), 'SONA_INVALID_ARGUMENT'],
    ['policy.exploration', wrong({ policy: { floor: 0, version: 1 } }), 'SONA_INVALID_ARGUMENT'],
    ['policy.floor', wrong({ policy: { exploration: 'igw', floor: 2, version: 1 } }), 'SONA_OUT_OF_RANGE'],
    ['policy.version', wrong({ policy: { exploration: 'igw', floor: 0 } }), 'SONA_INVALID_ARGUMENT'],
    ['basis', wrong({ basis: null }), 'SONA_INVALID_ARGUMENT'],
    ['basis.id', wrong({ basis: { hash: '' } }), 'SONA_INVALID_ARGUMENT'],
    ['basis.hash', wrong({ basis: { id: 'a' } }), 'SONA_INVALID_ARGUMENT'],
    ['seed', without('seed'), 'SONA_INVALID_ARGUMENT'],
    ['features', wrong({ features: 'AAAA' }), 'SONA_INVALID_ARGUMENT'],
    ['features', wrong({ features: [1, 2] }), 'SONA_INVALID_ARGUMENT'],
    ['featuresHash', without('featuresHash'), 'SONA_INVALID_ARGUMENT'],
    ['eligible', wrong({ eligible: 'small' }), 'SONA_INVALID_ARGUMENT'],
    ['eligible', without('eligible'), 'SONA_INVALID_ARGUMENT'],
    ['eligible', wrong({ eligible: ['small', 'small'] }), 'SONA_INVALID_ARGUMENT'],
    ['eligible[1]', wrong({ eligible: ['small', 2] }), 'SONA_INVALID_ARGUMENT'],
    ['propensities', without('propensities'), 'SONA_INVALID_ARGUMENT'],
    ['propensities', wrong({ propensities: [0.5, 0.4] }), 'SONA_OUT_OF_RANGE'],
    ['propensities.length', wrong({ propensities: [1] }), 'SONA_OUT_OF_RANGE'],
    ['propensities[1]', wrong({ propensities: [0.5, null] }), 'SONA_INVALID_ARGUMENT'],
    ['propensities[0]', wrong({ propensities: [1.5, -0.5] }), 'SONA_OUT_OF_RANGE'],
    ['model', wrong({ model: 'large' }), 'SONA_INVALID_ARGUMENT'],
    ['propensity', wrong({ propensity: 0.4 }), 'SONA_OUT_OF_RANGE'],
    ['propensity', wrong({ propensities: [0, 1], propensity: 0 }), 'SONA_OUT_OF_RANGE'],
    ['expected', without('expected'), 'SONA_INVALID_ARGUMENT'],
    ['expected.costUsd', wrong({ expected: { quality: 1, latencyMs: null } }), 'SONA_INVALID_ARGUMENT'],
    [
      'expected.latencyMs',
      wrong({ expected: { quality: 1, costUsd: null, latencyMs: -1 } }),
      'SONA_OUT_OF_RANGE',
    ],
    ['sessionId', wrong({ sessionId: 1 }), 'SONA_INVALID_ARGUMENT'],
    ['tenant', wrong({ tenant: null }), 'SONA_INVALID_ARGUMENT'],
    ['promptTokens', wrong({ promptTokens: -1 }), 'SONA_OUT_OF_RANGE'],
    ['outcome', wrong({ outcome: 1 }), 'SONA_INVALID_ARGUMENT'],
    ['outcome.at', wrong({ outcome: { quality: 1 } }), 'SONA_INVALID_ARGUMENT'],
    ['outcome.quality', wrong({ outcome: outcome(1.5) }), 'SONA_OUT_OF_RANGE'],
    ['outcome.costUsd', wrong({ outcome: outcome(1, { costUsd: -1 }) }), 'SONA_OUT_OF_RANGE'],
    ['outcome.error', wrong({ outcome: { error: 1, at: 1 } }), 'SONA_INVALID_ARGUMENT'],
    ['outcome.model', wrong({ outcome: outcome(1, { model: '' }) }), 'SONA_OUT_OF_RANGE'],
    ['outcome.quality', { v: 1, id: 1, outcome: { quality: -1, at: 1 } }, 'SONA_OUT_OF_RANGE'],
    ['id', { v: 1, outcome: { quality: 1, at: 1 } }, 'SONA_INVALID_ARGUMENT'],
    ['v', { id: 1, outcome: { quality: 1, at: 1 } }, 'SONA_INVALID_ARGUMENT'],
  ])('%s', async (field, value, code) => {
    const error = await refusal(() => readLog(lines(decision(1), value)));
    expect(error.message.startsWith(`line 2: ${field}: expected `) || error.message).toBe(true);
    expect(error.code).toBe(code);
  });

  it('says which line has the same id', async () => {
    const named = (id: string, parts = {}) => ({ ...decision(4), v: 2 as const, id, ...parts });
    const [a, b] = ['r00000000000000aa-4', 'r00000000000000aa-5'];
    const { message } = await refusal(() => readLog(lines(named(a), named(b), named(a, { at: 9 }))));
    expect(message).toBe(`line 3: id: expected one that line 1 does not have, got "${a}"`);
    // the same line again is no other decision
    expect(readLog(lines(named(a), named(b), named(a)))).toHaveLength(2);
  });

  it('with a number that comes again after a restart is another decision', () => {
    const later = { ...decision(4), at: 1_800_000_000_000 };
    const told = (quality: number) => ({ v: 1, id: 4, outcome: outcome(quality) });
    const read = readLog(lines(decision(4), told(0.25), decision(5), later, told(0.75)));
    expect(read.map(({ id, outcome }) => [id, outcome?.quality])).toEqual([
      [4, 0.25],
      [5, undefined],
      [4, 0.75],
    ]);
  });

  it('may come one by one, at once or by and by, in any pieces', async () => {
    const text = lines(decision(1), decision(2, { outcome: outcome(0.5) }), decision(3));
    const read = readLog(text);
    expect(read).toHaveLength(3);
    expect(readLog(text.split('\n'))).toEqual(read);
    expect(readLog(new Set(text.trim().split('\n')))).toEqual(read);
    for (const size of [1, 7, 100, text.length]) {
      const pieces = async function* (bytes: boolean) {
        for (let at = 0; at < text.length; at += size) {
          const piece = text.slice(at, at + size);
          yield bytes ? Buffer.from(piece) : piece;
        }
      };
      expect(await readLog(pieces(false))).toEqual(read);
      expect(await readLog(pieces(true))).toEqual(read);
    }
    const whole = async function* () {
      yield* text.trim().split('\n');
    };
    expect(await readLog(whole())).toEqual(read);
  });

  it('is refused when it is written', async () => {
    const broken = decision(1, { outcome: outcome(Number.NaN) });
    const error = await refusal(() => writeLog([decision(0), broken]));
    expect(error).toMatchObject({ code: 'SONA_NOT_FINITE' });
    expect(error.message).toMatch(/^records\[1\]: outcome\.quality: /);
    const one = { ...decision(0), v: 2 as const, id: 'r00000000000000aa-1' };
    const twice = await refusal(() => writeLog([one, one]));
    expect(twice.message).toBe(`records[1]: id: expected one that records[0] does not have, got "${one.id}"`);
  });

  it('is an argument of another kind', async () => {
    for (const value of [undefined, null, 5, [5], {}]) {
      expect((await refusal(() => readLog(value as never))).code).toBe('SONA_INVALID_ARGUMENT');
    }
    for (const value of [undefined, null, 5, 'text', {}]) {
      expect((await refusal(() => writeLog(value as never))).code).toBe('SONA_INVALID_ARGUMENT');
    }
  });
});
