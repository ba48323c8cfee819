// How routers begin and end, and what goes on beside the calls.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type SonaError, SonaRouter } from '../../index.ts';
import { program, thread } from '../support/child.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import { basis, DIM, idAt, models, numberOf, prompt, teach } from '../support/routers.ts';

const make = routers();

describe('a closed router', () => {
  const uses: Record<string, (router: SonaRouter) => unknown> = {
    route: (router) => router.route(prompt(0, 1)),
    routeAsync: (router) => router.routeAsync(prompt(0, 1)),
    embedder: (router) => router.embedder,
    feedback: (router) => router.feedback('r0123456789abcdef-1', { quality: 1 }),
    addModel: (router) => router.addModel({ id: 'new' }),
    removeModel: (router) => router.removeModel('poet'),
    updatePrice: (router) => router.updatePrice('poet', {}),
    models: (router) => router.models(),
    warmStart: (router) => router.warmStart([]),
    warmStartAsync: (router) => router.warmStartAsync([]),
    merge: (router) => router.merge(new Uint8Array(8)),
    exportLog: (router) => router.exportLog(),
    evaluate: (router) => router.evaluate([], 'logged'),
    forget: (router) => router.forget({ source: 'a' }),
    basis: (router) => router.basis(),
    stats: (router) => router.stats(),
    memory: (router) => router.memory(),
    snapshot: (router) => router.snapshot(),
    save: (router) => router.save(join(tmpdir(), 'never')),
    settled: (router) => router.settled(),
    opened: (router) => router.opened,
    flushDurable: (router) => router.flushDurable(),
    checkpoint: (router) => router.checkpoint(),
  };
  // whoever listens, or no longer does, needs nothing of the router
  const others = ['constructor', 'close', 'on', 'once', 'off'];
  const methods = Object.getOwnPropertyNames(SonaRouter.prototype).filter((name) => !others.includes(name));

  it.each(methods)('refuses %s', async (name) => {
    for (const end of ['close', Symbol.dispose, Symbol.asyncDispose] as const) {
      const router = make();
      const ending = router[end]();
      const use = uses[name];
      expect(use, `${name} is not in the table of this test`).toBeDefined();
      for (let n = 0; n < 2; n++) {
        const error = await refusal(() => use?.(router));
        expect([error.code, error.message]).toEqual(['SONA_CLOSED', 'the router is closed']);
        await ending;
      }
    }
  });

  it('still explains its decisions', async () => {
    const router = make();
    const decision = router.route(prompt(0, 1));
    const before = decision.explain();
    await router.close();
    expect(decision.explain()).toEqual(before);
  });

  it('does not pass its place on to the next', async () => {
    const first = make();
    await first.close();
    const next = make();
    expect((await refusal(() => first.route(prompt(0, 1)))).code).toBe('SONA_CLOSED');
    expect(next.stats().decisions).toBe(0);
  });
});

describe('close', () => {
  it('may be called twice, and in any order with the two disposals', async () => {
    const orders = [
      ['close', 'close'],
      ['close', Symbol.dispose],
      [Symbol.dispose, 'close'],
      [Symbol.dispose, Symbol.dispose],
      [Symbol.asyncDispose, 'close'],
      [Symbol.dispose, Symbol.asyncDispose],
    ] as const;
    for (const order of orders) {
      const router = make();
      for (const end of order) await router[end]();
      expect(() => router.stats()).toThrow('the router is closed');
    }
  });

  it('is one promise, and comes at the end of a block that uses the router', async () => {
    const router = make();
    expect(router.close()).toBe(router.close());
    let inner: SonaRouter;
    {
      await using used = make();
      inner = used;
    }
    expect(() => inner.stats()).toThrow('the router is closed');
  });
});

