import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { SonaEngine, SonaError, type SonaErrorCode, type TrajectoryBuilder } from '../index.ts';
import { badVectors, DIM } from './support/bad-vectors.ts';
import { cycle, manual, numberOf, picture, taught, teach } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { keep, temporaryFolder } from './support/fixture.ts';
import { gaussian } from './support/vectors.ts';

/** An engine that has learned a little, and what calls can refer to. */
interface World {
  engine: SonaEngine;
  query: Float32Array;
  /** A trajectory under way, with one step of two. */
  open: TrajectoryBuilder;
  /** Another one, known by its id. */
  id: string;
  ended: TrajectoryBuilder;
  endedId: string;
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
  const { id } = engine.beginTrajectory(query).addStep(query, [], 1);
  const ended = engine.beginTrajectory(query);
  engine.endTrajectory(ended, 1);
  const endedId = engine.beginTrajectory(query).id;
  engine.endTrajectory(endedId, 0.5);
  return { engine, query, open, id, ended, endedId, other };
}

/** All that can be seen of a world, now and after its trajectories have ended and it has learned on. */
function future({ engine, query, open, id }: World): unknown[] {
  const now = [picture(engine, DIM), open.stepCount];
  engine.endTrajectory(id, 0.25);
  engine.endTrajectory(open.addStep(query, [], 1), 1);
  teach(engine, DIM, 8, 3);
  const { ms: _, ...report } = cycle(engine);
  return [...now, report, numberOf(engine.suggestRoutes(query).id), picture(engine, DIM)];
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
  ['suggestRoutes', 'query', ({ engine }, v) => engine.suggestRoutes(v)],
  ['findPatterns', 'query', ({ engine }, v) => engine.findPatterns(v)],
  ['expectQuality', 'query', ({ engine }, v) => engine.expectQuality(v)],
  ['remember', 'query', ({ engine }, v) => engine.remember(v)],
  ['recall', 'query', ({ engine }, v) => engine.recall(v)],
  ['addStep', 'activations', ({ open }, v) => open.addStep(v, [], 1)],
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
  object: [null, 1, 'k', true, [], Symbol('k'), () => ({})],
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
    [...others.number.slice(1), 0, 1, Number.NaN, 2 ** 60, '', 's0123456789abcdef', 's0123456789abcdef-0'],
    'SONA_INVALID_ARGUMENT',
    ({ engine, query }, decision) => engine.beginTrajectory(query, { decision }),
  ),
  ...each(
    'a trajectory to its end',
    'decision',
    [1_000_000, Number.MAX_SAFE_INTEGER],
    'SONA_INVALID_ARGUMENT',
    ({ engine, query, ended }, number) => {
      const decision = `s${ended.id.slice(1, 17)}-${number}`;
      engine.endTrajectory(engine.beginTrajectory(query, { decision }).setRoute('east'), 1);
    },
  ),
  told(
    'a trajectory to its end: decision never made, route not known',
    'decision',
    'SONA_INVALID_ARGUMENT',
    (at) => {
      const { engine, query } = at;
      engine.endTrajectory(
        engine.beginTrajectory(query, { decision: `s${at.ended.id.slice(1, 17)}-1000000` }).setRoute('new'),
        1,
      );
    },
  ),
];

