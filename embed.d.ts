//#region ts/binding/binding.d.ts
/**
 * The numbers that turn the vector of a prompt into the features that a router learns on: `z1 = scale (e - mean) Q`
 * along 64 directions, and `z2 = softmax(20 cos(e, c)) / rms` over 64 centroids. Plain data; it is not changed once made.
 */
interface Basis {
  /** Its name. */
  id: string;
  /** Length of the vectors that it takes. */
  dim: number;
  /** Mean of the vectors that it was fitted to. */
  mean: Float32Array;
  /** 64 orthonormal rows, the one with the most variance first; zeros beyond the rank of the vectors. */
  directions: Float32Array;
  /** 64 rows of unit length; zeros beyond the number of different vectors. */
  centroids: Float32Array;
  /** What the first block is multiplied by. */
  scale: number;
  /** What the second block is divided by. */
  rms: number;
  /** Hash of the numbers, 16 hexadecimal digits. Two bases with one hash give the same features. */
  hash: string;
}
//#endregion
//#region ts/embed/embedder.d.ts
/** Options of one call of an embedder. */
interface EmbedOptions {
  /** Gives up the call, which then rejects with `SONA_ABORTED`. */
  signal?: AbortSignal | undefined;
}
/**
 * Turns texts into vectors: one of those that ship (`builtin`, `hash`, `transformers`, `aiSdk`, `openAiCompatible`), or
 * any object of this form.
 */
interface Embedder {
  /** Names the vectors: the same id means the same vectors. Stored in every state, and compared when it is loaded. */
  readonly id: string;
  /** Length of every vector, 2 to 65,536. */
  readonly dim: number;
  /** The basis that suits these vectors: the name of one that ships, or one of `fitBasis`. Default: none is known. */
  readonly basis?: 'minilm' | 'builtin' | Basis | undefined;
  /**
   * Vectors of texts, in their order. Rejects when it can't make all of them. Calls may overlap: each needs vectors of its
   * own.
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /**
   * The vector of one text, at once; in `out` where that is given. Synchronous methods take text only with this, and
   * `routeAsync` and `suggestRoutesAsync` prefer it. `out` is lent, it may be the caller's own memory: write
   * to it during the call alone.
   */
  embedSync?(text: string, out?: Float32Array): Float32Array;
  /** The language whose meaning the vectors know, as BCP 47 has it. Default: not said. */
  readonly language?: string | undefined;
  /**
   * Whether it knows enough of a text for its vector to go by meaning. Asked after the text was embedded; where it says false,
   * decisions and suggestions say so (`fallback: { reason: 'language' }`) and go by the vector all the same. Default: it does.
   */
  knows?(text: string): boolean;
}
/** An {@link Embedder} that can embed at once. */
type SyncEmbedder = Embedder & Required<Pick<Embedder, 'embedSync'>>;
//#endregion
//#region ts/embed/ai-sdk.d.ts
/** What is used of an embedding model of the AI SDK, versions 5 to 7 (specification v2, v3 and v4). */
interface AiSdkEmbeddingModel {
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
  }): PromiseLike<{
    embeddings: readonly (readonly number[])[];
  }>;
}
/** Settings by provider, as the AI SDK's `embed` takes them. */
type AiSdkProviderOptions = Record<string, Record<string, AiSdkJson>>;
/** A JSON value. */
type AiSdkJson = null | string | number | boolean | AiSdkJson[] | {
  [key: string]: AiSdkJson;
};
/** Parts of {@link aiSdk}. */
interface AiSdkOptions {
  /** Length of the model's vectors, 2 to 65,536. */
  dim: number;
  /** Name of the vectors. Default `ai-sdk:<provider>:<modelId>`. */
  id?: string | undefined;
  /** Settings by provider, as `{ openai: { dimensions: 256 } }`. */
  providerOptions?: AiSdkProviderOptions | undefined;
}
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
declare function aiSdk(model: AiSdkEmbeddingModel, options: AiSdkOptions): Embedder;
//#endregion
//#region ts/embed/static.d.ts
/** Parts of an embedder by a table. */
interface StaticOptions {
  /** Where the table lies. Default: in its package. */
  path?: string | undefined;
  /** The table's bytes, in place of a path. They are read at the first use and must not change before it. */
  data?: Uint8Array | undefined;
}
//#endregion
//#region ts/embed/builtin.d.ts
/** Parts of {@link builtin}. */
interface BuiltinOptions extends StaticOptions {
  /** Length of the vectors: the first 256, 128 or 64 numbers of each token. Default 256. */
  dim?: 256 | 128 | 64 | undefined;
}
/**
 * The embedder that ships: a table of token vectors distilled from all-MiniLM-L6-v2, for English. A text's vector is the sum of
 * those of its known words at unit length; of a long text beginning and end count more. A text of which too little is known, such
 * as one in another script, has hashed words in its vector, and `knows` says false; one without any word has zeros. Synchronous,
 * offline; a text of 50 words takes some microseconds.
 *
 * Nothing is read before the first use of its `id` or of a text. A table that is missing or damaged is refused then,
 * with `SONA_IO`, `SONA_CORRUPT_STATE` or `SONA_INCOMPATIBLE_STATE`. A table takes 8 MB of memory, is shared by all who
 * ask for the same, and stays for the life of the process.
 *
 * Throws `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the option.
 */
