// What a router is judged on: the prompts of an outcome set that every model answered, and what each answer is worth.
import { builtin } from '../../dist/embed.mjs';
import { loadOutcomes, type OutcomeSet, outcomeSets } from './outcomes.mts';
import { embeddedBy, minilm, type Vectors } from './vectors.mts';

export interface Stream {
  name: string;
  /** Whose prompts and outcomes it has. */
  set: string;
  /** What made the vectors. */
  by: Vectors;
  dim: number;
  models: string[];
  vectors: Float32Array[];
  /** Worth of each answer, 0 to 1; by prompt, then by model, as the next two. */
  utility: Float64Array;
  quality: Float64Array;
  /** USD per call; NaN where none was recorded. */
  cost: Float64Array;
}

/** Between these bounds a cost counts, on a logarithmic scale; in units of quality at the upper one. */
export const costScale = { lowUsd: 1e-5, highUsd: 0.02 };
export const COST_WEIGHT = 0.25;

/** 0 at the lower bound, 1 at the upper. */
export const costShare = (usd: number): number =>
  Math.min(1, Math.max(0, Math.log(usd / costScale.lowUsd) / Math.log(costScale.highUsd / costScale.lowUsd)));

/** Means by column of a matrix of so many columns; NaN cells are left out. */
export function columnMeans(values: Float64Array, columns: number): Float64Array {
  const sums = new Float64Array(columns);
  const counts = new Float64Array(columns);
  values.forEach((value, cell) => {
    if (Number.isNaN(value)) return;
    sums[cell % columns] = (sums[cell % columns] as number) + value;
    counts[cell % columns] = (counts[cell % columns] as number) + 1;
  });
  return sums.map((sum, k) => sum / (counts[k] as number));
}

/**
 * Quality less the weighted cost of each model's mean call, scaled so that the range of it is 0 to 1. Costs by model, or
 * for several blocks of quality of the same length one after the other.
 */
export function netOfCost(quality: Float64Array, meanCosts: Float64Array, models: number): Float64Array {
  const block = (quality.length * models) / meanCosts.length;
  const net = quality.map((value, i) => {
    const usd = meanCosts[Math.floor(i / block) * models + (i % models)] as number;
    return value - COST_WEIGHT * costShare(usd);
  });
  let least = Infinity;
  let most = -Infinity;
  for (const value of net) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return net.map((value) => (value - least) / (most - least));
}

/** How a stream comes of a set. */
interface Making {
  set: string;
  /** By what the built-in embedder makes of the texts, also where MiniLM's vectors are known. */
  byText?: boolean;
  /** The columns that it keeps; without it, all. */
  pick?: (set: OutcomeSet) => number[];
  /** Quality less the weighted cost, instead of plain quality. */
  net?: boolean;
}

/** A stream that is not named here has its set's name, all models and plain quality. */
const makings: Record<string, Making> = {
  paretobandit4: { set: 'paretobandit4', net: true },
  paretobandit4q: { set: 'paretobandit4' },
  zeroeval: { set: 'zeroeval', pick: bestModels },
  zeroeval29: { set: 'zeroeval', byText: true },
};

/** The streams that can be loaded here; those of texts need the texts, which packs have not. */
export function streamNames(): string[] {
  const sets = outcomeSets();
  const more = Object.keys(makings).filter(
    (name) => !sets.includes(name) && sets.includes(makings[name]?.set ?? ''),
  );
  return [...sets, ...more];
}

let own: Vectors | undefined;

/** The built-in embedder's vectors, at their default length. */
export function byBuiltin(): Vectors {
  own ??= embeddedBy(builtin());
  return own;
}

/** By vectors of MiniLM, of the built-in embedder where the set has none or the stream is one of texts, or of another embedder. */
export function loadStream(name: string, vectorsBy?: Vectors): Stream {
  const { set: from, byText = false, pick, net = false } = makings[name] ?? { set: name };
  const set = loadOutcomes(from);
  const by = vectorsBy ?? (byText || set.vectors.length === 0 ? byBuiltin() : minilm);
  const vectors = by === minilm ? set.vectors : by.of(from, 'prompts');
  if (!vectors?.length)
    throw new Error(`${name}: SONA_DATA has no ${by === minilm ? 'vectors' : 'texts'} of it`);
  const chosen = pick?.(set) ?? set.models.map((_, k) => k);
  const width = set.models.length;
  const cut = (values: Float64Array): Float64Array =>
    Float64Array.from({ length: vectors.length * chosen.length }, (_, cell) => {
      const row = Math.floor(cell / chosen.length);
      return values[row * width + (chosen[cell % chosen.length] as number)] as number;
    });
  const quality = cut(set.quality);
  const cost = cut(set.cost);
  const utility = net ? netOfCost(quality, columnMeans(cost, chosen.length), chosen.length) : quality;
  return complete({
    name,
    set: from,
    by,
    dim: vectors[0]?.length ?? 0,
    models: chosen.map((k) => set.models[k] as string),
    vectors,
    utility,
    quality,
    cost,
  });
}

/** The eight best, in their order, without the one whose recorded cost cannot be compared. */
function bestModels({ models, quality }: OutcomeSet): number[] {
  const means = columnMeans(quality, models.length);
  return models
    .map((_, k) => k)
    .filter((k) => !models[k]?.includes('o1-mini'))
    .sort((a, b) => (means[b] as number) - (means[a] as number))
    .slice(0, 8)
    .sort((a, b) => a - b);
}

/** Without the prompts that some model did not answer. */
function complete(stream: Stream): Stream {
  const width = stream.models.length;
  const whole = (row: number): boolean =>
    !stream.utility.subarray(row * width, (row + 1) * width).some((value) => Number.isNaN(value));
  const kept = stream.vectors.map((_, row) => row).filter(whole);
  if (kept.length === stream.vectors.length) return stream;
  const cells = kept.flatMap((row) => stream.models.map((_, k) => row * width + k));
  const cut = (values: Float64Array): Float64Array =>
    Float64Array.from(cells, (cell) => values[cell] as number);
  return {
    ...stream,
    vectors: kept.map((row) => stream.vectors[row] as Float32Array),
    utility: cut(stream.utility),
    quality: cut(stream.quality),
    cost: cut(stream.cost),
  };
}
