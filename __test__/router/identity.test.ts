import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type RouterDecision, readLog, SonaEngine, SonaRouter } from '../../index.ts';
import { refusal } from '../support/errors.ts';
import { routers, temporaryFolder } from '../support/fixture.ts';
import { anonymous, bytes, DIM, idAt, NOON, numberOf, prompt, teach } from '../support/routers.ts';

const make = routers();
const folder = temporaryFolder();

const foreign = { applied: false, reason: 'foreign' };
const applied = { applied: true };
const now = () => NOON;

/** Outcomes that a router counts, of all models. */
const count = (router: SonaRouter) => router.stats().models.reduce((sum, { outcomes }) => sum + outcomes, 0);

describe('the id of a decision', () => {
  it('is a string that names who made it', () => {
    const router = make();
    const ids = teach(router, 30).map(({ id }) => id);
    for (const id of ids) expect(id).toMatch(/^r[0-9a-f]{16}-\d+$/);
    expect(ids.map(numberOf)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
    expect(new Set(ids.map((id) => id.slice(0, 17))).size).toBe(1);
    const observed = router.route(prompt(0, 1), { mode: 'observe' });
    expect(observed.id).toBe(idAt(ids[0] as string, 31));
    expect(observed.explain().id).toBe(observed.id);
  });

  it('is of no two routers, not of the same settings and seed either', () => {
    const begins = Array.from({ length: 200 }, () => make().route(prompt(0, 1)).id);
    expect(new Set(begins).size).toBe(200);
  });

  it('is refused where it is none', async () => {
    const router = make();
    for (const id of [1, '1', 'r1', '', null, {}, 'r0123456789abcdef-0']) {
      expect(await refusal(() => router.feedback(id as string, { quality: 1 }))).toMatchObject({
        code: 'SONA_INVALID_ARGUMENT',
        details: { argument: 'id' },
      });
    }
  });
});

describe('the decision of another router', () => {
  it('is foreign, whatever is told of it', () => {
    const [one, two] = [make({ origin: 'one' }), make({ origin: 'two' })];
    teach(one, 10);
    teach(two, 10);
    const before = bytes(two);
    for (const id of [one.route(prompt(0, 1)).id, idAt(one.route(prompt(0, 1)).id, 3)]) {
      for (const outcome of [{ quality: 1 }, { error: true }, { quality: 0, amend: true }, {}]) {
        expect(two.feedback(id, outcome)).toEqual(foreign);
      }
    }
    expect(bytes(two)).toBe(before);
    const { id } = one.route(prompt(0, 1));
    expect(two.forget({ decisionId: id })).toEqual({ forgotten: 0, outOfReach: 0 });
    expect(two.stats()).toMatchObject({ learned: 10, decisions: 10 });
  });

  it('is told by its name in the log, too', () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    for (const router of [make({ log }), make({ log })]) teach(router, 5);
    const values = lines.map((line) => JSON.parse(line) as { v: number; id: string });
    expect(values.every(({ v }) => v === 2)).toBe(true);
    expect(new Set(values.map(({ id }) => id)).size).toBe(10);
  });

  it('is foreign where an engine made it, or asked', async () => {
    const engine = SonaEngine.withConfig({ hiddenDim: DIM, background: 'manual' });
    const router = make();
    teach(router, 3);
    const before = bytes(router);
    const suggestion = engine.suggestRoutes(prompt(0, 1));
    const trajectory = engine.beginTrajectory(prompt(0, 1)).setRoute('a');
    engine.endTrajectory(trajectory, 1);
    for (const id of [suggestion.id, trajectory.id] as string[]) {
      expect(router.feedback(id, { quality: 1 })).toEqual(foreign);
      expect(router.forget({ decisionId: id })).toEqual({ forgotten: 0, outOfReach: 0 });
    }
    expect(bytes(router)).toBe(before);
    await engine.close();
  });
});

