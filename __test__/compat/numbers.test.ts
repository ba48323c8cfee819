// The names and forms that only the compatibility entry has: trajectories by number, signals, older settings, and what is refused.
import { afterEach, describe, expect, it } from 'vitest';
import { LearningSignal, type SonaConfig, SonaEngine, type TrajectoryBuilder } from '../../compat.ts';
import { builtin } from '../../embed.ts';
import { SonaEngine as EngineOfToday } from '../../index.ts';
import { picture, settingsOf } from '../support/engines.ts';
import { refusal } from '../support/errors.ts';
import { gaussian } from '../support/vectors.ts';

const DIM = 16;
const query = gaussian(DIM, 1);

const engines: EngineOfToday[] = [];
const keep = <Engine extends EngineOfToday>(engine: Engine): Engine => {
  engines.push(engine);
  return engine;
};
const make = (config: SonaConfig = {}): SonaEngine =>
  keep(SonaEngine.withConfig({ hiddenDim: DIM, background: 'manual', ...config }));
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));

describe('a builder', () => {
  it('is a number in arithmetic and in a text, and its id in JSON', () => {
    const engine = make();
    const told = engine.beginTrajectory(query);
    expect(`${told}`).toBe(String(Number(told)));
    expect(told.id.endsWith(`-${Number(told)}`)).toBe(true);
    expect(engine.startTrajectory(query)).toBe(Number(told) + 1);
    expect(JSON.parse(JSON.stringify({ trajId: told }))).toEqual({ trajId: told.id });
    expect([told.dim, told.embeddingDim]).toEqual([DIM, DIM]);
  });

  it.each([
    ['itself', (told: TrajectoryBuilder) => told],
    ['its id', (told: TrajectoryBuilder) => told.id],
    ['its id through JSON', (told: TrajectoryBuilder) => JSON.parse(JSON.stringify(told)) as string],
    ['its number through text', (told: TrajectoryBuilder) => Number(`${told}`)],
    ['its number through arithmetic', (told: TrajectoryBuilder) => Number(told) + 0],
  ])('is known to every method by %s, as the main entry knows its builder', (_, name) => {
    const engine = make();
    const twin = keep(EngineOfToday.withConfig({ hiddenDim: DIM, background: 'manual' }));
    const told = engine.beginTrajectory(query);
    const t = name(told);
    engine.addTrajectoryStep(t, gaussian(DIM, 2), [1, 2], 0.5);
    engine.recordStep(t, 'node', 1, 1_500);
    engine.addTrajectoryContext(t, 'context');
    engine.setTrajectoryRoute(t, 'a');
    expect(told.stepCount).toBe(1);
    engine.endTrajectory(t, 1);
    const direct = twin
      .beginTrajectory(query)
      .addStep(gaussian(DIM, 2), [1, 2], 0.5)
      .addNode('node', { score: 1, latencyMs: 1.5 });
    twin.endTrajectory(direct.addContext('context').setRoute('a'), 1);
    for (const each of [engine, twin]) each.forceLearn();
    // one state: what one saved, the other loads
    for (const kind of [EngineOfToday, SonaEngine]) {
      const [one, other] = [engine, twin].map((each) => keep(kind.restore(each.snapshot())));
      expect(picture(one as EngineOfToday, DIM)).toEqual(picture(other as EngineOfToday, DIM));
    }
  });

  it('has ended under all its names', async () => {
    const engine = make();
    const told = engine.beginTrajectory(query);
    const { id } = told;
    engine.endTrajectory(id, 1);
    for (const t of [told, id, Number(told)]) {
      expect((await refusal(() => engine.endTrajectory(t, 1))).code).toBe('SONA_UNKNOWN_TRAJECTORY');
    }
    expect(engine.stats().trajectoriesRecorded).toBe(1);
    expect(told.id).toBe(id);
  });
});

