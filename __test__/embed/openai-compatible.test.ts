// The adapter for services that speak OpenAI's format, against a service on this machine.
import { describe, expect, it, vi } from 'vitest';
import { type OpenAiCompatibleOptions, openAiCompatible } from '../../embed.ts';
import { refusal } from '../support/errors.ts';
import { afterwards } from '../support/fixture.ts';
import { answerOf, honest, json, type Service, serve, vectorOf } from '../support/services.ts';

const make = ({ origin }: Service, options: Partial<OpenAiCompatibleOptions> = {}) =>
  openAiCompatible({ url: `${origin}/v1`, model: 'm', dim: 3, timeoutMs: 3_600_000, ...options });

const texts = ['one', 'three', 'seven', 'an eleventh'];
const expected = texts.map((text) => Float32Array.from(vectorOf(text)));

describe('openAiCompatible', () => {
  it('embeds', async () => {
    const service = await serve(honest);
    const embedder = make(service);
    expect(embedder).toMatchObject({ id: 'openai:m', dim: 3 });
    expect(embedder.embedSync).toBeUndefined();
    expect(await embedder.embed(texts)).toEqual(expected);
    expect(service.asked).toMatchObject([{ url: '/v1/embeddings', body: { input: texts } }]);
    expect(service.asked[0]?.body).toEqual({ model: 'm', encoding_format: 'float', input: texts });
    expect(service.asked[0]?.headers).toMatchObject({ 'content-type': 'application/json' });
    expect(service.asked[0]?.headers.authorization).toBeUndefined();
  });

  it('sends what it was given', async () => {
    const service = await serve(honest);
    const embedder = make(service, {
      url: `${service.origin}/deep/path/?version=2`,
      apiKey: 'secret-key',
      headers: { 'x-team': 'routing' },
      sendDimensions: true,
      id: 'mine',
    });
    expect(embedder.id).toBe('mine');
    await embedder.embed(['a']);
    expect(service.asked).toMatchObject([
      {
        url: '/deep/path/embeddings?version=2',
        headers: { authorization: 'Bearer secret-key', 'x-team': 'routing' },
        body: { dimensions: 3 },
      },
    ]);
  });

  it('asks for batches, and for nothing where there is nothing', async () => {
    const service = await serve(honest);
    const embedder = make(service, { batchSize: 3 });
    expect(await embedder.embed([])).toEqual([]);
    expect(service.asked).toEqual([]);
    expect(await embedder.embed(texts)).toEqual(expected);
    expect(service.asked.map(({ body }) => body.input.length)).toEqual([3, 1]);
  });

  it('goes by the index, where there is one', async () => {
    const shuffled = await serve(({ body }, response) => {
      const answer = answerOf(body.input);
      json(response, { ...answer, data: [2, 0, 3, 1].map((i) => answer.data[i]) });
    });
    expect(await make(shuffled).embed(texts)).toEqual(expected);
    const without = await serve(({ body }, response) => {
      json(response, { data: body.input.map((text) => ({ embedding: vectorOf(text) })) });
    });
    expect(await make(without).embed(texts)).toEqual(expected);
  });

  it.each([
    ['the 0', [undefined, 1, 2, 3], [0, 1, 2, 3]],
    ['the 0, with null', [null, 1, 2, 3], [0, 1, 2, 3]],
    ['the 0, which comes last', [3, 1, 2, undefined], [3, 1, 2, 0]],
    ['some', [undefined, 2, null, 3], [0, 2, 1, 3]],
    ['all, with null', [null, null, null, null], [0, 1, 2, 3]],
  ])('takes what has no index for the texts that no other entry names: %s', async (_, indices, order) => {
    const service = await serve(({ body }, response) => {
      const data = order.map((of, i) => {
        const embedding = vectorOf(body.input[of] as string);
        return indices[i] === undefined ? { embedding } : { index: indices[i], embedding };
      });
      json(response, { data });
    });
    expect(await make(service).embed(texts)).toEqual(expected);
  });

  it('mends halves of surrogate pairs, which services refuse', async () => {
    const service = await serve(honest);
    await make(service).embed(['a\ud800b']);
    expect(service.asked[0]?.body.input).toEqual(['a\ufffdb']);
  });

  it('uses the fetch that it was given', async () => {
    const service = await serve(honest);
    let calls = 0;
    const counting: typeof fetch = (...call) => {
      calls++;
      return fetch(...call);
    };
    expect(await make(service, { fetch: counting }).embed(texts)).toEqual(expected);
    expect(calls).toBe(1);
  });
});

