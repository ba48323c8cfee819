import { invalidArgument } from '../base/errors.ts';
import { checkFields } from './decision-record.ts';

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
  /** Whether a line that begins with a brace is a JSON object, which cannot go on after its last brace. */
  readonly json?: boolean | undefined;
  /** What came of all lines. */
  end(): T;
}

/** Whether a value gives its parts only with time. What does both is read at once. */
export function isStream(value: unknown): value is TextStream {
  return isObject(value) && !has(value, Symbol.iterator) && has(value, Symbol.asyncIterator);
}

/** Reads lines that are there at once, and a stream as they come: its promise also says what is wrong with the reader's making. */
export function read<T>(argument: string, lines: unknown, make: () => LineReader<T>): T | Promise<T> {
  return isStream(lines) ? readStream(argument, lines, make) : readLines(argument, lines, make());
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
async function readStream<T>(argument: string, stream: TextStream, make: () => LineReader<T>): Promise<T> {
  const reader = make();
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
  /** Blank pieces since then, or since the beginning: lines, should pieces be lines. */
  #blanks = 0;
  #object = new ObjectScan();

  constructor(reader: LineReader<T>) {
    this.#reader = reader;
  }

  push(piece: string, bytes: boolean): void {
    if (bytes && piece === '') return;
    let text = piece;
    const lone = !bytes && !this.#broken && !piece.includes('\n');
    if (this.#reader.json && !this.#ended && this.#open.length === 0 && lone && piece.trim() === '') {
      this.#blanks += 1;
      return;
    }
    if (this.#ended) {
      const [blank] = /^[^\S\n]*\n?/.exec(text) as RegExpExecArray;
      text = text.slice(blank.length);
      this.#ended = text === '' && !blank.endsWith('\n');
      if (this.#ended) {
        this.#blanks += 1;
        return;
      }
      if (blank.endsWith('\n')) this.#broken = true;
    }
    if (!this.#broken && !bytes) this.#number += this.#blanks;
    this.#blanks = 0;
    const last = text.lastIndexOf('\n');
    if (last >= 0 || bytes) this.#broken = true;
    if (last >= 0) {
      this.#open.push(text.slice(0, last + 1));
      this.#number = readWhole(this.#open.join(''), this.#number, this.#reader);
      this.#begin();
      text = text.slice(last + 1);
    }
    if (text !== '' || !this.#broken) this.#open.push(text);
    if (this.#reader.json && this.#object.ends(text)) {
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
    this.#begin();
  }

  #begin(): void {
    this.#open = [];
    this.#object = new ObjectScan();
  }
}

/** Finds the end of a JSON object that comes in pieces, looking at each character once. */
class ObjectScan {
  /** Braces and brackets that are open; undefined before the first. */
  #depth: number | undefined;
  #quoted = false;
  #escaped = false;

  /** Whether the object ends in this piece. What begins with something else than a brace never does. */
  ends(piece: string): boolean {
    let from = 0;
    if (this.#depth === undefined) {
      from = piece.search(/[^\s\uFEFF]/);
      if (from < 0) return false;
      this.#depth = piece[from] === '{' ? 0 : Number.POSITIVE_INFINITY;
    }
    if (this.#depth === Number.POSITIVE_INFINITY) return false;
    for (let i = from; i < piece.length; i++) {
      const character = piece[i];
      if (this.#escaped) this.#escaped = false;
      else if (this.#quoted) {
        if (character === '\\') this.#escaped = true;
        else if (character === '"') this.#quoted = false;
      } else if (character === '"') this.#quoted = true;
      else if (character === '{' || character === '[') this.#depth++;
      else if ((character === '}' || character === ']') && --this.#depth === 0) return true;
    }
    return false;
  }
}

/** The JSON object of a line. */
export function parseObject(at: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidArgument(at, 'a JSON object', text);
  }
  checkFields(at, value);
  return value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function has(value: object, key: symbol): boolean {
  return typeof (value as Record<symbol, unknown>)[key] === 'function';
}
