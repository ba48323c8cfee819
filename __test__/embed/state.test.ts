// States know whose vectors they hold: what is stored, what is compared, and what goes on without being told.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtin, hash } from '../../embed.ts';
import { type Embedder, type Query, SonaEngine, SonaRouter } from '../../index.ts';
import { chat } from '../support/embedders.ts';
import { numberOf } from '../support/engines.ts';
import { refusal } from '../support/errors.ts';
import { keep, temporaryFolder } from '../support/fixture.ts';
import { models, NOON } from '../support/routers.ts';
import { bits, gaussian } from '../support/vectors.ts';

const folder = temporaryFolder();

const now = () => NOON;

interface Options {
  embedder?: Embedder;
}

type Owner = SonaEngine | SonaRouter;

/** What engines and routers do alike, under one name. */
interface Kind {
  make(dim: number, options?: Options): Owner;
  restore(bytes: Uint8Array, options?: Options): Owner;
  load(path: string, options?: Options): Promise<Owner>;
  /** Asks, and learns from it. */
  learn(owner: Owner, query: Query): unknown;
  /** Asks. */
  ask(owner: Owner, query: Query): unknown;
  askAsync(owner: Owner, query: Query): Promise<unknown>;
}

const engineKind: Kind = {
  make: (hiddenDim, options) =>
    keep(SonaEngine.withConfig({ hiddenDim, background: 'manual', now, ...options })),
  restore: (bytes, options) => keep(SonaEngine.restore(bytes, { ...options, now, continues: true })),
  load: async (path, options) => keep(await SonaEngine.load(path, { ...options, now, continues: true })),
  learn: (owner, query) => {
    const engine = owner as SonaEngine;
    const { id, ranked } = engine.suggestRoutes(query);
    const told = engine.beginTrajectory(query, { decision: id });
    const n = numberOf(id);
    engine.endTrajectory(told.setRoute(['a', 'b', 'c'][n % 3] as string), (n % 4) / 3);
    return [n, ranked, bits(engine.applyLora(gaussian(engine.hiddenDim, 1)))];
  },
  ask: (owner, query) => (owner as SonaEngine).suggestRoutes(query),
  askAsync: (owner, query) => (owner as SonaEngine).suggestRoutesAsync(query),
};

const routerKind: Kind = {
  make: (dim, options) =>
    keep(
      new SonaRouter({
        models,
        features: { dim },
        background: 'manual',
        now,
        origin: 'here',
        ...options,
      }),
    ),
  restore: (bytes, options) => keep(SonaRouter.restore(bytes, { ...options, now, continues: true })),
  load: async (path, options) => keep(await SonaRouter.load(path, { ...options, now, continues: true })),
  learn: (owner, query) => {
    const router = owner as SonaRouter;
    const decision = router.route(query);
    router.feedback(decision.id, { quality: (numberOf(decision.id) % 4) / 3 });
    return [decision, decision.explain()];
  },
  ask: (owner, query) => (owner as SonaRouter).route(query),
  askAsync: (owner, query) => (owner as SonaRouter).routeAsync(query),
};

/** What a state says whose vectors it holds (`docs/state.md`); undefined for nothing. */
function embedderOf(owner: Owner): unknown {
  const payload = Buffer.from(owner.snapshot()).subarray(64);
  const header = JSON.parse(payload.subarray(8, 8 + Number(payload.readBigUInt64LE())).toString()) as {
    __metadata__: { values: string };
  };
  return (JSON.parse(header.__metadata__.values) as { embedder?: unknown }).embedder;
}

/** Stands for all that an owner knows. */
const bytesOf = (owner: Owner) => createHash('sha256').update(owner.snapshot()).digest('hex');

/** Hashed words under another name. */
const own = (id: string, dim = 256, parts: Partial<Embedder> = {}): Embedder => ({
  ...hash({ dim }),
  id,
  ...parts,
});

const texts = ['where is my parcel?', 'I want my money back', 'sort this list', 'a poem about the sea'];

