// ESM and CommonJS have classes of their own; what one made, the other knows by its mark.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keep } from './support/fixture.ts';

type Package = typeof import('../index.ts');

const root = join(import.meta.dirname, '..');
const esm = (await import(join(root, 'dist/index.mjs'))) as Package;
const cjs = createRequire(import.meta.url)(join(root, 'dist/index.cjs')) as Package;

/** The error of a call, of whichever copy. */
function refusal(call: () => unknown): InstanceType<Package['SonaError']> {
  try {
    call();
  } catch (error) {
    if (esm.SonaError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const models = [{ id: 'a' }, { id: 'b' }];
const query = [1, 0, 0, 0];

it.each([
  ['an ESM', esm, cjs],
  ['a CommonJS', cjs, esm],
])('%s router takes an engine and evaluates a router of the other copy', (_, one, other) => {
  expect(one.SonaRouter).not.toBe(other.SonaRouter);
  const engine = keep(new other.SonaEngine({ hiddenDim: 4, background: 'manual' }));
  engine.endTrajectory(engine.beginTrajectory(query).setRoute('r'), 1);
  engine.forceLearn();
  const router = keep(new one.SonaRouter({ models, engine, background: 'manual', propensityFloor: 0.2 }));
  const twin = keep(other.SonaRouter.restore(router.snapshot(), { engine }));
  expect(router.route(query).explain().patterns).toHaveLength(1);
  for (let n = 0; n < 40; n++) {
    const { id } = router.route([Math.sin(n), Math.cos(n), 1, 0]);
    router.feedback(id, { quality: n % 2 });
  }
  const log = [...router.exportLog()].join('\n');
  expect(router.evaluate(log, { router: twin })).toEqual(twin.evaluate(log, 'current'));
});

it('an engine says whose a trajectory is', () => {
  const [engine, other] = [keep(new esm.SonaEngine(4)), keep(new cjs.SonaEngine(4))];
  const foreign = other.beginTrajectory(query);
  expect(refusal(() => engine.endTrajectory(foreign, 1)).code).toBe('SONA_UNKNOWN_TRAJECTORY');
  expect(refusal(() => engine.endTrajectory({} as never, 1)).code).toBe('SONA_INVALID_ARGUMENT');
});

it('what bears no mark is refused', () => {
  for (const engine of [{}, { hiddenDim: 4 }, new Proxy({}, { get: () => expect.fail('was read') })]) {
    const refused = refusal(() => new esm.SonaRouter({ models, engine: engine as never }));
    expect(refused).toMatchObject({ code: 'SONA_INVALID_CONFIG', details: { argument: 'engine' } });
  }
  const router = keep(new esm.SonaRouter({ models }));
  const refused = refusal(() => router.evaluate('', { router: {} as never }));
  expect(refused.details.argument).toBe('policy.router');
});

it('dates of another realm are dates', () => {
  const engine = keep(new esm.SonaEngine(4));
  const { runInNewContext } = createRequire(import.meta.url)('node:vm') as typeof import('node:vm');
  const before = runInNewContext('new Date(5)') as Date;
  expect(before instanceof Date).toBe(false);
  expect(engine.forget({ before })).toEqual({ forgotten: 0, outOfReach: 0 });
});
