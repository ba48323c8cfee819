import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtin, hash } from '../../embed.ts';
import {
  type AsyncOptions,
  type ChatMessages,
  type Embedder,
  fitBasis,
  type Query,
  type SonaConfig,
  SonaEngine,
  SonaRouter,
} from '../../index.ts';
import { badAnswers, badLists, chat, instant, own, waiting } from '../support/embedders.ts';
import { picture } from '../support/engines.ts';
import { refusal } from '../support/errors.ts';
import { engines, keep, temporaryFolder } from '../support/fixture.ts';
import { bits, kindOf } from '../support/vectors.ts';

const folder = temporaryFolder();

const make = engines();

/** An engine for two numbers that has learned a little. */
function small(embedder: Embedder, config: SonaConfig = {}): SonaEngine {
  const engine = make({ hiddenDim: 2, embedder, onEmbedderError: 'throw', ...config });
  for (const [name, embedding] of [
    ['long', [1, 0]],
    ['short', [0, 1]],
  ] as const) {
    engine.addRoute(name, { embedding });
    engine.endTrajectory(engine.beginTrajectory(embedding).setRoute(name), 1);
  }
  engine.forceLearn();
  return engine;
}

/** What takes a query and answers at once, with the name of the argument. */
const asks: [string, string, (engine: SonaEngine, query: Query) => unknown][] = [
  ['suggestRoutes', 'query', (engine, query) => engine.suggestRoutes(query)],
  ['beginTrajectory', 'query', (engine, query) => engine.beginTrajectory(query)],
  ['findPatterns', 'query', (engine, query) => engine.findPatterns(query)],
  ['expectQuality', 'query', (engine, query) => engine.expectQuality(query)],
];

type Waiting = (engine: SonaEngine, query: Query, signal?: AbortSignal) => Promise<unknown>;

const given = (signal: AbortSignal | undefined): AsyncOptions => ({ signal });

/** The same, in their own time. */
const waits: [string, string, Waiting][] = [
  ['suggestRoutesAsync', 'query', (engine, query, signal) => engine.suggestRoutesAsync(query, given(signal))],
  [
    'beginTrajectoryAsync',
    'query',
    (engine, query, signal) => engine.beginTrajectoryAsync(query, given(signal)),
  ],
  [
    'findPatternsAsync',
    'query',
    (engine, query, signal) => engine.findPatternsAsync(query, 5, given(signal)),
  ],
  ['expectQualityAsync', 'query', (engine, query, signal) => engine.expectQualityAsync(query, given(signal))],
];

const addRoute: [string, string, (engine: SonaEngine, text: string) => unknown] = [
  'addRoute',
  'text',
  (engine, text) => engine.addRoute('new', { text }),
];
const addRouteAsync: [string, string, (engine: SonaEngine, text: string, signal?: AbortSignal) => unknown] = [
  'addRouteAsync',
  'text',
  (engine, text, signal) => engine.addRouteAsync('new', { text, ...given(signal) }),
];

const topics: [string, string[]][] = [
  ['refunds', ['I want my money back', 'please refund my last order', 'how do refunds work?']],
  ['shipping', ['where is my parcel?', 'the delivery is late', 'track my order']],
  ['accounts', ['I forgot my password', 'change my email address', 'log me in']],
];

/** Learns three topics, and what is answered in the end. `queryOf` says how a text is asked. */
function story(engine: SonaEngine, queryOf: (text: string) => Query, asVector: boolean): unknown {
  for (const [name] of topics) {
    if (asVector) engine.addRoute(name, { embedding: queryOf(name) as Float32Array });
    else engine.addRoute(name, { text: name });
  }
  const seen: unknown[] = [];
  for (let n = 0; n < 18; n++) {
    const [name = '', texts = []] = topics[n % topics.length] ?? [];
    const query = queryOf(texts[n % texts.length] ?? '');
    const { id, ranked } = engine.suggestRoutes(query, { k: 3 });
    seen.push(ranked);
    const told = engine.beginTrajectory(query, n % 2 === 0 ? { decision: id } : {});
    engine.endTrajectory(told.setRoute(name), n % 3 === 0 ? 1 : 0.5);
  }
  engine.forceLearn();
  const query = queryOf('my refund');
  seen.push(engine.expectQuality(query), engine.expectQuality(query, { route: 'refunds' }));
  seen.push(engine.findPatterns(query, 3).map(({ id, similarity, routes }) => ({ id, similarity, routes })));
  seen.push(engine.findPatterns(query, 3).map(({ centroid }) => bits(Float32Array.from(centroid))));
  return [seen, picture(engine, engine.hiddenDim)];
}

