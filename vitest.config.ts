import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.ts'],
    // a project of its own: npm run test:bundlers
    exclude: [...configDefaults.exclude, '__test__/bundlers'],
    testTimeout: 30_000,
  },
});
