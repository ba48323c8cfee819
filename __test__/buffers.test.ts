import { beforeAll, describe, expect, it } from 'vitest';
import type { SonaEngine, Vector } from '../index.ts';
import { teach } from './support/engines.ts';
import { engines } from './support/fixture.ts';
import { bits, gaussian, kindOf, kinds } from './support/vectors.ts';

const DIM = 19;

type Apply = (engine: SonaEngine, x: Vector, out?: Vector) => Vector;
const calls: [string, Apply][] = [
  ['applyMicroLora', (engine, x, out) => engine.applyMicroLora(x, out as never)],
  ['applyBaseLora', (engine, x, out) => engine.applyBaseLora(0, x, out as never)],
  ['applyLora', (engine, x, out) => engine.applyLora(x, out as never)],
];

const opened = engines({ hiddenDim: DIM });
let engine: SonaEngine;
beforeAll(() => {
  engine = opened();
  teach(engine, DIM, 60);
  engine.forceLearn();
  teach(engine, DIM, 60, 2);
});

const numbers = Array.from(gaussian(DIM, 5));
const expected = (apply: Apply, x: Vector) => bits(apply(engine, x));

describe.each(calls)('%s with an out buffer', (_, apply) => {
  it('changes the vector, or this file would test nothing', () => {
    expect(expected(apply, numbers)).not.toEqual(bits(numbers));
  });

  it.each(kinds)('takes %s and returns it', (_, make) => {
    const x = make(numbers);
    const before = bits(x);
    const out = make(new Array(DIM).fill(7));
    const result = expected(apply, x);
    expect(apply(engine, x, out)).toBe(out);
    expect(bits(out)).toEqual(result);
    expect(bits(x)).toEqual(before);
  });

  it.each(kinds)('works in place on %s', (_, make) => {
    const x = make(numbers);
    const result = expected(apply, x);
    expect(apply(engine, x, x)).toBe(x);
    expect(bits(x)).toEqual(result);
  });

  it.each([-3, -1, 1, 2, DIM - 1])('does not mind an overlap shifted by %i', (shift) => {
    for (const Kind of [Float32Array, Float64Array]) {
      for (const Memory of [ArrayBuffer, SharedArrayBuffer]) {
        const memory = new Kind(new Memory(3 * DIM * Kind.BYTES_PER_ELEMENT) as ArrayBuffer);
        const x = memory.subarray(DIM, 2 * DIM);
        x.set(numbers);
        const out = memory.subarray(DIM + shift, 2 * DIM + shift);
        const result = expected(apply, x.slice());
        apply(engine, x, out);
        expect(bits(out)).toEqual(result);
      }
    }
  });

  it('leaves the memory around the buffer alone', () => {
    const memory = new Float32Array(3 * DIM).fill(7);
    apply(engine, Float32Array.from(numbers), memory.subarray(DIM, 2 * DIM));
    expect(memory.subarray(0, DIM)).toEqual(new Float32Array(DIM).fill(7));
    expect(memory.subarray(2 * DIM)).toEqual(new Float32Array(DIM).fill(7));
  });
});

describe('every kind of vector', () => {
  it.each(kinds)('teaches and asks the same as %s', (_, make) => {
    const [told, reference] = [opened(), opened()];
    const [query, activation] = [gaussian(DIM, 11), gaussian(DIM, 12)];
    const use = (other: SonaEngine, kind: (numbers: readonly number[]) => Vector) => {
      other.addRoute('a', { embedding: kind(numbers) });
      const builder = other.beginTrajectory(kind(Array.from(query)));
      other.endTrajectory(builder.addStep(kind(Array.from(activation)), kind([1, 2]), 1), 1);
      return other.suggestRoutes(kind(Array.from(query))).ranked;
    };
    expect(use(told, make)).toEqual(use(reference, (values) => Float32Array.from(values)));
    expect(bits(told.applyLora(query))).toEqual(bits(reference.applyLora(query)));
    expect(bits(told.applyLora(query))).not.toEqual(bits(query));
    told[Symbol.dispose]();
    reference[Symbol.dispose]();
  });

  it('is of the same kind when it comes back', () => {
    for (const [, make] of kinds) expect(kindOf(engine.applyLora(make(numbers)))).toBe(kindOf(make(numbers)));
  });
});

describe('results', () => {
  it('do not share numbers with each other or with later results', () => {
    const x = Float32Array.from(numbers);
    const kept = engine.applyLora(x);
    const before = bits(kept);
    const others = Array.from({ length: 2_000 }, () => engine.applyLora(x));
    for (const other of others) other.fill(0);
    for (let i = 0; i < 2_000; i++) engine.applyMicroLora(Float64Array.from(numbers)).fill(0);
    expect(bits(kept)).toEqual(before);
  });

  it('stay whole when another one is transferred to a thread', () => {
    const x = Float32Array.from(numbers);
    const [kept, sent] = [engine.applyLora(x), engine.applyLora(x)];
    const before = bits(kept);
    const { port1, port2 } = new MessageChannel();
    try {
      port1.postMessage(sent, [sent.buffer as ArrayBuffer]);
    } catch (error) {
      // later versions of Node.js refuse, earlier ones copy
      expect(error).toMatchObject({ name: 'DataCloneError' });
    }
    port1.close();
    port2.close();
    expect(bits(kept)).toEqual(before);
  });

  it('of a batch are those of the vectors one by one', () => {
    const xs = Array.from({ length: 5 }, (_, i) => gaussian(DIM, 20 + i));
    const flat = Float32Array.from(xs.flatMap((x) => Array.from(x)));
    const result = engine.applyMicroLoraBatch(flat);
    const one = Float32Array.from(xs.flatMap((x) => Array.from(engine.applyMicroLora(x))));
    expect(bits(result)).toEqual(bits(one));
    const wide = xs.flatMap((x) => Array.from(engine.applyMicroLora(Float64Array.from(x))));
    expect(engine.applyMicroLoraBatch(Float64Array.from(flat))).toEqual(Float64Array.from(wide));
    expect(engine.applyMicroLoraBatch(Array.from(flat))).toEqual(wide);
    expect(bits(engine.applyMicroLoraBatch(flat, flat))).toEqual(bits(one));
  });
});
