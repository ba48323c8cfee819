import { describe, embedderFailed, type SonaError } from '../base/errors.ts';
import { toVector } from './embedder.ts';

/**
 * The vectors of an answer of OpenAI's `/embeddings`, in the order of the texts: by their `index`. Entries without one, or with
 * null, are of the texts that no other entry names, in their order: services leave out a 0, or all of them. Throws
 * `SONA_EMBEDDER` unless it is `count` of them, one for each text.
 */
export function vectorsOf(id: string, answer: unknown, count: number): Float32Array[] {
  const data = field(answer, 'data');
  if (!Array.isArray(data)) throw malformed(id, 'data, an array', describe(data));
  if (data.length !== count) throw malformed(id, `${count} entries in data`, `${data.length}`);
  const embeddings = new Map<number, unknown>();
  const unnamed: unknown[] = [];
  data.forEach((entry: unknown, i) => {
    if (typeof entry !== 'object' || entry === null) {
      throw malformed(id, `data[${i}], an object`, describe(entry));
    }
    const index = field(entry, 'index') ?? undefined;
    const embedding = field(entry, 'embedding');
    if (index === undefined) {
      unnamed.push(embedding);
      return;
    }
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= count) {
      throw malformed(id, `data[${i}].index from 0 to ${count - 1}`, describe(index));
    }
    if (embeddings.has(index)) throw malformed(id, 'each index once', `${index} twice`);
    embeddings.set(index, embedding);
  });
  const left = unnamed.values();
  return Array.from({ length: count }, (_, i) =>
    toVector(id, i, embeddings.has(i) ? embeddings.get(i) : left.next().value),
  );
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function malformed(id: string, expected: string, got: string): SonaError {
  return embedderFailed(id, `the answer is malformed: expected ${expected}, got ${got}`, { expected, got });
}
