import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SonaEngine as CompatEngine } from '../compat.ts';
import { SonaEngine } from '../index.ts';
import { cosine, instant, own } from './support/embedders.ts';
import { refusal } from './support/errors.ts';
import { engines, keep, temporaryFolder } from './support/fixture.ts';
import { axis, gaussian } from './support/vectors.ts';

const DIM = 16;
const DAY = 86_400_000;

const make = engines({ hiddenDim: DIM });

const contains = (bytes: Uint8Array, text: string) => Buffer.from(bytes).includes(text);

describe('recall', () => {
  it('finds what is most like the query, with all that it was told', () => {
    const engine = make();
    const vectors = Array.from({ length: 300 }, (_, n) => gaussian(DIM, n));
    const ids = vectors.map((vector, n) => engine.remember(vector, { metadata: { n } }));
    expect(new Set(ids).size).toBe(300);
    for (const at of [3, 77, 299]) {
      const query = gaussian(DIM, 1_000 + at);
      const best = vectors.map((vector, n) => ({ n, score: cosine(query, vector) }));
      best.sort((a, b) => b.score - a.score);
      const found = engine.recall(query, { k: 5 });
      expect(found.map(({ id }) => id)).toEqual(best.slice(0, 5).map(({ n }) => ids[n]));
      for (const [i, { score, metadata, tags, subject, ...rest }] of found.entries()) {
        expect(score).toBeCloseTo(best[i]?.score ?? 0, 2);
        expect([metadata, tags, subject, rest]).toEqual([
          { n: best[i]?.n },
          [],
          undefined,
          { id: ids[best[i]?.n ?? 0] },
        ]);
      }
    }
    expect(engine.recall(gaussian(DIM, 1))).toHaveLength(10);
    expect(engine.recall(gaussian(DIM, 1), { k: 0 })).toEqual([]);
    expect(engine.recall(gaussian(DIM, 1), { k: 10_000 })).toHaveLength(300);
  });

  it('keeps to tags, any of some tags, a subject and a least score', () => {
    const engine = make();
    const all = Array.from({ length: 64 }, (_, n) => {
      const tags = ['red', 'green', 'blue'].filter((_, bit) => n & (1 << bit));
      const subject = `user ${n % 4}`;
      return { id: engine.remember(gaussian(DIM, n), { tags, subject }), tags, subject };
    });
    const query = gaussian(DIM, 99);
    const cases = [
      { tags: ['red'] },
      { tags: ['red', 'blue'] },
      { tags: [] },
      { anyTag: ['green', 'blue'] },
      { subject: 'user 1' },
      { tags: ['red'], anyTag: ['green', 'blue'], subject: 'user 3' },
      { tags: ['nobody has it'] },
      { subject: 'nobody' },
    ];
    for (const where of cases) {
      const wanted = all.filter(
        ({ tags, subject }) =>
          (where.tags ?? []).every((tag) => tags.includes(tag)) &&
          (where.anyTag?.some((tag) => tags.includes(tag)) ?? true) &&
          (where.subject ?? subject) === subject,
      );
      const found = engine.recall(query, { k: 100, where });
      expect(found.map(({ id }) => id).sort()).toEqual(wanted.map(({ id }) => id).sort());
      for (const { id, tags, subject } of found) {
        expect({ id, tags, subject }).toEqual(all.find((item) => item.id === id));
      }
      const good = engine.recall(query, { k: 100, where, minScore: 0.2 });
      expect(good).toEqual(found.filter(({ score }) => score >= 0.2));
    }
  });

  it('takes texts and chats, and waits for embedders that take their time', async () => {
    const engine = make({ hiddenDim: 256 });
    const id = engine.remember('The invoice is due on Friday.', { metadata: { text: 'invoice' } });
    engine.remember('It rains in the mountains.');
    expect(engine.recall('When is the invoice due?', { k: 1 })[0]).toMatchObject({ id });
    const chat = [{ role: 'user', content: 'When is the invoice due?' }];
    expect(engine.recall(chat, { k: 1 })[0]?.id).toBe(id);
    const slow = make({ hiddenDim: 2, embedder: own() });
    const known = await slow.rememberAsync('four', { tags: ['a'] });
    expect(await slow.recallAsync('four')).toMatchObject([{ id: known, score: expect.closeTo(1, 3) }]);
    expect(await refusal(() => slow.remember('four'))).toMatchObject({ code: 'SONA_ASYNC_EMBEDDER' });
    expect(await refusal(() => slow.recall('four'))).toMatchObject({ code: 'SONA_ASYNC_EMBEDDER' });
    const aborted = { signal: AbortSignal.abort() };
    expect(await refusal(() => slow.rememberAsync('five', aborted))).toMatchObject({ code: 'SONA_ABORTED' });
    expect(slow.stats().memory.items).toBe(1);
  });

  it('keeps details as they were when it was called', async () => {
    const engine = make({ hiddenDim: 2, embedder: own() });
    const metadata = { list: [1] };
    const tags = ['a'];
    const made = engine.rememberAsync('four', { metadata, tags });
    metadata.list.push(2);
    tags.push('b');
    await made;
    expect(engine.recall([1, 1])).toMatchObject([{ metadata: { list: [1] }, tags: ['a'] }]);
  });
});

