import { describe, expect, it } from 'vitest';
import { presets, type SonaEngine, type SonaMemory } from '../index.ts';
import { manual } from './support/engines.ts';
import { engines, keep as opened } from './support/fixture.ts';

const DIM = 16;

const make = engines({ hiddenDim: DIM, promotionGate: false });

function vector(n: number, length = DIM): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin((n * 31 + i * 17) * 0.37));
}

function teach(engine: SonaEngine, count: number, source = 'somebody') {
  engine.addRoute('a', { embedding: vector(900) });
  engine.addRoute('b', { embedding: vector(901) });
  for (let n = 0; n < count; n++) {
    const trajectory = engine.beginTrajectory(vector(n)).setRoute(n % 2 ? 'a' : 'b');
    engine.endTrajectory(trajectory, (n % 3) / 2, { source });
  }
}

const total = (memory: SonaMemory) => Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);

describe('memory', () => {
  it('says how many bytes each part takes', () => {
    const memory = make().memory();
    expect(Object.keys(memory).sort()).toEqual([
      'adapters',
      'episodes',
      'items',
      'patterns',
      'routes',
      'suggestions',
      'trajectories',
      'versions',
    ]);
    for (const bytes of Object.values(memory)) {
      expect(Number.isInteger(bytes)).toBe(true);
      expect(bytes).toBeGreaterThanOrEqual(0);
    }
    expect(memory.adapters).toBeGreaterThan(10_000);
  });

  it('stays under 5 MB where little was asked for', () => {
    const engine = opened(manual({ ...presets.edgeDeployment, hiddenDim: 256 }));
    const x = (n: number) => vector(n, 256);
    for (let n = 0; n < 20; n++) engine.addRoute(`route ${n}`, { embedding: x(5_000 + n) });
    for (let n = 0; n < 1_200; n++) {
      const { id } = engine.suggestRoutes(x(n));
      engine.feedback(id, { quality: (n % 3) / 2 });
      engine.tick();
      engine.remember(x(n), { metadata: { n } });
    }
    expect(engine.stats().memory.evicted).toBeGreaterThan(0);
    expect(total(engine.memory())).toBeLessThan(5e6);
  });

  it.each<[keyof SonaMemory, (engine: SonaEngine) => unknown]>([
    ['trajectories', (engine) => teach(engine, 50)],
    ['episodes', (engine) => teach(engine, 64)],
    ['suggestions', (engine) => engine.suggestRoutes(vector(1))],
    ['items', (engine) => engine.remember(vector(1), { metadata: { text: 'hello' } })],
    ['routes', (engine) => engine.addRoute('another', { embedding: vector(1) })],
    ['patterns', (engine) => engine.forceLearn()],
    ['versions', (engine) => engine.forceLearn()],
    ['adapters', (engine) => engine.forceLearn()],
  ])('grows with its %s', (part, use) => {
    const engine = make();
    teach(engine, 200);
    const before = engine.memory();
    use(engine);
    const after = engine.memory();
    expect(after[part]).toBeGreaterThan(before[part]);
    expect(total(after)).toBeGreaterThan(total(before));
  });

  it('counts a trajectory once, whoever holds it, with its vectors and its source', () => {
    const [short, long] = [make(), make()];
    teach(short, 100);
    teach(long, 100, 'x'.repeat(1_008));
    const difference = long.memory().trajectories - short.memory().trajectories;
    expect(difference).toBe(100 * (1_008 - 'somebody'.length));
    // half precision
    expect(short.memory().trajectories).toBeGreaterThan(100 * DIM * 2);
    const { trajectories } = long.memory();
    long.forceLearn();
    // places in lists come, records do not
    expect(long.memory().trajectories).toBeLessThan(trajectories + 100 * 100);
  });

  it('has a bound by the capacities, and shrinks with what is forgotten', () => {
    const engine = make({ trajectoryCapacity: 100, replayCapacity: 64 });
    for (let n = 0; n < 10; n++) {
      teach(engine, 200);
      engine.forceLearn();
    }
    const before = engine.memory();
    for (let n = 0; n < 20; n++) {
      teach(engine, 200);
      engine.forceLearn();
    }
    const after = engine.memory();
    expect(after.trajectories).toBeLessThan(1.5 * before.trajectories);
    expect(after.versions).toBe(before.versions);
    engine.forget({ source: 'somebody' });
    const { trajectories, patterns } = engine.memory();
    expect(trajectories).toBeLessThan(0.2 * after.trajectories);
    expect(patterns).toBeLessThan(after.patterns);
  });

  it('is refused once the engine is closed', async () => {
    const engine = make();
    await engine.close();
    expect(() => engine.memory()).toThrow('the engine is closed');
  });
});
