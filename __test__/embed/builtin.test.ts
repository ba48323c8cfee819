// The embedder that ships: its table, what it shares, and what every use of it refuses.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type BuiltinOptions, builtin } from '../../embed.ts';
import { root } from '../support/child.ts';
import { cosine } from '../support/embedders.ts';
import { refusal } from '../support/errors.ts';
import { temporaryFolder } from '../support/fixture.ts';
import { turnsDuring } from '../support/turns.ts';

const table = join(root, 'models/static-minilm/table.sona');
const folder = temporaryFolder();

const sync = (options: BuiltinOptions, text: string, out?: Float32Array) =>
  builtin(options).embedSync(text, out);

describe('builtin', () => {
  it('is what it says', () => {
    expect(builtin()).toMatchObject({ dim: 256, basis: 'builtin' });
    expect(builtin().id).toMatch(/-256-/);
    expect(builtin({ dim: 64 }).id).toMatch(/-64-/);
    expect(builtin({ dim: 64 }).basis).toBe('builtin');
  });

  it.each([256, 128, 64] as const)('gives unit vectors of %i numbers, by near meaning', async (dim) => {
    const texts = ['How do I get my money back?', 'I want a refund.', 'The cat sleeps on the sofa.'];
    const vectors = await builtin({ dim }).embed(texts);
    vectors.forEach((vector, i) => {
      expect(vector).toHaveLength(dim);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      expect(sync({ dim }, texts[i] ?? '')).toEqual(vector);
    });
    const [first = new Float32Array(), near = first, far = first] = vectors;
    expect(cosine(first, near)).toBeGreaterThan(cosine(first, far) + 0.1);
  });

  it('gives zeros for texts without known tokens', async () => {
    expect(sync({}, '')).toEqual(new Float32Array(256));
    expect(await builtin().embed(['', ' \n'])).toEqual([new Float32Array(256), new Float32Array(256)]);
  });

  it('takes any string', async () => {
    const texts = ['\ud800', 'a\udc00b', '\0', 'é', '漢字', '🙂'.repeat(10_000), 'x'.repeat(100_000)];
    for (const vector of await builtin().embed(texts)) {
      expect(vector.every(Number.isFinite)).toBe(true);
    }
  });

  it('keeps order over many texts, and lets other work run in between', async () => {
    const texts = Array.from({ length: 1_000 }, (_, i) => `number ${i} of ${i % 7} things`);
    const { result: vectors, turns } = await turnsDuring(() => builtin({ dim: 64 }).embed(texts));
    expect(turns).toBeGreaterThan(0);
    expect(vectors).toHaveLength(1_000);
    for (const i of [0, 255, 256, 999]) expect(vectors[i]).toEqual(sync({ dim: 64 }, texts[i] ?? ''));
    expect(await builtin().embed([])).toEqual([]);
  });

  it('writes into what it is given', () => {
    const out = new Float32Array(256).fill(7);
    expect(sync({}, 'hello', out)).toBe(out);
    expect(out).toEqual(sync({}, 'hello'));
    const shared = new Float32Array(new SharedArrayBuffer(256 * 4));
    expect(sync({}, 'hello', shared)).toBe(shared);
    expect(Array.from(shared)).toEqual(Array.from(out));
  });
});

