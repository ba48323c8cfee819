// Embedders of the tests' own, and what is measured on vectors.
import type { ChatMessages, Embedder, EmbedOptions, SonaErrorCode } from '../../index.ts';

/** The cosine of two vectors of any length, in 64 bits. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
    Array.from(x).reduce((sum, number, i) => sum + number * (y[i] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** An embedder of two dimensions, the first the length of the text; with what a test sets. */
export function own(parts: Partial<Embedder> = {}): Embedder {
  const vectorOf = (text: string) => Float32Array.of(text.length, 1);
  return {
    id: 'own',
    dim: 2,
    embed: async (texts) => texts.map(vectorOf),
    ...parts,
  };
}

/** The same, which can also embed at once: then the second number is 2. */
export function instant(parts: Partial<Embedder> = {}): Embedder {
  return own({ embedSync: (text) => Float32Array.of(text.length, 2), ...parts });
}

/** An embedder whose answers a test gives one by one. */
export function waiting(parts: Partial<Embedder> = {}): Embedder & {
  /** What was asked: texts and options, and how to answer. */
  readonly asked: {
    readonly texts: readonly string[];
    readonly options: EmbedOptions | undefined;
    readonly resolve: (vectors: Float32Array[]) => void;
    readonly reject: (error: unknown) => void;
  }[];
} {
  const asked: ReturnType<typeof waiting>['asked'] = [];
  const embed: Embedder['embed'] = (texts, options) =>
    new Promise((resolve, reject) => asked.push({ texts, options, resolve, reject }));
  return { ...own({ embed, ...parts }), asked };
}

/** What an embedder may answer that is no vector of two finite numbers, by the code of the refusal. */
export const badAnswers: [string, unknown, SonaErrorCode][] = [
  ['a plain array', [[1, 2]], 'SONA_EMBEDDER'],
  ['64 bits', [Float64Array.of(1, 2)], 'SONA_EMBEDDER'],
  ['text', ['[1, 2]'], 'SONA_EMBEDDER'],
  ['nothing', [undefined], 'SONA_EMBEDDER'],
  ['another length', [Float32Array.of(1)], 'SONA_DIM_MISMATCH'],
  ['NaN', [Float32Array.of(1, Number.NaN)], 'SONA_NOT_FINITE'],
  ['infinity', [Float32Array.of(Number.POSITIVE_INFINITY, 0)], 'SONA_NOT_FINITE'],
];

/** What it may answer that is no list of one vector. */
export const badLists: [string, unknown][] = [
  ['no array', undefined],
  ['one vector', Float32Array.of(1, 2)],
  ['an empty list', []],
  ['one too many', [Float32Array.of(1, 2), Float32Array.of(1, 2)]],
];

/** A chat whose prompt is `why?`. */
export const chat: ChatMessages = [
  { role: 'system', content: 'be brief' },
  { role: 'user', content: 'why?' },
  { role: 'assistant', content: 'because' },
];
