// One rule for embedders that fail, of both kinds, for the engine and the router.
import { describe, expect, it } from 'vitest';
import { type Embedder, type QueryOptions, SonaEngine, type SonaError, SonaRouter } from '../../index.ts';
import { instant, own } from '../support/embedders.ts';
import { refusal } from '../support/errors.ts';
import { keep } from '../support/fixture.ts';

const broken = new Error('out of order');
const throwing = instant({
  embedSync: () => {
    throw broken;
  },
});
const rejecting = own({ embed: () => Promise.reject(broken) });
/** Answers when its signal fires, or never. */
const hanging = (fired: unknown[] = []): Embedder =>
  own({
    embed: (_, options) =>
      new Promise((_, reject) => {
        options?.signal?.addEventListener('abort', () => {
          fired.push(options.signal?.reason);
          reject(options.signal?.reason);
        });
      }),
  });

function engineOf(options: QueryOptions): SonaEngine {
  const engine = new SonaEngine({ hiddenDim: 2, background: 'manual', ...options });
  keep(engine);
  engine.addRoute('a', { embedding: [1, 0] });
  engine.addRoute('b', { embedding: [0, 1] });
  engine.endTrajectory(engine.beginTrajectory([0, 1]).setRoute('b'), 1);
  return engine;
}

function routerOf(options: QueryOptions): SonaRouter<'small' | 'large'> {
  const router = new SonaRouter({
    models: [{ id: 'small' }, { id: 'large' }],
    features: { dim: 2, basis: 'auto' },
    ...options,
  });
  keep(router);
  return router;
}

/** Both, with what they answer for a text, and the errors that they report. */
const subjects = [
  [
    'engine',
    (options: QueryOptions) => {
      const engine = engineOf(options);
      const errors: SonaError[] = [];
      engine.on('error', (error) => errors.push(error));
      return {
        errors,
        sync: (text: string) => engine.suggestRoutes(text),
        wait: (text: string, more = {}) => engine.suggestRoutesAsync(text, more),
      };
    },
  ],
  [
    'router',
    (options: QueryOptions) => {
      const router = routerOf(options);
      const errors: SonaError[] = [];
      router.on('error', (error) => errors.push(error));
      return {
        errors,
        sync: (text: string) => router.route(text),
        wait: (text: string, more = {}) => router.routeAsync(text, more),
      };
    },
  ],
] as const;

