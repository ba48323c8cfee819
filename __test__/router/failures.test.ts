// Who is blamed for a call that failed, what a success is, and when a model rests.
import { describe, expect, it } from 'vitest';
import { Random } from '../../bench/lib/random.mts';
import type { ExplainedCandidate, Outcome, RouterConfig, SonaRouter } from '../../index.ts';
import { fixedClock } from '../../testing.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import { bytes, distance, expectations, NOON, prompt, teach } from '../support/routers.ts';

const make = routers();
const of = (router: SonaRouter, id: string) => router.stats().models.find((model) => model.id === id);
const candidate = (router: SonaRouter, id: string) =>
  router
    .route(prompt(0, 1), { mode: 'observe' })
    .explain()
    .candidates.find(({ model }) => model === id) as ExplainedCandidate;
const ask = (router: SonaRouter, model: string, n = 1) =>
  router.route(prompt(0, n), { eligible: [model] }).id;

describe('a success', () => {
  const successes: Outcome[] = [
    { costUsd: 0.001, latencyMs: 100 },
    { costUsd: 0.001 },
    { latencyMs: 100 },
    { costUsd: 0 },
    { error: false },
    { error: false, costUsd: 0.001, latencyMs: 100 },
    { quality: 1 },
    { quality: 0 },
    { attempts: [{ model: 'coder', latencyMs: 100 }] },
  ];

  it.each(successes.map((told): [string, Outcome] => [JSON.stringify(told), told]))(
    'told as %s counts for availability, and no three failures among them are a row',
    (_, told) => {
      const router = make();
      for (let n = 1; n <= 60; n++) {
        const outcome = n % 20 === 0 ? { error: 'HTTP 500' } : told;
        expect(router.feedback(ask(router, 'coder', n), outcome)).toEqual({ applied: true });
      }
      expect(of(router, 'coder')).toMatchObject({ availability: 57 / 60, restsUntil: null });
      expect(candidate(router, 'coder').filters).toEqual([]);
    },
  );

  it('in parts is one', () => {
    const router = make();
    router.feedback(ask(router, 'coder'), { error: true });
    const id = ask(router, 'coder');
    for (const part of [{ costUsd: 0.001 }, { latencyMs: 5 }, { quality: 1 }, { error: false }]) {
      expect(router.feedback(id, part)).toEqual({ applied: true });
    }
    expect(of(router, 'coder')?.availability).toBe(1 / 2);
  });
});

describe('a plain error', () => {
  it('belongs to the model that was decided for, whoever answered', () => {
    const router = make();
    const id = ask(router, 'coder');
    expect(router.feedback(id, { error: 'HTTP 500' })).toEqual({ applied: true });
    expect(router.feedback(id, { model: 'poet', quality: 1, costUsd: 0.1, latencyMs: 5 })).toEqual({
      applied: true,
    });
    expect(of(router, 'coder')).toMatchObject({ availability: 0, outcomes: 0, quality: null });
    expect(of(router, 'poet')).toMatchObject({ availability: 1, outcomes: 1, quality: 1 });
    const [line] = router.exportLog();
    expect(JSON.parse(line as string)).toMatchObject({
      model: 'coder',
      outcome: { model: 'poet', quality: 1 },
    });
  });

  it('is the same at once', () => {
    const router = make();
    router.feedback(ask(router, 'coder'), {
      error: true,
      model: 'poet',
      quality: 1,
      costUsd: 0.1,
      latencyMs: 5,
    });
    expect(of(router, 'coder')).toMatchObject({ availability: 0, outcomes: 0 });
    expect(of(router, 'poet')).toMatchObject({ availability: 1, outcomes: 1, quality: 1 });
  });

  it('lowers the rank by what a failed call is worth', () => {
    const scores = [0, 0.5, 1].map((failureQuality) => {
      const router = make({ objective: { failureQuality } });
      const before = candidate(router, 'coder');
      for (let n = 0; n < 100; n++) {
        router.feedback(ask(router, 'coder', n), n % 2 ? { error: true } : { quality: 0.9 });
      }
      const after = candidate(router, 'coder');
      expect(after.availability).toBeLessThan(before.availability);
      expect(Math.abs(after.availability - 0.5)).toBeLessThan(0.1);
      expect(after.expected.quality).toBeGreaterThan(0.6);
      return after.parts.quality;
    }) as [number, number, number];
    expect(scores[0]).toBeLessThan(scores[1] - 0.2);
    expect(scores[1]).toBeLessThan(scores[2] - 0.2);
  });

  it('lets one that never fails win over a better one that often does', () => {
    const router = make({ models: [{ id: 'flaky' }, { id: 'steady' }] });
    for (let n = 0; n < 300; n++) {
      router.feedback(ask(router, 'flaky', n), n % 2 ? { error: true } : { quality: 0.9 });
      router.feedback(ask(router, 'steady', n), { quality: 0.7 });
    }
    expect(router.route(prompt(0, 1)).model).toBe('steady');
  });
});

