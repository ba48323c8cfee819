import { unlessAborted } from '../base/abort.ts';
import { aborted, embedderFailed, reasonOf, SonaError } from '../base/errors.ts';

/** Where requests of one embedder go, and how. */
export interface Target {
  readonly id: string;
  readonly address: URL;
  readonly headers: Headers;
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
}

/** Bytes that are read of an answer that tells of a failure, and characters of it that an error shows. */
const [READ, SHOWN] = [16_384, 300];

/**
 * Sends JSON and returns the JSON that comes back. Rejects with `SONA_ABORTED` when the signal fires, and with
 * `SONA_EMBEDDER` when there is no answer in time, no success, or no JSON.
 */
export async function post(target: Target, body: unknown, signal: AbortSignal | undefined): Promise<unknown> {
  const { id, address, timeoutMs } = target;
  const stop = new AbortController();
  const abort = () => stop.abort();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort();
  }, timeoutMs);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await unlessAborted(stop.signal, exchange(target, JSON.stringify(body), stop.signal));
  } catch (error) {
    if (signal?.aborted) throw aborted(signal);
    if (late) throw embedderFailed(id, `no answer within ${timeoutMs} ms`, { timeoutMs }, error);
    if (SonaError.isInstance(error)) throw error;
    const reason = redacted(target, why(error));
    throw embedderFailed(id, `${address.host} can't be reached: ${reason}`, {}, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

async function exchange(target: Target, body: string, signal: AbortSignal): Promise<unknown> {
  const { address, headers, fetch } = target;
  const response = await fetch(address, { method: 'POST', headers, body, signal });
  if (!response.ok) throw await refused(target, response);
  return parsed(target, await response.text());
}

async function refused(target: Target, response: Response): Promise<SonaError> {
  const { id, address } = target;
  const { status } = response;
  const body = redacted(target, await beginning(response));
  const shown = body === '' ? '' : `: ${body}`;
  return embedderFailed(id, `${address.host} answered with HTTP status ${status}${shown}`, { status, body });
}

/** The first bytes of an answer, as text. The rest is not waited for. */
async function beginning(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    bytes += chunk.byteLength;
    if (bytes >= READ) break;
  }
  return text;
}

/** What an error shows of what others say: its beginning, without what was sent as a key, header or query. */
function redacted(target: Target, text: string): string {
  let clean = text;
  for (const secret of secretsOf(target)) clean = clean.replaceAll(secret, '***');
  return clean.length > SHOWN ? `${clean.slice(0, SHOWN)}...` : clean;
}

/** What no error shows, the longest first: one may be part of another. */
function secretsOf({ address, headers }: Target): string[] {
  const { href, search, searchParams } = address;
  const secrets = search === '' ? [] : [href, search, ...searchParams.values()];
  // values as they were written, too
  for (const part of search.slice(1).split('&')) secrets.push(part.slice(part.indexOf('=') + 1));
  for (const [name, value] of headers) {
    if (name !== 'content-type') secrets.push(value, value.replace(/^Bearer /, ''));
  }
  // what is shorter is no secret, and stands in every text
  return secrets.filter(({ length }) => length >= 4).sort((a, b) => b.length - a.length);
}

function parsed(target: Target, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const body = redacted(target, text);
    throw embedderFailed(target.id, `the answer is malformed: expected JSON, got ${body}`, { body });
  }
}

/** `fetch` says what is wrong in the cause of its error. */
function why(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return reasonOf(cause instanceof Error && cause.message !== '' ? cause : error);
}
