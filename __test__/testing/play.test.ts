import { describe, expect, it } from 'vitest';
import { SonaRouter } from '../../index.ts';
import { fakeEmbedder, fixedClock, type PlayableRouter, playRouter, simulatedWorld } from '../../testing.ts';
import { refusal } from '../support/errors.ts';

const world = () =>
  simulatedWorld({
    kinds: {
      code: { words: ['sql', 'query', 'function', 'loop', 'error', 'index', 'compile', 'script'] },
      chat: { words: ['hello', 'thanks', 'morning', 'nice', 'friend', 'weekend', 'today', 'kind'] },
    },
    models: [
      { id: 'small', quality: { code: 0.3, chat: 0.9 }, outputUsdPer1M: 0.6 },
      { id: 'large', quality: { code: 0.9, chat: 0.8 }, outputUsdPer1M: 15 },
    ],
  });

/** Routers that choose without learning. */
const choosing = (choose: (text: string, n: number) => string): PlayableRouter => {
  let n = 0;
  return {
    routeAsync: async (text) => ({ id: `${n}`, model: choose(text, n++), fallback: null }),
    feedback: () => ({ applied: true }),
  };
};

describe('playRouter', () => {
  it('measures a choice beside random ones, the best fixed one and the best of all', async () => {
    const [played, counted] = [world(), world()];
    const kinds = Array.from({ length: 400 }, () => counted.prompt().kind);
    const code = kinds.filter((kind) => kind === 'code').length / 400;
    const report = await playRouter(
      choosing(() => 'small'),
      played,
      { requests: 400 },
    );
    const small = 0.3 * code + 0.9 * (1 - code);
    const large = 0.9 * code + 0.8 * (1 - code);
    expect(report.requests).toBe(400);
    expect(report.chosen).toEqual({ small: 400, large: 0 });
    expect(report.router.reward).toBeCloseTo(small, 10);
    expect(report.router.regret).toBeCloseTo(0.9 - small, 10);
    expect(report.router.costUsd).toBeCloseTo(300 * 0.6e-6, 12);
    expect(report.random.reward).toBeCloseTo((small + large) / 2, 10);
    expect(report.random.costUsd).toBeCloseTo(300 * 7.8e-6, 12);
    expect(report.bestFixed.model).toBe('large');
    expect(report.bestFixed.reward).toBeCloseTo(large, 10);
    expect(report.bestFixed.regret).toBeCloseTo(0.9 - large, 10);
    expect(report.oracle).toMatchObject({ regret: 0, quality: report.oracle.reward });
    expect(report.oracle.reward).toBeCloseTo(0.9, 10);
    const alternating = await playRouter(
      choosing((_, n) => (n % 2 ? 'small' : 'large')),
      world(),
      { requests: 10 },
    );
    expect(alternating.chosen).toEqual({ small: 5, large: 5 });
  });

  it('shows that a router learns, and repeats to the last bit', async () => {
    const run = async () => {
      const ours = world();
      const router = new SonaRouter({ models: ours.models, now: fixedClock().now, background: 'manual' });
      const reports = [
        await playRouter(router, ours, { requests: 150 }),
        await playRouter(router, ours, { requests: 150 }),
      ];
      await router.close();
      return reports;
    };
    const [first, second] = await run();
    expect(first?.random.regret).toBeGreaterThan(0.15);
    expect(second?.router.regret).toBeLessThan(0.02);
    expect(second?.router.regret).toBeLessThan(first?.router.regret as number);
    expect(await run()).toEqual([first, second]);
  });

  it('reports outcomes by their parts, and errors as errors', async () => {
    const ours = world();
    ours.change('large', { errorRate: 1 }, { prompts: 20 });
    const seen: unknown[] = [];
    const router = choosing((_, n) => (n % 2 ? 'small' : 'large'));
    router.feedback = (_, outcome) => {
      seen.push(outcome);
      return { applied: true };
    };
    const report = await playRouter(router, ours, { requests: 20 });
    expect(seen.filter((_, n) => n % 2 === 0)).toEqual(Array.from({ length: 10 }, () => ({ error: true })));
    expect(seen[1]).toEqual({
      quality: expect.any(Number),
      costUsd: expect.any(Number),
      latencyMs: expect.any(Number),
    });
    expect(report.router.errorRate).toBe(0.5);
    expect(report.oracle.errorRate).toBe(0);
  });

  it('calls `before` ahead of each request, where a world changes and time passes', async () => {
    const ours = world();
    const clock = fixedClock();
    const router = new SonaRouter({ models: ours.models, now: clock.now, background: 'manual' });
    const numbers: number[] = [];
    const report = await playRouter(router, ours, {
      requests: 60,
      before: async (n) => {
        numbers.push(n);
        clock.advance(1_000);
        await null;
        if (n === 30) ours.change('small', { quality: 0 });
        expect(ours.prompts).toBe(n);
      },
    });
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, n) => n));
    expect(report.bestFixed.model).toBe('large');
    expect(ours.expected('small', 'chat').quality).toBe(0);
    await router.close();
  });

  it('counts decisions that were made without their prompt', async () => {
    const ours = world();
    const embedder = fakeEmbedder({ asynchronous: true });
    const router = new SonaRouter({ models: ours.models, embedder, background: 'manual' });
    const report = await playRouter(router, ours, {
      requests: 30,
      before: (n) => (n === 20 ? embedder.fail() : undefined),
    });
    expect(report.fallbacks).toBe(10);
    await router.close();
  });

  it.each<[string, () => unknown, string, string]>([
    ['no router', () => playRouter({} as never, world(), { requests: 1 }), 'SONA_INVALID_ARGUMENT', 'router'],
    [
      'no world',
      () =>
        playRouter(
          choosing(() => 'small'),
          {} as never,
          { requests: 1 },
        ),
      'SONA_INVALID_ARGUMENT',
      'world',
    ],
    [
      'no requests',
      () =>
        playRouter(
          choosing(() => 'small'),
          world(),
          { requests: 0 },
        ),
      'SONA_OUT_OF_RANGE',
      'options.requests',
    ],
    [
      'a number in place of a function',
      () =>
        playRouter(
          choosing(() => 'small'),
          world(),
          { requests: 1, before: 1 as never },
        ),
      'SONA_INVALID_ARGUMENT',
      'options.before',
    ],
    [
      'a model that the world does not have',
      () =>
        playRouter(
          choosing(() => 'medium'),
          world(),
          { requests: 1 },
        ),
      'SONA_UNKNOWN_MODEL',
      'model',
    ],
    [
      'a router that takes no outcome',
      () => {
        const router = {
          ...choosing(() => 'small'),
          feedback: () => ({ applied: false, reason: 'expired' }),
        };
        return playRouter(router, world(), { requests: 1 });
      },
      'SONA_INVALID_ARGUMENT',
      'router',
    ],
  ])('refuses %s', async (_, call, code, argument) => {
    expect(await refusal(call)).toMatchObject({ code, details: { argument } });
  });
});
