import { outOfRange } from '../base/errors.ts';

/** How far probabilities may sum from 1 whatever their digits. */
const SUM_TOLERANCE = 1e-6;

/** Digits of which a sum of 32-bit floats can be sure. */
const MOST_DIGITS = 7;

/** How far an exact number may lie from its entry in a list, and how far one of 32 bits, by its size. */
const SAME = 1e-9;
const SAME_SHARE = 1e-6;

type Numbers = ArrayLike<number> & Iterable<number>;

/**
 * Refuses probabilities that do not sum to 1. Rounded ones need not do so exactly: each that is not 0 may be off by half a
 * unit of the last digit that any of them has.
 */
export function checkSum(argument: string, probabilities: Numbers): void {
  const sum = sumOf(probabilities);
  const off = Math.abs(sum - 1);
  if (off <= SUM_TOLERANCE || off < roundingOf(probabilities)) return;
  throw outOfRange(argument, 'a sum of 1', sum);
}

/** Probabilities that sum to 1, from some that do so but for rounding. */
export function normalised(probabilities: Numbers): ArrayLike<number> {
  const sum = sumOf(probabilities);
  return sum === 1 ? probabilities : Array.from(probabilities, (probability) => probability / sum);
}

/** Whether a propensity is the one in a list, which may be rounded to fewer digits. */
export function isEntry(propensity: number, entry: number, list: Numbers): boolean {
  const off = Math.abs(propensity - entry);
  if (off <= SAME || off <= SAME_SHARE * entry) return true;
  const digits = digitsOf(list);
  return digits < MOST_DIGITS && Number(propensity.toFixed(digits)) === entry;
}

function sumOf(probabilities: Numbers): number {
  let sum = 0;
  for (const probability of probabilities) sum += probability;
  return sum;
}

/** By how much rounding may have changed the sum. */
function roundingOf(probabilities: Numbers): number {
  let above = 0;
  for (const probability of probabilities) if (probability > 0) above++;
  const digits = Math.min(digitsOf(probabilities), MOST_DIGITS);
  // just under: numbers that were rounded by a whole half are rare, wrong sums of few digits are not
  return digits === 0 ? 0 : above * 0.5 * 10 ** -digits * (1 - SAME);
}

/** Digits after the point of the number that has most. */
function digitsOf(probabilities: Numbers): number {
  let most = 0;
  for (const probability of probabilities) {
    const [mantissa = '', exponent = '0'] = String(probability).split('e-');
    most = Math.max(most, (mantissa.split('.')[1] ?? '').length + Number(exponent));
  }
  return most;
}
