// What a call cost, from its tokens: by the prices of the model that answered, as they were when it was decided for.
import { describe, expect, it } from 'vitest';
import { type Outcome, readLog, type SonaRouter } from '../../index.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import { bytes, prompt } from '../support/routers.ts';

const make = routers();
const models = [
  { id: 'small', inputUsdPer1M: 0.5, outputUsdPer1M: 2 },
  { id: 'large', inputUsdPer1M: 10, outputUsdPer1M: 40 },
  { id: 'unpriced' },
  { id: 'half', inputUsdPer1M: 1 },
  { id: 'half-out', outputUsdPer1M: 2 },
  { id: 'dear', inputUsdPer1M: 1e9, outputUsdPer1M: 0 },
];
const usage = { inputTokens: 1_000, outputTokens: 500 };

/** What the log says that the newest decision and its attempts cost. */
function costs(router: SonaRouter): [number | undefined, (number | undefined)[]] {
  const { outcome } = readLog(router.exportLog()).at(-1) ?? {};
  return [outcome?.costUsd, (outcome?.attempts ?? []).map(({ costUsd }) => costUsd)];
}

function told(outcome: Outcome, asked = 'small', router = make({ models })): ReturnType<typeof costs> {
  const { id } = router.route(prompt(0, 1), { eligible: [asked] });
  expect(router.feedback(id, outcome)).toEqual({ applied: true });
  return costs(router);
}

