// What a router makes of prompts that are text or chats, and what it does when their embedder fails.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { builtin, hash } from '../../embed.ts';
import {
  type ChatMessages,
  type DecisionRecord,
  type Embedder,
  fitBasis,
  type Query,
  type RouterConfig,
  type RouterDecision,
  readLog,
  type SonaEngine,
  type SonaError,
  SonaRouter,
  type WarmStartRow,
} from '../../index.ts';
import { readFeatures } from '../support/decisions.ts';
import { waiting } from '../support/embedders.ts';
import { manual } from '../support/engines.ts';
import { refusal } from '../support/errors.ts';
import { keep, routers, temporaryFolder } from '../support/fixture.ts';
import {
  anonymous,
  basis,
  bytes,
  DIM,
  distance,
  expectations,
  models,
  NOON,
  numberOf,
  outlook,
  prompt,
  teach,
} from '../support/routers.ts';
import { gaussian } from '../support/vectors.ts';

const make = routers();

/** The vector of `code 3` or `prose 3`; zeros for what is none. */
const vectorOf = (text: string): Float32Array => {
  const [, kind, seed] = /^(code|prose) (\d+)$/.exec(text) ?? [];
  return kind === undefined ? new Float32Array(DIM) : prompt(kind === 'code' ? 0 : 1, Number(seed));
};

/** An embedder that takes its time. */
const slow = (parts: Partial<Embedder> = {}): Embedder => ({
  id: 'eight numbers',
  dim: DIM,
  embed: async (texts) => texts.map(vectorOf),
  ...parts,
});

/** One that need not. */
const quick = (parts: Partial<Embedder> = {}): Embedder => slow({ embedSync: vectorOf, ...parts });

const failing = (error: unknown = new Error('down')): Embedder =>
  slow({ embed: () => Promise.reject(error) });

const asChat = (text: string): ChatMessages => [
  { role: 'user', content: 'before' },
  { role: 'assistant', content: 'yes?' },
  { role: 'user', content: [{ type: 'text', text }] },
];

/** A router that writes down what it tells. */
function told(config: Partial<RouterConfig> = {}): {
  router: SonaRouter;
  errors: SonaError[];
  /** Ends listening to errors. */
  deaf: () => void;
  lines: string[];
  records: () => DecisionRecord[];
} {
  const lines: string[] = [];
  const errors: SonaError[] = [];
  const router = make({ log: (line) => lines.push(line), ...config });
  const deaf = router.on('error', (error) => errors.push(error));
  return { router, errors, deaf, lines, records: () => readLog(lines.join('\n')) };
}

const engines: SonaEngine[] = [];
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));

/** Everything that a decision says. */
const whole = (decision: RouterDecision) => [anonymous(decision), anonymous(decision.explain())];

/** Decides and learns; all that was seen, and what is known in the end. */
async function story(router: SonaRouter, decide: (text: string) => RouterDecision | Promise<RouterDecision>) {
  const seen: unknown[] = [];
  for (let n = 0; n < 40; n++) {
    const decision = await decide(`${n % 2 === 0 ? 'code' : 'prose'} ${n}`);
    seen.push(whole(decision));
    router.feedback(decision.id, { quality: decision.model === 'coder' ? 1 - (n % 2) : 0.5, costUsd: 0.001 });
  }
  return [seen, outlook(router), bytes(router)];
}

