// What the published peer does on the same streams, and what this engine does instead.
import { afterEach, describe, expect, it } from 'vitest';
import { type SonaConfig, SonaEngine } from '../../compat.ts';
import { measure, pack } from '../support/banking77.ts';
import { program } from '../support/child.ts';
import { picture } from '../support/engines.ts';
import { refusal } from '../support/errors.ts';
import { bits, cosine, gaussian, near } from '../support/vectors.ts';

const set = pack();
const DIM = 64;
const query = Array.from(gaussian(DIM, 1));

const engines: SonaEngine[] = [];
const make = (config: SonaConfig = {}): SonaEngine => {
  const engine = SonaEngine.withConfig({ hiddenDim: DIM, background: 'manual', ...config });
  engines.push(engine);
  return engine;
};
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));

/** The stream: 2,000 queries of BANKING77, the chosen label's vector as the step's activation, forced learning every 100. */
function stream(engine: SonaEngine) {
  return measure(set, 1, 2_000, {
    adapt: (x) => engine.applyLora(x),
    tell: (x, activation, right) => {
      engine.endTrajectory(engine.beginTrajectory(x).addStep(activation, [], 1), right ? 1 : 0);
    },
    hundred: () => engine.forceLearn(),
  });
}

describe('BANKING77, 2,000 events', () => {
  it('the peer stays at 62.2; this gains 8 points, and both adapters change their input', () => {
    const engine = make({ hiddenDim: set.dim });
    const { before, after } = stream(engine);
    console.log(`BANKING77 without routes, defaults: ${before.toFixed(1)} -> ${after.toFixed(1)}`);
    expect(before).toBeCloseTo(62.3, 0);
    expect(after).toBeGreaterThan(70);
    const x = set.test.vectors[0] as Float32Array;
    // the peer's base adapter answers its input for ever
    const moved = engine.applyBaseLora(0, x).map((number, i) => number - (x[i] as number));
    expect(Math.hypot(...moved)).toBeGreaterThan(0.05);
  });

  it('the peer falls to 60.8 at ten times its rates; this gains 6 points', () => {
    const engine = make({
      hiddenDim: set.dim,
      microLoraLr: 0.02,
      baseLoraLr: 0.001,
      baseLoraRank: 8,
      ewcLambda: 2_000,
    });
    const { before, after } = stream(engine);
    console.log(
      `BANKING77 without routes, ten times the peer's rates: ${before.toFixed(1)} -> ${after.toFixed(1)}`,
    );
    expect(after).toBeGreaterThan(before + 6);
  });

  it('the peer forgets how to count; this recorded 2,000 and learned 2,000', () => {
    const engine = make({ hiddenDim: set.dim });
    stream(engine);
    expect(engine.stats()).toMatchObject({ trajectoriesRecorded: 2_000, trajectoriesLearned: 2_000 });
    expect(JSON.parse(engine.getStats())).toMatchObject({ trajectories_recorded: 2_000 });
    const patterns = engine.findPatterns(set.test.vectors[0] as Float32Array, 5, { minQuality: 0 });
    expect(patterns.length).toBe(5);
  });
});

describe('the per-request adapter', () => {
  const unit = () => near(Float32Array.from(query), 0, 0).map((number) => number / Math.hypot(...query));

  it('moves a unit vector by 1.2e-5 there, by more than 1e-3 here', () => {
    const engine = make();
    for (let n = 0; n < 10; n++) {
      engine.endTrajectory(engine.beginTrajectory(query).addStep(Array.from(gaussian(DIM, 2)), [], 0.9), 0.9);
    }
    const x = unit();
    const y = engine.applyMicroLora(x);
    expect(Math.hypot(...y.map((number, i) => number - (x[i] as number)))).toBeGreaterThan(1e-3);
  });

  it('is pushed away by a bad outcome, as it never is there', () => {
    const engine = make();
    const activation = near(Float32Array.from(query), 0.6, 3);
    const before = cosine(engine.applyMicroLora(query), activation);
    for (let n = 0; n < 5; n++) {
      engine.endTrajectory(engine.beginTrajectory(query).addStep(activation, [], 0.9), 0);
    }
    expect(cosine(engine.applyMicroLora(query), activation)).toBeLessThan(before - 1e-3);
  });

  it('moves with the first outcome, not with the hundredth', () => {
    const engine = make();
    engine.endTrajectory(engine.beginTrajectory(query).addStep(Array.from(gaussian(DIM, 2)), [], 0.9), 0.9);
    expect(engine.applyMicroLora(query)).not.toEqual(query);
  });
});

