import { setImmediate } from 'node:timers/promises';

/** Resolves once other work has had its turn. */
export function nextTurn(): Promise<void> {
  return setImmediate();
}
