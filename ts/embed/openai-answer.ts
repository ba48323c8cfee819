import { describe, embedderFailed, type SonaError } from '../base/errors.ts';
import { toVector } from './embedder.ts';

/**
 * The vectors of an answer of OpenAI's `/embeddings`, in the order of the texts: by their `index`, or as they stand
 * where no entry has one. Throws `SONA_EMBEDDER` unless it is `count` of them, one for each text.
 */
export function vectorsOf(id: string, answer: unknown, count: number): Float32Array[] {
  const data = field(answer, 'data');
  if (!Array.isArray(data)) throw malformed(id, 'data, an array', describe(data));
  if (data.length !== count) throw malformed(id, `${count} entries in data`, `${data.length}`);
  const ordered = data.every((entry) => field(entry, 'index') === undefined);
  const vectors: Float32Array[] = new Array(count);
  data.forEach((entry, i) => {
    const index = ordered ? i : field(entry, 'index');
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count) {
      throw malformed(id, `data[${i}].index from 0 to ${count - 1}`, describe(index));
    }
    if (vectors[index]) throw malformed(id, 'each index once', `${index} twice`);
    vectors[index] = toVector(id, index, field(entry, 'embedding'));
  });
  return vectors;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function malformed(id: string, expected: string, got: string): SonaError {
  return embedderFailed(id, `the answer is malformed: expected ${expected}, got ${got}`, { expected, got });
}
