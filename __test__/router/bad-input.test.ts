// Whatever is refused is refused by name and changes nothing: after each case the router must be the same, to the last
// bit, as a twin that was never asked, and log nothing.
import { describe, expect, it } from 'vitest';
import { fitBasis, type RouterDecision, SonaEngine, type SonaErrorCode, SonaRouter } from '../../index.ts';
import { fixedClock } from '../../testing.ts';
import { badVectors } from '../support/bad-vectors.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import { anonymous, basis, bytes, DIM, idAt, models, NOON, prompt, teach } from '../support/routers.ts';
import { gaussian } from '../support/vectors.ts';

const make = routers();

interface World {
  router: SonaRouter;
  decision: RouterDecision;
  lines: string[];
  query: Float32Array;
}

function world(): World {
  const lines: string[] = [];
  const router = make({ log: (line) => lines.push(line), pendingCapacity: 20 });
  teach(router, 24, 1, (n) => ({ sessionId: `s${n % 3}`, tenant: `t${n % 2}` }));
  return { router, decision: router.route(prompt(0, 1)), lines, query: prompt(0, 2) };
}

/** What must be left of every world: its state, its log, and what it decides next. */
const picture = ({ router, lines }: World) => [
  bytes(router),
  lines.length,
  router.models(),
  anonymous(router.route(prompt(1, 3), { tenant: 't0' })),
];
const expected = picture(world());

interface Case {
  name: string;
  call: (world: World) => unknown;
  code: SonaErrorCode;
  /** Undefined where no argument is at fault. */
  argument: string | undefined;
}

const told = (name: string, argument: string | undefined, code: SonaErrorCode, call: Case['call']): Case => ({
  name,
  argument,
  code,
  call,
});

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value) ?? 'an object';
  return Object.is(value, -0) ? '-0' : String(value);
}

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

/** Values of every other kind. */
const others = {
  number: [null, '1', 1n, true, {}, [1], Symbol('one'), () => 1],
  string: [null, 1, 1n, true, {}, ['coder'], Symbol('coder')],
  object: [null, 1, 'k', true, [], Symbol('k'), () => ({})],
  boolean: [null, 0, 1, 'true', {}],
  function: [null, 1, 'now', {}, []],
  bytes: [undefined, null, 'state', [1, 2], new ArrayBuffer(8), new Uint16Array(4), {}],
};
const infinite = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const nameless = ['', '\ud800'];
/** Nearly ids. */
const notIds = [
  0,
  1.5,
  '',
  'r0123456789abcdef',
  'r0123456789abcdef-',
  'r0123456789abcdef-0',
  'r0123456789abcdef-01',
  'r0123456789abcdef-1.5',
  'r0123456789abcdef-9007199254740993',
  'r0123456789ABCDEF-1',
  'r0123456789abcde-1',
  'x0123456789abcdef-1',
  ' r0123456789abcdef-1',
  'r0123456789abcdef-1\n',
];

const row = (parts: object) => ({ vector: prompt(0, 1), model: 'poet', quality: 0.5, ...parts });
/** A row at fault after one that is right. */
const rows = (parts: object) => [row({}), row(parts)];

const vectors: Case[] = badVectors.flatMap(({ what, value, code, at = '' }) => [
  told(`route: ${what}`, `query${at}`, code, ({ router }) => router.route(value() as never)),
  told(`warmStart: ${what}`, `rows[1].vector${at}`, code, ({ router }) =>
    router.warmStart(rows({ vector: value() }) as never),
  ),
]);

const options = (key: string, values: readonly unknown[], code: SonaErrorCode, argument = key): Case[] =>
  each('route', argument, values, code, ({ router, query }, v) => router.route(query, { [key]: v }));

