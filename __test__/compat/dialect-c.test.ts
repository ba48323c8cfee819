// The tutorials of the crate's README: Node.js programs as they are, Rust and browser programs in their JavaScript names.
import { describe, expect, it } from 'vitest';
import { presets, SonaEngine } from '../../compat.ts';
import { cosine } from '../support/vectors.ts';
import { figure, fill, noise, opened, sumOfChanges } from './programs.ts';

const attention = fill(64, 1 / 64);

/** Counts of letters, as a unit vector. */
function bag(text: string, dim = 256): number[] {
  const counts = fill(dim, 0);
  for (let i = 0; i < text.length; i++) {
    const at = text.charCodeAt(i) % dim;
    counts[at] = (counts[at] as number) + 1;
  }
  const length = Math.hypot(...counts);
  return length === 0 ? counts : counts.map((count) => count / length);
}

describe('quick start', () => {
  it('in Node.js', () => {
    const engine = opened(new SonaEngine(256));
    const id = engine.beginTrajectory(fill(256, 0.1));
    engine.addTrajectoryStep(id, fill(256, 0.5), fill(64, 0.8), 0.9);
    engine.endTrajectory(id, 0.85);
    expect(engine.applyMicroLora(fill(256, 0.2))).toHaveLength(256);
    expect(JSON.parse(engine.getStats()).trajectories_buffered).toBe(1);
  });

  it('by the builder', () => {
    const engine = opened(SonaEngine.builder().hiddenDim(256).build());
    const id = engine.beginTrajectory(fill(256, 0.1));
    engine.addTrajectoryStep(id, fill(256, 0.5), [], 0.9);
    engine.endTrajectory(id, 0.85);
    expect(engine.applyMicroLora(fill(256, 0.2))).toHaveLength(256);
  });

  it('by the older spelling of every setting', () => {
    const engine = SonaEngine.withConfig({
      hidden_dim: 64,
      embedding_dim: 64,
      micro_lora_rank: 2,
      base_lora_rank: 8,
      micro_lora_lr: 0.002,
      base_lora_lr: 0.0001,
      ewc_lambda: 2000,
      pattern_clusters: 100,
      trajectory_capacity: 10000,
      background_interval_ms: 3600000,
      quality_threshold: 0.3,
      enable_simd: true,
    } as never);
    expect(opened(engine).applyMicroLora(fill(64, 1))).toHaveLength(64);
  });
});

