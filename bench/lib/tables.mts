// What the benches that make tables share: whole-number options, choosing tables, running them, writing their rows.
import { writeFileSync } from 'node:fs';
import { SonaEngine } from '../../dist/index.mjs';
import { dataSource } from './data.mts';
import type { Table } from './print.mts';

/** A whole number of an option. */
export function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new Error(`--${name}: expected a whole number of ${least} or more, got ${text}`);
  }
  return value;
}

/** Makes tables, one after another. */
export type Makers = Record<string, () => Table<unknown>[] | Promise<Table<unknown>[]>>;

/**
 * Makes the wanted tables. Exits with 1 when a bar was missed, but not in the short form: one seed decides nothing. `json`: the
 * file that takes the rows, with `protocol` and what they were made with.
 */
export async function makeTables(
  makers: Makers,
  wanted: readonly string[],
  { json, short, ...protocol }: { json: string | undefined; short: boolean } & Record<string, unknown>,
): Promise<void> {
  const chosen = wanted.map((name) => {
    const make = makers[name];
    if (!make) throw new Error(`--tables: expected some of ${Object.keys(makers).join(', ')}, got ${name}`);
    return { name, make };
  });
  console.error(dataSource());
  const results: Record<string, unknown[]> = {};
  let missed = 0;
  for (const { name, make } of chosen) {
    const made = await make();
    results[name] = made.flatMap(({ rows }) => rows);
    missed += made.reduce((sum, table) => sum + table.missed, 0);
  }
  if (missed > 0) {
    console.log(`\n${missed} of the bars were missed`);
    if (!short) process.exitCode = 1;
  }
  if (json === undefined) return;
  using engine = new SonaEngine(1);
  const { version, platform, simd } = engine.capabilities();
  const versions = { sona: version, node: process.version, platform, simd };
  const written = { versions, protocol: { ...protocol, short }, missed, tables: results };
  writeFileSync(json, `${JSON.stringify(written, null, 2)}\n`);
}
