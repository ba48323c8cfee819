// The entry for embedders as it is installed: both module kinds, what both entries share, and what is not loaded.
import { describe, expect, it } from 'vitest';
import * as source from '../../embed.ts';
import { node } from '../support/child.ts';

/** Runs a script as an ES module or a CommonJS one, and returns what it printed as JSON. */
async function printed(kind: 'module' | 'commonjs', script: string): Promise<unknown> {
  const { code, stdout, stderr } = await node([`--input-type=${kind}`, '--eval', script]);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

const load = {
  module: "import * as embed from '@sona/sona/embed'; import * as main from '@sona/sona';",
  commonjs: "const embed = require('@sona/sona/embed'); const main = require('@sona/sona');",
};

const use = `
  (async () => {
    const embedder = embed.transformers({ model: 'm' });
    let error;
    try { await embedder.embed(['a']) } catch (thrown) { error = thrown }
    console.log(JSON.stringify({
      names: Object.keys(embed).filter((name) => name !== 'default').sort(),
      prompt: embed.promptOf([{ role: 'user', content: 'why' }]),
      shared: [embed.promptOf === main.promptOf, error instanceof main.SonaError],
      error,
      message: error.message,
    }));
  })();`;

describe('@sona/sona/embed', () => {
  it.each(['module', 'commonjs'] as const)('works as %s, and says which package is missing', async (kind) => {
    expect(await printed(kind, load[kind] + use)).toEqual({
      names: Object.keys(source).sort(),
      prompt: 'why',
      shared: [true, true],
      error: {
        name: 'SonaError',
        code: 'SONA_INVALID_CONFIG',
        details: { embedder: 'transformers:m', package: '@huggingface/transformers' },
        help: expect.stringMatching(/#sona_invalid_config$/),
      },
      message:
        'transformers:m: the package @huggingface/transformers is not installed: npm install @huggingface/transformers',
    });
  });

  it('loads no package, though one lies there', async () => {
    const script = `${load.commonjs}
      embed.transformers({ model: 'm' });
      embed.aiSdk({ provider: 'p', modelId: 'm', doEmbed() {} }, { dim: 2 });
      console.log(JSON.stringify(Object.keys(require.cache).filter((file) => /node_modules/.test(file))));`;
    expect(await printed('commonjs', script)).toEqual([]);
  });
});
