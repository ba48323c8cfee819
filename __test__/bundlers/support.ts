// Paths, programs that run in a process of their own, and what they must print.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = fileURLToPath(new URL('.', import.meta.url));
export const root = fileURLToPath(new URL('../..', import.meta.url));
export const outRoot = join(here, '.out');

/** A folder of this name for what a test builds; what it imports is found as where packages are installed. */
export function out(name: string, from?: string): string {
  const folder = join(outRoot, name);
  mkdirSync(folder, { recursive: true });
  if (from) cpSync(join(here, from), folder, { recursive: true });
  return folder;
}

/** Gives a project in such a folder its own copy of the package, instead of the one that all share. */
export function ownCopy(folder: string): string {
  const copy = join(folder, 'node_modules/@sona/sona');
  cpSync(join(here, 'node_modules/@sona/sona'), copy, { recursive: true });
  return copy;
}

/** A program of the tests as JavaScript, an ES module. */
export const app = (name: string): string => join(outRoot, 'apps', name);

/** The file of a package's command. */
export function bin(name: string, command = name): string {
  const folder = join(here, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Options {
  cwd?: string;
  env?: Record<string, string>;
}

/** The environment without what Vitest, and npm for this package's own commands, have set. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_ENV, NODE_OPTIONS, VITEST, ...rest } = process.env;
  const kept = Object.entries(rest).filter(
    ([name]) => !/^(VITEST_|npm_package_|npm_lifecycle_|npm_config_(loglevel|local_prefix)$)/.test(name),
  );
  return Object.fromEntries(kept);
}

/** Starts a program. */
export function start(program: string, args: readonly string[], { cwd = here, env = {} }: Options = {}) {
  const shell = process.platform === 'win32' && program === 'npm';
  return spawn(program, args, {
    cwd,
    shell,
    env: { ...environment(), NEXT_TELEMETRY_DISABLED: '1', ...env },
  });
}

/** Runs a program to its end, however it ends. */
export function end(program: string, args: readonly string[], options?: Options): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = start(program, args, options);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Runs a program that has to end well, and gives what it printed. */
export async function run(program: string, args: readonly string[], options?: Options): Promise<string> {
  const { code, stdout, stderr } = await end(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}

/** Runs npm in a folder. */
export const npm = (cwd: string, ...args: string[]): Promise<string> =>
  run('npm', [...args, '--no-audit', '--no-fund', '--loglevel', 'error'], { cwd });

/** What a router picks that has learned what `apps/lessons.ts` teaches. */
export const learned = { code: 'large', chat: 'small' };

/** What `apps/program.ts` prints: the same from the main thread, a worker thread and a second process. */
export const everywhere = { main: learned, worker: learned, second: learned };

/** What a bundle without the setting says. */

export const notExternal =
  /could not be loaded: this code was bundled, .* Mark @sona\/sona as external, .*docs\/bundlers\.md/;
