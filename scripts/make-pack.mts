// Writes examples/data/<set>.safetensors from the folder that SONA_DATA names: vectors and label numbers, no text.
//
//   SONA_DATA=<folder> npm run pack:data [-- <set> ...]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFolder } from '../bench/lib/data.mts';
import { type Tensor, writeTensors } from '../bench/lib/safetensors.mts';
import { fail, root, say } from './process.mjs';

const data = process.env.SONA_DATA;
if (!data) fail('SONA_DATA is not set: it names the folder that holds the sets.');

function makePack(set: string, folder: string): void {
  const { file, labels } = readFolder(folder);
  const meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8')) as Record<string, string>;
  const vectors = (name: string): Tensor => {
    const tensor = file.tensors.get(name);
    if (!tensor) throw new Error(`${set}: minilm.safetensors has no tensor ${name}`);
    return tensor;
  };
  const numbers = (part: string): Tensor => {
    const values = labels(part);
    return { kind: 'U16', shape: [values.length], values };
  };
  const scale = (name: string): string => file.metadata[`scale_${name}`] ?? '';
  const path = join('examples', 'data', `${set}.safetensors`);
  writeTensors(join(root, path), {
    metadata: {
      source: meta.source ?? '',
      commit: meta.commit ?? '',
      licence: meta.licence ?? '',
      model: 'sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)',
      made:
        'Each query and each label name embedded with the model, unit length, rounded to int8 with one scale per ' +
        'tensor; value = int8 * scale, renormalise after reading. Labels are indices in the sorted list of names.',
      scale_train: scale('train'),
      scale_test: scale('test'),
      scale_labels: scale('labels'),
    },
    // 16-bit tensors first, so that every tensor is aligned to its kind.
    tensors: new Map([
      ['train_labels', numbers('train')],
      ['test_labels', numbers('test')],
      ['train', vectors('train')],
      ['test', vectors('test')],
      ['labels', vectors('labels')],
    ]),
  });
  say(`wrote ${path}`);
}

const sets = process.argv.slice(2);
for (const set of sets.length > 0 ? sets : ['banking77']) makePack(set, join(data, set));
