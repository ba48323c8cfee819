import {
  asyncEmbedder,
  dimMismatch,
  embedderFailed,
  invalidArgument,
  reasonOf,
  SonaError,
} from '../errors.ts';
import { checkVector, type Vector } from '../vectors.ts';
import { checkSignal, unlessAborted } from './abort.ts';
import { checkEmbedded, type Embedder } from './embedder.ts';
import { type ChatMessages, promptOf } from './prompt.ts';

/**
 * What is asked about: a vector, or with an embedder a text or the messages of a chat, of which {@link promptOf} is
 * taken.
 */
export type Query = Vector | string | ChatMessages;

/** Makes vectors of queries for one owner: the engine or the router that the embedder was given to. */
export class Queries {
  readonly #embedder: Embedder | undefined;
  readonly #dim: number;
  readonly #promptOf: (messages: ChatMessages) => string;

  /**
   * Throws `SONA_DIM_MISMATCH` when the embedder's vectors are not of the owner's length.
   *
   * @param embedder one that `checkEmbedder` let pass
   * @param dim length of the owner's vectors
   * @param prompt what the text of a chat is; what it throws is passed on
   */
  constructor(
    embedder: Embedder | undefined,
    dim: number,
    prompt: (messages: ChatMessages) => string = promptOf,
  ) {
    if (embedder && embedder.dim !== dim) throw dimMismatch('embedder.dim', dim, embedder.dim);
    this.#embedder = embedder;
    this.#dim = dim;
    this.#promptOf = prompt;
  }

  /**
   * The vector of a query, at once. A vector comes back as it is, its length checked; finiteness is checked where it is
   * read. A text may give zeros. Throws `SONA_ASYNC_EMBEDDER` for text when the embedder has no `embedSync`.
   */
  sync(argument: string, query: Query): Vector {
    const text = this.#text(argument, query);
    if (text === undefined) return this.#vector(argument, query);
    const embedder = this.#owned(argument, query);
    if (!embedder.embedSync) throw asyncEmbedder(argument, embedder.id);
    let vector: unknown;
    try {
      vector = embedder.embedSync(text);
    } catch (error) {
      throw failure(embedder, error);
    }
    const vectors = [vector];
    checkEmbedded(embedder, vectors, 1);
    return vectors[0] as Float32Array;
  }

  /** The vector of a query, from every embedder. Rejects with `SONA_ABORTED` as soon as the signal fires. */
  async async(argument: string, query: Query, signal?: AbortSignal): Promise<Vector> {
    checkSignal('options.signal', signal);
    const text = this.#text(argument, query);
    if (text === undefined) return this.#vector(argument, query);
    const embedder = this.#owned(argument, query);
    let vectors: unknown;
    try {
      vectors = await unlessAborted(signal, embedder.embed([text], signal && { signal }));
    } catch (error) {
      throw failure(embedder, error);
    }
    checkEmbedded(embedder, vectors, 1);
    return vectors[0] as Float32Array;
  }

  /** The text of a query; undefined for what is no text. */
  #text(argument: string, query: unknown): string | undefined {
    if (typeof query === 'string') return query;
    if (!isChat(query)) return undefined;
    // without an embedder it is refused, whatever it says
    if (!this.#embedder) return '';
    const text: unknown = this.#promptOf(query);
    if (typeof text !== 'string') throw invalidArgument(`promptOf(${argument})`, 'a string', text);
    return text;
  }

  #owned(argument: string, query: unknown): Embedder {
    if (this.#embedder) return this.#embedder;
    throw invalidArgument(argument, 'a vector, as there is no embedder for text', query);
  }

  #vector(argument: string, query: unknown): Vector {
    checkVector(argument, query, this.#dim);
    return query;
  }
}

/** Messages are objects; the entries of a vector are numbers. */
function isChat(query: unknown): query is ChatMessages {
  if (!Array.isArray(query)) return false;
  const first: unknown = query[0];
  return typeof first === 'object' && first !== null;
}

function failure(embedder: Embedder, error: unknown): SonaError {
  if (SonaError.isInstance(error)) return error;
  return embedderFailed(embedder.id, reasonOf(error), {}, error);
}
