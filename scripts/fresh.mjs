// What has to be built before a task runs: each step names its inputs, its outputs and the command that makes the
// outputs again. A step runs when an output is missing or older than an input.
import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fail, found, root, run, say } from './process.mjs';

/** Time of the newest file or folder (a folder's time changes when a file in it is removed). */
function newest(/** @type {string[]} */ paths) {
  let time = 0;
  for (const path of paths.map((p) => join(root, p)).filter((p) => existsSync(p))) {
    const info = statSync(path);
    time = Math.max(time, info.mtimeMs);
    if (!info.isDirectory()) continue;
    for (const entry of readdirSync(path, { recursive: true })) {
      time = Math.max(time, statSync(join(path, String(entry))).mtimeMs);
    }
  }
  return time;
}

/** Files in the root whose name matches; the addon's file name carries its platform. */
const rootFiles = (/** @type {RegExp} */ pattern) => readdirSync(root).filter((name) => pattern.test(name));

function packages() {
  if (existsSync(join(root, 'node_modules/@napi-rs/cli')) && existsSync(join(root, 'node_modules/tsdown')))
    return;
  fail('the development packages, which build this one, are not installed: run `npm ci` without --omit=dev.');
}

function toolchain() {
  if (!found('cargo')) {
    fail(
      'cargo was not found. The engine is written in Rust, and an install from sources or git builds it: install the stable ' +
        'Rust toolchain (version 1.90 or newer, usually through rustup), open a new shell and run this again.',
    );
  }
  if (process.platform !== 'win32' && !['cc', 'gcc', 'clang'].some(found)) {
    fail(
      'No C linker was found (cc). Install one and run this again: the package build-essential on Debian and Ubuntu, ' +
        'gcc on Fedora, the Xcode command line tools on macOS.',
    );
  }
}

const rust = ['src', 'Cargo.toml', 'Cargo.lock', 'build.rs'];

/**
 * `tools`: what the machine must have, checked before the first step, so that nobody waits for packages to learn of it.
 * `needs`: what an earlier step leaves.
 * @typedef {{what: string, inputs: string[], outputs: () => string[], tools?: () => void, needs?: () => void, command: string[]}} Step
 * @type {Record<string, Step>}
 */
const steps = {
  packages: {
    what: 'installing the development packages (npm ci)',
    inputs: ['package-lock.json'],
    outputs: () => ['node_modules/.package-lock.json'],
    // without scripts: its own would build what the steps below build, unseen
    command: ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'],
  },
  native: {
    what: 'building the native addon (some minutes the first time)',
    inputs: rust,
    outputs: () => ['binding.cjs', 'binding.d.cts', rootFiles(/^sona\..+\.node$/)[0] ?? 'sona.node'],
    tools: toolchain,
    needs: packages,
    command: ['npm', 'run', '--silent', 'build:native'],
  },
  bundlers: {
    what: 'installing the bundlers (__test__/bundlers/package.json)',
    inputs: ['__test__/bundlers/package-lock.json'],
    outputs: () => ['__test__/bundlers/node_modules/.package-lock.json'],
    command: ['npm', 'ci', '--prefix', '__test__/bundlers', '--ignore-scripts', '--loglevel', 'error'],
  },
  fault: {
    what: 'building the addon with planted faults, for the tests',
    inputs: rust,
    outputs: () => ['__test__/fault/sona.node'],
    tools: toolchain,
    needs: packages,
    command: ['npm', 'run', '--silent', 'build:fault'],
  },
  dist: {
    what: 'bundling the TypeScript layer',
    inputs: ['index.ts', 'embed.ts', 'testing.ts', 'ts', 'tsdown.config.ts', 'tsconfig.json', 'package.json'],
    outputs: () =>
      ['index', 'embed', 'testing'].flatMap((name) =>
        ['mjs', 'cjs', 'd.mts', 'd.cts'].map((extension) => `dist/${name}.${extension}`),
      ),
    needs: packages,
    command: ['npm', 'run', '--silent', 'build:ts'],
  },
};

/** Whether an output is missing or older than an input. */
function stale(/** @type {Step} */ { inputs, outputs }) {
  const ages = outputs().map((p) => (existsSync(join(root, p)) ? statSync(join(root, p)).mtimeMs : 0));
  return Math.min(...ages) < newest(inputs);
}

/** Brings the named steps up to date, in the order given. */
export function freshen(/** @type {string[]} */ names) {
  const chosen = names.map((name) => {
    const step = steps[name];
    if (!step) throw new Error(`no build step named ${name}`);
    return step;
  });
  for (const step of chosen) if (step.tools && stale(step)) step.tools();
  for (const step of chosen) {
    if (!stale(step)) continue;
    step.needs?.();
    say(step.what);
    const started = new Date();
    if (run(step.command, { quiet: true }) !== 0)
      fail(`${step.command.join(' ')} failed; its messages are above.`);
    for (const path of step.outputs()) {
      if (!existsSync(join(root, path)))
        fail(`${step.command.join(' ')} ended without error but did not write ${path}.`);
      // The time of the start: what is edited during the build makes the next run build again.
      utimesSync(join(root, path), started, started);
    }
  }
}
