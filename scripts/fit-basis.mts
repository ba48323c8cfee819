// Fits the basis of the router's features to a broad corpus of prompts from the folder that SONA_DATA names: vectors in,
// numbers out, no text.
//
//   SONA_DATA=<folder> npm run fit:basis [-- --leave-out SET] [--out FILE] [--seed N] [--builtin TABLE]
//
// Without arguments it writes the basis that ships for MiniLM, fitted on all sets but llmrouter9, the stream of the demo.
// Leaving another set out makes the basis for figures on that set; llmrouter9 is then used for paretobandit4 only. With
// --builtin the prompts' texts are embedded by that table, once for each length of its vectors, and --out gets the bases as
// JSON, which tools/distill puts into the table.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { halfBits, halfToNumber } from '../bench/lib/half.mts';
import { readTensors, type Tensor, writeTensors } from '../bench/lib/safetensors.mts';
import { type Basis, basisFeatures, FEATURES, fitBasis } from '../ts/basis.ts';
import { native } from '../ts/native.ts';
import { fail, root, say } from './process.mjs';

/** Of each set every `every`-th row of a tensor. */
const corpus = [
  { set: 'clinc150', tensor: 'train', every: 5 },
  { set: 'banking77', tensor: 'train', every: 5 },
  { set: 'zeroeval', tensor: 'prompts', every: 2 },
  { set: 'routellm_mmlu', tensor: 'prompts', every: 5 },
  { set: 'paretobandit4', tensor: 'prompts', every: 2 },
  { set: 'llmrouter9', tensor: 'prompts', every: 2 },
];

const { values: options } = parseArgs({
  options: {
    'leave-out': { type: 'string', default: 'llmrouter9' },
    out: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const data = process.env.SONA_DATA;
if (!data) fail('SONA_DATA is not set: it names the folder that holds the sets.');
const leaveOut = options['leave-out'];
if (!corpus.some(({ set }) => set === leaveOut)) {
  fail(`--leave-out: expected one of ${corpus.map(({ set }) => set).join(', ')}, got ${leaveOut}`);
}
const used = corpus.filter(
  ({ set }) => set !== leaveOut && (set !== 'llmrouter9' || leaveOut === 'paretobandit4'),
);

function rows({ set, tensor, every }: (typeof corpus)[number], folder: string): Float32Array[] {
  const found = readTensors(join(folder, set, 'minilm.safetensors')).tensors.get(tensor);
  if (!found) throw new Error(`${set}: minilm.safetensors has no tensor ${tensor}`);
  const [count = 0, dim = 0] = found.shape;
  // a tensor has one scale, which drops out when the rows are brought to unit length
  return Array.from({ length: Math.ceil(count / every) }, (_, i) =>
    Float32Array.from(found.values.subarray(i * every * dim, (i * every + 1) * dim)),
  );
}

/** What a file can hold: numbers rounded to 16 bits. */
function rounded(basis: Basis): Basis {
  const halves = (numbers: Float32Array) => numbers.map((x) => halfToNumber(halfBits(x)));
  const { mean, directions, centroids } = basis;
  const parts = {
    ...basis,
    mean: halves(mean),
    directions: halves(directions),
    centroids: halves(centroids),
  };
  return { ...parts, hash: native.basisHash(parts) };
}

function halves(shape: number[], numbers: Float32Array): Tensor {
  return { kind: 'F16', shape, values: Uint16Array.from(numbers, halfBits) };
}

const vectors = used.flatMap((part) => rows(part, data));
const basis = rounded(fitBasis(vectors, { id: 'minilm', seed: Number(options.seed) }));
const { dim, mean, directions, centroids, scale, rms } = basis;
const source = ({ set, tensor, every }: (typeof corpus)[number]) => {
  const meta = JSON.parse(readFileSync(join(data, set, 'meta.json'), 'utf8')) as Record<string, string>;
  const { source, commit, licence } = meta;
  return { set, rows: `every ${every}th of ${tensor}`.replace('2th', '2nd'), source, commit, licence };
};
const out = resolve(root, options.out ?? 'src/router/basis/minilm.safetensors');
writeTensors(out, {
  metadata: {
    model: 'sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)',
    made:
      'numbers only: mean, principal directions and centroids of the embeddings of prompts. ' +
      'Floats of 16 bits; scalars are the scale of the first block and the rms of the second.',
    corpus: JSON.stringify(used.map(source)),
    vectors: String(vectors.length),
    hash: basis.hash,
  },
  tensors: new Map<string, Tensor>([
    ['scalars', { kind: 'F32', shape: [2], values: Float32Array.of(scale, rms) }],
    ['mean', halves([dim], mean)],
    ['directions', halves([FEATURES, dim], directions)],
    ['centroids', halves([FEATURES, dim], centroids)],
  ]),
});

const squares = [0, 0];
basisFeatures(basis, vectors).forEach((z, i) => {
  const block = i % (2 * FEATURES) < FEATURES ? 0 : 1;
  squares[block] = (squares[block] as number) + (z * z) / vectors.length;
});
say(`wrote ${out}: ${vectors.length} vectors, hash ${basis.hash}`);
say(`mean squared length of the blocks: ${squares.map((x) => x.toFixed(4)).join(', ')}`);
