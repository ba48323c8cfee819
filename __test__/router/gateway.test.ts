// The README's quick start, against a service on this machine that answers as OpenAI's does.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLog, SonaRouter } from '../../index.ts';
import { node, root } from '../support/child.ts';
import { temporaryFolder } from '../support/fixture.ts';
import { serve } from '../support/services.ts';

const file = 'examples/gateway.mts';

interface Chat {
  model: string;
  messages: { role: string; content: string }[];
}

/** Runs the program where its model answers with a status, and gives what it asked and what it left behind. */
async function run(status: number, folder = temporaryFolder()) {
  const { origin, asked } = await serve((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    const usage = { prompt_tokens: 12, completion_tokens: 40, total_tokens: 52 };
    response.end(
      JSON.stringify({ choices: [{ message: { role: 'assistant', content: 'SELECT 1' } }], usage }),
    );
  });
  const state = join(folder, 'router.sona');
  const env = { OPENAI_BASE_URL: origin, OPENAI_API_KEY: 'a key', SONA_STATE: state };
  const ended = await node(['--import', 'tsx', file, 'How do I sort a table?'], { env });
  const router = await SonaRouter.load(state);
  const records = readLog(router.exportLog());
  await router.close();
  return { ended, asked, records, folder };
}

describe('the quick start', () => {
  it('is in the README, to the letter', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const block = readme.split(`<!-- ${file} -->\n\`\`\`ts\n`)[1]?.split('```')[0];
    expect(block).toBe(readFileSync(join(root, file), 'utf8'));
  });

  it('asks the model that was chosen, and learns what it cost and how it went', async () => {
    const { ended, asked, records } = await run(200);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const [record] = records;
    expect(ended.stdout).toBe(`${record?.model}: SELECT 1\n`);
    const { model, messages } = (asked[0]?.body ?? {}) as unknown as Chat;
    expect(model).toBe(record?.arm?.model);
    expect(messages).toEqual([{ role: 'user', content: 'How do I sort a table?' }]);
    expect(asked[0]?.headers.authorization).toBe('Bearer a key');
    const [input, output] = record?.model === 'small' ? [0.05, 0.4] : [1.25, 10];
    expect(record?.outcome).toMatchObject({ quality: 1 });
    expect(record?.outcome?.costUsd).toBeCloseTo((12 * input + 40 * output) / 1e6, 15);
    expect(record?.outcome?.latencyMs).toBeGreaterThan(0);
  });

  it('goes on where it ended', async () => {
    const { folder } = await run(200);
    const { records } = await run(200, folder);
    expect(records).toHaveLength(2);
    expect(records.every(({ outcome }) => outcome?.quality === 1)).toBe(true);
  });

  it('learns from a failure too', async () => {
    const { ended, records } = await run(500);
    expect(ended.stderr).toContain('failed: 500');
    expect(records[0]?.outcome).toMatchObject({ error: true });
  });
});
