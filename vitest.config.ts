import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.ts'],
    // a project of its own: npm run test:bundlers
    exclude: [...configDefaults.exclude, '__test__/bundlers'],
    // nothing is measured by these: they end a test that hangs, on a machine however busy
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
  },
});
