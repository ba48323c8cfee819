// Whatever is refused is refused by name and changes nothing: after each case the engine must answer, and go on
// learning, exactly as a twin that was never asked.
import { afterAll, describe, expect, it, vi } from 'vitest';
import { SonaEngine, SonaError, type SonaErrorCode, type TrajectoryBuilder } from '../index.ts';
import { badVectors, DIM } from './support/bad-vectors.ts';
import { cycle, manual, picture, taught, teach } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { gaussian } from './support/vectors.ts';

/** An engine that has learned a little, and what calls can refer to. */
interface World {
  engine: SonaEngine;
  query: Float32Array;
  /** A trajectory under way, with one step of two. */
  open: TrajectoryBuilder;
  /** Another one, known by its id. */
  id: number;
  ended: TrajectoryBuilder;
  endedId: number;
  other: SonaEngine;
}

function world(): World {
  // without the gate ids do not matter, so that a refused trajectory may cost one
  const settings = { hiddenDim: DIM, maxTrajectorySteps: 2, promotionGate: false };
  const [engine, other] = [manual(settings), manual(settings)];
  teach(engine, DIM, 24);
  engine.forceLearn();
  teach(engine, DIM, 8, 2);
  const query = gaussian(DIM, 31);
  const open = engine.beginTrajectory(query).addStep(gaussian(DIM, 32), [0.5], 0.75).setRoute('east');
  const id = engine.startTrajectory(query);
  const ended = engine.beginTrajectory(query);
  engine.endTrajectory(ended, 1);
  const endedId = engine.startTrajectory(query);
  engine.endTrajectory(endedId, 0.5);
  return { engine, query, open, id, ended, endedId, other };
}

/** All that can be seen of a world, now and after its trajectories have ended and it has learned on. */
function future({ engine, query, open, id }: World): unknown[] {
  const now = [picture(engine, DIM), open.stepCount];
  engine.addTrajectoryStep(id, query, [], 1);
  engine.endTrajectory(id, 0.25);
  engine.endTrajectory(open.addStep(query, [], 1), 1);
  teach(engine, DIM, 8, 3);
  const { ms: _, ...report } = cycle(engine);
  return [...now, report, engine.suggestRoutes(query).id, picture(engine, DIM)];
}

const expected = future(world());

interface Case {
  name: string;
  call: (world: World) => unknown;
  code: SonaErrorCode;
  /** Undefined where no argument is at fault. */
  argument?: string | undefined;
}

const told = (name: string, argument: string | undefined, code: SonaErrorCode, call: Case['call']): Case => ({
  name,
  argument,
  code,
  call,
});

/** Where vectors enter. */
const entries: [string, string, (world: World, vector: never) => unknown][] = [
  ['beginTrajectory', 'query', ({ engine }, v) => engine.beginTrajectory(v)],
  ['startTrajectory', 'query', ({ engine }, v) => engine.startTrajectory(v)],
  ['suggestRoutes', 'query', ({ engine }, v) => engine.suggestRoutes(v)],
  ['addStep', 'activations', ({ open }, v) => open.addStep(v, [], 1)],
  ['addTrajectoryStep', 'activations', ({ engine, id }, v) => engine.addTrajectoryStep(id, v, [], 1)],
  ['addRoute', 'embedding', ({ engine }, v) => engine.addRoute('new', { embedding: v })],
  ['addRoute of a known name', 'embedding', ({ engine }, v) => engine.addRoute('east', { embedding: v })],
  ['applyMicroLora', 'x', ({ engine }, v) => engine.applyMicroLora(v)],
  ['applyBaseLora', 'x', ({ engine }, v) => engine.applyBaseLora(0, v)],
  ['applyLora', 'x', ({ engine }, v) => engine.applyLora(v)],
];

const vectors: Case[] = entries.flatMap(([method, argument, call]) =>
  badVectors
    .filter(({ adaptable }) => !(adaptable && argument === 'x'))
    // without an embedding a route is added: that is no mistake
    .filter(({ what }) => !(argument === 'embedding' && what === 'undefined'))
    .map(({ what, value, code, at = '' }) =>
      told(`${method}: ${what}`, argument + at, code, (world) => call(world, value() as never)),
    ),
);

