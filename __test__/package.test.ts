// The package as it is installed: both module kinds, by its name, and what it says when the addon is missing.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import * as compat from '../compat.ts';
import * as source from '../index.ts';
import { node, root } from './support/child.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Runs a script as an ES module or a CommonJS one, and returns what it printed as JSON. */
async function printed(kind: 'module' | 'commonjs', script: string, cwd = root): Promise<unknown> {
  const { code, stdout, stderr } = await node([`--input-type=${kind}`, '--eval', script], { cwd });
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

/** The built files without the addon, where no node_modules are near. */
function withoutAddon(...files: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'sona-package-'));
  folders.push(folder);
  for (const file of ['dist', 'package.json', ...files])
    cpSync(join(root, file), join(folder, file), { recursive: true });
  return folder;
}

const use = `
  const engine = SonaEngine.withConfig({ hiddenDim: 2 });
  engine.addRoute('a', { embedding: [1, 0] });
  engine.endTrajectory(engine.beginTrajectory([1, 1]).setRoute('a'), 1);
  let error;
  try { engine.applyLora([1]) } catch (thrown) { error = thrown }
  console.log(JSON.stringify({
    best: engine.suggestRoutes([1, 1]).best,
    capabilities: engine.capabilities(),
    error: { ...error, isError: error instanceof Error, isInstance: SonaError.isInstance(error), marker: error[Symbol.for('sona.error')] },
    names: Object.keys(all).filter((name) => name !== 'default').sort(),
  }));
  engine.close();`;

const { version, ...manifest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  homepage: string;
  bugs: string;
  repository: { url: string };
};
const home = manifest.homepage.replace('#readme', '');