/** The same by the methods that may wait. */
async function slowStory(engine: SonaEngine, queryOf: (text: string) => Query): Promise<unknown> {
  for (const [name] of topics) await engine.addRouteAsync(name, { text: name });
  const seen: unknown[] = [];
  for (let n = 0; n < 18; n++) {
    const [name = '', texts = []] = topics[n % topics.length] ?? [];
    const query = queryOf(texts[n % texts.length] ?? '');
    const { id, ranked } = await engine.suggestRoutesAsync(query, { k: 3 });
    seen.push(ranked);
    const told = await engine.beginTrajectoryAsync(query, n % 2 === 0 ? { decision: id } : {});
    engine.endTrajectory(told.setRoute(name), n % 3 === 0 ? 1 : 0.5);
  }
  engine.forceLearn();
  const query = queryOf('my refund');
  seen.push(
    await engine.expectQualityAsync(query),
    await engine.expectQualityAsync(query, { route: 'refunds' }),
  );
  const found = await engine.findPatternsAsync(query, 3);
  seen.push(found.map(({ id, similarity, routes }) => ({ id, similarity, routes })));
  // asked once more, patterns count it
  const again = await engine.findPatternsAsync(query, 3);
  seen.push(again.map(({ centroid }) => bits(Float32Array.from(centroid as Float32Array))));
  return [seen, picture(engine, engine.hiddenDim)];
}

const asChat = (text: string): ChatMessages => [
  { role: 'user', content: 'something else' },
  { role: 'assistant', content: 'yes?' },
  { role: 'user', content: [{ type: 'text', text }] },
];

describe('text', () => {
  it.each([256, 128, 64] as const)(
    'of an engine for %i numbers is the vector of the built-in embedder, bit for bit',
    async (dim) => {
      const vectorOf = (text: string) => builtin({ dim }).embedSync(text);
      const expected = story(make({ hiddenDim: dim }), vectorOf, true);
      expect(story(make({ hiddenDim: dim }), (text) => text, false)).toEqual(expected);
      expect(story(make({ hiddenDim: dim }), asChat, false)).toEqual(expected);
      expect(await slowStory(make({ hiddenDim: dim }), (text) => text)).toEqual(expected);
      expect(await slowStory(make({ hiddenDim: dim }), asChat)).toEqual(expected);
    },
  );

  it("is the vector of one's own embedder", async () => {
    const inner = hash({ dim: 100 });
    const { embedSync: _, ...slow } = inner;
    const vectorOf = (text: string) => inner.embedSync(text);
    const expected = story(make({ hiddenDim: 100 }), vectorOf, true);
    expect(story(make({ hiddenDim: 100, embedder: inner }), (text) => text, false)).toEqual(expected);
    // it need not write into the memory that it is offered
    const fresh: Embedder = { ...inner, embedSync: (text) => Float32Array.from(vectorOf(text)) };
    expect(story(make({ hiddenDim: 100, embedder: fresh }), (text) => text, false)).toEqual(expected);
    for (const embedder of [inner, slow]) {
      expect(await slowStory(make({ hiddenDim: 100, embedder }), (text) => text)).toEqual(expected);
      // its engine takes vectors as every other
      expect(story(make({ hiddenDim: 100, embedder }), vectorOf, true)).toEqual(expected);
    }
  });

  it('is not given to a wait when the embedder is quick, nor the other way round', async () => {
    // the second number of `instant` tells who was asked
    const at = (engine: SonaEngine) => engine.findPatterns([1, 2], 1, { minQuality: 0 })[0]?.centroid;
    const quick = make({ hiddenDim: 2, embedder: instant() });
    quick.endTrajectory(quick.beginTrajectory('ab'), 1);
    quick.forceLearn();
    expect(at(quick)).toEqual([Math.fround(Math.SQRT1_2), Math.fround(Math.SQRT1_2)]);
    const slow = make({ hiddenDim: 2, embedder: instant() });
    slow.endTrajectory(await slow.beginTrajectoryAsync('a'), 1);
    slow.forceLearn();
    expect(at(slow)).toEqual([Math.fround(Math.SQRT1_2), Math.fround(Math.SQRT1_2)]);
  });

  it('of a trajectory stays its own while others are told', () => {
    const [texts, vectors] = [make(), make()];
    const [one, two] = ['where is my parcel?', 'I forgot my password'];
    const vectorOf = (text: string) => builtin().embedSync(text);
    for (const [engine, queryOf] of [
      [texts, (text: string): Query => text],
      [vectors, vectorOf],
    ] as const) {
      const first = engine.beginTrajectory(queryOf(one)).setRoute('parcel');
      const second = engine.beginTrajectory(queryOf(two)).setRoute('password');
      engine.suggestRoutes(queryOf('anything else'));
      engine.endTrajectory(second, 1);
      engine.endTrajectory(first, 1);
    }
    expect(picture(texts, 256)).toEqual(picture(vectors, 256));
    expect(texts.suggestRoutes(one)).toMatchObject({ best: 'parcel' });
  });

  it('finds patterns whose centroids are of the kind that its vector would be', async () => {
    const engine = make();
    for (const text of ['one', 'two', 'three']) engine.endTrajectory(engine.beginTrajectory(text), 1);
    engine.forceLearn();
    const vector = builtin().embedSync('two');
    const [expected] = engine.findPatterns(vector, 1);
    for (const [found] of [
      engine.findPatterns('two', 1),
      engine.findPatterns(asChat('two'), 1),
      await engine.findPatternsAsync('two', 1),
      await engine.findPatternsAsync(asChat('two'), 1),
      await engine.findPatternsAsync(vector, 1),
    ]) {
      expect(kindOf(found?.centroid)).toBe('Float32Array');
      expect(found?.centroid).toEqual(expected?.centroid);
      expect(found?.similarity).toBe(expected?.similarity);
    }
    const [plain] = await engine.findPatternsAsync([...vector], 1);
    const [double] = await engine.findPatternsAsync(Float64Array.from(vector), 1);
    expect([kindOf(plain?.centroid), kindOf(double?.centroid)]).toEqual(['Array', 'Float64Array']);
  });

  it('may be anything but nothing', () => {
    const engine = make();
    engine.addRoute('a', { text: 'a' });
    for (const text of ['\ud800 a', 'a\0b', '漢字', '🙂 a', 'x '.repeat(100_000)]) {
      expect(engine.suggestRoutes(text).best).toBe('a');
    }
  });
});

