// What engine and router make of a query. It has no entry of its own: they are its public faces.
import { describe, expect, it } from 'vitest';
import { type ChatMessages, type Embedder, fitBasis, type Query } from '../../index.ts';
import { checkEmbedder } from '../../ts/embed/embedder.ts';
import { Queries } from '../../ts/embed/query.ts';
import { own } from '../support/embedders.ts';
import { refusal } from '../support/errors.ts';

const instant = (parts: Partial<Embedder> = {}) =>
  own({ embedSync: (text) => Float32Array.of(text.length, 2), ...parts });
const chat: ChatMessages = [
  { role: 'user', content: 'why?' },
  { role: 'assistant', content: 'because' },
];

describe('a query', () => {
  it.each([[Float32Array.of(1, 2)], [Float64Array.of(1, 2)], [[1, 2]]])(
    'that is a vector passes: %o',
    async (vector) => {
      for (const embedder of [undefined, own()]) {
        const queries = new Queries(embedder, 2);
        expect(queries.sync('query', vector)).toBe(vector);
        expect(await queries.async('query', vector)).toBe(vector);
      }
    },
  );

  it('that is a text is embedded', async () => {
    const queries = new Queries(instant(), 2);
    expect(queries.sync('query', 'four')).toEqual(Float32Array.of(4, 2));
    expect(await queries.async('query', 'four')).toEqual(Float32Array.of(4, 1));
    expect(queries.sync('query', '')).toEqual(Float32Array.of(0, 2));
    expect(queries.sync('query', '\ud800')).toEqual(Float32Array.of(1, 2));
  });

  it('that is a chat is its prompt', async () => {
    const queries = new Queries(instant(), 2);
    expect(queries.sync('query', chat)).toEqual(Float32Array.of(4, 2));
    expect(await queries.async('query', chat)).toEqual(Float32Array.of(4, 1));
  });

  it("or what one's own function makes of it", async () => {
    const queries = new Queries(instant(), 2, (messages) => JSON.stringify(messages));
    const { length } = JSON.stringify(chat);
    expect(queries.sync('query', chat)).toEqual(Float32Array.of(length, 2));
    const odd = new Queries(instant(), 2, () => 7 as unknown as string);
    for (const call of [() => odd.sync('query', chat), () => odd.async('query', chat)]) {
      expect(await refusal(call)).toMatchObject({
        code: 'SONA_INVALID_ARGUMENT',
        details: { argument: 'promptOf(query)' },
      });
    }
    const thrown = new Error('mine');
    const throws = new Queries(instant(), 2, () => {
      throw thrown;
    });
    expect(() => throws.sync('query', chat)).toThrow(thrown);
    await expect(throws.async('query', chat)).rejects.toBe(thrown);
  });

  const bad: [string, unknown, string][] = [
    ['nothing', undefined, 'SONA_INVALID_ARGUMENT'],
    ['null', null, 'SONA_INVALID_ARGUMENT'],
    ['a number', 1, 'SONA_INVALID_ARGUMENT'],
    ['one message', chat[0], 'SONA_INVALID_ARGUMENT'],
    ['another kind of array', new Int32Array(2), 'SONA_INVALID_ARGUMENT'],
    ['another length', [1, 2, 3], 'SONA_DIM_MISMATCH'],
    ['no length', [], 'SONA_DIM_MISMATCH'],
  ];
  it.each(bad)('that is %s is refused', async (_, query, code) => {
    const queries = new Queries(instant(), 2);
    for (const call of [
      () => queries.sync('query', query as Query),
      () => queries.async('query', query as Query),
    ]) {
      expect(await refusal(call)).toMatchObject({ code, details: { argument: 'query' } });
    }
  });

  it('that is text needs an embedder', async () => {
    const queries = new Queries(undefined, 2, () => expect.fail('was asked'));
    for (const query of ['why?', chat]) {
      for (const call of [() => queries.sync('query', query), () => queries.async('query', query)]) {
        expect(await refusal(call)).toMatchObject({
          code: 'SONA_INVALID_ARGUMENT',
          message: expect.stringContaining('no embedder'),
          details: { argument: 'query' },
        });
      }
    }
  });

  it('that is text needs an embedder that is synchronous, where the call is', async () => {
    const error = await refusal(() => new Queries(own(), 2).sync('query', 'why?'));
    expect(error).toMatchObject({
      code: 'SONA_ASYNC_EMBEDDER',
      message: expect.stringMatching(/^query: .*Async/),
      details: { argument: 'query', embedder: 'own' },
    });
  });

  it('is of the length that the owner has', async () => {
    expect(await refusal(() => new Queries(own(), 3))).toMatchObject({
      code: 'SONA_DIM_MISMATCH',
      details: { argument: 'embedder.dim', expected: 3, got: 2 },
    });
  });
});

