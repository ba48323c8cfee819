// Where programs for the published peer meet something else here, on purpose. Each line of the migration guide once.
import { afterEach, describe, expect, it } from 'vitest';
import { type SonaConfig, SonaEngine } from '../../index.ts';
import { refusal } from '../support/errors.ts';
import { fill, noise } from './programs.ts';

const DIM = 16;

const engines: SonaEngine[] = [];
const make = (config: SonaConfig = {}): SonaEngine => {
  const engine = SonaEngine.withConfig({ hiddenDim: DIM, background: 'manual', ...config });
  engines.push(engine);
  return engine;
};
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));

const code = async (call: () => unknown) => (await refusal(call)).code;

describe('deliberate differences', () => {
  it('a quality outside 0 to 1 is refused', async () => {
    const engine = make();
    const told = engine.beginTrajectory(noise(DIM, 1));
    expect(await code(() => engine.endTrajectory(told, 1.5))).toBe('SONA_OUT_OF_RANGE');
    expect(await code(() => engine.endTrajectory(told, -0.5))).toBe('SONA_OUT_OF_RANGE');
    expect(await code(() => engine.learnFromFeedback(true, 1, 2))).toBe('SONA_OUT_OF_RANGE');
  });

  it('a reward may be any finite number, and counts as reward times quality from 0 to 1', () => {
    const engine = make();
    const told = engine.beginTrajectory(noise(DIM, 1));
    for (const reward of [-1, 0, 1, 5]) told.addStep(noise(DIM, 2), [], reward);
    engine.endTrajectory(told, 1);
    expect(engine.stats().microUpdates).toBe(4);
  });

  it('a zero vector is no query, no activation and no embedding; applying gives it back', async () => {
    const engine = make();
    const zero = fill(DIM, 0);
    expect(await code(() => engine.beginTrajectory(zero))).toBe('SONA_OUT_OF_RANGE');
    expect(await code(() => engine.findPatterns(zero, 3))).toBe('SONA_OUT_OF_RANGE');
    expect(await code(() => engine.beginTrajectory(noise(DIM, 1)).addStep(zero, [], 1))).toBe(
      'SONA_OUT_OF_RANGE',
    );
    expect(await code(() => engine.addRoute('a', { embedding: zero }))).toBe('SONA_OUT_OF_RANGE');
    engine.endTrajectory(engine.beginTrajectory(noise(DIM, 1)).addStep(noise(DIM, 2), [], 1), 1);
    expect(engine.applyMicroLora(zero)).toEqual(zero);
  });

  it('an embeddingDim other than hiddenDim is refused', async () => {
    expect(await code(() => make({ embeddingDim: 3072 }))).toBe('SONA_INVALID_CONFIG');
    expect(make({ embeddingDim: DIM }).isEnabled()).toBe(true);
  });

  it('a trajectory ends once', async () => {
    const engine = make();
    const told = engine.beginTrajectory(noise(DIM, 1));
    engine.endTrajectory(told, 1);
    expect(await code(() => engine.endTrajectory(told, 1))).toBe('SONA_UNKNOWN_TRAJECTORY');
    expect(await code(() => engine.endTrajectory(told.id, 1))).toBe('SONA_UNKNOWN_TRAJECTORY');
    expect(engine.stats().trajectoriesRecorded).toBe(1);
  });

  it('an id belongs to the engine that gave it', async () => {
    const [engine, other] = [make(), make()];
    const id = engine.startTrajectory(noise(DIM, 1));
    expect(await code(() => other.endTrajectory(id, 1))).toBe('SONA_UNKNOWN_TRAJECTORY');
  });

  it('the per-request adapter has rank 1 to 4, the background one 1 to 64; beyond is an error', async () => {
    for (const microLoraRank of [1, 2, 3, 4]) expect(make({ microLoraRank }).isEnabled()).toBe(true);
    for (const baseLoraRank of [1, 64]) expect(make({ baseLoraRank }).isEnabled()).toBe(true);
    for (const config of [
      { microLoraRank: 0 },
      { microLoraRank: 5 },
      { baseLoraRank: 0 },
      { baseLoraRank: 65 },
    ]) {
      expect(await code(() => make(config))).toBe('SONA_INVALID_CONFIG');
    }
  });

  it('a layer of the background adapter that there is not is refused', async () => {
    const engine = make();
    for (const layer of [1, 11, 99, -1]) {
      expect(await code(() => engine.applyBaseLora(layer, noise(DIM, 1)))).toBe('SONA_OUT_OF_RANGE');
    }
    expect(make({ baseLoraLayers: 12 }).applyBaseLora(11, noise(DIM, 1))).toEqual(noise(DIM, 1));
  });

  it('an unknown setting is refused, with the nearest', async () => {
    const error = await refusal(() => make({ learningRate: 0.1 } as never));
    expect(error).toMatchObject({ code: 'SONA_INVALID_CONFIG', details: { argument: 'learningRate' } });
  });

  it('a trajectory is an object, not a number', () => {
    const told = make().beginTrajectory(noise(DIM, 1));
    expect(typeof told).toBe('object');
    expect(typeof Number(told)).toBe('number');
    expect(typeof make().startTrajectory(noise(DIM, 1))).toBe('number');
  });

  it('a second argument of applyMicroLora is the buffer of its result', async () => {
    const strength = 1.0 as never;
    expect(await code(() => make().applyMicroLora(noise(DIM, 1), strength))).toBe('SONA_INVALID_ARGUMENT');
  });

  it('switched off, what was learned is still applied', () => {
    const engine = make();
    engine.endTrajectory(engine.beginTrajectory(noise(DIM, 1)).addStep(noise(DIM, 2), [], 1), 1);
    const on = engine.applyMicroLora(noise(DIM, 1));
    expect(on).not.toEqual(noise(DIM, 1));
    engine.setEnabled(false);
    expect(engine.applyMicroLora(noise(DIM, 1))).toEqual(on);
  });

  it('a cycle moves what was learned from one adapter to the other', () => {
    const engine = make();
    const x = noise(DIM, 1);
    for (let n = 0; n < 50; n++) {
      engine.endTrajectory(
        engine.beginTrajectory(noise(DIM, n)).addStep(noise(DIM, 100 + (n % 9)), [], 1),
        1,
      );
    }
    expect(engine.applyMicroLora(x)).not.toEqual(x);
    engine.forceLearn();
    expect(engine.applyMicroLora(x)).toEqual(x);
    expect(engine.applyLora(x)).not.toEqual(x);
    expect(engine.applyBaseLora(0, engine.applyMicroLora(x))).toEqual(engine.applyLora(x));
  });

  it('with a route, the route is the lesson and the steps are not', () => {
    const engine = make();
    engine.endTrajectory(
      engine.beginTrajectory(noise(DIM, 1)).addStep(noise(DIM, 2), [], 1).setRoute('a'),
      1,
    );
    expect(engine.stats()).toMatchObject({ routes: 1, microUpdates: 0 });
    expect(engine.suggestRoutes(noise(DIM, 1)).best).toBe('a');
  });

  it('steps that name nodes, and trajectories without steps, teach patterns and no adapter', () => {
    const engine = make();
    const id = engine.startTrajectory(noise(DIM, 1));
    engine.recordStep(id, 42, 0.85, 150);
    engine.endTrajectory(id, 0.9);
    engine.endTrajectory(engine.startTrajectory(noise(DIM, 2)), 0.9);
    engine.forceLearn();
    expect(engine.applyLora(noise(DIM, 1))).toEqual(noise(DIM, 1));
    expect(engine.stats().patternsStored).toBeGreaterThan(0);
  });
});
