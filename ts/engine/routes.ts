import { fromNative, invalidArgument, unknownRoute } from '../base/errors.ts';
import { formatId, type SuggestionId, type TrajectoryId } from '../base/ids.ts';
import { type Metadata, parseMetadata } from '../base/metadata.ts';
import { checkName } from '../base/vectors.ts';
import { rowOf } from '../binding/layout.ts';
import { call, native } from '../binding/native.ts';
import { type Fallback, isWithoutText } from '../embed/fallback.ts';
import type { Issued } from './issued.ts';

/** A named option as it stands. */
export interface Route {
  /** Name, as it was given. */
  name: string;
  /** Whether it takes part in rankings: it has a prior, its own or taken from its first good query. */
  ranked: boolean;
  /** Outcomes so far. */
  count: number;
  /** Their mean; 0 without any. */
  avgQuality: number;
  /** What `addRoute` was given, frozen; undefined without any. */
  metadata?: Metadata | undefined;
  /** Its other names; undefined without any. */
  aliases?: string[] | undefined;
}

/** One ranked route. */
export interface RankedRoute {
  /** Its name. */
  route: string;
  /** Cosine of the adapted query with the route's prototype, and a twentieth of its trained offset; 0 in a fallback. */
  score: number;
  /**
   * Among the eligible routes: softmax of 20 x score, pooled with what past queries say once that has been learned, over a
   * temperature that is fitted to outcomes, and mixed with what names say where the query is unlike all that is known. Routes are ranked by it. In a fallback the share of this route: the sum of its
   * qualities plus 1.
   */
  probability: number;
  /** How likely the route was to come first, 0 to 1, a sum of 1 over all routes; undefined unless `explore`, and in a fallback. */
  propensity?: number | undefined;
  /** Outcomes that the route has had, and their mean quality, 0 to 1. */
  evidence: { count: number; avgQuality: number };
  /** What `addRoute` was given, frozen; undefined without any. */
  metadata?: Metadata | undefined;
}

/** A past query that was near, with what was tried and how it went. */
export interface Episode {
  /** The trajectory that ended with its outcome. */
  trajectoryId: TrajectoryId;
  /** The route that was tried. */
  route: string;
  /** How well that went, 0 to 1: near 1 it spoke for the route, near 0 against it. */
  quality: number;
  /** Cosine with the present query. */
  similarity: number;
  /** Share of all attention that was paid to it. */
  attention: number;
}

/** How long past queries were reasoned about. */
export interface Reasoning {
  /** Rounds of "if not that one, which?"; 0 without past queries near. More are allowed where queries like this one went badly. */
  rounds: number;
  /** Why there were no more: nothing to reason about, no probability moved any more, or the rounds were used up. */
  stop: 'nothing' | 'settled' | 'rounds';
  /** Up to 64 past queries that spoke for and against, the nearest first; undefined unless `explain`. */
  episodes?: Episode[] | undefined;
}

/** A ranking of routes for one query. */
export interface RouteSuggestion {
  /** For `feedback`, or for `beginTrajectory` as `decision`: an opaque string that no other engine gives out. */
  id: SuggestionId;
  /** The first of `ranked`; null when no route is ranked. */
  best: string | null;
  /** Best first. */
  ranked: RankedRoute[];
  /** Probability of the best; 0 when no route is ranked. */
  confidence: number;
  /** Whether the confidence is below `abstainBelow`, `inScope` is below `abstainOutside`, or no route is ranked. */
  abstain: boolean;
  /**
   * How usual the query is, 0 to 1: the share of queries that went well that were at most as similar to what is known. Near 0 for a
   * query that belongs to no route; with n such queries at least 1 / (n + 1). Null until 30 have gone well and a training has
   * taken them in, without `memory`, and in a fallback.
   */
  inScope: number | null;
  /** How long past queries were reasoned about and, with `explain`, which. */
  reasoning: Reasoning;
  /**
   * Why the text did not count, or by its hashed words alone (`language`); null where it did. Nothing is learned from the outcome
   * of what was answered without it: `feedback` answers `no-query`.
   */
  fallback: Fallback | null;
}

