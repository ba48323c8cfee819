// The adapter for models of the AI SDK: a real provider's model against a service on this machine, and the SDK's mocks.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany } from 'ai';
import { MockEmbeddingModelV3 } from 'ai/test';
import { describe, expect, it } from 'vitest';
import { type AiSdkEmbeddingModel, type AiSdkOptions, aiSdk } from '../../embed.ts';
import { refusal } from '../support/errors.ts';
import { honest, json, type Service, serve, vectorOf } from '../support/services.ts';

const texts = ['one', 'three', 'seven', 'an eleventh'];
const expected = texts.map((text) => Float32Array.from(vectorOf(text)));

const provided = ({ origin }: Service) =>
  createOpenAICompatible({ name: 'here', baseURL: `${origin}/v1` }).embeddingModel('m');

/** A model of the SDK's, with what a test sets. */
function mock(parts: Partial<AiSdkEmbeddingModel> = {}): AiSdkEmbeddingModel {
  const model = new MockEmbeddingModelV3({
    maxEmbeddingsPerCall: null,
    supportsParallelCalls: false,
    doEmbed: async ({ values }) => ({ embeddings: values.map(vectorOf), warnings: [] }),
  });
  return Object.assign(model, parts);
}

describe("a provider's model", () => {
  it('embeds as the SDK does', async () => {
    const service = await serve(honest);
    const model = provided(service);
    const embedder = aiSdk(model, { dim: 3 });
    expect(embedder).toMatchObject({ id: 'ai-sdk:here.embedding:m', dim: 3 });
    expect(embedder.embedSync).toBeUndefined();
    const vectors = await embedder.embed(texts);
    expect(vectors).toEqual(expected);
    const { embeddings } = await embedMany({ model, values: texts });
    expect(vectors.map((vector) => Array.from(vector))).toEqual(embeddings);
    expect(service.asked[0]?.body).toEqual(service.asked[1]?.body);
  });

  it('takes texts as they are when it is called', async () => {
    const given = [...texts];
    const wait = aiSdk(mock({ maxEmbeddingsPerCall: 2 }), { dim: 3 }).embed(given);
    given.length = 1;
    given[0] = 'another';
    expect(await wait).toEqual(expected);
  });

  it('gets its options', async () => {
    const service = await serve(honest);
    const providerOptions = { here: { dimensions: 3 } };
    const embedder = aiSdk(provided(service), { dim: 3, id: 'mine', providerOptions });
    expect(embedder.id).toBe('mine');
    await embedder.embed(['a']);
    expect(service.asked).toMatchObject([{ body: { dimensions: 3 } }]);
  });

  it('that fails is told, with its error as the cause', async () => {
    const service = await serve((_, response) =>
      json(response, { error: { message: 'no such model' } }, 404),
    );
    const error = await refusal(() => aiSdk(provided(service), { dim: 3 }).embed(['a']));
    expect(error).toMatchObject({
      code: 'SONA_EMBEDDER',
      message: expect.stringMatching(/^ai-sdk:here\.embedding:m: the model failed: /),
      cause: { name: 'AI_APICallError', statusCode: 404 },
    });
  });

  it('hangs up when the signal fires', async () => {
    const stop = new AbortController();
    const service = await serve(() => stop.abort('enough'));
    const embedder = aiSdk(provided(service), { dim: 3 });
    const error = await refusal(() => embedder.embed(texts, { signal: stop.signal }));
    expect(error).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
    await service.hungUp;
  });
});

describe('calls', () => {
  /** A model that counts its calls, each of which waits for the next turn of the event loop. */
  function counting(parts: Partial<AiSdkEmbeddingModel>) {
    const calls = { sizes: [] as number[], now: 0, most: 0 };
    const doEmbed: AiSdkEmbeddingModel['doEmbed'] = async ({ values }) => {
      calls.sizes.push(values.length);
      calls.most = Math.max(calls.most, ++calls.now);
      await new Promise((resolve) => setImmediate(resolve));
      calls.now--;
      return { embeddings: values.map(vectorOf) };
    };
    return { calls, embedder: aiSdk(mock({ ...parts, doEmbed }), { dim: 3 }) };
  }

  const many = Array.from({ length: 50 }, (_, i) => 'x'.repeat(i + 1));
  const manyVectors = many.map((text) => Float32Array.from(vectorOf(text)));

  it.each([
    ['no limit', undefined, [50]],
    ['a limit without end', Number.POSITIVE_INFINITY, [50]],
    ['a limit', 20, [20, 20, 10]],
    ['a limit promised', Promise.resolve(20), [20, 20, 10]],
    ['a limit of one', 1, Array(50).fill(1)],
    ['a limit of none', 0, Array(50).fill(1)],
    ['a limit that is no number', Number.NaN, Array(50).fill(1)],
    ['half a limit', 20.5, [20, 20, 10]],
  ])('%s', async (_, maxEmbeddingsPerCall, sizes) => {
    const { calls, embedder } = counting({ maxEmbeddingsPerCall, supportsParallelCalls: false });
    expect(await embedder.embed(many)).toEqual(manyVectors);
    expect(calls).toMatchObject({ sizes, most: 1 });
  });

  it.each([
    [true, 8],
    [Promise.resolve(true), 8],
    [Promise.resolve(false), 1],
  ])('at once: %s', async (supportsParallelCalls, most) => {
    const { calls, embedder } = counting({ maxEmbeddingsPerCall: 2, supportsParallelCalls });
    expect(await embedder.embed(many)).toEqual(manyVectors);
    expect(calls.most).toBe(most);
  });

  it('are not made for no texts, nor after a failure', async () => {
    const { calls, embedder } = counting({});
    expect(await embedder.embed([])).toEqual([]);
    expect(calls.sizes).toEqual([]);
    let made = 0;
    const doEmbed: AiSdkEmbeddingModel['doEmbed'] = async ({ values }) => {
      if (++made === 1) throw new Error('down');
      await new Promise((resolve) => setImmediate(resolve));
      return { embeddings: values.map(vectorOf) };
    };
    const failing = aiSdk(mock({ maxEmbeddingsPerCall: 1, supportsParallelCalls: true, doEmbed }), {
      dim: 3,
    });
    expect(await refusal(() => failing.embed(many))).toMatchObject({
      message: expect.stringContaining('down'),
    });
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(made).toBe(8);
  });

  it('mend halves of surrogate pairs', async () => {
    let came: string[] = [];
    const doEmbed: AiSdkEmbeddingModel['doEmbed'] = async ({ values }) => {
      came = values;
      return { embeddings: [[1, 2, 3]] };
    };
    await aiSdk(mock({ doEmbed }), { dim: 3 }).embed(['\udc00!']);
    expect(came).toEqual(['\ufffd!']);
  });
});

