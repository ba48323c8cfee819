import { describe, expect, it } from 'vitest';
import { promptOf } from '../../embed.ts';
import { simulatedWorld, type WorldOptions } from '../../testing.ts';
import { refusal } from '../support/errors.ts';

const make = (options: Partial<WorldOptions<'small' | 'large', 'code' | 'chat'>> = {}) =>
  simulatedWorld<'small' | 'large', 'code' | 'chat'>({
    kinds: {
      code: { words: ['sql', 'query', 'loop', 'index'], share: 0.5, promptTokens: 200 },
      chat: { words: ['hello', 'thanks', 'nice', 'friend'], share: 1.5 },
    },
    models: [
      { id: 'small', quality: { code: 0.3, chat: 0.9 }, outputUsdPer1M: 1, latencyMs: 300 },
      {
        id: 'large',
        quality: 0.95,
        inputUsdPer1M: 2,
        outputUsdPer1M: 10,
        answerTokens: { code: 1_000, chat: 101 },
        errorRate: { code: 0.2, chat: 0 },
      },
    ],
    ...options,
  });

const stream = (world: ReturnType<typeof make>, count: number) =>
  Array.from({ length: count }, () => {
    const prompt = world.prompt();
    return { prompt, small: world.call('small', prompt), large: world.call('large', prompt) };
  });

describe('the prompts of a world', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(stream(make(), 50)).toEqual(stream(make(), 50));
    expect(stream(make({ seed: 43 }), 50)).not.toEqual(stream(make(), 50));
    expect(stream(make({ seed: 42 }), 50)).toEqual(stream(make(), 50));
  });

  it('come as often as they should, in the words of their kind', () => {
    const world = make();
    const prompts = Array.from({ length: 4_000 }, () => world.prompt());
    expect(world.prompts).toBe(4_000);
    const code = prompts.filter(({ kind }) => kind === 'code');
    expect(code.length / prompts.length).toBeCloseTo(0.25, 1);
    expect(code.every(({ text }) => /\b(sql|query|loop|index)\b/.test(text))).toBe(true);
    expect(code.some(({ text }) => /\b(hello|thanks|nice|friend)\b/.test(text))).toBe(false);
    const mean = code.reduce((sum, { promptTokens }) => sum + promptTokens, 0) / code.length;
    expect(mean / 200).toBeCloseTo(1, 1);
    expect(Math.min(...code.map(({ promptTokens }) => promptTokens))).toBeGreaterThanOrEqual(100);
  });

  it('are whole where a kind has them whole', () => {
    const prompts = ['Sort a table', 'Why does this loop?'];
    const world = simulatedWorld({ kinds: { code: { prompts } }, models: [{ id: 'a', quality: 1 }] });
    const seen = new Set(Array.from({ length: 30 }, () => world.prompt().text));
    expect([...seen].sort()).toEqual(prompts);
  });
});