describe('a vector that changes during the wait', () => {
  const kinds: [string, () => number[] | Float32Array | Float64Array][] = [
    ['an array', () => [1, 0]],
    ['32 bits', () => Float32Array.of(1, 0)],
    ['64 bits', () => Float64Array.of(1, 0)],
  ];
  it.each(kinds)('was taken before: %s', async (_, make) => {
    const told = async (engine: SonaEngine, change: (vector: ReturnType<typeof make>) => void) => {
      const vectors = Array.from({ length: 6 }, make) as [never, never, never, never, never, never];
      const calls = [
        engine.addRouteAsync('new', { embedding: vectors[0] }),
        engine.suggestRoutesAsync(vectors[1]),
        engine.beginTrajectoryAsync(vectors[2]),
        engine.beginTrajectoryAsync(vectors[3]),
        engine.findPatternsAsync(vectors[4]),
        engine.expectQualityAsync(vectors[5]),
      ] as const;
      vectors.forEach(change);
      const [, suggestion, one, other, patterns, expected] = await Promise.all(calls);
      for (const trajectory of [one, other]) {
        engine.endTrajectory(trajectory.setRoute('new'), 1);
      }
      engine.forceLearn();
      const seen = patterns.map(({ similarity, centroid }) => [similarity, kindOf(centroid), ...centroid]);
      return [suggestion.ranked, seen, expected, picture(engine, 2)];
    };
    const expected = await told(small(own()), () => {});
    expect(await told(small(own()), (vector) => vector.fill(7))).toEqual(expected);
  });
});

describe('an empty text', () => {
  const empty: Query[] = [
    '',
    ' \n\t',
    '\u200b',
    [{ role: 'user', content: '' }],
    [{ role: 'tool', content: 'a' }],
  ];

  const others = [...asks, ...waits].filter(([name]) => !name.startsWith('suggestRoutes'));
  it.each(others)('is refused by %s as a vector of zeros is', async (_, argument, ask) => {
    const engine = make();
    engine.addRoute('a', { text: 'something' });
    const before = picture(engine, 256);
    for (const query of empty) {
      const error = await refusal(() => ask(engine, query));
      expect(error).toMatchObject({ code: 'SONA_OUT_OF_RANGE', details: { argument } });
      expect(error.message).toBe((await refusal(() => ask(engine, new Float32Array(256)))).message);
    }
    expect(picture(engine, 256)).toEqual(before);
  });

  it.each([addRoute, addRouteAsync])('is refused by %s', async (_, argument, add) => {
    const engine = make();
    for (const text of ['', ' ']) {
      const error = await refusal(() => add(engine, text));
      expect(error).toMatchObject({ code: 'SONA_OUT_OF_RANGE', details: { argument } });
    }
    expect(engine.routes()).toEqual([]);
  });
});

