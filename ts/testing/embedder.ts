import { checkSignal, unlessAborted } from '../base/abort.ts';
import { dimMismatch, invalidArgument } from '../base/errors.ts';
import { checkInteger, checkName, checkOptions, isF32 } from '../base/vectors.ts';
import type { Embedder, EmbedOptions, SyncEmbedder } from '../embed/embedder.ts';
import { hashOf, Random } from './random.ts';

/** Parts of {@link fakeEmbedder}. */
export interface FakeEmbedderOptions {
  /** Length of the vectors, 2 to 65,536. Default 64. */
  dim?: number | undefined;
  /** Names the vectors. Default `fake-<dim>`. */
  id?: string | undefined;
  /** Whether it can only embed asynchronously, as a service does: without `embedSync`. Default false. */
  asynchronous?: boolean | undefined;
  /** Milliseconds before each answer, 0 to 3,600,000, for an asynchronous one. Real time: `wait()` needs none. Default 0. */
  delayMs?: number | undefined;
  /** Whether it fails from the start; an error is what it fails with. Default false. */
  failing?: boolean | Error | undefined;
}

/** One call of a {@link FakeEmbedder}. */
export interface FakeEmbedderCall {
  /** What was to be embedded. */
  readonly texts: readonly string[];
  /** The signal that came with the call. */
  readonly signal: AbortSignal | undefined;
}

/** An embedder whose behaviour a test sets. A change counts for the calls made after it. */
export interface FakeEmbedder extends Embedder {
  /** Every call so far, oldest first. */
  readonly calls: readonly FakeEmbedderCall[];
  /** Calls that wait for `release()`. */
  readonly waiting: number;
  /** Calls answer again, which they do from the start. */
  answer(): void;
  /** Calls fail. Default error: one that says that the embedder was set to fail. */
  fail(error?: Error): void;
  /** Calls never answer; they reject when their signal fires. For an asynchronous one alone. */
  hang(): void;
  /** Calls answer at the next `release()`. For an asynchronous one alone. */
  wait(): void;
  /** Answers the calls that wait, in their order; with an error, they fail. Returns how many there were. */
  release(error?: Error): number;
}

type Mode = { kind: 'answer' | 'hang' | 'wait' } | { kind: 'fail'; error: Error };

const MOST_MS = 3_600_000;

/**
 * An embedder for tests. Vectors have length 1, the same for the same text on every machine; texts that share words are near
 * each other, others are nearly at right angles. Case and order of words don't count. A text without a word gives zeros.
 *
 * Throws `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the option.
 */
export function fakeEmbedder(
  options?: FakeEmbedderOptions & { asynchronous?: false | undefined },
): FakeEmbedder & SyncEmbedder;
export function fakeEmbedder(options: FakeEmbedderOptions): FakeEmbedder;
export function fakeEmbedder(options: FakeEmbedderOptions = {}): FakeEmbedder {
  checkOptions('options', options, ['dim', 'id', 'asynchronous', 'delayMs', 'failing']);
  const { dim = 64, asynchronous = false, delayMs = 0, failing = false } = options;
  checkInteger('options.dim', dim, 2, 65_536);
  const { id = `fake-${dim}` } = options;
  checkName('options.id', id);
  if (typeof asynchronous !== 'boolean') {
    throw invalidArgument('options.asynchronous', 'true or false', asynchronous);
  }
  checkInteger('options.delayMs', delayMs, 0, MOST_MS);
  if (typeof failing !== 'boolean' && !(failing instanceof Error)) {
    throw invalidArgument('options.failing', 'true, false or an Error', failing);
  }
  const takesItsTime = (argument: string) => {
    if (!asynchronous) throw invalidArgument(argument, 'true', asynchronous);
  };
  if (delayMs > 0) takesItsTime('options.asynchronous');

  const failure = (error: unknown): Error => {
    if (error === undefined) return new Error(`${id} was set to fail`);
    if (!(error instanceof Error)) throw invalidArgument('error', 'an Error', error);
    return error;
  };
  let mode: Mode = failing
    ? { kind: 'fail', error: failure(failing === true ? undefined : failing) }
    : { kind: 'answer' };
  const calls: FakeEmbedderCall[] = [];
  const held = new Set<(error?: Error) => void>();

  const embedder: FakeEmbedder = {
    id,
    dim,
    calls,
    get waiting() {
      return held.size;
    },
    answer: () => {
      mode = { kind: 'answer' };
    },
    fail: (error) => {
      mode = { kind: 'fail', error: failure(error) };
    },
    hang: () => {
      takesItsTime('options.asynchronous');
      mode = { kind: 'hang' };
    },
    wait: () => {
      takesItsTime('options.asynchronous');
      mode = { kind: 'wait' };
    },
    release: (error) => {
      if (error !== undefined) failure(error);
      const released = [...held];
      held.clear();
      for (const settle of released) settle(error);
      return released.length;
    },
    embed: async (texts, embedOptions = {}) => {
      const taken = checkTexts(texts, embedOptions);
      const { signal } = embedOptions;
      checkSignal('options.signal', signal);
      const { kind, ...how } = mode;
      calls.push({ texts: taken, signal });
      if (delayMs > 0) await unlessAborted(signal, later(delayMs));
      if ('error' in how) throw how.error;
      if (kind === 'hang') await unlessAborted(signal, new Promise<never>(() => {}));
      if (kind === 'wait') await hold(held, signal);
      return taken.map((text) => vectorOf(text, new Float32Array(dim)));
    },
  };
  if (asynchronous) return embedder;
  // Object.assign would read `waiting` once and for all
  embedder.embedSync = (text, out = new Float32Array(dim)) => {
    if (typeof text !== 'string') throw invalidArgument('text', 'a string', text);
    if (!isF32(out)) throw invalidArgument('out', 'a Float32Array', out);
    if (out.length !== dim) throw dimMismatch('out', dim, out.length);
    calls.push({ texts: [text], signal: undefined });
    if (mode.kind === 'fail') throw mode.error;
    return vectorOf(text, out);
  };
  return embedder;
}

/** Resolves when it is let go of. */
async function hold(held: Set<(error?: Error) => void>, signal: AbortSignal | undefined): Promise<void> {
  let settle = (_error?: Error) => {};
  const released = new Promise<void>((resolve, reject) => {
    settle = (error) => (error ? reject(error) : resolve());
  });
  held.add(settle);
  try {
    await unlessAborted(signal, released);
  } finally {
    held.delete(settle);
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** The sum of a direction for each word, of length 1. */
function vectorOf(text: string, out: Float32Array): Float32Array {
  const sum = new Float64Array(out.length);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const random = new Random(hashOf(word));
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + random.uniform() - 0.5;
  }
  const length = Math.sqrt(sum.reduce((squared, number) => squared + number * number, 0));
  for (let i = 0; i < out.length; i++) out[i] = length === 0 ? 0 : (sum[i] as number) / length;
  return out;
}

/** The texts as they are now. */
function checkTexts(texts: unknown, options: EmbedOptions): string[] {
  if (!Array.isArray(texts)) throw invalidArgument('texts', 'an array of strings', texts);
  const taken: unknown[] = Array.from(texts);
  taken.forEach((text, i) => {
    if (typeof text !== 'string') throw invalidArgument(`texts[${i}]`, 'a string', text);
  });
  checkOptions('options', options, ['signal']);
  return taken as string[];
}
