// A log from which other policies cannot be evaluated is warned of, once in a process.
import { expect, it, vi } from 'vitest';
import { type RouterConfig, SonaRouter } from '../../index.ts';
import { keep } from '../support/fixture.ts';

it('warns once, by code, of a log whose choices are certain', async () => {
  const warnings: { code: string | undefined; message: string }[] = [];
  const listener = (warning: Error & { code?: string }) =>
    warnings.push({ code: warning.code, message: warning.message });
  process.on('warning', listener);
  let Router = SonaRouter;
  const open = async (config: Partial<RouterConfig>) => {
    keep(new Router({ models: [{ id: 'a' }, { id: 'b' }], features: { dim: 2, basis: 'auto' }, ...config }));
    await new Promise((resolve) => setImmediate(resolve));
    return warnings.splice(0);
  };
  const log = () => undefined;
  expect(await open({})).toEqual([]);
  expect(await open({ log, propensityFloor: 0.0025 })).toEqual([]);
  expect(await open({ log, exploration: 'thompson' })).toEqual([]);
  expect(await open({ log, exploration: 'igw' })).toEqual([]);
  const message = expect.stringContaining("exploration 'ucb'");
  expect(await open({ log })).toEqual([{ code: 'SONA_EXPLORATION_FOR_LOG', message }]);
  expect(await open({ log, exploration: 'greedy' })).toEqual([]);
  // another process
  vi.resetModules();
  ({ SonaRouter: Router } = await import('../../index.ts'));
  const greedy = expect.stringContaining("exploration 'greedy'");
  expect(await open({ log, exploration: 'greedy' })).toMatchObject([{ message: greedy }]);
  process.off('warning', listener);
});
