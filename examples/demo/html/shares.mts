// Which model got how much of the prompts, over time: a stacked area.
import type { RoutingFigures } from '../routing/figures.mts';
import { scale } from './scale.mts';
import { area, axes, chart, drawing, PHONE, type Plot, type Point, text } from './svg.mts';
import { figures, sampled, table } from './table.mts';
import { count, escaped, percent } from './text.mts';

const plots = {
  wide: { width: 860, height: 420, left: 64, right: 24, top: 44, bottom: 52, ticks: 6 },
  narrow: { width: PHONE, height: 360, left: 48, right: 20, top: 44, bottom: 52, ticks: 3 },
};
/** Where an area is nowhere this high along its name, its number alone is tried, then nothing. */
const LEAST = 0.055;
/** Of a character in a label. */
const CHARACTER = 7.8;

export function sharesChart({ shares, models }: RoutingFigures): string {
  const { decisions, byModel } = shares;
  // those that get most lie at the bottom, where a height can be read off
  const total = (k: number) => (byModel[k] as number[]).reduce((sum, share) => sum + share, 0);
  const order = models.map((_, k) => k).sort((a, b) => total(b) - total(a));
  const points = sampled(decisions);
  const rows = order.map((k) => [
    `${k + 1} ${models[k]?.id}`,
    ...points.map((i) => percent((byModel[k] as number[])[i] as number)),
  ]);
  const columns = ['model', ...points.map((i) => count(decisions[i] as number))];
  return (
    chart('shares', plots, (plot, id) => draw(plot, id, { shares, models }, order)) +
    legend(order.map((k) => ({ place: k, name: models[k]?.id ?? '' }))) +
    figures(table('Share of decisions, by decisions so far', columns, rows))
  );
}

function draw(
  plot: Plot,
  id: string,
  { shares, models }: Pick<RoutingFigures, 'shares' | 'models'>,
  order: readonly number[],
): string {
  const { decisions, byModel, window } = shares;
  const last = decisions.at(-1) ?? 1;
  const x = scale(0, last, plot.left, plot.width - plot.right, plot.ticks);
  const y = scale(0, 1, plot.height - plot.bottom, plot.top, 5);
  const total = (k: number) => (byModel[k] as number[]).reduce((sum, share) => sum + share, 0);
  const below = new Array<number>(decisions.length).fill(0);
  const areas: string[] = [];
  const names: string[] = [];
  for (const k of order) {
    const own = byModel[k] as number[];
    const lower = below.map((share, i): Point => [x(decisions[i] as number), y(share)]);
    const middle = own.map((share, i) => (below[i] as number) + share / 2);
    own.forEach((share, i) => {
      below[i] = (below[i] as number) + share;
    });
    const upper = below.map((share, i): Point => [x(decisions[i] as number), y(share)]);
    const name = `${k + 1} ${models[k]?.id}`;
    areas.push(area(upper, lower, `model-${k % 9}`, `${name}: ${percent(total(k) / own.length)} of all`));
    for (const words of [name, String(k + 1)]) {
      const at = widest(own, decisions, words.length * CHARACTER, x, plot);
      if (at === undefined) continue;
      const place: Point = [x(decisions[at] as number), y(middle[at] as number) + 4];
      names.push(text(place, words, { anchor: 'middle', kind: `name on-${k % 9}` }));
      break;
    }
  }
  const body =
    axes(
      plot,
      { scale: x, label: 'decisions', format: count },
      { scale: y, label: `share of the ${count(window)} decisions around`, format: percent },
    ) +
    areas.join('') +
    names.join('');
  const [first] = order;
  return drawing(
    id,
    plot,
    'Share of each model over time',
    `A stacked area. At the end ${models[first as number]?.id} gets ${percent((byModel[first as number] as number[]).at(-1) ?? 0)}.`,
    body,
  );
}

/** Where an area can hold its name: the place at which the least height along the name is largest. */
function widest(
  own: readonly number[],
  decisions: readonly number[],
  width: number,
  x: (decision: number) => number,
  plot: Plot,
): number | undefined {
  let best: number | undefined;
  let top = LEAST;
  for (let i = 0; i < own.length; i++) {
    const middle = x(decisions[i] as number);
    if (middle - width / 2 < plot.left || middle + width / 2 > plot.width - plot.right) continue;
    const along = own.filter((_, j) => Math.abs(x(decisions[j] as number) - middle) <= width / 2);
    const least = Math.min(...along);
    if (least > top) {
      top = least;
      best = i;
    }
  }
  return best;
}

export function legend(entries: readonly { place: number; name: string }[]): string {
  const items = entries.map(
    ({ place, name }) =>
      `<li><span class="swatch back-${place % 9}">${place + 1}</span>${escaped(name)}</li>`,
  );
  return `<ul class="legend" aria-label="Models">${items.join('')}</ul>`;
}