describe('attempts', () => {
  it('teach each its own model', () => {
    const [chain, alone] = [make(), make()];
    expect(
      chain.feedback(ask(chain, 'coder'), {
        attempts: [
          { model: 'coder', error: 'HTTP 500', latencyMs: 9_000 },
          { model: 'dull', error: true },
          { model: 'poet', quality: 0.8, costUsd: 0.002, latencyMs: 300 },
        ],
      }),
    ).toEqual({ applied: true });
    expect(of(chain, 'coder')).toMatchObject({ availability: 0, outcomes: 0, quality: null });
    expect(of(chain, 'dull')).toMatchObject({ availability: 0, outcomes: 0 });
    expect(of(chain, 'poet')).toMatchObject({ availability: 1, outcomes: 1, quality: 0.8 });
    alone.feedback(ask(alone, 'poet'), { quality: 0.8, costUsd: 0.002, latencyMs: 300 });
    const { decisions: _, ...poet } = of(chain, 'poet') ?? { decisions: 0 };
    expect(of(alone, 'poet')).toMatchObject(poet);
  });

  it('come back in the log', () => {
    const router = make();
    const attempts = [
      { model: 'coder', error: true, latencyMs: 9_000 },
      { model: 'poet', quality: 0.5, costUsd: 0.25, latencyMs: 300 },
    ];
    router.feedback(ask(router, 'coder'), { attempts });
    const [line] = router.exportLog();
    expect(JSON.parse(line as string).outcome.attempts).toEqual(attempts);
  });

  it('may name one model several times, as retries do', () => {
    const router = make();
    const failed = { model: 'coder', error: true };
    router.feedback(ask(router, 'coder'), { attempts: [failed, failed, { model: 'coder', quality: 1 }] });
    expect(of(router, 'coder')).toMatchObject({ outcomes: 1, restsUntil: null });
    expect(of(router, 'coder')?.availability).toBeCloseTo(1 / 3, 12);
  });

  it('are corrected as a whole', () => {
    const [amended, right] = [make(), make()];
    const attempts = [
      { model: 'coder', error: true },
      { model: 'poet', quality: 0.5, costUsd: 0.001 },
    ];
    const id = ask(amended, 'coder');
    amended.feedback(id, { attempts: [{ model: 'dull', quality: 0.1, costUsd: 9 }] });
    expect(amended.feedback(id, { attempts })).toEqual({ applied: false, reason: 'repeated' });
    expect(amended.feedback(id, { attempts, amend: true })).toEqual({ applied: true });
    right.feedback(ask(right, 'coder'), { attempts });
    expect(distance(expectations(amended), expectations(right))).toBeLessThan(1e-9);
    for (const model of ['coder', 'poet', 'dull']) {
      const [a, b] = [of(amended, model), of(right, model)];
      expect([a?.availability, a?.restsUntil]).toEqual([b?.availability, b?.restsUntil]);
      expect(a?.outcomes).toBeCloseTo(b?.outcomes as number, 9);
    }
    // and are forgotten as one
    expect(amended.forget({ decisionId: id })).toEqual({ forgotten: 1, outOfReach: 0 });
    for (const { availability, outcomes } of amended.stats().models)
      expect([availability, outcomes]).toEqual([null, 0]);
  });

  const good = { model: 'poet', quality: 1 };
  it.each<[string, unknown, string, string]>([
    ['no list', {}, 'SONA_INVALID_ARGUMENT', 'outcome.attempts'],
    ['an empty list', [], 'SONA_INVALID_ARGUMENT', 'outcome.attempts'],
    ['no object', [good, 1], 'SONA_INVALID_ARGUMENT', 'outcome.attempts[1]'],
    ['no model', [{ quality: 1 }], 'SONA_INVALID_ARGUMENT', 'outcome.attempts[0].model'],
    ['an unknown model', [good, { model: 'nobody' }], 'SONA_UNKNOWN_MODEL', 'outcome.attempts[1].model'],
    ['an unknown part', [{ ...good, cost: 1 }], 'SONA_INVALID_ARGUMENT', 'outcome.attempts[0].cost'],
    ['NaN', [good, { ...good, quality: Number.NaN }], 'SONA_NOT_FINITE', 'outcome.attempts[1].quality'],
    ['too good', [{ ...good, quality: 1.1 }], 'SONA_OUT_OF_RANGE', 'outcome.attempts[0].quality'],
    ['less than free', [{ ...good, costUsd: -1 }], 'SONA_OUT_OF_RANGE', 'outcome.attempts[0].costUsd'],
    [
      'before it was asked',
      [{ ...good, latencyMs: -1 }],
      'SONA_OUT_OF_RANGE',
      'outcome.attempts[0].latencyMs',
    ],
    ['an error of no kind', [{ ...good, error: 1 }], 'SONA_INVALID_ARGUMENT', 'outcome.attempts[0].error'],
    ['too many', Array(65).fill(good), 'SONA_OUT_OF_RANGE', 'outcome.attempts'],
  ])('that are wrong change nothing: %s', async (_, attempts, code, argument) => {
    const router = make();
    teach(router, 5);
    const id = ask(router, 'coder');
    const before = bytes(router);
    const error = await refusal(() => router.feedback(id, { attempts } as Outcome));
    expect([error.code, error.details.argument]).toEqual([code, argument]);
    expect(bytes(router)).toBe(before);
  });

  it('stand in place of the other parts', async () => {
    const router = make();
    for (const part of [
      { quality: 1 },
      { costUsd: 1 },
      { latencyMs: 1 },
      { error: true },
      { model: 'poet' },
    ]) {
      const error = await refusal(() => router.feedback(ask(router, 'coder'), { attempts: [good], ...part }));
      expect(error.code).toBe('SONA_INVALID_ARGUMENT');
      expect(error.details.argument).toMatch(/^outcome/);
    }
  });
});

