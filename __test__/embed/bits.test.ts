// The bits of vectors are those that tests/figures/embedding.py computes without this library; so are those of the Rust
// crate, by tests/embedder.rs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtin } from '../../embed.ts';
import { root } from '../support/child.ts';

interface Figure {
  text: string;
  dim: 256 | 64;
  bits: string;
}

const figures = JSON.parse(
  readFileSync(join(root, 'tests/figures/embedding.json'), 'utf8'),
) as readonly Figure[];

const hex = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength).toString('hex');

describe('the vector of a text, bit for bit', () => {
  it.each(figures)('$dim: $text', async ({ text, dim, bits }) => {
    const embedder = builtin({ dim });
    expect(hex(embedder.embedSync(text))).toBe(bits);
    const [vector] = await embedder.embed([text]);
    expect(hex(vector as Float32Array)).toBe(bits);
  });
});
