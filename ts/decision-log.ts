import type { DecisionRecord, RecordedOutcome } from './decision-record.ts';
import { checkFields, checkId, checkOutcome, checkRecord, checkVersion } from './decision-record.ts';
import { invalidArgument } from './errors.ts';

/**
 * Reads a decision log: JSON Lines, one decision each, in the order of the decisions. Lines of outcomes alone,
 * `{v, id, outcome}`, are joined to their decisions; of several the last one wins, field by field. Outcomes whose
 * decision the log does not have, and blank lines, are passed over.
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_OUT_OF_RANGE` or `SONA_NOT_FINITE`, naming line and field.
 */
export function readLog(jsonl: string): DecisionRecord[] {
  if (typeof jsonl !== 'string') throw invalidArgument('jsonl', 'a string of JSON lines', jsonl);
  const decisions = new Map<number, { record: DecisionRecord; at: string }>();
  const outcomes = new Map<number, RecordedOutcome>();
  for (const [i, text] of jsonl.split('\n').entries()) {
    // also takes a byte order mark
    const trimmed = text.trim();
    if (trimmed === '') continue;
    const at = `line ${i + 1}`;
    const value = parse(at, trimmed);
    if (isOutcomeLine(value)) {
      checkVersion(at, value);
      checkId(`${at}: id`, value.id);
      checkOutcome(`${at}: outcome`, value.outcome);
      outcomes.set(value.id, { ...outcomes.get(value.id), ...value.outcome });
      continue;
    }
    checkRecord(at, value);
    const before = decisions.get(value.id);
    if (before) throw invalidArgument(`${at}: id`, `one that ${before.at} does not have`, value.id);
    decisions.set(value.id, { record: value, at });
    if (value.outcome) outcomes.set(value.id, { ...outcomes.get(value.id), ...value.outcome });
  }
  return Array.from(decisions.values(), ({ record }) => {
    const outcome = outcomes.get(record.id);
    return outcome ? { ...record, outcome } : record;
  });
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
  const ids = new Map<number, number>();
  for (const [i, record] of (records as unknown[]).entries()) {
    const at = `${argument}[${i}]`;
    checkRecord(at, record);
    const before = ids.get(record.id);
    if (before !== undefined) {
      throw invalidArgument(`${at}: id`, `one that ${argument}[${before}] does not have`, record.id);
    }
    ids.set(record.id, i);
  }
  return records as DecisionRecord[];
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
