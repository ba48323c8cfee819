// What every chart is made of: a frame with axes, lines, areas, texts.
import type { Scale } from './scale.mts';
import { escaped, px } from './text.mts';

/** Where a chart's plot lies in it, in pixels, with about so many ticks on its x axis. */
export interface Plot {
  ticks: number;
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Axis {
  scale: Scale;
  label: string;
  format: (value: number) => string;
}

export type Point = readonly [x: number, y: number];

/** Width of a drawing for a phone, in pixels: its texts keep their size there. */
export const PHONE = 350;

/** The same chart twice, for a wide and for a narrow page, which shows one of them. */
export function chart(
  id: string,
  plots: { wide: Plot; narrow: Plot },
  draw: (plot: Plot, id: string) => string,
): string {
  const narrow = draw(plots.narrow, `${id}-narrow`);
  return `<div class="chart"><div class="wide">${draw(plots.wide, id)}</div><div class="phone">${narrow}</div></div>`;
}

/** A drawing with a name and a description for who cannot see it. */
export function drawing(id: string, plot: Plot, name: string, description: string, body: string): string {
  return (
    `<svg viewBox="0 0 ${plot.width} ${plot.height}" role="img" aria-labelledby="${id}-name ${id}-text">` +
    `<title id="${id}-name">${escaped(name)}</title><desc id="${id}-text">${escaped(description)}</desc>${body}</svg>`
  );
}

export function axes(plot: Plot, x: Axis, y: Axis): string {
  const [left, right] = [plot.left, plot.width - plot.right];
  const [top, bottom] = [plot.top, plot.height - plot.bottom];
  const horizontal = y.scale.ticks.map((tick) => {
    const at = px(y.scale(tick));
    return (
      `<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>` +
      text([left - 8, y.scale(tick) + 4], y.format(tick), { anchor: 'end', kind: 'tick' })
    );
  });
  const vertical = x.scale.ticks.map((tick) => {
    const at = px(x.scale(tick));
    return (
      `<line class="axis" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 5}"/>` +
      text([x.scale(tick), bottom + 20], x.format(tick), { anchor: 'middle', kind: 'tick' })
    );
  });
  const base = `<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`;
  const below = text([(left + right) / 2, plot.height - 8], x.label, { anchor: 'middle', kind: 'label' });
  // above the axis and not beside it: nobody has to turn the head
  const above = text([8, top - 16], y.label, { kind: 'label' });
  return horizontal.join('') + vertical.join('') + base + below + above;
}

interface TextStyle {
  anchor?: 'start' | 'middle' | 'end';
  /** Class. */
  kind?: string;
}

export function text([x, y]: Point, words: string, { anchor = 'start', kind = '' }: TextStyle = {}): string {
  return `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" class="${kind}">${escaped(words)}</text>`;
}

export const line = (points: readonly Point[], kind: string): string =>
  `<path class="line ${kind}" d="${path(points)}"/>`;

/** The area between two lines. */
export const area = (upper: readonly Point[], lower: readonly Point[], kind: string, name: string): string =>
  `<path class="area ${kind}" d="${path([...upper, ...lower.toReversed()])}Z"><title>${escaped(name)}</title></path>`;

const path = (points: readonly Point[]): string =>
  points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${px(x)} ${px(y)}`).join('');

/** Shapes distinguish kinds of points where colours don't. */
export type Shape = 'circle' | 'square' | 'diamond' | 'triangle' | 'cross';

export function mark([x, y]: Point, shape: Shape, kind: string, name: string): string {
  const title = `<title>${escaped(name)}</title>`;
  if (shape === 'circle')
    return `<circle class="mark ${kind}" cx="${px(x)}" cy="${px(y)}" r="6">${title}</circle>`;
  const corners: Record<Exclude<Shape, 'circle'>, Point[]> = {
    square: [
      [-5.5, -5.5],
      [5.5, -5.5],
      [5.5, 5.5],
      [-5.5, 5.5],
    ],
    diamond: [
      [0, -8],
      [8, 0],
      [0, 8],
      [-8, 0],
    ],
    cross: [
      [-2.5, -7],
      [2.5, -7],
      [2.5, -2.5],
      [7, -2.5],
      [7, 2.5],
      [2.5, 2.5],
      [2.5, 7],
      [-2.5, 7],
      [-2.5, 2.5],
      [-7, 2.5],
      [-7, -2.5],
      [-2.5, -2.5],
    ],
    triangle: [
      [0, -8],
      [7.5, 5.5],
      [-7.5, 5.5],
    ],
  };
  const moved = corners[shape].map(([dx, dy]): Point => [x + dx, y + dy]);
  return `<path class="mark ${kind}" d="${path(moved)}Z">${title}</path>`;
}
