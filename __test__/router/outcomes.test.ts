// Outcomes come late, in parts, wrong, or not at all.
import { describe, expect, it } from 'vitest';
import type { Explanation, Outcome, RouterDecision, SonaRouter } from '../../index.ts';
import { fixedClock } from '../../testing.ts';
import { routers } from '../support/fixture.ts';
import { bytes, distance, expectations, idAt, NOON, outlook, prompt, teach } from '../support/routers.ts';

const make = routers();

/** A router that has learned a little. */
function taught(config: Parameters<typeof make>[0] = {}): SonaRouter {
  const router = make(config);
  teach(router, 60);
  return router;
}

const stats = (router: SonaRouter, id: string) => router.stats().models.find((model) => model.id === id);

describe('an outcome in parts', () => {
  it('teaches what one at once does', () => {
    const [parts, whole] = [taught(), taught()];
    const outcome = { quality: 0.75, costUsd: 0.002, latencyMs: 350, error: false };
    const id = parts.route(prompt(0, 1)).id;
    for (const part of Object.entries(outcome)) {
      expect(parts.feedback(id, Object.fromEntries([part]))).toEqual({ applied: true });
    }
    whole.feedback(whole.route(prompt(0, 1)).id, outcome);
    expect(distance(expectations(parts), expectations(whole))).toBeLessThan(1e-12);
    expect(parts.stats().models).toEqual(whole.stats().models);
  });

  it('may come long after others', () => {
    const router = taught();
    const { id, model } = router.route(prompt(0, 1));
    expect(router.feedback(id, { costUsd: 0.5 })).toEqual({ applied: true });
    teach(router, 20, 4);
    expect(router.feedback(id, { quality: 0.5 })).toEqual({ applied: true });
    expect(router.feedback(id, { latencyMs: 200 })).toEqual({ applied: true });
    expect(stats(router, model)?.latencyMs).toBeGreaterThan(100);
  });

  it('is taken once', () => {
    const router = taught();
    const { id } = router.route(prompt(0, 1));
    router.feedback(id, { quality: 0.5, costUsd: 0.1 });
    const before = bytes(router);
    const again: Outcome[] = [
      { quality: 0.5 },
      { quality: 0.9 },
      { costUsd: 0 },
      { quality: 1, latencyMs: 5 },
    ];
    for (const outcome of again) {
      expect(router.feedback(id, outcome)).toEqual({ applied: false, reason: 'repeated' });
    }
    expect(bytes(router)).toBe(before);
    expect(router.feedback(id, { latencyMs: 5 })).toEqual({ applied: true });
  });

  it('teaches nothing that it does not tell', () => {
    const router = taught();
    const [before, { models }] = [expectations(router), router.stats()];
    const { id, model } = router.route(prompt(0, 1));
    router.feedback(id, { costUsd: 0.01, latencyMs: 500 });
    expect(distance(expectations(router), before)).toBe(0);
    const known = models.find((known) => known.id === model);
    expect(stats(router, model)).toMatchObject({
      outcomes: known?.outcomes,
      quality: known?.quality,
      availability: known?.availability,
    });
    expect(stats(router, model)?.costUsd).not.toBe(known?.costUsd);
  });

  it('is empty without any', () => {
    const router = taught();
    const { id } = router.route(prompt(0, 1));
    const before = bytes(router);
    for (const outcome of [{}, { source: 'a' }, { model: 'poet' }, { amend: true }, { quality: undefined }]) {
      expect(router.feedback(id, outcome as Outcome)).toEqual({ applied: false, reason: 'empty' });
    }
    expect(bytes(router)).toBe(before);
  });
});

