// Writes examples/data/<set>.safetensors from the folder that SONA_DATA names: vectors, label numbers and outcomes, no
// text.
//
//   SONA_DATA=<folder> npm run pack:data [-- <set> ...]
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFolder } from '../bench/lib/data.mts';
import { loadOutcomes } from '../bench/lib/outcomes.mts';
import { readTensors, type Tensor, type TensorFile, writeTensors } from '../bench/lib/safetensors.mts';
import { textsOf } from '../bench/lib/vectors.mts';
import { builtin, type Embedder } from '../embed.ts';
import { fail, root, say } from './process.mjs';

const data = process.env.SONA_DATA;
if (!data) fail('SONA_DATA is not set: it names the folder that holds the sets.');

const MODEL = 'sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)';

/** Shares of one, kept as whole numbers of this many parts. */
const PARTS = 255;

function makePack(set: string, folder: string): void {
  const meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8')) as Record<string, string>;
  const origin = {
    source: meta.source ?? '',
    commit: meta.commit ?? '',
    licence: meta.licence ?? '',
    model: MODEL,
  };
  const path = join('examples', 'data', `${set}.safetensors`);
  const make = existsSync(join(folder, 'outcomes.csv')) ? outcomePack : intentPack;
  writeTensors(join(root, path), make(set, folder, origin));
  say(`wrote ${path}`);
}

function vectorsOf(set: string, { tensors }: TensorFile, name: string): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`${set}: minilm.safetensors has no tensor ${name}`);
  return tensor;
}

function intentPack(set: string, folder: string, origin: Record<string, string>): TensorFile {
  const { file, labels } = readFolder(folder);
  const vectors = (name: string): Tensor => vectorsOf(set, file, name);
  const numbers = (part: string): Tensor => {
    const values = labels(part);
    return { kind: 'U16', shape: [values.length], values };
  };
  const scale = (name: string): string => file.metadata[`scale_${name}`] ?? '';
  return {
    metadata: {
      ...origin,
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
  };
}

/** What the built-in embedder makes of the prompts, in signed bytes with one scale, which drops out at unit length. */
function embedded(set: string, embedder: Embedder): Tensor {
  const vectors = (textsOf(set, 'prompts') ?? []).map((text) => embedder.embedSync?.(text) as Float32Array);
  const largest = vectors.reduce(
    (most, vector) => vector.reduce((m, x) => Math.max(m, Math.abs(x)), most),
    0,
  );
  const values = new Int8Array(vectors.length * embedder.dim);
  vectors.forEach((vector, row) => {
    values.set(
      vector.map((x) => Math.round((127 * x) / largest)),
      row * embedder.dim,
    );
  });
  return { kind: 'I8', shape: [vectors.length, embedder.dim], values };
}

function outcomePack(set: string, folder: string, origin: Record<string, string>): TensorFile {
  const file = readTensors(join(folder, 'minilm.safetensors'));
  const embedder = builtin();
  const { models, domains, prices, quality, domain, cost } = loadOutcomes(set);
  if (domains.length > PARTS + 1) throw new Error(`${set}: ${domains.length} domains do not fit 8 bits`);
  if (quality.some(Number.isNaN)) throw new Error(`${set}: a pack holds complete outcomes only`);
  if (!cost.every(Number.isNaN)) throw new Error(`${set}: a pack does not hold costs of calls`);
  return {
    metadata: {
      ...origin,
      made:
        'Each prompt embedded with the model, unit length, rounded to int8 with one scale; value = int8 * scale, ' +
        'renormalise after reading. Recorded quality by prompt and model, 0 to 1, rounded to uint8; value = uint8 * ' +
        'scale. Domains are indices in the list of names. Prices in US dollars per million tokens, by model. `builtin`: ' +
        'the prompts embedded with the embedder that ships, rounded to int8; renormalise after reading.',
      embedder: embedder.id,
      scale_prompts: file.metadata.scale_prompts ?? '',
      scale_quality: String(1 / PARTS),
      models: JSON.stringify(models),
      domains: JSON.stringify(domains),
      prices: JSON.stringify(prices),
    },
    tensors: new Map<string, Tensor>([
      ['prompts', vectorsOf(set, file, 'prompts')],
      ['builtin', embedded(set, embedder)],
      [
        'quality',
        {
          kind: 'U8',
          shape: [domain.length, models.length],
          values: Uint8Array.from(quality, (value) => Math.round(value * PARTS)),
        },
      ],
      ['domain', { kind: 'U8', shape: [domain.length], values: Uint8Array.from(domain) }],
    ]),
  };
}

const sets = process.argv.slice(2);
for (const set of sets.length > 0 ? sets : ['banking77', 'llmrouter9']) makePack(set, join(data, set));
