import { SonaEngine, SonaError, SonaRouter } from '@sona/sona';
import { expect, it } from 'vitest';
import { config, picks, teach } from '../lessons.ts';

it('learns', async () => {
  const router = new SonaRouter(config);
  teach(router);
  expect(picks(router)).toEqual({ code: 'large', chat: 'small' });
  const copy = SonaRouter.restore(router.snapshot());
  expect(picks(copy)).toEqual({ code: 'large', chat: 'small' });
  await Promise.all([router.close(), copy.close()]);
});

it('refuses as elsewhere', () => {
  const refused = () => new SonaEngine(0);
  expect(refused).toThrow(expect.toSatisfy(SonaError.isInstance));
});
