import { describe, expect, it, vi } from 'vitest';
import { SonaEngine, SonaRouter } from '../../index.ts';
import { type FakeEmbedderOptions, fakeEmbedder } from '../../testing.ts';
import { cosine } from '../support/embedders.ts';
import { refusal } from '../support/errors.ts';

describe('the vectors of fakeEmbedder', () => {
  const { embedSync } = fakeEmbedder({ dim: 256 });

  it('have length 1, and are the same for the same words', async () => {
    const vector = embedSync('Write a SQL query');
    expect(vector).toHaveLength(256);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
    expect(embedSync('query: write a sql!')).toEqual(vector);
    expect(await fakeEmbedder({ dim: 256 }).embed(['Write a SQL query'])).toEqual([vector]);
    const out = new Float32Array(256);
    expect(embedSync('Write a SQL query', out)).toBe(out);
    expect(out).toEqual(vector);
  });

  it('are near each other by the words that texts share', () => {
    const vector = embedSync('write a sql query');
    // four words of the same length each: the cosine is about the share of words
    expect(cosine(vector, embedSync('write a sql function'))).toBeGreaterThan(0.6);
    expect(cosine(vector, embedSync('read one sql function'))).toBeGreaterThan(0.1);
    expect(Math.abs(cosine(vector, embedSync('good morning dear friend')))).toBeLessThan(0.2);
  });

  it('are zeros for a text without a word', () => {
    expect(embedSync('?!')).toEqual(new Float32Array(256));
  });
});

