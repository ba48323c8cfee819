// What a call costs and how long it takes is learned from the surface of the prompt's text, and expected with an interval.
import { describe, expect, it } from 'vitest';
import { type ChatMessages, hash } from '../../embed.ts';
import { type Query, SonaRouter } from '../../index.ts';
import { routers } from '../support/fixture.ts';
import { NOON, prompt } from '../support/routers.ts';

const make = routers();
const models = [{ id: 'a' }, { id: 'b' }];

const plain = (n: number): string => `Tell me about the sea and ${'very '.repeat(n % 9)}old ships ${n}`;
const code = (n: number): string => `Explain \`f(x) = { x[${n}] += 1; }\`:\n- what${'\n- why'.repeat(n % 9)}`;

/** Ten times as much for code. */
const usd = (n: number, isCode: boolean): number => 0.001 * (isCode ? 10 : 1) * (1 + 0.2 * Math.sin(n));

function learned(route: (router: SonaRouter, text: string, n: number) => string): SonaRouter {
  const router = make({ models });
  for (let n = 0; n < 300; n++) {
    const isCode = n % 3 === 0;
    const id = route(router, isCode ? code(n) : plain(n), n);
    const costUsd = usd(n, isCode);
    router.feedback(id as never, { costUsd, latencyMs: 1e6 * costUsd });
  }
  return router;
}

describe('the surface of a text', () => {
  const beside = (router: SonaRouter, text: string, n: number) =>
    router.route(prompt(n % 2, n), { text, mode: 'observe' });

  it('beside a vector tells what calls cost and how long they take', () => {
    const router = learned((router, text, n) => router.route(prompt(n % 2, n), { text }).id);
    for (const [text, amount] of [
      [plain(5), 0.001],
      [code(5), 0.01],
    ] as const) {
      const { costUsd, costInterval, latencyMs, latencyInterval } = beside(router, text, 901).expected;
      expect((costUsd as number) / amount).toBeGreaterThan(0.6);
      expect((costUsd as number) / amount).toBeLessThan(1.6);
      expect((latencyMs as number) / (1e6 * amount)).toBeGreaterThan(0.6);
      expect((latencyMs as number) / (1e6 * amount)).toBeLessThan(1.6);
      for (const [value, [low, high]] of [
        [costUsd, costInterval],
        [latencyMs, latencyInterval],
      ] as [number, [number, number]][]) {
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
        expect(high / low).toBeLessThan(10);
      }
    }
  });

  it('of a query that is a text is read itself', () => {
    const router = new SonaRouter({ models, embedder: hash({ dim: 64 }), now: () => NOON });
    for (let n = 0; n < 300; n++) {
      const isCode = n % 3 === 0;
      router.feedback(router.route(isCode ? code(n) : plain(n)).id, { costUsd: usd(n, isCode) });
    }
    const at = (text: string) => router.route(text, { mode: 'observe' }).expected.costUsd as number;
    expect(at(code(901)) / at(plain(901))).toBeGreaterThan(4);
    void router.close();
  });

  it('outlives a restart to the last bit', () => {
    const router = learned((router, text, n) => router.route(prompt(n % 2, n), { text }).id);
    const restored = SonaRouter.restore(router.snapshot(), { continues: true, now: () => NOON });
    const of = (router: SonaRouter) => beside(router, code(7), 7).explain().candidates;
    expect(of(restored)).toEqual(of(router));
    void restored.close();
  });

  it.each([1, null, {}, ['a']])('is refused where it is no string: %j', (text) => {
    expect(() => make({ models }).route(prompt(0, 1), { text: text as never })).toThrow(/^text: /);
  });

  it.each(['', '\ud800', '\0', 'x'.repeat(1 << 20), '\n'.repeat(1 << 18)])('may be anything else', (text) => {
    const router = make({ models: [{ id: 'a', inputUsdPer1M: 1 }] });
    const { costUsd, costInterval } = router.route(prompt(0, 1), { text }).expected;
    expect(costUsd).toBeGreaterThan(0);
    expect(costInterval?.every(Number.isFinite)).toBe(true);
  });
});

