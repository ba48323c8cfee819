// Draws docs/cost-quality.svg: what SONA, each model by itself and other ways to choose cost and bring on llmrouter9, means
// over ten orders of the prompts. Prints the result in a sentence.
//
//   npm run picture [-- --check]     --check only compares the file with what would be written
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { picture } from '../examples/demo/html/picture.mts';
import { matchedHow, sentence } from '../examples/demo/routing/matched.mts';
import { meansOf } from '../examples/demo/routing/orders.mts';
import { costsAssumed } from '../examples/demo/routing/print.mts';
import { tokens } from '../examples/demo/routing/stream.mts';
import { fail, root } from './process.mjs';

const ORDERS = 10;
const FILE = 'docs/cost-quality.svg';
const path = join(root, FILE);

const data = await meansOf(Array.from({ length: ORDERS }, (_, seed) => seed));
const drawn = picture(data);
if (process.argv.includes('--check')) {
  if (readFileSync(path, 'utf8') !== drawn)
    fail(`${FILE} is not what npm run picture makes: run it and commit the file.`);
  console.log(`${FILE} is what the data gives`);
} else {
  writeFileSync(path, drawn);
  console.log(
    `${sentence(data.matched)}\n${matchedHow(data.matched)} ${costsAssumed(tokens)}\n${FILE} is written`,
  );
}