describe('what is no query', () => {
  const bad: [string, unknown, string][] = [
    ['nothing', undefined, 'SONA_INVALID_ARGUMENT'],
    ['null', null, 'SONA_INVALID_ARGUMENT'],
    ['a number', 1, 'SONA_INVALID_ARGUMENT'],
    ['a String object', Object('why?'), 'SONA_INVALID_ARGUMENT'],
    ['one message', chat[0], 'SONA_INVALID_ARGUMENT'],
    ['another kind of array', new Int32Array(2), 'SONA_INVALID_ARGUMENT'],
    ['another length', [1, 2, 3], 'SONA_DIM_MISMATCH'],
    ['no length', [], 'SONA_DIM_MISMATCH'],
    ['a list of vectors', [Float32Array.of(1, 2)], 'SONA_DIM_MISMATCH'],
    ['a list of lists', [[1, 2]], 'SONA_DIM_MISMATCH'],
  ];
  it.each(bad)('%s', async (_, query, code) => {
    const engine = small(instant());
    const before = picture(engine, 2);
    for (const [name, argument, ask] of [...asks, ...waits]) {
      const error = await refusal(() => ask(engine, query as Query));
      expect(error, name).toMatchObject({ code, details: { argument } });
    }
    expect(picture(engine, 2)).toEqual(before);
  });

  const routes: [object, string][] = [
    [{ embedding: null }, 'embedding'],
    [{ embedding: '' }, 'embedding'],
    [{ embedding: 'words' }, 'embedding'],
    [{ embedding: chat }, 'embedding'],
    [{ embedding: 0 }, 'embedding'],
    [{ text: null }, 'text'],
    [{ text: 1 }, 'text'],
    [{ text: chat }, 'text'],
    [{ text: [1, 2] }, 'text'],
    [{ text: 'words', embedding: [1, 2] }, 'text'],
    [{ words: 'words' }, 'options.words'],
  ];
  it.each(routes)('a route that starts at %j', async (options, argument) => {
    const engine = small(instant());
    const before = picture(engine, 2);
    for (const add of [() => engine.addRoute('new', options), () => engine.addRouteAsync('new', options)]) {
      expect(await refusal(add)).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument } });
    }
    expect(picture(engine, 2)).toEqual(before);
  });

  it('of the options', async () => {
    const embedder = waiting();
    const engine = small(embedder);
    const calls: [() => Promise<unknown>, string][] = [
      [() => engine.suggestRoutesAsync('a', { k: 0 }), 'k'],
      [() => engine.suggestRoutesAsync('a', { eligible: 'long' as unknown as string[] }), 'eligible'],
      [() => engine.suggestRoutesAsync('a', { eligible: ['long', ''] }), 'eligible[1]'],
      [() => engine.suggestRoutesAsync('a', { size: 1 } as object), 'options.size'],
      [() => engine.suggestRoutesAsync('a', null as unknown as object), 'options'],
      [() => engine.suggestRoutesAsync('a', { signal: {} as AbortSignal }), 'options.signal'],
      [() => engine.beginTrajectoryAsync('a', { decision: '-1' }), 'decision'],
      [() => engine.beginTrajectoryAsync('a', { size: 1 } as object), 'options.size'],
      [() => engine.findPatternsAsync('a', -1), 'k'],
      [() => engine.findPatternsAsync('a', 5, { minQuality: 2 }), 'minQuality'],
      [() => engine.expectQualityAsync('a', { route: '' }), 'route'],
      [() => engine.addRouteAsync('', { text: 'a' }), 'name'],
      [() => engine.addRouteAsync('a', { text: 'a', size: 1 } as object), 'options.size'],
    ];
    for (const [call, argument] of calls) {
      expect((await refusal(call)).details.argument).toBe(argument);
    }
    expect(engine.routes()).toHaveLength(2);
    // it was not asked in vain
    expect(embedder.asked).toEqual([]);
  });
});

describe('without an embedder', () => {
  it('text is refused, and vectors are taken', async () => {
    const engine = make({ hiddenDim: 100 });
    expect(engine.embedder).toBeNull();
    for (const [name, argument, ask] of [...asks, ...waits]) {
      for (const query of ['why?', '', chat]) {
        const error = await refusal(() => ask(engine, query));
        const expected = 'a vector of 100 numbers, or text with an embedder that makes such';
        expect(error, name).toMatchObject({
          code: 'SONA_INVALID_ARGUMENT',
          details: { argument, expected, got: '"text"' },
        });
      }
      await ask(engine, new Float32Array(100).fill(1));
    }
    for (const [, argument, add] of [addRoute, addRouteAsync]) {
      const error = await refusal(() => add(engine, 'why?'));
      expect(error).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument } });
    }
    expect(engine.routes()).toEqual([]);
    await engine.addRouteAsync('a', { embedding: new Float32Array(100).fill(1) });
    await engine.addRouteAsync('b');
    expect(engine.routes()).toMatchObject([
      { name: 'a', ranked: true },
      { name: 'b', ranked: false },
    ]);
  });
});

