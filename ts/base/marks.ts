/**
 * Marks by which objects of this package are known, whichever copy of it made them: ESM and CommonJS each have their own classes, and
 * two versions may be installed.
 */
const marks = {
  engine: Symbol.for('sona.engine'),
  router: Symbol.for('sona.router'),
  trajectory: Symbol.for('sona.trajectory'),
  builtin: Symbol.for('sona.builtin'),
} as const;

/** What can be marked. */
export type Kind = keyof typeof marks;

/** Marks all objects of a class. */
export function mark(owner: { readonly prototype: object }, kind: Kind): void {
  Object.defineProperty(owner.prototype, marks[kind], { value: true });
}

/** Whether an object bears a mark. */
export function isMarked(value: unknown, kind: Kind): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return (value as Record<symbol, unknown>)[marks[kind]] === true;
  } catch {
    // a proxy may throw
    return false;
  }
}

/** The prototype that a marked object has its mark from: that of the class itself, not of one that extends it. */
export function markedPrototype(value: object, kind: Kind): object {
  let prototype = value;
  while (!Object.hasOwn(prototype, marks[kind])) prototype = Object.getPrototypeOf(prototype) as object;
  return prototype;
}

/** Whether a value is a date, whatever realm it comes from. Throws for no proxy, which is none. */
export function isDate(value: unknown): value is Date {
  try {
    Date.prototype.getTime.call(value as Date);
    return true;
  } catch {
    return false;
  }
}
