// Installing the package: beside older versions of what its adapters take, and from git where Rust is missing.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { end, root } from './support.ts';

const scratch = mkdtempSync(join(tmpdir(), 'sona-install-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** An empty project. */
function project(name: string): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
  return folder;
}

describe('an install', () => {
  it.each(['ai@4', 'ai@5', '@huggingface/transformers@3'])('beside %s resolves', async (other) => {
    const cwd = project(other.replace(/\W+/g, '-'));
    // the tree of packages alone: the others' files are not needed
    const args = ['install', '--package-lock-only', '--ignore-scripts', '--strict-peer-deps'];
    const { code, stderr } = await end('npm', [...args, inject('tarball'), other], { cwd });
    expect(stderr).not.toContain('ERESOLVE');
    expect(code).toBe(0);
  });

  it.skipIf(process.platform === 'win32')('from git, without Rust, says what to install', async () => {
    // every command of this machine, except those of Rust
    const commands = join(scratch, 'commands');
    mkdirSync(commands);
    const seen = new Set<string>();
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      let names: string[] = [];
      try {
        names = readdirSync(folder);
      } catch {
        continue;
      }
      for (const name of names) {
        if (seen.has(name) || /^(cargo|rust)/.test(name)) continue;
        seen.add(name);
        symlinkSync(join(folder, name), join(commands, name));
      }
    }
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
    const cwd = project('git');
    const { code, stderr } = await end(
      'npm',
      ['install', `git+file://${root.replace(/\/$/, '')}#${commit}`],
      {
        cwd,
        env: { PATH: commands },
      },
    );
    expect(stderr).toContain('cargo was not found. The engine is written in Rust');
    expect(stderr).toContain('install the stable Rust toolchain');
    expect(code).not.toBe(0);
    expect(readdirSync(cwd)).not.toContain('node_modules');
  });
});