describe('an embedder', () => {
  it('is known', () => {
    for (const dim of [256, 128, 64] as const) {
      expect(make({ hiddenDim: dim }).embedder).toBe(builtin({ dim }));
    }
    expect(make().embedder).toBe(builtin());
    expect(make({ hiddenDim: 63 }).embedder).toBeNull();
    const embedder = own();
    expect(make({ hiddenDim: 2, embedder }).embedder).toBe(embedder);
    const other = hash();
    expect(make({ embedder: other }).embedder).toBe(other);
  });

  it('is a setting of the builder, as is what a chat means', () => {
    const embedder = instant();
    const engine = keep(
      SonaEngine.builder()
        .hiddenDim(2)
        .background('manual')
        .embedder(embedder)
        .promptOf(() => 'x'.repeat(100))
        .build(),
    );
    expect(engine.embedder).toBe(embedder);
    engine.addRoute('long', { embedding: [100, 2] });
    engine.addRoute('short', { embedding: [4, 2] });
    expect(engine.suggestRoutes('why?').best).toBe('short');
    expect(engine.suggestRoutes(chat).best).toBe('long');
  });

  it('of another length is refused, and leaves no engine behind', async () => {
    const file = join(folder, 'three');
    const three = make({ hiddenDim: 3 });
    await three.save(file);
    const refused: (() => unknown)[] = [
      () => SonaEngine.withConfig({ hiddenDim: 3, embedder: own() }),
      () => SonaEngine.builder().embedder(own()).hiddenDim(3).build(),
      () => SonaEngine.shared('text: dim', { hiddenDim: 3, embedder: own() }),
      () => SonaEngine.restore(three.snapshot(), { embedder: own() }),
      () => SonaEngine.load(file, { embedder: own() }),
    ];
    for (const make of refused) {
      expect(await refusal(make)).toMatchObject({
        code: 'SONA_DIM_MISMATCH',
        details: { argument: 'embedder.dim', expected: 3, got: 2 },
      });
    }
    // the name is free again
    const shared = keep(SonaEngine.shared('text: dim', { hiddenDim: 2, embedder: own() }));
    expect(shared.hiddenDim).toBe(2);
  });

  it('that takes its time is refused by methods that do not, in their words', async () => {
    const engine = small(own());
    const before = picture(engine, 2);
    for (const [name, argument, ask] of [...asks, addRoute]) {
      const error = await refusal(() => ask(engine, 'why?'));
      expect(error, name).toMatchObject({
        code: 'SONA_ASYNC_EMBEDDER',
        message: expect.stringMatching(new RegExp(`^${argument}: .*own.*Async`)),
        details: { argument, embedder: 'own' },
      });
    }
    expect(picture(engine, 2)).toEqual(before);
  });

  it('gets text alone, one at a time, and nothing for a vector', async () => {
    const embedder = waiting();
    const engine = small(embedder);
    await engine.suggestRoutesAsync([1, 2]);
    await engine.addRouteAsync('a', { embedding: [1, 2] });
    expect(embedder.asked).toEqual([]);
    const [long, short] = [engine.suggestRoutesAsync('aaaa'), engine.suggestRoutesAsync(chat)];
    expect(embedder.asked.map(({ texts }) => texts)).toEqual([['aaaa'], ['why?']]);
    // answers may come in any order
    embedder.asked[1]?.resolve([Float32Array.of(0, 1)]);
    expect((await short).best).toBe('short');
    embedder.asked[0]?.resolve([Float32Array.of(1, 0)]);
    expect((await long).best).toBe('long');
  });

  it('is held to the id and length that it was taken with', async () => {
    const later = (parts: Partial<Embedder>) => {
      let taken = false;
      const embedder = Object.defineProperties(own(parts), {
        id: { get: () => (taken ? expect.fail('was asked its name') : 'own') },
        dim: { get: () => (taken ? 3 : 2) },
      });
      const engine = small(embedder);
      taken = true;
      return engine;
    };
    const slow = later({});
    expect((await slow.suggestRoutesAsync('aaaa')).best).toBe('long');
    expect((await refusal(() => slow.suggestRoutes('aaaa'))).details.embedder).toBe('own');
    expect(later(instant()).suggestRoutes('aaaa').best).toBe('long');
    const failing = later({ embed: () => Promise.reject(new Error('down')) });
    expect((await refusal(() => failing.suggestRoutesAsync('a'))).message).toBe('own: down');
  });

  it('may empty the list of texts that it is handed', async () => {
    const embed: Embedder['embed'] = async (texts) => {
      (texts as string[]).length = 0;
      return [Float32Array.of(1, 0)];
    };
    expect((await small(own({ embed })).suggestRoutesAsync('a')).best).toBe('long');
  });

  it('may use one memory for all answers', async () => {
    const memory = Float32Array.of(0, 1);
    const embedder = own({ embed: async () => [memory], embedSync: () => memory });
    const engine = small(embedder);
    const builders = [engine.beginTrajectory('a'), await engine.beginTrajectoryAsync('a')];
    memory.set([1, 0]);
    for (const told of builders) engine.endTrajectory(told.setRoute('upward'), 1);
    const [upward, long] = ['upward', 'long'].map((route) =>
      engine.suggestRoutes([0, 1], { eligible: [route] }),
    );
    expect(upward?.ranked[0]?.score).toBeGreaterThan((long?.ranked[0]?.score ?? 1) + 0.5);
  });

  it('of a closed engine is not asked; what was under way ends with it', async () => {
    const embedder = waiting();
    for (const [name, , ask] of waits) {
      const engine = small(embedder);
      const wait = ask(engine, 'why?');
      await engine.close();
      embedder.asked.pop()?.resolve([Float32Array.of(1, 2)]);
      expect((await refusal(() => wait)).code, name).toBe('SONA_CLOSED');
      expect((await refusal(() => ask(engine, 'why?'))).code, name).toBe('SONA_CLOSED');
    }
    expect(embedder.asked).toEqual([]);
  });
});

