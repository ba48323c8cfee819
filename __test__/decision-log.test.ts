// The decision log: what is written comes back, what is wrong is named by line and field.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecisionRecord, readLog, writeLog } from '../index.ts';
import { decision, encode, named, outcome, pieces, without } from './support/decisions.ts';
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

  it('replace earlier ones as a whole, and what the decision has', () => {
    const record = decision(1, { outcome: { at: 1, quality: 0.1, latencyMs: 10, source: 'user' } });
    const text = lines(record, later(1, { quality: 0.5, costUsd: 0.1 }), later(1, { at: 9, quality: 0.9 }));
    expect(readLog(text)).toEqual([decision(1, { outcome: { at: 9, quality: 0.9 } })]);
  });

  it.each([1, 2])('count by when they were told, of one moment by their order (v%i)', (v) => {
    const record = v === 1 ? decision(1) : named(1);
    const told = (at: number, parts: object) => ({ v, id: record.id, outcome: { at, ...parts } });
    const newest = told(9, { costUsd: 0.5 });
    const last = (text: string) => readLog(text)[0]?.outcome;
    const older = [told(3, { quality: 0.25 }), told(9, { quality: 0.5 })];
    expect(last(lines(record, ...older, newest))).toEqual(newest.outcome);
    expect(last(lines(...older, newest, record))).toEqual(newest.outcome);
    expect(last(lines(told(9, { quality: 0.5 }), record, newest, told(3, {})))).toEqual(newest.outcome);
    expect(last(lines(newest, { ...record, outcome: { at: 8, quality: 1 } }))).toEqual(newest.outcome);
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
  const less = (field: keyof DecisionRecord) => without(decision(2), field);
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
    ['id', wrong({ v: 2 }), 'SONA_INVALID_ARGUMENT'],
    ['id', wrong({ v: 2, id: '' }), 'SONA_OUT_OF_RANGE'],
    ['version', { ...named(2), version: 'new' }, 'SONA_INVALID_ARGUMENT'],
    ['policy.version', without(named(2), 'version'), 'SONA_INVALID_ARGUMENT'],
    ['incarnation', { ...named(2), incarnation: 7 }, 'SONA_INVALID_ARGUMENT'],
    ['metadata', wrong({ metadata: 'x' }), 'SONA_INVALID_ARGUMENT'],
    ['subject', wrong({ subject: 1 }), 'SONA_INVALID_ARGUMENT'],
    ['at', less('at'), 'SONA_INVALID_ARGUMENT'],
    ['mode', wrong({ mode: 'maybe' }), 'SONA_INVALID_ARGUMENT'],
    ['reason', wrong({ reason: 'luck' }), 'SONA_INVALID_ARGUMENT'],
    ['policy', wrong({ policy: 'igw' }), 'SONA_INVALID_ARGUMENT'],
    ['policy.exploration', wrong({ policy: { floor: 0, version: 1 } }), 'SONA_INVALID_ARGUMENT'],
    ['policy.floor', wrong({ policy: { exploration: 'igw', floor: 2, version: 1 } }), 'SONA_OUT_OF_RANGE'],
    ['policy.version', wrong({ policy: { exploration: 'igw', floor: 0 } }), 'SONA_INVALID_ARGUMENT'],
    ['basis', wrong({ basis: null }), 'SONA_INVALID_ARGUMENT'],
    ['basis.id', wrong({ basis: { hash: '' } }), 'SONA_INVALID_ARGUMENT'],
    ['basis.hash', wrong({ basis: { id: 'a' } }), 'SONA_INVALID_ARGUMENT'],
    ['seed', less('seed'), 'SONA_INVALID_ARGUMENT'],
    ['features', wrong({ features: 'AAAA' }), 'SONA_INVALID_ARGUMENT'],
    ['features', wrong({ features: [1, 2] }), 'SONA_INVALID_ARGUMENT'],
    ['featuresHash', less('featuresHash'), 'SONA_INVALID_ARGUMENT'],
    ['eligible', wrong({ eligible: 'small' }), 'SONA_INVALID_ARGUMENT'],
    ['eligible', less('eligible'), 'SONA_INVALID_ARGUMENT'],
    ['eligible', wrong({ eligible: ['small', 'small'] }), 'SONA_INVALID_ARGUMENT'],
    ['eligible[1]', wrong({ eligible: ['small', 2] }), 'SONA_INVALID_ARGUMENT'],
    ['propensities', wrong({ propensities: [0.9, 0] }), 'SONA_OUT_OF_RANGE'],
    ['propensities', wrong({ propensities: [1, 1] }), 'SONA_OUT_OF_RANGE'],
    ['propensities', wrong({ propensities: [0.5001, 0.5001] }), 'SONA_OUT_OF_RANGE'],
    ['propensities', wrong({ propensities: [0.5, 0.4] }), 'SONA_OUT_OF_RANGE'],
    ['propensities.length', wrong({ propensities: [1] }), 'SONA_OUT_OF_RANGE'],
    ['propensities[1]', wrong({ propensities: [0.5, null] }), 'SONA_INVALID_ARGUMENT'],
    ['propensities[0]', wrong({ propensities: [1.5, -0.5] }), 'SONA_OUT_OF_RANGE'],
    ['model', wrong({ model: 'large' }), 'SONA_INVALID_ARGUMENT'],
    ['propensity', wrong({ propensity: 0.4 }), 'SONA_OUT_OF_RANGE'],
    ['propensity', wrong({ propensities: [0, 1], propensity: 0 }), 'SONA_OUT_OF_RANGE'],
    ['expected', less('expected'), 'SONA_INVALID_ARGUMENT'],
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
    ['outcome.attempts', wrong({ outcome: { attempts: [], at: 1 } }), 'SONA_INVALID_ARGUMENT'],
    [
      'outcome.attempts[1].quality',
      wrong({ outcome: { attempts: [{ model: 'a' }, { model: 'b', quality: 2 }], at: 1 } }),
      'SONA_OUT_OF_RANGE',
    ],
    ['outcome.attempts[0].model', wrong({ outcome: { attempts: [{}], at: 1 } }), 'SONA_INVALID_ARGUMENT'],
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

  it('says which lines tell different things of one decision', async () => {
    const other = { ...named(4), model: 'middle' };
    const { message } = await refusal(() => readLog(lines(named(4), named(5), other)));
    expect(message).toBe(
      'line 3: id: expected one that line 1 does not have, or the same decision, got "r00000000000000aa-4"',
    );
    const twice = await refusal(() => writeLog([named(4), other]));
    expect(twice.message).toMatch(/^records\[1\]: id: expected one that records\[0\] does not have/);
  });

  it('is refused when it is written', async () => {
    const broken = decision(1, { outcome: outcome(Number.NaN) });
    const error = await refusal(() => writeLog([decision(0), broken]));
    expect(error).toMatchObject({ code: 'SONA_NOT_FINITE' });
    expect(error.message).toMatch(/^records\[1\]: outcome\.quality: /);
  });

  it('is an argument of another kind', async () => {
    for (const value of [undefined, null, 5, {}, [5], [null], new Uint8Array(2)]) {
      expect((await refusal(() => readLog(value as never))).code).toBe('SONA_INVALID_ARGUMENT');
    }
    for (const value of [undefined, null, 5, 'text', {}]) {
      expect((await refusal(() => writeLog(value as never))).code).toBe('SONA_INVALID_ARGUMENT');
    }
  });
});

