// Vectors of a set's texts: those of all-MiniLM-L6-v2, which every set and pack holds, or the built-in embedder's.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Embedder, SyncEmbedder } from '../../embed.ts';
import { folderOf, loadTexts, readPack, unitRows } from './data.mts';
import { readTensors } from './safetensors.mts';

/** One way of making vectors. */
export interface Vectors {
  /** Also the name of the basis that ships for them. */
  name: 'minilm' | 'builtin';
  /** Length of vectors that the basis that ships takes. */
  dim: number;
  /** Whether a set, or one part of an intent set, is here. */
  has(set: string, part: string): boolean;
  /** Unit vectors of a set's prompts, or of one part of an intent set; undefined where the set is not here. */
  of(set: string, part: string): Float32Array[] | undefined;
}

/** As they lie in the set's folder. */
export const minilm: Vectors = {
  name: 'minilm',
  dim: 384,
  has: (set) => fileOf(set, 'minilm.safetensors') !== undefined,
  of(set, part) {
    const path = fileOf(set, 'minilm.safetensors');
    if (!path) return undefined;
    const found = readTensors(path).tensors.get(part);
    if (!found) throw new Error(`${set}: minilm.safetensors has no tensor ${part}`);
    return unitRows(found);
  },
};

/** What the built-in embedder makes of the texts in the set's folder. */
export function embeddedBy(embedder: SyncEmbedder): Vectors {
  const made = new Map<string, Float32Array[]>();
  return {
    name: 'builtin',
    dim: embedder.dim,
    has: (set, part) => fileOf(set, part === 'prompts' ? 'prompts.jsonl' : `${part}.csv`) !== undefined,
    of(set, part) {
      const key = `${set} ${part}`;
      const found = made.get(key) ?? textsOf(set, part)?.map((text) => embedder.embedSync(text));
      if (found) made.set(key, found);
      return found;
    },
  };
}

/** The prompts' vectors in a set's pack, which are of the built-in embedder with this name. */
export function packedVectors(set: string, embedder: Embedder): Float32Array[] {
  const { metadata, tensors } = readPack(set);
  const tensor = tensors.get('builtin');
  if (!tensor || metadata.embedder !== embedder.id) {
    throw new Error(
      `${set}: the pack's vectors are of ${metadata.embedder}, not of ${embedder.id}: npm run pack:data`,
    );
  }
  return unitRows(tensor);
}

/** The texts of a set's prompts, or of one part of an intent set; undefined where they are not here. */
export function textsOf(set: string, part: string): string[] | undefined {
  if (part !== 'prompts') return loadTexts(set, part);
  const path = fileOf(set, 'prompts.jsonl');
  if (!path) return undefined;
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => (JSON.parse(line) as { text: string }).text);
}

function fileOf(set: string, name: string): string | undefined {
  const folder = folderOf(set);
  const path = folder && join(folder, name);
  return path && existsSync(path) ? path : undefined;
}
