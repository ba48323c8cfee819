import type { Vector } from '../base/vectors.ts';
import type { LearnedPattern as PatternOfToday, NodeRecord as RecordOfToday } from '../engine/patterns.ts';

/** Steps of one node in one pattern. */
export interface NodeRecord extends RecordOfToday {
  /** Their mean time, in microseconds. */
  avgLatencyUs: number;
}

/** Queries that are alike, and what came of them, with the names of older packages. */
export interface LearnedPattern<V extends Vector = Vector> extends PatternOfToday<V> {
  /** The same as `avgQuality`. */
  quality: number;
  /** The same as `accessCount`. */
  usage_count: number;
  /** Steps by the node that they named. */
  nodes: Readonly<Record<string, NodeRecord>>;
}

/** {@link LearnedPattern} as it comes for an array of numbers. */
export type JsLearnedPattern = LearnedPattern<number[]>;

/** A pattern with the names of older packages, around another vector of the same kind. */
export function olderPattern<V extends Vector>(pattern: PatternOfToday<V>, centroid: V): LearnedPattern<V> {
  const nodes = Object.entries(pattern.nodes).map(([node, record]) => [
    node,
    Object.freeze({ ...record, avgLatencyUs: 1_000 * record.avgLatencyMs }),
  ]);
  return {
    ...pattern,
    centroid,
    nodes: Object.freeze(Object.fromEntries(nodes)),
    quality: pattern.avgQuality,
    usage_count: pattern.accessCount,
  };
}
