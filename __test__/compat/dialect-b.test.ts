// Programs for the npm README and its examples: builder objects, typed arrays.
import { describe, expect, it } from 'vitest';
import {
  type LearnedPattern,
  PatternType,
  type SonaConfig,
  SonaEngine,
  type TrajectoryBuilder,
} from '../../compat.ts';
import { figure, fill, noise, opened, sumOfChanges } from './programs.ts';

const wide = (numbers: number[]) => Float64Array.from(numbers);

describe('each call', () => {
  it('beginTrajectory, builder.addStep, builder.setRoute, builder.addContext, endTrajectory', () => {
    const engine = opened(new SonaEngine(512));
    const builder: TrajectoryBuilder = engine.beginTrajectory(wide(noise(512, 1)));
    builder.addStep(wide(noise(512, 2)), wide(noise(64, 3)), 0.8);
    builder.setRoute('model_a');
    builder.addContext('context_1');
    builder.addStep(wide(noise(512, 4)), wide(noise(128, 5)), 0.9);
    engine.endTrajectory(builder, 0.85);
    expect(JSON.parse(engine.getStats()).trajectories_buffered).toBe(1);
  });

  it('applyMicroLora and applyBaseLora answer Float64Arrays', () => {
    const engine = opened(new SonaEngine(64));
    expect(engine.applyMicroLora(wide(noise(64, 1)))).toBeInstanceOf(Float64Array);
    expect(engine.applyBaseLora(0, wide(noise(64, 1)))).toBeInstanceOf(Float64Array);
  });

  it('PatternType compares with what patterns have', () => {
    const engine = opened(new SonaEngine(64));
    const builder = engine.beginTrajectory(noise(64, 1));
    builder.addContext('type:CodeGen');
    engine.endTrajectory(builder, 0.9);
    engine.forceLearn();
    const [pattern] = engine.findPatterns(noise(64, 1), 3);
    expect(pattern?.patternType === PatternType.CodeGen && (pattern?.avgQuality ?? 0) > 0.8).toBe(true);
    expect(Object.values(PatternType)).toEqual([
      'General',
      'Reasoning',
      'Factual',
      'Creative',
      'CodeGen',
      'Conversational',
    ]);
  });
});