/** Values of every other kind, for an argument that is a number, a name, an object, ... */
const others = {
  number: [undefined, null, '1', 1n, true, {}, [1], Symbol('one'), () => 1],
  string: [undefined, null, 1, 1n, true, {}, ['east'], Symbol('east')],
  object: [null, 1, 'k', true, Symbol('k'), () => ({})],
  boolean: [undefined, null, 0, 1, 'true', {}],
};

const each = (
  method: string,
  argument: string,
  values: readonly unknown[],
  code: SonaErrorCode,
  call: (world: World, value: never) => unknown,
): Case[] =>
  values.map((value) =>
    told(`${method}: ${argument} ${show(value)}`, argument, code, (world) => call(world, value as never)),
  );

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value) ?? 'an object';
  return Object.is(value, -0) ? '-0' : String(value);
}

const numbers: Case[] = [
  ...each('endTrajectory', 'quality', others.number, 'SONA_INVALID_ARGUMENT', ({ engine, open }, v) =>
    engine.endTrajectory(open, v),
  ),
  ...each(
    'endTrajectory',
    'quality',
    [-0.1, 1.1, 1e9, -1e9, 1 + Number.EPSILON, -5e-324],
    'SONA_OUT_OF_RANGE',
    ({ engine, open }, v) => engine.endTrajectory(open, v),
  ),
  ...each('endTrajectory', 'quality', [Number.NaN, 1 / 0, -1 / 0], 'SONA_NOT_FINITE', ({ engine, id }, v) =>
    engine.endTrajectory(id, v),
  ),
  ...each('addStep', 'reward', others.number, 'SONA_INVALID_ARGUMENT', ({ open, query }, v) =>
    open.addStep(query, [], v),
  ),
  ...each('addStep', 'reward', [Number.NaN, 1 / 0, -1 / 0, 1e39], 'SONA_NOT_FINITE', ({ open, query }, v) =>
    open.addStep(query, [], v),
  ),
  ...each('addTrajectoryStep', 'reward', [Number.NaN], 'SONA_NOT_FINITE', ({ engine, id, query }, v) =>
    engine.addTrajectoryStep(id, query, [], v),
  ),
  ...each('suggestRoutes', 'k', others.number.slice(1), 'SONA_INVALID_ARGUMENT', ({ engine, query }, k) =>
    engine.suggestRoutes(query, { k }),
  ),
  ...each(
    'suggestRoutes',
    'k',
    [0, -0, -1, 1.5, 10_001, Number.NaN, 1 / 0, 2 ** 32 + 1],
    'SONA_OUT_OF_RANGE',
    ({ engine, query }, k) => engine.suggestRoutes(query, { k }),
  ),
  ...each('applyBaseLora', 'layer', others.number, 'SONA_INVALID_ARGUMENT', ({ engine, query }, layer) =>
    engine.applyBaseLora(layer, query),
  ),
  ...each(
    'applyBaseLora',
    'layer',
    [1, -1, 0.5, Number.NaN, 2 ** 32],
    'SONA_OUT_OF_RANGE',
    ({ engine, query }, layer) => engine.applyBaseLora(layer, query),
  ),
  ...each(
    'beginTrajectory',
    'decision',
    others.number.slice(1),
    'SONA_INVALID_ARGUMENT',
    ({ engine, query }, decision) => engine.beginTrajectory(query, { decision }),
  ),
  ...each(
    'beginTrajectory',
    'decision',
    [0, -1, 1.5, Number.NaN, 1 / 0, 2 ** 60],
    'SONA_OUT_OF_RANGE',
    ({ engine, query }, decision) => engine.beginTrajectory(query, { decision }),
  ),
  ...each(
    'a trajectory to its end',
    'decision',
    [1_000_000, Number.MAX_SAFE_INTEGER],
    'SONA_INVALID_ARGUMENT',
    ({ engine, query }, decision) => {
      engine.endTrajectory(engine.beginTrajectory(query, { decision }).setRoute('east'), 1);
    },
  ),
  told(
    'a trajectory to its end: decision never made, route not known',
    'decision',
    'SONA_INVALID_ARGUMENT',
    (at) => {
      const { engine, query } = at;
      engine.endTrajectory(engine.beginTrajectory(query, { decision: 1_000_000 }).setRoute('new'), 1);
    },
  ),
];

