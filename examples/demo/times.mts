// How long calls took.

/** Median and 99th percentile, in microseconds. */
export interface Times {
  median: number;
  p99: number;
}

export function times(millis: readonly number[]): Times {
  const sorted = Float64Array.from(millis).sort();
  const at = (share: number) =>
    1000 * (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { median: at(0.5), p99: at(0.99) };
}