describe('promptTokens', () => {
  const priced = [{ id: 'a', inputUsdPer1M: 1 }];

  it.each<[string, string, number, number]>([
    ['English', 'The quick brown fox jumps over the lazy dog. ', 9, 12],
    ['Chinese', '今天天气很好，我们去公园散步吧。', 10, 15],
    ['code', 'for (let i = 0; i < n; i++) { sum += values[i]; }\n', 14, 24],
  ])('are estimated from the text: %s', (_, text, least, most) => {
    const router = make({ models: priced });
    const { expected } = router.route(prompt(0, 1), { text: text.repeat(20) });
    const tokens = (expected.costUsd as number) * 1e6;
    expect(tokens / 20).toBeGreaterThan(least);
    expect(tokens / 20).toBeLessThan(most);
  });

  it.each([
    ['a picture', [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }]],
    ['an empty chat', []],
    ['an empty text', ''],
  ])('are 500 where nothing is said: %s', (_, query) => {
    const router = new SonaRouter({ models: priced });
    const { fallback, expected } = router.route(query);
    expect(fallback?.reason).toBe('empty');
    expect((expected.costUsd as number) * 1e6).toBeCloseTo(500, 6);
    void router.close();
  });

  const long = 'It was the best of times, it was the worst of times. '.repeat(40);
  const asked = { role: 'user', content: 'And then?' };
  const tokensOf = (query: Query, options = {}) => {
    const router = new SonaRouter({ models: priced });
    const { expected } = router.route(query, options);
    void router.close();
    return (expected.costUsd as number) * 1e6;
  };

  it.each<[string, object[]]>([
    ['an earlier turn', [{ role: 'user', content: long }]],
    ['a system prompt', [{ role: 'system', content: long }]],
    ['an answer in parts', [{ role: 'assistant', content: [{ type: 'text', text: long }] }]],
    ['parts of Gemini', [{ role: 'model', parts: [{ text: long }] }]],
    ['a UI message, once', [{ role: 'assistant', content: long, parts: [{ type: 'text', text: long }] }]],
    ['a call of a tool', [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: long } }] }]],
    [
      'a call with named arguments',
      [{ role: 'assistant', content: [{ type: 'tool_use', input: { x: long } }] }],
    ],
    [
      "a tool's result",
      [{ role: 'user', content: [{ type: 'tool_result', content: [{ type: 'text', text: long }] }] }],
    ],
    ['an output of responses', [{ type: 'function_call_output', call_id: 'a', output: long }]],
    ['serialised by LangChain', [{ type: 'constructor', id: ['AIMessage'], kwargs: { content: long } }]],
    ['a line of Claude Code', [{ type: 'user', message: { role: 'user', content: long } }]],
    ['what a coding agent adds', [{ role: 'user', content: `<system-reminder>${long}</system-reminder>` }]],
  ])('of a chat are those of all that is sent: %s', async (_, before) => {
    const whole = tokensOf([...before, asked] as ChatMessages);
    const [alone, apart] = [tokensOf(long), tokensOf('And then?')];
    expect(whole / (alone + apart)).toBeGreaterThan(0.97);
    expect(whole / (alone + apart)).toBeLessThan(1.05);
    const router = new SonaRouter({ models: priced });
    const { expected } = await router.routeAsync([...before, asked] as ChatMessages);
    expect((expected.costUsd as number) * 1e6).toBe(whole);
    void router.close();
  });

  it('of a chat do not take in pictures and files, nor what no one reads', () => {
    const alone = tokensOf([asked]);
    const data = 'QzR4'.repeat(2_000);
    for (const part of [
      { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
      { type: 'input_audio', input_audio: { data, format: 'wav' } },
      { inlineData: { mimeType: 'image/png', data } },
      { type: 'file', mediaType: 'application/pdf', url: data },
      { type: 'tool_result', content: [{ type: 'image', data, mimeType: 'image/png' }] },
      { type: 'text', text: '', signature: data },
    ]) {
      expect(tokensOf([{ role: 'user', content: [part] }, asked]), JSON.stringify(part).slice(0, 80)).toBe(
        alone,
      );
    }
    const hostile = Object.defineProperty({ role: 'user' }, 'content', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    expect(tokensOf([hostile, asked])).toBe(alone);
  });

  it('of a chat that are said count, and so does a text that is', () => {
    const chat = [{ role: 'user', content: long }, { role: 'assistant', content: 'Yes' }, asked];
    expect(tokensOf(chat, { promptTokens: 70 })).toBeCloseTo(70, 6);
    expect(tokensOf(chat, { text: 'And then?' })).toBe(tokensOf('And then?'));
  });

  it('that are said count, and are 500 where there is neither', () => {
    const router = make({ models: priced });
    const usd = (options: object) => (router.route(prompt(0, 1), options).expected.costUsd as number) * 1e6;
    expect(usd({ text: 'a b c', promptTokens: 70 })).toBeCloseTo(70, 6);
    expect(usd({})).toBeCloseTo(500, 6);
  });
});

describe('intervals', () => {
  it('are null where nothing is known, and nothing where a list says free', () => {
    const router = make({ models: [{ id: 'a' }] });
    const { costUsd, costInterval, latencyMs, latencyInterval } = router.route(prompt(0, 1)).expected;
    expect([costUsd, costInterval, latencyMs, latencyInterval]).toEqual([null, null, null, null]);
    const free = make({ models: [{ id: 'a', inputUsdPer1M: 0, outputUsdPer1M: 0 }] });
    expect(free.route(prompt(0, 1)).expected.costInterval).toEqual([0, 0]);
  });

  it('are numbers also where amounts lie as far apart as can be told', () => {
    const router = make({ models: [{ id: 'a' }] });
    for (let n = 0; n < 6; n++) {
      const amount = n % 2 === 0 ? 1e12 : 5e-324;
      const { id, expected } = router.route(prompt(0, n));
      expect(
        [expected.costInterval ?? [], expected.latencyInterval ?? []].flat().every(Number.isFinite),
      ).toBe(true);
      router.feedback(id, { costUsd: amount, latencyMs: amount });
    }
  });
});