describe('an embedder that fails', () => {
  const vectors = (made: unknown): Partial<Embedder> => ({
    embed: async () => made as Float32Array[],
    embedSync: () => (Array.isArray(made) ? made[0] : made) as Float32Array,
  });
  const cases: [string, unknown, string][] = [
    ['a plain array', [[1, 2]], 'SONA_EMBEDDER'],
    ['64 bits', [Float64Array.of(1, 2)], 'SONA_EMBEDDER'],
    ['nothing', [undefined], 'SONA_EMBEDDER'],
    ['another length', [Float32Array.of(1)], 'SONA_DIM_MISMATCH'],
    ['NaN', [Float32Array.of(1, Number.NaN)], 'SONA_NOT_FINITE'],
  ];
  it.each(cases)('with %s', async (_, made, code) => {
    const queries = new Queries(own(vectors(made)), 2);
    expect((await refusal(() => queries.sync('query', 'a'))).code).toBe(code);
    const error = await refusal(() => queries.async('query', 'a'));
    expect(error).toMatchObject({ code, message: expect.stringMatching(/^own\[0\]: expected/) });
  });

  it.each([
    ['no array', undefined],
    ['none', []],
    ['too many', [Float32Array.of(1, 2), Float32Array.of(1, 2)]],
  ])('with %s', async (_, made) => {
    const error = await refusal(() => new Queries(own(vectors(made)), 2).async('query', 'a'));
    expect(error).toMatchObject({
      code: 'SONA_EMBEDDER',
      message: expect.stringContaining('an array of 1 vectors'),
    });
  });

  it('with an error, which is the cause, or is passed on if it is of this library', async () => {
    const cause = new Error('down');
    const embed = () => Promise.reject(cause);
    const embedSync = () => {
      throw cause;
    };
    const queries = new Queries(own({ embed, embedSync }), 2);
    for (const call of [() => queries.sync('query', 'a'), () => queries.async('query', 'a')]) {
      const error = await refusal(call);
      expect(error).toMatchObject({
        code: 'SONA_EMBEDDER',
        message: 'own: down',
        details: { embedder: 'own' },
      });
      expect(error.cause).toBe(cause);
      const again = new Queries(
        own({
          embed: () => Promise.reject(error),
          embedSync: () => {
            throw error;
          },
        }),
        2,
      );
      expect(await refusal(() => again.sync('query', 'a'))).toBe(error);
      expect(await refusal(() => again.async('query', 'a'))).toBe(error);
    }
  });
});

describe('a signal', () => {
  it('is handed to the embedder', async () => {
    const { signal } = new AbortController();
    let got: unknown;
    const embed: Embedder['embed'] = async (_, options) => {
      got = options;
      return [Float32Array.of(1, 2)];
    };
    await new Queries(own({ embed }), 2).async('query', 'a', signal);
    expect(got).toEqual({ signal });
    await new Queries(own({ embed }), 2).async('query', 'a');
    expect(got).toBeUndefined();
  });

  it('that has fired is minded before anything', async () => {
    const embed = () => expect.fail('was asked');
    const queries = new Queries(own({ embed }), 2);
    for (const query of ['a', chat, [1, 2], 7 as unknown as Query]) {
      const error = await refusal(() => queries.async('query', query, AbortSignal.abort('enough')));
      expect(error).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
    }
  });

  it.each([
    ['minds none', () => new Promise<never>(() => {})],
    [
      'minds it in its own way',
      (_: unknown, options?: { signal?: AbortSignal }) =>
        new Promise<never>((_, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new Error('mine')));
        }),
    ],
    [
      'fires it',
      async () => {
        stop.abort('enough');
        throw new Error('late');
      },
    ],
  ])('ends the wait for an embedder that %s', async (_, embed) => {
    stop = new AbortController();
    const wait = new Queries(own({ embed }), 2).async('query', 'a', stop.signal);
    stop.abort('enough');
    expect(await refusal(() => wait)).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
  });
  let stop: AbortController;

  it('is one', async () => {
    const error = await refusal(() => new Queries(own(), 2).async('query', 'a', {} as AbortSignal));
    expect(error).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument: 'options.signal' } });
  });
});

describe('what is no embedder', () => {
  const basis = fitBasis(Array.from({ length: 8 }, (_, i) => [Math.cos(i), Math.sin(i)]));
  const wide = fitBasis(Array.from({ length: 8 }, (_, i) => [Math.cos(i), Math.sin(i), 1]));

  it.each([own(), instant(), own({ basis: 'minilm' }), own({ basis: 'builtin' }), own({ basis })])(
    'these are some',
    (embedder) => {
      expect(() => checkEmbedder('embedder', embedder)).not.toThrow();
    },
  );

  const cases: [unknown, string, string][] = [
    [null, 'SONA_INVALID_ARGUMENT', ''],
    ['builtin', 'SONA_INVALID_ARGUMENT', ''],
    [own, 'SONA_INVALID_ARGUMENT', ''],
    [{ ...own(), embed: undefined }, 'SONA_INVALID_ARGUMENT', '.embed'],
    [{ ...own(), embedSync: 1 }, 'SONA_INVALID_ARGUMENT', '.embedSync'],
    [{ ...own(), dim: '2' }, 'SONA_INVALID_ARGUMENT', '.dim'],
    [{ ...own(), dim: 1 }, 'SONA_OUT_OF_RANGE', '.dim'],
    [{ ...own(), dim: 65_537 }, 'SONA_OUT_OF_RANGE', '.dim'],
    [{ ...own(), semantic: undefined }, 'SONA_INVALID_ARGUMENT', '.semantic'],
    [{ ...own(), basis: 'auto' }, 'SONA_INVALID_ARGUMENT', '.basis'],
    [{ ...own(), basis: null }, 'SONA_INVALID_ARGUMENT', '.basis'],
    [{ ...own(), basis: { ...basis, scale: 'x' } }, 'SONA_INVALID_ARGUMENT', '.basis.scale'],
    [{ ...own(), basis: wide }, 'SONA_DIM_MISMATCH', '.basis.dim'],
    [{ ...own(), id: undefined }, 'SONA_INVALID_ARGUMENT', '.id'],
    [{ ...own(), id: '' }, 'SONA_OUT_OF_RANGE', '.id'],
    [{ ...own(), id: '\ud800' }, 'SONA_OUT_OF_RANGE', '.id'],
  ];
  it.each(cases)('%o', async (value, code, at) => {
    const error = await refusal(() => checkEmbedder('embedder', value));
    expect(error).toMatchObject({ code, details: { argument: `embedder${at}` } });
  });
});