describe('logs of several processes and restarts', () => {
  const told = (id: number | string, quality: number) => ({
    v: typeof id === 'number' ? 1 : 2,
    id,
    outcome: outcome(quality),
  });
  const qualities = (log: string) => readLog(log).map((record) => record.outcome?.quality);

  it('keep decisions whose numbers were given out again, each with its own outcomes', () => {
    const log = lines(
      decision(1),
      decision(2),
      told(1, 0.1),
      decision(2, { model: 'middle' }),
      told(2, 0.2),
      told(1, 0.3),
    );
    expect(readLog(log).map(({ id, model }) => [id, model])).toEqual([
      [1, 'small'],
      [2, 'small'],
      [2, 'middle'],
    ]);
    expect(qualities(log)).toEqual([0.3, undefined, 0.2]);
    expect(readLog(writeLog(readLog(log)))).toEqual(readLog(log));
  });

  it('keep the same choice in the same millisecond after a restart', () => {
    expect(readLog(lines(decision(1), decision(1), decision(1)))).toHaveLength(3);
  });

  it('give no outcome to a later decision of the same number', () => {
    // told of a decision in the file before; number 2 shows that there was a restart
    expect(qualities(lines(told(3, 0.5), decision(2), decision(2), decision(3)))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('join by text whatever the order, also beside older lines', () => {
    const other = named(1, {}, '00000000000000bb');
    const log = lines(told(other.id, 0.5), decision(1), named(1), other, told(named(1).id, 0.25), told(1, 1));
    expect(qualities(log)).toEqual([1, 0.25, 0.5]);
    expect(readLog(log).map(({ incarnation }) => incarnation)).toEqual([
      undefined,
      '00000000000000aa',
      '00000000000000bb',
    ]);
  });

  it('pass over a line that is there twice, and keep what it adds', () => {
    const late = named(1, { outcome: outcome(0.5) });
    expect(readLog(lines(named(1), named(2), named(1), named(2)))).toEqual([named(1), named(2)]);
    expect(readLog(lines(named(1), late))).toEqual([late]);
    expect(readLog([named(1), late, named(1)])).toEqual([late]);
    const turned = Object.fromEntries(Object.entries(named(1)).reverse());
    expect(readLog(lines(named(1), turned))).toEqual([named(1)]);
  });
});

describe('lines of one decision', () => {
  const on = (number: number, hash: string, parts: Partial<DecisionRecord> = {}) =>
    named(number, {
      basis: { id: `basis ${hash}`, hash },
      features: encode([number, hash.length]),
      featuresHash: `${number} on ${hash}`,
      ...parts,
    });

  it('are one decision with all that they say', () => {
    const text = named(1, { text: 'prompt' });
    const tenant = named(1, { tenant: 'acme' });
    const both = named(1, { text: 'prompt', tenant: 'acme' });
    expect(readLog(lines(named(1), text, tenant, named(1)))).toEqual([both]);
    expect(readLog([tenant, { ...text, tenant: undefined } as never])).toEqual([both]);
    expect(readLog(lines(on(1, 'a'), without(on(1, 'a'), 'features')))).toEqual([on(1, 'a')]);
    expect(readLog(lines(without(on(1, 'a'), 'features'), on(1, 'a')))).toEqual([on(1, 'a')]);
  });

  it.each<[string, DecisionRecord]>([
    ['another text', on(1, 'a', { text: 'other' })],
    ['another model', on(1, 'b', { model: 'middle' })],
    ['other features on the same basis', on(1, 'a', { features: encode([9]) })],
    ['another name of the same basis', on(1, 'a', { basis: { id: 'other', hash: 'a' } })],
  ])('may not contradict each other: %s', async (_, other) => {
    for (const log of [
      [on(1, 'a', { text: 'prompt' }), on(1, 'b'), other],
      [other, on(1, 'b', { text: 'prompt', model: 'small' }), on(1, 'a', { text: 'prompt' })],
    ]) {
      const { message } = await refusal(() => readLog(lines(...log)));
      expect(message).toMatch(/^line [23]: id: expected one that line 1 does not have, or the same decision/);
    }
  });

  it('have the basis that most decisions have, of equals the last', () => {
    const bases = (...log: object[]) =>
      readLog(lines(...log)).map(({ basis, features, featuresHash, id }) => {
        const number = Number(String(id).split('-')[1]);
        expect([features, featuresHash]).toEqual([
          on(number, basis.hash).features,
          `${number} on ${basis.hash}`,
        ]);
        return basis.hash;
      });
    expect(bases(on(1, 'a'), on(2, 'a'), on(1, 'b'), on(2, 'b'))).toEqual(['b', 'b']);
    expect(bases(on(1, 'a'), on(2, 'a'), on(3, 'b'), on(1, 'b'), on(2, 'b'))).toEqual(['b', 'b', 'b']);
    expect(bases(on(1, 'b'), on(2, 'b'), on(1, 'a'), on(2, 'a'), on(3, 'b'))).toEqual(['b', 'b', 'b']);
    // what has none on the most common stays what it was
    expect(bases(on(1, 'a'), on(2, 'b'), on(3, 'b'), on(2, 'c'))).toEqual(['a', 'b', 'b']);
  });

  it('have features where any line has them', () => {
    const bare = without(on(1, 'b'), 'features');
    const more = [without(on(2, 'b'), 'features'), without(on(3, 'b'), 'features')];
    for (const log of [
      [on(1, 'a'), bare, ...more],
      [bare, on(1, 'a'), ...more],
    ]) {
      expect(readLog(lines(...log))[0]).toEqual(on(1, 'a'));
    }
  });
});

describe('a log in parts', () => {
  const records = [full, named(1, { text: 'ünï 🦊 {"}' }), decision(8, { metadata: { a: { b: '}' } } })];
  const text = writeLog(records);
  const rows = text.split('\n').slice(0, -1);

  it('is read line by line, with or without the ends of lines', () => {
    expect(readLog(rows)).toEqual(records);
    expect(readLog(new Set(rows.map((row) => `${row}\n`)))).toEqual(records);
    expect(readLog([text, '', '\n', ...rows.slice(1)])).toHaveLength(4);
    expect(readLog(records)).toEqual(records);
    expect(readLog(records.values())).toEqual(records);
  });

  it('is read at once where it can be', () => {
    const both = {
      [Symbol.iterator]: () => rows[Symbol.iterator](),
      [Symbol.asyncIterator]: () => pieces('wrong', 1),
    };
    expect(readLog(both)).toEqual(records);
  });

  it.each([1, 2, 7, 100, 1_000, 1e6])('is read from pieces of %i characters', async (size) => {
    expect(await readLog(pieces(text, size))).toEqual(records);
    expect(await readLog(pieces(`\uFEFF${text.replaceAll('\n', '\r\n')}`, size))).toEqual(records);
    expect(await readLog(pieces(text.trimEnd(), size))).toEqual(records);
  });

  it.each([1, 3, 64])('is read from pieces of %i bytes', async (size) => {
    const bytes = new TextEncoder().encode(text);
    async function* parts() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    expect(await readLog(parts())).toEqual(records);
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        for await (const part of parts()) controller.enqueue(part);
        controller.close();
      },
    });
    expect(await readLog(stream)).toEqual(records);
  });

  it('is read from small pieces, each of which is looked at once', async () => {
    // to look at all of it again with each brace would take hours
    const record = named(1, { text: '{}}\\"}'.repeat(40_000), metadata: { a: [{ b: '}' }] } });
    expect(await readLog(pieces(`${JSON.stringify(record)}\n`, 1))).toEqual([record]);
    expect(await readLog(pieces(JSON.stringify(record), 2))).toEqual([record]);
  });

  it.each([1, 2, 3])('counts its lines, in pieces of %i characters', async (size) => {
    const lines = `${rows[0]}\r\n\r\n${rows[1]}\n{"v": 3}`;
    const error = await refusal(() => readLog(pieces(lines, size)));
    expect(error.message).toMatch(/^line 4: v: /);
  });

  it('is read from lines that come without their ends', async () => {
    async function* each(list: readonly string[]) {
      yield* list;
    }
    expect(await readLog(each(rows))).toEqual(records);
    expect(await readLog(each(['', ...rows, '']))).toEqual(records);
    expect(await readLog(each([rows[0] as string, `${rows[1]}\n`, rows[2] as string]))).toEqual(records);
    const error = await refusal(() => readLog(each([rows[0] as string, `\n${rows[1]}`, '{"v": 3}'])));
    expect(error.message).toMatch(/^line 3: v: /);
    const blanks = ['', '', rows[0] as string, '', '', rows[1] as string, '', '{"v": 3}'];
    expect((await refusal(() => readLog(each(blanks)))).message).toMatch(/^line 8: v: /);
    expect(await readLog(each(blanks.slice(0, -1)))).toEqual(records.slice(0, 2));
  });

  it('rejects what is none, and closes what it was reading', async () => {
    let closed = false;
    async function* broken() {
      try {
        yield 'no json\n';
        yield 'more';
      } finally {
        closed = true;
      }
    }
    expect((await refusal(() => readLog(broken()))).message).toMatch(/^line 1: expected a JSON object/);
    expect(closed).toBe(true);
    async function* bad(part: unknown) {
      yield part;
    }
    const numbers = await refusal(() => readLog(bad(5) as never));
    expect(numbers.message).toBe('log[0]: expected text or bytes, got 5');
    const bytes = await refusal(() => readLog(bad(new Uint8Array([0xff, 0xfe])) as never));
    expect(bytes.message).toMatch(/^log: expected text in UTF-8/);
    const cut = await refusal(() => readLog(bad(new TextEncoder().encode('"ü').subarray(0, 2)) as never));
    expect(cut.code).toBe('SONA_INVALID_ARGUMENT');
  });
});

