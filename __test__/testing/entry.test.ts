// The built entry: both kinds of module, nothing of the host, and the example of its page.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as source from '../../testing.ts';
import { node, root } from '../support/child.ts';

const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** All files that a built file loads, itself among them. */
function loads(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file) || !file.startsWith('./')) return seen.add(file);
  seen.add(file);
  const code = read(`dist/${file}`);
  for (const [, to = ''] of code.matchAll(/(?:\bfrom |\bimport |\brequire\(|\bimport\()["']([^"']+)["']/g))
    loads(to, seen);
  return seen;
}

describe.each([
  ['module', `import * as kit from '@sona/sona/testing';`, './testing.mjs'],
  ['commonjs', `const kit = require('@sona/sona/testing');`, './testing.cjs'],
])('@sona/sona/testing as %s', (kind, load, file) => {
  it('exports what the source does', async () => {
    const script = `${load} console.log(Object.keys(kit).sort().join())`;
    const { code, stdout, stderr } = await node([`--input-type=${kind}`, '--eval', script]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.trim()).toBe(Object.keys(source).sort().join());
  });

  it('loads nothing but its own code', () => {
    const loaded = [...loads(file)];
    expect(loaded.length).toBeGreaterThan(1);
    expect(loaded.filter((name) => !name.startsWith('./'))).toEqual([]);
    expect(loaded.filter((name) => read(`dist/${name}`).includes('binding.cjs'))).toEqual([]);
  });

  it('names what it refuses as the main entry does', async () => {
    const main =
      kind === 'module'
        ? `import { SonaError } from '@sona/sona';`
        : `const { SonaError } = require('@sona/sona');`;
    const script = `${load} ${main}
      try { kit.fixedClock(0) } catch (error) { console.log(error instanceof SonaError, error.code) }`;
    const { stdout } = await node([`--input-type=${kind}`, '--eval', script]);
    expect(stdout.trim()).toBe('true SONA_OUT_OF_RANGE');
  });
});

describe('examples/testing.mts', () => {
  const file = 'examples/testing.mts';

  it('is in docs/testing.md, to the letter', () => {
    const block = read('docs/testing.md').split(`<!-- ${file} -->\n\`\`\`ts\n`)[1]?.split('```')[0];
    expect(block).toBe(read(file));
  });

  it('passes', async () => {
    const { code, stdout } = await node(['--import', 'tsx', '--test-reporter', 'tap', file]);
    expect(stdout).toMatch(/^# pass 4$/m);
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(code).toBe(0);
  });
});
