// Vectors of another length than the engine's: how they are projected, and that it learns from them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { IntentSet } from '../../bench/lib/data.mts';
import { type SonaConfig, SonaEngine } from '../../compat.ts';
import { hash } from '../../embed.ts';
import { SonaEngine as EngineOfToday } from '../../index.ts';
import { measure, type Program, pack } from '../support/banking77.ts';
import { node } from '../support/child.ts';
import { own } from '../support/embedders.ts';
import { settingsOf } from '../support/engines.ts';
import { refusal } from '../support/errors.ts';
import { axis, bits, cosine, gaussian } from '../support/vectors.ts';

const engines: EngineOfToday[] = [];
const keep = <Engine extends EngineOfToday>(engine: Engine): Engine => {
  engines.push(engine);
  return engine;
};
const make = (embeddingDim: number, hiddenDim: number, config: SonaConfig = {}) =>
  keep(new SonaEngine({ embeddingDim, hiddenDim, background: 'manual', ...config }));
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));
const folder = mkdtempSync(join(tmpdir(), 'sona-projection-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/**
 * The projection of every axis, scaled to unit length, as it can be seen from outside: in an engine of the main entry that goes on
 * with the state, the score of a route is the cosine of its projected embedding with the query.
 */
function columns(embeddingDim: number, hiddenDim: number): Float64Array[] {
  const engine = make(embeddingDim, hiddenDim, { patternClusters: 1_000, qualityThreshold: 0 });
  for (let i = 0; i < embeddingDim; i++) engine.addRoute(`${i}`, { embedding: axis(embeddingDim, i) });
  const inner = keep(EngineOfToday.restore(engine.snapshot()));
  const found = Array.from({ length: embeddingDim }, () => new Float64Array(hiddenDim));
  for (let j = 0; j < hiddenDim; j++) {
    for (const { route, score } of inner.suggestRoutes(axis(hiddenDim, j), { k: 10_000 }).ranked) {
      (found[Number(route)] as Float64Array)[j] = score;
    }
  }
  return found;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, number, i) => sum + number * (b[i] as number), 0);

describe('to a greater length', () => {
  it.each([
    [3, 4],
    [5, 16],
    [7, 12],
    [48, 100],
  ])('keeps lengths and angles: %i to %i', (from, to) => {
    const images = columns(from, to);
    images.forEach((image, i) => {
      images.forEach((other, j) => {
        expect(dot(image, other)).toBeCloseTo(i === j ? 1 : 0, 4);
      });
    });
    const engine = make(from, to);
    for (let n = 0; n < 8; n++) engine.addRoute(`${n}`, { embedding: gaussian(from, n) });
    const query = gaussian(from, 99);
    for (const { route, score } of engine.suggestRoutes(query, { k: 8 }).ranked) {
      expect(score).toBeCloseTo(cosine(query, gaussian(from, Number(route))), 4);
    }
  });
});

describe('to a shorter length', () => {
  it('has orthogonal rows of one length', () => {
    const [from, to] = [24, 8];
    const engine = make(from, to);
    const rows = Array.from({ length: to }, (_, j) => back(from, to, j));
    const { length } = rows[0] as Float64Array;
    expect([length, engine.embeddingDim, engine.hiddenDim]).toEqual([from, from, to]);
    const squared = dot(rows[0] as Float64Array, rows[0] as Float64Array);
    rows.forEach((row, i) => {
      rows.forEach((other, j) => {
        expect(dot(row, other) / squared).toBeCloseTo(i === j ? 1 : 0, 3);
      });
    });
  });

  it.each([
    [2, 1],
    [3, 2],
    [4, 1],
    [8, 2],
    [33, 4],
  ])('loses no axis: %i to %i', (from, to) => {
    const engine = make(from, to);
    for (let i = 0; i < from; i++) engine.addRoute(`${i}`, { embedding: axis(from, i) });
    expect(engine.routes()).toHaveLength(from);
  });

  it('keeps cosines in the mean, to about one over the root of the length', () => {
    const [from, to] = [3_072, 256];
    const engine = make(from, to);
    for (let n = 0; n < 60; n++) engine.addRoute(`${n}`, { embedding: gaussian(from, n) });
    // also of vectors along one axis, which a bad projection would lose
    for (let n = 60; n < 90; n++) engine.addRoute(`${n}`, { embedding: axis(from, 31 * n) });
    const of = (n: number) => (n < 60 ? gaussian(from, n) : axis(from, 31 * n));
    const off: number[] = [];
    for (const query of [gaussian(from, 7), gaussian(from, 700), axis(from, 31 * 70), axis(from, 5)]) {
      for (const { route, score } of engine.suggestRoutes(query, { k: 90 }).ranked) {
        off.push(score - cosine(query, of(Number(route))));
      }
    }
    const spread = Math.sqrt(off.reduce((sum, each) => sum + each * each, 0) / off.length);
    expect(spread).toBeLessThan(1.5 / Math.sqrt(to));
    expect(Math.abs(off.reduce((sum, each) => sum + each, 0) / off.length)).toBeLessThan(0.02);
    expect(engine.suggestRoutes(gaussian(from, 7)).ranked[0]).toMatchObject({
      route: '7',
      score: expect.closeTo(1, 4),
    });
  });
});

/** What comes back of the core's axis j: the centroid of a pattern of it. */
function back(from: number, to: number, j: number): Float64Array {
  const inner = keep(new EngineOfToday({ hiddenDim: to, background: 'manual', qualityThreshold: 0 }));
  inner.endTrajectory(inner.beginTrajectory(axis(to, j)), 1);
  inner.forceLearn();
  const outer = keep(SonaEngine.restore(inner.snapshot(), { embeddingDim: from }));
  const [pattern] = outer.findPatterns(Float64Array.from(gaussian(from, 1)), 1);
  return pattern?.centroid as Float64Array;
}

describe('vectors that come back', () => {
  it.each([
    [12, 8],
    [8, 12],
  ])('are of the length and the kind that went in: %i, %i', (from, to) => {
    const engine = make(from, to);
    const x = gaussian(from, 1).with(3, -0);
    for (const each of [x, Float64Array.from(x), Array.from(x)]) {
      for (const out of [
        engine.applyLora(each),
        engine.applyMicroLora(each),
        engine.applyBaseLora(0, each),
      ]) {
        expect(out.constructor).toBe(each.constructor);
        // untrained: bit for bit
        expect(bits(Float32Array.from(out))).toEqual(bits(x));
      }
    }
    engine.endTrajectory(engine.beginTrajectory(x).addStep(gaussian(from, 2), [], 1), 1);
    for (const each of [x, Float64Array.from(x), Array.from(x)]) {
      const moved = engine.applyLora(each as Float64Array);
      expect(cosine(moved, gaussian(from, 2))).toBeGreaterThan(cosine(x, gaussian(from, 2)));
      const out = each.map(() => 0) as Float64Array;
      expect(engine.applyLora(each as Float64Array, out)).toBe(out);
      expect(out).toEqual(moved);
      engine.forceLearn();
      const [pattern] = engine.findPatterns(each as Float64Array, 1);
      expect(pattern?.centroid.constructor).toBe(each.constructor);
      expect(pattern?.centroid).toHaveLength(from);
      expect(Math.hypot(...(pattern?.centroid ?? []))).toBeCloseTo(1, 5);
      if (from < to) expect(cosine(pattern?.centroid as Float64Array, x)).toBeCloseTo(1, 3);
    }
    const flat = engine.applyMicroLoraBatch([...x, ...gaussian(from, 5)]);
    expect(flat).toEqual([
      ...engine.applyLora(Array.from(x)),
      ...engine.applyLora(Array.from(gaussian(from, 5))),
    ]);
  });

  it('are the same in every process', async () => {
    const script = `
      import { SonaEngine } from './compat.ts';
      const engine = new SonaEngine({ embeddingDim: 40, hiddenDim: 16, background: 'manual' });
      const x = Float32Array.from({ length: 40 }, (_, i) => Math.fround(Math.sin(i + 1)));
      engine.endTrajectory(engine.beginTrajectory(x).addStep(x.map(Math.abs), [], 1), 1);
      console.log(JSON.stringify(Array.from(engine.applyLora(x))));
      await engine.close();`;
    const run = async () => node(['--import', 'tsx', '--input-type=module', '--eval', script]);
    const [one, other] = await Promise.all([run(), run()]);
    expect([one.code, one.stderr, other.code]).toEqual([0, '', 0]);
    expect(one.stdout).toBe(other.stdout);
    const numbers = JSON.parse(one.stdout) as number[];
    expect(numbers.some((number, i) => number !== Math.fround(Math.sin(i + 1)))).toBe(true);
  });
});

describe('embeddingDim', () => {
  it('may be hiddenDim, which projects nothing', () => {
    const [engine, plain] = [make(16, 16), keep(new EngineOfToday({ hiddenDim: 16, background: 'manual' }))];
    for (const each of [engine, plain]) {
      each.endTrajectory(each.beginTrajectory(gaussian(16, 1)).addStep(gaussian(16, 2), [], 1), 1);
    }
    expect(bits(engine.applyLora(gaussian(16, 3)))).toEqual(bits(plain.applyLora(gaussian(16, 3))));
    expect(engine.embeddingDim).toBe(16);
  });

  it.each([0, -1, 1.5, 65_537, Number.NaN, '3072', null, true])('is not %o', async (embeddingDim) => {
    for (const key of ['embeddingDim', 'embedding_dim']) {
      const error = await refusal(() => new SonaEngine({ hiddenDim: 8, [key]: embeddingDim } as SonaConfig));
      expect([error.code, error.details.argument]).toEqual(['SONA_INVALID_CONFIG', key]);
    }
    const { code, details } = await refusal(() =>
      SonaEngine.restore(make(8, 8).snapshot(), { embeddingDim: embeddingDim as number }),
    );
    expect(code).toMatch(/^SONA_(OUT_OF_RANGE|INVALID_ARGUMENT)$/);
    expect(details.argument).toBe('embeddingDim');
  });

  it('has one name at a time', async () => {
    const error = await refusal(() => new SonaEngine({ embeddingDim: 8, embedding_dim: 8 }));
    expect(error).toMatchObject({ code: 'SONA_INVALID_CONFIG', details: { argument: 'embedding_dim' } });
  });

  it('is the length of every vector: others are refused by name, and change nothing', async () => {
    const engine = make(12, 8);
    engine.endTrajectory(engine.beginTrajectory(gaussian(12, 1)).addStep(gaussian(12, 2), [], 1), 1);
    const open = engine.beginTrajectory(gaussian(12, 1));
    const before = engine.snapshot();
    const calls: [string, (x: never) => unknown][] = [
      ['query', (x) => engine.beginTrajectory(x)],
      ['query', (x) => engine.startTrajectory(x)],
      ['query', (x) => engine.suggestRoutes(x)],
      ['query', (x) => engine.suggestRoutesAsync(x)],
      ['query', (x) => engine.findPatterns(x)],
      ['query', (x) => engine.findPatternsAsync(x)],
      ['query', (x) => engine.expectQuality(x)],
      ['query', (x) => engine.expectQualityAsync(x)],
      ['activations', (x) => open.addStep(x, [], 1)],
      ['embedding', (x) => engine.addRoute('a', { embedding: x })],
      ['embedding', (x) => engine.addRouteAsync('a', { embedding: x })],
      ['x', (x) => engine.applyLora(x)],
      ['x', (x) => engine.applyMicroLora(x)],
      ['x', (x) => engine.applyBaseLora(0, x)],
      ['flat', (x) => engine.applyMicroLoraBatch(x)],
    ];
    const good = Array.from(gaussian(12, 3));
    const bad: [unknown, string][] = [
      [good.slice(4), 'SONA_DIM_MISMATCH'],
      [good.with(3, Number.NaN), 'SONA_NOT_FINITE'],
      [Float32Array.from(good.with(3, 1 / 0)), 'SONA_NOT_FINITE'],
      [7, 'SONA_INVALID_ARGUMENT'],
      [good.map(String), 'SONA_INVALID_ARGUMENT'],
    ];
    for (const [argument, call] of calls) {
      for (const [x, code] of bad) {
        const error = await refusal(() => call(x as never));
        expect(error.code, `${call}`).toBe(code);
        expect(String(error.details.argument).replace(/\[0\]$/, '')).toBe(argument);
      }
    }
    for (const out of [[], new Float64Array(12), new Float32Array(8)]) {
      expect(
        (await refusal(() => engine.applyLora(new Float32Array(12), out as Float32Array))).details.argument,
      ).toBe('out');
    }
    expect(Buffer.compare(engine.snapshot(), before)).toBe(0);
    expect(engine.routes()).toEqual([]);
  });

  it('is not part of a state, which any length may go on with', async () => {
    const engine = make(12, 8);
    engine.endTrajectory(engine.beginTrajectory(gaussian(12, 1)).addStep(gaussian(12, 2), [], 1), 1);
    const x = gaussian(12, 3);
    const [same, plain] = [
      keep(SonaEngine.restore(engine.snapshot(), { embeddingDim: 12 })),
      keep(EngineOfToday.restore(engine.snapshot())),
    ];
    expect(bits(same.applyLora(x))).toEqual(bits(engine.applyLora(x)));
    expect(plain.applyLora(gaussian(8, 1))).toHaveLength(8);
    expect(settingsOf(engine).hiddenDim).toBe(8);
    await engine.save(join(folder, 'state'));
    const loaded = keep(await SonaEngine.load(join(folder, 'state'), { embeddingDim: 12 }));
    expect(bits(loaded.applyLora(x))).toEqual(bits(engine.applyLora(x)));
    expect((await refusal(() => keep(SonaEngine.restore(engine.snapshot())).applyLora(x))).code).toBe(
      'SONA_DIM_MISMATCH',
    );
  });
});

describe('text', () => {
  it('is made a vector of embeddingDim numbers, and projected', async () => {
    const engine = make(64, 16, { embedder: hash({ dim: 64 }) });
    engine.addRoute('refunds', { text: 'I want my money back' });
    await engine.addRouteAsync('shipping', { text: 'where is my parcel' });
    expect(engine.suggestRoutes('my money back').best).toBe('refunds');
    expect((await engine.suggestRoutesAsync('where is the parcel')).best).toBe('shipping');
    const vector = hash({ dim: 64 }).embedSync('where is the parcel');
    expect(engine.suggestRoutes(vector).ranked).toEqual(engine.suggestRoutes('where is the parcel').ranked);
    engine.endTrajectory((await engine.beginTrajectoryAsync('my money')).setRoute('refunds'), 1);
    engine.endTrajectory(await engine.startTrajectoryAsync('my money'), 1);
    engine.forceLearn();
    expect((await engine.findPatternsAsync('my money', 1))[0]?.centroid).toHaveLength(64);
    expect(engine.embedder?.dim).toBe(64);
    // a state of its embedder's projected vectors is none of another's
    const again = keep(SonaEngine.restore(engine.snapshot(), { embeddingDim: 64 }));
    expect(again.suggestRoutes('my money back').best).toBe('refunds');
    const plain = keep(EngineOfToday.restore(engine.snapshot()));
    expect((await refusal(() => plain.suggestRoutes('my money'))).code).toBe('SONA_INCOMPATIBLE_STATE');
  });

  it('takes its time with an embedder that does', async () => {
    const engine = make(2, 4, { embedder: own() });
    expect((await refusal(() => engine.suggestRoutes('a'))).code).toBe('SONA_ASYNC_EMBEDDER');
    await engine.addRouteAsync('a', { text: 'a' });
    expect((await engine.suggestRoutesAsync('a')).best).toBe('a');
  });

  it('needs an embedder of embeddingDim numbers', async () => {
    expect((await refusal(() => make(64, 16, { embedder: hash({ dim: 16 }) }))).code).toBe(
      'SONA_DIM_MISMATCH',
    );
    // the one that ships makes 256, and no 512
    expect(make(256, 128).suggestRoutes('hello').best).toBeNull();
    expect((await refusal(() => make(512, 256).suggestRoutes('hello'))).code).toBe('SONA_INVALID_ARGUMENT');
  });
});

describe('learning from 3,072 numbers with 256', () => {
  /** Vectors of a set in a space of eight times the dimensions, with lengths and angles as they were. */
  function lifted(set: IntentSet): IntentSet {
    const dim = 8 * set.dim;
    const signs = gaussian(dim, 9_000).map((number) => Math.sign(number) / Math.sqrt(8));
    const lift = (vectors: Float32Array[]) =>
      vectors.map((vector) => signs.map((sign, i) => sign * (vector[i % set.dim] as number)));
    const { labels, train, test } = set;
    return {
      ...set,
      dim,
      labels: lift(labels),
      train: { labels: train.labels, vectors: lift(train.vectors) },
      test: {
        labels: test.labels.filter((_, i) => i % 3 === 0),
        vectors: lift(test.vectors.filter((_, i) => i % 3 === 0)),
      },
    };
  }

  it('gains more than 5 points', { timeout: 120_000 }, async () => {
    const set = lifted(pack());
    expect(set.dim).toBe(3_072);
    const measured = [];
    for (const seed of [1, 2, 3]) {
      const engine = make(set.dim, 256);
      const program: Program = {
        adapt: (x) => engine.applyMicroLora(x),
        tell: (x, activation, right) => {
          const id = engine.startTrajectory(x);
          engine.addTrajectoryStep(id, activation, [], 1);
          engine.endTrajectory(id, right ? 1 : 0);
        },
        hundred: () => engine.forceLearn(),
      };
      measured.push(measure(set, seed, 1_500, program));
    }
    const pairs = measured.map(({ before, after }) => `${before.toFixed(1)} -> ${after.toFixed(1)}`);
    console.log(`3,072 numbers with 256: ${pairs.join(', ')}`);
    for (const { gain } of measured) expect(gain).toBeGreaterThan(5);
  });
});
