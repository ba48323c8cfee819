import { checkRecord, type DecisionRecord } from '../decision-record.ts';
import { invalidArgument, outOfRange } from '../errors.ts';
import { checkName, checkOptions } from '../vectors.ts';
import { Features, foreignRecord } from './foreign.ts';
import {
  isStream,
  type LineReader,
  readLines,
  readStream,
  type TextLines,
  type TextStream,
} from './lines.ts';

/** Options of `readOpenBandit`. */
export interface OpenBanditOptions {
  /** All items that might have been shown. Without them, policies that need the eligible models are refused. */
  eligible?: readonly string[];
  /** Whether to make features of the other columns, hashed to 128 numbers. Default true. */
  features?: boolean;
}

/**
 * Reads a log in the format of the Open Bandit Dataset (Saito et al. 2021): CSV with a header, a decision per row. The columns
 * `item_id` (the model), `click` (the quality, 0 to 1) and `propensity_score` must be there; `timestamp` and `position` may. All
 * others are context. Of the propensities only that of the choice is known.
 *
 * ```ts
 * const log = await readOpenBandit(createReadStream('random/all/all.csv'));
 * evaluatePolicy(log, { model: '7' });
 * ```
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_OUT_OF_RANGE` or `SONA_NOT_FINITE`, naming line and column.
 */
export function readOpenBandit(csv: TextLines, options?: OpenBanditOptions): DecisionRecord[];
export function readOpenBandit(csv: TextStream, options?: OpenBanditOptions): Promise<DecisionRecord[]>;
export function readOpenBandit(
  csv: TextLines | TextStream,
  options: OpenBanditOptions = {},
): DecisionRecord[] | Promise<DecisionRecord[]> {
  if (isStream(csv)) return readLater(csv, options);
  return readLines('csv', csv, new OpenBandit(options));
}

async function readLater(csv: TextStream, options: OpenBanditOptions): Promise<DecisionRecord[]> {
  return readStream('csv', csv, new OpenBandit(options));
}

const needed = ['item_id', 'click', 'propensity_score'] as const;

class OpenBandit implements LineReader<DecisionRecord[]> {
  readonly #eligible: readonly string[] | undefined;
  readonly #features: boolean;
  readonly #records: DecisionRecord[] = [];
  #columns: string[] | undefined;
  /** A row whose quotes are open, and the line that it began in. */
  #open = '';
  #began = 0;

  constructor(options: OpenBanditOptions) {
    checkOptions('options', options, ['eligible', 'features']);
    const { eligible, features = true } = options;
    if (eligible !== undefined) checkEligible(eligible);
    if (typeof features !== 'boolean') throw invalidArgument('options.features', 'true or false', features);
    this.#eligible = eligible;
    this.#features = features;
  }

  line(text: string, number: number): void {
    if (this.#open === '') this.#began = number;
    const row = this.#open === '' ? text : `${this.#open}\n${text}`;
    const cells = cellsOf(row);
    this.#open = cells ? '' : row;
    if (!cells || (cells.length === 1 && cells[0]?.trim() === '')) return;
    if (this.#columns) this.#row(`line ${this.#began}`, this.#columns, cells);
    else this.#columns = headerOf(`line ${this.#began}`, cells);
  }

  end(): DecisionRecord[] {
    if (this.#open !== '') {
      throw invalidArgument(`line ${this.#began}`, 'a row whose quotes are closed', this.#open);
    }
    return this.#records;
  }

  #row(at: string, columns: readonly string[], cells: readonly string[]): void {
    if (cells.length !== columns.length) {
      throw outOfRange(at, `${columns.length} cells, as many as columns`, cells.length);
    }
    const row = new Map(columns.map((column, i) => [column, cells[i] as string]));
    const cell = (column: string) => row.get(column) ?? '';
    const time = row.has('timestamp') ? timeOf(`${at}: timestamp`, cell('timestamp')) : 0;
    const position = row.get('position');
    const record = foreignRecord({
      id: this.#records.length + 1,
      at: time,
      source: 'open-bandit',
      model: cell('item_id'),
      propensity: numberOf(`${at}: propensity_score`, cell('propensity_score')),
      eligible: this.#eligible,
      features: this.#features ? featuresOf(row) : undefined,
      quality: numberOf(`${at}: click`, cell('click')),
      ...(position !== undefined && { metadata: { position } }),
    });
    checkRecord(at, record);
    this.#records.push(record);
  }
}

function checkEligible(eligible: unknown): void {
  if (!Array.isArray(eligible)) throw invalidArgument('options.eligible', 'a list of models', eligible);
  for (const [i, model] of eligible.entries()) checkName(`options.eligible[${i}]`, model);
}

function headerOf(at: string, cells: readonly string[]): string[] {
  const columns = cells.map((cell) => cell.replace(/^\uFEFF/, '').trim());
  for (const column of needed) {
    if (!columns.includes(column)) throw invalidArgument(at, `a header with the column ${column}`, columns);
  }
  return columns;
}

/** The context: where the item was shown, and every column that has a meaning of no other kind. */
function featuresOf(row: ReadonlyMap<string, string>): Features {
  const features = new Features();
  features.add('', 1);
  for (const [column, value] of row) {
    // the first column of the data set has no name: the number of the row
    if (column === '' || column === 'timestamp' || needed.some((name) => name === column)) continue;
    if (column === 'position') features.add(`position=${value}`, 1);
    else features.addText(column, value);
  }
  return features;
}

function numberOf(at: string, text: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(number)) throw invalidArgument(at, 'a number', text);
  return number;
}

/** Milliseconds since 1970 of `2019-11-24 00:00:17.004101+00:00`; without a zone it is UTC. */
function timeOf(at: string, text: string): number {
  const iso = text.trim().replace(' ', 'T');
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`);
  if (Number.isNaN(time)) throw invalidArgument(at, 'a time such as 2019-11-24 00:00:17.004101+00:00', text);
  return time;
}

/** The cells of a row (RFC 4180); undefined while a quote is open. */
function cellsOf(row: string): string[] | undefined {
  const text = row.endsWith('\r') ? row.slice(0, -1) : row;
  if (!text.includes('"')) return text.split(',');
  const cells: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/gy;
  while (true) {
    const match = pattern.exec(text);
    if (!match) return undefined;
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') return cells;
  }
}
