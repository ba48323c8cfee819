// The README's programs, in an empty project with the package's tarball alone: each runs as it is printed, as an ES module and as
// CommonJS, and passes the strict type check. Its model is a service of this test, which answers as OpenAI's does.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { bin, end, here, npm, root, run } from './support.ts';

const project = mkdtempSync(join(tmpdir(), 'sona-empty-'));
afterAll(() => rmSync(project, { recursive: true, force: true }));
beforeAll(async () => {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await npm(project, 'install', inject('tarball'));
});

/** What the model was asked, as the service of this test saw it. */
interface Asked {
  url: string;
  authorization: string | undefined;
  body: { model: string; messages: { role: string; content: string }[] };
}

const asked: Asked[] = [];
const service = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  const { url = '', headers } = request;
  asked.push({ url, authorization: headers.authorization, body: JSON.parse(text) });
  response.writeHead(200, { 'content-type': 'application/json' }).end(
    JSON.stringify({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: asked.at(-1)?.body.model,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'SELECT 1' },
          finish_reason: 'stop',
          logprobs: null,
        },
      ],
      usage: { prompt_tokens: 12, completion_tokens: 40, total_tokens: 52 },
    }),
  );
});
beforeAll(() => new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  service.closeAllConnections();
  service.close();
});

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const snippets = Array.from(
  readme.matchAll(/^```(ts|mts|cts|js|mjs|cjs|typescript|javascript)\n([\s\S]*?)^```$/gm),
  ([, language = '', code = ''], i) => ({ i: i + 1, script: !/t/.test(language), code }),
);

/** The same program as CommonJS: each import a `require`, what awaits at its top level in a function. */
async function commonjs(code: string): Promise<string> {
  // the compiler takes types away and leaves the rest as it stands; then imports go, mechanically
  const { code: plain } = await esbuild.transform(code, { loader: 'ts', format: 'esm', target: 'node20' });
  const imports = /^import\s+(.+?)\s+from\s+(["'].+?["']);$/gms;
  const heads = Array.from(plain.matchAll(imports), ([, names = '', from]) => {
    const bound = names.startsWith('* as ') ? names.slice(5) : names.replace(/\sas\s/g, ': ');
    return `const ${bound} = require(${from});`;
  });
  return `${heads.join('\n')}\n(async () => {\n${plain.replace(imports, '')}})();\n`;
}

/** Runs a program in the project with the service as its model, where nothing was saved before. */
async function works(file: string): Promise<void> {
  const { port } = service.address() as AddressInfo;
  const env = { OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`, OPENAI_API_KEY: 'a key' };
  asked.length = 0;
  const cwd = mkdtempSync(join(project, 'run-'));
  const first = await end(process.execPath, [file, 'How do I sort a table?'], { cwd, env });
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).not.toBe('');
  // what was saved is read by the next run
  const second = await end(process.execPath, [file, 'How do I sort a table?'], { cwd, env });
  expect(second).toMatchObject({ code: 0, stderr: '' });
}

describe('an empty project', () => {
  it('has this package and no other', () => {
    const packages = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(packages).toEqual(['@sona']);
    expect(readdirSync(join(project, 'node_modules/@sona'))).toEqual(['sona']);
  });
});

describe('README.md', () => {
  it('has a program that calls a model', () => {
    expect(snippets.filter(({ code }) => code.includes('OPENAI_BASE_URL'))).not.toEqual([]);
  });

  describe.each(snippets)('program $i', ({ i, script, code }) => {
    const folder = join(project, `program-${i}`);
    const source = `program.${script ? 'mjs' : 'mts'}`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, source), code);

    it('passes the strict type check', async () => {
      const compilerOptions = {
        target: 'es2023',
        lib: ['es2023'],
        module: 'nodenext',
        types: ['node'],
        typeRoots: [join(here, 'node_modules/@types')],
        strict: true,
        exactOptionalPropertyTypes: true,
        allowJs: true,
        checkJs: true,
        noEmit: true,
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [source] }));
      expect(await run(process.execPath, [bin('typescript', 'tsc'), '-p', folder])).toBe('');
    });

    it('runs as an ES module', async () => {
      const { code: plain } = await esbuild.transform(code, {
        loader: 'ts',
        format: 'esm',
        target: 'node20',
      });
      writeFileSync(join(folder, 'esm.mjs'), plain);
      await works(join(folder, 'esm.mjs'));
    });

    it('runs as CommonJS', async () => {
      writeFileSync(join(folder, 'cjs.cjs'), await commonjs(code));
      await works(join(folder, 'cjs.cjs'));
    });

    it.runIf(code.includes('OPENAI_BASE_URL'))('asks the model at that address, with the key', async () => {
      await works(join(folder, 'esm.mjs'));
      expect(asked).toHaveLength(2);
      for (const { url, authorization, body } of asked) {
        expect([url, authorization]).toEqual(['/v1/chat/completions', 'Bearer a key']);
        expect(body.messages).toEqual([{ role: 'user', content: 'How do I sort a table?' }]);
      }
    });
  });
});
