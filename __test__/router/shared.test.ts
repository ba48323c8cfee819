// One router for all threads of the process.
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { fitBasis, type RouterConfig, type RouterModel, SonaRouter } from '../../index.ts';
import { thread } from '../support/child.ts';
import { refusal } from '../support/errors.ts';
import { keep } from '../support/fixture.ts';
import { basis, bytes, DIM, models, NOON, prompt, teach } from '../support/routers.ts';
import { gaussian } from '../support/vectors.ts';

const config: RouterConfig = { models, features: { basis }, background: 'manual', origin: 'here' };

let names = 0;
const name = () => `shared router ${++names}`;
const open = (of: string, settings?: RouterConfig) => keep(SonaRouter.shared(of, settings));

describe('a shared router', () => {
  it('is the same for everybody who asks for its name', () => {
    const of = name();
    const [one, other] = [open(of, config), open(of)];
    expect(one).not.toBe(other);
    const { id } = one.route(prompt(0, 1));
    expect(other.feedback(id, { quality: 1 })).toEqual({ applied: true });
    expect(other.stats()).toEqual(one.stats());
    expect(bytes(other)).toBe(bytes(one));
    expect(other.route(prompt(0, 1)).id.slice(0, 18)).toBe(id.slice(0, 18));
    expect([...other.exportLog()]).toEqual([...one.exportLog()]);
    expect(other.stats().decisions).toBe(2);
  });

  it('of another name is another one', () => {
    const [one, other] = [open(name(), config), open(name(), config)];
    const { id } = one.route(prompt(0, 1));
    expect(other.feedback(id, { quality: 1 })).toEqual({ applied: false, reason: 'foreign' });
    expect(other.stats().decisions).toBe(0);
  });

  it('knows a model that somebody else added or removed', () => {
    const of = name();
    const [one, other] = [open(of, config), open(of)];
    one.route(prompt(0, 1));
    for (let n = 0; n < 30; n++) other.addModel({ id: `new ${n}` });
    expect(one.models()).toHaveLength(33);
    expect(
      one
        .route(prompt(0, 1))
        .ranked.map(({ model }) => model)
        .sort(),
    ).toEqual(
      other
        .models()
        .map(({ id }) => id)
        .sort(),
    );
    expect(one.route(prompt(0, 1), { eligible: ['new 7'] }).model).toBe('new 7');
    one.removeModel('new 7');
    expect(() => other.route(prompt(0, 1), { eligible: ['new 7'] })).toThrow('new 7');
    other.addModel({ id: 'new 7' });
    expect(one.route(prompt(0, 1), { eligible: ['new 7'] }).model).toBe('new 7');
    expect(() => one.route(prompt(0, 1), { eligible: ['nobody'] })).toThrow('nobody');
    const { id } = one.route(prompt(0, 1));
    expect(
      other.feedback(id, {
        attempts: [
          { model: 'new 3', error: true },
          { model: 'new 7', quality: 1 },
        ],
      }),
    ).toEqual({
      applied: true,
    });
  });

  it('knows whom a name means, after others removed and added models as many', () => {
    const of = name();
    const [one, other] = [open(of, config), open(of)];
    other.route(prompt(0, 1));
    one.removeModel('dull');
    one.addModel({ id: 'new' });
    const decision = other.route(prompt(0, 1));
    expect(decision.ranked.map(({ model }) => model).sort()).toEqual(['coder', 'new', 'poet']);
    expect(
      decision
        .explain()
        .candidates.map(({ model }) => model)
        .sort(),
    ).toEqual(['coder', 'new', 'poet']);
    one.removeModel('poet');
    one.addModel({ id: 'poet' });
    expect(other.route(prompt(0, 1), { eligible: ['poet'] }).model).toBe('poet');
    for (const id of ['coder', 'poet']) {
      one.removeModel(id);
      one.addModel({ id });
      const made = other.route(prompt(0, 1), { eligible: ['new'] });
      const before = one.stats().models.find((model) => model.id === id)?.outcomes ?? 0;
      expect(other.feedback(made.id, { model: id, quality: 1 })).toEqual({ applied: true });
      expect(one.stats().models.find((model) => model.id === id)?.outcomes).toBeCloseTo(before + 1, 9);
    }
    one.removeModel('new');
    one.addModel({ id: 'new' });
    expect(other.warmStart([{ vector: prompt(0, 1), model: 'new', quality: 1 }])).toBe(1);
  });

  it('knows the basis that somebody else has fitted', () => {
    const of = name();
    const [one, other] = [open(of, { models, features: { dim: DIM }, background: 'manual' }), open(of)];
    const before = other.route(prompt(0, 1));
    teach(one, 500);
    one.route(prompt(0, 1));
    const { id } = one.stats().basis;
    expect(id).toBe('auto-500');
    expect(other.route(prompt(0, 1)).explain().basis).toEqual({ id });
    expect(before.explain().basis.id).not.toBe(id);
  });

  it('evaluates what it would do with the models of now, whoever added or removed them', () => {
    const of = name();
    const [one, other] = [open(of, { ...config, exploration: 'igw', propensityFloor: 0.05 }), open(of)];
    teach(one, 100);
    const log = [...one.exportLog()];
    const evaluate = (router: SonaRouter) => router.evaluate(log, 'current', { minSupport: 0 });
    other.addModel({ id: 'new' });
    expect(evaluate(one)).toEqual(evaluate(other));
    // as many as before, in another order
    other.removeModel('coder');
    other.addModel({ id: 'coder' });
    expect(evaluate(one)).toEqual(evaluate(other));
    other.removeModel('coder');
    expect(evaluate(one)).toEqual(evaluate(other));
    expect(evaluate(one).excluded).toEqual(evaluate(other).excluded);
  });

  it('is made by the first; another config is refused, the same one is not', async () => {
    const of = name();
    open(of, { ...config, seed: 7 });
    open(of, { ...config, seed: 7 });
    open(of);
    const error = await refusal(() => open(of, { ...config, seed: 8 }));
    expect(error).toMatchObject({ code: 'SONA_INVALID_CONFIG', message: expect.stringContaining(of) });
    const unknown = name();
    expect(await refusal(() => open(unknown))).toMatchObject({
      code: 'SONA_INVALID_CONFIG',
      message: expect.stringContaining(unknown),
    });
    for (const wrong of ['', 1, null]) {
      expect((await refusal(() => SonaRouter.shared(wrong as string, config))).details.argument).toBe('name');
    }
  });

  it('refuses other models, prices and bases than it was made with, whatever has become of them', async () => {
    const of = name();
    const router = open(of, config);
    router.updatePrice('poet', { inputUsdPer1M: 7 });
    router.addModel({ id: 'new' });
    router.removeModel('dull');
    const same = open(of, {
      ...config,
      models: models.map(({ id, ...rest }) => ({ ...rest, tags: rest.tags, id })),
    });
    const [first, ...rest] = models;
    const others: [string, Partial<RouterConfig>][] = [
      ['models', { models: rest }],
      ['models', { models: [...models, { id: 'new' }] }],
      ['models', { models: [...rest, first as RouterModel] }],
      ['models', { models: [{ ...(first as RouterModel), inputUsdPer1M: 2 }, ...rest] }],
      ['models', { models: [{ ...(first as RouterModel), prior: { quality: 0.5 } }, ...rest] }],
      ['features.basis', { features: { dim: DIM, basis: 'auto' } }],
      ['features.basis', { features: { basis: fitBasis([...Array(9)].map((_, n) => gaussian(DIM, n))) } }],
    ];
    for (const [argument, other] of others) {
      const error = await refusal(() => open(of, { ...config, ...other }));
      expect([error.code, error.details.argument]).toEqual(['SONA_INVALID_CONFIG', argument]);
      expect(error.message).toContain(of);
    }
    // those who were refused have nothing open
    for (const opened of [router, same]) await opened.close();
    expect(open(of, { ...config, models: rest }).models()).toHaveLength(2);
  });

  it('refuses the vectors of another embedder', async () => {
    const of = name();
    const embedder = (id: string) => ({ id, dim: DIM, embed: async () => [] });
    open(of, { ...config, embedder: embedder('one') });
    open(of, { ...config, embedder: embedder('one') });
    const error = await refusal(() => open(of, { ...config, embedder: embedder('other') }));
    expect(error.code).toBe('SONA_INCOMPATIBLE_STATE');
    expect(open(of).models()).toHaveLength(3);
  });

  it('lives until the last one closes it', async () => {
    const of = name();
    const [one, other, third] = [open(of, config), open(of), open(of)];
    teach(one, 5);
    await one.close();
    await one.close();
    expect(() => one.stats()).toThrow('closed');
    expect(other.stats().decisions).toBe(5);
    other[Symbol.dispose]();
    other[Symbol.dispose]();
    expect(third.stats().decisions).toBe(5);
    await third[Symbol.asyncDispose]();
    expect(open(of, { ...config, seed: 9 }).stats().decisions).toBe(0);
  });

  it('is restored as one of its own', () => {
    const one = open(name(), config);
    teach(one, 10);
    const copy = keep(SonaRouter.restore(one.snapshot(), { now: () => NOON }));
    teach(copy, 5);
    expect([one.stats().decisions, copy.stats().decisions]).toEqual([10, 15]);
  });
});

