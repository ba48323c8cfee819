// The example of docs/api.md is the program that runs in CI, and it routes, learns and explains in fifteen lines of code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { node, root } from '../support/child.ts';

const file = 'examples/router.mts';
const program = readFileSync(join(root, file), 'utf8');

describe('the router in docs/api.md', () => {
  it('is the example, to the letter', () => {
    const page = readFileSync(join(root, 'docs/api.md'), 'utf8');
    const block = page.split(`<!-- ${file} -->\n\`\`\`ts\n`)[1]?.split('```')[0];
    expect(block).toBe(program);
  });

  it('is fifteen lines of code', () => {
    const code = program.split('\n').filter((line) => line !== '' && !line.startsWith('//'));
    expect(code.length).toBeLessThanOrEqual(15);
  });

  it('learns which model each kind of prompt needs', async () => {
    const { code, stdout } = await node(['--import', 'tsx', file]);
    expect(code).toBe(0);
    const chosen = Array.from(stdout.matchAll(/^decision r[0-9a-f]{16}-\d+: (\w+),/gm), ([, model]) => model);
    expect(chosen).toEqual(['large', 'small']);
    expect(stdout).toContain('evidence');
  });
});
