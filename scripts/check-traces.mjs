// Checks that no file of the repository names the machine it was written on: no absolute paths of people's folders,
// no addresses of package registries.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from './process.mjs';

const traces = [
  { what: 'an absolute path', pattern: /(?<![\w.~-])\/(home|root|Users|work|farm)\/[\w.]/ },
  {
    what: 'a registry address',
    pattern: /"resolved": *"https?:|registry\.(npmjs|yarnpkg|npmmirror)\.\w+|(index|static)\.crates\.io/,
  },
];

const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
});
if (listed.status !== 0) fail('git could not list the files: run this inside a clone, with git installed.');

let found = 0;
for (const path of listed.stdout.split('\0').filter((name) => name && existsSync(join(root, name)))) {
  const text = readFileSync(join(root, path), 'latin1');
  if (text.includes('\0')) continue;
  text.split('\n').forEach((line, i) => {
    for (const { what, pattern } of traces) {
      if (!pattern.test(line)) continue;
      console.error(`${path}:${i + 1}: ${what}: ${line.trim().slice(0, 120)}`);
      found++;
    }
  });
}
if (found > 0) process.exit(1);
console.log('traces: no absolute paths, no registry addresses');
