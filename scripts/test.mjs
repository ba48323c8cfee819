// Every test suite, with its output as it comes; the last line is the sum over all of them, `N passed, N failed`.
//
//   node scripts/test.mjs [arguments of vitest]
//   node scripts/test.mjs ts [arguments of vitest]        vitest alone
//   node scripts/test.mjs rust [arguments of cargo test]  the core alone, which needs no Node.js packages
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment, root } from './process.mjs';

const [first, ...others] = process.argv.slice(2);
/** The suite that was asked for; undefined: all. */
const only = first === 'ts' || first === 'rust' ? first : undefined;
const rest = only ? others : process.argv.slice(2);

/** @typedef {{passed: number, failed: number}} Count */

/** Runs a command, shows its output, and resolves with its exit code and standard output. */
function stream(/** @type {string[]} */ [program = '', ...args]) {
  return new Promise((/** @type {(done: {code: number, output: string}) => void} */ resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
      shell: process.platform === 'win32',
    });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
      process.stdout.write(data);
    });
    child.on('error', (error) => {
      console.error(`${program} could not be started: ${error.message}`);
      resolve({ code: 1, output });
    });
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Unit, integration and documentation tests of the Rust core. @returns {Promise<Count>} */
async function rust() {
  const { code, output } = await stream([
    'cargo',
    'test',
    '--no-fail-fast',
    ...(only === 'rust' ? rest : []),
  ]);
  const count = { passed: 0, failed: 0 };
  for (const [, passed, failed] of output.matchAll(/^test result: .*? (\d+) passed; (\d+) failed;/gm)) {
    count.passed += Number(passed);
    count.failed += Number(failed);
  }
  return settle(count, code);
}

/** Tests of the public TypeScript interface. @returns {Promise<Count>} */
async function typescript() {
  const folder = mkdtempSync(join(tmpdir(), 'sona-test-'));
  const file = join(folder, 'vitest.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const { code } = await stream(['vitest', 'run', ...reporters, ...rest]);
    const report = JSON.parse(readFileSync(file, 'utf8'));
    return settle({ passed: report.numPassedTests, failed: report.numFailedTests }, code);
  } catch (error) {
    console.error(`vitest left no report: ${error}`);
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The type check counts as one test. @returns {Promise<Count>} */
async function types() {
  const { code } = await stream(['tsc', '--noEmit']);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** A suite that broke outside its tests, or ran none, has failed. */
function settle(/** @type {Count} */ count, /** @type {number} */ code) {
  if (count.failed === 0 && (code !== 0 || count.passed === 0)) count.failed = 1;
  return count;
}

const total = { passed: 0, failed: 0 };
const suites = [
  { of: 'rust', name: 'cargo test', suite: rust },
  { of: 'ts', name: 'vitest', suite: typescript },
  { of: undefined, name: 'tsc', suite: types },
];
const lines = [];
for (const { name, suite } of only ? suites.filter(({ of }) => of === only) : suites) {
  console.log(`\n== ${name}`);
  const count = await suite();
  lines.push(`${name}: ${count.passed} passed, ${count.failed} failed`);
  total.passed += count.passed;
  total.failed += count.failed;
}
console.log(`\n${lines.join('\n')}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
