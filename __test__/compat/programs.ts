// What the programs of this folder have in common: data that they make up, and engines that end with the test.
import { afterEach } from 'vitest';
import { Random } from '../../bench/lib/random.mts';
import type { SonaEngine } from '../../compat.ts';

const engines: SonaEngine[] = [];
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));

/** Closes the engine when the test ends; the programs themselves never do. */
export function opened(engine: SonaEngine): SonaEngine {
  engines.push(engine);
  return engine;
}

/** Numbers in [0, 1), different for every seed. */
export function noise(length: number, seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length }, () => random.uniform());
}

/** Says how a figure went, as the gains on BANKING77 are said. */
export function figure(name: string, pairs: readonly (readonly [before: number, after: number])[]): void {
  console.log(
    `${name}: ${pairs.map(([before, after]) => `${before.toFixed(3)} -> ${after.toFixed(3)}`).join(', ')}`,
  );
}

export const fill = (length: number, value: number): number[] => new Array<number>(length).fill(value);

export const sumOfChanges = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, number, i) => sum + Math.abs(number - (b[i] as number)), 0);