describe('shared engines', () => {
  it('take the text of everyone who has the embedder', async () => {
    const config: SonaConfig = { hiddenDim: 2, background: 'manual', embedder: instant() };
    const one = SonaEngine.shared('text: shared', config);
    const other = SonaEngine.shared('text: shared', { ...config, embedder: instant() });
    const third = SonaEngine.shared('text: shared');
    for (const opened of [one, other, third]) keep(opened);
    one.addRoute('four', { text: 'four' });
    expect(other.suggestRoutes('four')).toMatchObject({ best: 'four' });
    expect(third.suggestRoutes([4, 2])).toMatchObject({ best: 'four' });
    expect(await refusal(() => third.suggestRoutes('four'))).toMatchObject({
      code: 'SONA_INCOMPATIBLE_STATE',
      message: expect.stringContaining('"own"'),
      details: { argument: 'query', embedder: 'own' },
    });
    const stranger = instant({ id: 'stranger' });
    const error = await refusal(() => SonaEngine.shared('text: shared', { ...config, embedder: stranger }));
    expect(error).toMatchObject({ code: 'SONA_INCOMPATIBLE_STATE' });
    expect(error.message).toMatch(/own.*stranger|stranger.*own/);
    // whoever was refused has not closed the others'
    expect(one.routes()).toEqual(other.routes());
    for (const engine of [one, other]) await engine.close();
    expect(third.suggestRoutes([4, 2]).best).toBe('four');
  });

  it('take text without anybody saying how, where there is one that ships', () => {
    const [one, other] = [SonaEngine.shared('text: 64', { hiddenDim: 64 }), SonaEngine.shared('text: 64')];
    for (const opened of [one, other]) keep(opened);
    one.addRoute('refunds', { text: 'money back' });
    other.addRoute('shipping', { text: 'where is my parcel' });
    expect(other.suggestRoutes('give me back my money').best).toBe('refunds');
    expect(one.suggestRoutes('the parcel did not come').best).toBe('shipping');
  });
});

describe('an embedder that fails', () => {
  const answering = (made: unknown): Partial<Embedder> => ({
    embed: async () => made as Float32Array[],
    embedSync: () => (Array.isArray(made) ? made[0] : made) as Float32Array,
  });

  it.each(badAnswers)('with %s', async (_, made, code) => {
    const engine = small(own(answering(made)));
    const before = picture(engine, 2);
    for (const [name, , ask] of [...asks, ...waits, addRoute, addRouteAsync]) {
      const error = await refusal(() => ask(engine, 'a'));
      expect(error, name).toMatchObject({ code, message: expect.stringMatching(/^own\[0\]: expected/) });
    }
    expect(picture(engine, 2)).toEqual(before);
  });

  it.each(badLists)('with %s', async (_, made) => {
    const { embedSync, ...slow } = answering(made);
    expect(embedSync).toBeDefined();
    const engine = small(own(slow));
    const before = picture(engine, 2);
    for (const [name, , ask] of [...waits, addRouteAsync]) {
      expect(await refusal(() => ask(engine, 'a')), name).toMatchObject({
        code: 'SONA_EMBEDDER',
        message: expect.stringContaining('an array of 1 vectors'),
        details: { embedder: 'own' },
      });
    }
    expect(picture(engine, 2)).toEqual(before);
  });

  it('with an error, which is the cause, or is passed on if it is of this library', async () => {
    const cause = new Error('down');
    const failing = (thrown: unknown) => ({
      embed: () => Promise.reject(thrown),
      embedSync: () => {
        throw thrown;
      },
    });
    const engine = small(own(failing(cause)));
    const before = picture(engine, 2);
    let last: unknown;
    for (const [name, , ask] of [...asks, ...waits, addRoute, addRouteAsync]) {
      const error = await refusal(() => ask(engine, 'a'));
      expect(error, name).toMatchObject({
        code: 'SONA_EMBEDDER',
        message: 'own: down',
        details: { embedder: 'own', reason: 'down' },
      });
      expect(error.cause).toBe(cause);
      last = error;
    }
    expect(picture(engine, 2)).toEqual(before);
    const again = small(own(failing(last)));
    for (const [, , ask] of [...asks, ...waits]) expect(await refusal(() => ask(again, 'a'))).toBe(last);
  });

  it.each([['words'], [undefined], [null], [7], [{ code: 'E' }]])('with %j thrown', async (thrown) => {
    const fail = () => {
      throw thrown;
    };
    // also thrown at once by a method that should have rejected
    const engine = small(own({ embed: fail, embedSync: fail }));
    for (const [, , ask] of [...asks, ...waits]) {
      expect(await refusal(() => ask(engine, 'a'))).toMatchObject({ code: 'SONA_EMBEDDER' });
    }
  });

  it('may work the next time', async () => {
    let down = true;
    const embed = async () => {
      if (down) throw new Error('down');
      return [Float32Array.of(0, 1)];
    };
    const engine = small(own({ embed }));
    expect((await refusal(() => engine.suggestRoutesAsync('a'))).code).toBe('SONA_EMBEDDER');
    down = false;
    expect((await engine.suggestRoutesAsync('a')).best).toBe('short');
  });
});

