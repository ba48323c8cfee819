// The adapter for sentence encoders in process. The library itself is large and not installed here: a stand-in with its
// form takes its place, and the real one where SONA_TRANSFORMERS names a folder that has it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { type TransformersOptions, transformers } from '../../embed.ts';
import { refusal } from '../support/errors.ts';

/** What a stand-in was asked. */
interface Seen {
  loads: { task: string; model: string; options: object }[];
  runs: { texts: string[]; options: object }[];
}

/** A library whose model gives the length of a text, then the number of its run. */
function library(change: { data?: unknown; fail?: () => void; load?: () => void } = {}) {
  const seen: Seen = { loads: [], runs: [] };
  const extractor = async (texts: string[], options: object) => {
    seen.runs.push({ texts, options });
    change.fail?.();
    const data = Float32Array.from(texts.flatMap((text) => [text.length, seen.runs.length]));
    return { dims: [texts.length, 2], data: change.data ?? data };
  };
  const pipeline = async (task: string, model: string, options: object) => {
    seen.loads.push({ task, model, options });
    change.load?.();
    return extractor;
  };
  return { seen, library: async () => ({ pipeline }) };
}

const model = 'Xenova/all-MiniLM-L6-v2';

describe('transformers', () => {
  it('embeds in batches, with one load of the model', async () => {
    const { seen, library: load } = library();
    const embedder = transformers({ model, dim: 2, batchSize: 2, library: load });
    const texts = ['a', 'bb', 'ccc'];
    const [first, second] = await Promise.all([embedder.embed(texts), embedder.embed([])]);
    expect(first.map((vector) => vector[0])).toEqual([1, 2, 3]);
    expect(second).toEqual([]);
    await embedder.embed(['dddd']);
    expect(seen.loads).toEqual([{ task: 'feature-extraction', model, options: {} }]);
    expect(seen.runs.map(({ texts }) => texts)).toEqual([['a', 'bb'], ['ccc'], ['dddd']]);
    expect(seen.runs[0]?.options).toEqual({ pooling: 'mean', normalize: true });
  });

  it('loads nothing before its first text', async () => {
    const { seen, library: load } = library();
    const embedder = transformers({ model, library: load });
    expect(embedder).toMatchObject({
      id: `transformers:${model}`,
      dim: 384,
      basis: 'minilm',
    });
    expect(embedder.embedSync).toBeUndefined();
    await embedder.embed([]);
    expect(seen.loads).toEqual([]);
  });

  it('takes a folder, and then nothing from elsewhere', async () => {
    const { seen, library: load } = library();
    const pipelineOptions = { device: 'cpu', local_files_only: false };
    await transformers({
      model,
      dim: 2,
      path: 'some/folder',
      dtype: 'q8',
      pipelineOptions,
      library: load,
    }).embed(['a']);
    expect(seen.loads).toEqual([
      {
        task: 'feature-extraction',
        model: resolve('some/folder'),
        options: { device: 'cpu', dtype: 'q8', local_files_only: true },
      },
    ]);
  });

  const ids: [Partial<TransformersOptions>, string, 'minilm' | undefined][] = [
    [{ model: 'my/all-MiniLM-L6-v2' }, 'transformers:my/all-MiniLM-L6-v2', 'minilm'],
    [{ model: 'my/bge' }, 'transformers:my/bge', undefined],
    [{ dtype: 'q8' }, `transformers:${model}:q8`, 'minilm'],
    [{ pooling: 'cls', normalize: false }, `transformers:${model}:cls:raw`, undefined],
    [{ pooling: 'mean', normalize: true, id: 'mine' }, 'mine', 'minilm'],
    [{ dim: 256 }, `transformers:${model}`, undefined],
  ];
  it.each(ids)('%j is named %s', (options, id, basis) => {
    const embedder = transformers({ model, ...options });
    expect([embedder.id, embedder.basis]).toEqual([id, basis]);
  });

  it('asks for the pooling that it was given', async () => {
    const { seen, library: load } = library();
    await transformers({ model, dim: 2, pooling: 'cls', normalize: false, library: load }).embed(['a']);
    expect(seen.runs[0]?.options).toEqual({ pooling: 'cls', normalize: false });
  });
});