describe('trajectories by number', () => {
  it('are given up, the oldest first, when too many are open; who holds a builder can end it', async () => {
    const engine = make({ trajectoryCapacity: 2 });
    const told = engine.beginTrajectory(query);
    expect(Number(told)).toBeGreaterThan(0);
    const dropped: number[] = [];
    engine.on('dropped', ({ count }) => dropped.push(count));
    const numbers = Array.from({ length: 4 }, () => engine.startTrajectory(query));
    expect(dropped).toEqual([1, 1]);
    expect((await refusal(() => engine.endTrajectory(numbers[0] as number, 1))).code).toBe(
      'SONA_UNKNOWN_TRAJECTORY',
    );
    engine.endTrajectory(told, 1);
    for (const number of numbers.slice(2)) engine.endTrajectory(number, 1);
    expect(engine.stats().trajectoriesRecorded).toBe(3);
  });

  it('are corrected and forgotten by number', () => {
    const engine = make();
    const id = engine.startTrajectory(query);
    engine.setTrajectoryRoute(id, 'a');
    engine.endTrajectory(id, 1);
    engine.endTrajectory(engine.startTrajectory(query), 0);
    expect(engine.learnFromFeedback({ trajectoryId: id, quality: 0.25 }).applied).toBe(true);
    expect(engine.routes()).toMatchObject([{ count: 1, avgQuality: 0.25 }]);
    const copy = keep(SonaEngine.restore(engine.snapshot()));
    expect(copy.learnFromFeedback({ trajectoryId: id, quality: 0.5 }).applied).toBe(true);
    expect(engine.forget({ trajectoryId: id })).toEqual({ forgotten: 1, outOfReach: 0 });
  });

  it('begin and end with text', async () => {
    const engine = keep(new SonaEngine({ background: 'manual' }));
    const twin = keep(new SonaEngine({ background: 'manual' }));
    engine.endTrajectory(engine.startTrajectory('my parcel'), 1);
    engine.endTrajectory(await engine.startTrajectoryAsync('my refund'), 1);
    for (const text of ['my parcel', 'my refund']) {
      twin.endTrajectory(twin.startTrajectory(builtin().embedSync(text)), 1);
    }
    for (const each of [engine, twin]) each.forceLearn();
    const found = await engine.findPatternsAsync('my parcel', 2);
    expect(found.map(({ similarity }) => similarity)).toEqual(
      twin.queryPatterns(builtin().embedSync('my parcel'), 2).map(({ similarity }) => similarity),
    );
  });
});

describe('LearningSignal', () => {
  it('has a part for each thing that can be known', () => {
    expect({ ...LearningSignal.fromFeedback(true, 50, 0.95) }).toEqual({
      trajectoryId: undefined,
      quality: 0.95,
      verdict: 'success',
      latencyMs: 50,
    });
    expect(LearningSignal.positive(1, 1)).toMatchObject({ verdict: 'success', latencyMs: 1, quality: 1 });
    expect(LearningSignal.negative(1, 0)).toMatchObject({ verdict: 'failure', latencyMs: 1, quality: 0 });
    expect(LearningSignal.fromTrajectory(7, 0.5)).toMatchObject({ trajectoryId: 7, quality: 0.5 });
  });

  it.each([
    ['a builder', (told: TrajectoryBuilder) => LearningSignal.fromTrajectory(told, 1)],
    ['an id', (told: TrajectoryBuilder) => LearningSignal.fromTrajectory(told.id, 1)],
    ['a number', (told: TrajectoryBuilder) => LearningSignal.fromTrajectory(Number(told), 1)],
    [
      'what a process sent as JSON',
      (told: TrajectoryBuilder) => JSON.parse(JSON.stringify(LearningSignal.fromTrajectory(told, 1))),
    ],
  ])('finds an earlier trajectory (%s), in the main entry where it has an id', (_, signal) => {
    const engine = make();
    const told = engine.beginTrajectory(query).setRoute('a');
    engine.endTrajectory(told, 0);
    engine.endTrajectory(engine.beginTrajectory(query).setRoute('b'), 0);
    expect(engine.learnFromFeedback(signal(told))).toMatchObject({ applied: true });
    expect(engine.routes()).toMatchObject([{ avgQuality: 1 }, { avgQuality: 0 }]);
  });
});

