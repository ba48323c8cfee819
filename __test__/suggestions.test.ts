// The outcome of a suggestion in one call: what a backend that tells no steps needs.
import { describe, expect, it } from 'vitest';
import { type SonaConfig, SonaEngine, type SuggestionOutcome } from '../index.ts';
import { manual } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { keep as opened } from './support/fixture.ts';
import { axis, near } from './support/vectors.ts';

const DIM = 8;

function make(config: SonaConfig = {}): SonaEngine {
  const engine = opened(manual({ hiddenDim: DIM, ...config }));
  for (const [i, name] of ['a', 'b', 'c'].entries()) engine.addRoute(name, { embedding: axis(DIM, i) });
  return engine;
}

const right: SuggestionOutcome = { quality: 1 };

describe('engine.feedback', () => {
  it('teaches the best route of the suggestion, or the one that was taken', () => {
    const engine = make();
    const first = engine.suggestRoutes(axis(DIM, 0));
    expect(engine.feedback(first.id, right)).toEqual({ applied: true, trajectoryId: expect.any(String) });
    const second = engine.suggestRoutes(axis(DIM, 0));
    engine.feedback(second.id, {
      quality: 0.5,
      route: 'c',
      source: 'user',
      latencyMs: 12,
      verdict: 'success',
    });
    expect(engine.routes().map(({ name, count, avgQuality }) => [name, count, avgQuality])).toEqual([
      ['a', 1, 1],
      ['b', 0, 0],
      ['c', 1, 0.5],
    ]);
    expect(engine.forget({ source: 'user' }).forgotten).toBe(1);
  });

  it('moves queries toward the route that was right', () => {
    const engine = make();
    const best = (n: number) => engine.suggestRoutes(near(axis(DIM, 0), 0.2, n));
    for (let n = 0; n < 200; n++) {
      const { id, best: chosen } = best(n);
      engine.feedback(id, { quality: chosen === 'b' ? 1 : 0 });
      if (chosen === 'b') continue;
      engine.feedback(best(1_000 + n).id, { quality: 1, route: 'b' });
    }
    const chosen = Array.from({ length: 50 }, (_, n) => best(5_000 + n).best);
    expect(chosen.filter((name) => name === 'b').length).toBeGreaterThan(45);
  });

  it('counts once, unless it is amended', () => {
    const engine = make();
    const { id } = engine.suggestRoutes(axis(DIM, 0));
    const { trajectoryId } = engine.feedback(id, { quality: 0 });
    expect(engine.feedback(id, right)).toEqual({ applied: false, reason: 'repeated' });
    expect(engine.feedback(id, { ...right, amend: true })).toEqual({ applied: true, trajectoryId });
    expect(engine.feedback(id, { ...right, amend: true })).toEqual({ applied: false, reason: 'unchanged' });
    expect(engine.routes()[0]).toMatchObject({ name: 'a', count: 1, avgQuality: 1 });
  });

  it('answers what it cannot take in', () => {
    const engine = make({ suggestionCapacity: 2 });
    const { id } = engine.suggestRoutes(axis(DIM, 0));
    expect(engine.feedback(id, {})).toEqual({ applied: false, reason: 'empty' });
    engine.setEnabled(false);
    expect(engine.feedback(id, right)).toEqual({ applied: false, reason: 'disabled' });
    engine.setEnabled(true);
    engine.removeRoute('a');
    expect(engine.feedback(id, right)).toEqual({ applied: false, reason: 'no-route' });
    engine.suggestRoutes(axis(DIM, 0));
    engine.suggestRoutes(axis(DIM, 0));
    expect(engine.feedback(id, right)).toEqual({ applied: false, reason: 'expired' });
    const number = Number(id.split('-')[1]) + 100;
    const later = id.split('-').with(1, String(number)).join('-') as typeof id;
    expect(engine.feedback(later, right)).toEqual({ applied: false, reason: 'unknown' });
    const other = make().suggestRoutes(axis(DIM, 0)).id;
    expect(engine.feedback(other, right)).toEqual({ applied: false, reason: 'foreign' });
    const { id: trajectory } = engine.beginTrajectory(axis(DIM, 0));
    expect(engine.feedback(trajectory as never, right)).toEqual({ applied: false, reason: 'foreign' });
    expect(engine.stats().trajectoriesRecorded).toBe(0);
  });

  it('is taken after a restart', async () => {
    const engine = make();
    const [answered, waiting] = [
      engine.suggestRoutes(axis(DIM, 0)).id,
      engine.suggestRoutes(axis(DIM, 1)).id,
    ];
    engine.feedback(answered, right);
    const restored = opened(SonaEngine.restore(engine.snapshot()));
    const late = engine.suggestRoutes(axis(DIM, 2)).id;
    expect(restored.feedback(answered, right)).toEqual({ applied: false, reason: 'repeated' });
    expect(restored.feedback(late, right)).toEqual({ applied: false, reason: 'foreign' });
    const text = JSON.parse(JSON.stringify({ id: waiting })) as { id: string };
    expect(restored.feedback(text.id, right)).toMatchObject({ applied: true });
    expect(restored.routes().map(({ count }) => count)).toEqual([1, 1, 0]);
  });

  it('refuses a route that nobody registered, unless it is to be created', async () => {
    const engine = make();
    const { id } = engine.suggestRoutes(axis(DIM, 0));
    expect(await refusal(() => engine.feedback(id, { quality: 1, route: 'd' }))).toMatchObject({
      code: 'SONA_UNKNOWN_ROUTE',
      details: { argument: 'outcome.route', got: 'd' },
      message: expect.stringMatching(/^outcome\.route: /),
    });
    expect(engine.stats().trajectoriesRecorded).toBe(0);
    expect(engine.feedback(id, { quality: 1, route: 'd', create: true })).toMatchObject({ applied: true });
    expect(engine.routes().map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
  });

  it.each([
    [{ quality: 2 }, 'SONA_OUT_OF_RANGE', 'outcome.quality'],
    [{ quality: Number.NaN }, 'SONA_NOT_FINITE', 'outcome.quality'],
    [{ quality: '1' }, 'SONA_INVALID_ARGUMENT', 'outcome.quality'],
    [{ quality: 1, route: '' }, 'SONA_OUT_OF_RANGE', 'outcome.route'],
    [{ quality: 1, latencyMs: -1 }, 'SONA_OUT_OF_RANGE', 'outcome.latencyMs'],
    [{ quality: 1, verdict: 'good' }, 'SONA_INVALID_ARGUMENT', 'outcome.verdict'],
    [{ quality: 1, source: 1 }, 'SONA_INVALID_ARGUMENT', 'outcome.source'],
    [{ quality: 1, create: 1 }, 'SONA_INVALID_ARGUMENT', 'outcome.create'],
    [{ quality: 1, amend: 'yes' }, 'SONA_INVALID_ARGUMENT', 'outcome.amend'],
    [{ reward: 1 }, 'SONA_INVALID_ARGUMENT', 'outcome.reward'],
    [null, 'SONA_INVALID_ARGUMENT', 'outcome'],
  ])('refuses %j', async (outcome, code, argument) => {
    const engine = make();
    const { id } = engine.suggestRoutes(axis(DIM, 0));
    const refused = await refusal(() => engine.feedback(id, outcome as never));
    expect(refused).toMatchObject({ code, details: { argument } });
    expect(engine.stats().trajectoriesRecorded).toBe(0);
  });

  it('refuses an id that is none', async () => {
    const engine = make();
    for (const id of ['', 'x', 7, null]) {
      const refused = await refusal(() => engine.feedback(id as never, right));
      expect(refused).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument: 'id' } });
    }
  });
});