const names: Case[] = [
  ...each('addRoute', 'name', others.string, 'SONA_INVALID_ARGUMENT', ({ engine }, v) => engine.addRoute(v)),
  ...each('removeRoute', 'name', others.string, 'SONA_INVALID_ARGUMENT', ({ engine }, v) =>
    engine.removeRoute(v),
  ),
  ...each('setRoute', 'route', others.string, 'SONA_INVALID_ARGUMENT', ({ open }, v) => open.setRoute(v)),
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
  ...each('suggestRoutes', 'explain', [null, 1, 'yes'], 'SONA_INVALID_ARGUMENT', (at, explain) =>
    at.engine.suggestRoutes(at.query, { explain }),
  ),
  ...each('suggestRoutes', 'explore', [null, 1, 'yes'], 'SONA_INVALID_ARGUMENT', (at, explore) =>
    at.engine.suggestRoutes(at.query, { explore }),
  ),
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
  [['endTrajectory', ({ engine }, t) => engine.endTrajectory(t, 1)]] satisfies [
    string,
    (world: World, trajectory: never) => unknown,
  ][]
).flatMap(([method, call]) => [
  ...each(
    method,
    'trajectory',
    [undefined, null, '1', 1, 0, Number.NaN, 1n, {}, [], { id: 1, dim: DIM, stepCount: 0 }],
    'SONA_INVALID_ARGUMENT',
    call,
  ),
  told(`${method}: a builder that has ended`, 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    call(at, at.ended as never),
  ),
  told(`${method}: an id that has ended`, 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    call(at, at.endedId as never),
  ),
  told(`${method}: the id of a builder that has ended`, 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    call(at, at.ended.id as never),
  ),
  told(`${method}: a builder of another engine`, 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    call(at, at.other.beginTrajectory(at.query) as never),
  ),
  told(`${method}: an id of another engine`, 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    call(at, at.other.beginTrajectory(at.query).id as never),
  ),
  told(`${method}: an id that never came`, 'trajectory', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    call(at, `${at.id}000` as never),
  ),
  told(`${method}: a proxy of a builder`, 'trajectory', 'SONA_INVALID_ARGUMENT', (at) =>
    call(at, new Proxy({ id: at.open.id }, {}) as never),
  ),
]);