describe('an outcome that is corrected', () => {
  it('leaves what telling the right one at once leaves', () => {
    for (const wrong of [0, 0.3, 1]) {
      const [amended, right] = [taught(), taught()];
      const id = amended.route(prompt(0, 1), { tenant: 'a' }).id;
      amended.feedback(id, { quality: wrong, costUsd: 9, latencyMs: 9_000, error: true, source: 'nobody' });
      amended.feedback(id, {
        quality: 0.8,
        costUsd: 0.001,
        latencyMs: 90,
        error: false,
        source: 'judge',
        amend: true,
      });
      right.feedback(right.route(prompt(0, 1), { tenant: 'a' }).id, {
        quality: 0.8,
        costUsd: 0.001,
        latencyMs: 90,
        error: false,
        source: 'judge',
      });
      for (const router of [amended, right]) teach(router, 30, 5, () => ({ tenant: 'a' }));
      for (const tenant of ['a', 'b']) {
        expect(distance(expectations(amended, { tenant }), expectations(right, { tenant }))).toBeLessThan(
          1e-9,
        );
      }
      for (const [n, model] of amended.stats().models.entries()) {
        const other = right.stats().models[n];
        expect(model).toMatchObject({ decisions: other?.decisions, availability: other?.availability });
        for (const key of ['outcomes', 'quality', 'costUsd', 'latencyMs'] as const) {
          expect(model[key]).toBeCloseTo(other?.[key] as number, 9);
        }
      }
    }
  });

  it('may be corrected to itself', () => {
    const router = taught();
    const { id } = router.route(prompt(0, 1));
    router.feedback(id, { quality: 0.5, costUsd: 0.1 });
    const before = expectations(router);
    expect(router.feedback(id, { quality: 0.5, costUsd: 0.1, amend: true })).toEqual({ applied: true });
    expect(distance(expectations(router), before)).toBeLessThan(1e-12);
  });

  it('may be the first', () => {
    const [amended, told] = [taught(), taught()];
    amended.feedback(amended.route(prompt(0, 1)).id, { quality: 0.5, amend: true });
    told.feedback(told.route(prompt(0, 1)).id, { quality: 0.5 });
    expect(bytes(amended)).toBe(bytes(told));
  });
});

describe('another model that answered', () => {
  it('is who learns', () => {
    const [router, direct] = [taught(), taught()];
    const { id } = router.route(prompt(0, 1), { eligible: ['poet'] });
    router.feedback(id, { quality: 0.7, costUsd: 0.01, latencyMs: 40, model: 'dull' });
    direct.feedback(direct.route(prompt(0, 1), { eligible: ['dull'] }).id, {
      quality: 0.7,
      costUsd: 0.01,
      latencyMs: 40,
    });
    expect(distance(expectations(router), expectations(direct))).toBeLessThan(1e-12);
    const [told, meant] = [stats(router, 'dull'), stats(direct, 'dull')];
    expect(told).toEqual({ ...meant, decisions: (meant?.decisions ?? 0) - 1 });
    expect(stats(router, 'poet')?.outcomes).toBe(stats(direct, 'poet')?.outcomes);
  });

  it('may turn out later', () => {
    const [late, at] = [taught(), taught()];
    const outcome = { quality: 0.7, costUsd: 0.01, latencyMs: 40 };
    const id = late.route(prompt(0, 1), { eligible: ['poet'] }).id;
    late.feedback(id, outcome);
    expect(late.feedback(id, { model: 'coder', amend: true })).toEqual({ applied: true });
    at.feedback(at.route(prompt(0, 1), { eligible: ['poet'] }).id, { ...outcome, model: 'coder' });
    expect(distance(expectations(late), expectations(at))).toBeLessThan(1e-9);
    for (const model of ['poet', 'coder']) {
      const [a, b] = [stats(late, model), stats(at, model)];
      expect(a?.availability).toBe(b?.availability);
      expect(a?.outcomes).toBeCloseTo(b?.outcomes ?? 0, 9);
      expect(a?.costUsd).toBeCloseTo(b?.costUsd ?? 0, 9);
    }
  });
});

