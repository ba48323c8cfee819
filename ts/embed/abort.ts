import { aborted, invalidArgument } from '../errors.ts';

/** Refuses what is no signal, and with `SONA_ABORTED` one that has fired. */
export function checkSignal(argument: string, signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal === undefined) return;
  if (!(signal instanceof AbortSignal)) throw invalidArgument(argument, 'an AbortSignal', signal);
  if (signal.aborted) throw aborted(signal);
}

/**
 * What the work comes to, or `SONA_ABORTED` as soon as the signal fires, whether or not the work minds it. What the
 * work comes to after that is dropped.
 */
export async function unlessAborted<T>(signal: AbortSignal | undefined, work: PromiseLike<T>): Promise<T> {
  if (!signal) return work;
  let abort = () => {};
  const stopped = new Promise<never>((_, reject) => {
    abort = () => reject(aborted(signal));
  });
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([stopped, work]);
  } catch (error) {
    throw signal.aborted ? aborted(signal) : error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
