// The decision log: what a router writes is what the readers read, and what evaluations need.
import { describe, expect, it } from 'vitest';
import {
  type DecisionRecord,
  evaluatePolicy,
  fitBasis,
  readLog,
  type SonaError,
  SonaRouter,
  writeLog,
} from '../../index.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import { basis, bytes, DIM, idAt, NOON, numberOf, prompt, teach, worth } from '../support/routers.ts';
import { gaussian } from '../support/vectors.ts';

const make = routers();

/** A router that has written down everything. */
function logged(
  config: Parameters<typeof make>[0] = {},
  count = 300,
): { router: SonaRouter; lines: string[] } {
  const lines: string[] = [];
  let time = NOON;
  const router = make({
    exploration: 'igw',
    propensityFloor: 0.05,
    now: () => time++,
    log: (line) => lines.push(line),
    ...config,
  });
  teach(
    router,
    count,
    1,
    (n) => ({
      ...(n % 10 === 0 && { sessionId: `s${n % 30}` }),
      ...(n % 4 === 0 && { tenant: 'ünï "t"', promptTokens: 50 + n }),
      ...(n % 25 === 0 && { eligible: ['coder', 'dull'] }),
      ...(n % 50 === 7 && { mode: 'observe' as const }),
    }),
    (n, quality) => ({
      ...(n % 6 !== 0 && { quality }),
      ...(n % 2 === 0 && { costUsd: 0.001 * n, latencyMs: 10 + n, source: 'judge' }),
      ...(n % 20 === 0 && { error: 'timed out' }),
      ...(n % 30 === 0 && { model: 'dull' }),
    }),
  );
  return { router, lines };
}

/** The log of a router in one piece. */
const exported = (router: SonaRouter, options?: { since?: string | number }) =>
  [...router.exportLog(options)].join('\n');

