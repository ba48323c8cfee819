// Where programs for the published peer meet something else here, on purpose. Each line of the migration guide once.
import { afterEach, describe, expect, it } from 'vitest';
import { type SonaConfig, SonaEngine } from '../../compat.ts';
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

  it('vectors stay moved after a cycle, and one adapter after the other adds nothing twice', () => {
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
    const moved = engine.applyMicroLora(x);
    expect(moved).not.toEqual(x);
    expect(moved).toEqual(engine.applyLora(x));
    expect(engine.applyBaseLora(0, x)).not.toEqual(x);
    for (const each of [x, Float32Array.from(x), Float64Array.from(x)]) {
      const after = engine.applyBaseLora(0, engine.applyMicroLora(each));
      expect(after).toEqual(engine.applyLora(each));
    }
    const flat = engine.applyMicroLoraBatch([...x, ...noise(DIM, 2)]);
    expect(flat).toEqual([...engine.applyLora(x), ...engine.applyLora(noise(DIM, 2))]);
    // in another array it is a vector like any other
    expect(engine.applyBaseLora(0, [...moved])).not.toEqual(moved);
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

  it('the best of the nodes is the route of a trajectory without steps and route', () => {
    const engine = make();
    const end = (tell: (id: number) => void, quality = 1) => {
      const id = engine.startTrajectory(noise(DIM, 1));
      tell(id);
      engine.endTrajectory(id, quality);
    };
    end((id) => {
      engine.recordStep(id, 'a', 0.7, 10);
      engine.recordStep(id, 42, 0.9, 20);
      engine.recordStep(id, 'b', 0.9, 30);
    });
    expect(engine.routes()).toMatchObject([{ name: '42', ranked: true, count: 1, avgQuality: 1 }]);
    end((id) => {
      engine.recordStep(id, 'a', 0.9, 10);
      engine.addTrajectoryStep(id, noise(DIM, 2), [], 1);
    });
    end((id) => {
      engine.setTrajectoryRoute(id, 'named');
      engine.recordStep(id, 'a', 0.9, 10);
    });
    end(() => undefined);
    expect(engine.routes().map(({ name }) => name)).toEqual(['42', 'named']);
  });

  it.each([
    [1, 0.9, 1],
    [0.85, 0.7, 1],
    [0.5, 0.5, 0.5],
    [0.5, 0.3, 0],
    [0.85, 0.2, 0],
    [0.25, 1, 0.5],
    [0, 1, 0],
    [-1, 1, 0],
    [7, 1, 1],
  ])('a node of score %d in a trajectory of quality %d was right by %d', (score, quality, outcome) => {
    const engine = make();
    const tell = (each: number) => {
      engine.endTrajectory(engine.beginTrajectory(noise(DIM, 1)).recordStep('a', score, 1), each);
      return engine.routes()[0]?.avgQuality;
    };
    expect(tell(quality)).toBeCloseTo(outcome, 3);
    // and when it is corrected, by number or as the last one
    const [other, twin] = [make(), make()];
    const id = other.startTrajectory(noise(DIM, 1));
    other.recordStep(id, 'a', score, 1);
    other.endTrajectory(id, 0.6);
    other.learnFromFeedback({ trajectoryId: id, quality });
    twin.endTrajectory(twin.beginTrajectory(noise(DIM, 1)).recordStep('a', score, 1), 0.6);
    twin.learnFromFeedback(quality > 0.5, 1, quality);
    for (const each of [other, twin]) expect(each.routes()[0]?.avgQuality).toBeCloseTo(outcome, 3);
  });

  it('trajectories that say nothing but their query teach patterns and no adapter', () => {
    const engine = make();
    engine.endTrajectory(engine.startTrajectory(noise(DIM, 2)), 0.9);
    engine.forceLearn();
    expect(engine.applyLora(noise(DIM, 1))).toEqual(noise(DIM, 1));
    expect(engine.stats().patternsStored).toBeGreaterThan(0);
  });
});
