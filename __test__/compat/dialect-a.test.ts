// Programs for the run time of 0.1.8: numeric ids, plain arrays, JSON statistics.
import { describe, expect, it } from 'vitest';
import { type JsLearnedPattern, type JsSonaConfig, SonaEngine } from '../../compat.ts';
import { cosine } from '../support/vectors.ts';
import { figure, fill, noise, opened, sumOfChanges } from './programs.ts';

describe('each call', () => {
  const engine = () => opened(new SonaEngine(64));

  it('new SonaEngine(hiddenDim)', () => {
    expect(opened(new SonaEngine(128)).isEnabled()).toBe(true);
  });

  it('SonaEngine.withConfig, all keys', () => {
    const config: JsSonaConfig = {
      hiddenDim: 256,
      embeddingDim: 256,
      microLoraRank: 2,
      baseLoraRank: 8,
      microLoraLr: 0.002,
      baseLoraLr: 0.0001,
      ewcLambda: 2000,
      patternClusters: 100,
      trajectoryCapacity: 10000,
      backgroundIntervalMs: 3600000,
      qualityThreshold: 0.3,
      enableSimd: true,
    };
    expect(opened(SonaEngine.withConfig(config)).isEnabled()).toBe(true);
  });

  it('SonaEngine.withConfig, some keys undefined', () => {
    expect(opened(SonaEngine.withConfig({ hiddenDim: 64, ewcLambda: undefined } as never)).isEnabled()).toBe(
      true,
    );
  });

  it.each([
    ['microLoraRank', [1, 2]],
    ['baseLoraRank', [4, 8, 16]],
    ['microLoraLr', [0.0005, 0.001, 0.002, 0.003, 0.01]],
    ['baseLoraLr', [0.0001, 0.0002, 0.001]],
    ['ewcLambda', [0.3, 0.4, 0.6, 400, 500, 1000, 2000, 2500, 3000]],
    ['patternClusters', [10, 15, 16, 25, 50, 100, 128, 200]],
    ['trajectoryCapacity', [200, 5000, 10000, 20000, 50000]],
    ['backgroundIntervalMs', [1, 1000, 60000, 300000, 900000, 1800000, 3600000, 7200000]],
    ['qualityThreshold', [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]],
    ['hiddenDim', [4, 8, 15, 16, 64, 128, 256, 384, 512, 768, 1024, 2048, 3072, 4096]],
    ['ewcFisherSamples', [100]],
  ] as const)('the values that documents pass for %s', (key, values) => {
    for (const value of values)
      expect(opened(SonaEngine.withConfig({ [key]: value })).isEnabled()).toBe(true);
  });

  it('beginTrajectory, addTrajectoryStep, setTrajectoryRoute, addTrajectoryContext, endTrajectory', () => {
    const sona = engine();
    const id = sona.beginTrajectory(fill(64, 0.1));
    expect(Number.isInteger(Number(id))).toBe(true);
    expect(sona.addTrajectoryStep(id, fill(64, 0.5), fill(32, 0.4), 0.8)).toBeUndefined();
    expect(sona.setTrajectoryRoute(id, 'test_route')).toBeUndefined();
    expect(sona.addTrajectoryContext(id, 'test_context')).toBeUndefined();
    expect(sona.endTrajectory(id, 0.85)).toBeUndefined();
    expect(JSON.parse(sona.getStats()).trajectories_buffered).toBe(1);
  });

  it('applyMicroLora and applyBaseLora answer plain arrays, equal to their input on a cold engine', () => {
    const sona = engine();
    const input = fill(64, 1.0);
    for (const output of [sona.applyMicroLora(input), sona.applyBaseLora(0, input)]) {
      expect(Array.isArray(output)).toBe(true);
      expect(output).toStrictEqual(input);
    }
  });

  it('tick answers null or a string', () => {
    const sona = engine();
    expect(sona.tick()).toBeNull();
    for (let i = 0; i < 100; i++) sona.endTrajectory(sona.beginTrajectory(noise(64, i)), 0.9);
    const message = sona.tick();
    expect(message === null || message.startsWith('Background cycle: ')).toBe(true);
  });

  it('forceLearn answers a string, whatever it is given', () => {
    const sona = engine();
    for (let i = 0; i < 12; i++) sona.endTrajectory(sona.beginTrajectory(noise(64, i)), 0.9);
    const message = (sona.forceLearn as (...args: unknown[]) => string).call(sona, 'now');
    expect(message).toMatch(/^Forced learning: 12 trajectories -> \d+ patterns/);
  });

  it('flush returns', () => {
    expect(() => engine().flush()).not.toThrow();
  });

  it('findPatterns answers an array of plain objects', () => {
    const sona = engine();
    expect(sona.findPatterns(fill(64, 0.5), 5)).toEqual([]);
    for (let i = 0; i < 10; i++) {
      const id = sona.beginTrajectory(fill(64, noise(1, i)[0] as number));
      sona.endTrajectory(id, 0.9);
    }
    sona.forceLearn();
    const patterns: JsLearnedPattern[] = sona.findPatterns(fill(64, 0.5), 5);
    expect(Array.isArray(patterns)).toBe(true);
    const {
      id,
      centroid,
      clusterSize,
      totalWeight,
      avgQuality,
      createdAt,
      lastAccessed,
      accessCount,
      patternType,
    } = patterns[0] as JsLearnedPattern;
    expect([typeof id, typeof createdAt, typeof lastAccessed, typeof patternType]).toEqual(
      fill(4, 0).map(() => 'string'),
    );
    expect([clusterSize, totalWeight, avgQuality, accessCount].every(Number.isFinite)).toBe(true);
    expect(new Float32Array(centroid)).toHaveLength(64);
    expect(Number(createdAt)).toBeCloseTo(Date.now() / 1000, -2);
    expect(sona.findPatterns(fill(64, 0.5), 0)).toEqual([]);
  });

  it('getStats answers JSON with the keys of the peer', () => {
    const sona = engine();
    const fresh = JSON.parse(sona.getStats());
    expect(fresh).toMatchObject({
      trajectories_recorded: 0,
      trajectories_buffered: 0,
      trajectories_dropped: 0,
      buffer_success_rate: 1,
      patterns_stored: 0,
      patterns_learned: 0,
      ewc_tasks: 0,
      instant_enabled: true,
      background_enabled: true,
    });
    for (const key of ['micro_updates', 'background_cycles', 'patterns_extracted', 'learning_cycles']) {
      expect(fresh[key], key).toBe(0);
    }
  });

  it('getStats counts what a full queue dropped', () => {
    const sona = opened(SonaEngine.withConfig({ hiddenDim: 8, trajectoryCapacity: 10 }));
    for (let i = 0; i < 25; i++) sona.endTrajectory(sona.beginTrajectory(noise(8, i)), 0.9);
    expect(JSON.parse(sona.getStats())).toMatchObject({
      trajectories_recorded: 25,
      trajectories_buffered: 10,
      trajectories_dropped: 15,
      buffer_success_rate: 0.4,
    });
  });

  it('setEnabled and isEnabled', () => {
    const sona = engine();
    sona.setEnabled(false);
    expect(sona.isEnabled()).toBe(false);
    const id = sona.beginTrajectory(fill(64, 0.1));
    expect(() => sona.endTrajectory(id, 0.9)).not.toThrow();
    sona.setEnabled(true);
    expect(sona.isEnabled()).toBe(true);
    expect(JSON.parse(sona.getStats()).trajectories_recorded).toBe(0);
  });
});

