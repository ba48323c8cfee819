// Floats of 16 bits (IEEE 754 binary16) as bit patterns: this language version has no array of them.

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The nearest one, of two as near the even one; beyond 65,504 infinity. NaN is not expected. */
export function halfBits(number: number): number {
  const size = Math.abs(number);
  const sign = number < 0 || Object.is(number, -0) ? 0x8000 : 0;
  if (size >= 65_520) return sign | 0x7c00;
  // below the normal range patterns count steps of 2^-24
  if (size < 2 ** -14) return sign | roundHalfEven(size * 2 ** 24);
  float[0] = size;
  const exponent = ((bits[0] as number) >>> 23) - 127;
  // a fraction that rounds up to 1 carries into the exponent, as it should
  return sign | (((exponent + 15) << 10) + roundHalfEven((size / 2 ** exponent - 1) * 1024));
}

/** Its value. */
export function halfToNumber(pattern: number): number {
  const exponent = (pattern >>> 10) & 31;
  const fraction = pattern & 1023;
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return pattern & 0x8000 ? -size : size;
}

function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