const steps: Case[] = [
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

const layers: Case[] = [
  ...each('addStep', 'layer', others.number.slice(1), 'SONA_INVALID_ARGUMENT', ({ open, query }, layer) =>
    open.addStep(query, [], 1, { layer }),
  ),
  ...each(
    'addStep',
    'layer',
    [1, -1, 0.5, Number.NaN, 2 ** 32],
    'SONA_OUT_OF_RANGE',
    ({ open, query }, layer) => open.addStep(query, [], 1, { layer }),
  ),
];

const node = (at: World, v: never) => at.open.addNode(v, { score: 1, latencyMs: 1 });
const score = ({ open }: World, v: never) => open.addNode('node', { score: v, latencyMs: 1 });
const latency = ({ open }: World, v: never) => open.addNode('node', { score: 1, latencyMs: v });
const details: Case[] = [
  ...each(
    'addNode',
    'node',
    [undefined, null, 1n, true, {}, ['a'], Symbol('a'), Number.NaN, 1 / 0],
    'SONA_INVALID_ARGUMENT',
    node,
  ),
  ...each('addNode', 'node', ['', '\ud800'], 'SONA_OUT_OF_RANGE', node),
  ...each('addNode', 'step', [undefined, ...others.object], 'SONA_INVALID_ARGUMENT', ({ open }, v) =>
    open.addNode('node', v),
  ),
  told('addNode: microseconds', 'step.latencyUs', 'SONA_INVALID_ARGUMENT', ({ open }) =>
    open.addNode('node', { score: 1, latencyUs: 1 } as never),
  ),
  ...each('addNode', 'score', others.number, 'SONA_INVALID_ARGUMENT', score),
  ...each('addNode', 'score', [Number.NaN, 1 / 0, -1 / 0, 1e39], 'SONA_NOT_FINITE', score),
  ...each('addNode', 'latencyMs', others.number, 'SONA_INVALID_ARGUMENT', latency),
  ...each('addNode', 'latencyMs', [Number.NaN, 1 / 0, -1 / 0], 'SONA_NOT_FINITE', latency),
  ...each('addNode', 'latencyMs', [-1, -5e-324, 1e38, 1e39], 'SONA_OUT_OF_RANGE', latency),
];
details.push(
  told('addNode: more than maxTrajectorySteps', 'steps', 'SONA_OUT_OF_RANGE', ({ engine, query }) => {
    const builder = engine.beginTrajectory(query);
    for (let n = 0; n < 3; n++) builder.addNode(n, { score: 1, latencyMs: 1 });
  }),
  ...each('addContext', 'contextId', others.string, 'SONA_INVALID_ARGUMENT', ({ open }, v) =>
    open.addContext(v),
  ),
  ...each(
    'setPatternType',
    'type',
    [...others.string, '', 'general', 'codegen', 'Other', '__proto__', 'toString'],
    'SONA_INVALID_ARGUMENT',
    ({ open }, v) => open.setPatternType(v),
  ),
  ...(['addStep', 'addNode', 'setRoute', 'addContext', 'setPatternType'] as const).map((method) =>
    told(
      `${method} of a builder that has ended`,
      'trajectory',
      'SONA_UNKNOWN_TRAJECTORY',
      ({ ended, query }) => {
        const calls = {
          addStep: () => ended.addStep(query, [], 1),
          addNode: () => ended.addNode('node', { score: 1, latencyMs: 1 }),
          setRoute: () => ended.setRoute('east'),
          addContext: () => ended.addContext('context'),
          setPatternType: () => ended.setPatternType('CodeGen'),
        };
        return calls[method]();
      },
    ),
  ),
);

const outcomes: Case[] = [
  ...each(
    'endTrajectory',
    'verdict',
    [null, 1, 'Success', '', 'good', {}, true, '__proto__'],
    'SONA_INVALID_ARGUMENT',
    ({ engine, open }, verdict) => engine.endTrajectory(open, 1, { verdict }),
  ),
  ...each(
    'endTrajectory',
    'source',
    others.string.slice(1),
    'SONA_INVALID_ARGUMENT',
    ({ engine, open }, source) => engine.endTrajectory(open, 1, { source }),
  ),
  ...each('endTrajectory', 'source', ['', 'a\ud800'], 'SONA_OUT_OF_RANGE', ({ engine, open }, source) =>
    engine.endTrajectory(open, 1, { source }),
  ),
];

const feedback: Case[] = [
  ...each(
    'learnFromFeedback',
    'signal',
    [undefined, null, 1, true, 'good', 1n, Symbol('good'), () => ({}), [], [true, 1, 1]],
    'SONA_INVALID_ARGUMENT',
    ({ engine }, v) => engine.learnFromFeedback(v),
  ),
  told(
    'learnFromFeedback: a part that there is not',
    'signal.colour',
    'SONA_INVALID_ARGUMENT',
    ({ engine }) => engine.learnFromFeedback({ colour: 1 } as never),
  ),
  ...each(
    'learnFromFeedback',
    'trajectoryId',
    [...others.number.slice(1), 0, 1, 1e9, Number.NaN],
    'SONA_INVALID_ARGUMENT',
    ({ engine }, trajectoryId) => engine.learnFromFeedback({ trajectoryId, quality: 1 }),
  ),
  told('learnFromFeedback: one that never came', 'trajectoryId', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    at.engine.learnFromFeedback({ trajectoryId: `${at.endedId}000`, quality: 1 }),
  ),
  told('learnFromFeedback: one under way', 'trajectoryId', 'SONA_UNKNOWN_TRAJECTORY', ({ engine, id }) =>
    engine.learnFromFeedback({ trajectoryId: id, quality: 1 }),
  ),
  ...each(
    'learnFromFeedback',
    'quality',
    others.number.slice(1),
    'SONA_INVALID_ARGUMENT',
    ({ engine }, quality) => engine.learnFromFeedback({ quality }),
  ),
  ...each('learnFromFeedback', 'quality', [-0.1, 1.1, 1e9], 'SONA_OUT_OF_RANGE', ({ engine }, quality) =>
    engine.learnFromFeedback({ quality }),
  ),
  ...each('learnFromFeedback', 'quality', [Number.NaN, 1 / 0], 'SONA_NOT_FINITE', ({ engine }, quality) =>
    engine.learnFromFeedback({ quality }),
  ),
  ...each(
    'learnFromFeedback',
    'verdict',
    [null, true, 1, '', 'SUCCESS', {}],
    'SONA_INVALID_ARGUMENT',
    ({ engine }, verdict) => engine.learnFromFeedback({ verdict }),
  ),
  ...each(
    'learnFromFeedback',
    'latencyMs',
    others.number.slice(1),
    'SONA_INVALID_ARGUMENT',
    ({ engine }, latencyMs) => engine.learnFromFeedback({ latencyMs }),
  ),
  ...each('learnFromFeedback', 'latencyMs', [-1, 1e39], 'SONA_OUT_OF_RANGE', ({ engine }, latencyMs) =>
    engine.learnFromFeedback({ latencyMs }),
  ),
  ...each('learnFromFeedback', 'latencyMs', [Number.NaN, 1 / 0], 'SONA_NOT_FINITE', ({ engine }, latencyMs) =>
    engine.learnFromFeedback({ latencyMs }),
  ),
];

const patterns: Case[] = [
  ...each('findPatterns', 'k', others.number.slice(1), 'SONA_INVALID_ARGUMENT', ({ engine, query }, k) =>
    engine.findPatterns(query, k),
  ),
  ...each(
    'findPatterns',
    'k',
    [-1, 1.5, 10_001, Number.NaN, 1 / 0, 2 ** 32 + 1],
    'SONA_OUT_OF_RANGE',
    ({ engine, query }, k) => engine.findPatterns(query, k),
  ),
  ...each(
    'findPatterns',
    'minQuality',
    others.number.slice(1),
    'SONA_INVALID_ARGUMENT',
    ({ engine, query }, minQuality) => engine.findPatterns(query, 5, { minQuality }),
  ),
  ...each('findPatterns', 'minQuality', [-0.1, 1.1], 'SONA_OUT_OF_RANGE', ({ engine, query }, minQuality) =>
    engine.findPatterns(query, 5, { minQuality }),
  ),
  ...each('findPatterns', 'minQuality', [Number.NaN], 'SONA_NOT_FINITE', ({ engine, query }, minQuality) =>
    engine.findPatterns(query, 5, { minQuality }),
  ),
  ...each('expectQuality', 'route', others.string.slice(1), 'SONA_INVALID_ARGUMENT', (at, route) =>
    at.engine.expectQuality(at.query, { route }),
  ),
  ...each('expectQuality', 'route', ['', '\ud800'], 'SONA_OUT_OF_RANGE', ({ engine, query }, route) =>
    engine.expectQuality(query, { route }),
  ),
  ...each(
    'expectQuality',
    'route',
    ['nowhere', '__proto__'],
    'SONA_UNKNOWN_ROUTE',
    ({ engine, query }, route) => engine.expectQuality(query, { route }),
  ),
];

const long = 'x'.repeat(257);

const items: Case[] = [
  told('remember: an option that there is not', 'options.colour', 'SONA_INVALID_ARGUMENT', (at) =>
    at.engine.remember(at.query, { colour: 1 } as never),
  ),
  ...each('remember', 'metadata', others.object, 'SONA_INVALID_ARGUMENT', ({ engine, query }, metadata) =>
    engine.remember(query, { metadata }),
  ),
  told('remember: metadata that is too long', 'metadata', 'SONA_INVALID_ARGUMENT', ({ engine, query }) =>
    engine.remember(query, { metadata: { text: 'x'.repeat(65_536) } }),
  ),
  told('remember: a date in metadata', 'metadata.at', 'SONA_INVALID_ARGUMENT', ({ engine, query }) =>
    engine.remember(query, { metadata: { at: new Date() as never } }),
  ),
  ...each('remember', 'tags', [null, 'a', 1, {}], 'SONA_INVALID_ARGUMENT', ({ engine, query }, tags) =>
    engine.remember(query, { tags }),
  ),
  ...each('remember', 'tags[1]', others.string, 'SONA_INVALID_ARGUMENT', ({ engine, query }, tag) =>
    engine.remember(query, { tags: ['a', tag] }),
  ),
  ...each('remember', 'tags[0]', ['', '\ud800', long], 'SONA_OUT_OF_RANGE', ({ engine, query }, tag) =>
    engine.remember(query, { tags: [tag] }),
  ),
  told('remember: too many tags', 'tags', 'SONA_OUT_OF_RANGE', ({ engine, query }) =>
    engine.remember(query, { tags: Array.from({ length: 65 }, String) }),
  ),
  ...(['subject', 'session'] as const).flatMap((name) => [
    ...each('remember', name, others.string.slice(1), 'SONA_INVALID_ARGUMENT', ({ engine, query }, value) =>
      engine.remember(query, { [name]: value }),
    ),
    ...each('remember', name, ['', '\ud800', long], 'SONA_OUT_OF_RANGE', ({ engine, query }, value) =>
      engine.remember(query, { [name]: value }),
    ),
  ]),
  ...each('remember', 'id', ['', '1', 1, null, {}], 'SONA_INVALID_ARGUMENT', ({ engine, query }, id) =>
    engine.remember(query, { id }),
  ),
  told('remember: the id of no item', 'id', 'SONA_INVALID_ARGUMENT', (at) =>
    at.engine.remember(at.query, { id: `m${at.endedId.slice(1)}` }),
  ),
  told('remember: a text that is too long', 'query', 'SONA_OUT_OF_RANGE', ({ engine }) =>
    engine.remember('x'.repeat(1_000_001)),
  ),
  told('recall: a text that is too long', 'query', 'SONA_OUT_OF_RANGE', ({ engine }) =>
    engine.recall('x'.repeat(1_000_001)),
  ),
  told(
    'recall: an option that there is not',
    'options.colour',
    'SONA_INVALID_ARGUMENT',
    ({ engine, query }) => engine.recall(query, { colour: 1 } as never),
  ),
  ...each('recall', 'k', others.number.slice(1), 'SONA_INVALID_ARGUMENT', ({ engine, query }, k) =>
    engine.recall(query, { k }),
  ),
  ...each(
    'recall',
    'k',
    [-1, 1.5, 10_001, Number.NaN, 2 ** 32],
    'SONA_OUT_OF_RANGE',
    ({ engine, query }, k) => engine.recall(query, { k }),
  ),
  ...each('recall', 'expand', [-1, 4, 0.5], 'SONA_OUT_OF_RANGE', ({ engine, query }, expand) =>
    engine.recall(query, { expand }),
  ),
  ...each('recall', 'minScore', others.number.slice(1), 'SONA_INVALID_ARGUMENT', ({ engine, query }, v) =>
    engine.recall(query, { minScore: v }),
  ),
  ...each('recall', 'minScore', [-1.1, 1.1], 'SONA_OUT_OF_RANGE', ({ engine, query }, minScore) =>
    engine.recall(query, { minScore }),
  ),
  ...each('recall', 'minScore', [Number.NaN, 1 / 0], 'SONA_NOT_FINITE', ({ engine, query }, minScore) =>
    engine.recall(query, { minScore }),
  ),
  ...each('recall', 'where', [null, 1, 'a', []], 'SONA_INVALID_ARGUMENT', ({ engine, query }, where) =>
    engine.recall(query, { where }),
  ),
  told(
    'recall: a part of where that there is not',
    'where.tag',
    'SONA_INVALID_ARGUMENT',
    ({ engine, query }) => engine.recall(query, { where: { tag: 'a' } as never }),
  ),
  told('recall: any of no tags', 'where.anyTag', 'SONA_OUT_OF_RANGE', ({ engine, query }) =>
    engine.recall(query, { where: { anyTag: [] } }),
  ),
  told('recall: a tag that is none', 'where.tags[0]', 'SONA_INVALID_ARGUMENT', ({ engine, query }) =>
    engine.recall(query, { where: { tags: [1 as never] } }),
  ),
  ...each('recall', 'where.subject', ['', long], 'SONA_OUT_OF_RANGE', ({ engine, query }, subject) =>
    engine.recall(query, { where: { subject } }),
  ),
  ...each('reinforce', 'ids', [undefined, null, 'a', {}], 'SONA_INVALID_ARGUMENT', ({ engine }, ids) =>
    engine.reinforce(ids, 1),
  ),
  ...each('reinforce', 'ids[0]', [1, '', 'a', null], 'SONA_INVALID_ARGUMENT', ({ engine }, id) =>
    engine.reinforce([id], 1),
  ),
  told('reinforce: too many', 'ids', 'SONA_OUT_OF_RANGE', ({ engine, endedId }) =>
    engine.reinforce(Array.from({ length: 101 }).fill(endedId) as string[], 1),
  ),
  ...each('reinforce', 'quality', others.number, 'SONA_INVALID_ARGUMENT', ({ engine }, quality) =>
    engine.reinforce([], quality),
  ),
  ...each('reinforce', 'quality', [-0.1, 1.1], 'SONA_OUT_OF_RANGE', ({ engine }, quality) =>
    engine.reinforce([], quality),
  ),
  ...each('forgetMemory', 'id', [undefined, null, 1, '', 'm1'], 'SONA_INVALID_ARGUMENT', ({ engine }, id) =>
    engine.forgetMemory(id),
  ),
  ...each('forget', 'subject', others.string.slice(1), 'SONA_INVALID_ARGUMENT', ({ engine }, subject) =>
    engine.forget({ subject }),
  ),
  ...each('forget', 'subject', ['', '\ud800', long], 'SONA_OUT_OF_RANGE', ({ engine }, subject) =>
    engine.forget({ subject }),
  ),
  told('forget: a subject beside a source', 'subject', 'SONA_INVALID_ARGUMENT', ({ engine }) =>
    engine.forget({ subject: 'a', source: 'b' }),
  ),
];

const history: Case[] = [
  ...each('rollback', 'version', others.number, 'SONA_INVALID_ARGUMENT', ({ engine }, v) =>
    engine.rollback(v),
  ),
  ...each(
    'rollback',
    'version',
    [-1, 1.5, 99, Number.NaN, 1 / 0, 2 ** 53],
    'SONA_OUT_OF_RANGE',
    ({ engine }, v) => engine.rollback(v),
  ),
  ...each(
    'forget',
    'criterion',
    [undefined, null, 1, 'source', true, [], () => ({}), {}, { source: undefined }],
    'SONA_INVALID_ARGUMENT',
    ({ engine }, v) => engine.forget(v),
  ),
  told('forget: a criterion that there is not', 'criterion.colour', 'SONA_INVALID_ARGUMENT', ({ engine }) =>
    engine.forget({ source: 'a', colour: 1 } as never),
  ),
  ...each('forget', 'source', others.string.slice(1), 'SONA_INVALID_ARGUMENT', ({ engine }, source) =>
    engine.forget({ source }),
  ),
  ...each('forget', 'source', ['', '\ud800'], 'SONA_OUT_OF_RANGE', ({ engine }, source) =>
    engine.forget({ source }),
  ),
  ...each(
    'forget',
    'trajectoryId',
    [...others.number.slice(1), -1, 0, 1, 1.5, Number.NaN],
    'SONA_INVALID_ARGUMENT',
    ({ engine }, trajectoryId) => engine.forget({ trajectoryId }),
  ),
  told('forget: one that never came', 'trajectoryId', 'SONA_UNKNOWN_TRAJECTORY', (at) =>
    at.engine.forget({ trajectoryId: `${at.endedId}000` }),
  ),
  ...each(
    'forget',
    'before',
    [null, '2026-01-01', 1n, true, {}, new Date(Number.NaN)],
    'SONA_INVALID_ARGUMENT',
    ({ engine }, before) => engine.forget({ before }),
  ),
  ...each(
    'forget',
    'before',
    [-1, 1.5, Number.NaN, new Date(-1)],
    'SONA_OUT_OF_RANGE',
    ({ engine }, before) => engine.forget({ before }),
  ),
];

const folder = temporaryFolder();

const state: Case[] = [
  ...each(
    'restore',
    'bytes',
    [
      undefined,
      null,
      1,
      'bytes',
      [1, 2],
      {},
      Float32Array.of(1),
      new ArrayBuffer(8),
      new DataView(new ArrayBuffer(8)),
    ],
    'SONA_INVALID_ARGUMENT',
    (_, v) => SonaEngine.restore(v),
  ),
  told('restore: a proxy of bytes', 'bytes', 'SONA_INVALID_ARGUMENT', ({ engine }) =>
    SonaEngine.restore(new Proxy(engine.snapshot(), {})),
  ),
  told('restore: an object that inherits from Uint8Array', 'bytes', 'SONA_INVALID_ARGUMENT', () =>
    SonaEngine.restore(Object.create(Uint8Array.prototype)),
  ),
  told('restore: no bytes', undefined, 'SONA_CORRUPT_STATE', () => SonaEngine.restore(new Uint8Array(0))),
  told('restore: bytes whose memory was taken away', undefined, 'SONA_CORRUPT_STATE', ({ engine }) => {
    const bytes = Uint8Array.from(engine.snapshot());
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    SonaEngine.restore(bytes);
  }),
  ...each('restore', 'now', [null, 1, 'now', {}], 'SONA_INVALID_ARGUMENT', ({ engine }, now) =>
    SonaEngine.restore(engine.snapshot(), { now }),
  ),
  ...each('save', 'path', others.string, 'SONA_INVALID_ARGUMENT', ({ engine }, v) => engine.save(v)),
  ...each('save', 'path', ['', '\ud800'], 'SONA_OUT_OF_RANGE', ({ engine }, v) => engine.save(v)),
  ...each('load', 'path', others.string, 'SONA_INVALID_ARGUMENT', (_, v) => SonaEngine.load(v)),
  ...each('load', 'path', ['', '\ud800'], 'SONA_OUT_OF_RANGE', (_, v) => SonaEngine.load(v)),
  ...['.', 'missing/state', 'a\0b'].flatMap((name) => {
    const path = name === '.' ? folder : `${folder}/${name}`;
    return [
      told(`save: to ${JSON.stringify(name)}`, undefined, 'SONA_IO', ({ engine }) => engine.save(path)),
      told(`load: from ${JSON.stringify(name)}`, undefined, 'SONA_IO', () => SonaEngine.load(path)),
    ];
  }),
  ...each('shared', 'name', others.string, 'SONA_INVALID_ARGUMENT', (_, v) => SonaEngine.shared(v)),
  ...each('shared', 'name', ['', '\ud800'], 'SONA_OUT_OF_RANGE', (_, v) => SonaEngine.shared(v)),
  ...each('shared', 'config', [null, 1, 'config', []], 'SONA_INVALID_ARGUMENT', (_, v) =>
    SonaEngine.shared('bad input', v),
  ),
  told('shared: a setting out of range', 'hiddenDim', 'SONA_INVALID_CONFIG', () =>
    SonaEngine.shared('bad input', { hiddenDim: 0 }),
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
    ['addStep', ({ open, query }, v) => open.addStep(query, [], 1, v)],
    ['endTrajectory', ({ engine, open }, v) => engine.endTrajectory(open, 1, v)],
    ['findPatterns', ({ engine, query }, v) => engine.findPatterns(query, 5, v)],
    ['expectQuality', ({ engine, query }, v) => engine.expectQuality(query, v)],
    ['restore', ({ engine }, v) => SonaEngine.restore(engine.snapshot(), v)],
    ['load', (_, v) => SonaEngine.load(join(folder, 'state'), v)],
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
  ...[0, -1, 1.5, 65_537, Number.NaN, 1 / 0, null, '256', 256n, true].map((value) =>
    told(
      `new SonaEngine(${show(value)})`,
      'hiddenDim',
      'SONA_INVALID_CONFIG',
      () => new SonaEngine(value as never),
    ),
  ),
  told('new SonaEngine([256])', 'config', 'SONA_INVALID_ARGUMENT', () => new SonaEngine([256] as never)),
  ...[256, 255, '256'].map((value) =>
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
  ...[null, 1, 'now', {}].map((now) =>
    told(`now ${show(now)}`, 'now', 'SONA_INVALID_CONFIG', wrong({ now })),
  ),
  ...[1, 'config', null, []].map((value) =>
    told(`builder().config(${show(value)})`, 'config', 'SONA_INVALID_ARGUMENT', () =>
      SonaEngine.builder().config(value as never),
    ),
  ),
  told('builder: a setting out of range', 'baseLoraRank', 'SONA_INVALID_CONFIG', () =>
    SonaEngine.builder().hiddenDim(8).baseLoraRank(65).build(),
  ),
  told('builder: a key of its own in a config', '__proto__', 'SONA_INVALID_CONFIG', () =>
    SonaEngine.builder().config(JSON.parse('{"__proto__": 1}')).build(),
  ),
  ...Object.entries({
    microLr: 0.1,
    trajectory_buffer_size: 10,
    loraDropout: 0,
    ewc_online: true,
    base_lora_rank: 8,
    hidden_dim: 8,
  }).map(([name, value]) =>
    told(`the older name ${name}`, name, 'SONA_INVALID_CONFIG', wrong({ [name]: value })),
  ),
  told(
    'tiers: a key that it does not have',
    'tiers.all',
    'SONA_INVALID_CONFIG',
    wrong({ tiers: { all: true } }),
  ),
];

const cases = {
  vectors,
  numbers,
  names,
  trajectories,
  steps,
  layers,
  details,
  outcomes,
  feedback,
  patterns,
  items,
  history,
  state,
  buffers,
  batches,
  options,
  rest,
  config,
};

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
  const engine = keep(manual({ hiddenDim: 1 }));
  for (let i = 0; i < 10_000; i++) engine.addRoute(`route ${i}`, { embedding: [1] });

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
    ['promotoin_gate', 'promotionGate'],
    ['lora_alfa', 'loraAlpha'],
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
    hiddenDim: (engine) => engine.hiddenDim,
    embedder: (engine) => engine.embedder,
    applyMicroLora: (engine) => engine.applyMicroLora(query),
    applyBaseLora: (engine) => engine.applyBaseLora(0, query),
    applyLora: (engine) => engine.applyLora(query),
    applyMicroLoraBatch: (engine) => engine.applyMicroLoraBatch(query),
    addRoute: (engine) => engine.addRoute('east'),
    addRouteAsync: (engine) => engine.addRouteAsync('east'),
    removeRoute: (engine) => engine.removeRoute('east'),
    routes: (engine) => engine.routes(),
    suggestRoutes: (engine) => engine.suggestRoutes(query),
    suggestRoutesAsync: (engine) => engine.suggestRoutesAsync(query),
    beginTrajectory: (engine) => engine.beginTrajectory(query),
    beginTrajectoryAsync: (engine) => engine.beginTrajectoryAsync(query),
    endTrajectory: (engine, builder) => engine.endTrajectory(builder, 1),
    learnFromFeedback: (engine) => engine.learnFromFeedback({ quality: 1 }),
    memory: (engine) => engine.memory(),
    tick: (engine) => engine.tick(),
    forceLearn: (engine) => engine.forceLearn(),
    flush: (engine) => engine.flush(),
    learn: (engine) => engine.learn(),
    findPatterns: (engine) => engine.findPatterns(query),
    findPatternsAsync: (engine) => engine.findPatternsAsync(query),
    feedback: (engine) => engine.feedback('s-1-0000000000000000' as never, { quality: 1 }),
    expectQuality: (engine) => engine.expectQuality(query),
    expectQualityAsync: (engine) => engine.expectQualityAsync(query),
    remember: (engine) => engine.remember(query),
    rememberAsync: (engine) => engine.rememberAsync(query),
    recall: (engine) => engine.recall(query),
    recallAsync: (engine) => engine.recallAsync(query),
    reinforce: (engine) => engine.reinforce([], 1),
    forgetMemory: (engine) => engine.forgetMemory('m0123456789abcdef-1'),
    versions: (engine) => engine.versions(),
    rollback: (engine) => engine.rollback(0),
    forget: (engine) => engine.forget({ source: 'a' }),
    snapshot: (engine) => engine.snapshot(),
    save: (engine) => engine.save('/nowhere/state'),
    getStats: (engine) => engine.getStats(),
    stats: (engine) => engine.stats(),
    setEnabled: (engine) => engine.setEnabled(true),
    isEnabled: (engine) => engine.isEnabled(),
    capabilities: (engine) => engine.capabilities(),
  };

  // whoever listens, or no longer does, needs nothing of the engine
  const others = ['constructor', 'close', 'on', 'once', 'off'];
  const methods = Object.getOwnPropertyNames(SonaEngine.prototype).filter((name) => !others.includes(name));

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
    const calls = [
      () => open.addStep(query, [], 1),
      () => open.addNode('node', { score: 1, latencyMs: 1 }),
      () => open.setRoute('east'),
      () => open.addContext('context'),
      () => open.setPatternType('CodeGen'),
    ];
    for (const call of calls) {
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