describe.each([
  ['an engine', engineKind],
  ['a router', routerKind],
])('%s', (_, kind) => {
  /** One that has learned from texts. */
  function taught(dim: number, options?: Options): Owner {
    const owner = kind.make(dim, options);
    for (let n = 0; n < 12; n++) kind.learn(owner, `${texts[n % texts.length]} ${n}`);
    return owner;
  }

  it.each([256, 128, 64] as const)(
    'knows the built-in embedder of %i numbers from the first text on',
    async (dim) => {
      const stored = { id: builtin({ dim }).id, dim };
      const owner = kind.make(dim);
      expect(embedderOf(owner)).toBeUndefined();
      kind.learn(owner, gaussian(dim, 1));
      await kind.askAsync(owner, gaussian(dim, 1));
      expect(owner.embedder).toBe(builtin({ dim }));
      expect(embedderOf(owner)).toBeUndefined();
      kind.ask(owner, 'hello');
      expect(embedderOf(owner)).toEqual(stored);
      const [chats, waits] = [kind.make(dim), kind.make(dim)];
      kind.ask(chats, chat);
      await kind.askAsync(waits, 'hello');
      expect([embedderOf(chats), embedderOf(waits)]).toEqual([stored, stored]);
    },
  );

  it('knows the embedder that it was given from the start', () => {
    for (const embedder of [own('house'), own('house-2', 3), hash({ dim: 100 }), builtin()]) {
      const owner = kind.make(embedder.dim, { embedder });
      expect(embedderOf(owner)).toEqual({ id: embedder.id, dim: embedder.dim });
    }
  });

  it.each([
    ['builtin', 256, undefined],
    ['builtin', 64, undefined],
    ['builtin', 128, { embedder: builtin({ dim: 128 }) }],
    ['hash', 256, { embedder: hash() }],
    ['hash', 100, { embedder: hash({ dim: 100 }) }],
  ] as const)('of %s (%i numbers) goes on by itself, bit for bit', async (name, dim, options) => {
    const owner = taught(dim, options);
    const file = join(folder, `${name} ${dim}`);
    await owner.save(file);
    const copies = [kind.restore(owner.snapshot()), await kind.load(file)];
    const again = kind.restore(owner.snapshot(), {
      embedder: name === 'hash' ? hash({ dim }) : builtin({ dim: dim as 64 }),
    });
    for (const copy of [...copies, again]) {
      expect(copy.embedder?.id).toBe(owner.embedder?.id);
      expect(bytesOf(copy)).toBe(bytesOf(owner));
    }
    const seen = texts.map((text) => kind.learn(owner, text));
    for (const copy of [...copies, again]) {
      expect(texts.map((text) => kind.learn(copy, text))).toEqual(seen);
      expect(bytesOf(copy)).toBe(bytesOf(owner));
    }
  });

  it('of another embedder goes on with it, bit for bit', async () => {
    const owner = taught(30, { embedder: own('house', 30) });
    const copy = kind.restore(owner.snapshot(), { embedder: own('house', 30) });
    expect(texts.map((text) => kind.learn(copy, text))).toEqual(texts.map((text) => kind.learn(owner, text)));
    expect(bytesOf(copy)).toBe(bytesOf(owner));
    const { embedSync: __, ...slow } = own('house', 30);
    const waits = kind.restore(owner.snapshot(), { embedder: slow });
    expect(await kind.askAsync(waits, 'hello')).toMatchObject({ id: expect.anything() });
    expect((await refusal(() => kind.ask(waits, 'hello'))).code).toBe('SONA_ASYNC_EMBEDDER');
  });

  it.each([256, 30])(
    'of another embedder for %i numbers takes vectors without it, and says for text what it needs',
    async (dim) => {
      const owner = taught(dim, { embedder: own('house', dim) });
      const file = join(folder, `house ${dim}`);
      await owner.save(file);
      for (const copy of [kind.restore(owner.snapshot()), await kind.load(file)]) {
        expect(copy.embedder).toBeNull();
        const before = bytesOf(copy);
        for (const query of ['hello', '', chat]) {
          for (const ask of [kind.ask, kind.askAsync]) {
            const error = await refusal(() => ask(copy, query));
            expect(error).toMatchObject({
              code: 'SONA_INCOMPATIBLE_STATE',
              message: expect.stringContaining('"house"'),
              details: { argument: 'query', embedder: 'house', got: 'text' },
            });
          }
        }
        expect(bytesOf(copy)).toBe(before);
        const vector = gaussian(dim, 3);
        expect(kind.learn(copy, vector)).toEqual(kind.learn(kind.restore(owner.snapshot()), vector));
        // and says the same to whoever restores it next
        expect(embedderOf(copy)).toEqual({ id: 'house', dim });
      }
    },
  );

  it('refuses another embedder, naming both', async () => {
    const file = join(folder, 'named');
    const states: [Owner, string][] = [
      [taught(256), builtin().id],
      [taught(256, { embedder: own('house') }), 'house'],
      [taught(256, { embedder: hash() }), 'hash-256'],
    ];
    for (const [owner, id] of states) {
      await owner.save(file);
      for (const embedder of [own('other'), hash(), builtin()]) {
        if (embedder.id === id) continue;
        const calls = [
          () => kind.restore(owner.snapshot(), { embedder }),
          () => kind.load(file, { embedder }),
        ];
        for (const call of calls) {
          const error = await refusal(call);
          expect(error.code).toBe('SONA_INCOMPATIBLE_STATE');
          expect(error.message).toContain(`"${id}"`);
          expect(error.message).toContain(`"${embedder.id}"`);
        }
      }
    }
  });

  it('refuses an embedder of another length, whatever its name', async () => {
    const file = join(folder, 'length');
    for (const owner of [taught(256), taught(256, { embedder: own('house') }), kind.make(256)]) {
      await owner.save(file);
      const name = owner.embedder?.id ?? 'house';
      for (const embedder of [own(name, 255), own('other', 2), builtin({ dim: 64 })]) {
        const calls = [
          () => kind.restore(owner.snapshot(), { embedder }),
          () => kind.load(file, { embedder }),
        ];
        for (const call of calls) {
          expect(await refusal(call)).toMatchObject({
            code: 'SONA_DIM_MISMATCH',
            details: { argument: 'embedder.dim', expected: 256, got: embedder.dim },
          });
        }
      }
    }
  });

  it('of no embedder, as older ones are, takes any', () => {
    const older = kind.make(256);
    for (let n = 0; n < 5; n++) kind.learn(older, gaussian(256, n));
    const state = older.snapshot();
    expect(embedderOf(older)).toBeUndefined();
    const copy = kind.restore(state);
    expect(bytesOf(copy)).toBe(bytesOf(older));
    expect(copy.embedder).toBe(builtin());
    kind.ask(copy, 'hello');
    expect(embedderOf(copy)).toEqual({ id: builtin().id, dim: 256 });
    const embedder = own('house');
    const other = kind.restore(state, { embedder });
    expect(other.embedder).toBe(embedder);
    expect(embedderOf(other)).toEqual({ id: 'house', dim: 256 });
    const odd = kind.make(30);
    kind.learn(odd, gaussian(30, 1));
    expect(kind.restore(odd.snapshot()).embedder).toBeNull();
  });

  it('of another version of the built-in table takes vectors, and no text of this one', async () => {
    const id = builtin().id.replace(/[0-9a-f]+$/, (digits) => '0'.repeat(digits.length));
    expect(id).not.toBe(builtin().id);
    const owner = taught(256, { embedder: own(id) });
    const copy = kind.restore(owner.snapshot());
    kind.learn(copy, gaussian(256, 1));
    const before = bytesOf(copy);
    for (const ask of [kind.ask, kind.askAsync]) {
      const error = await refusal(() => ask(copy, 'hello'));
      expect(error.code).toBe('SONA_INCOMPATIBLE_STATE');
      expect(error.message).toContain(`"${id}"`);
      expect(error.message).toContain(`"${builtin().id}"`);
    }
    expect(bytesOf(copy)).toBe(before);
  });

  it('takes options that are none for none', async () => {
    const state = kind.make(256).snapshot();
    expect((await refusal(() => kind.restore(state, { embeder: hash() } as Options))).details.argument).toBe(
      'options.embeder',
    );
    expect((await refusal(() => kind.restore(state, { embedder: {} as Embedder }))).details.argument).toBe(
      'embedder.embed',
    );
  });
});

