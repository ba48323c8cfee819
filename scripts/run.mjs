// Runs a task on any machine that has Node.js, Rust and a C linker: installs and builds what is missing or stale
// first, then hands over to the task with the remaining arguments and its exit code.
//
//   node scripts/run.mjs <task> [arguments]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freshen } from './fresh.mjs';
import { fail, root, run, say } from './process.mjs';

/** What each task needs, and the command that it is. @type {Record<string, {steps: string[], peer?: boolean, command?: string[]}>} */
const tasks = {
  build: { steps: ['packages', 'native', 'dist'] },
  // npm runs it once packages are installed: after a plain install in a checkout, and where another project installs from git
  prepare: { steps: ['native', 'dist'] },
  'build:types': { steps: ['packages', 'dist'], command: ['node', 'scripts/types.mjs', '--write'] },
  demo: { steps: ['packages', 'native', 'dist'], command: ['tsx', 'examples/demo.mts'] },
  picture: { steps: ['packages', 'native', 'dist'], command: ['tsx', 'scripts/picture.mts'] },
  replay: { steps: ['packages', 'native', 'dist'], command: ['tsx', 'examples/replay.mts'] },
  test: { steps: ['packages', 'native', 'fault', 'dist'], command: ['node', 'scripts/test.mjs'] },
  'test:ts': { steps: ['packages', 'native', 'fault', 'dist'], command: ['node', 'scripts/test.mjs', 'ts'] },
  'test:rust': { steps: [], command: ['node', 'scripts/test.mjs', 'rust'] },
  'test:bundlers': {
    steps: ['packages', 'native', 'dist', 'bundlers'],
    command: ['npm', '--prefix', '__test__/bundlers', '--silent', 'test', '--'],
  },
  lint: { steps: ['packages', 'native', 'dist'], command: ['node', 'scripts/lint.mjs'] },
  'bench:learning': { steps: ['packages', 'native', 'dist'], command: ['tsx', 'bench/learning.mts'] },
  'bench:routing': { steps: ['packages', 'native', 'dist'], command: ['tsx', 'bench/routing.mts'] },
  'bench:embedding': { steps: ['packages', 'native', 'dist'], command: ['tsx', 'bench/embedding.mts'] },
  'bench:calls': { steps: ['packages', 'native', 'dist'], peer: true, command: ['tsx', 'bench/calls.mts'] },
  'bench:threads': { steps: ['packages', 'native', 'dist'], command: ['tsx', 'bench/threads.mts'] },
  'fit:basis': { steps: ['packages', 'native'], command: ['tsx', 'scripts/fit-basis.mts'] },
  'pack:data': { steps: ['packages', 'native'], command: ['tsx', 'scripts/make-pack.mts'] },
};

/** The published package that the benches compare with lives in bench/ alone; without it they skip its column. */
function installPeer() {
  if (existsSync(join(root, 'bench/node_modules/@ruvector/sona'))) return;
  say('installing the peer for the comparison (bench/package.json)');
  const install = ['npm', 'ci', '--prefix', 'bench', '--no-audit', '--no-fund', '--loglevel', 'error'];
  if (run(install, { quiet: true }) !== 0) say('the peer could not be installed: its figures are left out');
}

const [name, ...rest] = process.argv.slice(2);
const task = tasks[name ?? ''];
if (!task) fail(`usage: node scripts/run.mjs <task> [arguments]; tasks: ${Object.keys(tasks).join(', ')}`);
freshen(task.steps);
if (task.peer) installPeer();
if (task.command) process.exit(run([...task.command, ...rest]));
