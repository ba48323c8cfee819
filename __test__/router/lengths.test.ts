// How long answers are: learned from their tokens, expected with an interval, and how much room a decision gives them.
import { describe, expect, it } from 'vitest';
import { Random } from '../../bench/lib/random.mts';
import { type Outcome, readLog, SonaRouter, type TokenUsage } from '../../index.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import { bytes, NOON, prompt } from '../support/routers.ts';

const make = routers();
const models = [
  { id: 'small', inputUsdPer1M: 0.5, outputUsdPer1M: 2 },
  { id: 'large', inputUsdPer1M: 10, outputUsdPer1M: 40 },
];

const code = 'Write `f(x) = { return x[1]; }`:\n- with tests';
const chat = 'Tell me about the sea and old ships';

/** Answers of about 100 tokens, and of about 1,600 to code. */
function learned(config: object = {}): SonaRouter {
  const router = make({ models, ...config });
  const random = new Random(3);
  for (let n = 0; n < 300; n++) {
    const isCode = n % 3 === 0;
    const { id } = router.route(prompt(0, n), { eligible: ['small'], text: isCode ? code : chat });
    const outputTokens = Math.round((isCode ? 1_600 : 100) * Math.exp(0.3 * random.normal()));
    router.feedback(id, { quality: 1, usage: { inputTokens: 20, outputTokens } });
  }
  return router;
}

const at = (router: SonaRouter, text: string, more: object = {}) =>
  router.route(prompt(0, 900), { eligible: ['small'], text, mode: 'observe', ...more });

