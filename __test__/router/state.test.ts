// Snapshots, files and merging: nothing is lost, nothing counts twice.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../bench/lib/random.mts';
import { fitBasis, type RouterConfig, SonaEngine, SonaRouter } from '../../index.ts';
import { fixedClock } from '../../testing.ts';
import { refusal } from '../support/errors.ts';
import { routers, temporaryFolder } from '../support/fixture.ts';
import {
  basis,
  bytes,
  DIM,
  distance,
  expectations,
  models,
  NOON,
  outlook,
  prompt,
  quality,
  teach,
} from '../support/routers.ts';
import { gaussian } from '../support/vectors.ts';

const make = routers();
const folder = temporaryFolder();

const clock = fixedClock(NOON);
const { now } = clock;

/** Everything that a router does, seeded by `part`; what was seen. */
function live(router: SonaRouter, part: number): unknown[] {
  const seen: unknown[] = [];
  const off = router.on('drift', (event) => seen.push(event));
  const random = new Random(part);
  const open: string[] = [];
  for (let n = 0; n < 120; n++) {
    clock.advance(1_000);
    const decision = router.route(prompt(n % 2, 1_000 * part + n), {
      ...(n % 3 === 0 && { sessionId: `session ${n % 9}` }),
      ...(n % 4 === 0 && { tenant: `tenant ${n % 8}` }),
      ...(n % 5 === 0 && { promptTokens: 100 * (1 + (n % 7)), maxCostUsd: 1 }),
      ...(n % 17 === 0 && { mode: 'observe' }),
    });
    seen.push(decision, decision.explain());
    open.push(decision.id);
    // every other outcome comes late
    const id = n % 2 === 0 ? decision.id : (open[Math.max(0, open.length - 9)] as string);
    const told = {
      ...(n % 7 !== 0 && { quality: quality(decision.model, n % 2, random) }),
      ...(n % 3 !== 0 && { costUsd: 0.001 * random.uniform(), latencyMs: 100 + 900 * random.uniform() }),
      ...(n % 11 === 0 && { error: n % 2 === 0 ? true : 'timed out', source: 'watchdog' }),
      ...(n % 13 === 0 && { model: 'dull' }),
    };
    seen.push(router.feedback(id, told));
    if (n % 10 === 0) seen.push(router.feedback(id, { quality: 0.5, source: 'judge', amend: true }));
    if (n === 40) router.addModel({ id: `new ${part}`, tags: ['code'], prior: { costUsd: 0.002 } });
    if (n === 60) router.updatePrice('poet', { inputUsdPer1M: 0.2 });
    if (n === 80) seen.push(router.forget({ source: 'watchdog' }));
    if (n === 100) router.removeModel(`new ${part}`);
  }
  seen.push(router.stats(), [...router.exportLog()], outlook(router, { tenant: 'tenant 4' }), bytes(router));
  off();
  return seen;
}

const configs: [string, Partial<RouterConfig>][] = [
  ['as it is', {}],
  ['with a basis that is being fitted', { features: { dim: DIM } }],
  [
    'with a budget',
    { exploration: 'igw', objective: { costWeight: 0.2, latencyWeight: 0.1, budgetUsdPerRequest: 0.001 } },
  ],
  [
    'with little room',
    { exploration: 'thompson', propensityFloor: 0.05, pendingCapacity: 30, tenantCapacity: 1, seed: 3 },
  ],
];

describe('a restored router', () => {
  it.each(configs)(
    'answers and learns on as the one that it was taken of, bit for bit, %s',
    async (_, config) => {
      const router = make({ now, ...config });
      // through the first fits of a basis, and between two of them
      for (let part = 1; part <= 6; part++) live(router, part);
      const copy = SonaRouter.restore(router.snapshot(), { now, continues: true });
      expect(bytes(copy)).toBe(bytes(router));
      const start = clock.now();
      const on = live(router, 7);
      clock.set(start);
      expect(live(copy, 7)).toEqual(on);
      const file = join(folder, 'router');
      await copy.save(file);
      const loaded = await SonaRouter.load(file, { now, continues: true });
      const later = clock.now();
      const further = [8, 9, 10].flatMap((part) => live(router, part));
      clock.set(later);
      expect([8, 9, 10].flatMap((part) => live(loaded, part))).toEqual(further);
      await Promise.all([router, copy, loaded].map((each) => each.close()));
    },
  );

  it('knows its settings, and takes what a snapshot does not hold', async () => {
    const router = make({ exploration: 'greedy', features: { basis } });
    teach(router, 20);
    const engine = SonaEngine.withConfig({ hiddenDim: DIM });
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const copy = SonaRouter.restore(router.snapshot(), { now: () => NOON + 5, log, engine });
    const explanation = copy.route(prompt(0, 1)).explain();
    expect(explanation).toMatchObject({ exploration: 'greedy', patterns: [] });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ id: explanation.id, at: NOON + 5 });
    expect(copy.models()).toEqual(router.models());
    const other = SonaEngine.withConfig({ hiddenDim: DIM + 1 });
    expect(await refusal(() => SonaRouter.restore(router.snapshot(), { engine: other }))).toMatchObject({
      code: 'SONA_INVALID_ARGUMENT',
      details: { argument: 'engine.hiddenDim', expected: "8, the router's features.dim", got: '9' },
    });
    await Promise.all([engine.close(), other.close()]);
  });

  it('is a router of its own', () => {
    const router = make();
    const state = router.snapshot();
    teach(SonaRouter.restore(state), 20);
    expect(Buffer.compare(router.snapshot(), state)).toBe(0);
  });
});

