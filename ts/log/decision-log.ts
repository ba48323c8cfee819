import { invalidArgument } from '../base/errors.ts';
import { sameData } from '../base/plain.ts';
import type { DecisionRecord, RecordedOutcome } from './decision-record.ts';
import { checkFields, checkIdentity, checkOutcome, checkRecord } from './decision-record.ts';
import { type LineReader, parseObject, read, readLines, type TextLines, type TextStream } from './lines.ts';

/** A decision log that is there: JSON Lines, as text or line by line, or decision records. */
export type DecisionLog = TextLines | Iterable<DecisionRecord>;

/** A decision log that comes by and by: lines, or pieces of text or of its bytes, as streams give them. */
export type DecisionLogStream = TextStream;

/**
 * Reads a decision log: JSON Lines, one decision each. Lines of outcomes alone, `{v, id, outcome}`, are joined to their
 * decisions; of several outcomes the one that was told last (`at`) counts, as a whole. Outcomes whose decision the log does
 * not have, and blank lines, are passed over. A decision (`v: 2`) that is there several times is one decision with all that
 * its lines say; where they have features on several bases, those on the basis that most decisions of the log have. Logs of
 * several routers and of restarts may follow one another.
 *
 * Takes text, an iterable of lines, decision records, or a stream of text or bytes, for which it gives a promise.
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_OUT_OF_RANGE` or `SONA_NOT_FINITE`, naming line and field.
 */
export function readLog(log: DecisionLog): DecisionRecord[];
export function readLog(log: DecisionLogStream): Promise<DecisionRecord[]>;
export function readLog(log: DecisionLog | DecisionLogStream): DecisionRecord[] | Promise<DecisionRecord[]>;
export function readLog(log: DecisionLog | DecisionLogStream): DecisionRecord[] | Promise<DecisionRecord[]> {
  return read('log', log, () => new Joined('log'));
}

/** Writes records as a decision log, a line each. `readLog` gives them back. */
export function writeLog(records: readonly DecisionRecord[]): string {
  if (!Array.isArray(records)) throw invalidArgument('records', 'a list of decision records', records);
  return readLines('records', records, new Joined('records'))
    .map((record) => `${JSON.stringify(record)}\n`)
    .join('');
}

/** What a line says of a decision that depends on the basis. */
type Form = Pick<DecisionRecord, 'basis' | 'features' | 'featuresHash'>;

/** A decision, where it stands, and what was told of it. */
interface Entry {
  record: DecisionRecord;
  readonly at: string;
  outcome: RecordedOutcome | undefined;
  /** Of a decision on several lines, by the hash of the basis. */
  forms?: Map<string, Form> | undefined;
}

type Fields = Record<string, unknown>;

/** Decisions joined with their outcomes. */
class Joined implements LineReader<DecisionRecord[]> {
  readonly json = true;
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
    this.#take(at, parseObject(at, trimmed));
  }

  item(value: unknown, index: number): void {
    const at = `${this.#argument}[${index}]`;
    checkFields(at, value);
    this.#take(at, value);
  }

  end(): DecisionRecord[] {
    const ranks = rankBases(this.#entries);
    return this.#entries.map(({ record, outcome, forms }) => {
      // a number that was given out again may have been that of a decision before the log
      const early = this.#again && record.v === 1 ? undefined : this.#early.get(record.id);
      const last = lastOf(early, outcome);
      const one = forms ? { ...record, ...highest(forms, ranks) } : record;
      return last ? { ...one, outcome: last } : one;
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
    if (entry) entry.outcome = lastOf(entry.outcome, value.outcome);
    else this.#early.set(value.id, lastOf(this.#early.get(value.id), value.outcome));
  }

  #decision(at: string, record: DecisionRecord): void {
    const { id, outcome } = record;
    const before = this.#newest.get(id);
    if (before && record.v === 2) {
      if (!addLine(before, record)) {
        throw invalidArgument(`${at}: id`, `one that ${before.at} does not have, or the same decision`, id);
      }
      before.outcome = lastOf(before.outcome, outcome);
      return;
    }
    if (before) this.#again = true;
    const entry: Entry = { record, at, outcome };
    this.#entries.push(entry);
    this.#newest.set(id, entry);
  }
}

/** Of two outcomes the one that was told last; each is all that was known by then. */
function lastOf(before: RecordedOutcome | undefined, outcome: RecordedOutcome): RecordedOutcome;
function lastOf(before?: RecordedOutcome, outcome?: RecordedOutcome): RecordedOutcome | undefined;
function lastOf(before?: RecordedOutcome, outcome?: RecordedOutcome): RecordedOutcome | undefined {
  return before && !(outcome && outcome.at >= before.at) ? before : outcome;
}

/** Adds what another line says of the same decision. False, and nothing added, where the two contradict each other. */
function addLine(entry: Entry, line: DecisionRecord): boolean {
  const { outcome, basis, features, featuresHash, ...said } = line;
  const form = formOf(line);
  const forms = entry.forms ?? new Map([[entry.record.basis.hash, formOf(entry.record)]]);
  const record = together(entry.record, said);
  const own = together(forms.get(basis.hash) ?? form, form);
  if (!record || !own) return false;
  entry.record = record;
  entry.forms = forms.set(basis.hash, own);
  return true;
}

function formOf({ basis, features, featuresHash }: DecisionRecord): Form {
  return { basis, featuresHash, ...(features !== undefined && { features }) };
}

/** What two say together; undefined where they contradict each other. */
function together<T extends object>(one: T, other: Partial<T>): T | undefined {
  const all = { ...one } as Fields;
  for (const [key, value] of Object.entries(other)) {
    if (all[key] === undefined) all[key] = value;
    else if (value !== undefined && !sameData(all[key], value)) return undefined;
  }
  return all as T;
}

/** Places of the bases by how many decisions have features on them; of equals, the one that came last is higher. */
function rankBases(entries: readonly Entry[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { record, forms } of entries) {
    for (const { basis, features } of forms?.values() ?? [record]) {
      if (features !== undefined) counts.set(basis.hash, (counts.get(basis.hash) ?? 0) + 1);
    }
  }
  const order = [...counts].sort(([, a], [, b]) => a - b);
  return new Map(order.map(([hash], place) => [hash, place]));
}

/** What is said of a decision on the highest of its bases; without features, a basis is lower than all others. */
function highest(forms: ReadonlyMap<string, Form>, ranks: ReadonlyMap<string, number>): Form {
  const rank = ({ basis, features }: Form) => (features === undefined ? -1 : (ranks.get(basis.hash) ?? -1));
  return [...forms.values()].reduce((best, form) => (rank(form) > rank(best) ? form : best));
}

/** An outcome without its decision. A decision has the model that was chosen. */
function isOutcomeLine(value: Fields): boolean {
  return 'outcome' in value && !('model' in value) && !('eligible' in value);
}