describe('a prompt as text', () => {
  it('is its vector beside the text, bit for bit', async () => {
    const config = { embedder: quick() };
    const one = make(config);
    const expected = await story(one, (text) => one.route(vectorOf(text), { text }));
    const ways: [Embedder, (router: SonaRouter, text: string) => RouterDecision | Promise<RouterDecision>][] =
      [
        [quick(), (router, text) => router.route(text)],
        [quick(), (router, text) => router.route(asChat(text), { text })],
        [quick(), (router, text) => router.routeAsync(text)],
        [
          quick({ embed: () => expect.fail('was asked') }),
          (router, text) => router.routeAsync(asChat(text), { text }),
        ],
        [slow(), (router, text) => router.routeAsync(text)],
        [slow(), (router, text) => router.routeAsync(asChat(text), { text })],
        [slow(), (router, text) => router.routeAsync(vectorOf(text), { text })],
        [slow(), (router, text) => router.routeAsync([...vectorOf(text)], { text })],
        [slow(), (router, text) => router.route(Float64Array.from(vectorOf(text)), { text })],
      ];
    for (const [embedder, decide] of ways) {
      const router = make({ embedder });
      expect(await story(router, (text) => decide(router, text))).toEqual(expected);
    }
  });

  it('of a router without any settings is the vector of the built-in embedder beside it', async () => {
    const bare = () => new SonaRouter({ models, now: () => NOON, background: 'manual', origin: 'here' });
    const [texts, chats, waits, vectors] = [bare(), bare(), bare(), bare()];
    expect(texts.embedder).toBe(builtin());
    const topics = [
      'write a function that sorts a list',
      'a poem about the sea',
      'fix this bug',
      'rhyme on moon',
    ];
    for (let n = 0; n < 24; n++) {
      const text = `${topics[n % topics.length]} ${n}`;
      const decisions = [
        vectors.route(builtin().embedSync(text), { text }),
        texts.route(text),
        chats.route(asChat(text), { text }),
        await waits.routeAsync(text),
      ];
      for (const decision of decisions)
        expect(whole(decision)).toEqual(whole(decisions[0] as RouterDecision));
      for (const [place, router] of [vectors, texts, chats, waits].entries()) {
        router.feedback((decisions[place] as RouterDecision).id, { quality: (n % 4) / 3 });
      }
    }
    expect(bytes(texts)).toBe(bytes(chats));
    expect(bytes(texts)).toBe(bytes(waits));
    expect(texts.stats()).toEqual(vectors.stats());
  });

  it('stays its own while code of the caller, which routes as well, runs', () => {
    const embedder = quick({ basis });
    const featuresOf = (records: DecisionRecord[]) => records.map(({ features }) => features);
    const plain = told({ embedder });
    for (const text of ['code 1', 'prose 2']) plain.router.route(text);
    const [own, other] = featuresOf(plain.records());
    expect(own).not.toBe(other);
    let due = false;
    const now = () => {
      if (due) {
        due = false;
        router.route('prose 2');
      }
      return NOON;
    };
    const { router, records } = told({ embedder, now });
    const options = {
      get eligible() {
        router.route('prose 2');
        return ['coder', 'poet', 'dull'];
      },
    };
    for (const query of ['code 1', vectorOf('code 1')]) {
      router.route(query, options);
      due = true;
      router.route(query);
    }
    expect(featuresOf(records())).toEqual([other, own, other, own, other, own, other, own]);
  });

  it('needs an embedder', async () => {
    const { router, lines } = told();
    expect(router.embedder).toBeNull();
    const calls = [
      (query: Query) => router.route(query),
      (query: Query) => router.routeAsync(query),
      (query: Query) => router.routeAsync(query, { eligible: ['poet'] }),
    ];
    for (const query of ['why?', '', asChat('why?')]) {
      for (const call of calls) {
        expect(await refusal(() => call(query))).toMatchObject({
          code: 'SONA_INVALID_ARGUMENT',
          details: { argument: 'query', expected: expect.stringContaining('a vector of 8 numbers') },
        });
      }
    }
    expect([router.stats().decisions, lines]).toEqual([0, []]);
  });

  it('needs routeAsync where the embedder takes its time', async () => {
    const { router, lines } = told({ embedder: slow() });
    for (const query of ['code 1', '', asChat('code 1')]) {
      expect(await refusal(() => router.route(query))).toMatchObject({
        code: 'SONA_ASYNC_EMBEDDER',
        details: { argument: 'query', embedder: 'eight numbers' },
      });
    }
    expect([router.stats().decisions, lines]).toEqual([0, []]);
  });

  it('that is no query is refused', async () => {
    const cases: [unknown, string][] = [
      [undefined, 'SONA_INVALID_ARGUMENT'],
      [null, 'SONA_INVALID_ARGUMENT'],
      [1, 'SONA_INVALID_ARGUMENT'],
      [{ role: 'user', content: 'why?' }, 'SONA_INVALID_ARGUMENT'],
      [[new Float32Array(DIM)], 'SONA_DIM_MISMATCH'],
      [[[1, 2, 3]], 'SONA_DIM_MISMATCH'],
      [new Float32Array(3), 'SONA_DIM_MISMATCH'],
      [new Float32Array(DIM), 'SONA_OUT_OF_RANGE'],
      [new Float32Array(DIM).fill(Number.NaN), 'SONA_NOT_FINITE'],
    ];
    for (const embedder of [quick(), slow()]) {
      const router = make({ embedder });
      for (const [query, code] of cases) {
        for (const call of [() => router.route(query as Query), () => router.routeAsync(query as Query)]) {
          expect(await refusal(call)).toMatchObject({ code, details: { argument: 'query' } });
        }
      }
      expect(router.stats().decisions).toBe(0);
    }
  });

  it("is what promptOf of one's own makes of a chat", async () => {
    const seen: unknown[] = [];
    const promptOf = (messages: ChatMessages) => {
      seen.push(messages);
      return `prose ${messages.length}`;
    };
    const chat = asChat('code 1');
    // its length is that of the whole chat, where nobody says the text
    const said = { text: 'prose 3' };
    const [router, twin] = [make({ embedder: quick(), promptOf }), make({ embedder: slow(), promptOf })];
    const expected = whole(make({ embedder: quick() }).route('prose 3'));
    expect(whole(router.route(chat, said))).toEqual(expected);
    expect(whole(await twin.routeAsync(chat, said))).toEqual(expected);
    expect(whole(await make({ embedder: quick(), promptOf }).routeAsync(chat, said))).toEqual(expected);
    // asked once each
    expect(seen).toEqual([chat, chat, chat]);
    const thrown = new Error('mine');
    for (const embedder of [quick(), slow()]) {
      const throwing = told({
        embedder,
        promptOf: () => {
          throw thrown;
        },
      });
      expect(() => throwing.router.route(chat)).toThrow(thrown);
      await expect(throwing.router.routeAsync(chat)).rejects.toBe(thrown);
      const odd = told({ embedder, promptOf: () => 7 as unknown as string });
      for (const call of [() => odd.router.route(chat), () => odd.router.routeAsync(chat)]) {
        expect(await refusal(call)).toMatchObject({
          code: 'SONA_INVALID_ARGUMENT',
          details: { argument: 'promptOf(query)' },
        });
      }
      for (const { router, errors, lines } of [throwing, odd]) {
        expect([router.stats().decisions, errors, lines]).toEqual([0, [], []]);
      }
    }
    expect(await refusal(() => make({ promptOf: 1 as unknown as () => string }))).toMatchObject({
      code: 'SONA_INVALID_CONFIG',
      details: { argument: 'promptOf' },
    });
  });

  it('is decided in the order in which vectors come', async () => {
    const embedder = waiting({ dim: DIM });
    const router = make({ embedder });
    const decisions = [router.routeAsync('code 1'), router.routeAsync('prose 1')];
    expect(embedder.asked.map(({ texts }) => texts)).toEqual([['code 1'], ['prose 1']]);
    embedder.asked[1]?.resolve([vectorOf('prose 1')]);
    const second = await decisions[1];
    embedder.asked[0]?.resolve([vectorOf('code 1')]);
    const first = await decisions[0];
    expect([second, first].map((decision) => numberOf(decision?.id ?? ''))).toEqual([1, 2]);
    const twin = make({ embedder: quick() });
    expect([twin.route('prose 1'), twin.route('code 1')].map(whole)).toEqual(
      [second, first].map((decision) => whole(decision as RouterDecision)),
    );
  });
});

