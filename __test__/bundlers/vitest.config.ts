import { defineConfig } from 'vitest/config';
import type { Reporter } from 'vitest/node';

/** The sum as the last line, as every suite of this repository prints it. */
const sum: Reporter = {
  onTestRunEnd(modules, errors) {
    let [passed, failed] = [0, errors.length];
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      if (module.errors().length > 0 || tests.length === 0) failed++;
      for (const test of tests) {
        const { state } = test.result();
        if (state === 'passed') passed++;
        else if (state !== 'skipped') failed++;
      }
    }
    // a run that broke outside its tests, or had none, has failed
    process.on('exit', (code) => {
      if (failed === 0 && (code !== 0 || passed === 0)) failed = 1;
      console.log(`${passed} passed, ${failed} failed`);
    });
  },
};

export default defineConfig({
  test: {
    include: ['*.test.ts'],
    globalSetup: ['setup.ts'],
    // no test waits for a clock; the caller limits the whole
    testTimeout: 0,
    hookTimeout: 0,
    maxWorkers: 2,
    reporters: ['verbose', sum],
  },
});
