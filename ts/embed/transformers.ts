import { checkSignal, unlessAborted } from '../base/abort.ts';
import { embedderFailed, invalidArgument, reasonOf, sonaError } from '../base/errors.ts';
import { checkInteger, checkName, checkOptions, isF32 } from '../base/vectors.ts';
import { absolutePath } from '../host/files.ts';
import { inBatches } from './batches.ts';
import { checkEmbed, checkEmbedded, type Embedder, type EmbedOptions } from './embedder.ts';

/** Parts of {@link transformers}. */
export interface TransformersOptions {
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

/** What is used of the library. */
interface Library {
  pipeline(task: string, model: string, options: Record<string, unknown>): Promise<Extractor>;
}

type Extractor = (texts: string[], options: Record<string, unknown>) => Promise<{ data: unknown }>;

const PACKAGE: string = '@huggingface/transformers';
const poolings = ['mean', 'cls', 'last_token'];
const keys: (keyof TransformersOptions)[] = [
  'model',
  'path',
  'dtype',
  'pooling',
  'normalize',
  'dim',
  'batchSize',
  'id',
  'pipelineOptions',
  'library',
];

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
export function transformers(options: TransformersOptions): Embedder {
  return new Transformers(checkTransformers(options));
}

function checkTransformers(options: TransformersOptions): TransformersOptions {
  checkOptions('options', options, keys);
  const { model, path, dtype, pooling, normalize, dim, batchSize, id, pipelineOptions, library } = options;
  checkName('options.model', model);
  if (path !== undefined) checkName('options.path', path);
  if (dtype !== undefined) checkName('options.dtype', dtype);
  if (pooling !== undefined && !poolings.includes(pooling)) {
    throw invalidArgument('options.pooling', "'mean', 'cls' or 'last_token'", pooling);
  }
  if (normalize !== undefined && typeof normalize !== 'boolean') {
    throw invalidArgument('options.normalize', 'true or false', normalize);
  }
  if (dim !== undefined) checkInteger('options.dim', dim, 2, 65_536);
  if (batchSize !== undefined) checkInteger('options.batchSize', batchSize, 1, 10_000);
  if (id !== undefined) checkName('options.id', id);
  if (pipelineOptions !== undefined && (typeof pipelineOptions !== 'object' || pipelineOptions === null)) {
    throw invalidArgument('options.pipelineOptions', 'an object', pipelineOptions);
  }
  if (library !== undefined && typeof library !== 'function') {
    throw invalidArgument('options.library', 'a function', library);
  }
  return { ...options };
}

class Transformers implements Embedder {
  readonly id: string;
  readonly dim: number;
  readonly basis?: 'minilm' | undefined;
  readonly #options: TransformersOptions;
  #extractor: Promise<Extractor> | undefined;

  constructor(options: TransformersOptions) {
    const { model, dtype, pooling = 'mean', normalize = true, dim = 384 } = options;
    const variant = [dtype ?? '', pooling === 'mean' ? '' : pooling, normalize ? '' : 'raw'];
    this.id = options.id ?? ['transformers', model, ...variant.filter((part) => part !== '')].join(':');
    this.dim = dim;
    if (model.endsWith('all-MiniLM-L6-v2') && dim === 384 && pooling === 'mean') this.basis = 'minilm';
    this.#options = options;
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    const taken = checkEmbed(texts, options);
    const { signal } = options;
    checkSignal('options.signal', signal);
    if (taken.length === 0) return [];
    const extractor = await unlessAborted(signal, this.#load());
    return inBatches(taken, this.#options.batchSize ?? 8, 1, (batch) =>
      unlessAborted(signal, this.#run(extractor, batch)),
    );
  }

  async #run(extractor: Extractor, batch: string[]): Promise<Float32Array[]> {
    const { pooling = 'mean', normalize = true } = this.#options;
    let data: unknown;
    try {
      ({ data } = await extractor(batch, { pooling, normalize }));
    } catch (error) {
      throw embedderFailed(this.id, `the model failed: ${reasonOf(error)}`, {}, error);
    }
    if (!isF32(data)) throw embedderFailed(this.id, 'the model gave no 32-bit numbers');
    const numbers = data;
    const width = numbers.length / batch.length;
    const vectors = batch.map((_, i) => numbers.slice(i * width, (i + 1) * width));
    return checkEmbedded(this, vectors, batch.length);
  }

  #load(): Promise<Extractor> {
    this.#extractor ??= this.#open().catch((error) => {
      this.#extractor = undefined;
      throw error;
    });
    return this.#extractor;
  }

  async #open(): Promise<Extractor> {
    const { model, path, dtype, pipelineOptions } = this.#options;
    const { pipeline } = await this.#import();
    const local = path === undefined ? {} : { local_files_only: true };
    const settings = { ...pipelineOptions, ...(dtype === undefined ? {} : { dtype }), ...local };
    try {
      return await pipeline('feature-extraction', path === undefined ? model : absolutePath(path), settings);
    } catch (error) {
      throw embedderFailed(this.id, `the model could not be loaded: ${reasonOf(error)}`, {}, error);
    }
  }

  async #import(): Promise<Library> {
    const { library = () => import(PACKAGE) } = this.#options;
    try {
      return (await library()) as Library;
    } catch (error) {
      if (isMissing(error)) {
        const message = `${this.id}: the package ${PACKAGE} is not installed: npm install ${PACKAGE}`;
        throw sonaError('SONA_INVALID_CONFIG', message, { embedder: this.id, package: PACKAGE }, error);
      }
      throw embedderFailed(this.id, `${PACKAGE} could not be loaded: ${reasonOf(error)}`, {}, error);
    }
  }
}

/** Whether it is this package that was not found, and not one that it needs. */
function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  const notFound = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return notFound && reasonOf(error).includes(`'${PACKAGE}'`);
}
