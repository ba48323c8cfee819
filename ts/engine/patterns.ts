import type { TrajectoryId } from '../base/ids.ts';
import { formatId } from '../base/ids.ts';
import { isF32, isF64, type Same, type Vector } from '../base/vectors.ts';
import { rowOf } from '../binding/layout.ts';
import { Slab } from '../binding/memory.ts';
import { call, native } from '../binding/native.ts';
import type { PatternType } from './pattern-type.ts';

/** Outcomes of one route in one pattern. */
export interface RouteRecord {
  /** Trajectories that chose it. */
  count: number;
  /** Their mean quality, 0 to 1. */
  avgQuality: number;
  /** Share of successes among those that succeeded or failed; null when none was judged. */
  successRate: number | null;
}

/** Steps of one node in one pattern. */
export interface NodeRecord {
  /** Steps that named it. */
  count: number;
  /** Their mean score. */
  avgScore: number;
  /** Their mean time, in milliseconds. */
  avgLatencyMs: number;
}

/** A trajectory near the middle of a pattern. */
export interface Exemplar {
  /** Its id, for `learnFromFeedback` and `forget`. */
  trajectoryId: TrajectoryId;
  /** The option that it chose; null for none, or one that has been removed. */
  route: string | null;
  /** How well it went, 0 to 1. */
  quality: number;
  /** Its context ids. */
  contexts: readonly string[];
  /** Cosine with the centroid. */
  similarity: number;
}

/** Queries that are alike, and what came of them. Objects inside are shared between calls and frozen. */
export interface LearnedPattern<V extends Vector = Vector> {
  /** Number as a string; the same as long as the pattern lives. */
  id: string;
  /** Unit mean of the queries, of the kind of the query that was asked with. */
  centroid: V;
  /** Trajectories that it counts. */
  clusterSize: number;
  /** The same, halved for every 50,000 trajectories that the engine learned since the pattern last got one or was found. */
  totalWeight: number;
  /** Mean quality. */
  avgQuality: number;
  /** Share of successes among those that succeeded or failed; null when none was judged. */
  successRate: number | null;
  /** Outcomes by route. */
  routes: Readonly<Record<string, RouteRecord>>;
  /** Steps by the node that they named. */
  nodes: Readonly<Record<string, NodeRecord>>;
  /** Mean time that answers took, in milliseconds; null when it was never told. */
  avgLatencyMs: number | null;
  /** Up to three of its trajectories, nearest to the centroid first. */
  exemplars: readonly Exemplar[];
  /** Unix time in seconds, as a string. */
  createdAt: string;
  /** Unix time in seconds, as a string. */
  lastAccessed: string;
  /** How often it was found, this time included. */
  accessCount: number;
  /** What most of its trajectories said that they are; `General` when none did. */
  patternType: PatternType;
  /** Cosine of the query with the centroid. */
  similarity: number;
}

/** What quality to expect. */
export interface QualityExpectation {
  /** 0 to 1, drawn toward the mean of all while evidence is small; null without evidence. */
  quality: number | null;
  /** Trajectories that it rests on, distant and old ones counting less. */
  evidence: number;
}

/** For each pattern in the addon's answer. */
const PATTERN = rowOf('FoundPattern', [
  'id',
  'revision',
  'similarity',
  'weight',
  'accesses',
  'last_accessed',
]);

/** What the addon tells about one revision of a pattern. */
interface Contents {
  revision: number;
  clusterSize: number;
  avgQuality: number;
  successRate: number | null;
  avgLatencyMs: number | null;
  routes: Record<string, RouteRecord>;
  nodes: Record<string, NodeRecord>;
  exemplars: Exemplar[];
  createdAt: number;
  patternType: PatternType;
}

interface Known {
  contents: Contents;
  createdAt: string;
  centroid: Float32Array;
}

/** The patterns of one engine as they were last read: what has not changed does not cross again. */
export class Patterns {
  readonly #dim: number;
  readonly #slab = new Slab();
  readonly #known = new Map<number, Known>();
  #numbers = new Float64Array(0);