describe('a state', () => {
  const router = make({ now: () => NOON });
  teach(router, 30, 1, (n) => ({ tenant: 'a', sessionId: `${n}` }));
  const state = router.snapshot();

  it('that is damaged is refused', async () => {
    const before = bytes(router);
    for (let n = 0; n < 200; n++) {
      const at = Math.floor((n * state.length) / 200);
      const broken = Uint8Array.from(state);
      broken[at] = (broken[at] as number) ^ (1 << (n % 8));
      for (const use of [() => SonaRouter.restore(broken), () => router.merge(broken)]) {
        expect((await refusal(use)).code).toMatch(/^SONA_(CORRUPT|INCOMPATIBLE)_STATE$/);
      }
      const short = state.subarray(0, at);
      expect((await refusal(() => SonaRouter.restore(short))).code).toMatch(
        /^SONA_(CORRUPT|INCOMPATIBLE)_STATE$/,
      );
    }
    expect(bytes(router)).toBe(before);
  });

  it('of something else is refused', async () => {
    const engine = SonaEngine.withConfig({ hiddenDim: DIM });
    const of = engine.snapshot();
    for (const use of [
      () => SonaRouter.restore(of),
      () => router.merge(of),
      () => SonaEngine.restore(state),
      () => SonaRouter.restore(new Uint8Array(100)),
    ]) {
      expect((await refusal(use)).code).toBe('SONA_INCOMPATIBLE_STATE');
    }
    await engine.close();
  });

  it('may lie in shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(state.length));
    shared.set(state);
    expect(bytes(SonaRouter.restore(shared))).toBe(bytes(router));
  });
});

describe('a file', () => {
  it('is the old one or the new one', async () => {
    const router = make();
    const path = join(folder, 'atomic');
    await router.save(path);
    const old = readFileSync(path);
    teach(router, 20);
    expect((await refusal(() => router.save(join(folder, 'nowhere', 'state')))).code).toBe('SONA_IO');
    expect((await refusal(() => router.save(folder))).code).toBe('SONA_IO');
    expect(readFileSync(path)).toEqual(old);
    await router.save(path);
    expect(readFileSync(path)).toEqual(Buffer.from(router.snapshot()));
    expect(readdirSync(folder).filter((name) => name.startsWith('atomic'))).toEqual(['atomic']);
  });

  it('that is none is refused', async () => {
    expect((await refusal(() => SonaRouter.load(join(folder, 'missing')))).code).toBe('SONA_IO');
    const path = join(folder, 'text');
    writeFileSync(path, 'no state');
    expect((await refusal(() => SonaRouter.load(path))).code).toBe('SONA_INCOMPATIBLE_STATE');
  });

  it('that is being written is waited for by close', async () => {
    const router = make();
    teach(router, 20);
    const path = join(folder, 'closing');
    const saving = router.save(path);
    await router.close();
    await saving;
    expect(SonaRouter.restore(readFileSync(path)).stats().learned).toBe(20);
  });
});

