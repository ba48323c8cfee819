// The package in every setting of modules: loaded, typed strictly, run. It is what its tarball holds.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bin, everywhere, here, learned, out, run } from './support.ts';

const tsc = (folder: string) => run(process.execPath, [bin('typescript', 'tsc'), '-p', folder]);

/** Compiler settings of all: strict, and the package's own types are checked as well. */
const strict = {
  target: 'es2023',
  lib: ['es2023'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  skipLibCheck: false,
  outDir: 'dist',
};

/** A project of TypeScript's, whose sources are the programs that the bundlers build. */
function project(name: string, type: string, options: object): string {
  const folder = out(`modules/${name}`);
  for (const file of ['program.ts', 'lessons.ts', 'types.ts']) {
    writeFileSync(join(folder, file), readFileSync(join(here, 'apps', file)));
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type }));
  const compilerOptions = { ...strict, rewriteRelativeImportExtensions: true, ...options };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  return folder;
}

describe('TypeScript', () => {
  it.each([
    ['nodenext, ES module', 'module', { module: 'nodenext', verbatimModuleSyntax: true }],
    ['nodenext, CommonJS', 'commonjs', { module: 'nodenext' }],
    ['moduleResolution bundler', 'module', { module: 'esnext', moduleResolution: 'bundler' }],
  ])('%s: compiles, runs and learns', async (name, type, options) => {
    const folder = project(name.replace(/\W+/g, '-'), type, options);
    expect(await tsc(folder)).toBe('');
    const program = join(folder, 'dist/program.js');
    const common = type === 'commonjs';
    expect(readFileSync(program, 'utf8').includes('require("@sona/sona")')).toBe(common);
    expect(JSON.parse(await run(process.execPath, [program]))).toEqual(everywhere);
  });
});

describe('the programs of these tests', () => {
  it('pass their own type check', async () => {
    expect(await run(process.execPath, [bin('typescript', 'tsc'), '--noEmit', '-p', here])).toBe('');
  });
});

describe('JavaScript', () => {
  const files = ['esm.mjs', 'cjs.cjs'];
  const folder = out('modules/javascript', 'apps/modules');

  it.each(files)('%s: runs and learns', async (file) => {
    expect(JSON.parse(await run(process.execPath, [join(folder, file)]))).toEqual(learned);
  });

  it('is checked by the types', async () => {
    const compilerOptions = { ...strict, module: 'nodenext', allowJs: true, checkJs: true, noEmit: true };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    expect(await tsc(folder)).toBe('');
  });
});

const installed = join(here, 'node_modules/@sona/sona');
const { exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
};
const entries = Object.entries(exports)
  .filter(([, target]) => typeof target === 'object')
  .map(([path]) => path.replace(/^\./, '@sona/sona'));

describe('entries', () => {
  it('are there', () => {
    expect(entries).toEqual(expect.arrayContaining(['@sona/sona', '@sona/sona/embed']));
  });

  it.each(entries)('%s: both kinds of module have the same names', async (entry) => {
    const names = (loaded: string) =>
      `const names = Object.keys(${loaded}).filter((name) => !['default', 'module.exports'].includes(name));
       console.log(JSON.stringify(names.sort()));`;
    const evaluate = async (kind: string, script: string) =>
      JSON.parse(await run(process.execPath, [`--input-type=${kind}`, '--eval', script]));
    const module = await evaluate('module', `import * as all from '${entry}'; ${names('all')}`);
    const commonjs = await evaluate('commonjs', names(`require('${entry}')`));
    expect(module.length).toBeGreaterThan(0);
    expect(commonjs).toEqual(module);
  });
});
