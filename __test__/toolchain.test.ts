// What a machine lacks is said before anything is installed or built on it.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/fixture.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs the demo's command in a clone where nothing is installed, on a machine that has these programs alone. */
function demo(...programs: string[]) {
  const clone = temporaryFolder();
  const path = join(clone, 'programs');
  mkdirSync(path);
  for (const name of programs) writeFileSync(join(path, name), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  cpSync(join(root, 'scripts'), join(clone, 'scripts'), { recursive: true });
  for (const file of ['package.json', 'package-lock.json', 'Cargo.toml'])
    cpSync(join(root, file), join(clone, file));
  const run = spawnSync(process.execPath, ['scripts/run.mjs', 'demo'], {
    cwd: clone,
    encoding: 'utf8',
    env: { PATH: path },
  });
  return { status: run.status, said: run.stderr };
}

describe.skipIf(process.platform === 'win32')('a machine without the toolchain', () => {
  it('says that cargo is missing before it installs packages', () => {
    const { status, said } = demo('cc');
    expect(status).toBe(1);
    expect(said).toMatch(/^sona: cargo was not found\..*rustup/);
    expect(said).not.toMatch(/installing the development packages/);
  });

  it('says that a C linker is missing before it installs packages', () => {
    const { status, said } = demo('cargo');
    expect(status).toBe(1);
    expect(said).toMatch(/^sona: No C linker was found.*build-essential/);
    expect(said).not.toMatch(/installing the development packages/);
  });

  it('installs packages where both are there', () => {
    expect(demo('cargo', 'cc').said).toMatch(/^sona: installing the development packages/);
  });
});
