// The recorded prompts in the order in which they come, with what each model's answer was worth.
import { loadOutcomes } from '../../../bench/lib/outcomes.mts';
import { Random } from '../../../bench/lib/random.mts';
import { packedVectors } from '../../../bench/lib/vectors.mts';
import type { Embedder } from '../../../embed.ts';

export interface Model {
  id: string;
  /** US dollars per million tokens. */
  inputUsdPer1M: number;
  outputUsdPer1M: number;
  /** US dollars per call, from the prices and {@link tokens}. */
  costUsd: number;
}

/** Prompts in order; every array by prompt, `quality` then by model. */
export interface Stream {
  models: Model[];
  domains: string[];
  dim: number;
  /** The basis that ships for the vectors. */
  basis: 'minilm' | 'builtin';
  /** Its number in the recorded set, from 1. */
  number: Uint32Array;
  vectors: Float32Array[];
  domain: Uint16Array;
  quality: Float64Array;
}

/** What a call is taken to consist of: the set has no token counts. */
export const tokens = { input: 500, output: 300 } as const;

/** llmrouter9 in random order; at most so many prompts. By MiniLM's vectors, or those of an embedder in its pack. */
export function routingStream(seed: number, most: number, embedder?: Embedder): Stream {
  const set = loadOutcomes('llmrouter9');
  const vectors = embedder ? packedVectors('llmrouter9', embedder) : set.vectors;
  const order = new Random(2000 + seed).permutation(set.vectors.length).subarray(0, most);
  const width = set.models.length;
  return {
    models: set.models.map((id, k) => {
      const price = set.prices[k];
      if (!price) throw new Error(`llmrouter9: no price for ${id}`);
      const { inputUsdPer1M, outputUsdPer1M } = price;
      const costUsd = (tokens.input * inputUsdPer1M + tokens.output * outputUsdPer1M) / 1e6;
      return { id, inputUsdPer1M, outputUsdPer1M, costUsd };
    }),
    domains: set.domains,
    dim: vectors[0]?.length ?? 0,
    basis: embedder ? 'builtin' : 'minilm',
    number: order.map((at) => at + 1),
    vectors: Array.from(order, (at) => vectors[at] as Float32Array),
    domain: Uint16Array.from(order, (at) => set.domain[at] as number),
    quality: Float64Array.from(
      { length: order.length * width },
      (_, cell) =>
        set.quality[(order[Math.floor(cell / width)] as number) * width + (cell % width)] as number,
    ),
  };
}