const requests: Case[] = [
  ...each('route', 'options', others.object, 'SONA_INVALID_ARGUMENT', ({ router, query }, v) =>
    router.route(query, v),
  ),
  ...options('elegible', [['poet']], 'SONA_INVALID_ARGUMENT', 'options.elegible'),
  ...options('eligible', [null, 'poet', 1, {}, new Set(['poet'])], 'SONA_INVALID_ARGUMENT'),
  ...options(
    'eligible',
    [
      ['poet', 1],
      ['poet', null],
      ['poet', undefined],
    ],
    'SONA_INVALID_ARGUMENT',
    'eligible[1]',
  ),
  ...options('eligible', [['', 'poet']], 'SONA_OUT_OF_RANGE', 'eligible[0]'),
  ...options(
    'eligible',
    [
      ['poet', 'nobody'],
      ['poet', '__proto__'],
    ],
    'SONA_UNKNOWN_MODEL',
    'eligible[1]',
  ),
  told('route: nobody is eligible', undefined, 'SONA_NO_ELIGIBLE_MODEL', ({ router, query }) =>
    router.route(query, { eligible: [] }),
  ),
  told('route: everybody is too dear', undefined, 'SONA_NO_ELIGIBLE_MODEL', ({ router, query }) =>
    router.route(query, { maxCostUsd: 0, sessionId: 's0', mode: 'apply' }),
  ),
  ...['maxCostUsd', 'maxLatencyMs', 'promptTokens'].flatMap((key) => [
    ...options(key, others.number, 'SONA_INVALID_ARGUMENT'),
    ...options(key, infinite, 'SONA_NOT_FINITE'),
    ...options(key, [-1, -5e-324, 1.1e12], 'SONA_OUT_OF_RANGE'),
  ]),
  ...['sessionId', 'tenant'].flatMap((key) => [
    ...options(key, others.string, 'SONA_INVALID_ARGUMENT'),
    ...options(key, nameless, 'SONA_OUT_OF_RANGE'),
  ]),
  ...options('mode', [null, 1, true, 'watch', ''], 'SONA_INVALID_ARGUMENT'),
];

const outcome = (
  key: string,
  values: readonly unknown[],
  code: SonaErrorCode,
  argument = `outcome.${key}`,
): Case[] =>
  each('feedback', argument, values, code, ({ router, decision }, v) =>
    // with a part that is right
    router.feedback(decision.id, { latencyMs: 5, [key]: v }),
  );

const outcomes: Case[] = [
  ...each(
    'feedback',
    'id',
    [undefined, ...others.number, 0, -1, 1.5, Number.NaN, 1 / 0, 2 ** 53],
    'SONA_INVALID_ARGUMENT',
    ({ router }, v) => router.feedback(v, { quality: 1 }),
  ),
  ...each(
    'feedback',
    'outcome',
    [undefined, ...others.object],
    'SONA_INVALID_ARGUMENT',
    ({ router, decision }, v) => router.feedback(decision.id, v),
  ),
  ...outcome('qualty', [1], 'SONA_INVALID_ARGUMENT'),
  ...['quality', 'costUsd', 'latencyMs'].flatMap((key) => [
    ...outcome(key, others.number, 'SONA_INVALID_ARGUMENT'),
    ...outcome(key, infinite, 'SONA_NOT_FINITE'),
    ...outcome(key, [-1, -5e-324, 1.1e12], 'SONA_OUT_OF_RANGE'),
  ]),
  ...outcome('quality', [1.000_001, 1 + Number.EPSILON], 'SONA_OUT_OF_RANGE'),
  ...outcome('error', [null, 1, 0, {}, new Error('no')], 'SONA_INVALID_ARGUMENT'),
  ...outcome('source', others.string, 'SONA_INVALID_ARGUMENT'),
  ...outcome('source', nameless, 'SONA_OUT_OF_RANGE'),
  ...outcome('model', others.string, 'SONA_INVALID_ARGUMENT'),
  ...outcome('model', nameless, 'SONA_OUT_OF_RANGE'),
  ...outcome('model', ['nobody', 'constructor'], 'SONA_UNKNOWN_MODEL'),
  ...outcome('amend', others.boolean, 'SONA_INVALID_ARGUMENT'),
  // wrong, whoever it is for
  told(
    'feedback: a wrong outcome of an unknown decision',
    'outcome.quality',
    'SONA_OUT_OF_RANGE',
    ({ router, decision }) => router.feedback(idAt(decision.id, 999), { quality: 2 }),
  ),
];