describe('a router with an engine', () => {
  it('goes on with the embedder of its state that ships, whatever the engine has', () => {
    const engine = (embedder?: Embedder) =>
      keep(SonaEngine.withConfig({ hiddenDim: 256, ...(embedder && { embedder }) }));
    const state = (embedder: Embedder) => routerKind.make(256, { embedder }).snapshot();
    const [house, words] = [engine(own('house')), engine(own('hash-256'))];
    const cases: [Embedder, SonaEngine, string, boolean][] = [
      [builtin(), house, builtin().id, false],
      [builtin(), words, builtin().id, false],
      [builtin(), engine(), builtin().id, true],
      [hash(), house, 'hash-256', false],
      [hash(), engine(), 'hash-256', false],
      // of the same name, though not the one that ships
      [hash(), words, 'hash-256', true],
      [own('house'), house, 'house', true],
    ];
    for (const [embedder, engine, id, same] of cases) {
      const restored = keep(SonaRouter.restore(state(embedder), { engine }));
      expect(restored.embedder?.id).toBe(id);
      expect(restored.embedder === engine.embedder).toBe(same);
      expect(restored.route('hello').fallback).toBeNull();
    }
  });

  it('that has another embedder than its state takes no text of it', async () => {
    const engine = keep(SonaEngine.withConfig({ hiddenDim: 30, embedder: own('house', 30) }));
    const same = routerKind.make(30, { embedder: own('house', 30) }) as SonaRouter;
    const restored = keep(SonaRouter.restore(same.snapshot(), { engine }));
    expect(restored.embedder).toBe(engine.embedder);
    expect(restored.route('hello').fallback).toBeNull();
    const other = routerKind.make(30, { embedder: own('other', 30) }) as SonaRouter;
    const error = await refusal(() => keep(SonaRouter.restore(other.snapshot(), { engine })).route('hello'));
    expect(error.code).toBe('SONA_INCOMPATIBLE_STATE');
    expect(error.message).toMatch(/"other".*"house"|"house".*"other"/);
    const vectors = keep(SonaRouter.restore(other.snapshot(), { engine }));
    expect(vectors.route(gaussian(30, 1)).fallback).toBeNull();
  });
});

