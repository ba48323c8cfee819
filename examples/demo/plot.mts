// Accuracy over events, drawn with characters. At most 100 columns.
import type { Result } from './stream.mts';
import { bold, count, paint } from './terminal.mts';
import type { Variant } from './variants.mts';

const WIDTH = 64;
/** Rows between top and bottom, more or less: a tick every 5 points. */
const HEIGHT = 18;
const TICK = 5;

export function plot(results: readonly Result[], title: string): string {
  const percents = results.flatMap(({ accuracy }) => accuracy.map(({ percent }) => percent));
  const bottom = Math.min(95, TICK * Math.floor(Math.min(...percents) / TICK));
  const top = Math.max(bottom + TICK, TICK * Math.ceil(Math.max(...percents) / TICK));
  const ticks = (top - bottom) / TICK;
  const rowsPerTick = Math.max(1, Math.round(HEIGHT / ticks));
  const height = ticks * rowsPerTick + 1;
  const rowOf = (percent: number) => Math.round(((top - percent) / TICK) * rowsPerTick);

  const canvas: (Variant | undefined)[][] = Array.from({ length: height }, () =>
    Array(WIDTH).fill(undefined),
  );
  const labels: (string | undefined)[] = Array(height).fill(undefined);
  // the last one is drawn on top
  for (const { variant, accuracy } of results) {
    for (let column = 0; column < WIDTH; column++) {
      const line = canvas[rowOf(interpolate(accuracy, column / (WIDTH - 1)))];
      if (line) line[column] = variant;
    }
  }
  for (const { variant, accuracy } of results.toReversed()) {
    const percent = accuracy.at(-1)?.percent ?? 0;
    const text = `${variant.mark} ${variant.name} ${percent.toFixed(1)}`;
    labels[freeRow(labels, rowOf(percent))] = paint(variant.colour, text);
  }

  const lines = canvas.map((line, i) => {
    const value = top - (i / rowsPerTick) * TICK;
    const axis = i % rowsPerTick === 0 ? `${value.toFixed(0).padStart(5)} ┤` : '      │';
    return `${axis}${draw(line)} ${labels[i] ?? ''}`.trimEnd();
  });
  const last = count(results[0]?.accuracy.at(-1)?.events ?? 0);
  const foot = `      0${' '.repeat(WIDTH - last.length)}${last} events`;
  return [bold(title), ...lines, `      └${'─'.repeat(WIDTH)}`, foot].join('\n');
}

/** The value at a share of the way from the first point to the last. */
function interpolate(points: Result['accuracy'], share: number): number {
  const at = share * (points.at(-1)?.events ?? 0);
  const next = Math.max(
    1,
    points.findIndex(({ events }) => events >= at),
  );
  const [a, b] = [points[next - 1], points[next]];
  if (!a || !b) return a?.percent ?? 0;
  return a.percent + ((b.percent - a.percent) * (at - a.events)) / (b.events - a.events);
}

/** The row, or the nearest one that has no label yet. */
function freeRow(labels: readonly (string | undefined)[], wanted: number): number {
  for (let away = 0; away < labels.length; away++) {
    for (const row of [wanted - away, wanted + away]) {
      if (row >= 0 && row < labels.length && labels[row] === undefined) return row;
    }
  }
  return wanted;
}

/** Neighbours of one colour are painted together. */
function draw(line: readonly (Variant | undefined)[]): string {
  let text = '';
  for (let from = 0, to = 0; from < line.length; from = to) {
    const variant = line[from];
    while (to < line.length && line[to] === variant) to++;
    const stretch = (variant?.mark ?? ' ').repeat(to - from);
    text += variant ? paint(variant.colour, stretch) : stretch;
  }
  return text;
}
