// Labels beside points so that none covers another.
import { type Point, text } from './svg.mts';

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Label {
  at: Point;
  words: string;
  /** Class. */
  kind: string;
  /** Above or below is better than beside. */
  over?: boolean;
}

/** Of a character on the average; a bit too wide is better than too narrow. */
const CHARACTER = 7.8;
const LINE = 15;
/** From the middle of a point to its label. */
const AWAY = 11;

/** The labels, each at the first place that is free; the first ones choose first. */
export function labels(list: readonly Label[], bounds: Box): string {
  const taken: Box[] = list.map(({ at: [x, y] }) => around(x, y, 7, 7));
  return list
    .map(({ at, words, kind, over }) => {
      const places = candidates(at, words.length * CHARACTER, bounds, over);
      const place = places.find(
        ({ box }) => within(box, bounds) && !taken.some((other) => overlap(box, other)),
      );
      const { box, anchor, lead } = place ?? (places[0] as Place);
      taken.push(box);
      const x = anchor === 'start' ? box.left : anchor === 'end' ? box.right : (box.left + box.right) / 2;
      const y = (box.top + box.bottom) / 2;
      const leader = lead
        ? `<path class="leader" d="M${at[0]} ${at[1]}L${anchor === 'end' ? x + 3 : x - 3} ${y}"/>`
        : '';
      return leader + text([x, y + 4], words, { anchor, kind: `name ${kind}` });
    })
    .join('');
}

interface Place {
  box: Box;
  anchor: 'start' | 'middle' | 'end';
  /** Far enough from the point to need a line to it. */
  lead: boolean;
}

function candidates([x, y]: Point, width: number, bounds: Box, overFirst = false): Place[] {
  const beside = (dy: number): Place[] => {
    // the further up or down, the more to the side, past what is near the point
    const away = AWAY + (dy === 0 ? 0 : 6);
    const lead = Math.abs(dy) > LINE;
    return [
      { box: box(x + away, y + dy, width), anchor: 'start', lead },
      { box: box(x - away - width, y + dy, width), anchor: 'end', lead },
    ];
  };
  const near = beside(0);
  const over = [-LINE - 2, LINE + 2].map((dy): Place => {
    // near an edge not quite in the middle
    const left = Math.max(bounds.left, Math.min(x - width / 2, bounds.right - width));
    return { box: box(left, y + dy, width), anchor: 'middle', lead: false };
  });
  const further = [1, 1.8, 2.6, 3.4].flatMap((lines) => {
    const [down, up] = [beside(lines * LINE), beside(-lines * LINE)];
    return [down[0], up[0], down[1], up[1]] as Place[];
  });
  return overFirst ? [...over, ...near, ...further] : [...near, ...over, ...further];
}

const box = (left: number, middle: number, width: number): Box => ({
  left,
  right: left + width,
  top: middle - LINE / 2,
  bottom: middle + LINE / 2,
});

const around = (x: number, y: number, w: number, h: number): Box => ({
  left: x - w,
  right: x + w,
  top: y - h,
  bottom: y + h,
});

const within = (inner: Box, outer: Box): boolean =>
  inner.left >= outer.left &&
  inner.right <= outer.right &&
  inner.top >= outer.top &&
  inner.bottom <= outer.bottom;

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Heights moved apart to at least a line, in their order, inside the bounds. For labels at the ends of lines. */
export function apart(heights: readonly number[], top: number, bottom: number): number[] {
  const order = heights.map((_, i) => i).sort((a, b) => (heights[a] as number) - (heights[b] as number));
  const moved = [...heights];
  let least = top;
  for (const i of order) {
    moved[i] = Math.max(moved[i] as number, least);
    least = (moved[i] as number) + LINE;
  }
  let most = bottom;
  for (const i of order.toReversed()) {
    moved[i] = Math.min(moved[i] as number, most);
    most = (moved[i] as number) - LINE;
  }
  return moved;
}
