import { aborted, invalidArgument } from './errors.ts';

/** Refuses what is no signal, and with `SONA_ABORTED` one that has fired. */
export function checkSignal(argument: string, signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal === undefined) return;
  if (!isSignal(signal)) throw invalidArgument(argument, 'an AbortSignal', signal);
  if (signal.aborted) throw aborted(signal);
}

/** Work with the platform's own signal in place of one of any kind: whoever else is handed it may take no other. */
export async function withOwnSignal<T>(
  signal: AbortSignal | undefined,
  work: (own: AbortSignal | undefined) => PromiseLike<T>,
): Promise<T> {
  if (signal === undefined || signal instanceof AbortSignal) return work(signal);
  const other: AbortSignal = signal;
  const controller = new AbortController();
  const abort = () => controller.abort(other.reason);
  other.addEventListener('abort', abort, { once: true });
  if (other.aborted) abort();
  try {
    return await work(controller.signal);
  } finally {
    other.removeEventListener('abort', abort);
  }
}

/** Whether it can be asked and heard as a signal: another realm's, or a library's own, will do. */
export function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return (
    typeof aborted === 'boolean' &&
    typeof addEventListener === 'function' &&
    typeof removeEventListener === 'function'
  );
}

/**
 * As {@link unlessAborted}, with a signal that also fires after so many milliseconds: then `late()` is thrown.
 */
export async function withinTime<T>(
  signal: AbortSignal | undefined,
  timeoutMs: number,
  late: () => Error,
  work: (own: AbortSignal) => PromiseLike<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  const timer = setTimeout(() => controller.abort(late()), timeoutMs);
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  try {
    return await unlessAborted(controller.signal, work(controller.signal));
  } catch (error) {
    if (signal?.aborted) throw aborted(signal);
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
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