describe('settings', () => {
  const all = { hiddenDim: 8, microLoraRank: 3, baseLoraLr: 0.5, ewcLambda: 7, backgroundIntervalMs: 9 };

  it('may be written in snake_case', () => {
    const snake: SonaConfig = {
      hidden_dim: 8,
      micro_lora_rank: 3,
      base_lora_lr: 0.5,
      ewc_lambda: 7,
      background_interval_ms: 9,
    };
    expect(settingsOf(keep(new SonaEngine(snake)))).toEqual(settingsOf(keep(new SonaEngine(all))));
  });

  it.each([
    ['trajectoryBufferSize', 'trajectoryCapacity', 77],
    ['trajectory_buffer_size', 'trajectoryCapacity', 77],
    ['bufferCapacity', 'trajectoryCapacity', 77],
    ['microLr', 'microLoraLr', 0.5],
    ['micro_lr', 'microLoraLr', 0.5],
    ['baseLr', 'baseLoraLr', 0.5],
    ['base_lr', 'baseLoraLr', 0.5],
    ['patternQualityThreshold', 'qualityThreshold', 0.75],
    ['pattern_quality_threshold', 'qualityThreshold', 0.75],
  ])('%s is %s', (older, name, value) => {
    expect(settingsOf(make({ [older]: value }))).toMatchObject({ [name]: value });
  });

  it.each([{ loraDropout: 0 }, { lora_dropout: 0 }, { ewcOnline: true }, { ewc_online: true }])(
    'take %o, which is how it is',
    (config) => {
      expect(settingsOf(make(config as SonaConfig))).toEqual(settingsOf(make()));
    },
  );

  it('have a method each in the builder, which builds this engine', () => {
    const engine = keep(
      SonaEngine.builder()
        .config({ hidden_dim: 8 })
        .microLr(0.5)
        .trajectoryBufferSize(7)
        .embeddingDim(12)
        .build(),
    );
    expect(engine.startTrajectory(gaussian(12, 1))).toBeTypeOf('number');
    expect(settingsOf(engine)).toMatchObject({ hiddenDim: 8, microLoraLr: 0.5, trajectoryCapacity: 7 });
  });

  it('of shared engines too', () => {
    const engine = keep(SonaEngine.shared('older', { hidden_dim: 8, embeddingDim: 12 }));
    const other = keep(SonaEngine.shared('older', { hiddenDim: 8 }));
    engine.endTrajectory(engine.startTrajectory(gaussian(12, 1)), 1);
    expect(other.stats().trajectoriesRecorded).toBe(1);
  });
});

it('patterns have the names of both packages', () => {
  const engine = make();
  const id = engine.startTrajectory(query);
  engine.recordStep(id, 42, 0.9, 1_500);
  engine.endTrajectory(id, 1);
  engine.runBackgroundCycle();
  const [pattern] = engine.queryPatterns(query, 1);
  expect(pattern).toMatchObject({ quality: pattern?.avgQuality, usage_count: 1, accessCount: 1 });
  expect(pattern?.nodes).toEqual({
    42: { count: 1, avgScore: expect.closeTo(0.9, 3), avgLatencyMs: 1.5, avgLatencyUs: 1_500 },
  });
  expect(Object.isFrozen(pattern?.nodes)).toBe(true);
});

