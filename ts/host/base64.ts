/** Base64 of 32-bit numbers, little endian. */
export function toBase64(numbers: Float32Array): string {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [i, number] of numbers.entries()) bytes.writeFloatLE(number, 4 * i);
  return bytes.toString('base64');
}

/** The 32-bit numbers that {@link toBase64} wrote, from a place of memory on, which must have room for them. */
export function fromBase64(text: string, into: Float32Array, at: number): void {
  const bytes = Buffer.from(text, 'base64');
  for (let i = 0; 4 * i + 4 <= bytes.length; i++) into[at + i] = bytes.readFloatLE(4 * i);
}