const names: Case[] = [
  ...each('addRoute', 'name', others.string, 'SONA_INVALID_ARGUMENT', ({ engine }, v) => engine.addRoute(v)),
  ...each('removeRoute', 'name', others.string, 'SONA_INVALID_ARGUMENT', ({ engine }, v) =>
    engine.removeRoute(v),
  ),
  ...each('setRoute', 'route', others.string, 'SONA_INVALID_ARGUMENT', ({ open }, v) => open.setRoute(v)),
  ...each('setTrajectoryRoute', 'route', others.string, 'SONA_INVALID_ARGUMENT', ({ engine, id }, v) =>
    engine.setTrajectoryRoute(id, v),
  ),
  ...each('addRoute', 'name', ['', '\ud800'], 'SONA_OUT_OF_RANGE', ({ engine }, v) => engine.addRoute(v)),
  ...each('removeRoute', 'name', ['', '\ud800'], 'SONA_OUT_OF_RANGE', ({ engine }, v) =>
    engine.removeRoute(v),
  ),
  ...each('setRoute', 'route', ['', '\ud800'], 'SONA_OUT_OF_RANGE', ({ open }, v) => open.setRoute(v)),
  ...each('removeRoute', 'name', ['nowhere', '__proto__', 'East'], 'SONA_UNKNOWN_ROUTE', ({ engine }, v) =>
    engine.removeRoute(v),
  ),
  told('removeRoute: the same one twice', 'name', 'SONA_UNKNOWN_ROUTE', ({ other }) => {
    other.addRoute('a');
    other.removeRoute('a');
    other.removeRoute('a');
  }),
  ...each('suggestRoutes', 'eligible', [null, 1, 'east', {}, true], 'SONA_INVALID_ARGUMENT', (at, eligible) =>
    at.engine.suggestRoutes(at.query, { eligible }),
  ),
  told(
    'suggestRoutes: a number among the eligible',
    'eligible[1]',
    'SONA_INVALID_ARGUMENT',
    ({ engine, query }) => engine.suggestRoutes(query, { eligible: ['east', 1 as never] }),
  ),
  told(
    'suggestRoutes: an empty name among the eligible',
    'eligible[0]',
    'SONA_OUT_OF_RANGE',
    ({ engine, query }) => engine.suggestRoutes(query, { eligible: [''] }),
  ),
  told('suggestRoutes: an eligible route that is not there', 'eligible[2]', 'SONA_UNKNOWN_ROUTE', (at) =>
    at.engine.suggestRoutes(at.query, { eligible: ['east', 'west', 'nowhere'] }),
  ),
];

const trajectories: Case[] = (
  [
    ['addTrajectoryStep', ({ engine, query }, t) => engine.addTrajectoryStep(t, query, [], 1)],
    ['setTrajectoryRoute', ({ engine }, t) => engine.setTrajectoryRoute(t, 'east')],
    ['endTrajectory', ({ engine }, t) => engine.endTrajectory(t, 1)],
  ] satisfies [string, (world: World, trajectory: never) => unknown][]
).flatMap(([method, call]) => [
  ...each(
    method,
    'trajectory',
    [undefined, null, '1', 1n, {}, [], { id: 1, embeddingDim: DIM, stepCount: 0 }],
    'SONA_INVALID_ARGUMENT',
    call,
  ),
  ...each(
    method,
    'trajectory',
    [0, -1, 1.5, 1e9, 2 ** 32 + 1, Number.NaN, 1 / 0],
    'SONA_UNKNOWN_TRAJECTORY',
    call,
  ),
  told(`${method}: a builder that has ended`, 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    call(at, at.ended as never),
  ),
  told(`${method}: an id that has ended`, 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    call(at, at.endedId as never),
  ),
  told(`${method}: the id of a builder`, 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    call(at, at.open.id as never),
  ),
  told(`${method}: a builder of another engine`, 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    call(at, at.other.beginTrajectory(at.query) as never),
  ),
  told(`${method}: an id of another engine`, 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', (at) => {
    at.other.startTrajectory(at.query);
    const id = at.other.startTrajectory(at.query);
    return call(at, (id + 1_000) as never);
  }),
  told(`${method}: a proxy of a builder`, 'trajectory', 'SONA_INVALID_ARGUMENT', (at) =>
    call(at, new Proxy({ id: at.open.id }, {}) as never),
  ),
]);

