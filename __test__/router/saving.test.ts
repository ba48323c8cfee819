// A state is one moment, whatever goes on while it is written.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../../bench/lib/random.mts';
import { SonaRouter } from '../../index.ts';
import { routers, temporaryFolder } from '../support/fixture.ts';
import { bytes, idAt, NOON, prompt, quality, teach } from '../support/routers.ts';

const make = routers();
const folder = temporaryFolder();

it.each([0, 10, 2_000, 20_000])(
  'decisions go on while %i that wait are saved, and none is lost',
  async (waiting) => {
    const router = make();
    teach(router, waiting);
    const path = join(folder, `state ${waiting}`);
    let saved = false;
    const saving = router.save(path).then(() => {
      saved = true;
    });
    const random = new Random(9);
    const meanwhile: string[] = [];
    // told late and early, amended and new, until the file is there; and at least so many
    while (!saved || meanwhile.length < 20) {
      const n = meanwhile.length;
      const { id, model } = router.route(prompt(n % 2, 70_000 + n));
      expect(router.feedback(id, { quality: quality(model, n % 2, random), costUsd: 0.001 })).toEqual({
        applied: true,
      });
      if (n < waiting) router.feedback(idAt(id, n + 1), { quality: 0.5, amend: true });
      meanwhile.push(id);
      if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await saving;
    const { decisions, learned } = router.stats();
    expect([decisions, learned]).toEqual([waiting + meanwhile.length, waiting + meanwhile.length]);
    expect([...router.exportLog({ since: waiting + 1 })].map((line) => JSON.parse(line).id)).toEqual(
      meanwhile,
    );
    // what was saved is the router at one moment, from the call on; one decision may just wait for its outcome
    const copy = SonaRouter.restore(readFileSync(path), { now: () => NOON });
    const then = copy.stats();
    expect(then.decisions).toBeGreaterThanOrEqual(waiting);
    expect(then.decisions).toBeLessThanOrEqual(decisions);
    expect(then.decisions - then.learned).toBeOneOf([0, 1]);
    expect(then.models.reduce((sum, { outcomes }) => sum + outcomes, 0)).toBeCloseTo(then.learned, 6);
    expect([...copy.exportLog()]).toHaveLength(then.decisions);
  },
);

it('what is saved is what the router was at some time between the call and its end', async () => {
  const router = make();
  teach(router, 500);
  const path = join(folder, 'moment');
  const moments = [bytes(router)];
  const saving = router.save(path);
  const random = new Random(2);
  for (let n = 0; n < 30; n++) {
    const { id, model } = router.route(prompt(n % 2, n));
    moments.push(bytes(router));
    router.feedback(id, { quality: quality(model, n % 2, random) });
    moments.push(bytes(router));
  }
  await saving;
  expect(moments).toContain(bytes(SonaRouter.restore(readFileSync(path), { now: () => NOON })));
});

it('saves that overlap leave one of the moments, whole', async () => {
  const router = make();
  const path = join(folder, 'overlapping');
  const saves: Promise<void>[] = [];
  for (let n = 0; n < 8; n++) {
    teach(router, 50, 1 + n);
    saves.push(router.save(path));
  }
  await Promise.all(saves);
  const copy = SonaRouter.restore(readFileSync(path));
  const { decisions, learned } = copy.stats();
  expect(decisions).toBeGreaterThanOrEqual(50);
  expect(decisions - learned).toBeOneOf([0, 1]);
  expect([...copy.exportLog()]).toHaveLength(decisions);
});