describe('a text of which nothing is known', () => {
  it('is decided without, by an embedder that is quick', async () => {
    for (const text of ['nothing', '', ' \n', asChat('nothing'), [{ role: 'tool', content: 'code 1' }]]) {
      for (const call of ['route', 'routeAsync'] as const) {
        const { router, errors, records } = told({ embedder: quick() });
        teach(router, 10);
        const decision = await router[call](text);
        expect(decision.fallback).toEqual({ reason: 'empty' });
        expect(decision.explain().fallback).toEqual({ reason: 'empty' });
        expect(records()[10]).toMatchObject({ id: decision.id, contextFree: true });
        expect(router.feedback(decision.id, { quality: 1 })).toEqual({ applied: true });
        expect(errors).toEqual([]);
      }
    }
    expect(new SonaRouter({ models }).route('').fallback).toEqual({ reason: 'empty' });
    expect(new SonaRouter({ models }).route('hello').fallback).toBeNull();
  });

  it.each([
    ['no messages', []],
    ['null', [null, undefined]],
    ['holes', new Array(3)],
    ['other objects', [{ words: 'why?' }, null]],
    [
      'a picture',
      [
        { role: 'user', content: 'code 1' },
        { role: 'user', content: [{ type: 'image' }] },
      ],
    ],
  ])('is a chat without a text: %s', async (_, chat) => {
    for (const router of [
      make({ embedder: quick() }),
      make({ embedder: slow() }),
      new SonaRouter({ models }),
    ]) {
      expect((await router.routeAsync(chat as ChatMessages)).fallback).toEqual({ reason: 'empty' });
    }
    expect(make({ embedder: quick() }).route(chat as ChatMessages).fallback).toEqual({ reason: 'empty' });
  });

  it('is not one with a message among entries that are none', async () => {
    const asked = [null, 'code 2', { role: 'user', content: 'code 1' }, undefined] as ChatMessages;
    expect(make({ embedder: quick() }).route(asked).fallback).toBeNull();
    // a router for vectors alone
    const error = await refusal(() => make().route([] as unknown as ChatMessages));
    expect(error).toMatchObject({ code: 'SONA_DIM_MISMATCH', details: { argument: 'query' } });
  });

  it('is not sent to one that takes its time, if it is blank', async () => {
    const embedder = waiting({ dim: DIM });
    const { router, errors } = told({ embedder });
    for (const text of [
      '',
      ' \n\t',
      [{ role: 'user', content: ' ' }],
      [{ role: 'tool', content: 'code 1' }],
    ]) {
      expect((await router.routeAsync(text)).fallback).toEqual({ reason: 'empty' });
    }
    expect([embedder.asked, errors, router.stats().decisions]).toEqual([[], [], 4]);
  });

  it('says so no more than a vector does', () => {
    const router = make();
    expect(router.route(prompt(0, 1)).fallback).toBeNull();
    expect(router.route(prompt(0, 1)).explain().fallback).toBeNull();
  });
});

