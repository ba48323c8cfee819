import { checkSignal } from '../base/abort.ts';
import { invalidArgument, type SonaError, sonaError } from '../base/errors.ts';
import { checkInteger, checkName, checkOptions } from '../base/vectors.ts';
import { inBatches } from './batches.ts';
import { checkEmbed, checkEmbedded, type Embedder, type EmbedOptions } from './embedder.ts';
import { post, type Target } from './http.ts';
import { vectorsOf } from './openai-answer.ts';

/** Parts of {@link openAiCompatible}. */
export interface OpenAiCompatibleOptions {
  /** Address of the service, up to but without `/embeddings`: `https://api.openai.com/v1`. A query is kept. */
  url: string;
  /** Name of the model. */
  model: string;
  /** Length of the model's vectors, 2 to 65,536. */
  dim: number;
  /** Sent as `authorization: Bearer <apiKey>`. Default: none. */
  apiKey?: string | undefined;
  /** Further headers: a plain object, no `Headers` or `Map`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds that one request may take, 1 to 3,600,000. Default 10,000. */
  timeoutMs?: number | undefined;
  /** Texts per request, 1 to 10,000. Default 128. */
  batchSize?: number | undefined;
  /** Whether `dim` is sent as `dimensions`, which models of variable length shorten their vectors to. Default false. */
  sendDimensions?: boolean | undefined;
  /** Name of the vectors. Default `openai:<model>`: the model's, whoever serves it. */
  id?: string | undefined;
  /** What requests are made with, for proxies and retries. Default: the global `fetch`. */
  fetch?: typeof fetch | undefined;
}

const keys: (keyof OpenAiCompatibleOptions)[] = [
  'url',
  'model',
  'dim',
  'apiKey',
  'headers',
  'timeoutMs',
  'batchSize',
  'sendDimensions',
  'id',
  'fetch',
];

/**
 * A service that speaks OpenAI's `POST /embeddings`: OpenAI, Ollama, vLLM, llama.cpp and many more. Asynchronous.
 * Requests of `batchSize` texts, one after another; nothing is tried again.
 *
 * Its `embed` rejects with `SONA_EMBEDDER` when the service can't be reached, takes longer than `timeoutMs`, answers
 * with an HTTP status that is no success (`details.status`, `details.body`: the answer's beginning without what was
 * sent as a key, header or query) or with something malformed; with `SONA_DIM_MISMATCH` or `SONA_NOT_FINITE` when its
 * vectors are not of `dim` finite numbers.
 *
 * Throws `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the option.
 */
export function openAiCompatible(options: OpenAiCompatibleOptions): Embedder {
  checkOptions('options', options, keys);
  const { url, model, dim, apiKey, headers = {}, timeoutMs = 10_000, batchSize = 128 } = options;
  const { sendDimensions = false, id = `openai:${model}`, fetch: request = globalThis.fetch } = options;
  const address = addressOf(url);
  checkName('options.model', model);
  checkInteger('options.dim', dim, 2, 65_536);
  if (apiKey !== undefined) checkName('options.apiKey', apiKey);
  checkInteger('options.timeoutMs', timeoutMs, 1, 3_600_000);
  checkInteger('options.batchSize', batchSize, 1, 10_000);
  if (typeof sendDimensions !== 'boolean') {
    throw invalidArgument('options.sendDimensions', 'true or false', sendDimensions);
  }
  checkName('options.id', id);
  if (typeof request !== 'function') throw invalidArgument('options.fetch', 'a function', request);
  const body = { model, encoding_format: 'float', ...(sendDimensions && { dimensions: dim }) };
  const target = { id, address, headers: headersOf(apiKey, headers), timeoutMs, fetch: request };
  return new OpenAiCompatible(dim, target, batchSize, body);
}

/** Where requests go. It is not named in an error, as it may hold a secret. */
function addressOf(url: unknown): URL {
  if (typeof url !== 'string') throw invalidArgument('options.url', 'a string', url);
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (!address || !/^https?:$/.test(address.protocol))
    throw untold('options.url', 'an http or https address');
  if (address.username || address.password) throw untold('options.url', 'no user and password');
  address.pathname = `${address.pathname.replace(/\/$/, '')}/embeddings`;
  return address;
}

function headersOf(apiKey: string | undefined, more: Readonly<Record<string, string>>): Headers {
  // entries of a Headers or a Map are no keys of it
  if (typeof more !== 'object' || more === null || Symbol.iterator in more) {
    throw invalidArgument('options.headers', 'an object of names and values', more);
  }
  const headers = new Headers({ 'content-type': 'application/json' });
  const set = (argument: string, name: string, value: string): void => {
    try {
      headers.set(name, value);
    } catch {
      throw untold(argument, 'what a header can hold');
    }
  };
  if (apiKey !== undefined) set('options.apiKey', 'authorization', `Bearer ${apiKey}`);
  for (const [name, value] of Object.entries(more)) {
    const argument = `options.headers.${name}`;
    if (typeof value !== 'string') throw invalidArgument(argument, 'a string', value);
    set(argument, name, value);
  }
  return headers;
}

/** Refuses a value that is not shown. */
function untold(argument: string, expected: string): SonaError {
  return sonaError('SONA_INVALID_ARGUMENT', `${argument}: expected ${expected}`, { argument, expected });
}

class OpenAiCompatible implements Embedder {
  readonly id: string;
  readonly dim: number;
  readonly #target: Target;
  readonly #batchSize: number;
  readonly #body: Readonly<Record<string, unknown>>;

  constructor(dim: number, target: Target, batchSize: number, body: Readonly<Record<string, unknown>>) {
    this.id = target.id;
    this.dim = dim;
    this.#target = target;
    this.#batchSize = batchSize;
    this.#body = body;
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    const taken = checkEmbed(texts, options);
    const { signal } = options;
    checkSignal('options.signal', signal);
    return inBatches(taken, this.#batchSize, 1, async (batch) => {
      checkSignal('options.signal', signal);
      // many services refuse halves of surrogate pairs
      const input = batch.map((text) => text.toWellFormed());
      const answer = await post(this.#target, { ...this.#body, input }, signal);
      const vectors = vectorsOf(this.id, answer, batch.length);
      return checkEmbedded(this, vectors, batch.length);
    });
  }
}
