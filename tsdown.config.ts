import { defineConfig } from 'tsdown';

// The addon's loader (binding.cjs) is never bundled: ts/native.ts requires '../binding.cjs' at run time, and that
// path names the same file from ts/ and from dist/, which both lie one folder below the root.
export default defineConfig({
  entry: 'index.ts',
  outDir: 'dist',
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20.19',
  dts: true,
  logLevel: 'error',
  outExtensions: ({ format }) =>
    format === 'es' ? { js: '.mjs', dts: '.d.mts' } : { js: '.cjs', dts: '.d.cts' },
  deps: { neverBundle: [/binding\.cjs$/] },
});
