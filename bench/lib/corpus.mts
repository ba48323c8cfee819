// Broad prompts, vectors alone: what a router's basis is fitted on.
import { minilm, type Vectors } from './vectors.mts';

export interface Source {
  set: string;
  tensor: string;
  /** Every so many-th row is taken. */
  every: number;
}

/** All that bases are fitted to. */
export const sources: readonly Source[] = [
  { set: 'clinc150', tensor: 'train', every: 5 },
  { set: 'banking77', tensor: 'train', every: 5 },
  { set: 'zeroeval', tensor: 'prompts', every: 2 },
  { set: 'routellm_mmlu', tensor: 'prompts', every: 5 },
  { set: 'paretobandit4', tensor: 'prompts', every: 2 },
  { set: 'llmrouter9', tensor: 'prompts', every: 2 },
];

/** Sets that have prompts of a source, by set: MMLU-Pro holds rewritten questions of MMLU. */
const shares: Record<string, string> = { mmlupro10: 'routellm_mmlu' };

/**
 * What a basis is fitted on that a set is to be judged with: all but the set itself and what it shares prompts with. llmrouter9 is
 * the stream of the demo and in no basis that ships, so it stays out as well, unless paretobandit4 is judged, whose prompts
 * are like it. Without it, what the shipped basis is fitted on.
 */
export function sourcesWithout(set = 'llmrouter9'): Source[] {
  return sources.filter(
    (source) =>
      source.set !== set &&
      source.set !== shares[set] &&
      (source.set !== 'llmrouter9' || set === 'paretobandit4'),
  );
}

/** Whether the shipped basis has seen nothing of a set. */
export const unseenByShipped = (set: string): boolean =>
  !sourcesWithout().some((source) => source.set === set || source.set === shares[set]);

/** Sets that {@link corpusWithout} needs and that are not here. */
export const missingFor = (set: string, by: Vectors = minilm): string[] =>
  sourcesWithout(set)
    .filter(({ set: name, tensor }) => !by.has(name, tensor))
    .map((source) => source.set);

/** Unit vectors of all sources but a set. */
export const corpusWithout = (set?: string, by: Vectors = minilm): Float32Array[] =>
  sourcesWithout(set).flatMap((source) => rowsOf(source, by));

/** Those of one source. */
export function rowsOf({ set, tensor, every }: Source, by: Vectors): Float32Array[] {
  const vectors = by.of(set, tensor);
  if (!vectors) throw new Error(`SONA_DATA has no ${set}`);
  return vectors.filter((_, row) => row % every === 0);
}