describe('usage', () => {
  it.each([
    ['the AI SDK', { inputTokens: 1_000, outputTokens: 500, totalTokens: 1_500 }],
    ['OpenAI, chat', { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500 }],
    ['OpenAI, responses, and Anthropic', { input_tokens: 1_000, output_tokens: 500 }],
    [
      'several at once',
      { inputTokens: 1_000, prompt_tokens: 7, output_tokens: null, completion_tokens: 500 },
    ],
  ])('as %s tells it', (_, tokens) => {
    expect(told({ quality: 1, usage: tokens })[0]).toBeCloseTo((0.5 * 1_000 + 2 * 500) / 1e6, 15);
  });

  it('teaches what the same cost would', () => {
    const [by, of] = [make({ models, origin: 'a' }), make({ models, origin: 'a' })];
    for (let n = 0; n < 20; n++) {
      const [one, other] = [by, of].map((router) => router.route(prompt(0, n), { eligible: ['small'] }));
      const tokens = { inputTokens: 100 * (n % 7), outputTokens: 10 * n };
      by.feedback(one?.id ?? '', { quality: 1, usage: tokens });
      const costUsd = (0.5 * tokens.inputTokens) / 1e6 + (2 * tokens.outputTokens) / 1e6;
      of.feedback(other?.id ?? '', { quality: 1, costUsd });
    }
    const seen = (router: SonaRouter) => router.stats().models;
    expect(seen(by)).toEqual(seen(of));
    expect(seen(by)[0]?.costUsd).toBeGreaterThan(0);
  });

  it('is of the model that answered', () => {
    const [, [failed, answered]] = told({ error: true, model: 'large', usage });
    expect([failed, answered]).toEqual([undefined, (10 * 1_000 + 40 * 500) / 1e6]);
  });

  it('is of each attempt', () => {
    const attempts = [
      { model: 'large', error: true, usage: { inputTokens: 1_000 } },
      { model: 'small', quality: 1, usage },
    ];
    const [, each] = told({ attempts }, 'large');
    expect(each[0]).toBeCloseTo(0.01, 15);
    expect(each[1]).toBeCloseTo(0.0015, 15);
  });

  it('told later is of whoever answered', () => {
    for (const first of [
      {
        attempts: [
          { model: 'small', error: true },
          { model: 'large', quality: 1 },
        ],
      },
      { error: true, model: 'large' },
      { quality: 1, model: 'large' },
    ]) {
      const router = make({ models });
      const { id } = router.route(prompt(0, 1), { eligible: ['small'] });
      router.feedback(id, first);
      expect(router.feedback(id, { usage })).toEqual({ applied: true });
      const [cost, attempts] = costs(router);
      expect(attempts.at(-1) ?? cost).toBeCloseTo((10 * 1_000 + 40 * 500) / 1e6, 15);
      // once
      expect(router.feedback(id, { usage })).toEqual({ applied: false, reason: 'repeated' });
      router.feedback(id, { usage: { inputTokens: 0, outputTokens: 1_000 }, amend: true });
      const [amended, each] = costs(router);
      expect(each.at(-1) ?? amended).toBeCloseTo(0.04, 15);
    }
  });

  it('is not of another that turns out to have answered', () => {
    for (const amend of [false, true]) {
      const router = make({ models });
      const { id } = router.route(prompt(0, 1), { eligible: ['large'] });
      router.feedback(id, { usage });
      expect(router.feedback(id, { model: 'small', quality: 1, amend })).toEqual({ applied: true });
      expect(costs(router)[0]).toBeUndefined();
      // told again, it is of that one
      expect(router.feedback(id, { usage, amend: true })).toEqual({ applied: true });
      const [cost, attempts] = costs(router);
      expect(attempts.at(-1) ?? cost).toBeCloseTo((0.5 * 1_000 + 2 * 500) / 1e6, 15);
      // also where nothing else was told
      const alone = router.route(prompt(0, 1), { eligible: ['large'] });
      router.feedback(alone.id, { usage: { inputTokens: 1_000 } });
      expect(router.feedback(alone.id, { model: 'small', amend: true })).toEqual({ applied: true });
      expect(costs(router)[0]).toBeUndefined();
      // a cost that was told goes with the answer
      const other = router.route(prompt(0, 1), { eligible: ['large'] });
      router.feedback(other.id, { costUsd: 0.5 });
      router.feedback(other.id, { model: 'small', quality: 1, amend });
      expect(costs(router)[0]).toBe(0.5);
    }
  });

  it('is taken of a model that was removed meanwhile', () => {
    const router = make({ models });
    const [one, other] = ['small', 'unpriced'].map((id) => router.route(prompt(0, 1), { eligible: [id] }).id);
    router.updatePrice('small', { inputUsdPer1M: 1 });
    router.removeModel('small');
    router.removeModel('unpriced');
    expect(router.feedback(one ?? '', { quality: 1, usage })).toEqual({ applied: true });
    expect(router.feedback(other ?? '', { quality: 1, usage })).toEqual({ applied: true });
    const [first, second] = readLog(router.exportLog());
    expect(first?.outcome?.costUsd).toBeCloseTo((1 * 1_000 + 2 * 500) / 1e6, 15);
    expect(second?.outcome).toMatchObject({ quality: 1 });
    expect(second?.outcome).not.toHaveProperty('costUsd');
  });

  it('is no error where the outcome is not taken', () => {
    const router = make({ models });
    const { id } = router.route(prompt(0, 1), { eligible: ['unpriced'], mode: 'observe' });
    expect(router.feedback(id, { usage })).toEqual({ applied: false, reason: 'observed' });
  });

  it('goes by the prices of the decision, not of now', () => {
    const router = make({ models });
    const { id } = router.route(prompt(0, 1), { eligible: ['small'] });
    router.updatePrice('small', { inputUsdPer1M: 500, outputUsdPer1M: 2_000 });
    router.feedback(id, { quality: 1, usage });
    expect(costs(router)[0]).toBeCloseTo(0.0015, 15);
    expect(told({ quality: 1, usage }, 'small', router)[0]).toBeCloseTo(1.5, 12);
  });

  it('beside a cost leaves that as it is', () => {
    expect(told({ usage, costUsd: 1 })[0]).toBe(1);
    expect(told({ usage, costUsd: 1 }, 'unpriced')[0]).toBe(1);
    const attempts = [
      { model: 'large', error: true },
      { model: 'small', usage, costUsd: 1 },
    ];
    expect(told({ attempts })[1]).toEqual([undefined, 1]);
  });

  it('counts in a budget', () => {
    const router = make({ models, objective: { budgetUsdPerRequest: 0.001 } });
    told({ quality: 1, usage }, 'large', router);
    expect(router.stats().budgetLeftUsd ?? 0).toBeLessThan(0);
  });

  it('without any count teaches nothing of costs', () => {
    expect(told({ quality: 1, usage: {} })[0]).toBeUndefined();
    expect(told({ quality: 1, usage: { inputTokens: undefined, output_tokens: null } })[0]).toBeUndefined();
    const router = make({ models });
    const { id } = router.route(prompt(0, 1));
    expect(router.feedback(id, { usage: {} })).toEqual({ applied: false, reason: 'empty' });
  });

  it('needs only the prices that it uses', () => {
    expect(told({ quality: 1, usage: { inputTokens: 1_000 } }, 'half')[0]).toBeCloseTo(0.001, 15);
    expect(told({ quality: 1, usage: { inputTokens: 0, outputTokens: 500 } }, 'half-out')[0]).toBeCloseTo(
      0.001,
      15,
    );
  });

  it('of a model without prices is how long its answer was', () => {
    for (const tokens of [usage, { outputTokens: 500 }, { inputTokens: 0, outputTokens: 0 }]) {
      const router = make({ models });
      expect(told({ quality: 1, usage: tokens }, 'unpriced', router)[0]).toBeUndefined();
      const [line] = readLog(router.exportLog());
      expect(line?.outcome?.outputTokens).toBe(tokens.outputTokens);
      const { expected } = router.route(prompt(0, 1), { eligible: ['unpriced'], mode: 'observe' });
      expect(expected.costUsd).toBeNull();
      expect(expected.outputTokens).toBeCloseTo(tokens.outputTokens, 1);
    }
    const attempts = [
      { model: 'small', error: true },
      { model: 'unpriced', usage },
    ];
    expect(told({ attempts })).toEqual([undefined, [undefined, undefined]]);
    // of the prompt's alone nothing is left
    const router = make({ models });
    const { id } = router.route(prompt(0, 1), { eligible: ['unpriced'] });
    expect(router.feedback(id, { usage: { inputTokens: 5 } })).toEqual({ applied: false, reason: 'empty' });
  });

  it('told later leaves a cost that was told, and tells the length', () => {
    for (const amend of [false, true]) {
      for (const asked of ['small', 'unpriced', 'half']) {
        const router = make({ models });
        const { id } = router.route(prompt(0, 1), { eligible: [asked] });
        router.feedback(id, { costUsd: 1 });
        expect(router.feedback(id, { usage, amend })).toEqual({ applied: true });
        const { outcome } = readLog(router.exportLog()).at(-1) ?? {};
        expect(outcome).toMatchObject({ costUsd: 1, outputTokens: 500 });
        expect(router.feedback(id, { usage })).toEqual({ applied: false, reason: 'repeated' });
      }
    }
  });

  it.each<[string, Outcome, string, string, string?]>([
    ['a model without a price of the answer', { usage }, 'half', 'usage'],
    ['a model without a price of the prompt', { usage }, 'half-out', 'usage'],
    ['attempts beside it', { usage, attempts: [{ model: 'small', quality: 1 }] }, 'small', 'attempts'],
    [
      'an attempt without one of both prices',
      {
        attempts: [
          { model: 'small', quality: 1 },
          { model: 'half', usage },
        ],
      },
      'small',
      'attempts[1].usage',
    ],
    ['too high a cost', { usage: { inputTokens: 1e12 } }, 'dear', 'usage', 'SONA_OUT_OF_RANGE'],
    ['text', { usage: 'many' as never }, 'small', 'usage'],
    ['counts as text', { usage: { inputTokens: '5' as never } }, 'small', 'usage.inputTokens'],
    ['counts below 0', { usage: { outputTokens: -1 } }, 'small', 'usage.outputTokens', 'SONA_OUT_OF_RANGE'],
    ['no number', { usage: { input_tokens: Number.NaN } }, 'small', 'usage.input_tokens', 'SONA_NOT_FINITE'],
  ])('is refused with %s, and nothing changes', async (_, outcome, asked, argument, code) => {
    const router = make({ models });
    const { id } = router.route(prompt(0, 1), { eligible: [asked] });
    const before = bytes(router);
    const error = await refusal(() => router.feedback(id, outcome));
    expect([error.code, error.details.argument]).toEqual([
      code ?? 'SONA_INVALID_ARGUMENT',
      `outcome.${argument}`,
    ]);
    expect(bytes(router)).toBe(before);
    expect(router.feedback(id, { quality: 1 })).toEqual({ applied: true });
  });
});