describe('an embedder that takes its time and fails', () => {
  const answering =
    (made: unknown): Embedder['embed'] =>
    async () =>
      made as Float32Array[];
  const own = new Error('down');
  const trap = () => {
    throw new Error('trapped');
  };
  const silent = Object.defineProperty(new Error(), 'message', { get: trap });
  const mute = Object.defineProperty(new Error(), 'message', { value: Symbol('down') });
  /** What `async` does with an answer is look for `then`. */
  const traps = { get: (_: object, key: PropertyKey) => (key === 'then' ? undefined : trap()) };
  const hostile = new Proxy({}, { get: trap, has: () => true, getPrototypeOf: trap });
  const booby = Object.defineProperty([0], 0, { get: trap });
  const dead = (target: object) => {
    const { proxy, revoke } = Proxy.revocable(target, {});
    revoke();
    return proxy;
  };
  const cases: [string, Embedder['embed'], string, RegExp][] = [
    ['rejects', () => Promise.reject(own), 'SONA_EMBEDDER', /^eight numbers: down$/],
    ['rejects with no error', () => Promise.reject('gone'), 'SONA_EMBEDDER', /gone/],
    [
      'throws at once',
      () => {
        throw own;
      },
      'SONA_EMBEDDER',
      /down/,
    ],
    ['gives no list', answering(undefined), 'SONA_EMBEDDER', /an array of 1 vectors/],
    ['gives nothing', answering([]), 'SONA_EMBEDDER', /an array of 1 vectors, got an array of 0/],
    ['gives too much', answering([gaussian(DIM, 1), gaussian(DIM, 2)]), 'SONA_EMBEDDER', /got an array of 2/],
    ['gives a plain array', answering([[...gaussian(DIM, 1)]]), 'SONA_EMBEDDER', /a Float32Array/],
    [
      'gives another length',
      answering([gaussian(DIM + 1, 1)]),
      'SONA_DIM_MISMATCH',
      /expected 8 numbers, got 9/,
    ],
    [
      'gives NaN',
      answering([new Float32Array(DIM).fill(Number.NaN)]),
      'SONA_NOT_FINITE',
      /got NaN at index 0/,
    ],
    ['gives zeros', answering([new Float32Array(DIM)]), 'SONA_EMBEDDER', /a vector with a direction/],
    ['gives what is too long', answering([new Float32Array(DIM).fill(3e38)]), 'SONA_EMBEDDER', /a direction/],
    [
      'gives what is too short',
      answering([new Float32Array(DIM).fill(1e-30)]),
      'SONA_EMBEDDER',
      /a direction/,
    ],
    ['rejects with what throws', () => Promise.reject(silent), 'SONA_EMBEDDER', /^eight numbers: an object$/],
    ['rejects with a symbol', () => Promise.reject(mute), 'SONA_EMBEDDER', /^eight numbers: an object$/],
    [
      'rejects with a dead proxy',
      () => Promise.reject(dead([])),
      'SONA_EMBEDDER',
      /^eight numbers: an object$/,
    ],
    ['rejects with a proxy', () => Promise.reject(hostile), 'SONA_EMBEDDER', /^eight numbers: an object$/],
    ['gives a hostile list', answering(new Proxy([], traps)), 'SONA_EMBEDDER', /^eight numbers: trapped$/],
    ['gives a list of what throws', answering(booby), 'SONA_EMBEDDER', /^eight numbers: trapped$/],
    ['gives a list of dead proxies', answering([dead([])]), 'SONA_EMBEDDER', /a Float32Array, got an object/],
  ];

  it.each(cases)('because it %s does not fail the request', async (_, embed, code, message) => {
    const { router, errors, records } = told({ embedder: slow({ embed }) });
    teach(router, 60);
    const expected = expectations(router);
    const before = router.stats();
    const decision = await router.routeAsync('code 1', { sessionId: 's', tenant: 't' });
    expect(decision.fallback).toEqual({ reason: 'embedder', code, message: expect.stringMatching(message) });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ code, message: decision.fallback?.message });
    const { id } = decision;
    expect(numberOf(id)).toBe(before.decisions + 1);
    expect(decision.ranked).toHaveLength(3);
    const explanation = decision.explain();
    expect(explanation.fallback).toEqual(decision.fallback);
    // plain data of its own
    const fallback = { ...decision.fallback };
    if (explanation.fallback) explanation.fallback.message = 'changed';
    expect(decision.explain().fallback).toEqual(fallback);
    expect(decision.fallback).toEqual(fallback);
    expect(JSON.parse(JSON.stringify(decision)).fallback).toEqual(decision.fallback);
    expect(records().at(-1)).toMatchObject({
      id,
      contextFree: true,
      model: decision.model,
      sessionId: 's',
    });
    expect(records().filter(({ contextFree }) => contextFree)).toHaveLength(1);
    // its outcome teaches
    expect(router.feedback(id, { quality: 0, costUsd: 0.5 })).toEqual({ applied: true });
    const after = router.stats();
    expect([after.decisions, after.learned]).toEqual([before.decisions + 1, before.learned + 1]);
    const outcomes = (stats: typeof after) => stats.models.find(({ id }) => id === decision.model)?.outcomes;
    expect(outcomes(after)).toBeCloseTo((outcomes(before) ?? 0) + 1, 9);
    expect(distance(expectations(router), expected)).toBeGreaterThan(1e-6);
  });

  it('keeps its error as the cause, for whoever listens; nobody has to', async () => {
    const { router, errors, deaf } = told({ embedder: failing(own) });
    await router.routeAsync('code 1');
    expect(errors.map(({ cause }) => cause)).toEqual([own]);
    deaf();
    expect((await router.routeAsync('code 1')).fallback?.reason).toBe('embedder');
    expect(errors).toHaveLength(1);
  });

  it('may be one that has lost its name and its length', async () => {
    let taken = false;
    const later = {
      id: { get: () => (taken ? trap() : 'eight numbers') },
      dim: { get: () => (taken ? 3 : DIM) },
    };
    for (const embed of [
      answering(undefined),
      answering([new Float32Array(DIM)]),
      () => Promise.reject(own),
    ]) {
      taken = false;
      const { router, errors } = told({ embedder: Object.defineProperties(slow({ embed }), later) });
      taken = true;
      expect((await router.routeAsync('code 1')).fallback).toMatchObject({ code: 'SONA_EMBEDDER' });
      expect(errors).toMatchObject([{ details: { embedder: 'eight numbers' } }]);
    }
    taken = false;
    const { router } = told({ embedder: Object.defineProperties(slow(), later) });
    taken = true;
    expect((await router.routeAsync('code 1')).fallback).toBeNull();
  });

  it('does not fail the request by a listener that throws', async () => {
    const { router, records, deaf } = told({ embedder: failing() });
    let heard = 0;
    deaf();
    router.on('error', () => {
      heard++;
      throw new Error('mine');
    });
    expect((await router.routeAsync('code 1')).fallback?.reason).toBe('embedder');
    expect([heard, records().length]).toEqual([1, 1]);
  });

  it('is decided at the mean of the prompts so far', async () => {
    const embedder = slow({ embed: async ([text = '']) => (text === 'down' ? [] : [vectorOf(text)]) });
    const { router, records } = told({ embedder });
    for (let n = 0; n < 30; n++) {
      const { id } = await router.routeAsync(`${n % 3 === 0 ? 'code' : 'prose'} ${n}`);
      router.feedback(id, { quality: (n % 5) / 4 });
    }
    const { fallback, ranked } = await router.routeAsync('down');
    expect(fallback?.reason).toBe('embedder');
    const rows = records().map(({ features = '' }) => readFeatures(features));
    const last = rows.pop() as number[];
    for (const [i, number] of last.entries()) {
      const mean = rows.reduce((sum, row) => sum + (row[i] ?? 0), 0) / rows.length;
      expect(number, `feature ${i}`).toBeCloseTo(mean, 5);
    }
    // two such are alike, and what is expected lies within what was of prompts
    expect((await router.routeAsync('down')).ranked).toEqual(ranked);
    const qualities = ranked.map(({ quality }) => quality);
    expect(Math.max(...qualities)).toBeLessThanOrEqual(1);
    expect(Math.min(...qualities)).toBeGreaterThanOrEqual(0);
  });

  it('works before anything is known', async () => {
    const { router } = told({ embedder: failing() });
    const decision = await router.routeAsync('code 1');
    expect(decision.fallback).toMatchObject({ reason: 'embedder' });
    expect(decision.ranked.every(({ quality }) => Number.isFinite(quality))).toBe(true);
    router.feedback(decision.id, { quality: 1 });
    expect(router.stats().learned).toBe(1);
    const text = new SonaRouter({ models }).route('');
    expect(text.ranked.every(({ score, propensity }) => Number.isFinite(score + propensity))).toBe(true);
  });

  it('minds what else the request says', async () => {
    const { router, records } = told({ embedder: failing() });
    teach(router, 30);
    expect(await router.routeAsync('code 1', { eligible: ['dull'] })).toMatchObject({ model: 'dull' });
    const { model } = await router.routeAsync('code 1', { sessionId: 'one' });
    for (let n = 0; n < 5; n++) {
      const decision = await router.routeAsync(`prose ${n}`, { sessionId: 'one' });
      expect([decision.model, decision.explain().reason]).toEqual([model, 'session']);
    }
    const observed = await router.routeAsync('code 1', { mode: 'observe', promptTokens: 10 });
    expect(router.feedback(observed.id, { quality: 1 })).toEqual({ applied: false, reason: 'observed' });
    expect(records().at(-1)).toMatchObject({ mode: 'observe', contextFree: true, promptTokens: 10 });
    const error = await refusal(() => router.routeAsync('code 1', { eligible: [] }));
    expect(error.code).toBe('SONA_NO_ELIGIBLE_MODEL');
  });

  it('is not shown patterns of the mean', async () => {
    const engine = keep(manual({ hiddenDim: DIM }));
    engine.endTrajectory(engine.beginTrajectory(prompt(0, 1)), 1);
    engine.forceLearn();
    const router = make({ embedder: failing(), engine });
    expect((await router.routeAsync('code 1')).explain()).not.toHaveProperty('patterns');
    expect((await router.routeAsync(prompt(0, 1))).explain().patterns).toHaveLength(1);
  });

  it('may have been asked what can be answered', async () => {
    const { router, errors } = told({ embedder: failing() });
    expect((await router.routeAsync(prompt(0, 1))).fallback).toBeNull();
    expect((await router.routeAsync('')).fallback).toEqual({ reason: 'empty' });
    expect(errors).toEqual([]);
  });
});