describe('programs', () => {
  it('five trajectories whose steps are their queries, a flush, and the adapter has moved', () => {
    const sona = opened(new SonaEngine(64));
    for (let i = 0; i < 5; i++) {
      const vector = noise(64, i);
      const id = sona.beginTrajectory(vector);
      sona.addTrajectoryStep(id, vector, [], 0.9);
      sona.endTrajectory(id, 0.9);
    }
    sona.flush();
    const output = sona.applyMicroLora(fill(64, 1.0));
    expect(sumOfChanges(output, fill(64, 1.0))).toBeGreaterThan(0.01);
    expect(output.some((x) => x !== 0)).toBe(true);
  });

  it.each([5, 50])('%i trajectories of three steps are not skipped', (count) => {
    const sona = opened(new SonaEngine(64));
    for (let i = 0; i < count; i++) {
      const id = sona.beginTrajectory(noise(64, i));
      for (let step = 0; step < 3; step++)
        sona.addTrajectoryStep(id, noise(64, 10 * i + step), fill(64, 0.5), 0.8);
      sona.endTrajectory(id, 0.8);
    }
    const message = sona.forceLearn();
    expect(message).not.toContain('skipped');
    expect(message).toContain(`${count} trajectories`);
  });

  it('an agent that learns a batch: route first, contexts as key:value, one step or none', () => {
    const sona = opened(SonaEngine.withConfig({ hiddenDim: 32, microLoraLr: 0.002, ewcLambda: 2000 }));
    for (let i = 0; i < 30; i++) {
      const id = sona.beginTrajectory(noise(32, i));
      sona.setTrajectoryRoute(id, `agent_${i % 3}`);
      sona.addTrajectoryContext(id, `task:${i}`);
      sona.addTrajectoryContext(id, 'type:anything');
      if (i % 2) sona.addTrajectoryStep(id, noise(32, 100 + i), fill(1, 1), 0.9);
      sona.endTrajectory(id, 0.5 + (i % 5) / 10);
    }
    expect(sona.forceLearn()).toContain('30 trajectories');
    expect(sona.findPatterns(noise(32, 3), 5).length).toBeGreaterThan(0);
    expect(sona.routes()).toHaveLength(3);
  });

  it('replays the same embeddings into a second engine', () => {
    const [first, second] = [opened(new SonaEngine(32)), opened(new SonaEngine(32))];
    const embeddings = Array.from({ length: 20 }, (_, i) => noise(32, i));
    for (const sona of [first, second]) {
      for (const embedding of embeddings) sona.endTrajectory(sona.beginTrajectory(embedding), 0.9);
      sona.forceLearn();
    }
    const counts = [first, second].map((sona) => JSON.parse(sona.getStats()).patterns_learned);
    expect(counts[0]).toBe(counts[1]);
    expect(counts[0]).toBeGreaterThan(0);
  });

  it('a store of knowledge: adapts to search, rewards from -1 to 1, finds the right document by its outcomes', () => {
    const figures = [1, 2, 3].map((seed) => {
      const sona = opened(new SonaEngine(32));
      const documents = Array.from({ length: 4 }, (_, i) => noise(32, 1_000 * seed + 50 + i));
      const question = (i: number) => noise(32, 1_000 * seed + (i % 4));
      // which document answers which question has nothing to do with their vectors
      const right = (i: number) => (i + 1) % 4;
      const search = (i: number) => {
        const searched = sona.applyMicroLora(question(i));
        const scores = documents.map((document) => cosine(searched, document));
        return scores.indexOf(Math.max(...scores));
      };
      const found = () => [0, 1, 2, 3].filter((i) => search(i) === right(i)).length / 4;
      const before = found();
      const pending = new Map<string, unknown>();
      for (let i = 0; i < 800; i++) {
        const document = i % 5 === 0 ? (i / 5) % 4 : search(i);
        const id = sona.beginTrajectory(question(i));
        sona.addTrajectoryStep(id, documents[document] as number[], [], document === right(i) ? 1 : -1);
        pending.set(`request ${i}`, id);
        sona.endTrajectory(pending.get(`request ${i}`) as number, 0.8);
        sona.tick();
      }
      sona.forceLearn();
      return [before, found()] as const;
    });
    figure('A, a store of knowledge', figures);
    for (const [before, after] of figures) expect(after).toBeGreaterThanOrEqual(Math.max(0.75, before));
    expect(figures.some(([before, after]) => after > before)).toBe(true);
  });

  it('a store of knowledge whose best document is the route', () => {
    const sona = opened(new SonaEngine(32));
    const right = () => [0, 1, 2, 3].filter((i) => sona.suggestRoutes(noise(32, i)).best === `document ${i}`);
    const before = right().length / 4;
    for (let i = 0; i < 40; i++) {
      const id = sona.beginTrajectory(noise(32, i % 4));
      sona.addTrajectoryStep(id, noise(32, 50 + (i % 4)), [], i % 3 === 0 ? -1 : 1);
      sona.setTrajectoryRoute(id, `document ${i % 4}`);
      sona.endTrajectory(id, 0.8);
      sona.tick();
    }
    figure('A, documents as routes', [[before, right().length / 4]]);
    expect([before, right().length]).toEqual([0, 4]);
  });
});
