// Vectors for the tests, and their bit patterns, by which "the same" means the same to the last bit.
import vm from 'node:vm';
import { Random } from '../../bench/lib/random.mts';
import type { Vector } from '../../index.ts';

/** The bit pattern of each number, as hexadecimal text. -0 and 0 differ, and so do NaNs. */
export function bits(vector: Vector): string[] {
  if (Object.prototype.toString.call(vector) === '[object Float32Array]') {
    const view = new DataView(new ArrayBuffer(4));
    return Array.from(vector, (number) => {
      view.setFloat32(0, number);
      return view.getUint32(0).toString(16).padStart(8, '0');
    });
  }
  const view = new DataView(new ArrayBuffer(8));
  return Array.from(vector, (number) => {
    view.setFloat64(0, number);
    return view.getBigUint64(0).toString(16).padStart(16, '0');
  });
}

/** A seeded vector of standard normal numbers. */
export function gaussian(dim: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: dim }, () => random.normal());
}

/** A unit vector along one axis. */
export function axis(dim: number, at: number): Float32Array {
  const vector = new Float32Array(dim);
  vector[at] = 1;
  return vector;
}

/** `to`, moved away from its direction by seeded noise of the given length. */
export function near(to: Float32Array, noise: number, seed: number): Float32Array {
  const offset = gaussian(to.length, seed);
  const scale = noise / Math.hypot(...offset);
  return to.map((number, i) => number + scale * (offset[i] as number));
}

export function cosine(a: Vector, b: Vector): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
}

/** Every kind of vector that an engine takes, made from the same numbers. */
export const kinds: [string, (numbers: readonly number[]) => Vector][] = [
  ['a Float32Array', (numbers) => Float32Array.from(numbers)],
  ['a Float64Array', (numbers) => Float64Array.from(numbers)],
  ['an array', (numbers) => [...numbers]],
  [
    'a Float32Array in shared memory',
    (numbers) => filled(Float32Array, new SharedArrayBuffer(4 * numbers.length), numbers),
  ],
  [
    'a Float64Array in shared memory',
    (numbers) => filled(Float64Array, new SharedArrayBuffer(8 * numbers.length), numbers),
  ],
  [
    'a Float32Array over a resizable buffer',
    (numbers) => filled(Float32Array, resizable(4 * numbers.length), numbers),
  ],
  [
    'a part of a longer Float32Array',
    (numbers) => Float32Array.from([9, 9, 9, ...numbers, 9]).subarray(3, -1),
  ],
  [
    'a part of a longer Float64Array',
    (numbers) => Float64Array.from([9, 9, 9, ...numbers, 9]).subarray(3, -1),
  ],
  ["another realm's Float32Array", (numbers) => elsewhere('Float32Array', numbers)],
  ["another realm's Float64Array", (numbers) => elsewhere('Float64Array', numbers)],
  ["another realm's array", (numbers) => elsewhere('Array', numbers)],
];

function filled(
  Kind: Float32ArrayConstructor | Float64ArrayConstructor,
  memory: ArrayBufferLike,
  numbers: readonly number[],
): Vector {
  const view = new Kind(memory as ArrayBuffer);
  view.set(numbers);
  return view;
}

/** The types of this language version do not know the second argument yet. */
function resizable(length: number): ArrayBuffer {
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer;
  return new Resizable(length, { maxByteLength: 2 * length + 8 });
}

function elsewhere(kind: 'Float32Array' | 'Float64Array' | 'Array', numbers: readonly number[]): Vector {
  return vm.runInNewContext(`${kind}.from(numbers)`, { numbers }) as Vector;
}

/** `Float32Array`, `Float64Array` or `Array`, whatever realm it comes from. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}
