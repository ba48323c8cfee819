import { SonaError, sonaError } from '../base/errors.ts';
import { checkName } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import { replaceFile } from '../host/files.ts';
import { nextTurn } from '../host/turns.ts';

/** Characters that cross from the addon at a time, about. */
const CHUNK = 1 << 20;

/**
 * The lines of a decision log, each a JSON object without its newline. They are made as they are read, in pieces, so that no log is
 * too long: `for (const line of lines)`, or `for await`, which leaves room for other work between pieces. Each reader starts at
 * the beginning; decisions that are given up while it reads are passed over.
 */
export class LogLines implements Iterable<string>, AsyncIterable<string> {
  readonly #live: () => number;
  readonly #since: number;

  /** @internal */
  constructor(live: () => number, since: number) {
    this.#live = live;
    this.#since = since;
  }

  /** Line by line, at once. */
  *[Symbol.iterator](): Iterator<string> {
    for (const chunk of this.#chunks()) yield* split(chunk);
  }

  /** Line by line; other work goes on between pieces. */
  async *[Symbol.asyncIterator](): AsyncIterator<string> {
    for (const chunk of this.#chunks()) {
      yield* split(chunk);
      await nextTurn();
    }
  }

  /** The log as a stream of text: pieces of whole lines, each line with its newline. */
  toReadableStream(): ReadableStream<string> {
    const chunks = this.#chunks();
    return new ReadableStream({
      pull(controller) {
        const { value, done } = chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    });
  }

  /**
   * Writes the log to a file, a line each; one that is there is replaced. The file is either the old one or the new one, whatever
   * happens. Resolves with the number of lines. Rejects with `SONA_IO`.
   */
  async toFile(path: string): Promise<number> {
    checkName('path', path);
    let lines = 0;
    const chunks = this.#chunks();
    const counted = function* () {
      for (const chunk of chunks) {
        for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', at + 1)) lines++;
        yield chunk;
      }
    };
    try {
      await replaceFile(path, counted());
    } catch (error) {
      if (SonaError.isInstance(error)) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw sonaError('SONA_IO', `${path}: ${message}`, { path }, error);
    }
    return lines;
  }

  *#chunks(): Generator<string, void> {
    let since: number | null | undefined = this.#since;
    while (typeof since === 'number') {
      const { lines, next }: { lines: string; next?: number | null } = this.#chunk(since);
      if (lines !== '') yield lines;
      since = next;
    }
  }

  #chunk(since: number): ReturnType<typeof native.routerLogChunk> {
    const handle = this.#live();
    return call(() => native.routerLogChunk(handle, since, CHUNK));
  }
}

function* split(chunk: string): Generator<string, void> {
  for (let from = 0; from < chunk.length; ) {
    const to = chunk.indexOf('\n', from);
    yield chunk.slice(from, to);
    from = to + 1;
  }
}