describe('an error', () => {
  it('counts against availability, and so against the rank, but not against the quality of answers', () => {
    const router = taught();
    const qualities = () =>
      outlook(router).map((explanation) =>
        (explanation as Explanation).candidates
          .map(({ model, expected }): [string, number] => [model, expected.quality])
          .sort(),
      );
    const before = qualities();
    const worth = expectations(router);
    for (const error of [true, 'timed out', '']) {
      const { id } = router.route(prompt(0, 1), { eligible: ['poet'] });
      expect(router.feedback(id, { error })).toEqual({ applied: true });
    }
    expect(qualities()).toEqual(before);
    for (const [n, after] of expectations(router).entries()) {
      expect(after.poet).toBeLessThan(worth[n]?.poet as number);
      expect([after.coder, after.dull]).toEqual([worth[n]?.coder, worth[n]?.dull]);
    }
    const { outcomes, availability } = stats(router, 'poet') ?? {};
    expect(availability).toBeCloseTo((outcomes ?? 0) / ((outcomes ?? 0) + 3), 12);
  });

  it('lets a model rest after three in a row, twice as long each time', () => {
    const clock = fixedClock(NOON);
    const router = taught({ now: clock.now });
    const fail = () =>
      router.feedback(router.route(prompt(0, 1), { eligible: ['coder'] }).id, { error: true });
    const filters = () =>
      router
        .route(prompt(0, 1), { mode: 'observe' })
        .explain()
        .candidates.filter(({ model }) => model === 'coder')
        .flatMap((candidate) => candidate.filters);
    fail();
    fail();
    expect([filters(), stats(router, 'coder')?.restsUntil]).toEqual([[], null]);
    fail();
    expect([filters(), stats(router, 'coder')?.restsUntil]).toEqual([['failing'], NOON + 30_000]);
    expect(router.route(prompt(0, 1)).model).not.toBe('coder');
    clock.advance(30_000);
    expect(filters()).toEqual([]);
    fail();
    expect(stats(router, 'coder')?.restsUntil).toBe(clock.now() + 60_000);
    router.feedback(router.route(prompt(0, 1), { eligible: ['coder'] }).id, { quality: 0.9 });
    expect([filters(), stats(router, 'coder')?.restsUntil]).toEqual([[], null]);
  });

  it('never leaves nobody', () => {
    const router = taught();
    for (const model of ['coder', 'poet', 'dull']) {
      for (let n = 0; n < 3; n++) {
        const { id } = router.route(prompt(0, 1), { eligible: [model] });
        router.feedback(id, { error: true });
      }
    }
    expect(router.route(prompt(0, 1)).ranked).toHaveLength(3);
    expect(router.route(prompt(0, 1), { eligible: ['dull'] }).model).toBe('dull');
  });
});

describe('a decision', () => {
  it('is held for pendingTtlMs', () => {
    const clock = fixedClock(NOON);
    const router = taught({ now: clock.now, pendingTtlMs: 1_000 });
    const [early, late] = [router.route(prompt(0, 1)).id, router.route(prompt(0, 2)).id];
    clock.advance(1_000);
    expect(router.feedback(early, { quality: 0.5 })).toEqual({ applied: true });
    clock.advance(1);
    expect(router.feedback(late, { quality: 0.5 })).toEqual({ applied: false, reason: 'expired' });
    expect(router.feedback(early, { quality: 0.5, amend: true })).toEqual({
      applied: false,
      reason: 'expired',
    });
    // the next decisions give up what has expired
    for (let n = 0; n < 30; n++) router.route(prompt(0, n));
    expect(router.stats().pending).toBe(30);
  });

  it('is held while it is one of the newest pendingCapacity', () => {
    const router = make({ pendingCapacity: 2 });
    const ids = [1, 2, 3].map((n) => router.route(prompt(0, n)).id);
    expect(ids.map((id) => router.feedback(id, { quality: 0.5 }))).toEqual([
      { applied: false, reason: 'expired' },
      { applied: true },
      { applied: true },
    ]);
  });

  it('is not known before it was made', () => {
    const router = make();
    const [{ id }] = teach(router, 60) as [RouterDecision];
    const before = bytes(router);
    for (const number of [61, 10_000, Number.MAX_SAFE_INTEGER]) {
      expect(router.feedback(idAt(id, number), { quality: 0.5 })).toEqual({
        applied: false,
        reason: 'unknown',
      });
    }
    expect(bytes(router)).toBe(before);
  });

  it('learns nothing when it was only observed, unless told who answered', () => {
    const router = taught();
    const { id } = router.route(prompt(0, 1), { mode: 'observe' });
    const before = bytes(router);
    expect(router.feedback(id, { quality: 1 })).toEqual({ applied: false, reason: 'observed' });
    expect(bytes(router)).toBe(before);
    expect(router.feedback(id, { quality: 1, model: 'dull' })).toEqual({ applied: true });
    expect(router.feedback(id, { costUsd: 1 })).toEqual({ applied: true });
  });
});

