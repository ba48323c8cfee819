// Draws docs/cost-quality.svg: what SONA, each model by itself and other ways to choose cost and bring on llmrouter9, means
// over ten orders of the prompts. Prints the result in a sentence.
//
//   npm run picture [-- --check]     --check only compares the file with what would be written: the same words, and numbers that are
//                                    as near as those of other processors' kernels
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

// the same data everywhere: the packs of this repository
delete process.env.SONA_DATA;

const data = await meansOf(Array.from({ length: ORDERS }, (_, seed) => seed));
const drawn = picture(data);
if (process.argv.includes('--check')) {
  if (!alike(readFileSync(path, 'utf8'), drawn))
    fail(`${FILE} is not what npm run picture makes: run it and commit the file.`);
  console.log(`${FILE} is what the data gives`);
} else {
  writeFileSync(path, drawn);
  console.log(
    `${sentence(data.matched)}\n${matchedHow(data.matched)} ${costsAssumed(tokens)}\n${FILE} is written`,
  );
}

/** Whether two pictures say the same, but for what rounding can do to their numbers. */
function alike(one: string, other: string): boolean {
  const number = /-?\d+(?:\.\d+)?/g;
  const numbersOf = (text: string): string[] => text.match(number) ?? [];
  const [numbers, others] = [numbersOf(one), numbersOf(other)];
  if (one.replace(number, '#') !== other.replace(number, '#') || numbers.length !== others.length)
    return false;
  return numbers.every((text, i) => {
    const [a, b] = [Number(text), Number(others[i])];
    const step = Number.isInteger(a) && Number.isInteger(b) ? 1 : 0.01;
    return Math.abs(a - b) <= step + 0.02 * Math.max(Math.abs(a), Math.abs(b));
  });
}
