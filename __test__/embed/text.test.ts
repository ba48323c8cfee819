// Strings of JavaScript may hold what no text holds: what the embedders that ship make of them.
import { describe, expect, it } from 'vitest';
import { builtin, hash } from '../../embed.ts';
import type { SyncEmbedder } from '../../index.ts';
import { cosine } from '../support/embedders.ts';
import { bits } from '../support/vectors.ts';

const embedders: [string, SyncEmbedder][] = [
  ['builtin', builtin()],
  ['builtin, 64 numbers', builtin({ dim: 64 })],
  ['hash', hash()],
];

/** The bits of a text's vector, which is the same by both methods. */
async function bitsOf(embedder: SyncEmbedder, text: string): Promise<string> {
  const sync = bits(embedder.embedSync(text)).join('');
  for (const vector of await embedder.embed([text, 'between', text])) {
    expect(vector.every(Number.isFinite)).toBe(true);
  }
  const [first, , second] = await embedder.embed([text, 'between', text]);
  for (const vector of [first, second]) expect(bits(vector ?? []).join('')).toBe(sync);
  return sync;
}

const zeros = (dim: number) => '0'.repeat(8 * dim);

describe.each(embedders)('%s', (_, embedder) => {
  it('gives no meaning to halves of surrogate pairs', async () => {
    const plain = await bitsOf(embedder, 'where is my order');
    expect(plain).not.toBe(zeros(embedder.dim));
    for (const half of ['\ud800', '\udbff', '\udc00', '\udfff', '\udc00\ud800', '\ud800\ud800', '\ufffd']) {
      // words end there for `hash`
      const inside = !embedder.id.startsWith('hash-') ? [`where is my or${half}der`] : [];
      for (const text of [
        `${half}where is my order`,
        `where is my order${half}`,
        `where${half} is my ${half} order`,
        ...inside,
      ]) {
        expect(await bitsOf(embedder, text), JSON.stringify(text)).toBe(plain);
      }
      expect(await bitsOf(embedder, half)).toBe(zeros(embedder.dim));
    }
    // a pair is no half
    expect(await bitsOf(embedder, 'a 🙂')).toBe(await bitsOf(embedder, 'a \ud83d\ude42'));
  });

  it('gives none to NUL either, and does not end there', async () => {
    const plain = await bitsOf(embedder, 'where is my order');
    for (const text of [
      '\0where is my order',
      'where is my order\0',
      'where \0is my order',
      // words end there for `hash`
      ...(!embedder.id.startsWith('hash-') ? ['where is my or\0der'] : []),
    ]) {
      expect(await bitsOf(embedder, text), JSON.stringify(text)).toBe(plain);
    }
    expect(await bitsOf(embedder, '\0')).toBe(zeros(embedder.dim));
    expect(await bitsOf(embedder, 'where\0 is my order')).not.toBe(await bitsOf(embedder, 'where'));
  });

  it.each(['', ' ', '\n\t\r', '\u00a0\u3000\u2028', '\u0000\u0001', '\ud800 \udc00'])(
    'gives zeros for nothing: %j',
    async (text) => {
      expect(await bitsOf(embedder, text)).toBe(zeros(embedder.dim));
      const out = new Float32Array(embedder.dim).fill(7);
      expect(embedder.embedSync(text, out)).toBe(out);
      expect(out).toEqual(new Float32Array(embedder.dim));
    },
  );

  it('takes a megabyte', async () => {
    const long = 'where is my order '.repeat(60_000);
    const one = embedder.embedSync('where is my order where is my order where is my order');
    const [vector = new Float32Array()] = await embedder.embed([long]);
    expect(vector).toEqual(embedder.embedSync(long));
    expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
    expect(cosine(vector, one)).toBeGreaterThan(0.99);
    for (const text of [
      'x'.repeat(1 << 20),
      '🙂'.repeat(1 << 18),
      '\ud800'.repeat(1 << 20),
      '\0'.repeat(1 << 20),
    ]) {
      expect(embedder.embedSync(text).every(Number.isFinite)).toBe(true);
    }
  });
});

describe('builtin', () => {
  it('knows a text by its letters: in any case, with accents composed or not', async () => {
    for (const [one, other] of [
      ['Where Is MY order', 'where is my order'],
      ['caf\u00e9 cr\u00e8me', 'cafe\u0301 cre\u0300me'],
      ['caf\u00e9', 'cafe'],
      ['where  is\n\tmy order ', 'where is my order'],
    ] as const) {
      expect(await bitsOf(builtin(), one)).toBe(await bitsOf(builtin(), other));
    }
    expect(await bitsOf(builtin(), 'order my is where?')).not.toBe(
      await bitsOf(builtin(), 'where is my order'),
    );
  });
});