const steps: Case[] = [
  told('addStep of a builder that has ended', 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', ({ ended, query }) =>
    ended.addStep(query, [], 1),
  ),
  told('setRoute of a builder that has ended', 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', ({ ended }) =>
    ended.setRoute('east'),
  ),
  told('addStep: more than maxTrajectorySteps', 'steps', 'SONA_OUT_OF_RANGE', ({ engine, query }) => {
    const builder = engine.beginTrajectory(query);
    for (let n = 0; n < 3; n++) {
      expect(builder.stepCount).toBe(n);
      builder.addStep(query, [], 1);
    }
  }),
  ...each(
    'addStep',
    'attentionWeights',
    [undefined, null, 1, 'abc', {}, Int32Array.of(1), Buffer.of(1), new Set([1])],
    'SONA_INVALID_ARGUMENT',
    ({ open, query }, v) => open.addStep(query, v, 1),
  ),
  ...each(
    'addStep',
    'attentionWeights[1]',
    [
      [1, '2'],
      [1, null],
      [1, undefined],
      [1, [2]],
    ],
    'SONA_INVALID_ARGUMENT',
    ({ open, query }, v) => open.addStep(query, v, 1),
  ),
  ...[[1, Number.NaN], Float32Array.of(1 / 0), Float64Array.of(0, 0, -1 / 0)].map((weights) =>
    told(`addStep: attentionWeights ${weights}`, 'attentionWeights', 'SONA_NOT_FINITE', ({ open, query }) =>
      open.addStep(query, weights, 1),
    ),
  ),
];

const buffers: Case[] = (
  [
    ['applyMicroLora', ({ engine }, x, out) => engine.applyMicroLora(x, out)],
    ['applyBaseLora', ({ engine }, x, out) => engine.applyBaseLora(0, x, out)],
    ['applyLora', ({ engine }, x, out) => engine.applyLora(x, out)],
  ] satisfies [string, (world: World, x: never, out: never) => unknown][]
).flatMap(([method, call]) =>
  (
    [
      ['a Float32Array', (length: number) => new Float32Array(length)],
      ['a Float64Array', (length: number) => new Float64Array(length)],
      ['an array', (length: number) => new Array<number>(length).fill(0)],
    ] as const
  ).flatMap(([kind, make]) => [
    ...[[], new Float32Array(DIM), new Float64Array(DIM), 'out', 1, {}, null, Buffer.alloc(4 * DIM)]
      .filter((out) => Object.prototype.toString.call(out) !== Object.prototype.toString.call(make(DIM)))
      .map((out) =>
        told(`${method}: ${kind} with out ${show(out)}`, 'out', 'SONA_INVALID_ARGUMENT', (at) =>
          call(at, make(DIM) as never, out as never),
        ),
      ),
    ...[DIM - 1, DIM + 1].map((length) =>
      told(`${method}: ${kind} with an out of ${length}`, 'out', 'SONA_DIM_MISMATCH', (at) =>
        call(at, make(DIM) as never, make(length) as never),
      ),
    ),
  ]),
);