describe('a model that is down', () => {
  it.each([0, 1, 10, 50, 120])('is asked seldom, though outcomes come %i requests late', (delay) => {
    const clock = fixedClock(NOON);
    const router = make({
      models: [
        { id: 'good', prior: { quality: 0.9 } },
        { id: 'other', prior: { quality: 0.6 } },
      ],
      now: clock.now,
    });
    const waiting: [string, number][] = [];
    let sent = 0;
    for (let n = 0; n < 400; n++) {
      clock.advance(1_000);
      const { id, model } = router.route(prompt(n % 2, n));
      if (n >= 200 && n < 245 && model === 'good') {
        sent++;
        router.feedback(id, { error: true });
      } else {
        waiting.push([id, model === 'good' ? 0.9 : 0.6]);
      }
      while (waiting.length > delay) {
        const [of, quality] = waiting.shift() as [string, number];
        router.feedback(of, { quality });
      }
    }
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThanOrEqual(16);
    // and is asked again when it is back
    expect(router.stats().models[0]?.decisions).toBeGreaterThan(250);
  });

  it('does not wake at answers to what was asked before it failed', () => {
    const router = make();
    const early = [1, 2, 3].map((n) => ask(router, 'coder', n));
    for (let n = 0; n < 3; n++) router.feedback(ask(router, 'coder', n), { error: true });
    const rests = of(router, 'coder')?.restsUntil;
    expect(rests).toBeGreaterThan(NOON);
    for (const id of early) router.feedback(id, { quality: 1 });
    expect(of(router, 'coder')?.restsUntil).toBe(rests);
    router.feedback(ask(router, 'coder'), { costUsd: 0.001 });
    expect(of(router, 'coder')?.restsUntil).toBeNull();
  });
});

