// Plants a panic in one place of the router, calls into it, and prints what came out, as `panics.mts` does for the engine.
import { mkdtempSync, rmSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SonaRouter as Router, SonaError } from '../../../index.ts';

const addon = fileURLToPath(new URL('../../fault/sona.node', import.meta.url));

const loader = Module as unknown as { _resolveFilename: (request: string, ...rest: unknown[]) => string };
const resolve = loader._resolveFilename;
loader._resolveFilename = (request, ...rest) =>
  request.endsWith('binding.cjs') ? addon : resolve.call(Module, request, ...rest);

const { plantPanic } = createRequire(import.meta.url)(addon) as { plantPanic(place: string): void };
const { SonaRouter } = await import('../../../index.ts');
const { DIM, make, prompt, teach } = await import('../routers.ts');

const folder = mkdtempSync(join(tmpdir(), 'sona-router-panics-'));
const file = join(folder, 'state');
const row = { vector: prompt(0, 1), model: 'poet', quality: 0.5 };
const auto = () => make({ features: { dim: DIM }, background: 'auto' });

/** A fit that nobody called for. */
async function heard(router: Router): Promise<never> {
  const error = new Promise<never>((_, reject) => router.once('error', reject));
  error.catch(() => undefined);
  teach(router, 500);
  await router.settled();
  return error;
}

const calls: Record<string, (router: Router) => unknown> = {
  routerCreate: () => make(),
  route: (router) => router.route(prompt(0, 1)),
  routerFeedback: (router) =>
    router.feedback(router.route(prompt(0, 1), { mode: 'observe' }).id, { quality: 0.5, amend: true }),
  warmStart: (router) => router.warmStart([row]),
  routerStats: (router) => router.stats(),
  routerSnapshot: (router) => router.snapshot(),
  routerRestore: (router) => SonaRouter.restore(router.snapshot()),
  merge: (router) => router.merge(router.snapshot()),
  routerSave: (router) => router.save(file),
  routerLoad: async (router) => {
    await router.save(file);
    return SonaRouter.load(file);
  },
  routerOpen: () => SonaRouter.open(join(folder, 'open'), { models: [{ id: 'a' }] }),
  fit: heard,
  routerOutcomePlanned: (router) => router.feedback(held, { quality: 0.5 }),
  routerForgetPlanned: (router) => router.forget({ before: Date.now() + 1e12 }),
  routerRowsPlanned: (router) => router.warmStart([row]),
  routerAdoptPlanned: heard,
};

/** What is merged below. */
function another(): Uint8Array {
  const other = make({ origin: 'there' });
  teach(other, 3);
  return other.snapshot();
}

/** Uses all that the router does. */
async function use(router: Router): Promise<unknown> {
  const before = router.stats().learned;
  teach(router, 10, 2);
  router.warmStart([row]);
  await router.save(file);
  const loaded = await SonaRouter.load(file);
  return {
    learned: router.stats().learned - before,
    loaded: loaded.stats().learned - before,
    merged: make().merge(another()).origins,
    finite: router.route(prompt(0, 1)).ranked.every(({ score }) => Number.isFinite(score)),
    forgotten: router.forget({ before: Date.now() + 1e12 }).forgotten > 0,
    closed: await Promise.all([router.close(), loaded.close()]).then(() => true),
  };
}

const place = process.argv[2] ?? '';
const fits = place === 'fit' || place === 'routerAdoptPlanned';
const router = fits ? auto() : make();
if (!fits) teach(router, 5);
const held = router.route(prompt(0, 1)).id;
const numbers = () =>
  JSON.stringify([router.stats().learned, router.stats().decisions, router.stats().basis.id]);
const before = numbers();
plantPanic(place);
let error: Partial<SonaError> = {};
try {
  await calls[place]?.(router);
} catch (thrown) {
  const { name, code, message } = thrown as SonaError;
  error = { name, code, message };
}
const fitting = router.stats().basis;
const unchanged = fits ? fitting.id === 'projection' : numbers() === before;
if (place === 'fit') {
  // what failed is not tried again before the next is due
  teach(router, 400, 3);
  await router.settled();
  if (router.stats().basis.id !== 'projection') throw new Error('a fit that failed was made again');
  teach(router, 200, 4);
  await router.settled();
  if (!router.stats().basis.id.startsWith('auto-1')) throw new Error('the next fit was not made');
}
const after = await use(router);
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ error, fitting: fitting.fitting, unchanged, after }));
