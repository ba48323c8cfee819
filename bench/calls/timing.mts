// Times calls in the nanoseconds: many calls per reading of the clock, contenders in turn so that a slow moment of the
// machine meets all of them.

/** What results are added to, so that no call can be left out as useless. */
export const sink = { value: 0 };

/** One way to do the work. */
export interface Contender {
  /** Makes that many calls. */
  run(calls: number): void;
  /** Not timed: makes ready for the next `chunk` calls. */
  prepare?(): void;
  /** Calls between two preparations. */
  chunk?: number;
  /** Runs, when fewer than the usual will do. */
  runs?: number;
  /** Things done by one call, of which one is reported. */
  per?: number;
}

/** Nanoseconds of one call, over the runs. */
export interface Timing {
  min: number;
  median: number;
}

export interface Effort {
  runs: number;
  /** Milliseconds that one run should take at least. */
  least: number;
}

export function compare(
  contenders: Readonly<Record<string, Contender | undefined>>,
  { runs, least }: Effort,
): Record<string, Timing> {
  const entries = Object.entries(contenders).flatMap(([name, contender]) => {
    if (!contender) return [];
    return [{ name, contender, calls: calibrate(contender, least), nanos: [] as number[] }];
  });
  for (let run = 0; run < runs; run++) {
    for (const { contender, calls, nanos } of entries) {
      if (run < (contender.runs ?? runs)) nanos.push((1e6 * time(contender, calls)) / calls);
    }
  }
  return Object.fromEntries(
    entries.map(({ name, contender: { per = 1 }, nanos }) => {
      const sorted = nanos.toSorted((a, b) => a - b);
      const middle = sorted[Math.floor(sorted.length / 2)] as number;
      return [name, { min: (sorted[0] as number) / per, median: middle / per }];
    }),
  );
}

/** Calls that take the least time of a run. Warms up on the way. */
function calibrate(contender: Contender, least: number): number {
  let calls = contender.chunk ?? 1;
  for (;;) {
    const millis = time(contender, calls);
    if (millis >= least || contender.runs !== undefined) return calls;
    calls *= millis < least / 8 ? 4 : 2;
  }
}

/** Milliseconds of so many calls, without their preparation. */
function time(contender: Contender, calls: number): number {
  const chunk = contender.chunk ?? calls;
  let millis = 0;
  for (let done = 0; done < calls; done += chunk) {
    contender.prepare?.();
    const began = performance.now();
    contender.run(Math.min(chunk, calls - done));
    millis += performance.now() - began;
  }
  return millis;
}