describe('a trajectory that is discarded', () => {
  it('teaches nothing and is known no more', async () => {
    const engine = make();
    const trajectory = engine.beginTrajectory(axis(DIM, 0)).setRoute('a');
    const { id } = trajectory;
    trajectory.discard();
    for (const told of [trajectory, id]) {
      expect((await refusal(() => engine.endTrajectory(told, 1))).code).toBe('SONA_UNKNOWN_TRAJECTORY');
    }
    expect((await refusal(() => trajectory.discard())).code).toBe('SONA_UNKNOWN_TRAJECTORY');
    expect(engine.stats().trajectoriesRecorded).toBe(0);
    // its memory is another's now
    const next = engine.beginTrajectory(axis(DIM, 1)).setRoute('b');
    engine.endTrajectory(next, 1);
    expect(engine.routes().map(({ count }) => count)).toEqual([0, 1, 0]);
  });
});

describe('metadata of a route', () => {
  it('comes back with the route and its suggestions, also after a restart', () => {
    const engine = make();
    engine.addRoute('b', { metadata: { team: 'billing', tools: ['refund'] } });
    const expected = { team: 'billing', tools: ['refund'] };
    for (const each of [engine, opened(SonaEngine.restore(engine.snapshot()))]) {
      expect(each.routes().map(({ metadata }) => metadata)).toEqual([undefined, expected, undefined]);
      const { ranked } = each.suggestRoutes(axis(DIM, 1));
      expect(ranked[0]).toMatchObject({ route: 'b', metadata: expected });
      expect(ranked[1]?.metadata).toBeUndefined();
      expect(Object.isFrozen(ranked[0]?.metadata?.tools)).toBe(true);
    }
    engine.addRoute('b', { metadata: { team: 'support' } });
    engine.addRoute('b', { embedding: axis(DIM, 1) });
    expect(engine.suggestRoutes(axis(DIM, 1)).ranked[0]?.metadata).toEqual({ team: 'support' });
  });

  it('is seen by every thread that shares the engine', () => {
    const [one, other] = [
      opened(SonaEngine.shared('metadata', { hiddenDim: DIM })),
      opened(SonaEngine.shared('metadata')),
    ];
    one.addRoute('a', { embedding: axis(DIM, 0), metadata: { n: 1 } });
    expect(other.suggestRoutes(axis(DIM, 0)).ranked[0]?.metadata).toEqual({ n: 1 });
    one.addRoute('a', { metadata: { n: 2 } });
    expect(other.suggestRoutes(axis(DIM, 0)).ranked[0]?.metadata).toEqual({ n: 2 });
    other.removeRoute('a');
    other.addRoute('a', { embedding: axis(DIM, 0) });
    expect(one.suggestRoutes(axis(DIM, 0)).ranked[0]?.metadata).toBeUndefined();
  });

  it('is plain data', async () => {
    const engine = make();
    for (const metadata of [new Date(), 'text', [1], { at: new Date() }]) {
      const refused = await refusal(() => engine.addRoute('a', { metadata: metadata as never }));
      expect(refused.code).toBe('SONA_INVALID_ARGUMENT');
    }
    expect(engine.routes()[0]?.metadata).toBeUndefined();
  });
});