describe('promptOf', () => {
  it("of one's own says what a chat is, and is not asked for text", async () => {
    const seen: unknown[] = [];
    const engine = small(instant(), {
      promptOf: (messages) => {
        seen.push(messages);
        return JSON.stringify(messages);
      },
    });
    const { length } = JSON.stringify(chat);
    const best = (query: Query) => engine.suggestRoutes(query).ranked;
    expect(best(chat)).toEqual(best([length, 2]));
    expect((await engine.suggestRoutesAsync(chat)).ranked).toEqual(
      (await engine.suggestRoutesAsync('x'.repeat(length))).ranked,
    );
    expect(seen).toEqual([chat, chat]);
    expect(seen[0]).toBe(chat);
  });

  it('that throws is passed on', async () => {
    const thrown = new Error('mine');
    const engine = small(instant(), {
      promptOf: () => {
        throw thrown;
      },
    });
    const before = picture(engine, 2);
    for (const [name, , ask] of [...asks, ...waits]) {
      await expect((async () => ask(engine, chat))(), name).rejects.toBe(thrown);
    }
    expect(picture(engine, 2)).toEqual(before);
  });

  it.each([7, undefined, null, {}, Promise.resolve('why?')])('that gives no text, but %o', async (made) => {
    const engine = small(instant(), { promptOf: () => made as string });
    const before = picture(engine, 2);
    for (const [name, , ask] of [...asks, ...waits]) {
      expect(await refusal(() => ask(engine, chat)), name).toMatchObject({
        code: 'SONA_INVALID_ARGUMENT',
        details: { argument: 'promptOf(query)', expected: 'a string' },
      });
    }
    expect(picture(engine, 2)).toEqual(before);
  });

  it('is a function', async () => {
    const promptOf = 'last' as unknown as () => string;
    expect(await refusal(() => make({ promptOf }))).toMatchObject({
      code: 'SONA_INVALID_CONFIG',
      details: { argument: 'promptOf' },
    });
    expect(await refusal(() => SonaEngine.restore(make().snapshot(), { promptOf }))).toMatchObject({
      code: 'SONA_INVALID_ARGUMENT',
      details: { argument: 'promptOf' },
    });
  });
});

describe('a signal', () => {
  it('is handed to the embedder', async () => {
    for (const [name, , ask] of [...waits, addRouteAsync]) {
      const got: unknown[] = [];
      const embed: Embedder['embed'] = async (_, options) => {
        got.push(options);
        return [Float32Array.of(1, 2)];
      };
      const engine = small(own({ embed }));
      const { signal } = new AbortController();
      await ask(engine, 'a', signal);
      await ask(engine, 'a');
      expect(got, name).toEqual([{ signal }, {}]);
    }
  });

  it('that has fired is minded before anything', async () => {
    const embed = () => expect.fail('was asked');
    const engine = small(own({ embed }));
    const before = picture(engine, 2);
    const signal = AbortSignal.abort('enough');
    for (const [name, , ask] of [...waits, addRouteAsync]) {
      for (const query of ['a', chat, [1, 2], 7]) {
        if (name === 'addRouteAsync' && query !== 'a') continue;
        const error = await refusal(() => ask(engine, query as string, signal));
        expect(error, name).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
      }
    }
    for (const parts of [{}, { embedding: [1, 2] }]) {
      const error = await refusal(() => engine.addRouteAsync('new', { ...parts, signal }));
      expect(error).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
    }
    expect(picture(engine, 2)).toEqual(before);
  });

  let stop: AbortController;
  const stubborn: [string, Embedder['embed']][] = [
    ['minds none', () => new Promise<never>(() => {})],
    [
      'minds it in its own way',
      (_, options) =>
        new Promise<never>((_, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new Error('mine')));
        }),
    ],
    [
      'fires it and rejects',
      async () => {
        stop.abort('enough');
        throw new Error('late');
      },
    ],
    [
      'fires it and throws',
      () => {
        stop.abort('enough');
        throw new Error('late');
      },
    ],
    [
      'fires it and answers',
      async () => {
        stop.abort('enough');
        return [Float32Array.of(1, 2)];
      },
    ],
  ];
  it.each(stubborn)('ends the wait for an embedder that %s', async (_, embed) => {
    const engine = small(own({ embed }));
    const before = picture(engine, 2);
    for (const [name, , ask] of [...waits, addRouteAsync]) {
      stop = new AbortController();
      const wait = ask(engine, 'a', stop.signal);
      stop.abort('enough');
      expect(await refusal(() => wait), name).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
    }
    expect(picture(engine, 2)).toEqual(before);
  });

  it('leaves no listener behind', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    const engine = small(own());
    await engine.suggestRoutesAsync('a', { signal });
    const failing = small(own({ embed: () => Promise.reject(new Error('down')) }));
    await refusal(() => failing.suggestRoutesAsync('a', { signal }));
    expect(listeners).toBe(0);
  });
});

