// Fits the basis of the router's features to a broad corpus of prompts from the folder that SONA_DATA names: vectors in,
// numbers out, no text.
//
//   SONA_DATA=<folder> npm run fit:basis [-- --leave-out SET] [--out FILE] [--seed N] [--builtin TABLE]
//
// Without arguments it writes the basis that ships for MiniLM, fitted on all sets but llmrouter9, the stream of the demo.
// Leaving another set out makes the basis for figures on that set; llmrouter9 is then used for paretobandit4 only. With
// --builtin the prompts' texts are embedded by that table, once for each length of its vectors, and --out gets the bases as
// JSON, which tools/distill puts into the table.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { corpusWithout, type Source, sources, sourcesWithout } from '../bench/lib/corpus.mts';
import { halfBits, halfToNumber } from '../bench/lib/half.mts';
import { readTensors, type Tensor, writeTensors } from '../bench/lib/safetensors.mts';
import { embeddedBy } from '../bench/lib/vectors.mts';
import { builtin } from '../embed.ts';
import { native } from '../ts/binding/native.ts';
import { type Basis, basisFeatures, FEATURES, fitBasis } from '../ts/embed/basis.ts';
import { fail, root, say } from './process.mjs';

const { values: options } = parseArgs({
  options: {
    'leave-out': { type: 'string', default: 'llmrouter9' },
    out: { type: 'string' },
    seed: { type: 'string', default: '1' },
    builtin: { type: 'string' },
  },
});
const data = process.env.SONA_DATA || fail('SONA_DATA is not set: it names the folder that holds the sets.');
const leaveOut = options['leave-out'];
if (!sources.some(({ set }) => set === leaveOut)) {
  fail(`--leave-out: expected one of ${sources.map(({ set }) => set).join(', ')}, got ${leaveOut}`);
}
const used = sourcesWithout(leaveOut);
const seed = Number(options.seed);

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

const source = ({ set, tensor, every }: Source) => {
  const meta = JSON.parse(readFileSync(join(data, set, 'meta.json'), 'utf8')) as Record<string, string>;
  const { source, commit, licence } = meta;
  return { set, rows: `every ${every}th of ${tensor}`.replace('2th', '2nd'), source, commit, licence };
};

/** The rows of a source as they are stored: a tensor has one scale, which drops out when they are brought to unit length. */
function stored({ set, tensor, every }: Source): Float32Array[] {
  const found = readTensors(join(data, set, 'minilm.safetensors')).tensors.get(tensor);
  if (!found) throw new Error(`${set}: minilm.safetensors has no tensor ${tensor}`);
  const [count = 0, dim = 0] = found.shape;
  return Array.from({ length: Math.ceil(count / every) }, (_, i) =>
    Float32Array.from(found.values.subarray(i * every * dim, (i * every + 1) * dim)),
  );
}

/** Writes the basis for MiniLM. */
function writeMinilm(out: string): void {
  const vectors = used.flatMap(stored);
  const basis = rounded(fitBasis(vectors, { id: 'minilm', seed }));
  const { dim, mean, directions, centroids, scale, rms } = basis;
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
  report(out, basis, vectors);
}

/** Writes one basis for each length of a table's vectors. */
function writeBuiltin(table: string, out: string): void {
  const bases = ([256, 128, 64] as const).map((dim) => {
    const vectors = corpusWithout(leaveOut, embeddedBy(builtin({ dim, path: table })));
    const basis = fitBasis(vectors, { id: `builtin-${dim}`, seed });
    report(out, basis, vectors);
    const { mean, directions, centroids, ...rest } = basis;
    return { ...rest, mean: [...mean], directions: [...directions], centroids: [...centroids] };
  });
  writeFileSync(out, JSON.stringify(bases));
}

function report(out: string, basis: Basis, vectors: readonly Float32Array[]): void {
  const squares = [0, 0];
  basisFeatures(basis, vectors).forEach((z, i) => {
    const block = i % (2 * FEATURES) < FEATURES ? 0 : 1;
    squares[block] = (squares[block] as number) + (z * z) / vectors.length;
  });
  say(`${out}: ${vectors.length} vectors, hash ${basis.hash}`);
  say(`mean squared length of the blocks: ${squares.map((x) => x.toFixed(4)).join(', ')}`);
}

if (options.builtin === undefined) {
  writeMinilm(resolve(root, options.out ?? 'src/router/basis/minilm.safetensors'));
} else if (options.out === undefined) {
  fail('--builtin needs --out, the file that takes the bases.');
} else {
  writeBuiltin(resolve(options.builtin), resolve(options.out));
}