/** Everything that may be wrong about a model; `at` is what the call names it. */
const ofModel = (method: string, at: string, use: (world: World, model: never) => unknown): Case[] => {
  const part = (
    key: string,
    values: readonly unknown[],
    code: SonaErrorCode,
    argument = `${at}.${key}`,
  ): Case[] =>
    each(method, argument, values, code, (world, v) => use(world, { id: 'new', [key]: v } as never));
  const prior = (key: string, values: readonly unknown[], code: SonaErrorCode): Case[] =>
    each(method, `${at}.prior.${key}`, values, code, (world, v) =>
      use(world, { id: 'new', prior: { [key]: v } } as never),
    );
  const wrong = ['1', true, {}, [1]];
  const notData = [1n, Symbol('one'), () => 1];
  return [
    ...each(method, at, [undefined, ...others.object], 'SONA_INVALID_ARGUMENT', use),
    ...part('id', [undefined, ...others.string], 'SONA_INVALID_ARGUMENT'),
    ...part('id', nameless, 'SONA_OUT_OF_RANGE'),
    ...part('id', ['poet'], 'SONA_INVALID_ARGUMENT'),
    ...part('price', [1], 'SONA_INVALID_ARGUMENT'),
    ...['inputUsdPer1M', 'outputUsdPer1M'].flatMap((key) => [
      ...part(key, [...wrong, ...notData], 'SONA_INVALID_ARGUMENT'),
      ...part(key, infinite, 'SONA_NOT_FINITE'),
      ...part(key, [-1, 1.1e12], 'SONA_OUT_OF_RANGE'),
    ]),
    ...part('tags', [1, true, 'code', {}, ...notData], 'SONA_INVALID_ARGUMENT'),
    ...part('tags', [['code', 1]], 'SONA_INVALID_ARGUMENT'),
    ...part('tags', [Array.from({ length: 65 }, (_, n) => `t${n}`)], 'SONA_OUT_OF_RANGE'),
    ...part('tags', [['code', '']], 'SONA_OUT_OF_RANGE', `${at}.tags[1]`),
    ...part('prior', [1, true, 'good', [], ...notData], 'SONA_INVALID_ARGUMENT'),
    ...prior('qualty', [1], 'SONA_INVALID_ARGUMENT'),
    ...['quality', 'costUsd', 'latencyMs', 'weight'].flatMap((key) => [
      ...prior(key, [...wrong.slice(0, 2), ...notData], 'SONA_INVALID_ARGUMENT'),
      ...prior(key, infinite, 'SONA_NOT_FINITE'),
      ...prior(key, [-1, 1.1e12], 'SONA_OUT_OF_RANGE'),
    ]),
    ...prior('quality', [1.000_001], 'SONA_OUT_OF_RANGE'),
    ...prior('weight', [0, 1_000_001], 'SONA_OUT_OF_RANGE'),
    ...prior('like', [1, true], 'SONA_INVALID_ARGUMENT'),
    ...prior('like', ['nobody'], 'SONA_UNKNOWN_MODEL'),
  ];
};

const full = Array.from({ length: 1_000 }, (_, n) => ({ id: `model ${n}` }));

const changes: Case[] = [
  ...ofModel('addModel', 'model', ({ router }, model) => router.addModel(model)),
  ...ofModel('new', 'models[1]', (_, model) => make({ models: [{ id: 'poet' }, model] })),
  told('new: 1,001 models', 'models', 'SONA_OUT_OF_RANGE', () =>
    make({ models: [...full, { id: 'one more' }] }),
  ),
  told('addModel: the 1,001st', 'models', 'SONA_OUT_OF_RANGE', () =>
    make({ models: full }).addModel({ id: 'one more' }),
  ),
  ...each('removeModel', 'id', [undefined, ...others.string], 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    router.removeModel(v),
  ),
  ...each('removeModel', 'id', nameless, 'SONA_OUT_OF_RANGE', ({ router }, v) => router.removeModel(v)),
  ...each('removeModel', 'id', ['nobody', 'toString'], 'SONA_UNKNOWN_MODEL', ({ router }, v) =>
    router.removeModel(v),
  ),
  ...each('updatePrice', 'id', [undefined, ...others.string], 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    router.updatePrice(v, { inputUsdPer1M: 1 }),
  ),
  ...each('updatePrice', 'id', ['nobody'], 'SONA_UNKNOWN_MODEL', ({ router }, v) =>
    router.updatePrice(v, { inputUsdPer1M: 1 }),
  ),
  ...each('updatePrice', 'price', [undefined, ...others.object], 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    router.updatePrice('poet', v),
  ),
  ...['inputUsdPer1M', 'outputUsdPer1M'].flatMap((key) => {
    const use = ({ router }: World, v: unknown) =>
      router.updatePrice('poet', { inputUsdPer1M: 1, outputUsdPer1M: 1, [key]: v });
    return [
      ...each('updatePrice', key, others.number, 'SONA_INVALID_ARGUMENT', use),
      ...each('updatePrice', key, infinite, 'SONA_NOT_FINITE', use),
      ...each('updatePrice', key, [-1, 1.1e12], 'SONA_OUT_OF_RANGE', use),
    ];
  }),
];

