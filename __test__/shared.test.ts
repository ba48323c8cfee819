// One engine for all threads of the process.
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type SonaConfig, SonaEngine } from '../index.ts';
import { thread } from './support/child.ts';
import { outcome, picture, teach } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { next } from './support/events.ts';
import { keep } from './support/fixture.ts';
import { axis, gaussian } from './support/vectors.ts';

const DIM = 16;
/** Requests of each thread. */
const ROUNDS = 2_000;
const query = gaussian(DIM, 1);
const config: SonaConfig = { hiddenDim: DIM, background: 'manual' };

let names = 0;
const name = () => `shared test ${++names}`;
const open = (of: string, settings?: SonaConfig) => keep(SonaEngine.shared(of, settings));

interface Counts {
  ended: number;
  amended: number;
  suggested: number;
  removed: number;
  heard: number;
}

describe('a shared engine', () => {
  it('is the same for everybody who asks for its name', () => {
    const of = name();
    const [one, other] = [open(of, config), open(of)];
    expect(one).not.toBe(other);
    outcome(one, query, 'a', 1);
    expect(other.routes()).toMatchObject([{ name: 'a', count: 1 }]);
    other.addRoute('b', { embedding: query });
    expect(
      one
        .suggestRoutes(query)
        .ranked.map(({ route }) => route)
        .sort(),
    ).toEqual(['a', 'b']);
    other.removeRoute('a');
    outcome(one, query, 'a', 1);
    expect(other.routes()).toEqual(one.routes());
    expect(other.routes().find((route) => route.name === 'a')).toMatchObject({ count: 1 });
    one.forceLearn();
    expect(picture(other, DIM)).toEqual(picture(one, DIM));
    other.setEnabled(false);
    expect(one.isEnabled()).toBe(false);
  });

  it('of another name is another one', () => {
    const [one, other] = [open(name(), config), open(name(), config)];
    outcome(one, query, 'a', 1);
    expect(other.routes()).toEqual([]);
  });

  it('knows a route that somebody else removed and added again', () => {
    const of = name();
    const [one, other] = [open(of, config), open(of)];
    one.addRoute('a', { embedding: query });
    expect(one.suggestRoutes(query, { eligible: ['a'] }).best).toBe('a');
    other.removeRoute('a');
    expect(one.suggestRoutes(query).best).toBeNull();
    expect(() => one.suggestRoutes(query, { eligible: ['a'] })).toThrow('no route named "a"');
    other.addRoute('a', { embedding: query });
    expect(one.suggestRoutes(query, { eligible: ['a'] })).toMatchObject({ best: 'a', confidence: 1 });
    expect(() => one.suggestRoutes(query, { eligible: ['a', 'b'] })).toThrow(
      'eligible[1]: no route named "b"',
    );
  });

  it('is made by the first; another config is refused, the same one is not', async () => {
    const of = name();
    const first = open(of, { ...config, seed: 7 });
    open(of, { ...config, seed: 7 });
    open(of, { seed: 7, background: 'manual', hiddenDim: DIM });
    open(of);
    const error = await refusal(() => open(of, { ...config, seed: 8 }));
    expect(error).toMatchObject({ code: 'SONA_INVALID_CONFIG', message: expect.stringContaining(of) });
    expect((await refusal(() => open(of, {}))).code).toBe('SONA_INVALID_CONFIG');
    expect(first.isEnabled()).toBe(true);
  });

  it('lives until the last one closes it', async () => {
    const of = name();
    const [one, other, third] = [open(of, config), open(of), open(of)];
    outcome(one, query, 'a', 1);
    await one.close();
    await one.close();
    expect(() => one.stats()).toThrow('closed');
    expect(other.stats().trajectoriesRecorded).toBe(1);
    other[Symbol.dispose]();
    other[Symbol.dispose]();
    expect(third.stats().trajectoriesRecorded).toBe(1);
    await third[Symbol.asyncDispose]();
    const next = open(of, { ...config, seed: 9 });
    expect(next.stats().trajectoriesRecorded).toBe(0);
  });

  it('closes at the end of the block that uses it, for that block alone', () => {
    const of = name();
    const one = open(of, config);
    {
      using other = SonaEngine.shared(of);
      outcome(other, query, 'a', 1);
    }
    expect(one.stats().trajectoriesRecorded).toBe(1);
  });

  it('keeps what each one told of it apart: builders, the last trajectory, the time', async () => {
    const of = name();
    const [one, other] = [open(of, config), open(of)];
    const told = one.beginTrajectory(query).setRoute('a');
    expect((await refusal(() => other.endTrajectory(told, 1))).code).toBe('SONA_UNKNOWN_TRAJECTORY');
    one.endTrajectory(told, 0);
    expect(other.learnFromFeedback({ verdict: 'success', latencyMs: 1, quality: 1 }).reason).toBe(
      'no-trajectory',
    );
    expect(other.learnFromFeedback({ trajectoryId: told.id, quality: 1 }).applied).toBe(true);
    expect(one.routes()).toMatchObject([{ avgQuality: 1 }]);
  });

  it('tells all that listen what its background thread learned', async () => {
    const of = name();
    const [one, other] = [open(of, { hiddenDim: DIM, backgroundEvery: 50 }), open(of)];
    const heard = Promise.all([next(one, 'learned'), next(other, 'learned')]);
    teach(one, DIM, 100);
    const [a, b] = await heard;
    expect(a).toEqual(b);
  });

  it('is restored as one of its own', () => {
    const one = open(name(), config);
    outcome(one, query, 'a', 1);
    const copy = keep(SonaEngine.restore(one.snapshot()));
    outcome(copy, query, 'a', 1);
    expect(one.routes()).toMatchObject([{ count: 1 }]);
  });
});