const expected = {
  best: 'a',
  capabilities: {
    simd: expect.stringMatching(/^(scalar|avx2|avxvnni|avx512|avx512vnni|neon|simd128)$/),
    backends: expect.arrayContaining(['scalar']),
    version,
    platform: expect.stringContaining(process.platform === 'darwin' ? 'macos' : process.platform),
  },
  error: {
    name: 'SonaError',
    code: 'SONA_DIM_MISMATCH',
    details: { argument: 'x', expected: 2, got: 1 },
    help: expect.stringMatching(/#sona_dim_mismatch$/),
    isError: true,
    isInstance: true,
    marker: true,
  },
  names: Object.keys(source).sort(),
};

describe('the package', () => {
  it.each([
    ['module', "import * as all from './dist/index.mjs'; const { SonaEngine, SonaError } = all;"],
    ['module', "import * as all from '@sona/sona'; const { SonaEngine, SonaError } = all;"],
    ['commonjs', "const all = require('./dist/index.cjs'); const { SonaEngine, SonaError } = all;"],
    ['commonjs', "const all = require('@sona/sona'); const { SonaEngine, SonaError } = all;"],
  ] as const)('works as %s: %s', async (kind, start) => {
    expect(await printed(kind, start + use)).toEqual(expected);
  });

  it('knows the errors of its other half', async () => {
    const script = `
      import * as esm from './dist/index.mjs';
      import { createRequire } from 'node:module';
      const cjs = createRequire(process.cwd() + '/')('./dist/index.cjs');
      const refused = ({ SonaEngine }) => { try { new SonaEngine(0) } catch (error) { return error } };
      console.log(JSON.stringify({
        copies: esm.SonaError !== cjs.SonaError,
        known: [esm.SonaError.isInstance(refused(cjs)), cjs.SonaError.isInstance(refused(esm))],
        codes: [refused(esm).code, refused(cjs).code],
      }));`;
    expect(await printed('module', script)).toEqual({
      copies: true,
      known: [true, true],
      codes: ['SONA_INVALID_CONFIG', 'SONA_INVALID_CONFIG'],
    });
  });

  it.each([
    [
      'module',
      "import * as all from '@sona/sona/compat'; import { SonaEngine as Today, SonaRouter } from '@sona/sona';",
    ],
    [
      'commonjs',
      "const all = require('@sona/sona/compat'); const { SonaEngine: Today, SonaRouter } = require('@sona/sona');",
    ],
  ] as const)(
    'has an entry for older programs (%s), whose engine is one of the main entry',
    async (kind, start) => {
      const script = `${start}
      const engine = all.SonaEngine.withConfig({ hidden_dim: 2, embeddingDim: 3 });
      const id = engine.startTrajectory([1, 0, 0]);
      engine.recordStep(id, 42, 0.9, 150);
      engine.endTrajectory(id, 1);
      engine.learnFromFeedback(all.LearningSignal.positive(20, 0.9));
      const router = new SonaRouter({ models: [{ id: 'a' }, { id: 'b' }], engine });
      engine.forceLearn();
      const { patterns } = router.route([1, 0]).explain();
      console.log(JSON.stringify({
        id, routes: engine.routes().map(({ name }) => name), patterns: patterns.length,
        today: engine instanceof Today, names: Object.keys(all).filter((name) => name !== 'default').sort(),
      }));`;
      expect(await printed(kind, script)).toEqual({
        id: 1,
        routes: ['42'],
        patterns: 1,
        today: true,
        names: Object.keys(compat).sort(),
      });
    },
  );

  it('holds the table of the built-in embedder, and tells where it lies', async () => {
    const pack = ['pack', '--dry-run', '--ignore-scripts', '--json'];
    const [packed] = JSON.parse(
      execFileSync('npm', pack, { cwd: root, encoding: 'utf8', stdio: 'pipe' }),
    ) as [{ files: { path: string }[] }];
    expect(packed.files.map(({ path }) => path)).toContain('models/static-minilm/table.sona');
    const name = "'@sona/sona/models/static-minilm/table.sona'";
    const use = `
      const embedder = builtin({ data: readFileSync(table) });
      console.log(JSON.stringify([embedder.id === builtin().id, embedder.embedSync('hello').length]));`;
    const module = `
      import { readFileSync } from 'node:fs';
      import { fileURLToPath } from 'node:url';
      import { builtin } from '@sona/sona/embed';
      const table = fileURLToPath(import.meta.resolve(${name}));${use}`;
    const commonjs = `
      const { readFileSync } = require('node:fs');
      const { builtin } = require('@sona/sona/embed');
      const table = require.resolve(${name});${use}`;
    expect(await printed('module', module)).toEqual([true, 256]);
    expect(await printed('commonjs', commonjs)).toEqual([true, 256]);
  });

  it('has one home', () => {
    expect(manifest).toMatchObject({ bugs: `${home}/issues`, repository: { url: `git+${home}.git` } });
  });

  it('prints nothing and ends when it is only loaded', async () => {
    const ended = await node(['--input-type=module', '--eval', "import '@sona/sona'"]);
    expect(ended).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });
});

describe('without the addon', () => {
  const tell = `(error) => console.log(JSON.stringify({
    name: error.name, code: error.code, message: error.message, details: error.details, caused: error.cause instanceof Error,
  }))`;
  const load = {
    module: `import('./dist/index.mjs').then(({ SonaEngine }) => new SonaEngine(4)).catch(${tell})`,
    commonjs: `const { SonaEngine } = require('./dist/index.cjs'); try { new SonaEngine(4) } catch (error) { (${tell})(error) }`,
  };

  it.each(['module', 'commonjs'] as const)('lists every place that was tried (%s)', async (kind) => {
    const error = (await printed(kind, load[kind], withoutAddon('binding.cjs'))) as Record<
      string,
      unknown
    > & {
      details: { tried: string[] };
    };
    const target = `${process.platform}-${process.arch}`;
    expect(error).toMatchObject({
      name: 'SonaError',
      code: 'SONA_NATIVE_UNAVAILABLE',
      message: expect.stringContaining(`the native addon for ${target} could not be loaded`),
      details: { platform: process.platform, arch: process.arch },
      caused: true,
    });
    const { tried } = error.details;
    expect(tried.some((place) => place.includes(`sona.${target}`) && place.includes('.node'))).toBe(true);
    expect(tried.some((place) => place.includes(`sona-${target}`) && !place.includes('.node'))).toBe(true);
    for (const place of tried) expect(error.message).toContain(place);
    expect(error.message).toContain(
      'this copy of the package ships none. In a checkout of the sources, `npm run build` makes it; ' +
        'an installed copy is incomplete and has to be installed again.',
    );
    // its loader's advice, which is for packages that come in parts
    expect(error.message).not.toMatch(/npm has a bug|package-lock/);
    expect(new Set(tried).size).toBe(tried.length);
  });

  it.each(['module', 'commonjs'] as const)('also where its loader is missing (%s)', async (kind) => {
    expect(await printed(kind, load[kind], withoutAddon())).toMatchObject({
      code: 'SONA_NATIVE_UNAVAILABLE',
      details: { tried: [expect.stringContaining('binding.cjs')] },
    });
  });
});

describe('loading the addon', () => {
  it.each([
    ['an import', "await import('./dist/index.mjs')", true],
    ['an import of embedders', "await import('./dist/embed.mjs')", true],
    ['an import for older programs', "await import('./dist/compat.mjs')", true],
    [
      'names of settings, errors and logs',
      "const { SonaError, readLog } = await import('./dist/index.mjs'); readLog('')",
      true,
    ],
    ['a preset', "(await import('./dist/index.mjs')).presets.maxQuality", false],
  ])('%s', async (_, script, works) => {
    const ended = await node(['--input-type=module', '--eval', script], { cwd: withoutAddon('binding.cjs') });
    expect(ended).toMatchObject({ code: works ? 0 : 1, stdout: '' });
  });

  it.each([
    [
      'module',
      `const { hash } = await import('@sona/sona/embed'); hash().embedSync('first');
       const { SonaRouter, SonaEngine } = await import('@sona/sona');`,
    ],
    [
      'commonjs',
      `const { hash } = require('@sona/sona/embed'); hash().embedSync('first');
       const { SonaRouter, SonaEngine } = require('@sona/sona');`,
    ],
  ] as const)('may have happened before the main entry comes (%s)', async (kind, first) => {
    const script = `${first}
      const { id, model } = new SonaRouter({ models: [{ id: 'a' }] }).route('hello');
      const engine = new SonaEngine(2);
      engine.addRoute('b', { embedding: [1, 0] });
      console.log(JSON.stringify([id.slice(-2), model, engine.suggestRoutes([1, 0]).best]));`;
    expect(await printed(kind, script)).toEqual(['-1', 'a', 'b']);
  });

  it('is told where it is shipped for other platforms', async () => {
    const folder = withoutAddon('binding.cjs');
    writeFileSync(join(folder, 'sona.elsewhere-riscv64.node'), '');
    const script = `import('./dist/index.mjs').then(({ presets }) => presets.maxQuality).catch(
      ({ message, details }) => console.log(JSON.stringify({ message, shipped: details.shipped })));`;
    expect(await printed('module', script, folder)).toEqual({
      message: expect.stringContaining(
        'this copy of the package ships it for elsewhere-riscv64. To build it for another platform, install the stable Rust ' +
          `toolchain and a C linker, then run \`npm install git+${home}.git\`.`,
      ),
      shipped: ['elsewhere-riscv64'],
    });
  });

  it.each([
    ['no package.json', undefined],
    ["another package's", { name: 'app' }],
  ])('beside %s, as in a bundle, says what setting is missing', async (_, manifest) => {
    const folder = withoutAddon();
    rmSync(join(folder, 'package.json'));
    if (manifest) writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    const script = `import('./dist/index.mjs').then(({ presets }) => presets.maxQuality).catch(
      ({ code, message }) => console.log(JSON.stringify({ code, message })));`;
    const error = (await printed('module', script, folder)) as { code: string; message: string };
    expect(error.code).toBe('SONA_NATIVE_UNAVAILABLE');
    expect(error.message).toMatch(/this code was bundled, .* Mark @sona\/sona as external/);
    const page = 'docs/bundlers.md';
    expect(error.message).toContain(`${home}/blob/main/${page}.`);
    expect(existsSync(join(root, page))).toBe(true);
  });
});

describe('with another addon', () => {
  /** Imports the package over the addon with some calls replaced; `real` is the addon as it is. */
  function over(replaced: string, script: string): Promise<unknown> {
    const folder = withoutAddon();
    const addon = JSON.stringify(join(root, 'binding.cjs'));
    const loader = `const real = require(${addon});\nmodule.exports = { ...real, ${replaced} };\n`;
    writeFileSync(join(folder, 'binding.cjs'), loader);
    return printed('module', script, folder);
  }
  const refusal = `import('./dist/index.mjs').then(({ SonaEngine }) => new SonaEngine(4)).then(
    () => console.log('null'),
    ({ code, message, details }) => console.log(JSON.stringify({ code, message, details })),
  );`;

  it.each([
    ['one field more', "(rows) => ({ ...rows, RankedRoute: [...rows.RankedRoute, 'more'] })"],
    ['one field less', '(rows) => ({ ...rows, RankedRoute: rows.RankedRoute.slice(1) })'],
    ['another field', "(rows) => ({ ...rows, RankedRoute: ['other', ...rows.RankedRoute.slice(1)] })"],
    ['no such row', '({ RankedRoute, ...rows }) => rows'],
  ])('whose rows have %s, says so instead of misreading numbers', async (_, change) => {
    const layout = `layout: () => JSON.stringify((${change})(JSON.parse(real.layout())))`;
    expect(await over(layout, refusal)).toMatchObject({
      code: 'SONA_NATIVE_UNAVAILABLE',
      message: 'the native addon is not of this version',
      details: { row: 'RankedRoute', expected: expect.arrayContaining(['score', 'avg_quality']) },
    });
  });

  it('that tells of no rows, says so too', async () => {
    expect(await over('layout: undefined', refusal)).toMatchObject({ code: 'SONA_NATIVE_UNAVAILABLE' });
  });

  it('reads every number where the addon says that it stands', async () => {
    const suggest = `
      import { SonaEngine } from './dist/index.mjs';
      const engine = SonaEngine.withConfig({ hiddenDim: 2, background: 'manual' });
      for (const [name, x] of [['a', 1], ['b', 0.5]]) engine.addRoute(name, { embedding: [x, 1 - x] });
      engine.endTrajectory(engine.beginTrajectory([1, 0.2]).setRoute('a'), 0.75);
      const { id, ...rest } = engine.suggestRoutes([1, 0.1]);
      console.log(JSON.stringify({ number: id.split('-')[1], ...rest }));`;
    const backward = `
      layout: () => JSON.stringify(
        Object.fromEntries(Object.entries(JSON.parse(real.layout())).map(([row, of]) => [row, of.reverse()])),
      ),
      suggest(...given) {
        const rows = JSON.parse(real.layout());
        const numbers = given.find((value) => value instanceof Float64Array);
        const found = real.suggest(...given);
        const [head, each] = [rows.Suggestion.length, rows.RankedRoute.length];
        numbers.subarray(0, head).reverse();
        for (let at = head; at < numbers.length; at += each) numbers.subarray(at, at + each).reverse();
        return found;
      }`;
    const asItIs = await over('', suggest);
    expect(asItIs).toMatchObject({ best: 'a', ranked: [{ evidence: { count: 1 } }, { route: 'b' }] });
    expect(await over(backward, suggest)).toEqual(asItIs);
  });
});