const warm = (key: string, values: readonly unknown[], code: SonaErrorCode): Case[] =>
  each('warmStart', `rows[1].${key}`, values, code, ({ router }, v) =>
    router.warmStart(rows({ [key]: v }) as never),
  );

const rest: Case[] = [
  ...each('warmStart', 'rows', [undefined, null, 1, 'rows', {}], 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    router.warmStart(v),
  ),
  ...each('warmStart', 'rows[0]', [undefined, null, 1, []], 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    router.warmStart([v]),
  ),
  ...warm('qualty', [1], 'SONA_INVALID_ARGUMENT'),
  ...warm('model', [undefined, ...others.string], 'SONA_INVALID_ARGUMENT'),
  ...warm('model', ['nobody'], 'SONA_UNKNOWN_MODEL'),
  ...warm('quality', [undefined, ...others.number], 'SONA_INVALID_ARGUMENT'),
  ...warm('quality', infinite, 'SONA_NOT_FINITE'),
  ...warm('quality', [-0.1, 1.1], 'SONA_OUT_OF_RANGE'),
  ...warm('weight', others.number, 'SONA_INVALID_ARGUMENT'),
  ...warm('weight', infinite, 'SONA_NOT_FINITE'),
  ...warm('weight', [0, -1, 1_000.1], 'SONA_OUT_OF_RANGE'),
  // far behind the first rows that would have crossed
  told('warmStart: the 5,000th row', 'rows[4999].quality', 'SONA_OUT_OF_RANGE', ({ router }) =>
    router.warmStart([...new Array(4_999).fill(row({})), row({ quality: 2 })]),
  ),
  ...[
    [new Float32Array(DIM), 'SONA_OUT_OF_RANGE'] as const,
    [Float32Array.of(3e38, 1, 1, 1, 1, 1, 1, 1), 'SONA_OUT_OF_RANGE'] as const,
    [Float32Array.of(1, 1, 1, 1, 1, 1, 1, Number.NaN), 'SONA_NOT_FINITE'] as const,
  ].map(([vector, code]) =>
    told(`warmStart: ${vector} in the 5,000th row`, 'rows[4999].vector', code, ({ router }) =>
      router.warmStart([...new Array(4_999).fill(row({})), row({ vector })]),
    ),
  ),
  ...each('merge', 'state', others.bytes, 'SONA_INVALID_ARGUMENT', ({ router }, v) => router.merge(v)),
  ...each('restore', 'bytes', others.bytes, 'SONA_INVALID_ARGUMENT', (_, v) => SonaRouter.restore(v)),
  ...each('restore', 'options', others.object, 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    SonaRouter.restore(router.snapshot(), v),
  ),
  ...['now', 'log'].flatMap((key) =>
    each('restore', key, others.function, 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
      SonaRouter.restore(router.snapshot(), { [key]: v }),
    ),
  ),
  ...each('restore', 'engine', [null, {}, 1, SonaEngine], 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    SonaRouter.restore(router.snapshot(), { engine: v }),
  ),
  ...each('restore', 'origin', [null, 1, '', '\ud800'], 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    SonaRouter.restore(router.snapshot(), { origin: v }),
  ),
  told('restore: an unknown option', 'options.seed', 'SONA_INVALID_ARGUMENT', ({ router }) =>
    SonaRouter.restore(router.snapshot(), { seed: 1 } as never),
  ),
  ...each('save', 'path', [undefined, ...others.string], 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    router.save(v),
  ),
  ...each('save', 'path', nameless, 'SONA_OUT_OF_RANGE', ({ router }, v) => router.save(v)),
  ...each('load', 'path', [undefined, ...others.string], 'SONA_INVALID_ARGUMENT', (_, v) =>
    SonaRouter.load(v),
  ),
  ...each('exportLog', 'options', others.object, 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    router.exportLog(v),
  ),
  ...each('exportLog', 'since', others.number, 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    router.exportLog({ since: v }),
  ),
  ...each('exportLog', 'since', [-1, 0.5, Number.NaN], 'SONA_OUT_OF_RANGE', ({ router }, v) =>
    router.exportLog({ since: v }),
  ),
  ...each(
    'forget',
    'criterion',
    [undefined, ...others.object, {}, { source: undefined }],
    'SONA_INVALID_ARGUMENT',
    ({ router }, v) => router.forget(v),
  ),
  ...each('forget', 'source', others.string, 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    router.forget({ source: v }),
  ),
  ...each('forget', 'decisionId', [...others.number, ...notIds], 'SONA_INVALID_ARGUMENT', ({ router }, v) =>
    router.forget({ decisionId: v }),
  ),
  ...each(
    'forget',
    'before',
    [...others.number, new Date(Number.NaN)],
    'SONA_INVALID_ARGUMENT',
    ({ router }, v) => router.forget({ before: v }),
  ),
  ...each('forget', 'before', [-1, 0.5, 1 / 0, new Date(-1)], 'SONA_OUT_OF_RANGE', ({ router }, v) =>
    router.forget({ before: v }),
  ),
  told('forget: an unknown part', 'criterion.trajectoryId', 'SONA_INVALID_ARGUMENT', ({ router }) =>
    router.forget({ trajectoryId: 1 } as never),
  ),
];