describe('an answer that is none', () => {
  const cases: [string, unknown, string][] = [
    ['nothing', undefined, 'SONA_EMBEDDER'],
    ['no embeddings', {}, 'SONA_EMBEDDER'],
    ['too few', { embeddings: [[1, 2, 3]] }, 'SONA_EMBEDDER'],
    ['a vector that is none', { embeddings: [[1, 2, 3], 'AAAA'] }, 'SONA_EMBEDDER'],
    [
      'a number that is none',
      {
        embeddings: [
          [1, 2, 3],
          [1, null, 3],
        ],
      },
      'SONA_EMBEDDER',
    ],
    [
      'wrong dims',
      {
        embeddings: [
          [1, 2, 3],
          [1, 2],
        ],
      },
      'SONA_DIM_MISMATCH',
    ],
    [
      'NaN',
      {
        embeddings: [
          [1, 2, 3],
          [1, 2, Number.NaN],
        ],
      },
      'SONA_NOT_FINITE',
    ],
  ];

  it.each(cases)('%s', async (_, answer, code) => {
    const doEmbed = (async () => answer) as unknown as AiSdkEmbeddingModel['doEmbed'];
    expect((await refusal(() => aiSdk(mock({ doEmbed }), { dim: 3 }).embed(['a', 'b']))).code).toBe(code);
  });

  it('a model that throws at once', async () => {
    const doEmbed = () => {
      throw new Error('at once');
    };
    const error = await refusal(() => aiSdk(mock({ doEmbed }), { dim: 3 }).embed(['a']));
    expect(error).toMatchObject({ code: 'SONA_EMBEDDER', message: expect.stringContaining('at once') });
  });

  it('a limit that is refused', async () => {
    const maxEmbeddingsPerCall = Promise.reject(new Error('unknown'));
    const error = await refusal(() => aiSdk(mock({ maxEmbeddingsPerCall }), { dim: 3 }).embed(['a']));
    expect(error).toMatchObject({ code: 'SONA_EMBEDDER', message: expect.stringContaining('unknown') });
  });
});

describe('what is refused', () => {
  it.each([undefined, null, 'openai/text-embedding-3-small', {}, { doEmbed: 1 }])(
    'the model %s',
    async (model) => {
      const error = await refusal(() => aiSdk(model as unknown as AiSdkEmbeddingModel, { dim: 3 }));
      expect(error).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument: 'model' } });
    },
  );

  const cases: [string, unknown, string][] = [
    ['dim', undefined, 'SONA_INVALID_ARGUMENT'],
    ['dim', 1, 'SONA_OUT_OF_RANGE'],
    ['id', '', 'SONA_OUT_OF_RANGE'],
    ['providerOptions', 1, 'SONA_INVALID_ARGUMENT'],
    ['dims', 3, 'SONA_INVALID_ARGUMENT'],
  ];
  it.each(cases)('%s: %s', async (key, value, code) => {
    const options = { dim: 3, [key]: value } as unknown as AiSdkOptions;
    const error = await refusal(() => aiSdk(mock(), options));
    expect(error).toMatchObject({ code, details: { argument: `options.${key}` } });
  });

  it('texts, options, and signals that have fired', async () => {
    const embedder = aiSdk(mock(), { dim: 3 });
    const embed = embedder.embed.bind(embedder) as (...given: unknown[]) => Promise<unknown>;
    expect((await refusal(() => embed('a'))).details.argument).toBe('texts');
    expect((await refusal(() => embed(['a', 1]))).details.argument).toBe('texts[1]');
    expect((await refusal(() => embed(['a'], null))).details.argument).toBe('options');
    expect((await refusal(() => embed(['a'], { sginal: 1 }))).details.argument).toBe('options.sginal');
    expect((await refusal(() => embed(['a'], { signal: {} }))).details.argument).toBe('options.signal');
    const error = await refusal(() => embed(['a'], { signal: AbortSignal.abort('enough') }));
    expect(error).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
  });
});
