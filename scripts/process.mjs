// Running other programs from the scripts: one place for paths, messages and exit codes.
import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Environment for child processes: the development packages' commands come first. */
export const environment = {
  ...process.env,
  PATH: join(root, 'node_modules', '.bin') + delimiter + (process.env.PATH ?? ''),
};

const shell = process.platform === 'win32';

/** One line of progress, on stderr so that a task's own output stays clean. */
export function say(/** @type {string} */ line) {
  console.error(`sona: ${line}`);
}

/** @returns {never} */
export function fail(/** @type {string} */ line) {
  say(line);
  process.exit(1);
}

/** Is there a program of this name? */
export function found(/** @type {string} */ program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore', shell, env: environment }).status === 0;
}

/**
 * Runs a command in the root folder and returns its exit code (1 when a signal ended it). `quiet` moves its standard
 * output to stderr.
 */
export function run(
  /** @type {string[]} */ [program, ...args],
  /** @type {{quiet?: boolean, env?: Record<string, string>}} */ { quiet = false, env = {} } = {},
) {
  const stdio = /** @type {import('node:child_process').StdioOptions} */ ([
    'inherit',
    quiet ? 2 : 'inherit',
    'inherit',
  ]);
  const done = spawnSync(program ?? '', args, { cwd: root, stdio, shell, env: { ...environment, ...env } });
  if (done.error) fail(`${program} could not be started: ${done.error.message}`);
  return done.status ?? 1;
}
