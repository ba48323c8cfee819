// Where a route starts: an embedding, a text, or several texts.
import { invalidArgument, outOfRange } from '../base/errors.ts';
import { encodeMetadata, type Metadata } from '../base/metadata.ts';
import { checkOptions, isVector, type Vector, vectorKinds } from '../base/vectors.ts';
import type { RouteDetails } from '../binding/binding.ts';
import { isText, type Query } from '../embed/query.ts';
import { checkNames } from './routes.ts';

/** Where a route starts: the embedding of its name or of a description, or either in words. */
export interface RouteParts {
  /** The prior. */
  embedding?: Vector | undefined;
  /** What it is the embedding of, for the engine's embedder. Not both. */
  text?: string | undefined;
  /**
   * Several texts, up to 1,000: a description and examples of what people ask. The prior is the mean of their directions. Not beside
   * the others.
   */
  texts?: readonly string[] | undefined;
  /** Plain data that comes back with the route, in place of what was kept before. */
  metadata?: Metadata | undefined;
  /**
   * Other names of the route, up to 64, in place of those that it had: every call that names a route, but for `addRoute`, takes such a
   * name, too. None may be the name or an alias of a route already; with its route it is gone.
   */
  aliases?: readonly string[] | undefined;
}

/** What says where a route starts, and the name by which that was given. */
export type Prior =
  | { readonly argument: string; readonly query: Query }
  | { readonly texts: readonly string[] };

/** Checked details of a route, as they cross to the core. */
export function routeDetails({ metadata, aliases }: RouteParts): RouteDetails {
  if (aliases !== undefined) checkNames('aliases', aliases);
  return { metadata: encodeMetadata('options.metadata', metadata), aliases: aliases && [...aliases] };
}

/** Texts of one route. */
const MOST_TEXTS = 1_000;

/** Checked parts of a route; undefined where it starts with nothing. */
export function routePrior(options: RouteParts): Prior | undefined {
  checkOptions('options', options, ['embedding', 'text', 'texts', 'metadata', 'aliases']);
  const { embedding, text, texts } = options;
  if (texts !== undefined) {
    if (embedding !== undefined || text !== undefined)
      throw invalidArgument('texts', 'nothing beside an embedding or a text', texts);
    if (!Array.isArray(texts) || texts.length === 0)
      throw invalidArgument('texts', 'an array of texts', texts);
    if (texts.length > MOST_TEXTS) throw outOfRange('texts', `at most ${MOST_TEXTS} texts`, texts.length);
    texts.forEach((one, i) => {
      if (typeof one !== 'string') throw invalidArgument(`texts[${i}]`, 'a string', one);
    });
    return { texts: [...texts] };
  }
  if (text === undefined) {
    if (embedding === undefined) return undefined;
    if (!isVector(embedding) || isText(embedding)) throw invalidArgument('embedding', vectorKinds, embedding);
    return { argument: 'embedding', query: embedding };
  }
  if (embedding !== undefined) throw invalidArgument('text', 'nothing beside an embedding', text);
  if (typeof text !== 'string') throw invalidArgument('text', 'a string', text);
  return { argument: 'text', query: text };
}
