import { describe, expect, it } from 'vitest';
import { SonaEngine, type Vector } from '../index.ts';
import { engines, keep } from './support/fixture.ts';
import { bits, gaussian, kindOf, kinds } from './support/vectors.ts';

/** Numbers that arithmetic likes to change: signed zeros, subnormals, and the longest vector that is accepted. */
const delicate = {
  'numbers of every size': [1, -0.1, Math.PI, 1e-3, -12_345.678, 1 / 3, 7, -(2 ** -20)],
  zeros: [0, -0, 0, -0, -0, -0, 0, -0],
  'subnormal 32-bit numbers': [
    1.401298464324817e-45, -1.401298464324817e-45, 1.1e-38, -0, 3e-42, 0, -1e-40, 2e-45,
  ],
  'huge numbers': [1.8e19, -1e18, 3e17, -0, 1.401298464324817e-45, 0, 1e10, -1],
};

/** The same for 64-bit numbers, many of which have no 32-bit counterpart. */
const wide = {
  'numbers between two 32-bit ones': [
    0.1,
    1 + Number.EPSILON,
    16_777_217,
    -1 / 3,
    2 ** 52 + 1,
    0.3,
    -Math.E,
    1e-9,
  ],
  'subnormal 64-bit numbers': [5e-324, -5e-324, 1e-310, -0, 2.2e-308, 0, 1e-200, -1e-60],
};

const calls: Record<string, (engine: SonaEngine, x: Vector) => Vector> = {
  applyMicroLora: (engine, x) => engine.applyMicroLora(x),
  applyBaseLora: (engine, x) => engine.applyBaseLora(0, x),
  applyLora: (engine, x) => engine.applyLora(x),
};

const untrained = engines();

describe.each([true, false])('an untrained engine (enableSimd: %s)', (enableSimd) => {
  const engine = untrained({ hiddenDim: 8, enableSimd });

  describe.each(Object.entries(calls))('%s', (_, apply) => {
    it.each(kinds)('returns %s bit for bit, as the same kind', (_, make) => {
      for (const numbers of Object.values(delicate)) {
        const x = make(numbers);
        const before = bits(x);
        const y = apply(engine, x);
        expect(bits(y)).toEqual(before);
        expect(kindOf(y)).toBe(kindOf(x));
        expect(y).not.toBe(x);
        expect(bits(x)).toEqual(before);
      }
    });

    it.each(Object.entries(wide))('returns %s bit for bit', (_, numbers) => {
      expect(bits(apply(engine, Float64Array.from(numbers)))).toEqual(bits(numbers));
      expect(bits(apply(engine, numbers))).toEqual(bits(numbers));
    });
  });

  it('returns a batch bit for bit', () => {
    const flat = Float32Array.from(Object.values(delicate).flat());
    const before = bits(flat);
    expect(bits(engine.applyMicroLoraBatch(flat))).toEqual(before);
    expect(bits(engine.applyMicroLoraBatch(flat, flat))).toEqual(before);
    expect(engine.applyMicroLoraBatch(new Float32Array(0))).toHaveLength(0);
  });

  it('still does so with routes, open trajectories, and a cycle that had nothing to train on', () => {
    const other = untrained({ hiddenDim: 8, enableSimd });
    other.addRoute('a', { embedding: gaussian(8, 1) });
    other.beginTrajectory(gaussian(8, 2)).addStep(gaussian(8, 3), [], 1);
    other.forceLearn();
    const x = gaussian(8, 4);
    for (const apply of Object.values(calls)) expect(bits(apply(other, x))).toEqual(bits(x));
  });
});

it.each([1, 2, 7, 15, 16, 17, 31, 33, 384, 65_536])('holds for %i dimensions', (hiddenDim) => {
  const engine = untrained({ hiddenDim });
  const x = gaussian(hiddenDim, hiddenDim);
  expect(bits(engine.applyLora(x))).toEqual(bits(x));
  const long = Float64Array.from(x, (number) => number / 3);
  expect(bits(engine.applyLora(long))).toEqual(bits(long));
});

it('has 256 dimensions by default', () => {
  const engine = keep(new SonaEngine());
  expect(engine.applyLora(new Float32Array(256))).toHaveLength(256);
  expect(() => engine.applyLora(new Float32Array(255))).toThrow('expected 256 numbers, got 255');
});
