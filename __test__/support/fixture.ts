// What tests open: engines, routers, folders. It ends with the test that opened it, or with the file where no test ran yet.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach } from 'vitest';
import type { RouterConfig, SonaConfig, SonaEngine, SonaRouter } from '../../index.ts';
import { manual } from './engines.ts';
import { make } from './routers.ts';

type Ending = () => unknown;

const ofTheTest: Ending[] = [];
const ofTheFile: Ending[] = [];
let running = false;

beforeEach(() => {
  running = true;
});
afterEach(async () => {
  running = false;
  await endAll(ofTheTest);
});
afterAll(() => endAll(ofTheFile));

/** The newest first. Each gets its turn; the first failure is thrown. */
async function endAll(endings: Ending[]): Promise<void> {
  const ended = await Promise.allSettled(
    endings
      .splice(0)
      .reverse()
      .map(async (end) => end()),
  );
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

/** Does something when the test has ended. */
export function afterwards(end: Ending): void {
  (running ? ofTheTest : ofTheFile).push(end);
}

/** Closes what a test opened. Closing twice does no harm. */
export function keep<T extends { close(): unknown }>(opened: T): T {
  afterwards(() => opened.close());
  return opened;
}

/** Makes engines that train only when told to, with the settings of a file and those of a test. */
export function engines(settings: SonaConfig = {}): (config?: SonaConfig) => SonaEngine {
  return (config) => keep(manual({ ...settings, ...config }));
}

/** Makes routers for `models` on `basis` (`routers.ts`) whose clock stands, with the settings of a file and those of a test. */
export function routers(
  settings: Partial<RouterConfig> = {},
): (config?: Partial<RouterConfig>) => SonaRouter {
  return (config) => keep(make({ ...settings, ...config }));
}

/** A folder of its own, by the path that the system knows it by. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sona-test-')));
  afterwards(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
