import type { DecisionRecord, RecordedOutcome } from './decision-record.ts';
import { checkFields, checkId, checkOutcome, checkRecord, checkVersion } from './decision-record.ts';
import { invalidArgument } from './errors.ts';

/** A decision log: its text, or its lines, as `exportLog` gives them. */
export type DecisionLog = string | Iterable<string>;

/** A decision log that comes by and by: lines, or pieces of text or of its bytes, as streams give them. */
export type DecisionLogStream = AsyncIterable<string | Uint8Array>;

/**
 * Reads a decision log: JSON Lines, one decision each. Lines of outcomes alone, `{v, id, outcome}`, are joined to their
 * decisions; of several the last one wins, field by field. Outcomes whose decision the log does not have, and blank lines, are
 * passed over. Logs of several processes and of restarts read as one: a number that comes again in version 1 is another
 * decision, and outcomes belong to the newest of that number; the same line of version 2 twice is one decision. What is
 * both an iterable and an asynchronous one is read at once.
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_OUT_OF_RANGE` or `SONA_NOT_FINITE`, naming line and field.
 */
export function readLog(log: DecisionLog): DecisionRecord[];
export function readLog(log: DecisionLogStream): Promise<DecisionRecord[]>;
export function readLog(log: DecisionLog | DecisionLogStream): DecisionRecord[] | Promise<DecisionRecord[]> {
  const reader = new LogReader();
  if (typeof log === 'string') {
    reader.text(log);
    return reader.records();
  }
  if (isIterable(log)) {
    for (const lines of log) reader.lines(lines);
    return reader.records();
  }
  if (isAsyncIterable(log)) return readStream(reader, log);
  throw invalidArgument('log', 'JSON lines: text, or an iterable of lines', log);
}

/** Writes records as a decision log, a line each. `readLog` gives them back. */
export function writeLog(records: readonly DecisionRecord[]): string {
  return checkRecords('records', records)
    .map((record) => `${JSON.stringify(record)}\n`)
    .join('');
}

/** A list of records, each with an id of its own. */
export function checkRecords(argument: string, records: unknown): readonly DecisionRecord[] {
  if (!Array.isArray(records)) throw invalidArgument(argument, 'a list of decision records', records);
  const ids = new Map<number | string, number>();
  for (const [i, record] of (records as unknown[]).entries()) {
    const at = `${argument}[${i}]`;
    checkRecord(at, record);
    const before = ids.get(record.id);
    // numbers come again after a restart
    if (before !== undefined && record.v !== 1) {
      throw invalidArgument(`${at}: id`, `one that ${argument}[${before}] does not have`, record.id);
    }
    ids.set(record.id, i);
  }
  return records as DecisionRecord[];
}

export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

export function isAsyncIterable(value: unknown): value is DecisionLogStream {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

async function readStream(reader: LogReader, log: DecisionLogStream): Promise<DecisionRecord[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of log) {
    if (typeof piece !== 'string' && !(piece instanceof Uint8Array)) {
      throw invalidArgument('log', 'pieces of text or bytes', piece);
    }
    const text = rest + (typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true }));
    // a line that was yielded by itself is whole, whatever follows
    const end = isWhole(text) ? text.length : text.lastIndexOf('\n') + 1;
    reader.text(text.slice(0, end));
    rest = text.slice(end);
  }
  reader.text(rest + decoder.decode());
  return reader.records();
}

/** Whether a text without its newline is a line: pieces of one do not end with the brace that closes it. */
function isWhole(text: string): boolean {
  if (!text.endsWith('}')) return false;
  try {
    JSON.parse(text.slice(text.lastIndexOf('\n') + 1));
    return true;
  } catch {
    return false;
  }
}

interface Decision {
  record: DecisionRecord;
  at: string;
  outcome: RecordedOutcome | undefined;
}

/** Joins decisions and outcomes as lines come. */
class LogReader {
  readonly #decisions: Decision[] = [];
  /** The newest decision of each id. */
  readonly #newest = new Map<number | string, Decision>();
  /** Outcomes whose decision has not come. */
  readonly #early = new Map<number | string, RecordedOutcome>();
  #line = 0;

  text(text: string): void {
    if (text === '') return;
    const lines = text.split('\n');
    // a newline ends a line and begins none
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines) this.#read(line);
  }

  /** One line, or several of them. */
  lines(lines: unknown): void {
    if (typeof lines !== 'string') throw invalidArgument('log', 'lines of text', lines);
    if (lines === '') this.#line++;
    else this.text(lines);
  }

  records(): DecisionRecord[] {
    return this.#decisions.map(({ record, outcome }) => (outcome ? { ...record, outcome } : record));
  }

  #read(text: string): void {
    this.#line++;
    // also takes a byte order mark
    const trimmed = text.trim();
    if (trimmed === '') return;
    const at = `line ${this.#line}`;
    const value = parse(at, trimmed);
    if (isOutcomeLine(value)) {
      checkVersion(at, value);
      checkId(`${at}: id`, value.id, value.v);
      checkOutcome(`${at}: outcome`, value.outcome);
      const decision = this.#newest.get(value.id);
      if (decision) decision.outcome = { ...decision.outcome, ...value.outcome };
      else this.#early.set(value.id, { ...this.#early.get(value.id), ...value.outcome });
      return;
    }
    checkRecord(at, value);
    const before = this.#newest.get(value.id);
    if (before && value.v !== 1) {
      const same =
        JSON.stringify({ ...before.record, outcome: 0 }) === JSON.stringify({ ...value, outcome: 0 });
      if (!same) throw invalidArgument(`${at}: id`, `one that ${before.at} does not have`, value.id);
      if (value.outcome) before.outcome = { ...before.outcome, ...value.outcome };
      return;
    }
    const early = this.#early.get(value.id);
    this.#early.delete(value.id);
    const outcome = early || value.outcome ? ({ ...value.outcome, ...early } as RecordedOutcome) : undefined;
    const decision = { record: value, at, outcome };
    this.#decisions.push(decision);
    this.#newest.set(value.id, decision);
  }
}

function parse(at: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidArgument(at, 'a JSON object', text);
  }
  checkFields(at, value);
  return value;
}

/** An outcome without its decision. A decision has the models that were eligible. */
function isOutcomeLine(value: Record<string, unknown>): boolean {
  return 'outcome' in value && !('eligible' in value);
}