describe('calls', () => {
  it('come to what is expected of them, in the mean', () => {
    const world = make();
    const code = stream(world, 16_000).filter(({ prompt }) => prompt.kind === 'code');
    for (const model of ['small', 'large'] as const) {
      const answers = code.map((entry) => entry[model]);
      const mean = (of: (answer: (typeof answers)[number]) => number) =>
        answers.reduce((sum, answer) => sum + of(answer), 0) / answers.length;
      const { quality, costUsd, latencyMs, errorRate, reward } = world.expected(model, 'code');
      expect(mean((answer) => answer.quality ?? 0) / quality).toBeCloseTo(1, 1);
      expect(mean((answer) => answer.costUsd) / costUsd).toBeCloseTo(1, 1);
      expect(mean((answer) => answer.latencyMs) / latencyMs).toBeCloseTo(1, 1);
      expect(mean((answer) => (answer.error === undefined ? 0 : 1))).toBeCloseTo(errorRate, 1);
      expect(reward).toBe(quality);
    }
    // by hand: 200 tokens at 2 dollars and 1,000 at 10 per million, of which four of five calls are paid
    expect(world.expected('large', 'code').costUsd).toBeCloseTo(0.8 * (0.0004 + 0.01), 12);
    expect(world.expected('large', 'code').quality).toBeCloseTo(0.8 * 0.95, 12);
    expect(world.expected('small', 'chat')).toEqual({
      quality: 0.9,
      costUsd: 300e-6,
      latencyMs: 300,
      errorRate: 0,
      reward: 0.9,
    });
  });

  it('stay in range, and cost what their tokens do', () => {
    for (const { prompt, large } of stream(make(), 1_000)) {
      if (large.error !== undefined) {
        expect(prompt.kind).toBe('code');
        expect(large).toMatchObject({ costUsd: 0, error: 'large failed, as this world has it' });
        continue;
      }
      expect(large.quality).toBeGreaterThanOrEqual(0.9);
      expect(large.quality).toBeLessThanOrEqual(1);
      const { inputTokens, outputTokens } = large.usage;
      expect(inputTokens).toBe(prompt.promptTokens);
      expect(large.costUsd).toBeCloseTo((2 * inputTokens + 10 * outputTokens) / 1e6, 15);
    }
  });

  it('do not depend on other calls, and are drawn anew when one is repeated', () => {
    const [world, other] = [make(), make()];
    const prompts = Array.from({ length: 20 }, () => [world.prompt(), other.prompt()] as const);
    const forward = prompts.map(([prompt]) => world.call('large', prompt));
    const backward = prompts.toReversed().map(([, prompt]) => {
      other.call('small', prompt);
      return other.call('large', prompt);
    });
    expect(backward.reverse()).toEqual(forward);
    const again = prompts.map(([prompt]) => world.call('large', prompt));
    expect(again).not.toEqual(forward);
    expect(prompts.map(([, prompt]) => other.call('large', prompt))).toEqual(again);
  });

  it('are drawn for each model by itself', () => {
    const like = { quality: 0.5 };
    const world = simulatedWorld({
      kinds: { code: { words: ['sql'] } },
      models: [
        { id: 'one', ...like },
        { id: 'other', ...like },
      ],
    });
    const prompt = world.prompt();
    expect(world.call('one', prompt)).not.toEqual(world.call('other', prompt));
  });

  it('take the text of a prompt, as a provider does', () => {
    const [world, other] = [make(), make()];
    const prompt = world.prompt();
    const { text } = other.prompt();
    const { call } = other;
    expect(call('large', promptOf([{ role: 'user', content: text }]))).toEqual(world.call('large', prompt));
    expect(call('large', { ...prompt })).toEqual(world.call('large', prompt));
  });
});

describe('the best model', () => {
  it('is the one with the largest reward', () => {
    const world = make();
    expect([world.best({ kind: 'code' }), world.best({ kind: 'chat' })]).toEqual(['large', 'large']);
    const thrifty = make({ reward: ({ quality, costUsd }) => quality - 100 * costUsd });
    expect([thrifty.best({ kind: 'code' }), thrifty.best({ kind: 'chat' })]).toEqual(['small', 'small']);
    expect(thrifty.expected('small', 'chat').reward).toBeCloseTo(0.9 - 100 * 300e-6, 12);
  });
});

describe('a change', () => {
  it('holds from then on, for the kinds that it names', () => {
    const world = make();
    world.change('small', { quality: { code: 1 }, outputUsdPer1M: 20, errorRate: 0.5 });
    world.change('small', { latencyMs: 5 });
    expect(world.expected('small', 'code')).toMatchObject({ quality: 0.5, latencyMs: 5, errorRate: 0.5 });
    expect(world.expected('small', 'chat')).toMatchObject({ quality: 0.45, latencyMs: 5 });
    expect(world.models).toEqual([
      { id: 'small', inputUsdPer1M: 0, outputUsdPer1M: 20 },
      { id: 'large', inputUsdPer1M: 2, outputUsdPer1M: 10 },
    ]);
    const failed = stream(world, 400).filter(({ small }) => small.error !== undefined);
    expect(failed.length / 400).toBeCloseTo(0.5, 1);
  });

  it('for some prompts ends after them', () => {
    const world = make();
    const change = { errorRate: 1 };
    world.change('small', change, { prompts: 3 });
    change.errorRate = 0;
    const failed = stream(world, 6).map(({ small }) => small.error !== undefined);
    expect(failed).toEqual([true, true, true, false, false, false]);
    expect(world.expected('small', 'chat').errorRate).toBe(0);
  });
});

