import { checkInteger } from '../base/vectors.ts';

/** A clock that stands still until it is moved. */
export interface FixedClock {
  /** The time: whole milliseconds since 1970. Pass this function as `now` to a router or an engine. */
  readonly now: () => number;
  /** Moves it forward by `ms`, a whole number of milliseconds from 0 on. Returns the new time. */
  advance(ms: number): number;
  /** Sets it to `ms`, whole milliseconds since 1970 from 1 on; earlier than now is allowed. Returns the new time. */
  set(ms: number): number;
}

/**
 * A clock for tests. Sessions, pending decisions, resting models and `forget({before})` go by it, so a day passes in one line.
 *
 * @param startMs whole milliseconds since 1970, from 1 to 2^53 - 1. Default 1,800,000,000,000, in January 2027
 *
 * Throws `SONA_INVALID_ARGUMENT` for what is no number and `SONA_OUT_OF_RANGE` for a number that can't be a time; the clock
 * stays where it was.
 */
export function fixedClock(startMs = 1_800_000_000_000): FixedClock {
  checkInteger('startMs', startMs, 1, Number.MAX_SAFE_INTEGER);
  let time = startMs;
  return {
    now: () => time,
    advance: (ms) => {
      checkInteger('ms', ms, 0, Number.MAX_SAFE_INTEGER - time);
      time += ms;
      return time;
    },
    set: (ms) => {
      checkInteger('ms', ms, 1, Number.MAX_SAFE_INTEGER);
      time = ms;
      return time;
    },
  };
}
