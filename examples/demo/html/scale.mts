// From values to places on the page.

export interface Scale {
  (value: number): number;
  from: number;
  to: number;
  ticks: number[];
}

/** Linear from values to pixels, with about so many ticks at round numbers. */
export function scale(from: number, to: number, start: number, end: number, ticks: number): Scale {
  const place = (value: number) => start + ((value - from) / (to - from || 1)) * (end - start);
  return Object.assign(place, { from, to, ticks: round(from, to, ticks) });
}

function round(from: number, to: number, wanted: number): number[] {
  const step = stepOf((to - from) / wanted);
  const ticks: number[] = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + 1e-9 * step; i++) {
    // a product of a whole number, so that 0.3 does not come out as 0.30000000000000004
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

/** 1, 2 or 5 times a power of ten, the first that is at least `least`. */
function stepOf(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least > 0 ? least : 1));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= least * (1 - 1e-9)) as number);
}

/** The next round number above. */
export function ceiling(value: number, ticks: number): number {
  const step = stepOf(value / ticks);
  return step * Math.ceil(value / step - 1e-9);
}