describe.each([
  ['vectors', vectors],
  ['requests', requests],
  ['outcomes', outcomes],
  ['models', changes],
  ['the rest', rest],
])('%s that are refused', (_, cases) => {
  it.each(cases)('$name', async ({ call, code, argument }) => {
    const own = world();
    const error = await refusal(() => call(own));
    expect(error.code).toBe(code);
    expect(error.details.argument).toBe(argument);
    if (argument) expect(error.message).toContain(argument);
    expect(error.details).toEqual(JSON.parse(JSON.stringify(error.details)));
    expect(picture(own)).toEqual(expected);
  });
});

describe('a config that is refused', () => {
  const wrong = (config: object) => () => new SonaRouter({ models, ...config } as never);
  const cases: [string, () => unknown, SonaErrorCode, string | undefined][] = [
    ...[undefined, ...others.object].map((value): [string, () => unknown, SonaErrorCode, string] => [
      `config ${show(value)}`,
      () => new SonaRouter(value as never),
      'SONA_INVALID_ARGUMENT',
      'config',
    ]),
    ...[undefined, null, 1, 'models', {}, new Set()].map(
      (value): [string, () => unknown, SonaErrorCode, string] => [
        `models ${show(value)}`,
        wrong({ models: value }),
        'SONA_INVALID_ARGUMENT',
        'models',
      ],
    ),
    ['an id twice', wrong({ models: [{ id: 'a' }, { id: 'a' }] }), 'SONA_INVALID_ARGUMENT', 'models[1].id'],
    ['a sparse list', wrong({ models: new Array(3) }), 'SONA_INVALID_ARGUMENT', 'models[0]'],
    ['an unknown key', wrong({ modls: [] }), 'SONA_INVALID_CONFIG', 'modls'],
    ['an unknown key of features', wrong({ features: { dims: 3 } }), 'SONA_INVALID_CONFIG', 'features.dims'],
    [
      'an unknown objective',
      wrong({ objective: { costWeigth: 1 } }),
      'SONA_INVALID_CONFIG',
      'objective.costWeigth',
    ],
    ['a dotted key', wrong({ 'objective.costWeight': 1 }), 'SONA_INVALID_CONFIG', 'objective.costWeight'],
    ['__proto__', wrong(JSON.parse('{ "__proto__": 1 }')), 'SONA_INVALID_CONFIG', '__proto__'],
    ...[null, 1, 'auto', []].map((value): [string, () => unknown, SonaErrorCode, string] => [
      `features ${show(value)}`,
      wrong({ features: value }),
      'SONA_INVALID_CONFIG',
      'features',
    ]),
    ...[null, 1, 'mini', true].map((value): [string, () => unknown, SonaErrorCode, string] => [
      `features.basis ${show(value)}`,
      wrong({ features: { basis: value } }),
      'SONA_INVALID_CONFIG',
      'features.basis',
    ]),
    ['an empty basis', wrong({ features: { basis: {} } }), 'SONA_INVALID_ARGUMENT', 'features.basis.id'],
    [
      'a changed basis',
      wrong({ features: { basis: { ...basis, scale: 2 } } }),
      'SONA_OUT_OF_RANGE',
      'features.basis.hash',
    ],
    [
      'minilm for other vectors',
      wrong({ features: { basis: 'minilm', dim: 8 } }),
      'SONA_INVALID_CONFIG',
      'features.basis',
    ],
    [
      'a basis for other vectors',
      wrong({ features: { basis, dim: 9 } }),
      'SONA_INVALID_CONFIG',
      'features.basis',
    ],
    [
      'a scale upside down',
      wrong({ objective: { costScale: { lowUsd: 1 } } }),
      'SONA_INVALID_CONFIG',
      'objective.costScale.highUsd',
    ],
    ...['now', 'log'].flatMap((key) =>
      others.function.map((value): [string, () => unknown, SonaErrorCode, string] => [
        `${key} ${show(value)}`,
        wrong({ [key]: value }),
        'SONA_INVALID_CONFIG',
        key,
      ]),
    ),
    ...[null, 1, {}, SonaEngine].map((value): [string, () => unknown, SonaErrorCode, string] => [
      `engine ${show(value)}`,
      wrong({ engine: value }),
      'SONA_INVALID_CONFIG',
      'engine',
    ]),
    ...[null, 1, '', '\ud800'].map((value): [string, () => unknown, SonaErrorCode, string] => [
      `origin ${show(value)}`,
      wrong({ origin: value }),
      'SONA_INVALID_CONFIG',
      'origin',
    ]),
  ];

  it.each(cases)('%s', async (_, call, code, argument) => {
    const error = await refusal(call);
    expect([error.code, error.details.argument]).toEqual([code, argument]);
  });

  it('is told the nearest key', async () => {
    expect((await refusal(wrong({ modls: [] }))).message).toContain('models');
    expect((await refusal(wrong({ features: { bases: 'auto' } }))).message).toContain('features.basis');
    expect((await refusal(wrong({ objective: { costWeigth: 1 } }))).message).toContain('costWeight');
  });

  it('for another dimension than its engine', async () => {
    const engine = SonaEngine.withConfig({ hiddenDim: DIM });
    const error = await refusal(wrong({ engine, features: { dim: 9 } }));
    expect([error.code, error.details.argument]).toEqual(['SONA_INVALID_CONFIG', 'features.dim']);
    const wide = fitBasis(
      Array.from({ length: 70 }, (_, n) => gaussian(9, n)),
      { id: 'nine' },
    );
    expect((await refusal(wrong({ engine, features: { basis: wide } }))).details.argument).toBe(
      'features.basis',
    );
    await engine.close();
    expect((await refusal(wrong({ engine }))).code).toBe('SONA_CLOSED');
  });
});