describe('lengths of answers', () => {
  it('are expected by the prompt, with an interval and limits', () => {
    const router = learned();
    for (const [text, tokens, most] of [
      [chat, 100, 256],
      [code, 1_600, 4_096],
    ] as const) {
      const decision = at(router, text);
      const { outputTokens, outputInterval } = decision.expected;
      const [low, high] = outputInterval as [number, number];
      expect((outputTokens as number) / tokens).toBeGreaterThan(0.7);
      expect((outputTokens as number) / tokens).toBeLessThan(1.5);
      expect(low).toBeLessThan(outputTokens as number);
      expect(high).toBeGreaterThan(outputTokens as number);
      const { maxTokens, contextTokens, quantile } = decision.limits ?? {};
      expect([maxTokens, contextTokens, quantile]).toEqual([most, 2 * most, 0.95]);
      expect(decision.ranked[0]?.outputTokens).toBe(outputTokens);
      const explained = decision.explain();
      expect(explained.limits).toEqual(decision.limits);
      const [small, large] = ['small', 'large'].map((id) =>
        explained.candidates.find(({ model }) => model === id),
      );
      expect(small?.expected).toMatchObject({ outputTokens, outputInterval });
      expect(large?.expected).toMatchObject({ outputTokens: null, outputInterval: null });
    }
    // what others tell of themselves is theirs
    expect(router.route(prompt(0, 1), { eligible: ['large'] }).limits).toBeNull();
  });

  it('are not known before any was told, whatever else was', () => {
    const router = make({ models });
    for (const outcome of [
      { quality: 1, costUsd: 0.01, latencyMs: 100 },
      { usage: { inputTokens: 100 } },
      { usage: { inputTokens: 100, truncated: true } },
    ]) {
      const { id, expected, limits, ranked } = router.route(prompt(0, 1), { promptTokens: 100 });
      expect([expected.outputTokens, expected.outputInterval, limits]).toEqual([null, null, null]);
      expect(ranked[0]?.outputTokens).toBeNull();
      expect(router.feedback(id, outcome)).toEqual({ applied: true });
    }
    expect(router.route(prompt(0, 1)).explain().limits).toBeNull();
  });

  it('hold the share that the setting says', () => {
    const text = chat;
    const limit = (lengthQuantile: number) => at(learned({ lengthQuantile }), text).limits;
    // a median of 100, deviations of .3
    expect(limit(0.5)).toMatchObject({ maxTokens: 128, quantile: 0.5 });
    expect(limit(0.999)).toMatchObject({ maxTokens: 512, quantile: 0.999 });
  });

  it.each([0.49, 1, 0, -1, '0.9', null])('refuse %j as a share', async (lengthQuantile) => {
    const { code, details } = await refusal(() => make({ models, lengthQuantile: lengthQuantile as never }));
    expect([code, details.argument]).toEqual(['SONA_INVALID_CONFIG', 'lengthQuantile']);
  });

  it('leave a context open where nobody knows the length of the prompt', () => {
    const router = make({ models });
    router.feedback(router.route(prompt(0, 1), { eligible: ['small'] }).id, { usage: { output_tokens: 50 } });
    const limits = (options: object) =>
      router.route(prompt(0, 1), { eligible: ['small'], ...options }).limits;
    expect(limits({})?.contextTokens).toBeNull();
    const { maxTokens = 0, contextTokens } = limits({ promptTokens: 1_000 }) ?? {};
    expect(maxTokens).toBeLessThan(1_000);
    expect(contextTokens).toBe(2_048);
    const text = limits({ text: chat });
    expect(text?.contextTokens).toBe(2 * (text?.maxTokens ?? 0));
  });

  it('give no more room than the settings of the model', () => {
    const [first, ...rest] = models;
    const router = make({ models: [{ ...first, id: 'small', settings: { maxTokens: 300 } }, ...rest] });
    for (let n = 0; n < 20; n++) {
      const { id } = router.route(prompt(0, n), { eligible: ['small'] });
      router.feedback(id, { usage: { outputTokens: 900 } });
    }
    const { limits, expected, settings } = router.route(prompt(0, 1), {
      eligible: ['small'],
      promptTokens: 10,
    });
    expect(limits).toEqual({ maxTokens: 300, contextTokens: 512, quantile: 0.95 });
    expect(expected.outputTokens).toBeCloseTo(900, 0);
    expect(settings).toEqual({ model: 'small', maxTokens: 300 });
  });

  it.each([
    [{ maxOutputTokens: 300 }, 300],
    [{ maxTokens: 300, maxOutputTokens: 200 }, 200],
    [{ maxTokens: 200, maxOutputTokens: '100' }, 200],
    [{ maxTokens: 300.7 }, 300],
    [{ maxTokens: 0.5 }, 2_048],
    [{ max_tokens: 500 }, 500],
    [{ max_completion_tokens: 300, max_output_tokens: 400 }, 300],
  ])('know the settings %j', (settings, maxTokens) => {
    const router = make({ models: [{ id: 'small', settings }] });
    const { id } = router.route(prompt(0, 1));
    expect(router.feedback(id, { usage: { outputTokens: 900 } })).toEqual({ applied: true });
    for (let n = 0; n < 19; n++)
      router.feedback(router.route(prompt(0, n)).id, { usage: { outputTokens: 900 } });
    expect(router.route(prompt(0, 1)).limits?.maxTokens).toBe(maxTokens);
  });

  it('say nothing of an answer that was cut before its first token', () => {
    const router = make({ models });
    const { id } = router.route(prompt(0, 1), { eligible: ['small'] });
    expect(router.feedback(id, { usage: { outputTokens: 0, truncated: true } })).toEqual({ applied: true });
    const { limits, expected } = router.route(prompt(0, 1), { eligible: ['small'] });
    expect([limits, expected.outputTokens]).toEqual([null, null]);
  });

  it('grow until answers are not cut any more', () => {
    const router = make({ models });
    const random = new Random(1);
    const cut: number[] = [];
    for (let n = 0; n < 400; n++) {
      const { id, limits } = router.route(prompt(0, n), { eligible: ['small'] });
      const whole = Math.round(3_000 * Math.exp(0.5 * random.normal()));
      const most = limits?.maxTokens ?? 128;
      cut.push(Number(whole > most));
      router.feedback(id, { usage: { outputTokens: Math.min(whole, most), truncated: whole > most } });
    }
    const share = (from: number, to: number) => cut.slice(from, to).reduce((a, b) => a + b, 0) / (to - from);
    expect(share(0, 2)).toBe(1);
    expect(share(200, 400)).toBeLessThan(0.05);
  });

  it('are of a cost that is told beside them, too', () => {
    const router = make({ models: [{ id: 'local' }] });
    const { id } = router.route(prompt(0, 1));
    expect(router.feedback(id, { costUsd: 0, usage: { outputTokens: 200 } })).toEqual({ applied: true });
    expect(router.route(prompt(0, 1)).expected).toMatchObject({ costUsd: 0 });
    expect(router.route(prompt(0, 1)).expected.outputTokens).toBeCloseTo(200, 1);
  });

  it('are in the log, and survive a save', () => {
    const router = make({ models });
    const usage: TokenUsage = { inputTokens: 10, outputTokens: 64, truncated: true };
    for (const outcome of [
      { usage },
      {
        attempts: [
          { model: 'large' as const, error: true },
          { model: 'small' as const, usage },
        ],
      },
    ]) {
      const { id } = router.route(prompt(0, 1), { eligible: ['small'] });
      expect(router.feedback(id, outcome)).toEqual({ applied: true });
    }
    const [first, second] = readLog(router.exportLog());
    expect(first?.outcome).toMatchObject({ outputTokens: 64, truncated: true });
    expect(first?.expected).not.toHaveProperty('outputTokens');
    expect(second?.expected.outputTokens).toBeCloseTo(128, 1);
    expect(second?.outcome?.attempts?.map(({ outputTokens }) => outputTokens)).toEqual([undefined, 64]);
    const restored = SonaRouter.restore(router.snapshot(), { now: () => NOON });
    const expected = (router: SonaRouter) => {
      const { expected, limits } = router.route(prompt(0, 2), { mode: 'observe', promptTokens: 9 });
      return { expected, limits };
    };
    expect(expected(restored)).toEqual(expected(router));
  });

  it.each<[string, Outcome, string]>([
    ['a word', { usage: { outputTokens: 5, truncated: 'yes' as never } }, 'usage.truncated'],
    ['a number', { usage: { outputTokens: 5, truncated: 1 as never } }, 'usage.truncated'],
    ['nothing', { usage: { truncated: null as never } }, 'usage.truncated'],
    [
      'a word in an attempt',
      { attempts: [{ model: 'small', usage: { outputTokens: 5, truncated: 'no' as never } }] },
      'attempts[0].usage.truncated',
    ],
  ])('refuse %s for whether they were cut, and nothing changes', async (_, outcome, argument) => {
    const router = make({ models });
    const { id } = router.route(prompt(0, 1));
    const before = bytes(router);
    const { code, details } = await refusal(() => router.feedback(id, outcome));
    expect([code, details.argument]).toEqual(['SONA_INVALID_ARGUMENT', `outcome.${argument}`]);
    expect(bytes(router)).toBe(before);
  });
});
