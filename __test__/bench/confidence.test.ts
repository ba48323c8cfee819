// Confidences of a router beside what is so, in worlds that are known.
import { describe, expect, it } from 'vitest';
import { saidOf } from '../../bench/routing/confidence.mts';

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe('decisions in a simulated world', () => {
  it('are all right where all models are alike, and are said to be likelier so as outcomes come', () => {
    const said = saidOf({ name: '', models: 3, between: [0.6, 0.6], kinds: 0 }, 1, 400);
    expect(said).toHaveLength(400);
    expect(said.every(({ right }) => right)).toBe(true);
    const [early, late] = [said.slice(0, 40), said.slice(-40)].map((part) =>
      mean(part.map(({ probability }) => probability)),
    ) as [number, number];
    expect(late).toBeGreaterThan(early + 0.1);
  });

  it('are not where models lie far apart, and what is said is near to how many are', () => {
    const runs = [1, 2, 3, 4].map((seed) =>
      saidOf({ name: '', models: 5, between: [0.3, 0.9], kinds: 0.1 }, seed, 400),
    );
    const said = runs.flat();
    const right = mean(said.map((one) => Number(one.right)));
    expect(right).toBeGreaterThan(0.3);
    expect(right).toBeLessThan(0.95);
    expect(Math.abs(mean(said.map(({ probability }) => probability)) - right)).toBeLessThan(0.15);
    expect(said.every(({ probability }) => probability >= 0 && probability <= 1)).toBe(true);
  });
});
