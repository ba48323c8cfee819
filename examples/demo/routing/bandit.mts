// A bandit without context, as a yardstick: it learns which model is good on the whole, and looks at no prompt. Thompson
// sampling with a Beta posterior per model (Thompson, Biometrika 25, 1933; scores between 0 and 1 count in parts).
import { beta } from '../../../bench/lib/beta.mts';
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