describe('what is no embedder', () => {
  const basis = fitBasis(Array.from({ length: 8 }, (_, i) => [Math.cos(i), Math.sin(i)]));
  const wide = fitBasis(Array.from({ length: 8 }, (_, i) => [Math.cos(i), Math.sin(i), 1]));

  it.each([own(), instant(), own({ basis: 'minilm' }), own({ basis: 'builtin' }), own({ basis })])(
    'these are some: %o',
    (embedder) => {
      expect(make({ hiddenDim: 2, embedder }).embedder).toBe(embedder);
    },
  );

  const cases: [unknown, string, string][] = [
    [null, 'SONA_INVALID_ARGUMENT', ''],
    ['builtin', 'SONA_INVALID_ARGUMENT', ''],
    [own, 'SONA_INVALID_ARGUMENT', ''],
    [{}, 'SONA_INVALID_ARGUMENT', '.embed'],
    [{ ...own(), embed: undefined }, 'SONA_INVALID_ARGUMENT', '.embed'],
    [{ ...own(), embedSync: 1 }, 'SONA_INVALID_ARGUMENT', '.embedSync'],
    [{ ...own(), embedSync: null }, 'SONA_INVALID_ARGUMENT', '.embedSync'],
    [{ ...own(), dim: '2' }, 'SONA_INVALID_ARGUMENT', '.dim'],
    [{ ...own(), dim: 1.5 }, 'SONA_INVALID_ARGUMENT', '.dim'],
    [{ ...own(), dim: 1 }, 'SONA_INVALID_ARGUMENT', '.dim'],
    [{ ...own(), dim: 65_537 }, 'SONA_INVALID_ARGUMENT', '.dim'],
    [{ ...own(), basis: 'auto' }, 'SONA_INVALID_ARGUMENT', '.basis'],
    [{ ...own(), basis: null }, 'SONA_INVALID_ARGUMENT', '.basis'],
    [{ ...own(), basis: { ...basis, scale: 'x' } }, 'SONA_INVALID_ARGUMENT', '.basis.scale'],
    [{ ...own(), basis: wide }, 'SONA_DIM_MISMATCH', '.basis.dim'],
    [{ ...own(), id: undefined }, 'SONA_INVALID_ARGUMENT', '.id'],
    [{ ...own(), id: '' }, 'SONA_INVALID_ARGUMENT', '.id'],
    [{ ...own(), id: '\ud800' }, 'SONA_INVALID_ARGUMENT', '.id'],
  ];
  it.each(cases)('%o', async (value, code, at) => {
    const embedder = value as Embedder;
    const router = (embedder: Embedder) => new SonaRouter({ models: [{ id: 'a' }], embedder });
    for (const call of [
      () => make({ hiddenDim: 2, embedder }),
      () => SonaEngine.builder().hiddenDim(2).embedder(embedder).build(),
      () => router(embedder),
    ]) {
      const told = code === 'SONA_INVALID_ARGUMENT' && at !== '.basis.scale' ? 'SONA_INVALID_CONFIG' : code;
      expect(await refusal(call)).toMatchObject({ code: told, details: { argument: `embedder${at}` } });
    }
    const [engine, other] = [make({ hiddenDim: 2 }).snapshot(), router(own()).snapshot()];
    for (const call of [
      () => SonaEngine.restore(engine, { embedder }),
      () => SonaRouter.restore(other, { embedder }),
    ]) {
      expect(await refusal(call)).toMatchObject({ code, details: { argument: `embedder${at}` } });
    }
  });
});
