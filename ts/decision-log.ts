import { isDeepStrictEqual } from 'node:util';
import type { DecisionRecord, RecordedOutcome } from './decision-record.ts';
import { checkFields, checkIdentity, checkOutcome, checkRecord } from './decision-record.ts';
import { invalidArgument } from './errors.ts';
import {
  isStream,
  isWholeJson,
  type LineReader,
  readLines,
  readStream,
  type TextLines,
  type TextStream,
} from './logs/lines.ts';

/** A decision log that is there: JSON Lines, as text or line by line, or decision records. */
export type DecisionLog = TextLines | Iterable<DecisionRecord>;

/** A decision log that comes by and by: lines, or pieces of text or of its bytes, as streams give them. */
export type DecisionLogStream = TextStream;

/**
 * Reads a decision log: JSON Lines, one decision each. Lines of outcomes alone, `{v, id, outcome}`, are joined to their
 * decisions; of several the last one wins, field by field. Outcomes whose decision the log does not have, and blank lines,
 * are passed over, and so is a decision (`v: 2`) that is there a second time. Logs of several routers and of restarts may
 * follow one another.
 *
 * Takes text, an iterable of lines, decision records, or a stream of text or bytes, for which it gives a promise.
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_OUT_OF_RANGE` or `SONA_NOT_FINITE`, naming line and field.
 */
export function readLog(log: DecisionLog): DecisionRecord[];
export function readLog(log: DecisionLogStream): Promise<DecisionRecord[]>;
export function readLog(log: DecisionLog | DecisionLogStream): DecisionRecord[] | Promise<DecisionRecord[]>;
export function readLog(log: DecisionLog | DecisionLogStream): DecisionRecord[] | Promise<DecisionRecord[]> {
  const joined = new Joined('log');
  return isStream(log) ? readStream('log', log, joined) : readLines('log', log, joined);
}

/** Writes records as a decision log, a line each. `readLog` gives them back. */
export function writeLog(records: readonly DecisionRecord[]): string {
  if (!Array.isArray(records)) throw invalidArgument('records', 'a list of decision records', records);
  return readLines('records', records, new Joined('records'))
    .map((record) => `${JSON.stringify(record)}\n`)
    .join('');
}

/** A decision, where it stands, and what was told of it. */
interface Entry {
  readonly record: DecisionRecord;
  readonly at: string;
  outcome: RecordedOutcome | undefined;
}

type Fields = Record<string, unknown>;

/** Decisions joined with their outcomes. */
class Joined implements LineReader<DecisionRecord[]> {
  readonly #argument: string;
  readonly #entries: Entry[] = [];
  /** The newest of each id. */
  readonly #newest = new Map<unknown, Entry>();
  /** Outcomes that came before their decisions. */
  readonly #early = new Map<unknown, RecordedOutcome>();
  /** Whether numbers were given out again, by a restarted router or by another one. */
  #again = false;

  constructor(argument: string) {
    this.#argument = argument;
  }

  line(text: string, number: number): void {
    // also takes a byte order mark
    const trimmed = text.trim();
    if (trimmed === '') return;
    const at = `line ${number}`;
    this.#take(at, parse(at, trimmed));
  }

  item(value: unknown, index: number): void {
    const at = `${this.#argument}[${index}]`;
    checkFields(at, value);
    this.#take(at, value);
  }

  isComplete(piece: string, text: () => string): boolean {
    return isWholeJson(piece, text);
  }

  end(): DecisionRecord[] {
    return this.#entries.map(({ record, outcome }) => {
      // a number that was given out again may have been that of a decision before the log
      const early = this.#again && record.v === 1 ? undefined : this.#early.get(record.id);
      const whole = early && outcome ? { ...early, ...outcome } : (outcome ?? early);
      return whole ? { ...record, outcome: whole } : record;
    });
  }

  #take(at: string, value: Fields): void {
    if (!isOutcomeLine(value)) {
      checkRecord(at, value);
      this.#decision(at, value);
      return;
    }
    checkIdentity(at, value);
    checkOutcome(`${at}: outcome`, value.outcome);
    const entry = this.#newest.get(value.id);
    if (entry) entry.outcome = { ...entry.outcome, ...value.outcome };
    else this.#early.set(value.id, { ...this.#early.get(value.id), ...value.outcome });
  }

  #decision(at: string, record: DecisionRecord): void {
    const { id, outcome } = record;
    const before = this.#newest.get(id);
    if (before && record.v === 2) {
      if (!isDeepStrictEqual({ ...record, outcome: undefined }, { ...before.record, outcome: undefined })) {
        throw invalidArgument(`${at}: id`, `one that ${before.at} does not have, or the same decision`, id);
      }
      if (outcome) before.outcome = { ...before.outcome, ...outcome };
      return;
    }
    if (before) this.#again = true;
    const entry: Entry = { record, at, outcome };
    this.#entries.push(entry);
    this.#newest.set(id, entry);
  }
}

function parse(at: string, text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidArgument(at, 'a JSON object', text);
  }
  checkFields(at, value);
  return value;
}

/** An outcome without its decision. A decision has the model that was chosen. */
function isOutcomeLine(value: Fields): boolean {
  return 'outcome' in value && !('model' in value) && !('eligible' in value);
}