describe.each(subjects)('%s', (_, open) => {
  it.each([
    ['at once', throwing],
    ['after a while', rejecting],
  ])('answers without the text when the embedder fails %s', async (_, embedder) => {
    const { wait, sync, errors } = open({ embedder });
    const expected = { reason: 'embedder', code: 'SONA_EMBEDDER', message: 'own: out of order' };
    expect((await wait('x')).fallback).toEqual(expected);
    if (embedder === throwing) expect(sync('x').fallback).toEqual(expected);
    expect(errors[0]).toMatchObject({ code: 'SONA_EMBEDDER', cause: broken });
    expect(errors).toHaveLength(embedder === throwing ? 2 : 1);
  });

  it.each([
    ['at once', throwing],
    ['after a while', rejecting],
  ])('throws, where that is wanted, when the embedder fails %s', async (_, embedder) => {
    const { wait, sync, errors } = open({ embedder, onEmbedderError: 'throw' });
    expect(await refusal(() => wait('x'))).toMatchObject({ code: 'SONA_EMBEDDER', cause: broken });
    if (embedder === throwing) expect((await refusal(() => sync('x'))).code).toBe('SONA_EMBEDDER');
    expect(errors).toEqual([]);
  });

  it.each([
    ['of the settings', { embedderTimeoutMs: 5 }, {}],
    ['of the request', {}, { embedderTimeoutMs: 5 }],
  ])('does not wait beyond the limit %s', async (_, settings, request) => {
    const fired: unknown[] = [];
    const { wait, errors } = open({ embedder: hanging(fired), ...settings });
    const message = 'own: it took longer than 5 ms';
    expect((await wait('x', request)).fallback).toEqual({
      reason: 'embedder',
      code: 'SONA_EMBEDDER',
      message,
    });
    expect(errors[0]).toMatchObject({ details: { embedderTimeoutMs: 5 } });
    expect(fired).toMatchObject([{ code: 'SONA_EMBEDDER' }]);
  });

  it('is aborted by the signal, whatever the rule', async () => {
    const { wait, errors } = open({ embedder: hanging(), embedderTimeoutMs: 1_000_000 });
    const controller = new AbortController();
    const waiting = wait('x', { signal: controller.signal });
    controller.abort('enough');
    expect(await refusal(() => waiting)).toMatchObject({ name: 'AbortError', cause: 'enough' });
    expect(errors).toEqual([]);
  });

  it('answers without a text that says nothing', async () => {
    const nothing = instant({ embedSync: () => Float32Array.of(0, 0) });
    const { sync, wait, errors } = open({ embedder: nothing, onEmbedderError: 'throw' });
    expect(sync('x').fallback).toEqual({ reason: 'empty' });
    expect((await open({ embedder: rejecting }).wait(' ')).fallback).toEqual({ reason: 'empty' });
    expect((await wait('')).fallback).toEqual({ reason: 'empty' });
    // whatever it would do with such a text
    expect(open({ embedder: throwing }).sync(' ').fallback).toEqual({ reason: 'empty' });
    expect(errors).toEqual([]);
  });

  it("throws what is the caller's mistake", async () => {
    const { sync } = open({ embedder: rejecting });
    expect((await refusal(() => sync('x'))).code).toBe('SONA_ASYNC_EMBEDDER');
  });

  it.each([
    [{ onEmbedderError: 'ignore' }, 'onEmbedderError'],
    [{ embedderTimeoutMs: 0 }, 'embedderTimeoutMs'],
    [{ embedderTimeoutMs: 1.5 }, 'embedderTimeoutMs'],
    [{ embedderTimeoutMs: 2 ** 31 }, 'embedderTimeoutMs'],
  ])('refuses %j', async (options, argument) => {
    const refused = await refusal(() => open({ embedder: rejecting, ...options } as never));
    expect(refused).toMatchObject({ code: 'SONA_INVALID_CONFIG', details: { argument } });
  });

  it('refuses a limit that is none', async () => {
    const { wait } = open({ embedder: rejecting });
    for (const embedderTimeoutMs of [0, Number.NaN, '5']) {
      const { details } = await refusal(() => wait('x', { embedderTimeoutMs }));
      expect(details.argument).toBe('options.embedderTimeoutMs');
    }
  });
});

describe('an engine without the text', () => {
  it('ranks routes by how often each was right, and learns nothing from the outcome', () => {
    const engine = engineOf({ embedder: throwing });
    const { ranked, best, id, confidence } = engine.suggestRoutes('x');
    expect(ranked.map(({ route, score, probability }) => [route, score, probability])).toEqual([
      ['b', 0, Math.fround(2 / 3)],
      ['a', 0, Math.fround(1 / 3)],
    ]);
    expect([best, confidence]).toEqual(['b', Math.fround(2 / 3)]);
    expect(engine.feedback(id, { quality: 1 })).toEqual({ applied: false, reason: 'no-query' });
    expect(engine.suggestRoutes('x', { eligible: ['a'] }).best).toBe('a');
    expect(engine.suggestRoutes([0, 1]).fallback).toBeNull();
  });

  it('records and finds nothing: those calls reject', async () => {
    const engine = engineOf({ embedder: rejecting });
    for (const call of [
      () => engine.beginTrajectoryAsync('x'),
      () => engine.findPatternsAsync('x'),
      () => engine.expectQualityAsync('x'),
      () => engine.addRouteAsync('c', { text: 'x' }),
    ]) {
      expect((await refusal(call)).code).toBe('SONA_EMBEDDER');
    }
    expect(engine.routes()).toHaveLength(2);
  });
});