describe('what is refused', () => {
  const kinds = { code: { words: ['sql'] } };
  const models = [{ id: 'a', quality: 1 }];
  type Refused = [string, unknown, string, string];
  it.each<Refused>([
    ['nothing', undefined, 'SONA_INVALID_ARGUMENT', 'options'],
    ['no models', { kinds, models: [] }, 'SONA_INVALID_ARGUMENT', 'options.models'],
    ['no kinds', { kinds: {}, models }, 'SONA_INVALID_ARGUMENT', 'options.kinds'],
    ['a list of kinds', { kinds: ['code'], models }, 'SONA_INVALID_ARGUMENT', 'options.kinds'],
    ['a kind without text', { kinds: { code: {} }, models }, 'SONA_INVALID_ARGUMENT', 'options.kinds.code'],
    [
      'a kind with both',
      { kinds: { code: { words: ['a'], prompts: ['a'] } }, models },
      'SONA_INVALID_ARGUMENT',
      'options.kinds.code',
    ],
    [
      'no words',
      { kinds: { code: { words: [] } }, models },
      'SONA_INVALID_ARGUMENT',
      'options.kinds.code.words',
    ],
    [
      'a word that is none',
      { kinds: { code: { words: ['a', 1] } }, models },
      'SONA_INVALID_ARGUMENT',
      'options.kinds.code.words[1]',
    ],
    [
      'no share',
      { kinds: { code: { words: ['a'], share: 0 } }, models },
      'SONA_OUT_OF_RANGE',
      'options.kinds.code.share',
    ],
    ['a seed below 0', { kinds, models, seed: -1 }, 'SONA_OUT_OF_RANGE', 'options.seed'],
    ['a reward that is a number', { kinds, models, reward: 1 }, 'SONA_INVALID_ARGUMENT', 'options.reward'],
    [
      'two models of one name',
      { kinds, models: [...models, ...models] },
      'SONA_INVALID_ARGUMENT',
      'options.models[1].id',
    ],
    ['no quality', { kinds, models: [{ id: 'a' }] }, 'SONA_INVALID_ARGUMENT', 'options.models[0].quality'],
    [
      'quality for another kind',
      { kinds, models: [{ id: 'a', quality: { chat: 1 } }] },
      'SONA_INVALID_ARGUMENT',
      'options.models[0].quality.chat',
    ],
    [
      'a kind without quality',
      { kinds, models: [{ id: 'a', quality: {} }] },
      'SONA_INVALID_ARGUMENT',
      'options.models[0].quality.code',
    ],
    [
      'quality above 1',
      { kinds, models: [{ id: 'a', quality: 1.1 }] },
      'SONA_OUT_OF_RANGE',
      'options.models[0].quality',
    ],
    [
      'half a token',
      { kinds, models: [{ id: 'a', quality: 1, answerTokens: { code: 2.5 } }] },
      'SONA_OUT_OF_RANGE',
      'options.models[0].answerTokens.code',
    ],
    [
      'a negative price',
      { kinds, models: [{ id: 'a', quality: 1, inputUsdPer1M: -1 }] },
      'SONA_OUT_OF_RANGE',
      'options.models[0].inputUsdPer1M',
    ],
    [
      'an unknown part',
      { kinds, models: [{ id: 'a', quality: 1, price: 1 }] },
      'SONA_INVALID_ARGUMENT',
      'options.models[0].price',
    ],
  ])('%s', async (_, options, code, argument) => {
    const error = await refusal(() => simulatedWorld(options as never));
    expect(error).toMatchObject({ code, details: { argument } });
  });

  it.each<[string, (world: ReturnType<typeof make>) => unknown, string, string]>([
    [
      'a call to another model',
      (world) => world.call('medium' as never, world.prompt()),
      'SONA_UNKNOWN_MODEL',
      'model',
    ],
    ['a call with other text', (world) => world.call('small', 'other'), 'SONA_INVALID_ARGUMENT', 'prompt'],
    [
      'a call without a prompt',
      (world) => world.call('small', null as never),
      'SONA_INVALID_ARGUMENT',
      'prompt',
    ],
    ['another kind', (world) => world.expected('small', 'prose' as never), 'SONA_INVALID_ARGUMENT', 'kind'],
    ['no prompt', (world) => world.best(undefined as never), 'SONA_INVALID_ARGUMENT', 'prompt'],
    [
      'a change of another model',
      (world) => world.change('medium' as never, {}),
      'SONA_UNKNOWN_MODEL',
      'model',
    ],
    [
      'a change of the name',
      (world) => world.change('small', { id: 'b' } as never),
      'SONA_INVALID_ARGUMENT',
      'change.id',
    ],
    [
      'a change of which one part is wrong',
      (world) => world.change('small', { latencyMs: 1, quality: { code: 2 } }),
      'SONA_OUT_OF_RANGE',
      'change.quality.code',
    ],
    [
      'a change for no prompts',
      (world) => world.change('small', { quality: 0 }, { prompts: 0 }),
      'SONA_OUT_OF_RANGE',
      'options.prompts',
    ],
  ])('%s, and the world is as before', async (_, call, code, argument) => {
    const world = make();
    const before = world.expected('small', 'code');
    expect(await refusal(() => call(world))).toMatchObject({ code, details: { argument } });
    expect(world.expected('small', 'code')).toEqual(before);
  });

  it('a reward that is no number', async () => {
    const world = make({ reward: () => Number.NaN });
    expect(await refusal(() => world.expected('small', 'code'))).toMatchObject({ code: 'SONA_NOT_FINITE' });
  });
});