describe('patterns', () => {
  it('have a type and routes; there every one is General and has none', () => {
    const engine = make();
    for (let n = 0; n < 20; n++) {
      const told = engine.beginTrajectory(Array.from(near(Float32Array.from(query), 0.2, n)));
      told.addContext('type:CodeGen').setRoute(n % 2 ? 'gpt-4' : 'claude');
      engine.endTrajectory(told, n % 2);
    }
    engine.forceLearn();
    const patterns = engine.findPatterns(query, 50, { minQuality: 0 });
    for (const { patternType } of patterns) expect(patternType).toBe('CodeGen');
    expect(new Set(patterns.flatMap(({ routes }) => Object.keys(routes)))).toEqual(
      new Set(['gpt-4', 'claude']),
    );
  });
});

describe('input that ends the peer', () => {
  it('is an error here, and the process goes on', async () => {
    const engine = make();
    const calls: [string, () => unknown, string][] = [
      ['too short', () => engine.applyMicroLora([1, 2, 3]), 'SONA_DIM_MISMATCH'],
      ['too long', () => engine.beginTrajectory(new Array(DIM + 1).fill(1)), 'SONA_DIM_MISMATCH'],
      ['rank 0', () => make({ microLoraRank: 0 }), 'SONA_INVALID_CONFIG'],
      ['rank 5', () => make({ microLoraRank: 5 }), 'SONA_INVALID_CONFIG'],
      ['dimension -1', () => new SonaEngine(-1), 'SONA_INVALID_CONFIG'],
      ['dimension 1.5', () => new SonaEngine(1.5), 'SONA_INVALID_CONFIG'],
      ['dimension 0', () => new SonaEngine(0), 'SONA_INVALID_CONFIG'],
    ];
    for (const [what, call, code] of calls) expect((await refusal(call)).code, what).toBe(code);
    // 3 and 4 are ranks here
    for (const microLoraRank of [3, 4]) expect(make({ microLoraRank }).applyMicroLora(query)).toEqual(query);
    expect(engine.isEnabled()).toBe(true);
  });

  it('does not end a process of its own either', async () => {
    const { code, stdout, stderr } = await program('bad-calls.mts');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual(['SONA_DIM_MISMATCH', 'SONA_INVALID_CONFIG', 'SONA_INVALID_CONFIG']);
  });
});

describe('input that spoils the peer', () => {
  it('one NaN changes nothing here', async () => {
    const engine = make();
    engine.endTrajectory(engine.beginTrajectory(query).addStep(query, [], 1), 1);
    const before = picture(engine, DIM);
    const spoilt = query.with(5, Number.NaN);
    const told = engine.beginTrajectory(query);
    for (const call of [
      () => engine.beginTrajectory(spoilt),
      () => told.addStep(spoilt, [], 1),
      () => told.addStep(query, [Number.NaN], 1),
      () => told.addStep(query, [], Number.NaN),
      () => engine.endTrajectory(told, Number.NaN),
      () => engine.applyMicroLora(spoilt),
      () => engine.findPatterns(spoilt, 3),
    ]) {
      expect((await refusal(call)).code).toBe('SONA_NOT_FINITE');
    }
    expect(picture(engine, DIM)).toEqual(before);
    engine.endTrajectory(told, 1);
    engine.forceLearn();
    expect(engine.applyLora(query).every(Number.isFinite)).toBe(true);
  });

  it('a quality of 1e9 and ids that nobody gave are refused', async () => {
    const engine = make();
    const id = engine.startTrajectory(query);
    for (const quality of [1e9, 7, -1]) {
      expect((await refusal(() => engine.endTrajectory(id, quality))).code).toBe('SONA_OUT_OF_RANGE');
    }
    for (const call of [
      () => engine.endTrajectory(4_711, 1),
      () => engine.addTrajectoryStep(4_711, query, [], 1),
      () => engine.setTrajectoryRoute(4_711, 'a'),
      () => engine.addTrajectoryContext(4_711, 'a'),
    ]) {
      expect((await refusal(call)).code).toBe('SONA_UNKNOWN_TRAJECTORY');
    }
    expect(engine.stats().trajectoriesRecorded).toBe(0);
  });
});

it('typed arrays, which the peer refuses, are taken and given back', () => {
  const engine = make();
  for (const x of [Float32Array.from(query), Float64Array.from(query)]) {
    engine.endTrajectory(engine.beginTrajectory(x).addStep(x, x, 1), 1);
    expect(engine.applyMicroLora(x).constructor).toBe(x.constructor);
    expect(bits(engine.applyBaseLora(0, x))).toEqual(bits(x));
  }
});
