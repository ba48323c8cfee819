import {
  arrayKind,
  dimMismatch,
  invalidArgument,
  notFinite,
  outOfRange,
  type SonaError,
  sonaError,
} from './errors.ts';
import { isDate } from './marks.ts';

/** A vector of the engine's dimension. What comes back is of the kind that went in. */
export type Vector = Float32Array | Float64Array | readonly number[];

/** What a method gives back for a vector `V`, and takes as its `out` buffer. */
export type Same<V extends Vector> = V extends Float32Array
  ? Float32Array
  : V extends Float64Array
    ? Float64Array
    : number[];

/** The kinds of {@link Vector}, in words. */
export const vectorKinds = 'a Float32Array, a Float64Array or an array of numbers';

/** Reads the length of memory that threads share, and throws for all else; undefined where threads share none. */
const sharedLength =
  typeof SharedArrayBuffer === 'undefined'
    ? undefined
    : Object.getOwnPropertyDescriptor(SharedArrayBuffer.prototype, 'byteLength')?.get;

/** 32-bit numbers, whatever realm they come from. */
export function isF32(value: unknown): value is Float32Array {
  return arrayKind(value) === 'Float32Array';
}

/** 64-bit numbers, whatever realm they come from. */
export function isF64(value: unknown): value is Float64Array {
  return arrayKind(value) === 'Float64Array';
}

/** Whether another thread can write to it. */
export function isShared({ buffer }: ArrayBufferView): boolean {
  // the first test is free and settles almost every call; the second also knows other realms
  return !(buffer instanceof ArrayBuffer) && isSharedMemory(buffer);
}

function isSharedMemory(buffer: unknown): boolean {
  try {
    return sharedLength?.call(buffer) !== undefined;
  } catch {
    return false;
  }
}

function isBytes(value: unknown): value is Uint8Array {
  return arrayKind(value) === 'Uint8Array';
}

/** Bytes that no other thread can write to while they are read. */
export function bytesOf(argument: string, bytes: unknown): Uint8Array {
  if (!isBytes(bytes)) throw invalidArgument(argument, 'a Uint8Array', bytes);
  return isShared(bytes) ? new Uint8Array(bytes) : bytes;
}

/** Whether it is of one of the three kinds. */
export function isVector(value: unknown): value is Vector {
  return isF32(value) || isF64(value) || Array.isArray(value);
}

/** Refuses everything that is not a vector of `dim` numbers. Finiteness is checked where the numbers are read. */
export function checkVector(argument: string, value: unknown, dim: number): asserts value is Vector {
  if (!isVector(value)) throw invalidArgument(argument, vectorKinds, value);
  if (value.length !== dim) throw dimMismatch(argument, dim, value.length);
}

/** Copies a vector into 32-bit memory. Refuses what is no number, not finite, or beyond the 32-bit range. */
export function copyInto(argument: string, value: Vector, into: Float32Array, at: number): void {
  if (isF32(value)) {
    into.set(value, at);
    return;
  }
  const length = value.length;
  for (let i = 0; i < length; i++) {
    const number = value[i];
    if (typeof number !== 'number') throw invalidArgument(`${argument}[${i}]`, 'a number', number);
    if (!Number.isFinite(number)) throw notFinite(argument, i, number);
    const rounded = Math.fround(number);
    if (!Number.isFinite(rounded)) throw outOfRange(argument, 'numbers within the 32-bit range', number);
    into[at + i] = rounded;
  }
}

/** Copies an array of numbers into 64-bit memory. */
export function copyNumbers(argument: string, value: readonly number[], into: Float64Array): void {
  for (let i = 0; i < into.length; i++) {
    const number: unknown = value[i];
    if (typeof number !== 'number') throw invalidArgument(`${argument}[${i}]`, 'a number', number);
    into[i] = number;
  }
}

/** Squared lengths above are refused; the 32-bit range, in which the core computes them, ends at 3.403e38. */
const LONGEST = 3.4e38;

/** {@link checkDirection} for vectors that the core takes only later, or not alone: whatever passes here, it takes. */
export function checkLength(argument: string, vector: Float32Array): void {
  if (hasDirection(vector)) return;
  const squared = squaredLength(vector);
  const index = vector.findIndex((number) => !Number.isFinite(number));
  if (index >= 0) throw notFinite(argument, index, vector[index] as number);
  if (squared === 0) throw outOfRange(argument, 'a vector with at least one number other than 0', squared);
  throw outOfRange(argument, `a vector whose squared length is at most ${LONGEST}`, squared);
}

/** Whether {@link checkLength} lets it pass. */
export function hasDirection(vector: Float32Array): boolean {
  const squared = squaredLength(vector);
  return squared > 0 && squared <= LONGEST;
}

/** The sum in 64 bits; squares in 32 bits, which are 0 where the core's are. */
function squaredLength(vector: Float32Array): number {
  let squared = 0;
  for (const number of vector) squared += Math.fround(number * number);
  return squared;
}

export function noDirection(argument: string): SonaError {
  const [expected, got] = ['a vector with a direction', 'a zero vector'];
  const message = `${argument}: expected ${expected}, got ${got}`;
  return sonaError('SONA_OUT_OF_RANGE', message, { argument, expected, got });
}

/** A number that is finite. */
export function checkNumber(argument: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw invalidArgument(argument, 'a number', value);
  if (!Number.isFinite(value)) throw notFinite(argument, 0, value);
}

/** A number in [0, 1]. */
export function checkUnitInterval(argument: string, value: unknown): asserts value is number {
  checkNumber(argument, value);
  if (value < 0 || value > 1) throw outOfRange(argument, 'a number from 0 to 1', value);
}

/** A whole number in an inclusive range. */
export function checkInteger(
  argument: string,
  value: unknown,
  least: number,
  most: number,
): asserts value is number {
  if (typeof value !== 'number') throw invalidArgument(argument, 'an integer', value);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw outOfRange(argument, `an integer from ${least} to ${most}`, value);
  }
}

/** Whether it is a string that {@link checkName} lets pass. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed();
}

/** A string of at least one character. */
export function checkName(argument: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw invalidArgument(argument, 'a string', value);
  if (value === '') throw outOfRange(argument, 'a name of at least one character', value);
  checkUnicode(argument, value);
}

/** A string that UTF-8 can carry. */
export function checkUnicode(argument: string, text: string): void {
  if (!text.isWellFormed()) throw outOfRange(argument, 'well-formed Unicode', text);
}

/** An options object without keys of no meaning. */
export function checkOptions(argument: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidArgument(argument, `an object {${known.join(', ')}}`, value);
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw invalidArgument(`${argument}.${key}`, `one of ${known.join(', ')}`, 'an unknown key');
    }
  }
}

/** Milliseconds since 1970 of a date or of such a number. */
export function millisecondsOf(argument: string, value: unknown): number {
  const ms: unknown = isDate(value) ? value.getTime() : value;
  if (Number.isNaN(ms) && isDate(value)) throw invalidArgument(argument, 'a valid date', value);
  checkInteger(argument, ms, 0, Number.MAX_SAFE_INTEGER);
  return ms;
}
