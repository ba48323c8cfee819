// Every check that is not a test, all of them even when one fails; the last lines say how each went.
import { run } from './process.mjs';

const checks = {
  'cargo fmt': ['cargo', 'fmt', '--check'],
  'cargo clippy': ['cargo', 'clippy', '--all-targets', '--', '-D', 'warnings'],
  // the library alone: exports are registered with Node.js, not called from Rust, so tests see none of them used
  'cargo clippy, addon': [
    'cargo',
    'clippy',
    '--lib',
    '--features',
    'napi,fault-injection',
    '--',
    '-D',
    'warnings',
  ],
  biome: ['biome', 'ci', '--colors=off', '.'],
  tsc: ['tsc', '--noEmit'],
  'arrows, self-test': ['node', 'scripts/check-arrows.mjs', '--self-test'],
  arrows: ['node', 'scripts/check-arrows.mjs'],
  'public types': ['node', 'scripts/types.mjs'],
  publint: ['publint', '--strict'],
  'types of the packed entries': ['attw', '--pack', '.', '--format', 'ascii', '--no-emoji'],
  'the picture of the README': ['tsx', 'scripts/picture.mts', '--check'],
  traces: ['node', 'scripts/check-traces.mjs'],
};

const results = Object.entries(checks).map(([name, command]) => {
  console.log(`\n== ${name}`);
  return { name, passed: run(command) === 0 };
});
console.log('');
for (const { name, passed } of results) console.log(`${passed ? 'passed' : 'FAILED'}  ${name}`);
if (results.some(({ passed }) => !passed)) process.exitCode = 1;