/** How routes are suggested. */
export interface SuggestMode {
  readonly explain: boolean;
  readonly explore: boolean;
}

/** Before the first ranked route in the addon's answer. */
const HEADER = rowOf('Suggestion', ['decision', 'confidence', 'abstain', 'rounds', 'stop', 'in_scope']);

/** For each ranked route. */
const ROUTE = rowOf('RankedRoute', [
  'score',
  'probability',
  'count',
  'avg_quality',
  'described',
  'propensity',
]);

const STOPS = ['nothing', 'settled', 'rounds'] as const;

/** Routes whose names are kept here: twice as many as there can be. */
const MOST_KNOWN = 20_000;

/** What crosses once: `described` changes with the metadata and the aliases. */
interface Known {
  readonly name: string;
  readonly described: number;
  readonly metadata: Metadata | undefined;
}

/** A route as the addon writes it: its metadata as JSON. */
type RouteRow = Omit<Route, 'metadata' | 'aliases'> & {
  readonly id: number;
  readonly metadata: string | null;
  readonly aliases: string[];
};

/** A past query as the addon writes it. */
type EpisodeRow = Omit<Episode, 'trajectoryId'> & {
  readonly trajectory: number;
  readonly incarnation: string;
};

/** Names and ids of the routes of one engine, so that names cross to the addon once. */
export class Routes {
  readonly #issued: Issued;
  readonly #ids = new Map<string, number>();
  readonly #known = new Map<number, Known>();
  #ranked = new Uint32Array(0);
  #numbers = new Float64Array(0);

  constructor(issued: Issued) {
    this.#issued = issued;
  }

  know(name: string, id: number): void {
    this.#ids.set(name, id);
  }

  forget(name: string): void {
    const id = this.#ids.get(name);
    this.#ids.delete(name);
    if (id !== undefined) this.#known.delete(id);
  }

  /** Learns the id of a route that has just been told by name; not of an alias, which may be another's tomorrow. */
  lookUp(handle: number, name: string): void {
    try {
      const id = native.routeId(handle, name);
      const json = native.route(handle, id);
      if (json !== null && (JSON.parse(json) as RouteRow).name === name) this.know(name, id);
    } catch {
      // no route of that name: learning is off, or another thread has removed it
    }
  }

  /** The id of a name that has been seen; -1 for another. */
  id(name: string): number {
    return this.#ids.get(name) ?? -1;
  }

  list(handle: number): Route[] {
    const rows: RouteRow[] = JSON.parse(call(() => native.routes(handle)));
    return rows.map(({ name, ranked, count, avgQuality, metadata, aliases }) => ({
      name,
      ranked,
      count,
      avgQuality,
      metadata: metadata === null ? undefined : parseMetadata(metadata),
      ...(aliases.length > 0 && { aliases }),
    }));
  }

