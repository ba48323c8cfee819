import { checkSignal, unlessAborted, withinTime, withOwnSignal } from '../base/abort.ts';
import {
  asyncEmbedder,
  describe,
  dimMismatch,
  embedderError,
  embedderFailed,
  incompatibleEmbedder,
  invalidArgument,
  type SonaError,
} from '../base/errors.ts';
import { checkInteger, checkVector, copyInto, hasDirection, type Vector } from '../base/vectors.ts';
import { call } from '../binding/native.ts';
import { builtin, builtinDims, isBuiltinId } from './builtin.ts';
import { checkEmbedded, checkEmbedder, type Embedder } from './embedder.ts';
import { embedderFallback, emptyText, type Fallback, isWithoutText, otherLanguage } from './fallback.ts';
import { hash } from './hash.ts';
import { isMultilingualId, multilingual, multilingualDims } from './multilingual.ts';
import { type ChatMessages, promptOf } from './prompt.ts';

/**
 * What is asked about: a vector, or with an embedder a text or the messages of a chat, of which {@link promptOf} is
 * taken.
 */
export type Query = Vector | string | ChatMessages;

/** What turns the text of queries into vectors, for an engine or a router. */
export interface QueryOptions {
  /**
   * Makes vectors of text. Its `dim` must be the length of the vectors; its `id` is kept with the state, and a state of
   * another embedder is refused. Default: `builtin`, where that has vectors of this length; it is loaded at the first text.
   */
  embedder?: Embedder | undefined;
  /** What the text of a chat is. Default: {@link promptOf}. What it throws is passed on. */
  promptOf?: ((messages: ChatMessages) => string) | undefined;
  /**
   * What becomes of a request whose text the embedder can't make a vector of, be it that it throws, rejects, gives something
   * else or takes too long. `'fallback'`: `route` and `suggestRoutes` answer without the text, `fallback` in the answer says why,
   * and so does the event `error`; without a listener the process is warned, once. `'throw'`: they throw what it threw, as all
   * other calls do either way. Default `'fallback'`.
   */
  onEmbedderError?: 'fallback' | 'throw' | undefined;
  /**
   * Milliseconds that an embedder may take for one text, 1 to 2,147,483,647; after that it has failed (`SONA_EMBEDDER`), and
   * its signal is aborted. An embedder with `embedSync` is not interrupted. Default: no limit.
   */
  embedderTimeoutMs?: number | undefined;
}

/** Of a call that may wait for an embedder. */
export interface AsyncOptions {
  /** Gives up the call, which then rejects with `SONA_ABORTED`. */
  signal?: AbortSignal | undefined;
  /** Milliseconds that the embedder may take for this request, in place of the setting of that name. */
  embedderTimeoutMs?: number | undefined;
}

/** What a timer takes. */
const LONGEST_MS = 2_147_483_647;

/** Checks what turns text into vectors. */
export function checkQueryOptions(
  given: { [Key in keyof QueryOptions]: unknown },
  refuse: typeof invalidArgument,
): QueryOptions {
  const { embedder, promptOf, onEmbedderError, embedderTimeoutMs } = given;
  if (embedder !== undefined) checkEmbedder('embedder', embedder, refuse);
  if (promptOf !== undefined && typeof promptOf !== 'function') {
    throw refuse('promptOf', 'a function', promptOf);
  }
  if (onEmbedderError !== undefined && onEmbedderError !== 'fallback' && onEmbedderError !== 'throw') {
    throw refuse('onEmbedderError', "'fallback' or 'throw'", onEmbedderError);
  }
  if (embedderTimeoutMs !== undefined) {
    const ms: unknown = embedderTimeoutMs;
    if (typeof ms !== 'number' || !Number.isInteger(ms) || ms < 1 || ms > LONGEST_MS) {
      throw refuse('embedderTimeoutMs', `an integer from 1 to ${LONGEST_MS}`, ms);
    }
  }
  return { embedder, promptOf, onEmbedderError, embedderTimeoutMs } as QueryOptions;
}