declare function builtin(options?: BuiltinOptions): SyncEmbedder;
//#endregion
//#region ts/embed/hash.d.ts
/** Parts of {@link hash}. */
interface HashOptions {
  /** Length of the vectors, 2 to 65,536. Default 256. */
  dim?: number | undefined;
}
/**
 * Hashed words, pairs of words and parts of words: texts that share them get near vectors, texts that say the same in
 * other words do not. Needs no file; for tests, and as a floor to compare with. Its id is `hash-<dim>`. Synchronous.
 *
 * Throws `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the option.
 */
declare function hash(options?: HashOptions): SyncEmbedder;
//#endregion
//#region ts/embed/multilingual.d.ts
/** Parts of {@link multilingual}. */
interface MultilingualOptions extends StaticOptions {
  /** Length of the vectors: the first 128 or 64 numbers of each token. Default 128. */
  dim?: 128 | 64 | undefined;
}
/**
 * An embedder for a hundred languages: a table of token vectors from multilingual-e5-small, which the package `@sona/multilingual`
 * holds. It is installed beside this one. In all else it is as `builtin`: a text's vector is the sum of those of its known pieces at
 * unit length, a text in a script that it does not know has hashed words in its vector, and `knows` says false. Synchronous, offline.
 * `language` is `'mul'`, many languages. It brings no basis: a router fits one to the prompts that come.
 *
 * Nothing is read before the first use of its `id` or of a text. Where the package is not installed that is refused with
 * `SONA_INVALID_CONFIG`, where the table is missing or damaged with `SONA_IO`, `SONA_CORRUPT_STATE` or
 * `SONA_INCOMPATIBLE_STATE`. The table takes some 23 MB of memory, once for all threads of the process.
 *
 * Throws `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the option.
 */
