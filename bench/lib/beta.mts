// Draws from a Beta distribution.
import type { Random } from './random.mts';

/** Both parameters 1 or more. */
export function beta(random: Random, a: number, b: number): number {
  const [x, y] = [gamma(random, a), gamma(random, b)];
  return x / (x + y);
}

/** Of shape 1 or more (Marsaglia and Tsang, "A simple method for generating gamma variables", 2000). */
function gamma(random: Random, shape: number): number {
  const d = shape - 1 / 3;
  for (;;) {
    const z = random.normal();
    const v = (1 + z / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < (z * z) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}