/** Options of a call that may wait, checked, and all others, which are its twin's to check. */
export function splitAsync<O extends AsyncOptions>(
  options: O,
): { wait: AsyncOptions; rest: Omit<O, keyof AsyncOptions> } {
  if (typeof options !== 'object' || options === null) throw invalidArgument('options', 'an object', options);
  const { signal, embedderTimeoutMs, ...rest } = options;
  checkSignal('options.signal', signal);
  if (embedderTimeoutMs !== undefined) {
    checkInteger('options.embedderTimeoutMs', embedderTimeoutMs, 1, LONGEST_MS);
  }
  return { wait: { signal, embedderTimeoutMs }, rest };
}

/** An engine or a router, as far as its queries know it. */
export interface Owner {
  /** Length of its vectors. */
  readonly dim: number;
  /** Whose vectors its state holds, as JSON {id, dim}; null where nobody said. */
  known(): string | null;
  /** Says whose they are; refuses another than is known. */
  settle(id: string, dim: number): void;
}

/** An embedder whose name its owner knows. What it says of itself later means nothing. */
interface Settled {
  readonly embedder: Embedder;
  readonly id: string;
  readonly dim: number;
}

/** Makes vectors of the queries of one owner. */
export class Queries {
  readonly #owner: Owner;
  readonly #promptOf: (messages: ChatMessages) => string;
  readonly #throws: boolean;
  readonly #timeoutMs: number | undefined;
  #embedder: Embedder | undefined;
  /** Name of the embedder of the owner's state, when it is none that ships. */
  readonly #foreign: string | undefined;
  #settled: Settled | undefined;

