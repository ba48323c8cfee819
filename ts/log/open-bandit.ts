import { invalidArgument, outOfRange, type SonaError } from '../base/errors.ts';
import { checkRecord, type DecisionRecord } from './decision-record.ts';
import {
  checkForeignLogOptions,
  Features,
  type ForeignLogOptions,
  foreignRecord,
  numberOf,
  timeOf,
} from './foreign.ts';
import { type LineReader, read, type TextLines, type TextStream } from './lines.ts';

/** Options of `readOpenBandit`. Models are the items. */
export type OpenBanditOptions = ForeignLogOptions;

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
  return read('csv', csv, () => new OpenBandit(options));
}

const needed = ['item_id', 'click', 'propensity_score'] as const;

class OpenBandit implements LineReader<DecisionRecord[]> {
  readonly #eligible: readonly string[] | undefined;
  readonly #features: boolean;
  readonly #records: DecisionRecord[] = [];
  #columns: string[] | undefined;
  readonly #cells = new Cells();
  /** The line that the row began in. */
  #began = 0;

  constructor(options: OpenBanditOptions) {
    checkForeignLogOptions(options);
    const { eligible, features = true } = options;
    this.#eligible = eligible;
    this.#features = features;
  }

  line(text: string, number: number): void {
    if (!this.#cells.open) this.#began = number;
    const at = `line ${this.#began}`;
    const cells = this.#cells.take(at, number === 1 ? text.replace(/^\uFEFF/, '') : text);
    if (!cells || (cells.length === 1 && cells[0]?.trim() === '')) return;
    if (this.#columns) this.#row(at, this.#columns, cells);
    else this.#columns = headerOf(at, cells);
  }

  end(): DecisionRecord[] {
    const { open } = this.#cells;
    if (open) throw invalidArgument(`line ${this.#began}`, 'a row whose quotes are closed', open.join(''));
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

function headerOf(at: string, cells: readonly string[]): string[] {
  const columns = cells.map((cell) => cell.trim());
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

/** The cells of rows (RFC 4180). Takes a line at a time and looks at each once, however many a cell in quotes has. */
class Cells {
  /** Parts of a cell whose quotes are open. */
  open: string[] | undefined;
  #row: string[] = [];

  /** The cells of the row that ends with this line; undefined while quotes are open. */
  take(at: string, line: string): string[] | undefined {
    const end = line.endsWith('\r') ? line.length - 1 : line.length;
    if (!this.open && !line.includes('"')) return line.slice(0, end).split(',');
    this.open?.push('\n');
    let from = 0;
    while (true) {
      if (!this.open && line[from] === '"') {
        this.open = [];
        from++;
      }
      if (this.open) {
        const to = this.#close(this.open, line, from);
        if (to === undefined) return undefined;
        from = to;
      } else {
        const comma = line.indexOf(',', from);
        const to = comma < 0 ? end : comma;
        this.#row.push(line.slice(from, to));
        if (this.#row.at(-1)?.includes('"')) throw strayQuote(at, line);
        from = to;
      }
      if (from === end) break;
      if (line[from++] !== ',') throw strayQuote(at, line);
    }
    const row = this.#row;
    this.#row = [];
    return row;
  }

  /** Reads on in quotes, and gives the place behind them; undefined where they do not end. */
  #close(parts: string[], line: string, first: number): number | undefined {
    let from = first;
    for (let to = line.indexOf('"', from); to >= 0; to = line.indexOf('"', from)) {
      parts.push(line.slice(from, to));
      from = to + 1;
      if (line[from] !== '"') {
        this.#row.push(parts.join(''));
        this.open = undefined;
        return from;
      }
      parts.push('"');
      from++;
    }
    parts.push(line.slice(from));
    return undefined;
  }
}

function strayQuote(at: string, line: string): SonaError {
  return invalidArgument(at, 'quotes around whole cells, and those inside doubled', line);
}