describe('a clock that is wrong', () => {
  it.each([Number.NaN, 0, -1, 1.5, 2 ** 53, '1', null, undefined])('is refused: %s', async (value) => {
    let time: unknown = NOON;
    const router = make({ now: () => time as number });
    const { id } = router.route(prompt(0, 1));
    const before = bytes(router);
    time = value;
    for (const use of [
      () => router.route(prompt(0, 1)),
      () => router.feedback(id, { quality: 1 }),
      () => router.forget({ decisionId: id }),
    ]) {
      expect((await refusal(use)).details.argument).toBe('now');
    }
    expect(bytes(router)).toBe(before);
  });

  it('may throw', () => {
    const router = make({
      now: () => {
        throw new RangeError('no clock');
      },
    });
    expect(() => router.route(prompt(0, 1))).toThrow(RangeError);
    expect(router.stats().decisions).toBe(0);
  });

  it('may run backwards', () => {
    const clock = fixedClock(NOON);
    const router = make({ now: clock.now, pendingTtlMs: 10 });
    const { id } = router.route(prompt(0, 1), { sessionId: 'a' });
    clock.set(clock.now() - 1_000_000);
    expect(router.route(prompt(0, 1), { sessionId: 'a' }).explain().reason).toBe('session');
    expect(router.feedback(id, { quality: 0.5 })).toEqual({ applied: true });
  });
});