describe('the log', () => {
  it('has a line per decision and per outcome that was taken in', () => {
    const { lines } = logged({}, 100);
    const values = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.every((line) => !line.includes('\n'))).toBe(true);
    expect(values.filter((value) => 'eligible' in value)).toHaveLength(100);
    // two were observed without being told who answered, six without anything
    const outcomes = values.filter((value) => !('eligible' in value));
    expect(outcomes.length).toBeGreaterThan(85);
    expect(outcomes.length).toBeLessThan(100);
  });

  it('says the same as exportLog', () => {
    const { router, lines } = logged();
    const { id } = router.route(prompt(0, 1), { mode: 'observe' });
    router.feedback(idAt(id, 11), { quality: 0.125, amend: true });
    const records = readLog(lines.join('\n'));
    expect(records).toHaveLength(301);
    expect(readLog(exported(router))).toEqual(records);
    expect(readLog(writeLog(records))).toEqual(records);
    expect(records[10]?.outcome?.quality).toBe(0.125);
    // and what the newest parts say
    const newest = Array.from({ length: 12 }, (_, n) => idAt(id, 290 + n));
    for (const since of [290, idAt(id, 290)]) {
      expect(readLog(exported(router, { since })).map((record) => record.id)).toEqual(newest);
    }
    expect([...router.exportLog({ since: 302 })]).toEqual([]);
  });

  it('has the last outcome as a whole, also where an amendment took parts of it away', () => {
    const { router, lines } = logged({}, 20);
    const { id } = router.route(prompt(0, 1), { eligible: ['coder'] });
    router.feedback(id, { error: true, costUsd: 0.1, latencyMs: 5, model: 'dull' });
    router.feedback(id, { attempts: [{ model: 'coder', quality: 0.5 }], amend: true });
    const last = readLog(lines.join('\n')).at(-1);
    expect(last?.outcome).toEqual({ quality: 0.5, at: expect.any(Number) });
    expect(last).toEqual(readLog(router.exportLog()).at(-1));
  });

  it('reads as one with what the router holds, after a fit of its basis, with texts and without', () => {
    const { router, lines } = logged({ features: { dim: DIM } }, 700);
    const held = [...router.exportLog()];
    const [first, last] = [JSON.parse(lines[0] ?? ''), JSON.parse(held[0] ?? '')];
    expect(first.basis.hash).not.toBe(last.basis.hash);
    // as logText has it
    const texts = lines.map((line) =>
      line.includes('"eligible"') ? `${line.slice(0, -1)},"text":"a prompt"}` : line,
    );
    for (const log of [
      [...lines, ...held],
      [...held, ...lines],
      [...texts, ...held],
      [...held, ...texts],
    ]) {
      const text = log.includes(texts[0] as string) ? { text: 'a prompt' } : {};
      expect(readLog(log)).toEqual(readLog(held).map((record) => ({ ...record, ...text })));
      expect(router.evaluate(log, 'current').rounds).toBe(router.evaluate(held, 'current').rounds);
    }
  });

  it('says what was decided', () => {
    const lines: string[] = [];
    const router = make({
      log: (line) => lines.push(line),
      exploration: 'thompson',
      propensityFloor: 0.1,
      seed: 5,
    });
    const decision = router.route(prompt(0, 1), {
      sessionId: 's',
      tenant: 't',
      promptTokens: 7,
      eligible: ['poet', 'coder'],
    });
    const { features, featuresHash, ...record } = JSON.parse(lines[0] ?? '') as DecisionRecord;
    expect(record).toEqual({
      v: 2,
      id: decision.id,
      incarnation: decision.id.slice(1, 17),
      at: NOON,
      mode: 'apply',
      reason: 'policy',
      policy: { exploration: 'thompson', floor: 0.1, version: 0 },
      basis: { id: 'eight', hash: basis.hash },
      seed: 5,
      eligible: ['coder', 'poet'],
      propensities: expect.any(Array),
      model: decision.model,
      propensity: decision.propensity,
      expected: { quality: decision.expected.quality, costUsd: decision.expected.costUsd, latencyMs: null },
      sessionId: 's',
      tenant: 't',
      promptTokens: 7,
    });
    expect(new Map(record.eligible?.map((model, n) => [model, record.propensities?.[n]]))).toEqual(
      new Map(decision.ranked.map(({ model, propensity }) => [model, propensity])),
    );
    expect(features).toMatch(/^[A-Za-z0-9+/]{683}=$/);
    expect(featuresHash).toMatch(/^[0-9a-f]{16}$/);
    router.feedback(decision.id, { error: 'gone', costUsd: 0 });
    expect(JSON.parse(lines[1] ?? '')).toEqual({
      v: 2,
      id: decision.id,
      outcome: { error: true, costUsd: 0, at: NOON },
    });
  });

  it('may fail without harm', () => {
    const errors: SonaError[] = [];
    const broken = new Error('the disk is full');
    const [router, twin] = [
      make({
        log: () => {
          throw broken;
        },
      }),
      make(),
    ];
    const off = router.on('error', (error) => errors.push(error));
    teach(router, 10);
    teach(twin, 10);
    expect(bytes(router)).toBe(bytes(twin));
    expect(errors).toHaveLength(20);
    expect(errors[0]).toMatchObject({ name: 'SonaError', code: 'SONA_IO', cause: broken });
    expect(errors[0]?.message).toContain('the disk is full');
    off();
    teach(router, 10);
    expect(errors).toHaveLength(20);
  });

  it('may be written to while it is written', () => {
    const lines: string[] = [];
    const router: SonaRouter = make({
      log: (line) => {
        lines.push(line);
        if (lines.length === 1) router.route(prompt(1, 5), { eligible: ['dull'] });
      },
    });
    const decision = router.route(prompt(0, 1), { eligible: ['poet'] });
    expect([numberOf(decision.id), decision.model, decision.explain().model]).toEqual([1, 'poet', 'poet']);
    expect(lines.map((line) => (JSON.parse(line) as DecisionRecord).model)).toEqual(['poet', 'dull']);
  });
});