describe('programs', () => {
  it('quick start: two steps, forced learning, similar patterns', () => {
    const config: SonaConfig = {
      hiddenDim: 512,
      microLoraRank: 2,
      baseLoraRank: 16,
      microLoraLr: 0.002,
      qualityThreshold: 0.7,
    };
    const engine = opened(SonaEngine.withConfig(config));
    const query = wide(noise(512, 1));
    const builder = engine.beginTrajectory(query);
    builder.addStep(wide(noise(512, 2)), wide(noise(512, 3)), 0.8);
    builder.addStep(wide(noise(512, 4)), wide(noise(512, 5)), 0.9);
    engine.endTrajectory(builder, 0.85);
    const enhanced = engine.applyMicroLora(wide(noise(512, 6)));
    expect(enhanced).toHaveLength(512);
    expect(sumOfChanges(engine.applyMicroLora(query), query)).toBeGreaterThan(0);
    expect(engine.forceLearn()).toContain('1 trajectories -> 1 patterns');
    const [pattern] = engine.findPatterns(query, 5);
    expect(pattern?.avgQuality).toBeCloseTo(0.85, 3);
    expect(`${pattern?.id}: ${pattern?.clusterSize}`).toMatch(/^\d+: 1$/);
  });

  it('an adaptive model: each layer adapted and told, tick after each prompt', () => {
    const dim = 256;
    const engine = opened(
      SonaEngine.withConfig({
        hiddenDim: dim,
        microLoraRank: 2,
        baseLoraRank: 16,
        microLoraLr: 0.002,
        qualityThreshold: 0.7,
        backgroundIntervalMs: 1800000,
      }),
    );
    for (let prompt = 0; prompt < 20; prompt++) {
      const builder = engine.beginTrajectory(wide(noise(dim, prompt)));
      let activations = wide(noise(dim, 100 + prompt));
      for (let layer = 0; layer < 8; layer++) {
        const adapted = engine.applyMicroLora(activations);
        builder.addStep(activations, wide(noise(64, layer)), 0.5 + layer / 20);
        activations = adapted.map(Math.tanh);
      }
      engine.endTrajectory(builder, 0.6 + prompt / 100);
      const status = engine.tick();
      if (status) expect(status).toContain('Background cycle');
    }
    expect(JSON.parse(engine.getStats())).toMatchObject({ trajectories_recorded: 20, micro_updates: 160 });
  });

  it('routes by patterns', () => {
    const engine = opened(new SonaEngine(64));
    const right = () =>
      Number(route(noise(64, 0)) === 'reasoning-model') + Number(route(noise(64, 1)) === 'code-model');
    const before = right() / 2;
    for (let i = 0; i < 20; i++) {
      const builder = engine.beginTrajectory(noise(64, i % 2));
      builder.addContext(i % 2 ? 'type:CodeGen' : 'type:Reasoning');
      engine.endTrajectory(builder, 0.9);
    }
    engine.forceLearn();
    function route(query: number[]) {
      const patterns: LearnedPattern[] = engine.findPatterns(query, 3);
      const [pattern] = patterns;
      if (!pattern) return 'default';
      if (pattern.patternType === 'CodeGen' && pattern.avgQuality > 0.8) return 'code-model';
      return pattern.patternType === 'Reasoning' ? 'reasoning-model' : 'default';
    }
    figure('B, patterns that say the model', [[before, right() / 2]]);
    expect([before, right()]).toEqual([0, 2]);
  });

  it('watches its statistics and learns when enough waits', () => {
    const engine = opened(SonaEngine.withConfig({ hiddenDim: 32, backgroundEvery: 1_000 }));
    for (let i = 0; i < 101; i++) engine.endTrajectory(engine.beginTrajectory(noise(32, i)), 0.9);
    const stats = JSON.parse(engine.getStats());
    expect([
      stats.trajectories_buffered,
      stats.patterns_learned,
      stats.micro_updates,
      stats.background_cycles,
    ]).toEqual([101, 0, 0, 0]);
    if (stats.trajectories_buffered > 100) expect(engine.forceLearn()).toContain('101 trajectories');
    expect(JSON.parse(engine.getStats())).toMatchObject({ trajectories_buffered: 0, background_cycles: 1 });
  });

  it('basic usage: attention of another length, routes, contexts, patterns before any cycle', () => {
    const engine = opened(new SonaEngine(256));
    for (let i = 0; i < 10; i++) {
      const builder = engine.beginTrajectory(wide(noise(256, i)));
      for (let step = 0; step < 3; step++) {
        builder.addStep(wide(noise(256, 10 * i + step)), wide(noise(64, step)), 0.7 + 0.1 * step);
      }
      builder.setRoute(`model_${i % 3}`);
      builder.addContext(`context_${i}`);
      engine.endTrajectory(builder, 0.75 + i / 40);
    }
    expect(engine.applyMicroLora(wide(fill(256, 1)))).toHaveLength(256);
    expect(engine.findPatterns(wide(noise(256, 99)), 5).length).toBeGreaterThanOrEqual(0);
    expect(engine.getStats()).toContain('"trajectories_recorded":10');
    expect(engine.forceLearn()).toContain('10 trajectories');
    expect(engine.routes().map(({ name }) => name)).toEqual(['model_0', 'model_1', 'model_2']);
  });

  it('custom config: all twelve keys, toggled off and on', () => {
    const engine = opened(
      SonaEngine.withConfig({
        hiddenDim: 512,
        embeddingDim: 512,
        microLoraRank: 2,
        baseLoraRank: 16,
        microLoraLr: 0.002,
        baseLoraLr: 0.0002,
        ewcLambda: 500,
        patternClusters: 100,
        trajectoryCapacity: 5000,
        backgroundIntervalMs: 1800000,
        qualityThreshold: 0.7,
        enableSimd: true,
      }),
    );
    for (let i = 0; i < 20; i++) {
      const builder = engine.beginTrajectory(wide(noise(512, i)));
      for (let step = 0; step < 5; step++) {
        builder.addStep(wide(noise(512, 100 + 10 * i + step)), wide(noise(128, step)), 0.8 + 0.04 * step);
      }
      builder.setRoute(`high_quality_model_${i % 4}`);
      engine.endTrajectory(builder, 0.85 + i / 140);
    }
    const input = wide(fill(512, 1));
    expect([engine.applyMicroLora(input).length, engine.applyBaseLora(0, input).length]).toEqual([512, 512]);
    engine.forceLearn();
    const top = engine.findPatterns(wide(noise(512, 3)), 10).slice(0, 3);
    for (const pattern of top) {
      expect(
        `${pattern.id} ${pattern.avgQuality.toFixed(3)} ${pattern.clusterSize} ${pattern.patternType}`,
      ).toMatch(/^\d+ 0\.[89]\d+ \d+ General$/);
    }
    expect(top.length).toBeGreaterThan(0);
    const states = [engine.isEnabled()];
    for (const on of [false, true]) {
      engine.setEnabled(on);
      states.push(engine.isEnabled());
    }
    expect(states).toEqual([true, false, true]);
  });

  it('an integration of 32 layers at 4,096 dimensions', { timeout: 60_000 }, () => {
    const dim = 4096;
    const engine = opened(
      SonaEngine.withConfig({
        hiddenDim: dim,
        microLoraRank: 2,
        baseLoraRank: 8,
        microLoraLr: 0.001,
        ewcLambda: 1000,
      }),
    );
    for (let prompt = 0; prompt < 4; prompt++) {
      const embedding = wide(noise(dim, prompt));
      const builder = engine.beginTrajectory(embedding);
      let hidden = wide(noise(dim, 10 + prompt));
      for (let layer = 0; layer < 32; layer++) {
        hidden = engine.applyMicroLora(hidden).map(Math.tanh);
        builder.addStep(hidden, wide(noise(64, layer)), 0.5 + layer / 64);
      }
      builder.setRoute('main_model');
      builder.addContext(`prompt number ${prompt}, all of it`);
      engine.endTrajectory(builder, 0.6 + prompt / 10);
      engine.tick();
    }
    expect(engine.forceLearn()).toContain('4 trajectories');
    const patterns = engine.findPatterns(wide(noise(dim, 1)), 5);
    for (const { avgQuality, patternType, clusterSize } of patterns) {
      expect(`${avgQuality.toFixed(2)} ${patternType} ${clusterSize}`).toMatch(/^0\.[6-9]\d General \d$/);
    }
    expect(patterns.length).toBeGreaterThan(0);
  });
});