describe('a basis that is fitted on another thread', () => {
  /** A router for which a fit has just begun. */
  function fitting(): { router: SonaRouter; heard: unknown[] } {
    const heard: unknown[] = [];
    const router = make({ features: { dim: DIM }, background: 'auto' });
    for (const event of ['basis', 'error'] as const) router.on(event, (value: unknown) => heard.push(value));
    teach(router, 500);
    return { router, heard };
  }

  it('does not hold up decisions', async () => {
    const { router, heard } = fitting();
    teach(router, 50, 2);
    await router.settled();
    // how many prompts there are by the time that the thread begins is up to it
    expect(heard).toEqual([{ id: expect.stringMatching(/^auto-5[0-5]\d$/), prompts: expect.any(Number) }]);
    expect(router.stats()).toMatchObject({ learned: 550, decisions: 550 });
    await router.settled();
  });

  it('is waited for by close', async () => {
    const { router, heard } = fitting();
    await router.close();
    expect(heard).toEqual([{ id: 'auto-500', prompts: 500 }]);
  });

  it('may be disposed of meanwhile', async () => {
    const { router, heard } = fitting();
    router[Symbol.dispose]();
    const before = [...heard];
    // whatever it would say comes before what another router says that begins now
    const later = fitting();
    await later.router.settled();
    expect(later.heard).toHaveLength(1);
    expect(heard).toEqual(before);
  });

  it('is fitted again and again, until it stays', async () => {
    const { router, heard } = fitting();
    for (let n = 0; n < 80; n++) {
      teach(router, 50, 3 + n);
      await router.settled();
    }
    expect(heard).toHaveLength(4);
    expect(router.stats()).toMatchObject({ learned: 4_500, basis: { fitting: false } });
    expect(router.stats().basis.id).toMatch(/^auto-4\d\d\d$/);
    // decisions from before are still corrected
    const { id } = router.route(prompt(0, 1));
    expect(router.feedback(idAt(id, 4_490), { quality: 0.5, amend: true })).toEqual({ applied: true });
    expect(router.feedback(idAt(id, 10), { quality: 0.5, amend: true })).toEqual({ applied: true });
    expect(router.forget({ decisionId: idAt(id, 11) })).toEqual({ forgotten: 1, outOfReach: 0 });
  });
});

describe('listeners', () => {
  it('may call the router', () => {
    const router = make({
      models: [{ id: 'dear', prior: { costUsd: 1 } }],
      objective: { budgetUsdPerRequest: 1e-6 },
    });
    const inside: string[] = [];
    router.on('budgetInfeasible', () => inside.push(router.route(prompt(1, 1)).model));
    for (let n = 0; n < 10; n++) router.route(prompt(0, 1));
    expect(inside).toEqual(['dear']);
    expect(router.stats().decisions).toBe(11);
  });

  it('that throw fail no request: the event error tells', () => {
    const router = make({
      models: [{ id: 'dear', prior: { costUsd: 1 } }],
      objective: { budgetUsdPerRequest: 1e-6 },
    });
    const own = new RangeError('mine');
    const errors: SonaError[] = [];
    router.on('budgetInfeasible', () => {
      throw own;
    });
    router.on('error', (error) => errors.push(error));
    for (let n = 1; n <= 10; n++) expect(numberOf(router.route(prompt(0, 1)).id)).toBe(n);
    expect(errors).toMatchObject([
      { code: 'SONA_LISTENER', cause: own, details: { event: 'budgetInfeasible' } },
    ]);
    expect(errors[0]?.message).toContain('mine');
  });
});

describe('many routers', () => {
  it('1,000 at a time keep apart, and end', async () => {
    const routers = Array.from({ length: 1_000 }, (_, n) => make({ models: [{ id: `model of ${n}` }] }));
    for (const [n, router] of routers.entries()) {
      expect(router.route(prompt(0, n)).model).toBe(`model of ${n}`);
    }
    await Promise.all(routers.map((router) => router.close()));
  });

  it('end with a thread that is torn down', async () => {
    const worker = thread('router-worker.mts', {});
    const [decisions] = await once(worker, 'message');
    expect(decisions).toBe(600);
    await worker.terminate();
    expect(numberOf(make().route(prompt(0, 1)).id)).toBe(1);
  });

  it('let the process end though they were not closed, and do not grow without bound', async () => {
    const { code, stdout, stderr } = await program('router-memory.mts');
    expect(code, stderr).toBe(0);
    const grown = JSON.parse(stdout) as Record<string, number>;
    console.log('megabytes more after 50,000 decisions, 1,000 routers and 300 snapshots:', grown);
    for (const [what, megabytes] of Object.entries(grown)) expect(megabytes, what).toBeLessThan(64);
  });
});

it('is exported as its types say', () => {
  const types = readFileSync(new URL('../../index.d.ts', import.meta.url), 'utf8');
  const names = types.slice(types.lastIndexOf('export {'));
  for (const name of [
    'SonaRouter',
    'explainTable',
    'RouterConfig',
    'RouterDecision',
    'Explanation',
    'Outcome',
  ]) {
    expect(names).toMatch(new RegExp(`\\b${name}\\b`));
  }
  const router = new SonaRouter({ models, features: { basis } });
  expect(router.basis().hash).toBe(basis.hash);
});
