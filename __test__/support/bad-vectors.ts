// Values that are no vector of 8 numbers with a direction, and how each is refused.
import type { SonaErrorCode } from '../../index.ts';

export const DIM = 8;

export interface BadVector {
  what: string;
  value: () => unknown;
  code: SonaErrorCode;
  /** What follows the argument's name in `details.argument`, where one number is at fault. */
  at?: string;
  /** Whether it may be adapted (`apply*`), though nothing can be learned from it. */
  adaptable?: true;
}

const good = [1, 2, 3, 4, 5, 6, 7, 8];
const replaced = (at: number, value: unknown): unknown[] =>
  good.map((number, i) => (i === at ? value : number));
const kind = (what: string, value: () => unknown): BadVector => ({
  what,
  value,
  code: 'SONA_INVALID_ARGUMENT',
});
const element = (what: string, value: unknown): BadVector => ({
  what: `an array with ${what}`,
  value: () => replaced(5, value),
  code: 'SONA_INVALID_ARGUMENT',
  at: '[5]',
});
const length = (what: string, value: () => unknown): BadVector => ({
  what,
  value,
  code: 'SONA_DIM_MISMATCH',
});
const infinite = (number: number): BadVector[] =>
  [
    {
      what: `a Float32Array with ${number}`,
      value: () => Float32Array.from(replaced(0, number) as number[]),
    },
    {
      what: `a Float64Array with ${number}`,
      value: () => Float64Array.from(replaced(7, number) as number[]),
    },
    { what: `an array with ${number}`, value: () => replaced(3, number) },
  ].map((bad) => ({ ...bad, code: 'SONA_NOT_FINITE' }));
const range = (what: string, value: () => unknown): BadVector => ({ what, value, code: 'SONA_OUT_OF_RANGE' });

export const badVectors: BadVector[] = [
  kind('undefined', () => undefined),
  kind('null', () => null),
  kind('a number', () => 8),
  kind('a bigint', () => 8n),
  kind('a symbol', () => Symbol('vector')),
  kind('a string', () => '12345678'),
  kind('a boolean', () => true),
  kind('a function', () => () => good),
  kind('an object with a length', () => ({ ...good, length: DIM })),
  kind('an Int32Array', () => Int32Array.from(good)),
  kind('a Uint8Array', () => Uint8Array.from(good)),
  kind('a Buffer', () => Buffer.from(good)),
  kind('a BigInt64Array', () => BigInt64Array.from(good.map(BigInt))),
  kind('a DataView', () => new DataView(new ArrayBuffer(4 * DIM))),
  kind('an ArrayBuffer', () => new ArrayBuffer(4 * DIM)),
  kind('a proxy of a Float32Array', () => new Proxy(Float32Array.from(good), {})),
  kind('an object that inherits from Float32Array', () =>
    Object.create(Float32Array.prototype, { length: { value: DIM } }),
  ),
  kind('a Set', () => new Set(good)),
  { ...kind('an array with a hole', () => Object.assign(new Array(DIM), { 0: 1, 1: 2 })), at: '[2]' },
  element('a string', '6'),
  element('null', null),
  element('undefined', undefined),
  element('a bigint', 6n),
  element('an array', [6]),
  element('a boolean', true),
  element('a Number object', Object(6)),
  length('an empty array', () => []),
  length('an empty Float32Array', () => new Float32Array(0)),
  length('an array that is one short', () => good.slice(1)),
  length('a Float32Array that is one short', () => Float32Array.from(good.slice(1))),
  length('a Float64Array that is one short', () => Float64Array.from(good.slice(1))),
  length('an array that is one too long', () => [...good, 9]),
  length('a Float32Array that is one too long', () => Float32Array.from([...good, 9])),
  length('a Float64Array that is one too long', () => Float64Array.from([...good, 9])),
  length('a Float32Array whose memory was taken away', () => {
    const view = Float32Array.from(good);
    structuredClone(view.buffer, { transfer: [view.buffer] });
    return view;
  }),
  ...infinite(Number.NaN),
  ...infinite(Number.POSITIVE_INFINITY),
  ...infinite(Number.NEGATIVE_INFINITY),
  { ...range('zeros', () => new Float32Array(DIM)), adaptable: true },
  { ...range('zeros and negative zeros', () => [0, -0, 0, -0, 0, -0, 0, -0]), adaptable: true },
  {
    ...range('64-bit numbers that are 0 in 32 bits', () => new Float64Array(DIM).fill(1e-60)),
    adaptable: true,
  },
  range('a 64-bit number beyond the 32-bit range', () => Float64Array.from(replaced(2, 1e39) as number[])),
  range('an array with a number beyond the 32-bit range', () => replaced(2, -1e300)),
  range('32-bit numbers whose squares overflow', () => Float32Array.from(replaced(2, 3e38) as number[])),
  range('64-bit numbers whose squares overflow 32 bits', () =>
    Float64Array.from(replaced(2, 3e38) as number[]),
  ),
  range('an array whose squares overflow 32 bits', () => replaced(2, 2e19)),
];