describe('a process that was killed after its last save', () => {
  /** What is left of a router: what it had saved, a decision that came with that, and one that was lost. */
  function killed(): { state: Uint8Array; saved: RouterDecision; lost: RouterDecision } {
    const router = make();
    teach(router, 10);
    const saved = router.route(prompt(0, 1), { eligible: ['coder'] });
    const state = router.snapshot();
    return { state, saved, lost: router.route(prompt(0, 2), { eligible: ['coder'] }) };
  }

  it('takes outcomes of what was saved, not of what was lost', () => {
    const { state, saved, lost } = killed();
    const second = SonaRouter.restore(state, { now });
    const before = bytes(second);
    expect(second.feedback(lost.id, { quality: 0 })).toEqual(foreign);
    expect(bytes(second)).toBe(before);
    const fresh = second.route(prompt(1, 1), { eligible: ['poet'] });
    expect(numberOf(fresh.id)).toBe(numberOf(lost.id));
    expect(fresh.id).not.toBe(lost.id);
    expect(second.feedback(lost.id, { quality: 0 })).toEqual(foreign);
    expect(second.feedback(saved.id, { quality: 1 })).toEqual(applied);
    expect(second.feedback(saved.id, { quality: 0.5, amend: true })).toEqual(applied);
    expect(second.feedback(fresh.id, { quality: 1 })).toEqual(applied);
    expect(count(second)).toBe(12);
    expect(second.forget({ decisionId: saved.id })).toEqual({ forgotten: 1, outOfReach: 0 });
    expect(second.forget({ decisionId: lost.id })).toEqual({ forgotten: 0, outOfReach: 0 });
  });

  it('does so from a file, and when its state is restored twice', async () => {
    const { state, saved, lost } = killed();
    const file = join(folder, 'killed');
    await SonaRouter.restore(state, { now }).save(file);
    const [one, two] = [await SonaRouter.load(file, { now }), SonaRouter.restore(state, { now })];
    const ids = [one, two].map((router) => router.route(prompt(0, 3)).id);
    expect(ids[0]).not.toBe(ids[1]);
    for (const [n, router] of [one, two].entries()) {
      expect(router.feedback(ids[1 - n] as string, { quality: 1 })).toEqual(foreign);
      expect(router.feedback(lost.id, { quality: 1 })).toEqual(foreign);
      expect(router.feedback(saved.id, { quality: 1 })).toEqual(applied);
      expect(router.feedback(ids[n] as string, { quality: 1 })).toEqual(applied);
    }
  });

  it('writes a log that reads as one with that of its former life, and of other processes', () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const first = make({ log });
    teach(first, 5);
    const waiting = first.route(prompt(0, 1));
    const state = first.snapshot();
    const lost = first.route(prompt(0, 2));
    const second = SonaRouter.restore(state, { now, log });
    const fresh = second.route(prompt(0, 3));
    second.feedback(waiting.id, { quality: 0.25 });
    second.feedback(lost.id, { quality: 0.5 });
    second.feedback(fresh.id, { quality: 0.75 });
    const other = make({ log });
    teach(other, 3);
    const records = readLog(lines.join('\n'));
    expect(records).toHaveLength(5 + 3 + 3);
    const told = new Map(records.map(({ id, outcome }) => [id, outcome?.quality]));
    expect([waiting, lost, fresh].map(({ id }) => told.get(id))).toEqual([0.25, undefined, 0.75]);
    // what came with the state is exported with what is new, each under its own name
    const exported = readLog(second.exportLog()).map(({ id }) => id);
    expect(exported.slice(5)).toEqual([waiting.id, fresh.id]);
  });

  it('goes on as the same where it is told so', () => {
    const router = make();
    const [{ id }] = teach(router, 10) as [RouterDecision];
    const copy = SonaRouter.restore(router.snapshot(), { now, continues: true });
    expect(copy.route(prompt(0, 1)).id).toBe(idAt(id, 11));
    expect(router.route(prompt(0, 1)).id).toBe(idAt(id, 11));
    expect(bytes(copy)).toBe(bytes(router));
  });

  it('decides as before, under other ids', () => {
    const router = make();
    teach(router, 40);
    const copy = SonaRouter.restore(router.snapshot(), { now });
    // what is solved anew meanwhile is the copy's from the sums of two lives, which may round otherwise
    const rounded = (made: RouterDecision) =>
      JSON.parse(
        JSON.stringify(anonymous(made.explain()), (_, value) =>
          typeof value === 'number' ? Number(value.toPrecision(10)) : value,
        ),
      );
    for (let n = 0; n < 20; n++) {
      const [decision, other] = [router, copy].map((each) => {
        const made = each.route(prompt(n % 2, n));
        each.feedback(made.id, { quality: n / 20, costUsd: 0.001 });
        return made;
      }) as [RouterDecision, RouterDecision];
      expect(rounded(other)).toEqual(rounded(decision));
      expect(other.id).not.toBe(decision.id);
    }
  });

  it('is refused options that are none', async () => {
    const { state } = killed();
    for (const continues of [null, 1, 'true', {}]) {
      const error = await refusal(() => SonaRouter.restore(state, { continues: continues as boolean }));
      expect([error.code, error.details.argument]).toEqual(['SONA_INVALID_ARGUMENT', 'continues']);
    }
  });
});