describe('in threads', () => {
  const settings: SonaConfig = { hiddenDim: DIM, backgroundEvery: 100, patternClusters: 10 };
  const start = (of: string, seed: number, rounds: number, how: 'close' | 'leave' | 'stay') => {
    const worker = thread('shared.mts', { name: of, rounds, seed, dim: DIM, how });
    const started = new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    const done = new Promise<Counts>((resolve, reject) => {
      worker.on('message', (message) => message !== 'started' && resolve(message));
      worker.once('error', reject);
    });
    return { worker, started, done };
  };
  const prepare = (of: string) => {
    const engine = open(of, settings);
    engine.addRoute('steady', { embedding: axis(DIM, 0) });
    engine.addRoute('coming and going', { embedding: axis(DIM, 1) });
    return engine;
  };

  it('four learn from and ask one engine; nothing fails, nothing is lost', async () => {
    const of = name();
    const engine = prepare(of);
    const threads = [1, 2, 3, 4].map((seed) => start(of, seed, ROUNDS, 'close'));
    const counts = await Promise.all(threads.map(({ done }) => done));
    const total = (key: keyof Counts) => counts.reduce((sum, each) => sum + each[key], 0);
    for (const each of counts) {
      expect([each.ended, each.suggested]).toEqual([ROUNDS, ROUNDS]);
      expect(each.removed).toBeGreaterThan(10);
    }
    await expect
      .poll(() => {
        const { trajectoriesLearned, trajectoriesBuffered, trajectoriesDropped } = engine.stats();
        return trajectoriesLearned + trajectoriesBuffered + trajectoriesDropped;
      })
      .toBe(total('ended'));
    const stats = engine.stats();
    expect(stats).toMatchObject({
      trajectoriesRecorded: total('ended'),
      failedCycles: 0,
      microDivergences: 0,
    });
    expect(stats.learningCycles).toBeGreaterThan(0);
    expect(total('amended')).toBeGreaterThan(10);
    // a third of all, and whoever told it
    const steady = engine.routes().find((route) => route.name === 'steady');
    expect(steady?.count).toBeGreaterThan(total('ended') / 4);
    expect(engine.applyLora(query).every(Number.isFinite)).toBe(true);
  });

  it('one closes it, one leaves without, one is torn down, while others use it; the last ends it', async () => {
    const of = name();
    const engine = prepare(of);
    const [closing, leaving, torn] = [
      start(of, 1, 500, 'close'),
      start(of, 2, 1_000, 'leave'),
      start(of, 3, Number.POSITIVE_INFINITY, 'stay'),
    ];
    // listened for from the start: the first may be gone before the last has begun
    const exits = [closing, leaving, torn].map(({ worker }) => once(worker, 'exit'));
    await Promise.all([closing, leaving, torn].map(({ started }) => started));
    await Promise.all([closing.done, leaving.done]);
    outcome(engine, query, 'steady', 1);
    await torn.worker.terminate();
    await Promise.all(exits);
    outcome(engine, query, 'steady', 1);
    expect(engine.suggestRoutes(query).ranked.length).toBeGreaterThan(0);
    await engine.close();
    // a thread that ends lets go of its share on its way out
    await expect
      .poll(async () => {
        const next = SonaEngine.shared(of);
        const { trajectoriesRecorded } = next.stats();
        await next.close();
        return trajectoriesRecorded;
      })
      .toBe(0);
  });
});
