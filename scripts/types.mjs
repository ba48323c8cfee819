// The public types stand in the repository as index.d.ts, so that a change of the API shows in the diff. This checks
// that the file is what the build makes; with --write it writes it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from './process.mjs';

const built = readFileSync(join(root, 'dist/index.d.mts'), 'utf8');
const file = join(root, 'index.d.ts');
if (process.argv.includes('--write')) {
  writeFileSync(file, built);
} else if (!existsSync(file) || readFileSync(file, 'utf8') !== built) {
  fail('index.d.ts does not match the source: run `npm run build:types` and commit the result.');
}