it('a vector that applyMicroLora returned asks for the patterns of what it was made of', () => {
  const engine = make();
  for (let n = 0; n < 40; n++) {
    const told = engine.beginTrajectory(query).addStep(gaussian(DIM, 2), [], 1);
    engine.endTrajectory(told, 1);
  }
  engine.forceLearn();
  const moved = engine.applyMicroLora(query);
  expect(moved).not.toEqual(query);
  const similarity = (x: Float32Array) => engine.findPatterns(x, 1)[0]?.similarity;
  expect(similarity(moved)).toBe(similarity(query));
  expect(similarity(moved.slice())).toBeLessThan(similarity(query) as number);
  expect(engine.expectQuality(moved)).toEqual(engine.expectQuality(query));
});

describe('refused', () => {
  const others = [undefined, null, '1', 1n, {}, [], { id: 1 }];
  const engine = make;
  type Call = (engine: SonaEngine, value: never) => unknown;
  const byTrajectory: Record<string, Call> = {
    addTrajectoryStep: (e, t) => e.addTrajectoryStep(t, query, [], 1),
    recordStep: (e, t) => e.recordStep(t, 'node', 1, 1),
    setTrajectoryRoute: (e, t) => e.setTrajectoryRoute(t, 'a'),
    addTrajectoryContext: (e, t) => e.addTrajectoryContext(t, 'context'),
    endTrajectory: (e, t) => e.endTrajectory(t, 1),
  };

  it.each(Object.entries(byTrajectory))('%s: what names no open trajectory', async (_, call) => {
    const [own, other] = [engine(), engine()];
    const ended = own.beginTrajectory(query);
    own.endTrajectory(ended, 1);
    const cases: [unknown, string][] = [
      ...others.map((value): [unknown, string] => [value, 'SONA_INVALID_ARGUMENT']),
      ...[0, -1, 1.5, 1e9, 2 ** 53, Number.NaN].map((value): [unknown, string] => [
        value,
        'SONA_UNKNOWN_TRAJECTORY',
      ]),
      ...[ended, ended.id, Number(ended), other.beginTrajectory(query), other.beginTrajectory(query).id].map(
        (value): [unknown, string] => [value, 'SONA_UNKNOWN_TRAJECTORY'],
      ),
    ];
    const before = own.snapshot();
    for (const [value, code] of cases) {
      const error = await refusal(() => call(own, value as never));
      expect([error.code, error.details.argument]).toEqual([code, 'trajectory']);
    }
    expect(Buffer.compare(own.snapshot(), before)).toBe(0);
  });

  const told = (e: SonaEngine) => e.beginTrajectory(query);
  const cases: [string, string, Call, unknown[]][] = [
    [
      'node',
      'SONA_INVALID_ARGUMENT',
      (e, v) => told(e).recordStep(v, 1, 1),
      [undefined, null, {}, Number.NaN],
    ],
    ['node', 'SONA_OUT_OF_RANGE', (e, v) => told(e).recordStep(v, 1, 1), ['', '\ud800']],
    ['score', 'SONA_INVALID_ARGUMENT', (e, v) => told(e).recordStep('a', v, 1), [undefined, '1']],
    ['score', 'SONA_NOT_FINITE', (e, v) => told(e).recordStep('a', v, 1), [Number.NaN, 1e39]],
    ['latencyUs', 'SONA_INVALID_ARGUMENT', (e, v) => told(e).recordStep('a', 1, v), [undefined, null, '1']],
    ['latencyUs', 'SONA_NOT_FINITE', (e, v) => told(e).recordStep('a', 1, v), [Number.NaN, 1 / 0]],
    ['latencyUs', 'SONA_OUT_OF_RANGE', (e, v) => told(e).recordStep('a', 1, v), [-1, 1e39]],
    ['signal', 'SONA_INVALID_ARGUMENT', (e, v) => e.learnFromFeedback(v), [undefined, null, 1, 'good', []]],
    ['latencyMs', 'SONA_INVALID_ARGUMENT', (e, v) => e.learnFromFeedback(true, v, 1), ['50', null]],
    ['quality', 'SONA_OUT_OF_RANGE', (e, v) => e.learnFromFeedback(true, 1, v), [7, -0.1]],
    [
      'trajectoryId',
      'SONA_OUT_OF_RANGE',
      (e, trajectoryId) => e.learnFromFeedback({ trajectoryId, quality: 1 }),
      [0, -1, 1.5, Number.NaN, 2 ** 53],
    ],
    [
      'trajectoryId',
      'SONA_UNKNOWN_TRAJECTORY',
      (e, trajectoryId) => e.learnFromFeedback({ trajectoryId, quality: 1 }),
      [1e9],
    ],
    ['trajectoryId', 'SONA_OUT_OF_RANGE', (e, trajectoryId) => e.forget({ trajectoryId }), [0, -1, 1.5]],
    [
      'trajectoryId',
      'SONA_INVALID_ARGUMENT',
      (_, v) => LearningSignal.fromTrajectory(v, 1),
      [undefined, '1', {}],
    ],
    [
      'success',
      'SONA_INVALID_ARGUMENT',
      (_, v) => LearningSignal.fromFeedback(v, 1, 1),
      [1, 'true', undefined],
    ],
    ['quality', 'SONA_OUT_OF_RANGE', (_, v) => LearningSignal.positive(1, v), [2]],
    ['latencyMs', 'SONA_OUT_OF_RANGE', (_, v) => LearningSignal.negative(v, 1), [-1]],
    ['k', 'SONA_OUT_OF_RANGE', (e, v) => e.queryPatterns(query, v), [-1, Number.NaN]],
    [
      'options.decision',
      'SONA_INVALID_ARGUMENT',
      (e, decision) => e.startTrajectoryAsync(query, { decision } as object),
      [1],
    ],
    ['microLoraRank', 'SONA_INVALID_CONFIG', (_, v) => SonaEngine.withConfig(v, 16, 100, 0.4), [5]],
    ['ewcLambda', 'SONA_INVALID_CONFIG', (_, v) => SonaEngine.withConfig(2, 16, 100, v), [-1]],
    ['trajectoryCapacity', 'SONA_INVALID_CONFIG', (_, v) => SonaEngine.withConfig(2, 16, v, 0.4), ['100']],
    ['microLr', 'SONA_INVALID_CONFIG', (_, microLr) => new SonaEngine({ microLr, microLoraLr: 0.1 }), [0.1]],
    ['loraDropout', 'SONA_INVALID_CONFIG', (_, loraDropout) => new SonaEngine({ loraDropout }), [0.1]],
    ['base_lora_rank', 'SONA_INVALID_CONFIG', (_, v) => new SonaEngine({ base_lora_rank: v }), [65]],
    ['colour', 'SONA_INVALID_CONFIG', (_, colour) => new SonaEngine({ colour } as SonaConfig), [1]],
    ['config', 'SONA_INVALID_ARGUMENT', (_, v) => SonaEngine.withConfig(v), [undefined, null, 1, []]],
    ['out', 'SONA_DIM_MISMATCH', (e, v) => e.applyMicroLora(new Float32Array(DIM), v), [new Float32Array(3)]],
    ['flat', 'SONA_DIM_MISMATCH', (e, v) => e.applyMicroLoraBatch(v), [[], new Float32Array(DIM + 1)]],
    ['flat', 'SONA_NOT_FINITE', (e, v) => e.applyMicroLoraBatch(v), [new Float32Array(DIM).fill(Number.NaN)]],
  ];
  it.each(cases)('%s: %s', async (argument, code, call, values) => {
    const own = engine();
    own.endTrajectory(own.startTrajectory(query), 0.5);
    const before = own.getStats();
    for (const value of values) {
      const error = await refusal(() => call(own, value as never));
      expect([error.code, error.details.argument], String(value)).toEqual([code, argument]);
      expect(error.message.startsWith(`${argument}: `), error.message).toBe(true);
    }
    expect(own.getStats()).toBe(before);
  });

  it('a trajectory that names nodes, with bad options: it can still end', async () => {
    const own = engine();
    const open = own.beginTrajectory(query).recordStep('a', 1, 1);
    for (const options of [{ verdict: 'good' }, { source: '' }, { colour: 1 }]) {
      expect((await refusal(() => own.endTrajectory(open, 1, options as object))).code).toMatch(/^SONA_/);
    }
    expect((await refusal(() => own.endTrajectory(open, 2))).code).toBe('SONA_OUT_OF_RANGE');
    expect(own.routes()).toEqual([]);
    // a step with an activation says better what was used
    own.endTrajectory(open.addStep(gaussian(DIM, 2), [], 1), 1);
    expect([own.routes(), own.stats().microUpdates]).toEqual([[], 1]);
  });
});

