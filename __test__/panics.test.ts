// A defect of the core becomes an error of the call, not the end of the process. The addon of these tests has the
// feature `fault-injection`; `npm run build:fault` makes it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { program, root } from './support/child.ts';

const places = [
  'create',
  'shared',
  'restore',
  'load',
  'apply',
  'stats',
  'suggest',
  'end',
  'feedback',
  'answer',
  'patterns',
  'remember',
  'recall',
  'rollback',
  'forget',
  'snapshot',
  'save',
  'forceLearn',
  'learn',
  'evaluate',
  'close',
  'background',
] as const;

/** Between what is decided and what is done: the former state must be left. */
const changePlaces = [
  'addingRoute',
  'ending',
  'amending',
  'draining',
  'cycling',
  'rollingBack',
  'forgetting',
  'remembering',
  'reinforcing',
  'dropping',
] as const;

/** Where the router can be made to. */
const routerPlaces = [
  'routerCreate',
  'route',
  'routerFeedback',
  'warmStart',
  'routerStats',
  'routerSnapshot',
  'routerRestore',
  'merge',
  'routerSave',
  'routerLoad',
  'routerOpen',
  'fit',
] as const;

/** Between what the router planned and what it does: nothing may have changed. */
const routerChangePlaces = [
  'routerOutcomePlanned',
  'routerForgetPlanned',
  'routerRowsPlanned',
  'routerAdoptPlanned',
] as const;

/** Where an embedder can be made to. */
const embedderPlaces = ['embedderOpen', 'embed'] as const;

it('has the addon that panics on demand', () => {
  expect(existsSync(join(root, '__test__/fault/sona.node')), 'run `npm run build:fault`').toBe(true);
});

it('knows every place where the core can be made to panic', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.rs'))
    .map((path) => readFileSync(join(root, 'src', path), 'utf8'));
  const planted = sources.flatMap((text) =>
    Array.from(text.matchAll(/fault::point\("(\w+)"\)/g), ([, place]) => place),
  );
  expect([...new Set(planted)].sort()).toEqual(
    [...places, ...changePlaces, ...routerPlaces, ...routerChangePlaces, ...embedderPlaces].sort(),
  );
});

describe.each([...places, ...changePlaces])('a panic in %s', (place) => {
  it('is an internal error, and the engine goes on', async () => {
    const { code, stdout, stderr } = await program('panics.mts', place);
    expect(code, stderr).toBe(0);
    const { error, unchanged, after } = JSON.parse(stdout) as Record<string, unknown>;
    expect(error).toMatchObject({ name: 'SonaError', code: 'SONA_INTERNAL' });
    expect(error).toMatchObject({ message: expect.stringContaining(`planted in ${place}`) });
    if ((changePlaces as readonly string[]).includes(place)) expect(unchanged).toBe(true);
    expect(after).toEqual({
      recorded: 2,
      failedCycles: place === 'background' ? 1 : 0,
      best: 'a',
      finite: true,
      trained: true,
      amended: true,
      forgotten: true,
      patterns: 1,
      loaded: 'a',
      shared: true,
      evaluated: 100,
      remembered: 2,
      closed: true,
    });
  });
});

describe.each([...routerPlaces, ...routerChangePlaces])('a panic in %s', (place) => {
  it('is an internal error, and the router goes on', async () => {
    const { code, stdout, stderr } = await program('router-panics.mts', place);
    expect(code, stderr).toBe(0);
    const { error, fitting, unchanged, after } = JSON.parse(stdout) as Record<string, unknown>;
    expect(error).toMatchObject({ name: 'SonaError', code: 'SONA_INTERNAL' });
    expect(error).toMatchObject({ message: expect.stringContaining(`planted in ${place}`) });
    expect(fitting).toBe(place === 'fit' || place === 'routerAdoptPlanned');
    if ((routerChangePlaces as readonly string[]).includes(place)) expect(unchanged).toBe(true);
    expect(after).toEqual({
      learned: 11,
      loaded: 11,
      merged: 1,
      finite: true,
      forgotten: true,
      closed: true,
    });
  });
});

const embedderUses = [
  ['embedderOpen', 'builtin'],
  ['embedderOpen', 'id'],
  ['embedderOpen', 'engine'],
  ['embedderOpen', 'router'],
  ['embed', 'builtin'],
  ['embed', 'engine'],
  ['embed', 'router'],
  ['embed', 'routerAsync'],
] as const satisfies [(typeof embedderPlaces)[number], string][];

describe.each(embedderUses)('a panic in %s by %s', (place, use) => {
  it('is an internal error, and everything goes on', async () => {
    const { code, stdout, stderr } = await program('embedder-panics.mts', place, use);
    expect(code, stderr).toBe(0);
    const { error, after } = JSON.parse(stdout) as { error: unknown; after: unknown };
    expect(error).toMatchObject({ name: 'SonaError', code: 'SONA_INTERNAL' });
    expect(error).toMatchObject({ message: expect.stringContaining(`planted in ${place}`) });
    expect(after).toEqual({ length: expect.closeTo(1, 6), best: 'greeting', fallback: null });
  });
});