declare function multilingual(options?: MultilingualOptions): SyncEmbedder;
//#endregion
//#region ts/embed/openai-compatible.d.ts
/** Parts of {@link openAiCompatible}. */
interface OpenAiCompatibleOptions {
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
declare function openAiCompatible(options: OpenAiCompatibleOptions): Embedder;
//#endregion
//#region ts/embed/prompt.d.ts
/** One message of a chat, in any of the forms that {@link promptOf} reads; what else it has is passed over. */
interface ChatMessage {
  /** Who says it: OpenAI, Anthropic, the AI SDK, Gemini. */
  readonly role?: unknown;
  /** What is said, as text or in parts. */
  readonly content?: unknown;
  /** The same: AI SDK (UI messages), Gemini. */
  readonly parts?: unknown;
  /** The message itself, in a line of Claude Code or Cursor; the text, in Cohere's first version. */
  readonly message?: unknown;
  /** Kind of an entry (OpenAI's responses), or of a message of LangChain. */
  readonly type?: unknown;
  /** LangChain, serialised. */
  readonly kwargs?: unknown;
  /** LangChain, stored. */
  readonly data?: unknown;
}
/**
 * Messages of a chat, oldest first, as one of these has them: OpenAI (chat, responses, Assistants), Anthropic, the AI SDK (UI
 * and model messages), LangChain (objects and serialised), Gemini, Bedrock, MCP. Entries that are none are passed over.
 */
type ChatMessages = readonly ChatMessage[];
/** Parts of {@link promptOf}. */
interface PromptOptions {
  /**
   * Names of the tags whose blocks are no words of the human's, in place of the default list and of all else that is known of
   * coding agents: a letter, then letters, digits, `_`, `-`, `.` or `:`; upper and lower case are the same. `[]` keeps everything.
   */
  reminders?: readonly string[] | undefined;
}
/**
 * What the human said last: the text of the newest turn of a user, its parts on lines of their own, trimmed. Left out
 * are the texts of others (system, assistant, tools), results of tools, images and files, and what coding agents write into
 * turns of their users, as `<system-reminder>...</system-reminder>`; of a request in a tag of its own, as
 * `<user_query>...</user_query>`, that alone is taken. A turn of which nothing is left is no turn, and the one before it
 * counts; but one of pictures, sound or files alone has the prompt `''`. Without any turn the result is `''`.
 *
 * Entries of a form it does not know are passed over. Linear in the length of what it reads: a megabyte takes some
 * milliseconds.
 *
 * Throws `SONA_INVALID_ARGUMENT` when `messages` is no array or an option is of the wrong kind, `SONA_OUT_OF_RANGE` for
 * a reminder that is no name of a tag.
 */
declare function promptOf(messages: ChatMessages, options?: PromptOptions): string;
//#endregion
//#region ts/embed/transformers.d.ts
/** Parts of {@link transformers}. */
interface TransformersOptions {
  /** Name of the model, as `Xenova/all-MiniLM-L6-v2`. */
  model: string;
  /**
   * Folder of the model's files (`config.json`, `tokenizer.json`, `tokenizer_config.json`, `onnx/model.onnx`). With it
   * nothing is fetched. Default: the library finds the model by its name, and fetches it the first time.
   */
  path?: string | undefined;
  /** Which of the model's files: `'fp32'`, `'fp16'`, `'q8'`, ... Default: the library's, `'fp32'` in Node.js. */
  dtype?: string | undefined;
  /** How the vectors of a text's tokens become one. Default `'mean'`. */
  pooling?: 'mean' | 'cls' | 'last_token' | undefined;
  /** Whether vectors are made unit length. Default true. */
  normalize?: boolean | undefined;
  /** Length of the model's vectors. Default 384. */
  dim?: number | undefined;
  /** Texts per run of the model, 1 to 10,000. Default 8. */
  batchSize?: number | undefined;
  /**
   * Name of the vectors. Default `transformers:<model>`, followed by what differs from the defaults, as `:q8`, `:cls`,
   * `:raw`.
   */
  id?: string | undefined;
  /** Further options of the library's `pipeline`, such as `revision`, `device`, `cache_dir`, `session_options`. */
  pipelineOptions?: Readonly<Record<string, unknown>> | undefined;
  /** How the library is loaded, for bundlers. Default `() => import('@huggingface/transformers')`. */
  library?: (() => Promise<unknown>) | undefined;
}
/**
 * A sentence encoder run in process by the package `@huggingface/transformers` 4, which is installed beside this one
 * and loaded at the first use. Asynchronous, but the model runs on the calling thread: MiniLM holds it for some ten
 * milliseconds a text of 50 words, a batch at a time. Texts beyond the model's length are cut.
 *
 * Its `embed` rejects with `SONA_INVALID_CONFIG` when the package is not installed, `SONA_EMBEDDER` when the library or
 * the model fails, `SONA_DIM_MISMATCH` when the model's vectors are not of `dim` numbers. A model that could not be
 * loaded is tried again by the next call. A signal is seen while the model loads and between batches.
 *
 * Throws `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the option.
 */
declare function transformers(options: TransformersOptions): Embedder;
//#endregion
export { type AiSdkEmbeddingModel, type AiSdkJson, type AiSdkOptions, type AiSdkProviderOptions, type Basis, type BuiltinOptions, type ChatMessage, type ChatMessages, type EmbedOptions, type Embedder, type HashOptions, type MultilingualOptions, type OpenAiCompatibleOptions, type PromptOptions, type StaticOptions, type SyncEmbedder, type TransformersOptions, aiSdk, builtin, hash, multilingual, openAiCompatible, promptOf, transformers };