  /** Ranks the k best for a query, or without one where there is a fallback, among names that have been checked. */
  suggest(
    handle: number,
    query: Float32Array,
    k: number,
    eligible: readonly string[] | undefined,
    mode: SuggestMode,
    fallback: Fallback | null,
  ): RouteSuggestion {
    const suggest = (wanted?: Uint32Array) => this.#suggest(handle, query, k, wanted, mode, fallback);
    if (eligible === undefined) return suggest();
    try {
      return suggest(this.#resolve(handle, eligible));
    } catch (error) {
      if (fromNative(error).code !== 'SONA_UNKNOWN_ROUTE') throw error;
      // another thread may have removed a route and added it again: the names decide, as if never seen here
      for (const name of eligible) this.forget(name);
      return suggest(this.#resolve(handle, eligible));
    }
  }

  #suggest(
    handle: number,
    query: Float32Array,
    k: number,
    wanted: Uint32Array | undefined,
    { explain, explore }: SuggestMode,
    fallback: Fallback | null,
  ): RouteSuggestion {
    if (this.#ranked.length !== k) {
      this.#ranked = new Uint32Array(k);
      this.#numbers = new Float64Array(HEADER.size + ROUTE.size * k);
    }
    const ids = this.#ranked;
    const numbers = this.#numbers;
    const known = isWithoutText(fallback) ? undefined : query;
    const explained = explain && known ? this.#explained(handle, known, wanted, explore) : undefined;
    const found =
      explained?.found ?? call(() => native.suggest(handle, known, wanted, ids, numbers, explore));
    const inScope = numbers[HEADER.in_scope] as number;
    const ranked: RankedRoute[] = [];
    for (let i = 0; i < found; i++) {
      const at = HEADER.size + ROUTE.size * i;
      const route = this.#route(handle, ids[i] as number, numbers[at + ROUTE.described] as number);
      // removed by another thread since
      if (!route) continue;
      ranked.push({
        route: route.name,
        score: numbers[at + ROUTE.score] as number,
        probability: numbers[at + ROUTE.probability] as number,
        ...(explore && known && { propensity: numbers[at + ROUTE.propensity] as number }),
        evidence: {
          count: numbers[at + ROUTE.count] as number,
          avgQuality: numbers[at + ROUTE.avg_quality] as number,
        },
        metadata: route.metadata,
      });
    }
    return {
      id: this.#issued.suggestion(numbers[HEADER.decision] as number),
      best: ranked[0]?.route ?? null,
      ranked,
      confidence: numbers[HEADER.confidence] as number,
      abstain: numbers[HEADER.abstain] === 1,
      inScope: Number.isNaN(inScope) ? null : inScope,
      reasoning: {
        rounds: numbers[HEADER.rounds] as number,
        stop: STOPS[numbers[HEADER.stop] as number] as Reasoning['stop'],
        ...(explain && { episodes: explained?.episodes ?? [] }),
      },
      fallback,
    };
  }

  #explained(handle: number, query: Float32Array, wanted: Uint32Array | undefined, explore: boolean) {
    const json = call(() =>
      native.suggestExplained(handle, query, wanted, this.#ranked, this.#numbers, explore),
    );
    const { found, episodes } = JSON.parse(json) as { found: number; episodes: EpisodeRow[] };
    const toEpisode = ({ trajectory, incarnation, ...rest }: EpisodeRow): Episode => ({
      trajectoryId: formatId('trajectory', incarnation, trajectory),
      ...rest,
    });
    return { found, episodes: episodes.map(toEpisode) };
  }

  #route(handle: number, id: number, described: number): Known | undefined {
    const known = this.#known.get(id);
    if (known?.described === described) return known;
    const json = call(() => native.route(handle, id));
    if (json === null) return undefined;
    const { name, metadata } = JSON.parse(json) as RouteRow;
    // those that other threads have removed go
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    const route = { name, described, metadata: metadata === null ? undefined : parseMetadata(metadata) };
    this.#known.set(id, route);
    this.#ids.set(name, id);
    return route;
  }

  #resolve(handle: number, eligible: readonly string[]): Uint32Array {
    const ids = new Uint32Array(eligible.length);
    for (let i = 0; i < ids.length; i++) {
      const name = eligible[i] as string;
      try {
        ids[i] = this.#ids.get(name) ?? native.routeId(handle, name);
      } catch (error) {
        const known = fromNative(error);
        throw known.code === 'SONA_UNKNOWN_ROUTE' ? unknownRoute(`eligible[${i}]`, name) : known;
      }
    }
    return ids;
  }
}

/** Refuses what is no list of names. */
export function checkNames(argument: string, value: unknown): asserts value is readonly string[] {
  if (!Array.isArray(value)) throw invalidArgument(argument, 'an array of route names', value);
  for (let i = 0; i < value.length; i++) checkName(`${argument}[${i}]`, value[i]);
}
