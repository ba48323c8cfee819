import { fileURLToPath } from 'node:url';

// the tests' packages are installed two folders above this one; where they are beside it, no root is needed
const root = fileURLToPath(new URL('../..', import.meta.url));

/** @type {import('next').NextConfig} */
export default {
  ...(process.env.STANDALONE && { output: 'standalone' }),
  turbopack: { root },
  outputFileTracingRoot: root,
  // left out only where a test shows what happens then
  serverExternalPackages: process.env.UNSET ? [] : ['@sona/sona'],
  // for standalone: the addon and the embedder's table are opened at run time, so that no trace of imports finds them
  outputFileTracingIncludes: { '/*': ['../../node_modules/@sona/sona/**/*'] },
};