describe('merging', () => {
  /** Learns what only it sees. */
  function origin(name: string, seed: number): SonaRouter {
    const router = make({ origin: name });
    teach(router, 80, seed, undefined, (n, quality) => ({
      quality,
      costUsd: 0.001 * (1 + (n % 3)),
      latencyMs: 100 + n,
      ...(n % 20 === 0 && { error: true }),
    }));
    return router;
  }

  /** What is merged of a router: everything but what is its own. */
  const shared = (router: SonaRouter) =>
    router.stats().models.map(({ id, outcomes, quality, costUsd, latencyMs, availability }) => ({
      id,
      outcomes,
      quality,
      costUsd,
      latencyMs,
      availability,
    }));

  function expectAlike(a: SonaRouter, b: SonaRouter): void {
    expect(distance(expectations(a), expectations(b))).toBeLessThan(1e-9);
    for (const [n, model] of shared(a).entries()) {
      const other = shared(b)[n];
      for (const [key, value] of Object.entries(model)) {
        const same = other?.[key as keyof typeof other];
        if (typeof value === 'number') expect(value, `${model.id} ${key}`).toBeCloseTo(same as number, 9);
        else expect(value).toBe(same);
      }
    }
  }

  it('gives the same in both orders', () => {
    const states = ['a', 'b', 'c'].map((name, n) => origin(name, n + 1).snapshot());
    const merged = [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ].map(([first = 0, ...others]) => {
      const router = SonaRouter.restore(states[first] as Uint8Array);
      for (const other of others)
        expect(router.merge(states[other] as Uint8Array)).toEqual({ origins: 1, outOfReach: 0 });
      return router;
    });
    for (const router of merged) {
      // both others, and its own former life
      expect(router.stats().origins).toBe(3);
      expectAlike(router, merged[0] as SonaRouter);
    }
    // and by way of others
    const [far, near] = ['d', 'e'].map((name) => make({ origin: name }));
    far?.merge(states[0] as Uint8Array);
    far?.merge(states[1] as Uint8Array);
    near?.merge(states[2] as Uint8Array);
    // the one that passed them on has learned nothing itself
    expect(near?.merge(far?.snapshot() as Uint8Array)).toEqual({ origins: 2, outOfReach: 0 });
    expectAlike(near as SonaRouter, merged[0] as SonaRouter);
  });

  it('knows what each alone knew', () => {
    const [a, b] = [origin('a', 1), origin('b', 2)];
    const counts = [a, b].map((router) => shared(router).map(({ outcomes }) => outcomes));
    a.merge(b.snapshot());
    expect(shared(a).map(({ outcomes }) => Math.round(outcomes))).toEqual(
      [0, 1, 2].map((n) => (counts[0]?.[n] ?? 0) + (counts[1]?.[n] ?? 0)),
    );
  });

  it('again changes nothing', () => {
    const [a, b] = [origin('a', 1), origin('b', 2)];
    a.merge(b.snapshot());
    const before = bytes(a);
    expect(a.merge(b.snapshot())).toEqual({ origins: 0, outOfReach: 0 });
    expect(a.merge(a.snapshot())).toEqual({ origins: 0, outOfReach: 0 });
    expect(bytes(a)).toBe(before);
  });

  it('takes the newest of each origin', () => {
    const [a, b] = [origin('a', 1), origin('b', 2)];
    const early = b.snapshot();
    a.merge(early);
    teach(b, 40, 9);
    expect(a.merge(b.snapshot())).toEqual({ origins: 1, outOfReach: 0 });
    expect(a.merge(early)).toEqual({ origins: 0, outOfReach: 0 });
    const direct = origin('a', 1);
    direct.merge(b.snapshot());
    expectAlike(a, direct);
  });

  it('can tell two that went on from one snapshot apart when they have origins of their own', () => {
    const first = origin('a', 1);
    const second = SonaRouter.restore(first.snapshot(), { origin: 'b' });
    teach(first, 40, 5);
    teach(second, 40, 6);
    const total = [first, second].map((router) =>
      router.stats().models.reduce((sum, { outcomes }) => sum + outcomes, 0),
    );
    expect(total).toEqual([120, 120]);
    first.merge(second.snapshot());
    expect(first.stats().models.reduce((sum, { outcomes }) => sum + outcomes, 0)).toBeCloseTo(160, 9);
  });

  it('goes on learning', () => {
    const [a, b] = [origin('a', 1), origin('b', 2)];
    a.merge(b.snapshot());
    teach(a, 40, 7);
    const copy = SonaRouter.restore(a.snapshot());
    expect(bytes(copy)).toBe(bytes(a));
    expect(a.stats()).toMatchObject({ learned: 120, origins: 1 });
  });

  it('brings models that come later', () => {
    const a = make({ origin: 'a', models: models.slice(0, 2) });
    const b = origin('b', 2);
    a.merge(b.snapshot());
    a.addModel(models[2] as (typeof models)[number]);
    expect(shared(a)[2]).toEqual(shared(b)[2]);
    expect(shared(a)[2]?.outcomes).toBeGreaterThan(0);
  });

  it('is refused for another basis, or one that is being fitted', async () => {
    const router = make();
    const before = bytes(router);
    const other = fitBasis(
      Array.from({ length: 100 }, (_, n) => gaussian(DIM, n)),
      { id: 'other' },
    );
    const elsewhere = make({ features: { basis: other }, origin: 'b' });
    const error = await refusal(() => router.merge(elsewhere.snapshot()));
    expect(error.code).toBe('SONA_INCOMPATIBLE_STATE');
    expect(error.message).toContain(basis.hash);
    expect(error.message).toContain(other.hash);
    const fitting = make({ features: { dim: DIM }, origin: 'c' });
    const twin = make({ features: { dim: DIM }, origin: 'd' });
    expect((await refusal(() => fitting.merge(twin.snapshot()))).message).toContain('still being fitted');
    expect(bytes(router)).toBe(before);
  });

  it('is possible with the basis of another', () => {
    const fitting = make({ features: { dim: DIM } });
    teach(fitting, 520);
    const mine = make({ features: { basis: fitting.basis() }, origin: 'a' });
    const yours = make({ features: { basis: fitting.basis() }, origin: 'b' });
    teach(yours, 20);
    expect(mine.merge(yours.snapshot())).toEqual({ origins: 1, outOfReach: 0 });
    expect(mine.stats().basis).toMatchObject({ id: 'auto-500', fitting: false });
  });
});