describe('an embedder that is quick and fails', () => {
  const bad: [string, () => unknown, string][] = [
    [
      'throws',
      () => {
        throw new Error('down');
      },
      'SONA_EMBEDDER',
    ],
    ['gives a promise', async () => gaussian(DIM, 1), 'SONA_EMBEDDER'],
    ['gives another length', () => new Float32Array(3), 'SONA_DIM_MISMATCH'],
    ['gives NaN', () => new Float32Array(DIM).fill(Number.NaN), 'SONA_NOT_FINITE'],
    ['gives what is too long', () => new Float32Array(DIM).fill(3e38), 'SONA_EMBEDDER'],
  ];
  it.each(bad)('because it %s, is decided without the prompt', async (_, embedSync, code) => {
    const embedder = quick({ embedSync: embedSync as () => Float32Array });
    const { router, errors } = told({ embedder });
    for (const decide of [() => router.route('code 1'), () => router.routeAsync('code 1')]) {
      expect((await decide()).fallback).toMatchObject({ reason: 'embedder', code });
    }
    expect(errors).toMatchObject([{ code }, { code }]);
    const strict = told({ embedder, onEmbedderError: 'throw' });
    for (const call of [() => strict.router.route('code 1'), () => strict.router.routeAsync('code 1')]) {
      expect((await refusal(call)).code).toBe(code);
    }
    expect([strict.router.stats().decisions, strict.errors, strict.lines]).toEqual([0, [], []]);
    expect(numberOf(strict.router.route(prompt(0, 1)).id)).toBe(1);
  });
});

describe('a signal', () => {
  let stop: AbortController;
  const stubborn: [string, Embedder['embed']][] = [
    ['minds none', () => new Promise<never>(() => {})],
    [
      'minds it',
      (_, options) =>
        new Promise<never>((_, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new Error('mine')));
        }),
    ],
    [
      'fires it and throws',
      () => {
        stop.abort('enough');
        throw new Error('late');
      },
    ],
    [
      'fires it and gives zeros',
      async () => {
        stop.abort('enough');
        return [new Float32Array(DIM)];
      },
    ],
  ];
  it.each(stubborn)('ends the wait for an embedder that %s, and nothing was decided', async (_, embed) => {
    stop = new AbortController();
    const { router, errors, lines } = told({ embedder: slow({ embed }) });
    teach(router, 10);
    const [before, written] = [bytes(router), lines.length];
    const wait = router.routeAsync('code 1', { signal: stop.signal });
    stop.abort('enough');
    expect(await refusal(() => wait)).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
    expect([bytes(router), lines.length, errors]).toEqual([before, written, []]);
  });

  it('that has fired is minded before anything', async () => {
    const embed = () => expect.fail('was asked');
    for (const embedder of [slow({ embed }), quick({ embedSync: embed })]) {
      const { router } = told({ embedder });
      for (const query of ['code 1', '', asChat('code 1'), prompt(0, 1), 7]) {
        const wait = router.routeAsync(query as Query, { signal: AbortSignal.abort('enough') });
        expect(await refusal(() => wait)).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
      }
      expect(router.stats().decisions).toBe(0);
    }
  });

  it('is handed to the embedder', async () => {
    const embedder = waiting({ dim: DIM });
    const router = make({ embedder });
    const { signal } = new AbortController();
    const waits = [router.routeAsync('code 1', { signal }), router.routeAsync('code 1')];
    expect(embedder.asked.map(({ options }) => options)).toEqual([{ signal }, {}]);
    for (const { resolve } of embedder.asked) resolve([vectorOf('code 1')]);
    expect((await Promise.all(waits)).map(({ fallback }) => fallback)).toEqual([null, null]);
  });
});

describe('a request that may wait', () => {
  it('is refused before the wait when something is wrong with it', async () => {
    const embedder = waiting({ dim: DIM });
    const router = make({ embedder });
    const cases: [object | null, string][] = [
      [null, 'options'],
      [{ size: 1 }, 'options.size'],
      [{ eligible: ['nobody'] }, 'eligible[0]'],
      [{ eligible: 'poet' }, 'eligible'],
      [{ sessionId: 1 }, 'sessionId'],
      [{ mode: 'try' }, 'mode'],
      [{ signal: 1 }, 'options.signal'],
    ];
    for (const [options, argument] of cases) {
      for (const query of ['code 1', prompt(0, 1)]) {
        expect((await refusal(() => router.routeAsync(query, options as object))).details.argument).toBe(
          argument,
        );
      }
    }
    expect([embedder.asked, router.stats().decisions]).toEqual([[], 0]);
  });

  it('may name a model that is taken away meanwhile', async () => {
    for (const answer of ['resolve', 'reject'] as const) {
      const embedder = waiting({ dim: DIM });
      const { router, lines } = told({ embedder });
      const gone = router.routeAsync('code 1', { eligible: ['poet'] });
      const rest = router.routeAsync('code 1');
      router.removeModel('poet');
      for (const asked of embedder.asked) asked[answer]([vectorOf('code 1')]);
      expect(await refusal(() => gone)).toMatchObject({
        code: 'SONA_UNKNOWN_MODEL',
        details: { argument: 'eligible[0]', got: 'poet' },
      });
      expect((await rest).ranked.map(({ model }) => model).sort()).toEqual(['coder', 'dull']);
      expect(lines).toHaveLength(1);
    }
  });

  it('goes to a model that came meanwhile', async () => {
    const embedder = waiting({ dim: DIM });
    const router = make({ embedder });
    const wait = router.routeAsync('code 1', { eligible: ['poet', 'coder'] });
    const all = router.routeAsync('code 1');
    router.removeModel('poet');
    router.addModel({ id: 'new' });
    router.addModel({ id: 'poet' });
    for (const { resolve } of embedder.asked) resolve([vectorOf('code 1')]);
    expect((await wait).ranked.map(({ model }) => model).sort()).toEqual(['coder', 'poet']);
    expect((await all).ranked).toHaveLength(4);
  });

  it.each(['resolve', 'reject'] as const)('ends with its router (%s)', async (answer) => {
    for (const end of ['close', Symbol.dispose] as const) {
      const embedder = waiting({ dim: DIM });
      const { router, lines, errors } = told({ embedder });
      const wait = router.routeAsync('code 1');
      const ending = router[end]();
      embedder.asked[0]?.[answer]([vectorOf('code 1')]);
      expect((await refusal(() => wait)).code).toBe('SONA_CLOSED');
      await ending;
      expect([lines, errors]).toEqual([[], []]);
      expect((await refusal(() => router.routeAsync('code 1'))).code).toBe('SONA_CLOSED');
      expect(embedder.asked).toHaveLength(1);
    }
  });
});

