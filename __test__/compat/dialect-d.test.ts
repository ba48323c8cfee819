// Programs for the older documents: positional settings, startTrajectory, recordStep, learnFromFeedback.
import { describe, expect, it } from 'vitest';
import { LearningSignal, SonaEngine } from '../../compat.ts';
import { settingsOf } from '../support/engines.ts';
import { cosine } from '../support/vectors.ts';
import { figure, fill, noise, opened } from './programs.ts';

describe('each call', () => {
  it('new SonaEngine()', () => {
    expect(opened(new SonaEngine()).applyLora(fill(256, 1))).toHaveLength(256);
  });

  it('SonaEngine.withConfig(microLoraRank, baseLoraRank, trajectoryBufferSize, ewcLambda)', () => {
    const engine = opened(SonaEngine.withConfig(1, 8, 5000, 0.4));
    expect(settingsOf(engine)).toMatchObject({
      hiddenDim: 256,
      microLoraRank: 1,
      baseLoraRank: 8,
      trajectoryCapacity: 5000,
      ewcLambda: 1000,
    });
    for (const [older, lambda] of [
      [0, 0],
      [0.3, 750],
      [1, 2500],
      [400, 400],
      [2000, 2000],
    ] as const) {
      expect(settingsOf(opened(SonaEngine.withConfig(2, 16, 10000, older))).ewcLambda).toBeCloseTo(lambda, 6);
    }
    expect(settingsOf(opened(SonaEngine.withConfig({ ewcLambda: 0.4 }))).ewcLambda).toBe(0.4);
  });

  it('startTrajectory, recordStep, endTrajectory', () => {
    const engine = opened(new SonaEngine());
    const id = engine.startTrajectory(fill(256, 0.1));
    expect(id).toBeTypeOf('number');
    engine.recordStep(id, 42, 0.85, 150);
    engine.recordStep(id, 'node-17', 0.92, 0);
    engine.endTrajectory(id, 0.9);
    expect(engine.stats().trajectoriesRecorded).toBe(1);
  });

  it('learnFromFeedback with three values and with a signal', () => {
    const engine = opened(new SonaEngine());
    expect(engine.learnFromFeedback(true, 50, 0.95).applied).toBe(false);
    engine.endTrajectory(engine.startTrajectory(fill(256, 0.1)), 0.5);
    expect(engine.learnFromFeedback(true, 50, 0.95).applied).toBe(true);
    for (const signal of [
      LearningSignal.fromFeedback(false, 50, 0.9),
      LearningSignal.positive(40, 0.95),
      LearningSignal.negative(40, 0.2),
      LearningSignal.negative(40, 0.4),
    ]) {
      expect(engine.learnFromFeedback(signal).applied).toBe(true);
    }
    expect(engine.stats().averageQuality).toBeCloseTo(0.4, 4);
  });

  it('LearningSignal.fromTrajectory', () => {
    const engine = opened(new SonaEngine());
    const id = engine.startTrajectory(fill(256, 0.1));
    engine.endTrajectory(id, 0.5);
    expect(engine.learnFromFeedback(LearningSignal.fromTrajectory(id, 0.9)).applied).toBe(true);
  });

  it('applyLora', () => {
    const engine = opened(new SonaEngine());
    expect(engine.applyLora(fill(256, 1.0))).toEqual(fill(256, 1.0));
  });

  it('runInstantCycle, runBackgroundCycle', () => {
    const engine = opened(new SonaEngine());
    engine.endTrajectory(engine.startTrajectory(fill(256, 0.1)), 0.5);
    engine.runInstantCycle();
    engine.runBackgroundCycle();
    expect(JSON.parse(engine.getStats())).toMatchObject({ learning_cycles: 1, patterns_extracted: 1 });
  });

  it('queryPatterns', () => {
    const engine = opened(new SonaEngine());
    engine.endTrajectory(engine.startTrajectory(fill(256, 0.1)), 0.9);
    engine.runBackgroundCycle();
    const [pattern] = engine.queryPatterns(fill(256, 0.3), 5);
    expect(pattern).toMatchObject({ clusterSize: 1, similarity: expect.closeTo(1, 4) });
    expect(pattern?.avgQuality).toBeCloseTo(0.9, 3);
    expect(pattern?.centroid).toHaveLength(256);
  });

  it('stats', () => {
    const { trajectoriesRecorded, patternsExtracted, learningCycles } = opened(new SonaEngine()).stats();
    expect([trajectoriesRecorded, patternsExtracted, learningCycles]).toEqual([0, 0, 0]);
  });
});