describe('propensities', () => {
  const spread = (count: number, digits: number) => {
    const odds = Array.from({ length: count }, (_, i) => 1 + 0.3 * Math.sin(i));
    const sum = odds.reduce((a, b) => a + b, 0);
    return odds.map((part) => Number((part / sum).toFixed(digits)));
  };

  it.each([
    [3, 1],
    [7, 2],
    [50, 4],
    [200, 4],
    [1_000, 5],
  ])('of %i models may be rounded to %i digits, and stay as they are', (count, digits) => {
    const propensities = spread(count, digits);
    const eligible = propensities.map((_, i) => `m${i}`);
    const record = decision(1, {
      eligible,
      propensities,
      model: 'm0',
      propensity: propensities[0] as number,
    });
    expect(readLog(lines(record))).toEqual([record]);
    // the chosen one's may have all of its digits
    const exact = { ...record, propensity: record.propensity + 0.3 * 10 ** -digits };
    expect(readLog(lines(exact))).toEqual([exact]);
  });

  it('of 32 bits are taken', () => {
    const propensities = Array.from(Float32Array.from(spread(300, 12)));
    const eligible = propensities.map((_, i) => `m${i}`);
    const parts = { eligible, propensities, model: 'm5', propensity: spread(300, 12)[5] as number };
    expect(readLog(lines(decision(1, parts)))).toHaveLength(1);
  });

  it('may be missing, and so may the eligible models', async () => {
    const choice = without(decision(1), 'propensities');
    const { eligible: _, ...alone } = choice;
    expect(readLog(lines(choice))).toEqual([choice]);
    expect(readLog(lines(alone))).toEqual([alone]);
    const { message } = await refusal(() => readLog(lines(without(decision(1), 'eligible'))));
    expect(message).toMatch(/^line 1: eligible: expected the models that the propensities are of/);
  });
});