  /**
   * Throws `SONA_DIM_MISMATCH` when the embedder's vectors are not of the owner's length, `SONA_INCOMPATIBLE_STATE` when the
   * owner's state holds those of another embedder.
   *
   * @param options whose embedder `checkEmbedder` has let pass
   * @param inherited the embedder where the options have none
   */
  constructor(owner: Owner, options: QueryOptions, inherited?: Embedder) {
    this.#owner = owner;
    this.#promptOf = options.promptOf ?? promptOf;
    this.#throws = options.onEmbedderError === 'throw';
    this.#timeoutMs = options.embedderTimeoutMs;
    this.#embedder = options.embedder;
    if (options.embedder) {
      this.#settle(options.embedder);
      return;
    }
    const known = call(() => owner.known());
    const id = known === null ? undefined : (JSON.parse(known) as { id: string }).id;
    this.#embedder = withoutOptions(id, owner.dim, inherited);
    if (!this.#embedder) this.#foreign = id;
  }

  /** The embedder of texts, if there is one. */
  get embedder(): Embedder | undefined {
    return this.#embedder;
  }

  /**
   * The text of a query; undefined for what is no text.
   *
   * @param orNone whether no messages at all are a chat, where there is an embedder, and no vector of the wrong length
   */
  text(argument: string, query: unknown, orNone = false): string | undefined {
    if (typeof query === 'string') return query;
    if (!isChat(query) && !(orNone && this.#embedder && isNone(query))) return undefined;
    const text: unknown = this.#promptOf(query);
    if (typeof text !== 'string') throw invalidArgument(`promptOf(${argument})`, 'a string', text);
    return text;
  }

  /** Copies the vector of a query into `memory`, whose length is the owner's. That of a text may be zeros. */
  into(argument: string, query: Query, memory: Float32Array): void {
    const text = this.text(argument, query);
    if (text !== undefined) this.textInto(argument, text, memory);
    else {
      checkVector(argument, query, memory.length);
      copyInto(argument, query, memory, 0);
    }
  }

  /** Writes the vector of a text into `memory`. Throws `SONA_ASYNC_EMBEDDER` when the embedder takes its time. */
  textInto(argument: string, text: string, memory: Float32Array): void {
    const settled = this.owned(argument);
    const { embedder, id } = settled;
    if (!embedder.embedSync) throw asyncEmbedder(argument, id);
    try {
      const [vector] = checkEmbedded(settled, [embedder.embedSync(text, memory)], 1);
      if (vector !== memory) memory.set(vector as Float32Array);
    } catch (error) {
      throw embedderError(id, error);
    }
  }

  /**
   * As `textInto`, for a request that can be answered without its text: null, or why there is no vector, or one that knows less
   * (`language`). `failed` is called with what came of the embedder.
   */
  textOrFallback(
    argument: string,
    text: string,
    memory: Float32Array,
    failed: (error: SonaError) => void,
  ): Fallback | null {
    const unready = this.#unready(failed);
    if (unready) return unready;
    const settled = this.owned(argument);
    if (!settled.embedder.embedSync) throw asyncEmbedder(argument, settled.id);
    if (text.trim() === '') return emptyText;
    try {
      this.textInto(argument, text, memory);
    } catch (error) {
      return this.#fallback(settled.id, error, failed);
    }
    if (memory.every((number) => number === 0)) return emptyText;
    if (!hasDirection(memory)) return this.#fallback(settled.id, undirected(settled.id), failed);
    return this.#language(settled, text, failed);
  }

  /** As `textOrFallback`, from every embedder. Rejects with `SONA_ABORTED` as soon as the signal fires. */
  async textVectorOrFallback(
    argument: string,
    text: string,
    wait: AsyncOptions,
    failed: (error: SonaError) => void,
  ): Promise<{ vector?: Float32Array; fallback: Fallback | null }> {
    const unready = this.#unready(failed);
    if (unready) return { fallback: unready };
    const settled = this.owned(argument);
    if (text.trim() === '') return { fallback: emptyText };
    try {
      const vector = await this.textVector(argument, text, wait);
      if (!hasDirection(vector)) throw undirected(settled.id);
      const fallback = this.#language(settled, text, failed);
      return isWithoutText(fallback) ? { fallback } : { vector, fallback };
    } catch (error) {
      checkSignal('options.signal', wait.signal);
      return { fallback: this.#fallback(settled.id, error, failed) };
    }
  }

  /** What is said of a text that has a vector. */
  #language({ embedder, id }: Settled, text: string, failed: (error: SonaError) => void): Fallback | null {
    if (!embedder.knows) return null;
    try {
      const knows: unknown = embedder.knows(text);
      if (typeof knows === 'boolean') return knows ? null : otherLanguage;
      throw embedderFailed(id, `expected true or false of knows, got ${describe(knows)}`);
    } catch (error) {
      return this.#fallback(id, error, failed);
    }
  }

  /** An embedder that cannot even say its name, such as one whose table is missing, has failed too. */
  #unready(failed: (error: SonaError) => void): Fallback | undefined {
    if (this.#settled || !this.#embedder) return undefined;
    try {
      void this.#embedder.id;
    } catch (error) {
      return this.#fallback('embedder', error, failed);
    }
    return undefined;
  }

  #fallback(id: string, thrown: unknown, failed: (error: SonaError) => void): Fallback {
    const error = embedderError(id, thrown);
    if (this.#throws) throw error;
    failed(error);
    return embedderFallback(error);
  }

  /** Whether a text needs no wait. */
  isSync(argument: string): boolean {
    return (this.#embedder ?? this.owned(argument).embedder).embedSync !== undefined;
  }

  /**
   * The vector of a query, from every embedder, or a copy of it as it is now. Rejects with `SONA_ABORTED` as soon as the
   * signal fires.
   */
  async vector(argument: string, query: Query, wait: AsyncOptions): Promise<Vector> {
    const text = this.text(argument, query);
    if (text !== undefined) return this.textVector(argument, text, wait);
    checkVector(argument, query, this.#owner.dim);
    return query.slice();
  }

  /** The vector of a text, from every embedder. */
  async textVector(argument: string, text: string, wait: AsyncOptions): Promise<Float32Array> {
    const { embedderTimeoutMs = this.#timeoutMs } = wait;
    const [vector] = await this.textVectors(argument, [text], { ...wait, embedderTimeoutMs });
    return vector as Float32Array;
  }

  /** The vectors of texts, from every embedder. The time limit of the settings is for one text: it is not used here. */
  async textVectors(argument: string, texts: readonly string[], wait: AsyncOptions): Promise<Float32Array[]> {
    const settled = this.owned(argument);
    const { length } = texts;
    const { signal, embedderTimeoutMs } = wait;
    const embed = (own: AbortSignal | undefined) => settled.embedder.embed(texts, own ? { signal: own } : {});
    try {
      if (embedderTimeoutMs === undefined) {
        const made = withOwnSignal(signal, embed);
        return checkEmbedded(settled, await unlessAborted(signal, made), length);
      }
      const late = () =>
        embedderFailed(settled.id, `it took longer than ${embedderTimeoutMs} ms`, { embedderTimeoutMs });
      const made = await withinTime(signal, embedderTimeoutMs, late, async (own) => embed(own));
      return checkEmbedded(settled, made, length);
    } catch (error) {
      // one that throws at once, with a signal that it has fired itself
      checkSignal('options.signal', signal);
      throw embedderError(settled.id, error);
    }
  }

  /** The embedder, its name told to the owner's state; refuses text where there is none. */
  owned(argument: string): Settled {
    if (this.#settled) return this.#settled;
    if (!this.#embedder) throw this.#noEmbedder(argument);
    return this.#settle(this.#embedder);
  }

  #settle(embedder: Embedder): Settled {
    const { dim } = this.#owner;
    if (embedder.dim !== dim) throw dimMismatch('embedder.dim', dim, embedder.dim);
    const id = call(() => {
      const { id } = embedder;
      this.#owner.settle(id, dim);
      return id;
    });
    this.#settled = { embedder, id, dim };
    return this.#settled;
  }

  #noEmbedder(argument: string): SonaError {
    if (this.#foreign !== undefined) return incompatibleEmbedder(argument, this.#foreign);
    const expected = `a vector of ${this.#owner.dim} numbers, or text with an embedder that makes such`;
    return invalidArgument(argument, expected, 'text');
  }
}

function undirected(id: string): SonaError {
  return embedderFailed(id, 'expected a vector with a direction, got one without');
}

/** The embedder where none is given: the one of the state's vectors, if it ships, else the inherited one. */
function withoutOptions(
  id: string | undefined,
  dim: number,
  inherited: Embedder | undefined,
): Embedder | undefined {
  const known = shipped(id, dim);
  if (!inherited || !known || id === undefined) return inherited ?? known;
  // the default is not asked for its name: that reads its table
  const isDefault = inherited === known || inherited === shipped(undefined, dim);
  return !isDefault && inherited.id === id ? inherited : known;
}

/** The embedder that ships under a name or, where nobody was named, for a length. */
function shipped(id: string | undefined, dim: number): Embedder | undefined {
  const length = builtinDims.find((known) => known === dim);
  if (length && (id === undefined || isBuiltinId(id))) return builtin({ dim: length });
  const many = multilingualDims.find((known) => known === dim);
  if (many && id !== undefined && isMultilingualId(id)) return multilingual({ dim: many });
  return id === `hash-${dim}` ? hash({ dim }) : undefined;
}

/** Whether a query is a text or a chat. */
export function isText(query: unknown): query is string | ChatMessages {
  return typeof query === 'string' || isChat(query);
}

/** Messages are objects, among entries that are none; the entries of a vector are numbers, and a list of vectors is neither. */
export function isChat(query: unknown): query is ChatMessages {
  return Array.isArray(query) && typeof query[0] !== 'number' && query.some(isMessage);
}

function isMessage(entry: unknown): boolean {
  return typeof entry === 'object' && entry !== null && !Array.isArray(entry) && !ArrayBuffer.isView(entry);
}

/** Whether a list has no messages, and nothing else either. */
function isNone(query: unknown): query is ChatMessages {
  return Array.isArray(query) && query.every((entry) => entry === null || entry === undefined);
}