describe('an answer that is none', () => {
  const [one, two] = answerOf(['a', 'b']).data;
  const entry = (embedding: unknown) => ({ data: [one, { index: 1, embedding }] });
  const cases: [string, unknown, string, RegExp][] = [
    ['nothing', null, 'SONA_EMBEDDER', /expected data, an array, got undefined/],
    ['no data', { vectors: [] }, 'SONA_EMBEDDER', /expected data, an array/],
    ['too few', { data: [one] }, 'SONA_EMBEDDER', /expected 2 entries in data, got 1/],
    ['too many', { data: [one, two, two] }, 'SONA_EMBEDDER', /expected 2 entries in data, got 3/],
    ['an index twice', { data: [one, one] }, 'SONA_EMBEDDER', /each index once, got 0 twice/],
    [
      'an index beyond',
      { data: [one, { ...two, index: 2 }] },
      'SONA_EMBEDDER',
      /data\[1\].index from 0 to 1, got 2/,
    ],
    ['an index below', { data: [one, { ...two, index: -1 }] }, 'SONA_EMBEDDER', /index/],
    ['half an index', { data: [one, { ...two, index: 0.5 }] }, 'SONA_EMBEDDER', /index/],
    [
      'an index of text',
      { data: [one, { ...two, index: '1' }] },
      'SONA_EMBEDDER',
      /index from 0 to 1, got "1"/,
    ],
    [
      'an index twice, and one missing',
      { data: [two, { ...two, embedding: [] }] },
      'SONA_EMBEDDER',
      /1 twice/,
    ],
    [
      'nothing, and an index beyond',
      {
        data: [
          { ...one, index: null },
          { ...two, index: 2 },
        ],
      },
      'SONA_EMBEDDER',
      /index/,
    ],
    ['no vector', entry(undefined), 'SONA_EMBEDDER', /openai:m\[1\]: expected an array of numbers/],
    ['base64', entry('AAAA'), 'SONA_EMBEDDER', /openai:m\[1\]: expected an array of numbers, got "AAAA"/],
    ['a null', entry([1, null, 3]), 'SONA_EMBEDDER', /expected numbers, got null at index 1/],
    ['a string', entry([1, 2, '3']), 'SONA_EMBEDDER', /expected numbers, got "3" at index 2/],
    ['wrong dims', entry([1, 2]), 'SONA_DIM_MISMATCH', /openai:m\[1\]: expected 3 numbers, got 2/],
    ['what 32 bits do not hold', entry([1, 1e39, 3]), 'SONA_NOT_FINITE', /openai:m\[1\].*at index 1/],
    ['an entry that is none', { data: [one, null] }, 'SONA_EMBEDDER', /data\[1\], an object, got null/],
    ['entries that are none', { data: [[1, 2, 3], 7] }, 'SONA_EMBEDDER', /openai:m|data\[1\]/],
  ];

  it.each(cases)('%s', async (_, answer, code, message) => {
    const service = await serve((_asked, response) => json(response, answer));
    const error = await refusal(() => make(service).embed(['a', 'b']));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each([
    ['malformed JSON', '{"data": [', /expected JSON, got \{"data": \[/],
    ['a page', '<html>', /expected JSON, got <html>/],
    ['NaN', '{"data":[{"index":0,"embedding":[NaN,1,2]}]}', /expected JSON/],
    ['emptiness', '', /expected JSON/],
  ])('%s', async (_, text, message) => {
    const service = await serve((_asked, response) => response.end(text));
    const error = await refusal(() => make(service).embed(['a']));
    expect(error).toMatchObject({ code: 'SONA_EMBEDDER', message: expect.stringMatching(message) });
  });
});

describe('a service that fails', () => {
  it('is told with its status and the beginning of what it says', async () => {
    const service = await serve((_, response) => json(response, { error: 'busy '.repeat(20_000) }, 500));
    const error = await refusal(() => make(service).embed(['a']));
    expect(error).toMatchObject({ code: 'SONA_EMBEDDER', details: { embedder: 'openai:m', status: 500 } });
    expect(error.message).toContain(
      `${new URL(service.origin).host} answered with HTTP status 500: {"error":"busy`,
    );
    expect(error.message.length).toBeLessThan(500);
    expect(service.asked.length).toBe(1);
  });

  it('is told without waiting for the end of what it says', async () => {
    const service = await serve((_, response) => {
      response.writeHead(502);
      const timer = setInterval(() => response.write('bad '.repeat(1_000)), 1);
      response.on('close', () => clearInterval(timer));
    });
    const error = await refusal(() => make(service).embed(['a']));
    expect(error).toMatchObject({ code: 'SONA_EMBEDDER', details: { status: 502 } });
    await service.hungUp;
  });

  it.each([
    ['a status', 401],
    ['no JSON', 200],
  ])('never with a key or a header, though it repeats them: %s', async (_, status) => {
    const secrets = { apiKey: 'sk-1234567890', headers: { 'x-token': 'hush-hush-hush' } };
    const service = await serve(({ headers }, response) => {
      // the key lies where the part that is shown ends
      response.writeHead(status).end(`${'-'.repeat(285)}${headers.authorization} ${headers['x-token']}`);
    });
    const error = await refusal(() => make(service, secrets).embed(['a']));
    const told = JSON.stringify([error.message, error.details, String(error.cause)]);
    expect(told).toContain('***');
    for (const secret of ['sk-1234567890', 'sk-', 'hush']) expect(told).not.toContain(secret);
  });

  it.each(['key=s3cret%2Fs3cret', 'key=s3cret/s3cret&version=2', 's3cret', 'a=s3cr&b=s3cret'])(
    'never with its query: %s',
    async (query) => {
      const service = await serve(({ url }, response) => {
        response.writeHead(401).end(`${url} ${decodeURIComponent(url)} http://${service.origin}${url}`);
      });
      const url = `${service.origin}/v1?${query}`;
      const broken: OpenAiCompatibleOptions['fetch'] = (address) =>
        Promise.reject(new TypeError('fetch failed', { cause: new Error(`no way to ${address}`) }));
      for (const options of [{ url }, { url, fetch: broken }]) {
        const error = await refusal(() => make(service, options).embed(['a']));
        const told = JSON.stringify([error.message, error.details]);
        expect(told).toContain('***');
        expect(told).not.toMatch(/s3cr|cret/);
      }
    },
  );

  it('is told when nobody answers there', async () => {
    const service = await serve(honest);
    const url = `${service.origin.replace(/\d+$/, '1')}/v1?key=secret`;
    const error = await refusal(() => make(service, { url }).embed(['a']));
    expect(error).toMatchObject({
      code: 'SONA_EMBEDDER',
      message: expect.stringMatching(/^openai:m: 127\.0\.0\.1:1 can't be reached: /),
    });
    expect(JSON.stringify([error.message, error.details])).not.toContain('secret');
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('is told when the connection breaks', async () => {
    const service = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"data"', () => response.destroy());
    });
    expect(await refusal(() => make(service).embed(['a']))).toMatchObject({ code: 'SONA_EMBEDDER' });
  });

  it('is not asked for further batches', async () => {
    const service = await serve((_, response) => json(response, {}, 503));
    await refusal(() => make(service, { batchSize: 1 }).embed(texts));
    expect(service.asked.length).toBe(1);
  });

  it.each([
    ['is silent', () => {}],
    ['stops within its answer', (_: unknown, response: { write(text: string): void }) => response.write('{')],
  ])('%s, and is given up', async (_, answer) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    afterwards(() => vi.useRealTimers());
    // the time is over once the request has come
    const service = await serve((asked, response) => {
      answer(asked, response);
      vi.advanceTimersByTime(50);
    });
    const error = await refusal(() => make(service, { timeoutMs: 50 }).embed(['a']));
    expect(error).toMatchObject({
      code: 'SONA_EMBEDDER',
      message: 'openai:m: no answer within 50 ms',
      details: { embedder: 'openai:m', timeoutMs: 50 },
    });
    await service.hungUp;
  });

  it('is given up even where fetch minds no signal', async () => {
    const service = await serve(honest);
    const deaf = make(service, { timeoutMs: 20, fetch: () => new Promise(() => {}) });
    expect(await refusal(() => deaf.embed(['a']))).toMatchObject({ details: { timeoutMs: 20 } });
  });
});

describe('a signal', () => {
  it('that has fired is minded before anything', async () => {
    const service = await serve(honest);
    const signal = AbortSignal.abort('enough');
    const error = await refusal(() => make(service).embed(texts, { signal }));
    expect(error).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
    expect(service.asked).toEqual([]);
  });

  it('that fires while it waits hangs up', async () => {
    const stop = new AbortController();
    const service = await serve(() => stop.abort('enough'));
    const error = await refusal(() => make(service).embed(texts, { signal: stop.signal }));
    expect(error).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
    await service.hungUp;
  });

  it('that fires between batches stops the rest', async () => {
    const stop = new AbortController();
    const service = await serve((asked, response) => {
      honest(asked, response);
      response.on('finish', () => stop.abort());
    });
    const error = await refusal(() => make(service, { batchSize: 1 }).embed(texts, { signal: stop.signal }));
    expect(error.code).toBe('SONA_ABORTED');
    expect(service.asked.length).toBeLessThan(texts.length);
  });
});

describe('what is refused', () => {
  const good: OpenAiCompatibleOptions = { url: 'http://127.0.0.1:1', model: 'm', dim: 3 };
  const cases: [string, unknown, string][] = [
    ['url', undefined, 'SONA_INVALID_ARGUMENT'],
    ['url', 'localhost', 'SONA_INVALID_ARGUMENT'],
    ['url', 'file:///etc/hosts', 'SONA_INVALID_ARGUMENT'],
    ['url', 'http://user:hunter2@host', 'SONA_INVALID_ARGUMENT'],
    ['model', '', 'SONA_OUT_OF_RANGE'],
    ['model', 1, 'SONA_INVALID_ARGUMENT'],
    ['dim', undefined, 'SONA_INVALID_ARGUMENT'],
    ['dim', 1, 'SONA_OUT_OF_RANGE'],
    ['dim', 65_537, 'SONA_OUT_OF_RANGE'],
    ['apiKey', '', 'SONA_OUT_OF_RANGE'],
    ['apiKey', 'sk-\n-secret', 'SONA_INVALID_ARGUMENT'],
    ['headers', 'x: y', 'SONA_INVALID_ARGUMENT'],
    ['headers', null, 'SONA_INVALID_ARGUMENT'],
    ['headers', [['x', 'y']], 'SONA_INVALID_ARGUMENT'],
    ['headers', new Headers({ x: 'y' }), 'SONA_INVALID_ARGUMENT'],
    ['headers', new Map([['x', 'y']]), 'SONA_INVALID_ARGUMENT'],
    ['timeoutMs', 0, 'SONA_OUT_OF_RANGE'],
    ['timeoutMs', 3_600_001, 'SONA_OUT_OF_RANGE'],
    ['batchSize', 0, 'SONA_OUT_OF_RANGE'],
    ['sendDimensions', 'yes', 'SONA_INVALID_ARGUMENT'],
    ['id', '', 'SONA_OUT_OF_RANGE'],
    ['fetch', 'fetch', 'SONA_INVALID_ARGUMENT'],
    ['key', 'unknown', 'SONA_INVALID_ARGUMENT'],
  ];

  it.each(cases)('%s: %s', async (key, value, code) => {
    const error = await refusal(() => openAiCompatible({ ...good, [key]: value } as OpenAiCompatibleOptions));
    expect(error).toMatchObject({ code, details: { argument: `options.${key}` } });
    expect(error.message).not.toMatch(/hunter2|secret/);
  });

  it.each([
    ['options.headers.x-n', { 'x-n': 1 }],
    ['options.headers.x n', { 'x n': 'a' }],
    ['options.headers.x', { x: 'sec\nret' }],
  ])('%s', async (argument, headers) => {
    const given = { ...good, headers } as unknown as OpenAiCompatibleOptions;
    const error = await refusal(() => openAiCompatible(given));
    expect(error).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument } });
    expect(error.message).not.toContain('sec');
  });
});