describe('the table', () => {
  it('is shared by all who name the same', () => {
    expect(builtin()).toBe(builtin({}));
    expect(builtin({ path: table })).toBe(builtin());
    expect(builtin({ path: relative(process.cwd(), table) })).toBe(builtin());
    expect(builtin({ dim: 64 })).not.toBe(builtin());
  });

  it('may lie elsewhere, or in memory', () => {
    const path = join(folder, 'copy.sona');
    copyFileSync(table, path);
    const data = new Uint8Array(readFileSync(table));
    const shared = new Uint8Array(new SharedArrayBuffer(data.length));
    shared.set(data);
    for (const options of [{ path }, { data }, { data: shared }]) {
      expect(builtin(options).id).toBe(builtin().id);
      expect(sync(options, 'hello')).toEqual(sync({}, 'hello'));
    }
  });

  it('is read at the first use, and again if it was not there', async () => {
    const path = join(folder, 'late.sona');
    const embedder = builtin({ path });
    expect(embedder.dim).toBe(256);
    for (const use of [() => embedder.id, () => embedder.embedSync('a'), () => embedder.embed(['a'])]) {
      const error = await refusal(use);
      expect(error).toMatchObject({ code: 'SONA_IO', message: expect.stringContaining(path) });
    }
    copyFileSync(table, path);
    expect(embedder.id).toBe(builtin().id);
  });

  it('that is damaged is refused', async () => {
    const path = join(folder, 'damaged.sona');
    const bytes = readFileSync(table);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect((await refusal(() => sync({ path }, 'a'))).code).toBe('SONA_CORRUPT_STATE');
    expect((await refusal(() => sync({ data: bytes }, 'a'))).code).toBe('SONA_CORRUPT_STATE');
    expect((await refusal(() => sync({ data: bytes.subarray(0, 1_000) }, 'a'))).code).toBe(
      'SONA_CORRUPT_STATE',
    );
  });
});

describe('what is refused', () => {
  const cases: [object, string, string][] = [
    [{ dim: 100 }, 'SONA_OUT_OF_RANGE', 'options.dim'],
    [{ dim: '256' }, 'SONA_INVALID_ARGUMENT', 'options.dim'],
    [{ path: '' }, 'SONA_OUT_OF_RANGE', 'options.path'],
    [{ path: 1 }, 'SONA_INVALID_ARGUMENT', 'options.path'],
    [{ data: [1] }, 'SONA_INVALID_ARGUMENT', 'options.data'],
    [{ data: new Uint8Array(1), path: 'a' }, 'SONA_INVALID_ARGUMENT', 'options.data'],
    [{ size: 1 }, 'SONA_INVALID_ARGUMENT', 'options.size'],
  ];
  it.each(cases)('%j', async (options, code, argument) => {
    const error = await refusal(() => builtin(options as BuiltinOptions));
    expect(error).toMatchObject({ code, details: { argument } });
  });

  it('of a call', async () => {
    const embedder = builtin() as unknown as Record<'embed' | 'embedSync', (...given: unknown[]) => unknown>;
    const calls: [() => unknown, string, string][] = [
      [() => embedder.embedSync(1), 'SONA_INVALID_ARGUMENT', 'text'],
      [() => embedder.embedSync('a', [1]), 'SONA_INVALID_ARGUMENT', 'out'],
      [() => embedder.embedSync('a', new Float32Array(3)), 'SONA_DIM_MISMATCH', 'out'],
      [() => embedder.embed('a'), 'SONA_INVALID_ARGUMENT', 'texts'],
      [() => embedder.embed(['a', null]), 'SONA_INVALID_ARGUMENT', 'texts[1]'],
      [() => embedder.embed(['a'], { timeout: 1 }), 'SONA_INVALID_ARGUMENT', 'options.timeout'],
      [() => embedder.embed(['a'], { signal: 1 }), 'SONA_INVALID_ARGUMENT', 'options.signal'],
    ];
    for (const [call, code, argument] of calls) {
      expect(await refusal(call)).toMatchObject({ code, details: { argument } });
    }
  });

  it('by a signal that has fired, or fires between blocks', async () => {
    const signal = AbortSignal.abort('enough');
    const before = await refusal(() => builtin().embed(['a'], { signal }));
    expect(before).toMatchObject({ code: 'SONA_ABORTED', cause: 'enough' });
    const stop = new AbortController();
    const work = builtin().embed(Array(1_000).fill('a'), { signal: stop.signal });
    stop.abort();
    expect((await refusal(() => work)).code).toBe('SONA_ABORTED');
  });
});
