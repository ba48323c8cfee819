import { invalidArgument, notFinite } from './errors.ts';
import { checkUnicode } from './vectors.ts';

/** Most values that are copied; what JSON writes of more is longer than anything that is taken. */
const MOST = 65_536;

/**
 * A copy of plain data: what JSON carries as it is, and nothing that it would change or leave out, but for entries that are
 * undefined. Each entry is read once.
 *
 * Throws `SONA_INVALID_ARGUMENT` for other values (dates, `toJSON`, class instances, big integers) and for more than so many
 * levels, as cycles have; `SONA_NOT_FINITE`; what `checkText` throws for strings.
 */
export function plainCopy(
  argument: string,
  value: unknown,
  levels: number,
  checkText: (argument: string, text: string) => void,
): unknown {
  let left = MOST;
  const copy = (name: string, given: unknown, deeper: number): unknown => {
    if (left-- === 0) throw invalidArgument(argument, `plain data of at most ${MOST} values`, value);
    if (given === null || typeof given === 'boolean') return given;
    if (typeof given === 'number') {
      if (!Number.isFinite(given)) throw notFinite(name, 0, given);
      return given;
    }
    if (typeof given === 'string') {
      checkText(name, given);
      return given;
    }
    if (typeof given !== 'object') throw invalidArgument(name, 'plain data', given);
    if (deeper === 0) throw invalidArgument(name, `plain data of at most ${levels} levels`, given);
    // by index: holes are no plain data either
    if (Array.isArray(given)) {
      return Array.from(given, (entry, i) => copy(`${name}[${i}]`, entry, deeper - 1));
    }
    if (!isPlain(given)) throw invalidArgument(name, 'plain data', given);
    // without a prototype, so that '__proto__' is a key like any other
    const entries: Record<string, unknown> = Object.create(null);
    for (const [key, entry] of Object.entries(given)) {
      checkUnicode(`${name}: a key`, key);
      if (entry !== undefined) entries[key] = copy(`${name}.${key}`, entry, deeper - 1);
    }
    return entries;
  };
  return copy(argument, value, levels);
}

/** Whether an object is made by braces, in whatever realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether two pieces of plain data say the same, whatever the order of their entries. */
export function sameData(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [entries, others] = [Object.entries(one), new Map(Object.entries(other))];
  return (
    entries.length === others.size &&
    entries.every(([key, value]) => others.has(key) && sameData(value, others.get(key)))
  );
}