describe('programs', () => {
  it('quick start', () => {
    const engine = opened(SonaEngine.withConfig(2, 16, 10000, 0.4));
    const id = engine.startTrajectory(fill(256, 0.1));
    engine.recordStep(id, 42, 0.85, 150);
    engine.recordStep(id, 17, 0.92, 120);
    engine.endTrajectory(id, 0.9);
    engine.learnFromFeedback(true, 50.0, 0.95);
    expect(engine.applyLora(fill(256, 1.0))).toHaveLength(256);
    expect(JSON.parse(engine.getStats()).trajectories_recorded).toBe(1);
  });

  it('a router: a step per model, feedback later; queries move, and the right model is known', () => {
    const margins: [number, number][] = [];
    const choices: [number, number][] = [];
    for (const seed of [1, 2, 3]) {
      const engine = opened(new SonaEngine());
      const kinds = [0, 1, 2].map((kind) => noise(256, 100 * seed + kind));
      const query = (n: number) => {
        const own = noise(256, 10_000 * seed + n);
        return (kinds[n % 3] as number[]).map((number, i) => number + 0.5 * (own[i] as number));
      };
      const unseen = Array.from({ length: 30 }, (_, n) => 5_000 + n);
      // how much nearer an unseen query is to its own kind than to the others, once adapted
      const margin = () => {
        const each = unseen.map((n) => {
          const adapted = engine.applyMicroLora(query(n));
          const near = kinds.map((kind) => cosine(adapted, kind));
          return 1.5 * (near[n % 3] as number) - near.reduce((sum, number) => sum + number / 2, 0);
        });
        return each.reduce((sum, number) => sum + number, 0) / each.length;
      };
      const right = () =>
        unseen.filter((n) => engine.suggestRoutes(query(n)).best === `${n % 3}`).length / 30;
      const before = [margin(), right()] as const;
      for (let n = 0; n < 300; n++) {
        const model = Math.floor(n / 3) % 4;
        const id = engine.startTrajectory(query(n));
        expect(engine.applyLora(query(n))).toHaveLength(256);
        engine.recordStep(id, model, 0.5 + model / 10, 200 + n);
        engine.endTrajectory(id, 0.7);
        const good = model === n % 3;
        engine.learnFromFeedback(LearningSignal.fromFeedback(good, 100 + n, good ? 0.9 : 0.2));
        if (n % 100 === 99) engine.runBackgroundCycle();
      }
      margins.push([before[0], margin()]);
      choices.push([before[1], right()]);
      const patterns = engine.findPatterns(query(1), 50, { minQuality: 0 });
      const nodes = new Set(patterns.flatMap((pattern) => Object.keys(pattern.nodes)));
      expect([...nodes].sort()).toEqual(['0', '1', '2', '3']);
      for (const { avgLatencyMs } of patterns) expect(avgLatencyMs).toBeGreaterThanOrEqual(100);
    }
    figure('D, a router by nodes: margin of applyMicroLora', margins);
    figure('D, a router by nodes: share of right models', choices);
    for (const [before, after] of margins) expect(after - before).toBeGreaterThan(0.006);
    for (const [before, after] of choices) {
      expect(before).toBe(0);
      expect(after).toBeGreaterThan(0.9);
    }
  });

  it('thumbs up, thumbs down, regenerate, before anything was told', () => {
    const engine = opened(new SonaEngine());
    for (const signal of [
      LearningSignal.positive(120, 0.95),
      LearningSignal.negative(120, 0.2),
      LearningSignal.negative(120, 0.4),
    ]) {
      expect(engine.learnFromFeedback(signal)).toMatchObject({ applied: false, reason: 'no-trajectory' });
    }
  });

  it('several models for one request', () => {
    const engine = opened(new SonaEngine());
    const id = engine.startTrajectory(noise(256, 1));
    const scores = [0.7, 0.9, 0.8];
    scores.forEach((score, model) => {
      engine.recordStep(id, model, score, 100 * (model + 1));
    });
    engine.endTrajectory(id, Math.max(...scores));
    engine.runBackgroundCycle();
    expect(engine.queryPatterns(noise(256, 1), 1)[0]?.nodes).toMatchObject({
      0: { avgScore: expect.closeTo(0.7, 4), avgLatencyUs: 100 },
      1: { avgScore: expect.closeTo(0.9, 4), avgLatencyUs: 200 },
      2: { avgScore: expect.closeTo(0.8, 4), avgLatencyUs: 300 },
    });
  });

  it('a comparison of two variants', () => {
    const engine = opened(new SonaEngine());
    for (let n = 0; n < 40; n++) {
      const query = noise(256, n);
      const id = engine.startTrajectory(query);
      const variant = (engine.applyLora(query)[0] as number) > 0.5 ? 1 : 0;
      engine.recordStep(id, variant, 0.5, 10);
      engine.endTrajectory(id, variant === 1 ? 0.8 : 0.4);
    }
    expect(engine.stats().trajectoriesRecorded).toBe(40);
  });

  it('recommendations: no latency, quality 0 or 1', () => {
    const engine = opened(new SonaEngine());
    for (let n = 0; n < 40; n++) {
      const engaged = n % 3 === 0;
      const id = engine.startTrajectory(noise(256, n % 5));
      engine.recordStep(id, n % 5, 0.9, 0);
      engine.endTrajectory(id, engaged ? 1.0 : 0.0);
      engine.learnFromFeedback(LearningSignal.fromFeedback(engaged, 0.0, engaged ? 0.9 : 0.1));
    }
    engine.runBackgroundCycle();
    expect(engine.queryPatterns(noise(256, 2), 3).length).toBeGreaterThan(0);
  });

  it.each([100, 1_000])(
    'tutorial 1: %i trajectories of three steps, a background cycle every hundred',
    (count) => {
      const engine = opened(new SonaEngine());
      for (let i = 0; i < count; i++) {
        const id = engine.startTrajectory(noise(256, i));
        for (let step = 0; step < 3; step++) engine.recordStep(id, step, 0.5 + step / 4, 50 + 50 * step);
        const quality = 0.6 + 0.4 * ((i % 10) / 10);
        engine.endTrajectory(id, quality);
        engine.learnFromFeedback(LearningSignal.fromFeedback(i % 10 < 7, 100, quality));
        if (i % 100 === 99) engine.runBackgroundCycle();
      }
      const { trajectories_recorded, patterns_extracted, learning_cycles } = JSON.parse(engine.getStats());
      expect(trajectories_recorded).toBe(count);
      expect(patterns_extracted).toBeGreaterThan(0);
      expect(learning_cycles).toBeGreaterThanOrEqual(count / 100);
      // the step with the best score is the route of every query: there is nothing to choose, and so nothing to move
      expect(engine.suggestRoutes(noise(256, 1)).best).toBe('2');
    },
  );

  it('tutorial 2: a background cycle every while, beside the requests', async () => {
    const engine = opened(SonaEngine.withConfig(1, 8, 1000, 0.3));
    const clock = setInterval(() => engine.runBackgroundCycle(), 5);
    for (let i = 0; i < 50; i++) {
      engine.endTrajectory(engine.startTrajectory(noise(256, i)), 0.8);
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 6));
    }
    clearInterval(clock);
    engine.runBackgroundCycle();
    expect(engine.stats()).toMatchObject({ trajectoriesLearned: 50, failedCycles: 0 });
  });

  it('tutorial 3: asks for patterns', () => {
    const engine = opened(new SonaEngine());
    for (let i = 0; i < 50; i++) engine.endTrajectory(engine.startTrajectory(noise(256, i)), 0.9);
    engine.runBackgroundCycle();
    const patterns = engine.queryPatterns(fill(256, 0.3), 5);
    expect(patterns.length).toBeGreaterThan(0);
    for (const { avgQuality, accessCount, centroid } of patterns) {
      expect(avgQuality).toBeCloseTo(0.9, 3);
      expect(accessCount).toBe(1);
      expect(centroid.length).toBe(256);
    }
  });

  it('in a browser, with Float32Arrays', () => {
    const engine = opened(new SonaEngine(256));
    const id = engine.startTrajectory(Float32Array.from(fill(256, 0.1)));
    engine.recordStep(id, 42, 0.85, 150);
    engine.endTrajectory(id, 0.9);
    engine.learnFromFeedback(true, 50, 0.95);
    expect(engine.applyLora(Float32Array.from(fill(256, 1)))).toBeInstanceOf(Float32Array);
    expect(engine.getStats()).toContain('trajectories_recorded');
  });
});
