// Layers of the background adapter: layer 0 is the one that queries train, the others train on steps that name them.
import { describe, expect, it } from 'vitest';
import { SonaEngine } from '../index.ts';
import { teach } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { engines, keep } from './support/fixture.ts';
import { bits, cosine, gaussian, kindOf, kinds, near } from './support/vectors.ts';

const DIM = 16;
const query = gaussian(DIM, 1);
const lessons = [gaussian(DIM, 11), gaussian(DIM, 12), gaussian(DIM, 13)];
const lesson = (layer: number) => lessons[layer] as Float32Array;

const make = engines({ hiddenDim: DIM, baseLoraLayers: 3 });

/** Trajectories whose steps draw each of `layers` to its own lesson, and away from two others. */
function train(engine: SonaEngine, layers: readonly number[], times = 150): void {
  for (let n = 0; n < times; n++) {
    const told = engine.beginTrajectory(near(query, 0.2, n));
    for (const layer of layers) told.addStep(lesson(layer), [], 1, { layer });
    engine.endTrajectory(told, 1);
  }
  engine.forceLearn();
}

const pull = (engine: SonaEngine, layer: number, to: number) =>
  cosine(engine.applyBaseLora(layer, query), lesson(to)) - cosine(query, lesson(to));

describe('layers', () => {
  it('are each untrained until a step names them', () => {
    const engine = make();
    train(engine, [1]);
    expect(bits(engine.applyBaseLora(0, query))).toEqual(bits(query));
    expect(bits(engine.applyBaseLora(1, query))).not.toEqual(bits(query));
    expect(bits(engine.applyBaseLora(2, query))).toEqual(bits(query));
    expect(bits(engine.applyLora(query))).toEqual(bits(query));
  });

  it('learn their own lessons', () => {
    const engine = make();
    train(engine, [0, 1, 2]);
    for (const layer of [0, 1, 2]) {
      expect(pull(engine, layer, layer)).toBeGreaterThan(0.02);
      for (const other of [0, 1, 2]) {
        if (other !== layer) expect(pull(engine, layer, layer)).toBeGreaterThan(pull(engine, layer, other));
      }
    }
  });

  it('beyond the first do not train the per-request adapter', () => {
    const engine = make();
    engine.endTrajectory(engine.beginTrajectory(query).addStep(lesson(1), [], 1, { layer: 1 }), 1);
    expect(bits(engine.applyMicroLora(query))).toEqual(bits(query));
    expect(engine.stats().microUpdates).toBe(0);
  });

  it('and layer 0 is what a step without one trains', () => {
    const [one, other] = [make(), make()];
    for (const [engine, options] of [
      [one, undefined],
      [other, { layer: 0 }],
    ] as const) {
      for (let n = 0; n < 50; n++) {
        engine.endTrajectory(
          engine.beginTrajectory(near(query, 0.2, n)).addStep(lesson(0), [], 1, options),
          1,
        );
      }
      engine.forceLearn();
    }
    expect(bits(one.applyBaseLora(0, query))).toEqual(bits(other.applyBaseLora(0, query)));
    expect(bits(one.applyBaseLora(0, query))).not.toEqual(bits(query));
  });

  it('may be named late, in any order', () => {
    const [one, other] = [make(), make()];
    for (let n = 0; n < 50; n++) {
      const told = one.beginTrajectory(near(query, 0.2, n));
      told
        .addStep(lesson(0), [], 1)
        .addStep(lesson(2), [1, 2], 1, { layer: 2 })
        .addStep(lesson(1), [], 1, { layer: 1 });
      one.endTrajectory(told, 1);
      const turned = other.beginTrajectory(near(query, 0.2, n)).addStep(lesson(1), [], 1, { layer: 1 });
      turned.addStep(lesson(0), [], 1).addStep(lesson(2), [1, 2], 1, { layer: 2 });
      other.endTrajectory(turned, 1);
    }
    for (const engine of [one, other]) engine.forceLearn();
    for (const layer of [0, 1, 2]) {
      expect(bits(one.applyBaseLora(layer, query))).toEqual(bits(other.applyBaseLora(layer, query)));
      expect(bits(one.applyBaseLora(layer, query))).not.toEqual(bits(query));
    }
  });

  it('survive a restart and are part of a version', () => {
    const engine = make();
    train(engine, [0, 1, 2]);
    const trained = [0, 1, 2].map((layer) => bits(engine.applyBaseLora(layer, query)));
    const copy = keep(SonaEngine.restore(engine.snapshot()));
    expect([0, 1, 2].map((layer) => bits(copy.applyBaseLora(layer, query)))).toEqual(trained);
    copy.rollback(0);
    for (const layer of [0, 1, 2]) expect(bits(copy.applyBaseLora(layer, query))).toEqual(bits(query));
    copy.rollback(1);
    expect([0, 1, 2].map((layer) => bits(copy.applyBaseLora(layer, query)))).toEqual(trained);
  });

  it('forget with the rest', () => {
    const engine = make();
    const told = engine.beginTrajectory(query).addStep(lesson(1), [], 1, { layer: 1 });
    engine.endTrajectory(told, 1, { source: 'crowd' });
    teach(engine, DIM, 40);
    engine.forceLearn();
    engine.forget({ source: 'crowd' });
    expect(bits(engine.applyBaseLora(1, query))).toEqual(bits(query));
    expect(bits(engine.applyBaseLora(0, query))).not.toEqual(bits(query));
  });

  it.each(kinds)('take %s, with an out buffer', (_, kind) => {
    const engine = make();
    train(engine, [2], 50);
    const x = kind(Array.from(query));
    const out = kind(new Array(DIM).fill(0));
    const y = engine.applyBaseLora(2, x);
    expect(kindOf(y)).toBe(kindOf(x));
    expect(engine.applyBaseLora(2, x, out as never)).toBe(out);
    expect(bits(out)).toEqual(bits(y));
    expect(bits(y)).not.toEqual(bits(x));
  });

  it('end where baseLoraLayers says', async () => {
    const engine = make();
    for (const layer of [3, 99, -1, 128]) {
      expect((await refusal(() => engine.applyBaseLora(layer, query))).code).toBe('SONA_OUT_OF_RANGE');
    }
    const most = make({ hiddenDim: 2, baseLoraLayers: 128 });
    most.endTrajectory(most.beginTrajectory([1, 0]).addStep([0, 1], [], 1, { layer: 127 }), 1);
    most.forceLearn();
    expect(most.applyBaseLora(127, [1, 0])).toHaveLength(2);
  });
});