describe('forget', () => {
  it('takes outcomes out of every count and mean', () => {
    const [router, innocent] = [make(), make()];
    const told: Outcome[] = [];
    const decisions = teach(router, 60, 1, undefined, (n, quality) => {
      const source = n % 5 === 0 ? 'spam' : 'judge';
      const outcome = { quality, costUsd: 0.001 * (1 + n), latencyMs: 100 + n, source };
      told.push(outcome);
      return outcome;
    });
    for (const [n, { model }] of decisions.entries()) {
      const { id } = innocent.route(prompt(n % 2, 1_000 + n));
      if (n % 5 !== 0) innocent.feedback(id, { ...told[n], model });
    }
    expect(router.forget({ source: 'spam' })).toEqual({ forgotten: 12, outOfReach: 0 });
    for (const [n, model] of router.stats().models.entries()) {
      const other = innocent.stats().models[n];
      for (const key of ['outcomes', 'quality', 'costUsd', 'latencyMs', 'availability'] as const) {
        expect(model[key], `${model.id} ${key}`).toBeCloseTo(other?.[key] as number, 9);
      }
    }
    expect(router.forget({ source: 'spam' })).toEqual({ forgotten: 0, outOfReach: 0 });
  });

  it('takes what every part of the criterion holds for', () => {
    const clock = fixedClock(NOON);
    const router = make({ now: clock.now });
    const ids = [0, 1, 2, 3].map((n) => {
      clock.set(NOON + n);
      const { id } = router.route(prompt(0, n));
      router.feedback(id, { quality: 0.5, source: n % 2 === 0 ? 'a' : 'b' });
      return id;
    });
    expect(router.forget({ source: 'a', before: NOON + 1 })).toEqual({ forgotten: 1, outOfReach: 0 });
    expect(router.forget({ decisionId: ids[1] as string, source: 'a' })).toEqual({
      forgotten: 0,
      outOfReach: 0,
    });
    expect(router.forget({ decisionId: ids[1] as string })).toEqual({ forgotten: 1, outOfReach: 0 });
    expect(router.forget({ before: new Date(NOON + 3) })).toEqual({ forgotten: 1, outOfReach: 0 });
    expect(router.forget({ before: NOON + 100 })).toEqual({ forgotten: 1, outOfReach: 0 });
    expect(router.feedback(ids[0] as string, { quality: 0.5 })).toEqual({ applied: true });
    const availabilities = router.stats().models.map(({ availability }) => availability);
    expect(availabilities.filter((availability) => availability !== null)).toEqual([1]);
  });

  it('says what is out of reach', () => {
    const router = make({ pendingCapacity: 10 });
    const [{ id }] = teach(router, 30, 1, undefined, (n, quality) => ({
      quality,
      source: n % 2 === 0 ? 'a' : 'b',
    })) as [RouterDecision];
    expect(router.forget({ source: 'a' })).toEqual({ forgotten: 5, outOfReach: 10 });
    expect(router.forget({ decisionId: idAt(id, 3) })).toEqual({ forgotten: 0, outOfReach: 1 });
    expect(router.forget({ source: 'nobody' })).toEqual({ forgotten: 0, outOfReach: 0 });
    expect(router.forget({ decisionId: idAt(id, 999) })).toEqual({ forgotten: 0, outOfReach: 0 });
  });
});
