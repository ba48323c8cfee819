import { fromNative, invalidArgument, unknownRoute } from '../base/errors.ts';
import type { SuggestionId } from '../base/ids.ts';
import { checkName } from '../base/vectors.ts';
import { rowOf } from '../binding/layout.ts';
import { call, native } from '../binding/native.ts';
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
}

/** One ranked route. */
export interface RankedRoute {
  /** Its name. */
  route: string;
  /** Cosine of the adapted query with the route's prototype. */
  score: number;
  /** Softmax among the eligible routes of 20 x score, over a temperature that is fitted to held-back outcomes. */
  probability: number;
  /** Outcomes that the route has had, and their mean quality, 0 to 1. */
  evidence: { count: number; avgQuality: number };
}

/** A ranking of routes for one query. */
export interface RouteSuggestion {
  /** To be handed to `beginTrajectory` as `decision`: an opaque string that no other engine gives out. */
  id: SuggestionId;
  /** The first of `ranked`; null when no route is ranked. */
  best: string | null;
  /** Best first. */
  ranked: RankedRoute[];
  /** Probability of the best; 0 when no route is ranked. */
  confidence: number;
  /** Whether the confidence is below `abstainBelow`, or no route is ranked. */
  abstain: boolean;
}

/** Before the first ranked route in the addon's answer. */
const HEADER = rowOf('Suggestion', ['decision', 'confidence', 'abstain']);

/** For each ranked route. */
const ROUTE = rowOf('RankedRoute', ['score', 'probability', 'count', 'avg_quality']);

/** Names and ids of the routes of one engine, so that names cross to the addon once. */
export class Routes {
  readonly #issued: Issued;
  readonly #ids = new Map<string, number>();
  readonly #names = new Map<number, string>();
  #ranked = new Uint32Array(0);
  #numbers = new Float64Array(0);

  constructor(issued: Issued) {
    this.#issued = issued;
  }

  know(name: string, id: number): void {
    this.#ids.set(name, id);
    this.#names.set(id, name);
  }

  forget(name: string): void {
    const id = this.#ids.get(name);
    this.#ids.delete(name);
    if (id !== undefined) this.#names.delete(id);
  }

  /** Learns the id of a name that has just been told by name. */
  lookUp(handle: number, name: string): void {
    try {
      this.know(name, native.routeId(handle, name));
    } catch {
      // no route of that name: learning is off, or another thread has removed it
    }
  }

  /** The id of a name that has been seen; -1 for another. */
  id(name: string): number {
    return this.#ids.get(name) ?? -1;
  }

  list(handle: number): Route[] {
    return this.#rows(handle).map(({ name, ranked, count, avgQuality }) => ({
      name,
      ranked,
      count,
      avgQuality,
    }));
  }

  /** Ranks the k best for a query and among names that have been checked. */
  suggest(
    handle: number,
    query: Float32Array,
    k: number,
    eligible: readonly string[] | undefined,
  ): RouteSuggestion {
    if (eligible === undefined) return this.#suggest(handle, query, k, undefined);
    try {
      return this.#suggest(handle, query, k, this.#resolve(handle, eligible));
    } catch (error) {
      if (fromNative(error).code !== 'SONA_UNKNOWN_ROUTE') throw error;
      // another thread may have removed a route and added it again: the names decide, as if never seen here
      for (const name of eligible) this.forget(name);
      return this.#suggest(handle, query, k, this.#resolve(handle, eligible));
    }
  }

  #suggest(handle: number, query: Float32Array, k: number, wanted: Uint32Array | undefined): RouteSuggestion {
    if (this.#ranked.length !== k) {
      this.#ranked = new Uint32Array(k);
      this.#numbers = new Float64Array(HEADER.size + ROUTE.size * k);
    }
    const ids = this.#ranked;
    const numbers = this.#numbers;
    const found = call(() => native.suggest(handle, query, wanted, ids, numbers));
    const ranked: RankedRoute[] = [];
    for (let i = 0; i < found; i++) {
      const at = HEADER.size + ROUTE.size * i;
      const route = this.#name(handle, ids[i] as number);
      // removed by another thread since
      if (route === undefined) continue;
      ranked.push({
        route,
        score: numbers[at + ROUTE.score] as number,
        probability: numbers[at + ROUTE.probability] as number,
        evidence: {
          count: numbers[at + ROUTE.count] as number,
          avgQuality: numbers[at + ROUTE.avg_quality] as number,
        },
      });
    }
    return {
      id: this.#issued.suggestion(numbers[HEADER.decision] as number),
      best: ranked[0]?.route ?? null,
      ranked,
      confidence: numbers[HEADER.confidence] as number,
      abstain: numbers[HEADER.abstain] === 1,
    };
  }

  #name(handle: number, id: number): string | undefined {
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const rows = this.#rows(handle);
    // names of routes that other threads have removed meanwhile go
    this.#ids.clear();
    this.#names.clear();
    for (const row of rows) this.know(row.name, row.id);
    return this.#names.get(id);
  }

  #rows(handle: number): (Route & { id: number })[] {
    return JSON.parse(call(() => native.routes(handle)));
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
