import { checkSignal } from '../base/abort.ts';
import { aborted, fromNative, invalidArgument } from '../base/errors.ts';
import { checkOptions } from '../base/vectors.ts';
import { native } from '../binding/native.ts';
import type { LearnReport } from './stats.ts';

/** Progress of `learn`, in optimiser steps. */
export interface LearnProgress {
  /** Steps made. */
  done: number;
  /** Steps that the cycle has in all. */
  total: number;
}

/** Options of `learn`. */
export interface LearnOptions {
  /** Stops it at its next step: nothing is published, and what was taken in stays owed to the next cycle. */
  signal?: AbortSignal | undefined;
  /** Called about a hundred times; what it throws stops the cycle and is passed on. */
  onProgress?: ((progress: LearnProgress) => void) | undefined;
}

/** A finished cycle, and what `onProgress` threw when it was too late to stop it. */
export interface Learned {
  json: string;
  failure: { error: unknown } | undefined;
}

/** Runs one training cycle on a thread of the pool. */
export async function learnOffThread(handle: number, options: LearnOptions): Promise<Learned> {
  checkOptions('options', options, ['signal', 'onProgress']);
  const { signal, onProgress } = options;
  checkSignal('options.signal', signal);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidArgument('options.onProgress', 'a function', onProgress);
  }
  const job = native.learnJob();
  const abort = () => native.learnAbort(job);
  let latest = -1;
  let failure: { error: unknown } | undefined;
  const progress = (done: number, total: number) => {
    // the native queue may deliver a report after the result
    if (done <= latest || failure) return;
    latest = done;
    try {
      onProgress?.({ done, total });
    } catch (error) {
      // thrown on, it would be nobody's and end the process
      failure = { error };
      abort();
    }
  };
  try {
    const work = native.learn(handle, job, onProgress && progress);
    signal?.addEventListener('abort', abort, { once: true });
    const json = await work;
    const { steps } = JSON.parse(json) as LearnReport;
    progress(steps, steps);
    return { json, failure };
  } catch (error) {
    const known = fromNative(error);
    if (known.code !== 'SONA_ABORTED') throw known;
    throw failure ? failure.error : signal ? aborted(signal) : known;
  } finally {
    latest = Number.POSITIVE_INFINITY;
    signal?.removeEventListener('abort', abort);
  }
}
