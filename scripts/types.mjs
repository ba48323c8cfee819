// The public types stand in the repository, one file for each entry of the package, so that a change of the API shows in
// the diff. This checks that the files are what the build makes; with --write it writes them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from './process.mjs';

for (const entry of ['index', 'embed', 'compat', 'testing']) {
  const built = readFileSync(join(root, `dist/${entry}.d.mts`), 'utf8');
  const file = join(root, `${entry}.d.ts`);
  if (process.argv.includes('--write')) {
    writeFileSync(file, built);
  } else if (!existsSync(file) || readFileSync(file, 'utf8') !== built) {
    fail(`${entry}.d.ts does not match the source: run \`npm run build:types\` and commit the result.`);
  }
}
