import { copyFile } from 'node:fs/promises';
import { defineConfig, type UserConfig } from 'tsdown';

// The addon's loader (binding.cjs) is never bundled: ts/host/addon.ts requires it at run time, from the package's root.
const shared: UserConfig = {
  outDir: 'dist',
  platform: 'node',
  target: 'node20.19',
  logLevel: 'error',
  outExtensions: ({ format }) =>
    format === 'es' ? { js: '.mjs', dts: '.d.mts' } : { js: '.cjs', dts: '.d.cts' },
};

const entries = ['index', 'embed', 'compat', 'testing'];

/** The code of all entries, built together: what they share stands once, in files named `shared`. */
const code: UserConfig = {
  ...shared,
  entry: entries.map((name) => `${name}.ts`),
  format: ['esm', 'cjs'],
  dts: false,
  hash: false,
  outputOptions: (options, format) => ({
    ...options,
    chunkFileNames: format === 'es' ? 'shared.mjs' : 'shared.cjs',
  }),
};

/** The types of one entry, built alone: a file complete in itself, to be committed and compared. */
const types = (name: string): UserConfig => ({
  ...shared,
  entry: `${name}.ts`,
  format: 'esm',
  clean: false,
  dts: { emitDtsOnly: true },
  // both kinds of module have the same
  hooks: { 'build:done': () => copyFile(`dist/${name}.d.mts`, `dist/${name}.d.cts`) },
});

export default defineConfig([code, ...entries.map(types)]);
