// `npm run replay`, as somebody at a terminal sees it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluatePolicy, writeLog } from '../index.ts';
import { node } from './support/child.ts';
import { decision, outcome, randomLog } from './support/decisions.ts';
import { temporaryFolder } from './support/fixture.ts';

const folder = temporaryFolder();

const file = (text: string): string => {
  writeFileSync(join(folder, 'log.jsonl'), text);
  return 'log.jsonl';
};
const replay = (...args: string[]) =>
  node(['--import', 'tsx', 'examples/replay.mts', ...args], { env: { INIT_CWD: folder } });

const log = [
  ...randomLog(300, 1),
  decision(1_000, { reason: 'session', outcome: outcome(1) }),
  decision(1_001, { eligible: ['small', 'rare'], outcome: outcome(1) }),
];

/** `0.512 ±0.043` */
function shown({ value, interval: [low, high] }: { value: number; interval: [number, number] }): string {
  return `${value.toFixed(3)} ±${((high - low) / 2).toFixed(3)}`;
}

describe('replay', () => {
  it('shows every policy with every estimator, and what was left out', async () => {
    const { code, stdout, stderr } = await replay(file(writeLog(log)));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const [name, policy] of [
      ['logged', 'logged'],
      ['uniform', 'uniform'],
      ['always large', { model: 'large' }],
      ['always middle', { model: 'middle' }],
      ['always small', { model: 'small' }],
    ] as const) {
      const { snips, dr, sndr, ips, dm } = evaluatePolicy(log, policy);
      const line = stdout.split('\n').find((text) => text.startsWith(`${name} `));
      const cells = [snips, dr, sndr, ips, dm].map(shown).join('\\s+');
      expect(line).toMatch(new RegExp(`^${name}\\s+${cells}\\s+[+-]0\\.\\d+\\s+\\d+\\s+100 %$`));
    }
    expect(stdout).toMatch(/^always rare +log: expected at least 2 decisions/m);
    expect(stdout).toMatch(/^entered: 301, mean quality 0\.\d{3}, 300 with features$/m);
    expect(stdout).toMatch(/^left out: 1 \(by session 1\)$/m);
    expect(stdout).toMatch(/^always middle: also \d+ where it was not eligible$/m);
  });

  it('shows the policies that are named', async () => {
    const { code, stdout } = await replay(file(writeLog(log)), '--policy', 'uniform', 'large', '--seed', '3');
    expect(code).toBe(0);
    const rows = stdout.split('\n').filter((text) => /^(logged|uniform|always \w+) .* %$/.test(text));
    expect(rows).toHaveLength(2);
    expect(rows[1]).toContain(shown(evaluatePolicy(log, { model: 'large' }, { seed: 3 }).dr));
  });

  const certain = [1, 2, 3].map((id) =>
    decision(id, { propensities: [1, 0], propensity: 1, outcome: outcome(1) }),
  );

  it('says which policies a deterministic log knows nothing of, and what to keep in mind', async () => {
    const { code, stdout } = await replay(file(writeLog(certain)));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^logged +1\.000 ±0\.000 /m);
    expect(stdout).toMatch(
      /^uniform +log: .*set propensityFloor, or use igw or thompson.*support of 0\.5000/m,
    );
    expect(stdout).toMatch(/^always middle +log: .*deterministic log/m);
    expect(stdout).toMatch(/^logged: an effective sample size of 3\.0: intervals may be too narrow$/m);
  });

  it.each<[string, () => string[], number, RegExp]>([
    ['no file', () => [], 2, /^replay: expected a file, got nothing\n\nusage: /],
    ['two files', () => ['a', 'b'], 2, /^replay: expected one file, got also "b"/],
    ['another option', () => ['a', '--fast'], 2, /^replay: .*--fast/],
    ['a seed that is none', () => ['a', '--seed', 'x'], 2, /^replay: --seed: /],
    ['a file that is not there', () => ['none.jsonl'], 1, /^replay: there is no file none\.jsonl\n$/],
    ['a folder', () => ['.'], 1, /^replay: \. cannot be read: /],
    ['an empty log', () => [file('\n\n')], 1, /^replay: log\.jsonl has no decisions\n$/],
    ['a broken line', () => [file(`${writeLog(certain)}{`)], 1, /^replay: log\.jsonl: line 4: expected /],
    [
      'no outcomes',
      () => [file(writeLog([decision(1), decision(2)]))],
      1,
      /^replay: log\.jsonl: .*got 0 of 2 \(noOutcome 2\)\n$/,
    ],
    [
      'an unknown policy',
      () => [file(writeLog(log)), '--policy', 'huge'],
      2,
      /^replay: --policy: expected logged, uniform or one of large, middle, rare, small; got "huge"/,
    ],
  ])('says what is wrong with %s', async (_, args, exit, message) => {
    const { code, stdout, stderr } = await replay(...args());
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
  });
});
