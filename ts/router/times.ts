import { checkInteger } from '../base/vectors.ts';

/** What two clocks say: the time of day, which may jump, and a steady one. */
export interface Times {
  /** Milliseconds since 1970. */
  readonly unixMs: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly steadyMs: number;
}

/** The times of now. A clock that the caller gave is both. */
export function timesOf(now: (() => number) | undefined): Times {
  if (!now) return { unixMs: Date.now(), steadyMs: Math.floor(performance.now()) };
  const time: unknown = now();
  checkInteger('now', time, 1, Number.MAX_SAFE_INTEGER);
  return { unixMs: time, steadyMs: time };
}
