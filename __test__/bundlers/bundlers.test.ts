// Programs that use the package, built by each bundler as docs/bundlers.md says, then run: a worker thread and a second process
// know what was learned. And what a bundle says that was built without the setting.
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import * as esbuild from 'esbuild';
import { rollup } from 'rollup';
import * as vite from 'vite';
import { describe, expect, it } from 'vitest';
import webpack from 'webpack';
import { app, bin, end, everywhere, here, learned, notExternal, out, ownCopy, run } from './support.ts';

const external = ['@sona/sona'];
// where names are compared as a whole, for all entries of the package
const entries = /^@sona\/sona/;
const formats = ['esm', 'cjs'] as const;
type Format = (typeof formats)[number];
const extension = (format: Format) => (format === 'esm' ? 'mjs' : 'cjs');

/** Builds a program into a folder, in a format, with or without the setting, and gives the file. */
type Build = (entry: string, folder: string, format: Format, set: boolean) => Promise<string>;

const bundlers: Record<string, Build> = {
  async esbuild(entry, folder, format, set) {
    const outfile = join(folder, `program.${extension(format)}`);
    await esbuild.build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format,
      logLevel: 'error',
      external: set ? external : [],
    });
    return outfile;
  },

  async Rollup(entry, folder, format, set) {
    const file = join(folder, `program.${extension(format)}`);
    const build = await rollup({
      input: entry,
      external: set ? [/^node:/, entries] : [/^node:/],
      plugins: [nodeResolve({ preferBuiltins: true })],
    });
    await build.write({ file, format, inlineDynamicImports: true });
    await build.close();
    return file;
  },

  async 'Vite, library'(entry, folder, format, set) {
    await vite.build({
      root: folder,
      configFile: false,
      logLevel: 'error',
      build: {
        outDir: folder,
        emptyOutDir: false,
        target: 'node20',
        lib: { entry, formats: [format === 'esm' ? 'es' : 'cjs'] },
        rolldownOptions: {
          platform: 'node',
          external: [...builtinModules, /^node:/, ...(set ? [entries] : [])],
          output: { entryFileNames: `program.${extension(format)}` },
        },
      },
    });
    return join(folder, `program.${extension(format)}`);
  },

  webpack: (entry, folder, format, set) =>
    new Promise((resolve, reject) => {
      const filename = `program.${extension(format)}`;
      const compiler = webpack({
        mode: 'production',
        optimization: { minimize: false },
        target: 'node20',
        entry,
        output: { path: folder, filename, ...(format === 'esm' && { module: true, chunkFormat: 'module' }) },
        ...(format === 'esm' && { experiments: { outputModule: true } }),
        externals: set ? [entries] : [],
        externalsType: format === 'esm' ? 'module' : 'commonjs',
      });
      compiler?.run((error, stats) => {
        if (error || !stats || stats.hasErrors()) reject(error ?? new Error(stats?.toString()));
        else compiler.close(() => resolve(join(folder, filename)));
      });
    }),
};

/** Builds a program in a project with its own copy of the package, and takes that away, as a bundle that is moved elsewhere. */
async function elsewhere(
  project: string,
  build: (entry: string, folder: string) => Promise<string>,
): Promise<string> {
  for (const file of ['program.js', 'lessons.js']) copyFileSync(app(file), join(project, file));
  const copy = ownCopy(project);
  const file = await build(join(project, 'program.js'), join(project, 'dist'));
  rmSync(copy, { recursive: true });
  return file;
}

describe.each(Object.entries(bundlers))('%s', (name, build) => {
  const folder = (format: string) => out(`${name}-${format}`.replace(/\W+/g, '-'));

  it.each(formats)('builds a program that learns, as %s', async (format) => {
    const file = await build(app('program.js'), folder(format), format, true);
    expect(readFileSync(file, 'utf8')).not.toContain('SONA_NATIVE_UNAVAILABLE');
    expect(JSON.parse(await run(process.execPath, [file]))).toEqual(everywhere);
  });

  it.each(formats)('says what setting is missing, as %s', async (format) => {
    const file = await elsewhere(folder(`${format}-unset`), (entry, to) => build(entry, to, format, false));
    expect(readFileSync(file, 'utf8')).toContain('SONA_NATIVE_UNAVAILABLE');
    const { code, stderr } = await end(process.execPath, [file]);
    expect(stderr).toMatch(notExternal);
    expect(code).not.toBe(0);
  });
});

describe('Vite, SSR', () => {
  const ssr = async (entry: string, outDir: string, options: vite.SSROptions) => {
    const build = { ssr: entry, outDir, emptyOutDir: false };
    await vite.build({ root: outDir, configFile: false, logLevel: 'error', ssr: options, build });
    return join(outDir, 'program.js');
  };

  it('leaves the package out of itself', async () => {
    const file = await ssr(app('program.js'), out('vite-ssr'), {});
    expect(JSON.parse(await run(process.execPath, [file]))).toEqual(everywhere);
  });

  it('where everything is bundled, needs the setting', async () => {
    const set = await ssr(app('program.js'), out('vite-ssr-set'), { noExternal: true, external });
    expect(JSON.parse(await run(process.execPath, [set]))).toEqual(everywhere);
    const unset = await elsewhere(out('vite-ssr-unset'), (entry, folder) =>
      ssr(entry, folder, { noExternal: true }),
    );
    const { stderr } = await end(process.execPath, [unset]);
    expect(stderr).toMatch(notExternal);
  });
});

describe('tsx', () => {
  it('runs a program that learns', async () => {
    const args = ['--import', 'tsx', join(here, 'apps/program.ts')];
    const env = { WORKER: join(here, 'apps/tsx-thread.mjs') };
    expect(JSON.parse(await run(process.execPath, args, { env }))).toEqual(everywhere);
  });

  it('runs one as CommonJS', async () => {
    const folder = out('tsx-cjs');
    const source = readFileSync(join(here, 'apps/lessons.ts'), 'utf8').replace('import type', 'import');
    const program = `
      const router = new SonaRouter(config);
      teach(router);
      console.log(JSON.stringify([typeof require, picks(router)]));
      router.close();\n`;
    writeFileSync(join(folder, 'program.cts'), `${source}${program}`);
    const printed = await run(process.execPath, ['--import', 'tsx', join(folder, 'program.cts')]);
    expect(JSON.parse(printed)).toEqual(['function', learned]);
  });
});

describe('Vitest', () => {
  it.each(['threads', 'forks', 'vmThreads', 'vmForks'])('pool %s: two files that learn', async (pool) => {
    const args = ['run', '--config', 'apps/vitest/vitest.config.ts', '--pool', pool, '--reporter', 'json'];
    const report = JSON.parse(await run(process.execPath, [bin('vitest'), ...args]));
    expect(report).toMatchObject({ numPassedTests: 4, numTotalTests: 4, success: true });
  });
});
