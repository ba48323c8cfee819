import { describe, expect, it } from 'vitest';
import { SonaEngine, SonaRouter } from '../../index.ts';
import { fixedClock } from '../../testing.ts';
import { refusal } from '../support/errors.ts';

describe('fixedClock', () => {
  it('stands until it is moved, forward by steps and anywhere by hand', () => {
    const clock = fixedClock(1_000);
    expect([clock.now(), clock.now()]).toEqual([1_000, 1_000]);
    expect(clock.advance(250)).toBe(1_250);
    expect(clock.advance(0)).toBe(1_250);
    expect(clock.set(7)).toBe(7);
    const { now } = clock;
    expect(now()).toBe(7);
    expect(new Date(fixedClock().now()).getUTCFullYear()).toBe(2027);
  });

  it.each<[string, (clock: ReturnType<typeof fixedClock>) => unknown, string, string]>([
    ['a start of 0', () => fixedClock(0), 'SONA_OUT_OF_RANGE', 'startMs'],
    ['a start that is no number', () => fixedClock('now' as never), 'SONA_INVALID_ARGUMENT', 'startMs'],
    ['a step back', (clock) => clock.advance(-1), 'SONA_OUT_OF_RANGE', 'ms'],
    ['half a millisecond', (clock) => clock.advance(0.5), 'SONA_OUT_OF_RANGE', 'ms'],
    ['a step beyond all times', (clock) => clock.advance(2 ** 53), 'SONA_OUT_OF_RANGE', 'ms'],
    ['a date', (clock) => clock.set(new Date() as never), 'SONA_INVALID_ARGUMENT', 'ms'],
    ['no time', (clock) => clock.set(Number.NaN), 'SONA_OUT_OF_RANGE', 'ms'],
  ])('refuses %s and stays', async (_, call, code, argument) => {
    const clock = fixedClock(1_000);
    expect(await refusal(() => call(clock))).toMatchObject({ code, details: { argument } });
    expect(clock.now()).toBe(1_000);
  });

  it('is the time of a router and of an engine', async () => {
    const clock = fixedClock();
    const router = new SonaRouter({ models: [{ id: 'a' }], now: clock.now, pendingTtlMs: 1_000 });
    const { id } = router.route('hello');
    clock.advance(1_001);
    expect(router.feedback(id, { quality: 1 })).toEqual({ applied: false, reason: 'expired' });
    await router.close();

    const engine = new SonaEngine({ hiddenDim: 2, now: clock.now, background: 'manual' });
    engine.endTrajectory(engine.beginTrajectory([1, 0]), 1);
    clock.advance(10);
    engine.endTrajectory(engine.beginTrajectory([0, 1]), 1);
    expect(engine.forget({ before: clock.now() }).forgotten).toBe(1);
    await engine.close();
  });
});
