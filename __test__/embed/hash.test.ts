// Hashed words: no file, any length.
import { describe, expect, it } from 'vitest';
import { hash } from '../../embed.ts';
import { cosine } from '../support/embedders.ts';
import { refusal } from '../support/errors.ts';

const texts = ['the cat sat on the mat', 'the cat sat on a mat', 'quarterly revenue exceeded guidance'];

describe('hash', () => {
  it('names its vectors by their length', () => {
    expect(hash()).toMatchObject({ id: 'hash-256', dim: 256 });
    expect(hash({ dim: 64 })).toMatchObject({ id: 'hash-64', dim: 64 });
  });

  it.each([2, 64, 256, 1_000])('gives unit vectors of %i numbers, the same each time', async (dim) => {
    const embedder = hash({ dim });
    const vectors = await embedder.embed(texts);
    vectors.forEach((vector, i) => {
      expect(vector).toHaveLength(dim);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      expect(embedder.embedSync(texts[i] ?? '')).toEqual(vector);
    });
    expect(await hash({ dim }).embed(texts)).toEqual(vectors);
  });

  it('puts texts that share words near each other', async () => {
    const [cat = new Float32Array(), same = cat, other = cat] = await hash().embed(texts);
    expect(cosine(cat, same)).toBeGreaterThan(0.5);
    expect(cosine(cat, other)).toBeLessThan(0.3);
  });

  it('takes texts as they are when it is called', async () => {
    const many = Array.from({ length: 600 }, (_, n) => `text ${n}`);
    const embedder = hash({ dim: 16 });
    const expected = await embedder.embed(many);
    const wait = embedder.embed(many);
    many.fill('another');
    many.push(7 as unknown as string);
    expect(await wait).toEqual(expected);
  });

  it('gives zeros for nothing', () => {
    expect(hash({ dim: 2 }).embedSync('')).toEqual(new Float32Array(2));
  });

  it('refuses other lengths', async () => {
    for (const [dim, code] of [
      [1, 'SONA_OUT_OF_RANGE'],
      [65_537, 'SONA_OUT_OF_RANGE'],
      ['64', 'SONA_INVALID_ARGUMENT'],
    ] as const) {
      const error = await refusal(() => hash({ dim: dim as number }));
      expect(error).toMatchObject({ code, details: { argument: 'options.dim' } });
    }
    expect((await refusal(() => hash({ size: 2 } as object))).details.argument).toBe('options.size');
  });
});
