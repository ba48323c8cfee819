import { invalidArgument } from '../errors.ts';

/** Text of lines: as a whole, or line by line. */
export type TextLines = string | Iterable<string>;

/**
 * Text that comes bit by bit: a file's stream, a `ReadableStream`, lines of a `readline` interface. Pieces may begin and end
 * anywhere; bytes are UTF-8.
 */
export type TextStream = AsyncIterable<string | Uint8Array>;

/** What reads lines. Lines are counted from 1. */
export interface LineReader<T> {
  /** Takes a line, without its end. */
  line(text: string, number: number): void;
  /** Takes what is no text, where that may be. */
  item?(value: unknown, index: number): void;
  /** Whether a text, which ends with a piece, can't go on: what comes next is another line. */
  isComplete?(piece: string, text: () => string): boolean;
  /** What came of all lines. */
  end(): T;
}

/** Whether a value gives its parts only with time. What does both is read at once. */
export function isStream(value: unknown): value is TextStream {
  return isObject(value) && !has(value, Symbol.iterator) && has(value, Symbol.asyncIterator);
}

/** Reads lines that are there. */
export function readLines<T>(argument: string, lines: unknown, reader: LineReader<T>): T {
  if (typeof lines === 'string') {
    readWhole(lines, 1, reader);
    return reader.end();
  }
  if (!isObject(lines) || !has(lines, Symbol.iterator)) {
    const known = reader.item ? 'text, a list of records' : 'text';
    throw invalidArgument(argument, `${known}, or an iterable of lines, synchronous or not`, lines);
  }
  let [number, index] = [1, 0];
  for (const part of lines as Iterable<unknown>) {
    if (typeof part === 'string') number = readWhole(part, number, reader);
    else if (reader.item && isObject(part) && !ArrayBuffer.isView(part)) reader.item(part, index);
    else throw invalidArgument(`${argument}[${index}]`, reader.item ? 'a line or a record' : 'a line', part);
    index++;
  }
  return reader.end();
}

/** Reads lines as they come. */
export async function readStream<T>(argument: string, stream: TextStream, reader: LineReader<T>): Promise<T> {
  const pieces = new Pieces(reader);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (part?: Uint8Array) => {
    try {
      return decoder.decode(part, { stream: part !== undefined });
    } catch {
      throw invalidArgument(argument, 'text in UTF-8', part);
    }
  };
  let index = 0;
  for await (const part of stream as AsyncIterable<unknown>) {
    if (typeof part === 'string') pieces.push(part, false);
    else if (part instanceof Uint8Array) pieces.push(decode(part), true);
    else throw invalidArgument(`${argument}[${index}]`, 'text or bytes', part);
    index++;
  }
  pieces.push(decode(), true);
  pieces.end();
  return reader.end();
}

/** Reads text that ends with a line, and gives the number of the next one. */
function readWhole<T>(text: string, first: number, reader: LineReader<T>): number {
  let [number, from] = [first, 0];
  for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
    reader.line(text.slice(from, to), number++);
    from = to + 1;
  }
  if (from < text.length || from === 0) reader.line(text.slice(from), number++);
  return number;
}

/**
 * Puts lines together from pieces. Pieces of which none has a line's end are lines, unless they were bytes; a piece that can't
 * go on ends its line as well.
 */
class Pieces<T> {
  readonly #reader: LineReader<T>;
  #open: string[] = [];
  #number = 1;
  /** Whether pieces are known not to be lines. */
  #broken = false;
  /** Whether a line was ended whose end may still come. */
  #ended = false;

  constructor(reader: LineReader<T>) {
    this.#reader = reader;
  }

  push(piece: string, bytes: boolean): void {
    if (bytes && piece === '') return;
    let text = piece;
    if (this.#ended) text = text.replace(/^\r?\n/, '');
    this.#ended = false;
    const last = text.lastIndexOf('\n');
    if (last >= 0 || bytes) this.#broken = true;
    if (last >= 0) {
      this.#open.push(text.slice(0, last + 1));
      this.#number = readWhole(this.#open.join(''), this.#number, this.#reader);
      this.#open = [];
      text = text.slice(last + 1);
    }
    if (text !== '' || !this.#broken) this.#open.push(text);
    if (this.#reader.isComplete?.(text, () => this.#open.join(''))) {
      this.#flush();
      this.#ended = true;
    }
  }

  end(): void {
    if (this.#broken) this.#flush();
    else for (const line of this.#open) this.#reader.line(line, this.#number++);
  }

  #flush(): void {
    if (this.#open.length === 0) return;
    this.#reader.line(this.#open.join(''), this.#number++);
    this.#open = [];
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function has(value: object, key: symbol): boolean {
  return typeof (value as Record<symbol, unknown>)[key] === 'function';
}

/** Whether JSON that ends with a piece is whole: an object can't go on after its last brace. */
export function isWholeJson(piece: string, text: () => string): boolean {
  if (!piece.trimEnd().endsWith('}')) return false;
  try {
    JSON.parse(text().replace(/^\uFEFF/, ''));
    return true;
  } catch {
    return false;
  }
}