describe('routers that are merged', () => {
  const router = (origin: string, embedder?: Embedder) => {
    const features = { basis: 'builtin', dim: 256 } as const;
    const made = new SonaRouter({
      models,
      features,
      origin,
      background: 'manual',
      ...(embedder ? { embedder } : {}),
    });
    for (let n = 0; n < 5; n++) {
      made.feedback(made.route(embedder ? `number ${n}` : gaussian(256, n)).id, { quality: 0.5 });
    }
    return keep(made);
  };

  it('have one embedder', async () => {
    const one = router('one', own('house'));
    const before = bytesOf(one);
    for (const stranger of [router('two', own('other')), router('three', builtin())]) {
      const error = await refusal(() => one.merge(stranger.snapshot()));
      expect(error.code).toBe('SONA_INCOMPATIBLE_STATE');
      expect(error.message).toContain('"house"');
      expect(error.message).toContain(`"${stranger.embedder?.id}"`);
      expect(bytesOf(one)).toBe(before);
    }
    expect(one.merge(router('four', own('house')).snapshot())).toEqual({ origins: 1, outOfReach: 0 });
    expect(embedderOf(one)).toEqual({ id: 'house', dim: 256 });
  });

  it('may have learned from vectors alone, and then have the embedder of those that are merged into them', async () => {
    const one = router('one', own('house'));
    expect(one.merge(router('two').snapshot())).toEqual({ origins: 1, outOfReach: 0 });
    const three = router('three');
    expect(three.merge(one.snapshot())).toEqual({ origins: 2, outOfReach: 0 });
    expect(embedderOf(three)).toEqual({ id: 'house', dim: 256 });
    expect((await refusal(() => three.route('a text'))).code).toBe('SONA_INCOMPATIBLE_STATE');
    expect(three.route(gaussian(256, 9)).fallback).toBeNull();
  });
});