const batches: Case[] = [
  ...each(
    'applyMicroLoraBatch',
    'flat',
    [undefined, null, Int32Array.of(1), 'flat', 1, {}],
    'SONA_INVALID_ARGUMENT',
    ({ engine }, v) => engine.applyMicroLoraBatch(v),
  ),
  ...each(
    'applyMicroLoraBatch',
    'out',
    [null, [], new Float64Array(DIM), 'out', {}],
    'SONA_INVALID_ARGUMENT',
    ({ engine }, v) => engine.applyMicroLoraBatch(new Float32Array(DIM), v),
  ),
  told('applyMicroLoraBatch: one vector and a half', 'flat', 'SONA_DIM_MISMATCH', ({ engine }) =>
    engine.applyMicroLoraBatch(new Float32Array(DIM + DIM / 2)),
  ),
  told('applyMicroLoraBatch: an out of another length', 'out', 'SONA_DIM_MISMATCH', ({ engine }) =>
    engine.applyMicroLoraBatch(new Float32Array(2 * DIM), new Float32Array(DIM)),
  ),
  told('applyMicroLoraBatch: NaN in the last number of an array', 'flat', 'SONA_NOT_FINITE', ({ engine }) =>
    engine.applyMicroLoraBatch([...new Array<number>(2 * DIM - 1).fill(1), Number.NaN]),
  ),
  told('applyMicroLoraBatch: an array of half a vector', 'flat', 'SONA_DIM_MISMATCH', ({ engine }) =>
    engine.applyMicroLoraBatch(new Array<number>(DIM / 2).fill(1)),
  ),
  told('applyMicroLoraBatch: NaN in the last vector', 'flat', 'SONA_NOT_FINITE', ({ engine }) =>
    engine.applyMicroLoraBatch(new Float32Array(2 * DIM).fill(Number.NaN, 2 * DIM - 1)),
  ),
];

const options: Case[] = (
  [
    ['addRoute', ({ engine }, v) => engine.addRoute('new', v)],
    ['suggestRoutes', ({ engine, query }, v) => engine.suggestRoutes(query, v)],
    ['beginTrajectory', ({ engine, query }, v) => engine.beginTrajectory(query, v)],
    ['learn', ({ engine }, v) => engine.learn(v)],
  ] satisfies [string, (world: World, value: never) => unknown][]
).flatMap(([method, call]) => [
  ...each(method, 'options', others.object, 'SONA_INVALID_ARGUMENT', call),
  told(`${method}: an option that it does not have`, 'options.colour', 'SONA_INVALID_ARGUMENT', (at) =>
    call(at, { colour: 1 } as never),
  ),
]);

const rest: Case[] = [
  ...each('setEnabled', 'enabled', others.boolean, 'SONA_INVALID_ARGUMENT', ({ engine }, v) =>
    engine.setEnabled(v),
  ),
  ...each(
    'learn',
    'options.signal',
    [null, 1, {}, new EventTarget()],
    'SONA_INVALID_ARGUMENT',
    ({ engine }, signal) => engine.learn({ signal }),
  ),
  ...each(
    'learn',
    'options.onProgress',
    [null, 1, {}, 'log'],
    'SONA_INVALID_ARGUMENT',
    ({ engine }, onProgress) => engine.learn({ onProgress }),
  ),
  told('learn: a signal that has been aborted', undefined, 'SONA_ABORTED', ({ engine }) =>
    engine.learn({ signal: AbortSignal.abort() }),
  ),
];

const wrong = (config: unknown) => () => SonaEngine.withConfig(config as never);
const config: Case[] = [
  ...[undefined, null, 1, 'config', [], () => ({})].map((value) =>
    told(`withConfig(${show(value)})`, 'config', 'SONA_INVALID_ARGUMENT', wrong(value)),
  ),
  ...[0, -1, 1.5, 65_537, Number.NaN, 1 / 0, null, '256', {}, [256], 256n, true].map((value) =>
    told(
      `new SonaEngine(${show(value)})`,
      'hiddenDim',
      'SONA_INVALID_CONFIG',
      () => new SonaEngine(value as never),
    ),
  ),
  ...[255, '256', null, Number.NaN].map((value) =>
    told(
      `embeddingDim ${show(value)}`,
      'embeddingDim',
      'SONA_INVALID_CONFIG',
      wrong({ embeddingDim: value }),
    ),
  ),
  ...[true, null, [], 'micro', 1].map((value) =>
    told(`tiers ${show(value)}`, 'tiers', 'SONA_INVALID_CONFIG', wrong({ tiers: value })),
  ),
  ...[null, 1, 'true', {}].map((value) =>
    told(
      `tiers.micro ${show(value)}`,
      'tiers.micro',
      'SONA_INVALID_CONFIG',
      wrong({ tiers: { micro: value } }),
    ),
  ),
  ...['tiers.micro', '', '__proto__', 'constructor', 'handle', 'Background'].map((key) =>
    told(
      `the key ${JSON.stringify(key)}`,
      key,
      'SONA_INVALID_CONFIG',
      wrong(JSON.parse(`{${JSON.stringify(key)}: 1}`)),
    ),
  ),
  told(
    'tiers: a key that it does not have',
    'tiers.all',
    'SONA_INVALID_CONFIG',
    wrong({ tiers: { all: true } }),
  ),
];

