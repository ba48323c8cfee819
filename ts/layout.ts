import { SonaError } from './errors.ts';
import { native } from './native.ts';

/** Where each number stands in a row that the addon writes, and how many there are. */
export type Row<Field extends string> = Readonly<Record<Field, number>> & { readonly size: number };

// an addon of another version may not know the call
const rows = JSON.parse(native.layout?.() ?? '{}') as Record<string, string[]>;

/** The order of a row's numbers as the addon has it. One with other numbers is not the addon of this version. */
export function rowOf<const Field extends string>(row: string, fields: readonly Field[]): Row<Field> {
  const order = rows[row] ?? [];
  const known = new Set<string>(fields);
  if (order.length !== known.size || !order.every((field) => known.has(field))) {
    const details = { row, expected: fields, got: order };
    throw new SonaError('SONA_NATIVE_UNAVAILABLE', 'the native addon is not of this version', details);
  }
  const places = order.map((field, place) => [field, place] as const);
  return { ...(Object.fromEntries(places) as Record<Field, number>), size: order.length };
}
