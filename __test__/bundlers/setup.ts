// Packs the package and installs it here by its tarball, as whoever uses it would; builds the programs' JavaScript.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bin, here, npm, outRoot, root, run } from './support.ts';

export default async function setup(project: TestProject): Promise<void> {
  rmSync(outRoot, { recursive: true, force: true });
  rmSync(join(here, 'node_modules/@sona/sona'), { recursive: true, force: true });
  mkdirSync(outRoot, { recursive: true });
  // what it holds is built by now
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', outRoot], { cwd: root });
  const [tarball] = readdirSync(outRoot).filter((name) => name.endsWith('.tgz'));
  if (!tarball) throw new Error('npm pack made no tarball');
  const file = join(outRoot, tarball);
  await npm(here, 'install', '--no-save', '--ignore-scripts', file);
  await run(process.execPath, [bin('typescript', 'tsc'), '-p', join(here, 'apps')]);
  project.provide('tarball', file);
}

declare module 'vitest' {
  interface ProvidedContext {
    tarball: string;
  }
}