describe('a world that does not stand still', () => {
  /** Decisions on prompts of two kinds; each answer is right or wrong by chance, and the chances depend on the round. */
  function play(
    config: Partial<RouterConfig>,
    rounds: number,
    chances: (round: number) => { [model: string]: { right: number; fails: number } },
  ) {
    const clock = fixedClock(NOON);
    const router = make({
      models: Object.keys(chances(0)).map((id) => ({ id })),
      now: clock.now,
      ...config,
    });
    const random = new Random(5);
    const chosen: string[] = [];
    for (let n = 0; n < rounds; n++) {
      clock.advance(1_000);
      const { id, model } = router.route(prompt(n % 2, n));
      const { right, fails } = chances(n)[model] as { right: number; fails: number };
      const [luck, skill] = [random.uniform(), random.uniform()];
      router.feedback(id, luck < fails ? { error: true } : { quality: Number(skill < right) });
      chosen.push(model);
    }
    const share = (model: string, from: number, to = rounds) =>
      chosen.slice(from, to).filter((one) => one === model).length / (to - from);
    return { router, share };
  }

  it('a steady model is preferred to a better one of which three calls in ten fail', () => {
    const { share } = play({}, 1_000, () => ({
      flaky: { right: 0.9, fails: 0.3 },
      steady: { right: 0.85, fails: 0 },
      third: { right: 0.6, fails: 0.1 },
    }));
    expect(share('steady', 750)).toBeGreaterThanOrEqual(0.95);
  });

  it('a model that begins to fail is left soon, however long it never did', () => {
    const chances = (round: number) => ({
      flaky: { right: 0.9, fails: round < 1_500 ? 0 : 0.3 },
      steady: { right: 0.8, fails: 0 },
    });
    const { share } = play({}, 2_500, chances);
    expect(share('flaky', 1_000, 1_500)).toBeGreaterThan(0.9);
    expect(share('steady', 2_000)).toBeGreaterThanOrEqual(0.95);
    // a mean of all calls would take many more
    expect(play({ driftDetection: false }, 2_000, chances).share('steady', 1_750)).toBeLessThan(0.9);
  });

  it('a short outage of a model that never failed before is over when it is over', () => {
    const { router, share } = play({}, 1_600, (round) => ({
      steady: { right: 0.9, fails: round >= 1_000 && round < 1_050 ? 1 : 0 },
      other: { right: 0.6, fails: 0 },
    }));
    expect(share('steady', 1_003, 1_050)).toBeLessThan(0.1);
    expect(share('steady', 1_150)).toBeGreaterThan(0.95);
    expect(of(router, 'steady')?.restsUntil).toBeNull();
  });

  it.each<[string, { right: number; fails: number }]>([
    ['answers better', { right: 0.5, fails: 0 }],
    ['fails no more', { right: 0.95, fails: 0.6 }],
  ])('a model that %s unseen is found with a floor under every probability', (_, before) => {
    const { share } = play({ propensityFloor: 0.05 }, 4_000, (round) => ({
      improved: round < 1_000 ? before : { right: 0.95, fails: 0 },
      one: { right: 0.7, fails: 0 },
      other: { right: 0.7, fails: 0 },
    }));
    expect(share('improved', 500, 1_000)).toBeLessThan(0.2);
    expect(share('improved', 3_500)).toBeGreaterThan(0.8);
  });
});
