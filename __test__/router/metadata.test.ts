// Metadata of outcomes: plain data comes back in the log as it was given, everything else is refused and named.
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type Metadata, readLog } from '../../index.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import { prompt } from '../support/routers.ts';

const make = routers();

/** As many levels as there are objects. */
function nested(levels: number): Metadata {
  let value: Metadata = { end: true };
  for (let n = 1; n < levels; n++) value = { a: value };
  return value;
}

describe('metadata', () => {
  it.each<[string, Metadata]>([
    ['nothing', {}],
    ['every kind', { a: 'ü"\n\u2028', b: -1.5e-300, c: [true, null, { d: [] }], '': { __proto__x: 1 } }],
    ['64 levels', nested(64)],
    ['another realm', runInNewContext('({ a: [{ b: 1 }] })') as Metadata],
    ['no prototype', Object.assign(Object.create(null), { a: 1 }) as Metadata],
    ['a key of another meaning', JSON.parse('{"__proto__": {"a": 1}, "toJSON": "text"}') as Metadata],
    ['all that there is room for', { a: 'x'.repeat(65_536 - 8) }],
  ])('comes back: %s', (_, metadata) => {
    const router = make();
    const { id } = router.route(prompt(0, 1));
    expect(router.feedback(id, { quality: 1, metadata })).toEqual({ applied: true });
    const [record] = readLog(router.exportLog());
    expect(JSON.stringify(record?.outcome?.metadata)).toBe(JSON.stringify(sorted(metadata)));
  });

  it('leaves out what is undefined', () => {
    const router = make();
    const { id } = router.route(prompt(0, 1));
    router.feedback(id, { quality: 1, metadata: { a: undefined, b: { c: undefined } } as never });
    expect(readLog(router.exportLog())[0]?.outcome?.metadata).toEqual({ b: {} });
  });

  const cycle: Record<string, unknown> = {};
  cycle.self = { of: [cycle] };
  const [hash, ...doubled] = Array.from({ length: 40 }, (_, n) => n);
  const wide = doubled.reduce<unknown>((value) => [value, value], hash);

  it.each<[string, unknown, string, string?]>([
    ['a text', 'text', ''],
    ['a list', [1], ''],
    ['a date', { at: { of: new Date(0) } }, '.at.of'],
    ['a date itself', new Date(0), ''],
    ['toJSON', { a: { toJSON: () => 'other' } }, '.a.toJSON'],
    ['toJSON of its own', { toJSON: () => 'text' }, '.toJSON'],
    ['a class', { a: new (class Point {})() }, '.a'],
    ['a map', { a: new Map([[1, 2]]) }, '.a'],
    ['bytes', { a: new Uint8Array(2) }, '.a'],
    ['a big integer', { a: [1, 2n] }, '.a[1]'],
    ['a function', { a: () => 1 }, '.a'],
    ['a symbol', { a: Symbol('a') }, '.a'],
    ['undefined in a list', { a: [undefined] }, '.a[0]'],
    ['a hole', { a: new Array(1) }, '.a[0]'],
    ['no number', { a: Number.NaN }, '.a', 'SONA_NOT_FINITE'],
    ['infinity', { a: Number.POSITIVE_INFINITY }, '.a', 'SONA_NOT_FINITE'],
    ['half a character', { a: '\ud800' }, '.a', 'SONA_OUT_OF_RANGE'],
    ['half a character in a key', { a: { '\ud800': 1 } }, '.a: a key', 'SONA_OUT_OF_RANGE'],
    ['a cycle', cycle, `.self.of[0]${'.self.of[0]'.repeat(20)}.self`],
    ['65 levels', nested(65), '.a'.repeat(64)],
    ['a list that holds itself many times over', { a: wide }, ''],
    ['too much', { a: 'x'.repeat(65_536) }, ''],
    ['too many', { a: new Array(70_000).fill(0) }, ''],
  ])('is refused: %s', async (_, metadata, at, code = 'SONA_INVALID_ARGUMENT') => {
    const router = make();
    const { id } = router.route(prompt(0, 1));
    const error = await refusal(() => router.feedback(id, { quality: 1, metadata: metadata as Metadata }));
    expect([error.code, error.details.argument]).toEqual([code, `outcome.metadata${at}`]);
    expect(router.stats().learned).toBe(0);
  });

  it('is read once', () => {
    let reads = 0;
    const router = make();
    const { id } = router.route(prompt(0, 1));
    const metadata = {
      get a() {
        reads++;
        return reads;
      },
    };
    router.feedback(id, { quality: 1, metadata });
    expect(readLog(router.exportLog())[0]?.outcome?.metadata).toEqual({ a: 1 });
  });
});

/** Keys come back in their order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [key, entry] of entries) copy[key] = sorted(entry);
  return copy;
}