describe('tutorials', () => {
  it('1, first application: a hundred trajectories, a tick after each, and applying changes a vector', () => {
    const engine = opened(
      SonaEngine.builder()
        .config({ microLoraRank: 2, microLoraLr: 0.002, patternClusters: 100, ewcLambda: 2000 })
        .build(),
    );
    for (let i = 0; i < 100; i++) {
      const query = Array.from({ length: 256 }, (_, j) => Math.sin((256 * i + j) / 1000));
      const id = engine.beginTrajectory(query);
      engine.addTrajectoryStep(id, query.map(Math.tanh), attention, 0.8);
      engine.endTrajectory(id, i % 10 < 7 ? 0.9 : 0.3);
      engine.tick();
    }
    expect(JSON.parse(engine.getStats()).trajectories_recorded).toBe(100);
    const input = fill(256, 0.5);
    // a cycle moves what was learned from the per-request adapter to the background one
    const output = engine.applyBaseLora(0, engine.applyMicroLora(input));
    expect(sumOfChanges(output, input)).toBeGreaterThan(0.0847);
    expect(sumOfChanges(engine.applyLora(input), input)).toBeGreaterThan(0.0847);
  });

  it('2, an adaptive chatbot: answers, hears whether it helped, learns at once when it did not', () => {
    const engine = opened(SonaEngine.builder().config(presets.maxQuality).hiddenDim(256).build());
    let current: unknown = null;
    const respond = (message: string) => {
      const embedding = bag(message);
      const id = engine.beginTrajectory(embedding);
      const optimized = engine.applyMicroLora(embedding);
      const intent =
        optimized.slice(0, 10).reduce((sum, number) => sum + number, 0) > 0 ? 'question' : 'statement';
      engine.addTrajectoryStep(id, optimized.map(Math.tanh), attention, 0.8);
      current = id;
      return `${intent} ${Math.floor(Math.abs(optimized[0] as number) * 10) % 3}`;
    };
    const feedback = (helpful: boolean) => {
      if (current === null) return;
      engine.endTrajectory(current as number, helpful ? 0.95 : 0.2);
      current = null;
      if (!helpful) expect(engine.forceLearn()).toMatch(/^Forced learning: \d+ trajectories/);
    };
    const messages = ['Hello!', 'How do I reset it?', 'That is wrong', 'No, the other one', 'Thanks', 'Bye'];
    messages.forEach((message, i) => {
      expect(respond(message)).toMatch(/^(question|statement) [012]$/);
      feedback(i !== 2 && i !== 3);
    });
    expect(JSON.parse(engine.getStats())).toMatchObject({ trajectories_recorded: 6, background_cycles: 2 });
  });

  it('2, the same for longer: messages that were answered well come nearer to their answers than the others', () => {
    const messages = ['Hello!', 'How do I reset it?', 'That is wrong', 'No, the other one', 'Thanks', 'Bye'];
    const helpful = (i: number) => i !== 2 && i !== 3;
    const figures = [1, 2, 3].map((seed) => {
      const engine = opened(
        SonaEngine.builder().config(presets.maxQuality).hiddenDim(256).seed(seed).build(),
      );
      const answers = messages.map((_, i) => noise(256, 10 * seed + i));
      const apart = () => {
        const near = messages.map((message, i) =>
          cosine(engine.applyMicroLora(bag(message)), answers[i] as number[]),
        );
        const mean = (good: boolean) => {
          const those = near.filter((_, i) => helpful(i) === good);
          return those.reduce((sum, each) => sum + each, 0) / those.length;
        };
        return mean(true) - mean(false);
      };
      const before = apart();
      for (let n = 0; n < 300; n++) {
        const i = n % messages.length;
        const id = engine.beginTrajectory(bag(messages[i] as string));
        engine.addTrajectoryStep(id, answers[i] as number[], attention, 0.8);
        engine.endTrajectory(id, helpful(i) ? 0.95 : 0.2);
        if (n % 100 === 99) engine.forceLearn();
      }
      return [before, apart()] as const;
    });
    figure('C, a chatbot: cosine with answers that helped minus that with others', figures);
    for (const [before, after] of figures) expect(after - before).toBeGreaterThan(0.05);
  });

  it('3, a router of models: outcomes told after the fact, a score from patterns', () => {
    const engine = opened(SonaEngine.builder().config(presets.maxThroughput).hiddenDim(256).build());
    const models = [
      { name: 'fast', cost: 0.001 },
      { name: 'cheap', cost: 0.002 },
      { name: 'good', cost: 0.03 },
      { name: 'best', cost: 0.06 },
    ];
    const kinds = [0.1, 0.5, 0.9];
    const embed = (kind: number, n: number) =>
      noise(256, n).map((x, i) => (i % 3 === kind ? 1 : 0) + 0.1 * x);
    const route = (query: number[]) => {
      const optimized = engine.applyMicroLora(query);
      const patterns = engine.findPatterns(optimized, 3);
      const score = ({ name, cost }: { name: string; cost: number }) =>
        patterns
          .filter(({ similarity }) => similarity > 0.8)
          .reduce((sum, { routes, similarity }) => sum + (routes[name]?.avgQuality ?? 0.3) * similarity, 0) -
        0.1 * cost;
      return models.reduce((best, model) => (score(model) > score(best) ? model : best));
    };
    const quality = (name: string, kind: number) => (name === ['fast', 'good', 'best'][kind] ? 0.9 : 0.4);
    const choices = () => kinds.map((_, kind) => route(embed(kind, 1_000 + kind)).name);
    const right = () => choices().filter((name, kind) => name === ['fast', 'good', 'best'][kind]).length / 3;
    const before = right();
    for (let n = 0; n < 300; n++) {
      const kind = n % kinds.length;
      const query = embed(kind, n);
      const chosen = n < 100 ? (models[Math.floor(n / 3) % 4] as (typeof models)[number]) : route(query);
      const outcome = quality(chosen.name, kind);
      const id = engine.beginTrajectory(query);
      const activations = fill(256, 0);
      activations.splice(0, 3, outcome, chosen.cost, 0.2);
      engine.addTrajectoryStep(id, activations, attention, outcome);
      engine.setTrajectoryRoute(id, chosen.name);
      engine.endTrajectory(id, outcome);
      if (n % 100 === 99) engine.forceLearn();
    }
    figure('C, a router of models by patterns', [[before, right()]]);
    expect(choices()).toEqual(['fast', 'good', 'best']);
    expect(before).toBeLessThan(0.5);
  });

  it('4, a page: the id stands in an attribute, the outcome comes from a handler', () => {
    const engine = opened(new SonaEngine(256));
    const respond = (message: string) => {
      const embedding = bag(message);
      const id = engine.beginTrajectory(Array.from(embedding));
      engine.addTrajectoryStep(id, engine.applyMicroLora(embedding).map(Math.tanh), attention, 0.8);
      return `<button onclick="recordFeedback(${id}, true)">good</button>`;
    };
    const recordFeedback = (id: number, helpful: boolean) => {
      engine.endTrajectory(id, helpful ? 0.95 : 0.2);
      if (engine.tick()) expect(JSON.parse(engine.getStats()).background_cycles).toBeGreaterThan(0);
    };
    for (const message of ['one', 'two', 'three']) {
      const [, id, helpful] = /recordFeedback\((\d+), (true|false)\)/.exec(respond(message)) ?? [];
      recordFeedback(Number(id), helpful === 'true');
    }
    const { patterns_stored, background_cycles, trajectories_recorded } = JSON.parse(engine.getStats());
    expect([patterns_stored, background_cycles, trajectories_recorded]).toEqual([0, 0, 3]);
  });

  it('5, a backend: sessions of JSON, feedback in another request, learning on request', () => {
    const engine = opened(
      SonaEngine.withConfig({
        hiddenDim: 256,
        microLoraRank: 2,
        microLoraLr: 0.002,
        patternClusters: 100,
        ewcLambda: 2000,
        qualityThreshold: 0.3,
      }),
    );
    const sessions = new Map<string, string>();
    const query = (session: string, text: string) => {
      const embedding = bag(text);
      const trajId = engine.beginTrajectory(embedding);
      const optimized = engine.applyMicroLora(embedding);
      const patterns = engine.findPatterns(optimized, 3).map(({ avgQuality, clusterSize, patternType }) => ({
        avgQuality,
        clusterSize,
        patternType,
      }));
      engine.addTrajectoryStep(trajId, optimized.map(Math.tanh), attention, 0.8);
      // a store outside of the process
      sessions.set(session, JSON.stringify({ trajId }));
      return JSON.parse(JSON.stringify({ optimized, patterns })) as {
        optimized: number[];
        patterns: unknown[];
      };
    };
    const feedback = (session: string, helpful: boolean, quality?: number) => {
      const { trajId } = JSON.parse(sessions.get(session) ?? '{}') as { trajId: number };
      engine.endTrajectory(trajId, quality ?? (helpful ? 0.9 : 0.2));
      return { learned: engine.tick() !== null };
    };
    for (let n = 0; n < 12; n++) {
      const { optimized } = query(`session ${n}`, `question number ${n % 3}`);
      expect(Array.isArray(optimized)).toBe(true);
      expect(feedback(`session ${n}`, n % 4 !== 0, n === 5 ? 0.7 : undefined)).toEqual({ learned: false });
    }
    expect(engine.forceLearn()).toContain('12 trajectories');
    expect(JSON.parse(engine.getStats()).patterns_stored).toBeGreaterThan(0);
    expect(query('later', 'question number 1').patterns.length).toBeGreaterThan(0);
    expect(engine.isEnabled()).toBe(true);
  });

  it('6, in production: steps and ends come later, from other tasks', async () => {
    const engine = opened(new SonaEngine(256));
    const process = (text: string) => {
      const embedding = bag(text);
      const id = engine.beginTrajectory(embedding);
      const optimized = engine.applyMicroLora(embedding);
      const quality = engine
        .findPatterns(optimized, 5)
        .map(({ avgQuality, clusterSize }) => avgQuality * clusterSize);
      return { id: Number(id), quality };
    };
    const started = Array.from({ length: 30 }, (_, n) => process(`request ${n}`));
    await Promise.all(
      started.map(async ({ id }, n) => {
        await new Promise((resolve) => setTimeout(resolve, n % 3));
        engine.addTrajectoryStep(id, bag(`answer ${n}`), attention, 0.9);
        await new Promise((resolve) => setTimeout(resolve, n % 2));
        engine.endTrajectory(id, 0.8);
      }),
    );
    expect(engine.forceLearn()).toContain('30 trajectories');
    expect(engine.getStats()).toContain('"trajectories_recorded":30');
  });

  it('7, troubleshooting: what is an error there is one here, a lower threshold shows more', () => {
    expect(() => opened(new SonaEngine(256)).applyMicroLora(fill(512, 1))).toThrow(
      'expected 256 numbers, got 512',
    );
    const shown = [0.1, 0.7].map((qualityThreshold) => {
      const engine = opened(SonaEngine.withConfig({ hiddenDim: 32, qualityThreshold }));
      for (let n = 0; n < 40; n++)
        engine.endTrajectory(engine.beginTrajectory(noise(32, n % 8)), (n % 8) / 8);
      engine.forceLearn();
      expect(JSON.parse(engine.getStats()).trajectories_buffered).toBe(0);
      return engine.findPatterns(noise(32, 1), 100).length;
    });
    expect(shown[0]).toBeGreaterThan(shown[1] as number);
  });
});
