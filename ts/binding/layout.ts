import { sonaError } from '../base/errors.ts';
import { onLoad } from './native.ts';

/** Where each number stands in a row that the core writes, and how many there are. */
export type Row<Field extends string> = Readonly<Record<Field | 'size', number>>;

/**
 * The order of a row's numbers as the core has it: known once that is loaded, and so before it can write one. A core with
 * other numbers is not of this version.
 */
export function rowOf<const Field extends string>(row: string, fields: readonly Field[]): Row<Field> {
  const places: Record<string, number> = Object.fromEntries(fields.map((field) => [field, -1]));
  places.size = fields.length;
  onLoad((binding) => {
    // one of another version may not know the call
    const rows = JSON.parse(binding.layout?.() ?? '{}') as Record<string, string[]>;
    const order = rows[row] ?? [];
    if (order.length !== fields.length || !order.every((field) => fields.includes(field as Field))) {
      const details = { row, expected: fields, got: order };
      throw sonaError('SONA_NATIVE_UNAVAILABLE', 'the native addon is not of this version', details);
    }
    for (const [place, field] of order.entries()) places[field] = place;
  });
  return places as Row<Field>;
}
