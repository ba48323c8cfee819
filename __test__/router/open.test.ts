// Routers in a directory.
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type RouterOpenConfig, type SonaError, SonaRouter } from '../../index.ts';
import { program, thread } from '../support/child.ts';
import { refusal } from '../support/errors.ts';
import { afterwards, keep } from '../support/fixture.ts';
import { basis, bytes, models, NOON, numberOf, prompt, teach } from '../support/routers.ts';

const config: RouterOpenConfig = {
  models,
  features: { basis },
  now: () => NOON,
  background: 'manual',
  origin: 'here',
};

const opened: SonaRouter[] = [];

async function open(path: string, more: Partial<RouterOpenConfig> = {}): Promise<SonaRouter> {
  const router = await SonaRouter.open(path, { ...config, ...more });
  opened.push(router);
  return router;
}

/** A folder that is removed when nobody writes to it any more. */
function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sona-open-')));
  afterwards(async () => {
    await Promise.allSettled(opened.map((router) => router.close()));
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

describe('a router in a directory', () => {
  it('is what it was after a restart, with the decisions that wait', async () => {
    const path = join(temporaryFolder(), 'a', 'router');
    const first = await open(path);
    expect(first.opened).toMatchObject({
      created: true,
      continues: false,
      restored: 0,
      replayed: 0,
      setAside: [],
    });
    teach(first, 0, 200);
    const waiting = first.route(prompt(0, 1));
    const before = bytes(first);
    const decisions = first.stats().decisions;
    await first.close();
    const second = await open(path);
    expect(bytes(second)).toBe(before);
    expect(second.opened).toMatchObject({
      created: false,
      continues: true,
      restored: decisions,
      replayed: 0,
      skipped: 0,
    });
    expect(second.opened?.ms).toBeGreaterThan(0);
    expect(second.feedback(waiting.id, { quality: 0.9 })).toEqual({ applied: true });
    const next = second.route(prompt(0, 2));
    expect(numberOf(next.id)).toBe(decisions + 1);
    expect(next.id.slice(0, 18)).toBe(waiting.id.slice(0, 18));
  });

  it('says how far the disk has come', async () => {
    const path = temporaryFolder();
    await using router = await open(path, { durability: 'none' });
    const { id } = router.route(prompt(0, 1));
    router.feedback(id, { quality: 1 });
    expect(router.stats().durability).toMatchObject({
      path,
      mode: 'none',
      state: 'healthy',
      lastError: null,
    });
    const durable = await router.flushDurable();
    const { appended, durableSeq, queued, bytes: length } = router.stats().durability ?? {};
    expect(durable).toBe(appended);
    expect(durableSeq).toBe(appended);
    expect(queued).toBe(0);
    expect(length).toBeGreaterThan(1_000);
    await router.checkpoint();
    expect(readdirSync(path).filter((name) => name.startsWith('checkpoint-'))).toHaveLength(1);
  });

  it('loses no more than the disk has not seen, and nobody else gets the outcome of what is lost', async () => {
    const [path, copy] = [temporaryFolder(), join(temporaryFolder(), 'killed')];
    const router = await open(path);
    const kept = router.route(prompt(0, 1));
    await router.flushDurable({ timeoutMs: 10_000 });
    cpSync(path, copy, { recursive: true });
    const lost = router.route(prompt(0, 2));
    const after = await open(copy);
    expect(after.opened).toMatchObject({ continues: false });
    expect(after.feedback(lost.id, { quality: 1 })).toEqual({ applied: false, reason: 'foreign' });
    const other = after.route(prompt(0, 3));
    expect(numberOf(other.id)).toBe(numberOf(lost.id));
    expect(after.feedback(lost.id, { quality: 1 })).toEqual({ applied: false, reason: 'foreign' });
    expect(after.feedback(kept.id, { quality: 1 })).toEqual({ applied: true });
  });

  it('is one for all who open it in this process, also in workers', async () => {
    const path = temporaryFolder();
    const [one, other] = await Promise.all([open(path), open(path)]);
    const { id } = one.route(prompt(0, 1));
    expect(other.feedback(id, { quality: 1 })).toEqual({ applied: true });
    const worker = thread('open-router.mts', { path });
    const [told] = await once(worker, 'message');
    await once(worker, 'exit');
    expect(told).toEqual({ decisions: 1 });
    await one.close();
    expect(other.stats().decisions).toBe(2);
    await other.close();
    // whoever closes and opens at once waits for the end
    const again = await open(path);
    const closing = again.close();
    const next = await open(path);
    await closing;
    expect(next.stats().decisions).toBe(2);
  });

  it('is refused to another process until it is closed', async () => {
    const path = temporaryFolder();
    const router = await open(path);
    router.route(prompt(0, 1));
    expect((await program('open-router.mts', path)).stdout).toContain('SONA_LOCKED');
    await router.close();
    expect((await program('open-router.mts', path)).stdout).toContain('decisions 1');
  });

  it('holds nothing of what was forgotten', async () => {
    const path = temporaryFolder();
    const router = await open(path);
    teach(router, 0, 20);
    const { id } = router.route(prompt(0, 1));
    router.feedback(id, { quality: 1, source: 'planted source' });
    await router.checkpoint();
    const holds = () =>
      readdirSync(path).some((name) => readFileSync(join(path, name)).includes('planted source'));
    expect(holds()).toBe(true);
    expect(router.forget({ source: 'planted source' })).toEqual({ forgotten: 1, outOfReach: 0 });
    await router.checkpoint();
    expect(holds()).toBe(false);
  });

  it('sets damaged files aside and goes on from what is sound', async () => {
    const path = temporaryFolder();
    const router = await open(path);
    teach(router, 0, 30);
    await router.checkpoint();
    const before = bytes(router);
    await router.close();
    const [newest] = readdirSync(path)
      .filter((name) => name.startsWith('checkpoint-'))
      .sort()
      .reverse();
    writeFileSync(join(path, newest as string), 'no state');
    const after = await open(path);
    expect(bytes(after)).toBe(before);
    expect(after.opened?.setAside).toHaveLength(1);
    expect(after.opened?.notes[0]).toContain('was set aside');
  });

  it('keeps its settings and learns of new models', async () => {
    const path = temporaryFolder();
    await (await open(path)).close();
    const refused = (more: object) => refusal(() => SonaRouter.open(path, { ...config, ...more }));
    expect(await refused({ objective: { costWeight: 0.9 } })).toMatchObject({
      code: 'SONA_INVALID_CONFIG',
      details: { argument: 'objective.costWeight' },
    });
    expect(await refused({ features: { dim: 9, basis: 'auto' } })).toMatchObject({
      code: 'SONA_INCOMPATIBLE_STATE',
    });
    const router = await open(path, { models: [...models, { id: 'new' }] });
    expect(router.models().map(({ id }) => id)).toEqual([...models.map(({ id }) => id), 'new']);
  });

  it('names what is wrong', async () => {
    const path = temporaryFolder();
    const refused = (at: unknown, settings: unknown) =>
      refusal(() => SonaRouter.open(at as string, settings as RouterOpenConfig));
    expect(await refused('', config)).toMatchObject({
      code: 'SONA_OUT_OF_RANGE',
      details: { argument: 'path' },
    });
    expect(await refused(path, undefined)).toMatchObject({ code: 'SONA_INVALID_ARGUMENT' });
    expect(await refused(path, { ...config, durability: 'sometimes' })).toMatchObject({
      code: 'SONA_INVALID_CONFIG',
      details: { argument: 'durability' },
    });
    expect(await refused(path, { ...config, seed: -1 })).toMatchObject({ code: 'SONA_INVALID_CONFIG' });
    const file = join(path, 'file');
    writeFileSync(file, '');
    expect(await refused(file, config)).toMatchObject({ code: 'SONA_IO' });
    const router = await open(join(path, 'router'));
    const late = await refusal(() => router.flushDurable({ timeoutMs: -1 }));
    expect(late).toMatchObject({ code: 'SONA_OUT_OF_RANGE', details: { argument: 'timeoutMs' } });
    await router.close();
    await router.close();
    expect(await refusal(() => router.flushDurable())).toMatchObject({ code: 'SONA_CLOSED' });
    expect(await refusal(() => router.checkpoint())).toMatchObject({ code: 'SONA_CLOSED' });
    expect(() => router.opened).toThrow('closed');
  });

  it('takes what comes while it closes, or refuses it', async () => {
    const path = temporaryFolder();
    const [one, other] = [await open(path), await open(path)];
    const closing = one.close();
    other.route(prompt(0, 1));
    await closing;
    other.route(prompt(0, 2));
    await other.close();
    const codes = await Promise.all(
      [one, other].map((router) =>
        refusal(() => router.route(prompt(0, 1))).then((error: SonaError) => error.code),
      ),
    );
    expect(codes).toEqual(['SONA_CLOSED', 'SONA_CLOSED']);
    expect((await open(path)).stats().decisions).toBe(2);
  });
});

it('a router in no directory has nothing to wait for', async () => {
  const router = keep(new SonaRouter(config));
  router.route(prompt(0, 1));
  expect(router.opened).toBeNull();
  expect(router.stats().durability).toBeNull();
  expect(await router.flushDurable()).toBe(0);
  await router.checkpoint();
});