describe('an item', () => {
  it('is replaced by its id, with its vector and details', async () => {
    const engine = make();
    const id = engine.remember(gaussian(DIM, 1), { metadata: { was: 'rosebud' }, tags: ['a'], subject: 's' });
    expect(engine.remember(gaussian(DIM, 2), { id, tags: ['b'] })).toBe(id);
    const [found] = engine.recall(gaussian(DIM, 2));
    expect(found).toEqual({
      id,
      score: expect.closeTo(1, 3),
      metadata: undefined,
      tags: ['b'],
      subject: undefined,
    });
    expect(engine.recall(gaussian(DIM, 2), { where: { tags: ['a'] } })).toEqual([]);
    expect(engine.forget({ subject: 's' })).toEqual({ forgotten: 0, outOfReach: 0, items: 0 });
    expect(engine.stats().memory.items).toBe(1);
    expect(contains(engine.snapshot(), 'rosebud')).toBe(false);
    const other = make();
    other.remember(gaussian(DIM, 1));
    for (const unknown of [other.recall(gaussian(DIM, 1))[0]?.id ?? '', `${id}0`, 't0123456789abcdef-1']) {
      const error = await refusal(() => engine.remember(gaussian(DIM, 3), { id: unknown }));
      expect(error).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument: 'id' } });
    }
  });

  it('is forgotten at once, and nothing of it stays', () => {
    const engine = make();
    const id = engine.remember(gaussian(DIM, 1), {
      metadata: { word: 'rosebud' },
      tags: ['sledge'],
      subject: 'kane',
      session: 'xanadu',
    });
    const others = [2, 3].map((n) =>
      engine.remember(gaussian(DIM, n), { subject: 'other', session: 'xanadu' }),
    );
    expect(engine.stats().memory.edges).toBe(2);
    expect(contains(engine.snapshot(), 'rosebud')).toBe(true);
    expect(engine.forgetMemory(id)).toBe(true);
    expect(engine.forgetMemory(id)).toBe(false);
    expect(engine.recall(gaussian(DIM, 1)).map((item) => item.id)).not.toContain(id);
    const bytes = engine.snapshot();
    for (const text of ['rosebud', 'sledge', 'kane']) expect(contains(bytes, text), text).toBe(false);
    expect(engine.stats().memory).toMatchObject({ items: 2, edges: 1 });
    expect(engine.forget({ subject: 'other' })).toEqual({ forgotten: 0, outOfReach: 0, items: 2 });
    expect(others.map((other) => engine.forgetMemory(other))).toEqual([false, false]);
    expect(contains(engine.snapshot(), 'xanadu')).toBe(false);
    expect(engine.stats().memory).toMatchObject({ items: 0, edges: 0 });
  });

  it('of another engine, or another kind, is none of ours', () => {
    const [one, other] = [make(), make()];
    const id = one.remember(gaussian(DIM, 1));
    const theirs = other.remember(gaussian(DIM, 1));
    expect(id).toMatch(/^m[0-9a-f]{16}-1$/);
    expect(one.forgetMemory(theirs)).toBe(false);
    expect(one.forgetMemory(one.suggestRoutes(gaussian(DIM, 1)).id as string)).toBe(false);
    expect(one.reinforce([id, theirs], 1)).toBe(1);
    expect(one.stats().memory.items).toBe(1);
  });
});