  constructor(dim: number) {
    this.#dim = dim;
  }

  /** The k nearest for a query that has been checked; `asked` is the query as it was given. */
  find<V extends Vector>(
    handle: number,
    asked: V,
    query: Float32Array,
    k: number,
    minQuality: number,
  ): LearnedPattern<Same<V>>[] {
    if (this.#numbers.length !== k * PATTERN.size) this.#numbers = new Float64Array(k * PATTERN.size);
    const numbers = this.#numbers;
    const found = call(() => native.patternsFind(handle, query, minQuality, numbers));
    const patterns: LearnedPattern<Same<V>>[] = [];
    for (let i = 0; i < found; i++) {
      const at = i * PATTERN.size;
      const known = this.#read(
        handle,
        numbers[at + PATTERN.id] as number,
        numbers[at + PATTERN.revision] as number,
      );
      // gone between the two calls: another thread's cycle has published since
      if (!known) continue;
      const { contents } = known;
      patterns.push({
        id: String(numbers[at + PATTERN.id]),
        centroid: this.#copy(asked, known.centroid) as Same<V>,
        clusterSize: contents.clusterSize,
        totalWeight: numbers[at + PATTERN.weight] as number,
        avgQuality: contents.avgQuality,
        successRate: contents.successRate,
        routes: contents.routes,
        nodes: contents.nodes,
        avgLatencyMs: contents.avgLatencyMs,
        exemplars: contents.exemplars,
        createdAt: known.createdAt,
        lastAccessed: seconds(numbers[at + PATTERN.last_accessed] as number),
        accessCount: numbers[at + PATTERN.accesses] as number,
        patternType: contents.patternType,
        similarity: numbers[at + PATTERN.similarity] as number,
      });
    }
    return patterns;
  }

  /** Forgets what was read: it may speak of what has been removed. */
  clear(): void {
    this.#known.clear();
  }

  expect(handle: number, query: Float32Array, route: string | undefined): QualityExpectation {
    return JSON.parse(call(() => native.expectQuality(handle, query, route))) as QualityExpectation;
  }

  #read(handle: number, id: number, revision: number): Known | undefined {
    const known = this.#known.get(id);
    if (known?.contents.revision === revision) return known;
    const centroid = new Float32Array(this.#dim);
    const json = call(() => native.patternRead(handle, id, centroid));
    if (json === null) {
      this.#known.delete(id);
      return undefined;
    }
    const contents = JSON.parse(json, (_, value: unknown) =>
      typeof value === 'object' && value !== null ? Object.freeze(named(value)) : value,
    ) as Contents;
    const fresh = { contents, createdAt: seconds(contents.createdAt), centroid };
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(id, fresh);
    return fresh;
  }

  #copy(asked: Vector, centroid: Float32Array): Float32Array | Float64Array | number[] {
    if (isF32(asked)) {
      const copy = this.#slab.f32(centroid.length);
      copy.set(centroid);
      return copy;
    }
    if (isF64(asked)) {
      const copy = this.#slab.f64(centroid.length);
      copy.set(centroid);
      return copy;
    }
    // a loop, because Array.from of a typed array is ten times slower
    const copy = new Array<number>(centroid.length);
    for (let i = 0; i < copy.length; i++) copy[i] = centroid[i] as number;
    return copy;
  }
}

/** What the addon tells about an exemplar, by its id; about a node, in milliseconds; anything else as it is. */
function named(value: object): object {
  if ('avgLatencyUs' in value && typeof value.avgLatencyUs === 'number') {
    const { avgLatencyUs, ...rest } = value;
    return { ...rest, avgLatencyMs: avgLatencyUs / 1_000 };
  }
  if (!('incarnation' in value && 'trajectory' in value)) return value;
  const { incarnation, trajectory, ...rest } = value as { incarnation: string; trajectory: number };
  return { trajectoryId: formatId('trajectory', incarnation, trajectory), ...rest };
}

/** Patterns come and go: beyond so many ids, all are read again. */
const MOST_KNOWN = 2_000;

const seconds = (millis: number): string => String(Math.floor(millis / 1000));