it('a router that is closing, but still has work to end, decides nothing any more', async () => {
  const embedder = waiting({ dim: DIM });
  const { router, lines } = told({ embedder });
  const file = join(temporaryFolder(), 'state');
  const wait = router.routeAsync('code 1');
  const saved = router.save(file);
  const ending = router.close();
  embedder.asked[0]?.resolve([vectorOf('code 1')]);
  expect((await refusal(() => wait)).code).toBe('SONA_CLOSED');
  await Promise.all([saved, ending]);
  expect(lines).toEqual([]);
  expect(SonaRouter.restore(readFileSync(file)).stats().decisions).toBe(0);
});

describe('warmStart', () => {
  const rows: [string, string, number][] = Array.from({ length: 30 }, (_, n) => [
    `${n % 2 === 0 ? 'code' : 'prose'} ${n}`,
    ['coder', 'poet', 'dull'][n % 3] ?? '',
    (n % 5) / 4,
  ]);
  const of = (part: (text: string) => object) =>
    rows.map(([text, model, quality]) => ({ ...part(text), model, quality }) as WarmStartRow);
  const asText = of((text) => ({ text }));
  const asVector = of((text) => ({ vector: vectorOf(text) }));
  const asChats = of((text) => ({ text: asChat(text) }));
  const mixed = rows.map((_, n) => [asText, asVector, asChats][n % 3]?.[n] as WarmStartRow);

  it('takes texts and chats as their vectors, bit for bit', async () => {
    const vectors = make({ embedder: quick() });
    expect(vectors.warmStart(asVector)).toBe(30);
    for (const given of [asText, asChats, mixed]) {
      const router = make({ embedder: quick() });
      expect(router.warmStart(given)).toBe(30);
      expect(bytes(router)).toBe(bytes(vectors));
    }
    for (const given of [asText, asChats, mixed, asVector]) {
      for (const embedder of [slow(), quick()]) {
        const router = make({ embedder });
        expect(await router.warmStartAsync(given)).toBe(30);
        expect(bytes(router)).toBe(bytes(vectors));
      }
    }
    expect(await make().warmStartAsync(asVector)).toBe(30);
    expect(await make().warmStartAsync([])).toBe(0);
  });

  it('asks once for all texts, and for nothing else', async () => {
    const embedder = waiting({ dim: DIM });
    const router = make({ embedder });
    const { signal } = new AbortController();
    expect(await router.warmStartAsync(asVector)).toBe(30);
    expect(embedder.asked).toEqual([]);
    const wait = router.warmStartAsync(mixed, { signal });
    const texts = rows.flatMap(([text], n) => (n % 3 === 1 ? [] : [text]));
    expect(embedder.asked).toMatchObject([{ texts, options: { signal } }]);
    embedder.asked[0]?.resolve(texts.map(vectorOf));
    expect(await wait).toBe(30);
  });

  it('refuses before the wait what can be refused then', async () => {
    const embedder = waiting({ dim: DIM });
    const router = make({ embedder });
    const [row, vector] = [{ text: 'code 1', model: 'poet', quality: 0.5 }, [...prompt(0, 1)]];
    const cases: [object, string][] = [
      [{ ...row, model: 'nobody' }, 'rows[1].model'],
      [{ ...row, quality: 2 }, 'rows[1].quality'],
      [{ ...row, weight: 0 }, 'rows[1].weight'],
      [{ vector, model: 'nobody', quality: 0.5 }, 'rows[1].model'],
      [{ vector: [1], model: 'poet', quality: 0.5 }, 'rows[1].vector'],
      [{ vector: vector.map(() => 0), model: 'poet', quality: 0.5 }, 'rows[1].vector'],
    ];
    for (const [bad, argument] of cases) {
      const wait = router.warmStartAsync([row, bad as WarmStartRow]);
      expect((await refusal(() => wait)).details.argument).toBe(argument);
    }
    expect(embedder.asked).toEqual([]);
  });

  it('takes no row when the core would not take one of a later chunk', async () => {
    const router = make();
    const before = bytes(router);
    const many: WarmStartRow[] = Array.from({ length: 4_097 }, () => asVector[0] as WarmStartRow);
    // its square is nothing in 32 bits
    many.push({ vector: new Float32Array(DIM).fill(1e-30), model: 'poet', quality: 1 });
    expect(await refusal(() => router.warmStart(many))).toMatchObject({
      code: 'SONA_OUT_OF_RANGE',
      details: { argument: 'rows[4097].vector' },
    });
    expect(bytes(router)).toBe(before);
  });

  it('takes rows as they are when it is called', async () => {
    const embedder = waiting({ dim: DIM });
    const [router, twin] = [make({ embedder }), make({ embedder: quick({ id: 'own' }) })];
    const vector = prompt(1, 7);
    const given = [...asText.slice(0, 4), { vector, model: 'dull', quality: 1 }].map((row) => ({ ...row }));
    twin.warmStart(given);
    const wait = router.warmStartAsync(given);
    vector.fill(7);
    given.reverse();
    given.pop();
    for (const row of given) row.model = 'nobody';
    embedder.asked[0]?.resolve(asText.slice(0, 4).map(({ text }) => vectorOf(text as string)));
    expect(await wait).toBe(5);
    expect(bytes(router)).toBe(bytes(twin));
  });

  const good = { text: 'code 1', model: 'poet', quality: 0.5 };
  const bad: [object, string, string][] = [
    [{ text: '', model: 'poet', quality: 0.5 }, 'SONA_OUT_OF_RANGE', 'rows[1].text'],
    [{ text: 'nothing', model: 'poet', quality: 0.5 }, 'SONA_OUT_OF_RANGE', 'rows[1].text'],
    [{ text: 1, model: 'poet', quality: 0.5 }, 'SONA_INVALID_ARGUMENT', 'rows[1].text'],
    [{ text: [1, 2], model: 'poet', quality: 0.5 }, 'SONA_INVALID_ARGUMENT', 'rows[1].text'],
    [{ text: null, model: 'poet', quality: 0.5 }, 'SONA_INVALID_ARGUMENT', 'rows[1].text'],
    [
      { text: 'code 1', vector: prompt(0, 1), model: 'poet', quality: 0.5 },
      'SONA_INVALID_ARGUMENT',
      'rows[1].text',
    ],
    [{ vector: 'code 1', model: 'poet', quality: 0.5 }, 'SONA_INVALID_ARGUMENT', 'rows[1].vector'],
    [{ model: 'poet', quality: 0.5 }, 'SONA_INVALID_ARGUMENT', 'rows[1].vector'],
    [{ text: 'code 1', model: 'nobody', quality: 0.5 }, 'SONA_UNKNOWN_MODEL', 'rows[1].model'],
    [{ text: 'code 1', model: 'poet', quality: 2 }, 'SONA_OUT_OF_RANGE', 'rows[1].quality'],
    [{ text: 'code 1', model: 'poet', quality: 0.5, weight: 0 }, 'SONA_OUT_OF_RANGE', 'rows[1].weight'],
    [{ text: 'code 1', model: 'poet', quality: 0.5, size: 0 }, 'SONA_INVALID_ARGUMENT', 'rows[1].size'],
    [null as unknown as object, 'SONA_INVALID_ARGUMENT', 'rows[1]'],
  ];
  it.each(bad)('takes all rows or none: %j', async (row, code, argument) => {
    for (const [embedder, calls] of [
      [quick(), ['warmStart', 'warmStartAsync']],
      [slow(), ['warmStartAsync']],
    ] as const) {
      const router = make({ embedder });
      const before = bytes(router);
      for (const call of calls) {
        const error = await refusal(() => router[call]([good, row as WarmStartRow, good]));
        expect(error).toMatchObject({ code, details: { argument } });
      }
      expect(bytes(router)).toBe(before);
    }
  });

  it('refuses text as route does', async () => {
    const none = make();
    for (const call of ['warmStart', 'warmStartAsync'] as const) {
      expect((await refusal(() => none[call]([good]))).code).toBe('SONA_INVALID_ARGUMENT');
      expect((await refusal(() => none[call]({} as WarmStartRow[]))).details.argument).toBe('rows');
    }
    expect(await refusal(() => make({ embedder: slow() }).warmStart([good]))).toMatchObject({
      code: 'SONA_ASYNC_EMBEDDER',
      details: { argument: 'rows[0].text' },
    });
    const router = make({ embedder: slow() });
    expect((await refusal(() => router.warmStartAsync([good], { size: 1 } as object))).details.argument).toBe(
      'options.size',
    );
  });

  it('fails with its embedder', async () => {
    const cause = new Error('down');
    const { router, errors } = told({ embedder: failing(cause) });
    const before = bytes(router);
    expect(await refusal(() => router.warmStartAsync(asText))).toMatchObject({
      code: 'SONA_EMBEDDER',
      cause,
    });
    const few = make({ embedder: slow({ embed: async () => [vectorOf('code 1')] }) });
    expect((await refusal(() => few.warmStartAsync(asText))).code).toBe('SONA_EMBEDDER');
    const stop = new AbortController();
    const stubborn = make({ embedder: waiting({ dim: DIM }) });
    const wait = stubborn.warmStartAsync(asText, { signal: stop.signal });
    stop.abort('enough');
    expect(await refusal(() => wait)).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
    for (const given of [asText, asVector, []]) {
      const early = stubborn.warmStartAsync(given, { signal: AbortSignal.abort('enough') });
      expect((await refusal(() => early)).code).toBe('SONA_ABORTED');
    }
    expect([bytes(router), errors, stubborn.stats().learned]).toEqual([before, [], 0]);
  });

  it('of a router that is closed meanwhile takes nothing', async () => {
    const embedder = waiting({ dim: DIM });
    const router = make({ embedder });
    const wait = router.warmStartAsync([good]);
    await router.close();
    embedder.asked[0]?.resolve([vectorOf('code 1')]);
    expect((await refusal(() => wait)).code).toBe('SONA_CLOSED');
  });
});

