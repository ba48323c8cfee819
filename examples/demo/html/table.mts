// Tables, also as the other way to read a chart.
import { escaped } from './text.mts';

/** Rows of text; the first column names the row. Cells are escaped here. */
export function table(
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const head = columns.map((name) => `<th scope="col">${escaped(name)}</th>`).join('');
  const body = rows.map(
    ([first = '', ...rest]) =>
      `<tr><th scope="row">${escaped(first)}</th>${rest.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`,
  );
  return scrollable(
    `<table><caption>${escaped(caption)}</caption><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`,
  );
}

/** Wide parts scroll by themselves; the keyboard reaches them. */
export const scrollable = (html: string): string => `<div class="scroll" tabindex="0">${html}</div>`;

/** The figures behind a chart, shown on demand. */
export const figures = (html: string): string => `<details><summary>Show data</summary>${html}</details>`;

const ROWS = 12;

/** Places of about twelve points of a curve, for a table; the first and the last are among them. */
export function sampled(points: ArrayLike<unknown>): number[] {
  const last = points.length - 1;
  const step = Math.max(1, Math.ceil(last / ROWS));
  return Array.from({ length: last + 1 }, (_, i) => i).filter((i) => i % step === 0 || i === last);
}
