// Telling a trajectory by its builder, and ending it by whatever a program made of that.
import { describe, expect, it } from 'vitest';
import type { SonaEngine, TrajectoryBuilder } from '../index.ts';
import { picture } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { engines } from './support/fixture.ts';
import { gaussian, kinds } from './support/vectors.ts';

const DIM = 16;
const query = gaussian(DIM, 1);

const make = engines({ hiddenDim: DIM });

describe('a builder', () => {
  it('is its id in JSON and in a text', () => {
    const told = make().beginTrajectory(query);
    expect(told.id).toMatch(/^t[0-9a-f]{16}-[1-9]\d*$/);
    expect(`${told}`).toBe(told.id);
    expect(JSON.parse(JSON.stringify({ trajId: told }))).toEqual({ trajId: told.id });
    expect(Number(told)).toBeNaN();
    expect(Object.keys(told)).toEqual([]);
    expect(told.dim).toBe(DIM);
  });

  it.each([
    ['its id', (told: TrajectoryBuilder) => told.id],
    ['its id through JSON', (told: TrajectoryBuilder) => JSON.parse(JSON.stringify(told)) as string],
    ['its id through text', (told: TrajectoryBuilder) => `${told}`],
  ])('is ended by %s as by itself', (_, name) => {
    const [engine, twin] = [make(), make()];
    const tell = (each: SonaEngine) =>
      each
        .beginTrajectory(query)
        .addStep(gaussian(DIM, 2), [1, 2], 0.5)
        .addNode('node', { score: 1, latencyMs: 1 })
        .addContext('context')
        .setRoute('a');
    engine.endTrajectory(name(tell(engine)), 1);
    twin.endTrajectory(tell(twin), 1);
    for (const each of [engine, twin]) each.forceLearn();
    expect(picture(engine, DIM)).toEqual(picture(twin, DIM));
  });

  it('has ended under all its names', async () => {
    const engine = make();
    const told = engine.beginTrajectory(query);
    const { id } = told;
    engine.endTrajectory(id, 1);
    for (const t of [told, id, `${told}`]) {
      expect((await refusal(() => engine.endTrajectory(t, 1))).code).toBe('SONA_UNKNOWN_TRAJECTORY');
    }
    expect(engine.stats().trajectoriesRecorded).toBe(1);
    expect(told.id).toBe(id);
  });

  it('has ids that come once', () => {
    const engine = make();
    const ids = Array.from({ length: 1_000 }, (_, n) =>
      n % 2 === 0 ? engine.beginTrajectory(query).id : `${engine.beginTrajectory(query)}`,
    );
    expect(new Set(ids).size).toBe(1_000);
  });

  it('returns itself from everything', () => {
    const told = make().beginTrajectory(query);
    expect(told.addStep(query, [], 1)).toBe(told);
    expect(told.addNode(1, { score: 1, latencyMs: 1 })).toBe(told);
    expect(told.setRoute('a')).toBe(told);
    expect(told.addContext('a')).toBe(told);
    expect(told.setPatternType('CodeGen')).toBe(told);
  });

  it('whose id nobody asked for need not be ended', () => {
    const engine = make({ trajectoryCapacity: 2 });
    const first = engine.beginTrajectory(query).id;
    for (let n = 0; n < 10; n++) engine.beginTrajectory(query);
    engine.endTrajectory(first, 1);
    expect(engine.stats().trajectoriesRecorded).toBe(1);
  });

  it('that somebody still holds ends, though too many came after its id was asked for', () => {
    const engine = make({ trajectoryCapacity: 2 });
    const told = engine.beginTrajectory(query);
    expect(told.id).not.toBe('');
    for (let n = 0; n < 4; n++) expect(engine.beginTrajectory(query).id).not.toBe('');
    engine.endTrajectory(told, 1);
    expect(engine.stats().trajectoriesRecorded).toBe(1);
  });
});

describe('attention weights', () => {
  it.each(kinds)('are kept, whatever they come as: %s', (_, kind) => {
    const engine = make();
    const [a, b] = [gaussian(DIM, 2), gaussian(DIM, 3)];
    const told = engine.beginTrajectory(query).addStep(a, [], 1);
    told
      .addStep(b, kind([0.5, -1, 2 ** 20]), 1)
      .addStep(a, kind(new Array(200).fill(0.25)), 1)
      .addStep(b, [], 1);
    engine.endTrajectory(told, 1);
    // they stand in the snapshot one after another, as 32-bit numbers
    const stored = Buffer.from(Float32Array.of(0.5, -1, 2 ** 20, 0.25, 0.25).buffer);
    expect(Buffer.from(engine.snapshot()).includes(stored)).toBe(true);
  });

  it('do not change what is learned', () => {
    const [one, other] = [make(), make()];
    for (let n = 0; n < 30; n++) {
      for (const [engine, weights] of [
        [one, []],
        [other, gaussian(64, n)],
      ] as const) {
        const told = engine.beginTrajectory(gaussian(DIM, n)).addStep(gaussian(DIM, 50 + n), weights, 1);
        engine.endTrajectory(told, 1);
      }
    }
    for (const engine of [one, other]) engine.forceLearn();
    expect(picture(other, DIM)).toEqual(picture(one, DIM));
  });
});