describe('the log', () => {
  it('has no text', async () => {
    const { router, lines } = told({ embedder: quick() });
    router.route('code 1');
    await router.routeAsync(asChat('prose 2'));
    router.route('');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).not.toMatch(/"text"|code 1|prose 2/);
  });

  it('has the text where that is wanted, and is read again', async () => {
    const odd = '"quoted", \\, \n, \u0085, \u2028, \u2029, \0, 🙂 and \ud800';
    const { router, lines, records } = told({ embedder: quick(), logText: true });
    const asked = [router.route('code 1'), router.route(asChat('prose 2'))];
    router.route('');
    router.route(odd);
    router.route(prompt(0, 1));
    await router.routeAsync('code 6');
    for (const { id } of asked) router.feedback(id, { quality: 1 });
    expect(records().map(({ text }) => text)).toEqual(['code 1', 'prose 2', '', odd, undefined, 'code 6']);
    expect(records().map(({ contextFree }) => contextFree)).toEqual([
      undefined,
      undefined,
      true,
      true,
      undefined,
      undefined,
    ]);
    expect(records()[0]?.outcome).toMatchObject({ quality: 1 });
    for (const line of lines) expect(line).not.toMatch(/[\n\u0085\u2028\u2029]/);
    expect(lines[4]).not.toContain('"text"');
    expect(JSON.parse(lines[6] ?? '')).toEqual({
      v: 2,
      id: asked[0]?.id,
      outcome: expect.anything(),
    });
    const waits = told({ embedder: failing(), logText: true });
    await waits.router.routeAsync('code 1');
    expect(waits.records()).toMatchObject([{ text: 'code 1', contextFree: true }]);
    // what is held has none
    expect([...router.exportLog()].join()).not.toMatch(/"text"|code 1/);
    expect(router.evaluate(lines.join('\n'), 'logged').rounds).toBe(2);
  });

  it('is that of a restored router as well', () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const state = make({ embedder: quick() }).snapshot();
    SonaRouter.restore(state, { embedder: quick(), log, logText: true }).route('code 1');
    SonaRouter.restore(state, { embedder: quick(), log }).route('code 1');
    expect(lines.map((line) => (JSON.parse(line) as DecisionRecord).text)).toEqual(['code 1', undefined]);
  });

  it('refuses another kind of setting, and text that is none', async () => {
    const logText = 'yes' as unknown as boolean;
    expect(await refusal(() => make({ logText }))).toMatchObject({
      code: 'SONA_INVALID_CONFIG',
      details: { argument: 'logText' },
    });
    expect(await refusal(() => SonaRouter.restore(make().snapshot(), { logText }))).toMatchObject({
      code: 'SONA_INVALID_ARGUMENT',
      details: { argument: 'logText' },
    });
    const { router, lines } = told({ embedder: quick(), logText: true });
    router.route('code 1');
    const line = JSON.stringify({ ...JSON.parse(lines[0] ?? ''), text: 1 });
    expect(await refusal(() => readLog(line))).toMatchObject({
      code: 'SONA_INVALID_ARGUMENT',
      details: { argument: 'line 1: text' },
    });
    for (const contextFree of [false, 1, 'true', null]) {
      const odd = JSON.stringify({ ...JSON.parse(lines[0] ?? ''), contextFree });
      expect(await refusal(() => readLog(odd))).toMatchObject({
        code: 'SONA_INVALID_ARGUMENT',
        details: { argument: 'line 1: contextFree', expected: 'true, or nothing' },
      });
    }
  });
});