describe('edges', () => {
  it('lead to what came before and after in a session', () => {
    const engine = make();
    const turns = [1, 2, 3].map((n) => engine.remember(axis(DIM, n), { session: 'a' }));
    engine.remember(axis(DIM, 4), { session: 'b' });
    expect(engine.stats().memory.edges).toBe(2);
    const query = axis(DIM, 1);
    const minScore = 0.4;
    expect(engine.recall(query, { minScore }).map(({ id }) => id)).toEqual([turns[0]]);
    expect(engine.recall(query, { k: 2, expand: 1 }).map(({ id }) => id)).toEqual(turns.slice(0, 2));
    const found = engine.recall(query, { minScore, expand: 1 });
    expect(found).toEqual([
      expect.objectContaining({ id: turns[0], score: expect.closeTo(1, 3) }),
      expect.objectContaining({ id: turns[1], score: expect.closeTo(0.5, 3), via: turns[0] }),
    ]);
    expect(found[0]).not.toHaveProperty('via');
    const further = engine.recall(query, { minScore: 0.2, expand: 2 }).find(({ id }) => id === turns[2]);
    expect(further).toMatchObject({ score: expect.closeTo(0.25, 3), via: turns[1] });
    expect(engine.recall(query, { k: 1, expand: 1 })).toHaveLength(1);
  });

  it('are made and moved by outcomes, within bounds', () => {
    const engine = make();
    const [a, b] = [engine.remember(axis(DIM, 1)), engine.remember(axis(DIM, 2))];
    const weight = () => {
      const [, next] = engine.recall(axis(DIM, 1), { expand: 1 });
      return next?.via === undefined ? undefined : next.score;
    };
    expect(engine.reinforce([a, b], 0.4)).toBe(2);
    expect(weight()).toBeUndefined();
    engine.reinforce([a, b, a], 0.5);
    expect(weight()).toBeCloseTo(0.25, 3);
    engine.reinforce([a, b], 1);
    expect(weight()).toBeCloseTo(0.25 * 1.05, 3);
    for (let n = 0; n < 100; n++) engine.reinforce([a, b], 1);
    expect(weight()).toBeCloseTo(1, 3);
    for (let n = 0; n < 200; n++) engine.reinforce([a, b], 0);
    expect(weight()).toBeCloseTo(0.05, 3);
    engine.setEnabled(false);
    expect(engine.reinforce([a, b], 1)).toBe(0);
    expect(engine.stats().memory.edges).toBe(1);
  });
});

describe('room', () => {
  it('is made by the least useful: what was not used for long, or did badly', () => {
    let now = 1_000 * DAY;
    const engine = make({ memoryCapacity: 3, now: () => now });
    const ids = [1, 2, 3].map((n) => engine.remember(gaussian(DIM, n)));
    now += DAY;
    engine.recall(gaussian(DIM, 1), { k: 1 });
    engine.reinforce([ids[1] as string], 0);
    ids.push(engine.remember(gaussian(DIM, 4)));
    expect(engine.forgetMemory(ids[1] as string)).toBe(false);
    now += 400 * DAY;
    for (const n of [3, 4]) engine.recall(gaussian(DIM, n), { k: 1 });
    ids.push(engine.remember(gaussian(DIM, 5)));
    expect(
      engine
        .recall(gaussian(DIM, 1))
        .map(({ id }) => id)
        .sort(),
    ).toEqual([ids[2], ids[3], ids[4]]);
    expect(engine.stats().memory).toMatchObject({ items: 3, evicted: 2 });
  });

  it('is bounded in bytes, with metadata', () => {
    const engine = make({ memoryBudgetMb: 1 });
    const text = 'x'.repeat(50_000);
    for (let n = 0; n < 100; n++) engine.remember(gaussian(DIM, n), { metadata: { text } });
    const { items, evicted } = engine.stats().memory;
    expect(items + evicted).toBe(100);
    expect(items).toBeGreaterThanOrEqual(18);
    expect(items).toBeLessThanOrEqual(21);
    expect(engine.memory().items).toBeLessThan(1.2 * 2 ** 20);
  });

  it('can be none', async () => {
    const engine = make({ memoryCapacity: 0 });
    const error = await refusal(() => engine.remember(gaussian(DIM, 1)));
    expect(error).toMatchObject({ code: 'SONA_OUT_OF_RANGE', details: { argument: 'memoryCapacity' } });
    expect(engine.recall(gaussian(DIM, 1))).toEqual([]);
  });
});

