// A bandit without context, as a yardstick: it learns which model is good on the whole, and looks at no prompt. Thompson
// sampling with a Beta posterior per model (Thompson, Biometrika 25, 1933; scores between 0 and 1 count in parts).
import { Random } from '../../../bench/lib/random.mts';
import type { Stream } from './stream.mts';

/** The chosen model's place in the list, by prompt. It gets the score of that model alone, as the router does. */
export function contextFree({ models, vectors, quality }: Stream, seed: number): Uint16Array {
  const random = new Random(3000 + seed);
  const good = new Float64Array(models.length).fill(1);
  const bad = new Float64Array(models.length).fill(1);
  return Uint16Array.from(vectors, (_, t) => {
    const draws = models.map((__, k) => beta(random, good[k] as number, bad[k] as number));
    const chosen = draws.indexOf(Math.max(...draws));
    const score = quality[t * models.length + chosen] as number;
    good[chosen] = (good[chosen] as number) + score;
    bad[chosen] = (bad[chosen] as number) + 1 - score;
    return chosen;
  });
}

function beta(random: Random, a: number, b: number): number {
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