describe('in threads', () => {
  const start = (of: string, seed: number, count: number, how: 'close' | 'leave' | 'stay') => {
    const worker = thread('shared-router.mts', { name: of, count, seed, how });
    const done = new Promise<string[]>((resolve, reject) => {
      worker.on('message', (message) => message !== 'started' && resolve(message));
      worker.once('error', reject);
    });
    return { worker, done };
  };

  it('four decide and tell; no id is given out twice, nothing is lost', async () => {
    const of = name();
    const router = open(of, config);
    const threads = [1, 2, 3, 4].map((seed) => start(of, seed, 500, 'close'));
    const ids = (await Promise.all(threads.map(({ done }) => done))).flat();
    expect(new Set(ids).size).toBe(2_000);
    const { decisions, learned, pending, models: told } = router.stats();
    expect([decisions, learned, pending]).toEqual([2_000, 2_000, 2_000]);
    expect(told.every(({ quality }) => quality === null || (quality >= 0 && quality <= 1))).toBe(true);
    // any thread takes the outcome of any decision
    expect(router.feedback(ids[17] as string, { quality: 1, amend: true })).toEqual({ applied: true });
    expect([...router.exportLog()]).toHaveLength(2_000);
    expect(bytes(SonaRouter.restore(router.snapshot()))).toBe(bytes(router));
  });

  it('one adds and removes models while another evaluates', async () => {
    const of = name();
    const router = open(of, { ...config, propensityFloor: 0.1 });
    for (let n = 0; n < 300; n++)
      router.feedback(router.route(prompt(n % 2, n)).id, { quality: (n % 3) / 2 });
    const log = [...router.exportLog()].join('\n');
    const alone = router.evaluate(log, 'current');
    const worker = thread('shared-router.mts', { name: of, count: 0, seed: 1, how: 'close', churn: 3_000 });
    const done = new Promise((resolve, reject) => {
      worker.on('message', (message) => message !== 'started' && resolve(message));
      worker.once('error', reject);
    });
    let over = false;
    done.finally(() => {
      over = true;
    });
    let count = 0;
    // a model that was never eligible changes nothing
    for (; !over || count < 2; count++) {
      expect(router.evaluate(log, 'current')).toEqual(alone);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
  });

  it('one closes it, one leaves without, one is torn down, while others use it; the last ends it', async () => {
    const of = name();
    const router = open(of, config);
    const threads = [start(of, 1, 50, 'close'), start(of, 2, 100, 'leave'), start(of, 3, 100, 'stay')];
    const exits = threads.map(({ worker }) => once(worker, 'exit'));
    await Promise.all(threads.map(({ done }) => done));
    teach(router, 5);
    await threads[2]?.worker.terminate();
    await Promise.all(exits);
    expect(router.stats().decisions).toBe(255);
    await router.close();
    // a thread that ends lets go of its share on its way out
    await expect
      .poll(() => refusal(() => SonaRouter.shared(of)).then(({ code }) => code))
      .toBe('SONA_INVALID_CONFIG');
  });
});