describe('a restart', () => {
  it('changes no answer, and ids stay good', async () => {
    const engine = make();
    const ids = Array.from({ length: 50 }, (_, n) =>
      engine.remember(gaussian(DIM, n), {
        metadata: { n, deep: [{ __proto__: null, text: 'été' }] },
        tags: [`tag ${n % 3}`],
        subject: `s ${n % 5}`,
        session: `${n % 4}`,
      }),
    );
    engine.reinforce(ids.slice(0, 5), 1);
    engine.forgetMemory(ids[7] as string);
    const path = join(temporaryFolder(), 'state');
    await engine.save(path);
    const restored = keep(await SonaEngine.load(path));
    expect(Buffer.compare(restored.snapshot(), engine.snapshot())).toBe(0);
    expect(restored.stats()).toEqual(engine.stats());
    for (let n = 0; n < 10; n++) {
      const ask = (of: SonaEngine) => of.recall(gaussian(DIM, 500 + n), { expand: 1, k: 7 });
      expect(ask(restored)).toEqual(ask(engine));
    }
    expect(restored.remember(gaussian(DIM, 1), { id: ids[1] as string })).toBe(ids[1]);
    // what both remember from here on is told apart
    const mine = engine.remember(gaussian(DIM, 1));
    expect(restored.remember(gaussian(DIM, 1))).not.toBe(mine);
    expect(restored.forgetMemory(mine)).toBe(false);
    expect(restored.forgetMemory(ids[1] as string)).toBe(true);
  });

  it('is a state without a trace of items where there never was one', () => {
    expect(contains(make().snapshot(), 'memory.next')).toBe(false);
  });
});

it('counts what was remembered and recalled', () => {
  const engine = make();
  engine.remember(gaussian(DIM, 1), { session: 'a' });
  engine.remember(gaussian(DIM, 2), { session: 'a' });
  engine.recall(gaussian(DIM, 3));
  expect(engine.stats().memory).toEqual({ items: 2, recalls: 1, evicted: 0, edges: 1 });
});

it('is there under older names of settings, for vectors of another length', async () => {
  const embedSync = (text: string) => gaussian(32, text.length);
  const embed = async (texts: readonly string[]) => texts.map(embedSync);
  const embedder = instant({ dim: 32, embed, embedSync });
  const engine = keep(new CompatEngine({ hiddenDim: 8, embeddingDim: 32, background: 'manual', embedder }));
  const id = engine.remember(gaussian(32, 1));
  expect(engine.recall(gaussian(32, 1))).toMatchObject([{ id, score: expect.closeTo(1, 3) }]);
  const text = await engine.rememberAsync('four');
  expect((await engine.recallAsync('four'))[0]?.id).toBe(text);
  expect(await refusal(() => engine.remember(gaussian(8, 1)))).toMatchObject({ code: 'SONA_DIM_MISMATCH' });
});

it('is refused once the engine is closed', async () => {
  const engine = make();
  const id = engine.remember(gaussian(DIM, 1));
  await engine.close();
  for (const call of [
    () => engine.remember(gaussian(DIM, 1)),
    () => engine.rememberAsync(gaussian(DIM, 1)),
    () => engine.recall(gaussian(DIM, 1)),
    () => engine.recallAsync(gaussian(DIM, 1)),
    () => engine.reinforce([id], 1),
    () => engine.forgetMemory(id),
  ]) {
    expect(await refusal(call)).toMatchObject({ code: 'SONA_CLOSED' });
  }
});