describe('evaluate', () => {
  const { router, lines } = logged({}, 600);
  const log = lines.join('\n');

  it('is evaluatePolicy', () => {
    for (const policy of ['logged', 'uniform', { model: 'poet' }] as const) {
      expect(router.evaluate(log, policy, { seed: 3 })).toEqual(evaluatePolicy(log, policy, { seed: 3 }));
    }
    expect(router.evaluate(readLog(log), 'uniform', { features: false }).featured).toBe(0);
  });

  it('of the present policy is the one of what it would do at each decision', () => {
    // an independent way to the same propensities: observing the prompts themselves
    const records = readLog(log);
    const observer = SonaRouter.restore(router.snapshot(), { now: () => NOON });
    const rows = new Map(
      records.map(({ id, eligible = [] }, n) => {
        const { ranked } = observer.route(prompt(n % 2, 1_000 + n), { mode: 'observe', eligible });
        return [id, Object.fromEntries(ranked.map(({ model, propensity }) => [model, propensity]))];
      }),
    );
    const current = router.evaluate(log, 'current');
    const other = router.evaluate(log, ({ id }) => rows.get(id) ?? {});
    expect(current.rounds).toBe(other.rounds);
    for (const estimate of ['ips', 'snips', 'dm', 'dr', 'sndr'] as const) {
      expect(current[estimate].value).toBeCloseTo(other[estimate].value, 9);
    }
  });

  it('finds that what was learned is better than what was done', () => {
    const { dr, loggedReward } = router.evaluate(log, 'current');
    expect(dr.value).toBeGreaterThan(loggedReward);
    expect(Math.abs(dr.value - (worth('coder', 0) + worth('poet', 1)) / 2)).toBeLessThan(0.1);
  });

  it('takes another router, also one with other models', () => {
    const other = make({ origin: 'b' });
    teach(other, 300, 4);
    expect(router.evaluate(log, { router: other }).rounds).toBe(other.evaluate(log, 'current').rounds);
    other.removeModel('coder');
    other.removeModel('poet');
    other.addModel({ id: 'unheard of' });
    const { dr, excluded } = router.evaluate(log, { router: other });
    expect(excluded.ineligible).toBe(0);
    expect(dr.value).toBeLessThan(0.4);
    other.removeModel('dull');
    expect(() => router.evaluate(log, { router: other })).toThrow('at least 2 decisions');
  });

  it('needs the features of the basis', async () => {
    const other = fitBasis(
      Array.from({ length: 100 }, (_, n) => gaussian(DIM, n)),
      { id: 'other' },
    );
    const elsewhere = make({ features: { basis: other } });
    const error = await refusal(() => elsewhere.evaluate(log, 'current'));
    expect(error.code).toBe('SONA_INCOMPATIBLE_STATE');
    expect(error.message).toContain(basis.hash);
    expect(error.message).toContain(other.hash);
    const without = readLog(log).map(({ features: _, ...record }) => record);
    const missing = await refusal(() => router.evaluate(without, 'current'));
    expect(missing).toMatchObject({ code: 'SONA_INCOMPATIBLE_STATE', details: { got: 'none' } });
    // those that do not enter need none
    const some = readLog(log).map((record) => (record.outcome ? record : { ...record, features: undefined }));
    expect(router.evaluate(some as DecisionRecord[], 'current').rounds).toBeGreaterThan(100);
  });

  it('tells the log from what it is not', async () => {
    const cases: [unknown, unknown, unknown, string][] = [
      [log, 'currents', {}, 'policy'],
      [log, { router: {} }, {}, 'policy.router'],
      [log, { router, model: 'poet' }, {}, 'policy.model'],
      [log, 'current', { features: 1 }, 'options.features'],
      [[1], 'current', {}, 'log[0]'],
      [[{}], 'current', {}, 'log[0]: v'],
      ['{', 'current', {}, 'line 1'],
    ];
    for (const [of, policy, options, argument] of cases) {
      const error = await refusal(() => router.evaluate(of as never, policy as never, options as never));
      expect([error.code, error.details.argument]).toEqual(['SONA_INVALID_ARGUMENT', argument]);
    }
    const closed = make();
    await closed.close();
    expect((await refusal(() => router.evaluate(log, { router: closed }))).code).toBe('SONA_CLOSED');
  });
});

it('draws as the log says', () => {
  // weights of a policy that all models support have a mean of 1 where the propensities are true
  const { lines } = logged({ exploration: 'thompson' }, 400);
  const evaluation = evaluatePolicy(lines.join('\n'), 'uniform');
  expect(evaluation.meanWeight).toBeGreaterThan(0.8);
  expect(evaluation.meanWeight).toBeLessThan(1.25);
});