describe('what fails', () => {
  it.each([
    ['a library that breaks', () => Promise.reject(new Error('no such file: libonnx.so')), /libonnx/],
    [
      'one that misses what it needs',
      () =>
        Promise.reject(
          Object.assign(new Error("Cannot find package 'sharp'"), { code: 'ERR_MODULE_NOT_FOUND' }),
        ),
      /sharp/,
    ],
    ['one of another form', () => Promise.resolve({}), /could not be loaded/],
    ['none', () => Promise.reject(), /could not be loaded/],
  ])('%s', async (_, load, message) => {
    const error = await refusal(() => transformers({ model, library: load }).embed(['a']));
    expect(error).toMatchObject({ code: 'SONA_EMBEDDER', message: expect.stringMatching(message) });
  });

  it('a model that can not be loaded, which is tried again', async () => {
    let broken = true;
    const { seen, library: load } = library({
      load: () => {
        if (broken) throw new Error('no config.json');
      },
    });
    const embedder = transformers({ model, dim: 2, library: load });
    const error = await refusal(() => embedder.embed(['a']));
    expect(error).toMatchObject({
      code: 'SONA_EMBEDDER',
      message: expect.stringContaining('no config.json'),
    });
    broken = false;
    expect(await embedder.embed(['a'])).toHaveLength(1);
    expect(seen.loads).toHaveLength(2);
  });

  it.each([
    ['a run', { fail: () => expect.fail('out of memory') }, 'SONA_EMBEDDER'],
    ['no numbers', { data: 'AAAA' }, 'SONA_EMBEDDER'],
    ['half numbers', { data: new Uint16Array(4) }, 'SONA_EMBEDDER'],
    ['another length', { data: new Float32Array(6) }, 'SONA_DIM_MISMATCH'],
    ['a broken length', { data: new Float32Array(5) }, 'SONA_DIM_MISMATCH'],
    ['NaN', { data: Float32Array.of(1, 2, 3, Number.NaN) }, 'SONA_NOT_FINITE'],
  ])('%s', async (_, change, code) => {
    const { library: load } = library(change);
    const error = await refusal(() => transformers({ model, dim: 2, library: load }).embed(['a', 'b']));
    expect(error.code).toBe(code);
  });
});

describe('a signal', () => {
  it('is minded before anything, while the model loads, and between batches', async () => {
    const before = library();
    const fired = AbortSignal.abort('enough');
    const early = transformers({ model, dim: 2, library: before.library });
    expect(await refusal(() => early.embed(['a'], { signal: fired }))).toMatchObject({
      code: 'SONA_ABORTED',
      cause: 'enough',
    });
    expect(before.seen.loads).toEqual([]);

    const stop = new AbortController();
    const never = () => new Promise<never>(() => setImmediate(() => stop.abort()));
    const stuck = transformers({ model, library: never }).embed(['a'], { signal: stop.signal });
    expect((await refusal(() => stuck)).code).toBe('SONA_ABORTED');

    const second = new AbortController();
    const during = library({ fail: () => second.abort() });
    const embedder = transformers({ model, dim: 2, batchSize: 1, library: during.library });
    const error = await refusal(() => embedder.embed(['a', 'b'], { signal: second.signal }));
    expect(error.code).toBe('SONA_ABORTED');
    expect(during.seen.runs).toHaveLength(1);
  });
});

describe('what is refused', () => {
  const cases: [string, unknown, string][] = [
    ['model', undefined, 'SONA_INVALID_ARGUMENT'],
    ['model', '', 'SONA_OUT_OF_RANGE'],
    ['path', '', 'SONA_OUT_OF_RANGE'],
    ['dtype', 8, 'SONA_INVALID_ARGUMENT'],
    ['pooling', 'max', 'SONA_INVALID_ARGUMENT'],
    ['normalize', 1, 'SONA_INVALID_ARGUMENT'],
    ['dim', 1, 'SONA_OUT_OF_RANGE'],
    ['batchSize', 0, 'SONA_OUT_OF_RANGE'],
    ['id', '', 'SONA_OUT_OF_RANGE'],
    ['pipelineOptions', 'q8', 'SONA_INVALID_ARGUMENT'],
    ['library', {}, 'SONA_INVALID_ARGUMENT'],
    ['localModelPath', 'x', 'SONA_INVALID_ARGUMENT'],
  ];
  it.each(cases)('%s: %s', async (key, value, code) => {
    const error = await refusal(() => transformers({ model, [key]: value } as TransformersOptions));
    expect(error).toMatchObject({ code, details: { argument: `options.${key}` } });
  });
});

const installed = process.env.SONA_TRANSFORMERS;
const data = process.env.SONA_DATA;

// the folder holds node_modules/@huggingface/transformers and all-MiniLM-L6-v2, the model's files
describe.skipIf(!installed || !data)('the real library', () => {
  it('gives the vectors of MiniLM', async () => {
    const from = createRequire(join(installed ?? '', 'package.json'));
    const embedder = transformers({
      model,
      path: join(installed ?? '', 'all-MiniLM-L6-v2'),
      library: () => import(pathToFileURL(from.resolve('@huggingface/transformers')).href),
    });
    const rows: { text: string }[] = parse(readFileSync(join(data ?? '', 'clinc150/test.csv')), {
      columns: true,
    });
    const texts = rows.slice(0, 64).map(({ text }) => text);
    const reference = tensor(readFileSync(join(data ?? '', 'clinc150/minilm.safetensors')), 'test', 384);
    const vectors = await embedder.embed(texts);
    vectors.forEach((vector, i) => {
      const row = reference.subarray(i * 384, (i + 1) * 384);
      const length = Math.hypot(...row);
      expect(vector.reduce((sum, number, k) => sum + (number * (row[k] ?? 0)) / length, 0)).toBeGreaterThan(
        0.999,
      );
    });
  });
});

/** The 8-bit numbers of one tensor in a safetensors file. */
function tensor(file: Buffer, name: string, dim: number): Int8Array {
  const header = Number(file.readBigUInt64LE());
  const { [name]: entry } = JSON.parse(file.toString('utf8', 8, 8 + header));
  expect(entry).toMatchObject({ dtype: 'I8', shape: [expect.any(Number), dim] });
  return new Int8Array(
    file.buffer,
    file.byteOffset + 8 + header + entry.data_offsets[0],
    entry.shape[0] * dim,
  );
}