const cases = { vectors, numbers, names, trajectories, steps, buffers, batches, options, rest, config };

describe.each(Object.entries(cases))('refused: %s', (_, list) => {
  it.each(list.map((bad) => [bad.name, bad] as const))('%s', async (_, { call, code, argument }) => {
    const at = world();
    const error = await refusal(() => call(at));
    expect({ code: error.code, argument: error.details.argument }).toEqual({ code, argument });
    if (argument !== undefined) expect(error.message.startsWith(`${argument}: `), error.message).toBe(true);
    expect(error.message.length).toBeLessThan(200);
    expect(future(at)).toEqual(expected);
    await Promise.all([at.engine.close(), at.other.close()]);
  });
});

it('has more than 60 cases', () => {
  expect(Object.values(cases).flat().length).toBeGreaterThan(60);
});

it('compares with a twin that moves when it is taught', () => {
  const at = world();
  at.engine.endTrajectory(at.engine.beginTrajectory(at.query).setRoute('west'), 1);
  expect(future(at)).not.toEqual(expected);
});

describe('the 10,001st route', () => {
  const engine = manual({ hiddenDim: 1 });
  for (let i = 0; i < 10_000; i++) engine.addRoute(`route ${i}`, { embedding: [1] });
  afterAll(() => engine.close());

  it('is refused, by addRoute and by a trajectory that names it', async () => {
    const builder = engine.beginTrajectory([1]).setRoute('one more');
    const calls = { name: () => engine.addRoute('one more'), route: () => engine.endTrajectory(builder, 1) };
    for (const [argument, call] of Object.entries(calls)) {
      const error = await refusal(call);
      expect([error.code, error.details.argument]).toEqual(['SONA_OUT_OF_RANGE', argument]);
    }
    expect(engine.routes()).toHaveLength(10_000);
    expect(engine.stats().trajectoriesRecorded).toBe(0);
  });

  it('leaves room for known names, and for new ones where old ones go', () => {
    engine.addRoute('route 7', { embedding: [-1] });
    expect(engine.suggestRoutes([-1], { k: 10_000 }).best).toBe('route 7');
    engine.removeRoute('route 8');
    engine.addRoute('one more');
    expect(engine.routes()).toHaveLength(10_000);
  });
});

describe('an unknown setting', () => {
  it.each([
    ['hidenDim', 'hiddenDim'],
    ['hiddendim', 'hiddenDim'],
    ['microLoraRnk', 'microLoraRank'],
    ['baseLoRALr', 'baseLoraLr'],
    ['sead', 'seed'],
    ['tier', 'tiers'],
    ['embedingDim', 'embeddingDim'],
    ['promotion_gate', 'promotionGate'],
  ])('%s is refused with a hint at %s', async (key, nearest) => {
    const error = await refusal(wrong({ [key]: 1 }));
    expect([error.code, error.details.argument]).toEqual(['SONA_INVALID_CONFIG', key]);
    expect(error.message).toContain(`did you mean '${nearest}'?`);
  });

  it('gets no hint when nothing is near', async () => {
    expect((await refusal(wrong({ zzzzzzzzzz: 1 }))).message).not.toContain('did you mean');
  });
});