describe('merging after restarts', () => {
  const tell = (router: SonaRouter, times: number, quality: number) => {
    for (let n = 0; n < times; n++) {
      router.feedback(router.route(prompt(n % 2, n), { eligible: ['coder'] }).id, { quality });
    }
  };
  const outcomes = (router: SonaRouter) => router.stats().models[0]?.outcomes;

  it.each([
    [50, 50, 30, 30],
    [1, 1, 1, 1],
    [10, 200, 3, 400],
    [40, 0, 7, 9],
  ])('drops nothing: %i saved, %i lost, then %i and %i', (saved, lost, after, later) => {
    const [hub, worker] = [make({ origin: 'hub' }), make({ origin: 'worker' })];
    tell(worker, saved, 1);
    const state = worker.snapshot();
    tell(worker, lost, 1);
    expect(hub.merge(worker.snapshot()).outOfReach).toBe(0);
    const restarted = SonaRouter.restore(state, { now });
    tell(restarted, after, 0);
    expect(hub.merge(restarted.snapshot()).outOfReach).toBe(0);
    expect(outcomes(hub)).toBeCloseTo(saved + lost + after, 9);
    tell(restarted, later, 0);
    hub.merge(restarted.snapshot());
    expect(outcomes(hub)).toBeCloseTo(saved + lost + after + later, 9);
    // the other way round, and again: nothing counts twice
    restarted.merge(hub.snapshot());
    expect(outcomes(restarted)).toBeCloseTo(saved + lost + after + later, 9);
    hub.merge(restarted.snapshot());
    expect(outcomes(hub)).toBeCloseTo(saved + lost + after + later, 9);
  });

  it('counts what two lives from one state learned, both', () => {
    const [hub, worker] = [make({ origin: 'hub' }), make({ origin: 'worker' })];
    tell(worker, 20, 1);
    const lives = [5, 6, 7].map((times) => {
      const life = SonaRouter.restore(worker.snapshot(), { now });
      tell(life, times, 0);
      return life;
    });
    for (const life of [...lives].reverse()) hub.merge(life.snapshot());
    expect(outcomes(hub)).toBeCloseTo(20 + 5 + 6 + 7, 9);
  });

  it('a hundred restarts lose nothing, and do not grow the state without bound', () => {
    const hub = make({ origin: 'hub' });
    let worker = make({ origin: 'worker', pendingCapacity: 50 });
    const sizes: number[] = [];
    let told = 0;
    for (let n = 0; n < 100; n++) {
      tell(worker, 3, (n % 3) / 2);
      told += 3;
      const state = worker.snapshot();
      sizes.push(state.length);
      if (n % 7 === 0) expect(hub.merge(state).outOfReach).toBe(0);
      worker = SonaRouter.restore(state, { now });
    }
    tell(worker, 3, 1);
    told += 3;
    hub.merge(worker.snapshot());
    expect(outcomes(worker)).toBeCloseTo(told, 6);
    expect(outcomes(hub)).toBeCloseTo(told, 6);
    const grown = (sizes[99] as number) - (sizes[49] as number);
    expect(grown, `${sizes[49]} bytes after 50, ${sizes[99]} after 100`).toBeLessThan(
      0.1 * (sizes[49] as number),
    );
    expect(worker.stats().origins).toBeLessThan(50);
    // the oldest decision that is held still takes its outcome
    const { id } = worker.route(prompt(0, 1));
    expect(worker.feedback(id, { quality: 1 })).toEqual(applied);
  });
});
