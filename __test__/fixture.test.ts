// The tests' own fixture: what a test opens ends with it, what a file opens ends with the file.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SonaEngine, SonaRouter } from '../index.ts';
import { afterwards, engines, routers, temporaryFolder } from './support/fixture.ts';

const [makeEngine, makeRouter] = [engines({ hiddenDim: 4 }), routers()];
const shared = { folder: temporaryFolder(), engine: makeEngine({ seed: 7 }), router: makeRouter() };
const isOpen = (owner: SonaEngine | SonaRouter): boolean => {
  try {
    owner.stats();
    return true;
  } catch {
    return false;
  }
};

let later: SonaEngine;
beforeAll(() => {
  later = makeEngine();
});
// hooks of a file run before those that its fixture has set up
afterAll(() => expect(existsSync(shared.folder)).toBe(true));

const ofTheFirst: { folder: string; engine: SonaEngine; router: SonaRouter }[] = [];
const order: string[] = [];

describe('what is open', () => {
  it('is what the file and this test have opened', () => {
    const own = { folder: temporaryFolder(), engine: makeEngine(), router: makeRouter() };
    writeFileSync(join(own.folder, 'file'), 'text');
    ofTheFirst.push(own);
    for (const { folder, engine, router } of [own, shared]) {
      expect([existsSync(folder), isOpen(engine), isOpen(router)]).toEqual([true, true, true]);
    }
    expect([own.engine.hiddenDim, own.router.models().length]).toEqual([4, 3]);
    afterwards(() => order.push('first'));
    afterwards(() => order.push('second'));
  });

  it('is not what another test has opened', () => {
    const [{ folder, engine, router }] = ofTheFirst as [(typeof ofTheFirst)[number]];
    expect([existsSync(folder), isOpen(engine), isOpen(router)]).toEqual([false, false, false]);
    expect([existsSync(shared.folder), isOpen(shared.engine), isOpen(shared.router)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(isOpen(later)).toBe(true);
    expect(order).toEqual(['second', 'first']);
  });
});