describe('the embedder of a router', () => {
  const idOf = (config: Partial<RouterConfig>) => new SonaRouter({ models, ...config }).stats().basis.id;

  it('is that of the config, else of the engine, else the one that ships for the length', () => {
    const [one, other] = [quick(), quick({ id: 'other' })];
    const engine = keep(manual({ hiddenDim: DIM, embedder: one }));
    const wide = keep(manual({ hiddenDim: 64 }));
    const bare = keep(manual({ hiddenDim: DIM }));
    const named = keep(manual({ embedder: { ...hash(), id: 'other words' } }));
    for (const opened of [engine, wide, bare, named]) keep(opened);
    const known: [Partial<RouterConfig>, Embedder | null][] = [
      [{}, builtin()],
      [{ features: {} }, builtin()],
      [{ features: { dim: 128 } }, builtin({ dim: 128 })],
      [{ features: { dim: 64, basis: 'builtin' } }, builtin({ dim: 64 })],
      [{ features: { dim: 65 } }, null],
      [{ features: { basis: 'minilm' } }, null],
      [{ embedder: one }, one],
      [{ engine }, one],
      [{ engine, embedder: other }, other],
      [{ engine: bare }, null],
      [{ engine: bare, embedder: other }, other],
      [{ engine: wide }, builtin({ dim: 64 })],
      [{ engine: named }, named.embedder],
    ];
    for (const [config, embedder] of known)
      expect(new SonaRouter({ models, ...config }).embedder).toBe(embedder);
    const router = new SonaRouter({ models, engine });
    expect(router.route('code 1').fallback).toBeNull();
    expect(router.stats().decisions).toBe(1);
  });

  it('brings its basis', () => {
    const minilm = hash({ dim: 384 });
    expect(idOf({})).toBe(idOf({ embedder: builtin() }));
    expect(idOf({})).not.toBe(idOf({ features: {} }));
    expect(idOf({ embedder: { ...minilm, basis: 'minilm' } })).toBe(idOf({ features: { basis: 'minilm' } }));
    expect(idOf({ embedder: { ...hash(), basis: 'builtin' } })).toBe(idOf({}));
    expect(idOf({ embedder: quick({ basis }) })).toBe('eight');
    expect(idOf({ embedder: quick(), features: { basis } })).toBe('eight');
    expect(idOf({ embedder: quick() })).toBe(idOf({ features: { dim: DIM } }));
    expect(idOf({ embedder: quick({ basis }), features: { basis: 'auto' } })).toBe(
      idOf({ features: { dim: DIM } }),
    );
    expect(idOf({ embedder: builtin(), features: { basis: 'auto' } })).toBe(idOf({ features: {} }));
    expect(idOf({ embedder: builtin(), features: { dim: 256 } })).toBe(idOf({}));
    const other = fitBasis(
      Array.from({ length: 100 }, (_, n) => gaussian(DIM, n)),
      { id: 'other' },
    );
    expect(idOf({ embedder: quick({ basis }), features: { basis: other } })).toBe('other');
  });

  it.each([256, 128, 64] as const)('has a basis of its own for %i numbers', (dim) => {
    const router = new SonaRouter({ models, features: { basis: 'builtin', dim } });
    expect(router.basis()).toMatchObject({ dim, id: router.stats().basis.id });
    expect(router.stats().basis.id).toContain(String(dim));
    expect(router.stats().basis.fitting).toBe(false);
    expect(router.route('hello').fallback).toBeNull();
    expect(idOf({ embedder: builtin({ dim }) })).toBe(router.stats().basis.id);
  });

  const refused: [string, Partial<RouterConfig>, string][] = [
    ['a length that the basis does not have', { features: { basis: 'builtin', dim: 100 } }, 'features.dim'],
    [
      'a length that is none',
      { features: { basis: 'builtin', dim: '256' as unknown as number } },
      'features.dim',
    ],
    [
      'an embedder with a basis for another',
      { embedder: { ...hash({ dim: 100 }), basis: 'builtin' } },
      'features.dim',
    ],
    ['a basis of another name', { features: { basis: 'other' as 'auto' } }, 'features.basis'],
  ];
  it.each(refused)('refuses %s', async (_, config, argument) => {
    const error = await refusal(() => new SonaRouter({ models, ...config }));
    expect(error).toMatchObject({ code: 'SONA_INVALID_CONFIG', details: { argument } });
  });

  it("refuses a length that is not the embedder's: its own, the engine's, the basis's", async () => {
    const engine = keep(manual({ hiddenDim: DIM }));
    const lengths: [Partial<RouterConfig>, object][] = [
      [
        { engine, embedder: hash() },
        { expected: DIM, got: 256 },
      ],
      [
        { features: { dim: DIM + 1 }, embedder: quick() },
        { expected: DIM + 1, got: DIM },
      ],
    ];
    for (const [config, details] of lengths) {
      expect(await refusal(() => new SonaRouter({ models, ...config }))).toMatchObject({
        code: 'SONA_DIM_MISMATCH',
        details: { argument: 'embedder.dim', ...details },
      });
    }
    for (const config of [{ embedder: hash(), features: { basis } }, { embedder: { ...hash(), basis } }]) {
      expect((await refusal(() => new SonaRouter({ models, ...config }))).code).toMatch(
        /SONA_DIM_MISMATCH|SONA_INVALID_CONFIG/,
      );
    }
    for (const embedder of ['builtin', null, {}] as unknown as Embedder[]) {
      expect(await refusal(() => new SonaRouter({ models, embedder }))).toMatchObject({
        code: 'SONA_INVALID_CONFIG',
        details: { argument: expect.stringMatching(/^embedder/) },
      });
    }
  });
});
