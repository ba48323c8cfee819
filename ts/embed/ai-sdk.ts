import { checkSignal, unlessAborted, withOwnSignal } from '../base/abort.ts';
import { describe, embedderFailed, invalidArgument, reasonOf } from '../base/errors.ts';
import { checkInteger, checkName, checkOptions } from '../base/vectors.ts';
import { inBatches } from './batches.ts';
import { checkEmbed, checkEmbedded, type Embedder, type EmbedOptions, toVector } from './embedder.ts';

/** What is used of an embedding model of the AI SDK, versions 5 to 7 (specification v2, v3 and v4). */
export interface AiSdkEmbeddingModel {
  /** Name of its provider. */
  readonly provider: string;
  /** Name of the model. */
  readonly modelId: string;
  /** Most texts per call; undefined where there is no limit. */
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined;
  /** Whether it takes a call while another runs. */
  readonly supportsParallelCalls: PromiseLike<boolean> | boolean;
  /** Vectors of texts, in their order. */
  doEmbed(options: {
    values: string[];
    abortSignal?: AbortSignal;
    providerOptions?: AiSdkProviderOptions;
  }): PromiseLike<{ embeddings: readonly (readonly number[])[] }>;
}

/** Settings by provider, as the AI SDK's `embed` takes them. */
export type AiSdkProviderOptions = Record<string, Record<string, AiSdkJson>>;

/** A JSON value. */
export type AiSdkJson = null | string | number | boolean | AiSdkJson[] | { [key: string]: AiSdkJson };

/** Parts of {@link aiSdk}. */
export interface AiSdkOptions {
  /** Length of the model's vectors, 2 to 65,536. */
  dim: number;
  /** Name of the vectors. Default `ai-sdk:<provider>:<modelId>`. */
  id?: string | undefined;
  /** Settings by provider, as `{ openai: { dimensions: 256 } }`. */
  providerOptions?: AiSdkProviderOptions | undefined;
}

/** Calls at once, where the model takes several. */
const PARALLEL = 8;

/**
 * An embedding model of the AI SDK (package `ai`, 5 to 7), such as `openai.embedding('text-embedding-3-small')`: the
 * object, not its name. Asynchronous. Texts go in calls of as many as the model takes, up to eight calls at once where
 * it allows that; nothing is tried again.
 *
 * Its `embed` rejects with `SONA_EMBEDDER` when the model fails (the model's error is the `cause`) or its answer is
 * none, and with `SONA_DIM_MISMATCH` or `SONA_NOT_FINITE` when its vectors are no vectors of `dim` finite numbers.
 *
 * Throws `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the argument.
 */
export function aiSdk(model: AiSdkEmbeddingModel, options: AiSdkOptions): Embedder {
  if (typeof model !== 'object' || model === null || typeof model.doEmbed !== 'function') {
    throw invalidArgument('model', "an embedding model's object (with doEmbed)", model);
  }
  checkOptions('options', options, ['dim', 'id', 'providerOptions']);
  const { dim, providerOptions, id = `ai-sdk:${model.provider}:${model.modelId}` } = options;
  checkInteger('options.dim', dim, 2, 65_536);
  checkName('options.id', id);
  if (providerOptions !== undefined && (typeof providerOptions !== 'object' || providerOptions === null)) {
    throw invalidArgument('options.providerOptions', 'an object', providerOptions);
  }
  return new AiSdk(model, id, dim, providerOptions);
}

class AiSdk implements Embedder {
  readonly id: string;
  readonly dim: number;
  readonly #model: AiSdkEmbeddingModel;
  readonly #providerOptions: AiSdkProviderOptions | undefined;

  constructor(
    model: AiSdkEmbeddingModel,
    id: string,
    dim: number,
    providerOptions: AiSdkProviderOptions | undefined,
  ) {
    this.#model = model;
    this.id = id;
    this.dim = dim;
    this.#providerOptions = providerOptions;
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    const taken = checkEmbed(texts, options);
    const { signal } = options;
    checkSignal('options.signal', signal);
    const { size, parallel } = await unlessAborted(signal, this.#limits());
    return withOwnSignal(signal, (own) =>
      inBatches(taken, size, parallel, (batch) => unlessAborted(own, this.#call(batch, own))),
    );
  }

  async #limits(): Promise<{ size: number; parallel: number }> {
    try {
      const most = await this.#model.maxEmbeddingsPerCall;
      const parallel = await this.#model.supportsParallelCalls;
      // what is no limit that can be kept counts as the least
      const size = Math.max(1, Math.floor(most ?? Number.POSITIVE_INFINITY)) || 1;
      return { size, parallel: parallel ? PARALLEL : 1 };
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #call(batch: string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    // many services refuse halves of surrogate pairs
    const values = batch.map((text) => text.toWellFormed());
    const providerOptions = this.#providerOptions;
    let answer: { embeddings?: unknown } | undefined;
    try {
      answer = await this.#model.doEmbed({
        values,
        ...(signal && { abortSignal: signal }),
        ...(providerOptions && { providerOptions }),
      });
    } catch (error) {
      throw this.#failed(error);
    }
    const embeddings = answer?.embeddings;
    if (!Array.isArray(embeddings)) {
      throw embedderFailed(this.id, `expected embeddings, an array, got ${describe(embeddings)}`);
    }
    const vectors = embeddings.map((embedding, i) => toVector(this.id, i, embedding));
    return checkEmbedded(this, vectors, batch.length);
  }

  #failed(error: unknown): Error {
    return embedderFailed(this.id, `the model failed: ${reasonOf(error)}`, {}, error);
  }
}
