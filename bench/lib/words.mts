// Texts of common words, for whatever must not depend on a data set: drawn from the embedder's own vocabulary, the commoner
// ones more often.
import { fileURLToPath } from 'node:url';
import { Random } from './random.mts';
import { readTensors } from './safetensors.mts';

/** Bytes before the tensors of a saved state: docs/state.md. */
const PREAMBLE = 64;

const table = fileURLToPath(new URL('../../models/static-minilm/table.sona', import.meta.url));

/** So many texts of so many words each. */
export function randomTexts(count: number, words: number, seed: number): string[] {
  const vocabulary = wholeWords();
  const random = new Random(seed);
  // by Zipf's law: the logarithm of a rank is uniform
  const draw = () => vocabulary[Math.floor(vocabulary.length ** random.uniform()) - 1] as string;
  return Array.from({ length: count }, () => Array.from({ length: words }, draw).join(' '));
}

/** The vocabulary's words of letters, the commonest first. */
function wholeWords(): string[] {
  const bytes = readTensors(table, PREAMBLE).tensors.get('vocabulary')?.values as Uint8Array;
  const entries = Buffer.from(bytes).toString('utf8').split('\n');
  return entries.filter((entry) => /^[a-z]{2,}$/.test(entry));
}