describe('a closed engine', () => {
  const uses: Record<string, (engine: SonaEngine) => unknown> = {
    embeddingDim: (e) => e.embeddingDim,
    embedder: (e) => e.embedder,
    applyMicroLora: (e) => e.applyMicroLora(query),
    applyBaseLora: (e) => e.applyBaseLora(0, query),
    applyLora: (e) => e.applyLora(query),
    applyMicroLoraBatch: (e) => e.applyMicroLoraBatch(query),
    addRoute: (e) => e.addRoute('a', { embedding: query }),
    addRouteAsync: (e) => e.addRouteAsync('a', { text: 'a' }),
    suggestRoutes: (e) => e.suggestRoutes(query),
    suggestRoutesAsync: (e) => e.suggestRoutesAsync(query),
    beginTrajectory: (e) => e.beginTrajectory(query),
    beginTrajectoryAsync: (e) => e.beginTrajectoryAsync(query),
    startTrajectory: (e) => e.startTrajectory(query),
    startTrajectoryAsync: (e) => e.startTrajectoryAsync(query),
    addTrajectoryStep: (e) => e.addTrajectoryStep(1, query, [], 1),
    recordStep: (e) => e.recordStep(1, 'a', 1, 1),
    setTrajectoryRoute: (e) => e.setTrajectoryRoute(1, 'a'),
    addTrajectoryContext: (e) => e.addTrajectoryContext(1, 'a'),
    endTrajectory: (e) => e.endTrajectory(1, 1),
    learnFromFeedback: (e) => e.learnFromFeedback(true, 1, 1),
    feedback: (e) => e.feedback('s0123456789abcdef-1', { quality: 1 }),
    runBackgroundCycle: (e) => e.runBackgroundCycle(),
    runInstantCycle: (e) => e.runInstantCycle(),
    findPatterns: (e) => e.findPatterns(query),
    findPatternsAsync: (e) => e.findPatternsAsync(query),
    queryPatterns: (e) => e.queryPatterns(query),
    expectQuality: (e) => e.expectQuality(query),
    expectQualityAsync: (e) => e.expectQualityAsync(query),
    remember: (e) => e.remember(query),
    rememberAsync: (e) => e.rememberAsync(query),
    recall: (e) => e.recall(query),
    recallAsync: (e) => e.recallAsync(query),
    forget: (e) => e.forget({ trajectoryId: 1 }),
  };
  const others = ['constructor', 'close'];
  const methods = Object.getOwnPropertyNames(SonaEngine.prototype).filter((name) => !others.includes(name));

  it.each(methods)('refuses %s', async (name) => {
    const use = uses[name];
    expect(use, `${name} is not in the table of this test`).toBeDefined();
    for (const embeddingDim of [DIM, 12]) {
      for (const end of ['close', Symbol.dispose, Symbol.asyncDispose] as const) {
        const closed = new SonaEngine({ hiddenDim: DIM, embeddingDim });
        const ending = closed[end]();
        expect((await refusal(() => use?.(closed))).code, `${embeddingDim}`).toBe('SONA_CLOSED');
        await ending;
      }
    }
  });
});