describe('an asynchronous one', () => {
  const asynchronous = (options: FakeEmbedderOptions = {}) =>
    fakeEmbedder({ asynchronous: true, ...options });

  it('has no embedSync, and notes what it is asked', async () => {
    const embedder = asynchronous();
    expect(embedder).not.toHaveProperty('embedSync');
    const { signal } = new AbortController();
    await embedder.embed(['a', 'b'], { signal });
    await embedder.embed([]);
    expect(embedder.calls).toEqual([
      { texts: ['a', 'b'], signal },
      { texts: [], signal: undefined },
    ]);
  });

  it('fails while it is set to, with the error that is given', async () => {
    const own = new Error('503');
    for (const [embedder, message] of [
      [asynchronous({ failing: true }), 'fake-64 was set to fail'],
      [asynchronous({ failing: own }), '503'],
    ] as const) {
      await expect(embedder.embed(['a'])).rejects.toThrow(message);
      embedder.answer();
      expect(await embedder.embed(['a'])).toHaveLength(1);
      embedder.fail(own);
      await expect(embedder.embed(['a'])).rejects.toBe(own);
    }
  });

  it('hangs until the signal fires', async () => {
    const embedder = asynchronous();
    embedder.hang();
    const stop = new AbortController();
    const call = embedder.embed(['a'], { signal: stop.signal });
    const settled = vi.fn();
    call.then(settled, settled);
    embedder.release();
    embedder.answer();
    await embedder.embed(['b']);
    expect(settled).not.toHaveBeenCalled();
    stop.abort('enough');
    await expect(call).rejects.toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
  });

  it('waits until it is released, or its signal fires', async () => {
    const embedder = asynchronous();
    embedder.wait();
    const stop = new AbortController();
    const [first, stopped, failed] = [
      embedder.embed(['a']),
      embedder.embed(['b'], { signal: stop.signal }),
      embedder.embed(['c']),
    ];
    expect(embedder.waiting).toBe(3);
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'SONA_ABORTED' });
    expect(embedder.waiting).toBe(2);
    expect(embedder.release()).toBe(2);
    expect(await Promise.all([first, failed])).toEqual([
      await asynchronous().embed(['a']),
      await asynchronous().embed(['c']),
    ]);
    const late = embedder.embed(['d']);
    embedder.release(new Error('gone'));
    await expect(late).rejects.toThrow('gone');
    expect(embedder.release()).toBe(0);
  });

  it('takes the time that it is given, unless its signal fires', async () => {
    vi.useFakeTimers();
    try {
      const embedder = asynchronous({ delayMs: 3_600_000 });
      const settled = vi.fn();
      const call = embedder.embed(['a']).then(settled);
      await vi.advanceTimersByTimeAsync(3_599_999);
      expect(settled).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1);
      await call;
      expect(settled).toHaveBeenCalled();
      const stop = new AbortController();
      const stopped = embedder.embed(['a'], { signal: stop.signal });
      stop.abort();
      await expect(stopped).rejects.toMatchObject({ code: 'SONA_ABORTED' });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('fakeEmbedder', () => {
  it('serves a router and an engine', async () => {
    const router = new SonaRouter({ models: [{ id: 'a' }], embedder: fakeEmbedder() });
    expect(router.route('hello').fallback).toBeNull();
    await router.close();
    const embedder = fakeEmbedder({ dim: 8, asynchronous: true, id: 'ours' });
    const engine = new SonaEngine({ hiddenDim: 8, embedder, background: 'manual' });
    await engine.addRouteAsync('refund', { text: 'money back please' });
    await engine.addRouteAsync('delivery', { text: 'where is my parcel' });
    expect((await engine.suggestRoutesAsync('my money please')).best).toBe('refund');
    await engine.close();
  });

  it.each<[string, () => unknown, string, string]>([
    ['a dimension of 1', () => fakeEmbedder({ dim: 1 }), 'SONA_OUT_OF_RANGE', 'options.dim'],
    ['no name', () => fakeEmbedder({ id: '' }), 'SONA_OUT_OF_RANGE', 'options.id'],
    ['another option', () => fakeEmbedder({ sync: true } as never), 'SONA_INVALID_ARGUMENT', 'options.sync'],
    [
      'a delay of one that embeds at once',
      () => fakeEmbedder({ delayMs: 1 }),
      'SONA_INVALID_ARGUMENT',
      'options.asynchronous',
    ],
    ['an endless delay', () => fakeEmbedder({ delayMs: Infinity }), 'SONA_OUT_OF_RANGE', 'options.delayMs'],
    [
      'a failure in words',
      () => fakeEmbedder({ failing: 'no' as never }),
      'SONA_INVALID_ARGUMENT',
      'options.failing',
    ],
    ['to hang at once', () => fakeEmbedder().hang(), 'SONA_INVALID_ARGUMENT', 'options.asynchronous'],
    ['to wait at once', () => fakeEmbedder().wait(), 'SONA_INVALID_ARGUMENT', 'options.asynchronous'],
    ['to fail with text', () => fakeEmbedder().fail('no' as never), 'SONA_INVALID_ARGUMENT', 'error'],
    ['a number for a text', () => fakeEmbedder().embedSync(1 as never), 'SONA_INVALID_ARGUMENT', 'text'],
    ['numbers for texts', () => fakeEmbedder().embed([1] as never), 'SONA_INVALID_ARGUMENT', 'texts[0]'],
    ['a short out', () => fakeEmbedder().embedSync('a', new Float32Array(2)), 'SONA_DIM_MISMATCH', 'out'],
  ])('refuses %s', async (_, call, code, argument) => {
    expect(await refusal(call)).toMatchObject({ code, details: { argument } });
  });

  it('fails at once where it embeds at once', () => {
    const embedder = fakeEmbedder({ failing: true });
    expect(() => embedder.embedSync('a')).toThrow('fake-64 was set to fail');
    embedder.answer();
    expect(embedder.embedSync('a')).toHaveLength(64);
    expect(embedder.calls).toHaveLength(2);
  });

  it('that was refused goes on as before', async () => {
    const embedder = fakeEmbedder();
    await refusal(() => embedder.hang());
    await refusal(() => embedder.fail('no' as never));
    expect(embedder.embedSync('a')).toHaveLength(64);
  });
});