describe('a closed engine', () => {
  const query = gaussian(DIM, 31);
  const uses: Record<string, (engine: SonaEngine, builder: TrajectoryBuilder) => unknown> = {
    applyMicroLora: (engine) => engine.applyMicroLora(query),
    applyBaseLora: (engine) => engine.applyBaseLora(0, query),
    applyLora: (engine) => engine.applyLora(query),
    applyMicroLoraBatch: (engine) => engine.applyMicroLoraBatch(query),
    addRoute: (engine) => engine.addRoute('east'),
    removeRoute: (engine) => engine.removeRoute('east'),
    routes: (engine) => engine.routes(),
    suggestRoutes: (engine) => engine.suggestRoutes(query),
    beginTrajectory: (engine) => engine.beginTrajectory(query),
    startTrajectory: (engine) => engine.startTrajectory(query),
    addTrajectoryStep: (engine, builder) => engine.addTrajectoryStep(builder, query, [], 1),
    setTrajectoryRoute: (engine, builder) => engine.setTrajectoryRoute(builder, 'east'),
    endTrajectory: (engine, builder) => engine.endTrajectory(builder, 1),
    tick: (engine) => engine.tick(),
    forceLearn: (engine) => engine.forceLearn(),
    flush: (engine) => engine.flush(),
    learn: (engine) => engine.learn(),
    getStats: (engine) => engine.getStats(),
    stats: (engine) => engine.stats(),
    setEnabled: (engine) => engine.setEnabled(true),
    isEnabled: (engine) => engine.isEnabled(),
    capabilities: (engine) => engine.capabilities(),
  };

  const methods = Object.getOwnPropertyNames(SonaEngine.prototype).filter(
    (name) => name !== 'constructor' && name !== 'close',
  );

  it.each(methods)('refuses %s', async (name) => {
    for (const end of ['close', Symbol.dispose, Symbol.asyncDispose] as const) {
      const { engine, open } = world();
      const ending = engine[end]();
      const use = uses[name];
      expect(use, `${name} is not in the table of this test`).toBeDefined();
      expect(await refusal(() => use?.(engine, open))).toMatchObject({ code: 'SONA_CLOSED', details: {} });
      await ending;
      expect((await refusal(() => use?.(engine, open))).code).toBe('SONA_CLOSED');
    }
  });

  it('refuses the builders that it gave out', async () => {
    const { engine, open } = world();
    await engine.close();
    for (const call of [() => open.addStep(query, [], 1), () => open.setRoute('east')]) {
      expect((await refusal(call)).code).toBe('SONA_CLOSED');
    }
  });

  it('does not pass its place on to the next engine', async () => {
    const first = manual({ hiddenDim: DIM });
    const builder = first.beginTrajectory(query);
    await first.close();
    const next = manual({ hiddenDim: DIM });
    expect((await refusal(() => first.endTrajectory(builder, 1))).code).toBe('SONA_CLOSED');
    expect((await refusal(() => next.endTrajectory(builder, 1))).code).toBe('SONA_UNKNOWN_TRAJECTORY');
    expect(next.stats().trajectoriesRecorded).toBe(0);
    await next.close();
  });
});

describe('every error', () => {
  const failure = () => refusal(() => manual().applyLora([1]));

  it('is a SonaError, also to another copy of the package', async () => {
    const error = await failure();
    vi.resetModules();
    const copy: typeof import('../index.ts') = await import('../index.ts');
    expect(copy.SonaError).not.toBe(SonaError);
    expect(error).not.toBeInstanceOf(copy.SonaError);
    expect(copy.SonaError.isInstance(error)).toBe(true);
    expect(SonaError.isInstance(error)).toBe(true);
  });

  it('has a name, a message, a code, details and a stack that begins where it was thrown', async () => {
    const error = await failure();
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('SonaError');
    expect(error.message).toBe('x: expected 256 numbers, got 1');
    expect(error.details).toEqual({ argument: 'x', expected: 256, got: 1 });
    expect(error.stack).toContain('bad-input.test.ts');
  });

  it.each([
    null,
    undefined,
    1,
    'SonaError',
    new Error('SonaError'),
    {},
    { name: 'SonaError', code: 'SONA_CLOSED' },
  ])('is not taken for one when it is %s', (value) => {
    expect(SonaError.isInstance(value)).toBe(false);
  });
});

it('teaches routes that exist', () => {
  const { engine } = world();
  expect(engine.routes().map((route) => route.name)).toEqual(taught);
});
