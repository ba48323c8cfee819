// Cost against quality.
import type { CostPoint } from '../routing/costs.mts';
import type { RoutingFigures } from '../routing/figures.mts';
import { type Label, labels } from './labels.mts';
import { ceiling, scale } from './scale.mts';
import { legend } from './shares.mts';
import { axes, chart, drawing, line, mark, PHONE, type Plot, type Point, type Shape } from './svg.mts';
import { figures, table } from './table.mts';
import { perThousand } from './text.mts';

const plots = {
  wide: { width: 860, height: 620, left: 64, right: 280, top: 44, bottom: 52, ticks: 6 },
  narrow: { width: PHONE, height: 480, left: 40, right: 24, top: 44, bottom: 52, ticks: 4 },
};
const shapes: Record<CostPoint['kind'], Shape> = {
  model: 'circle',
  sona: 'diamond',
  bandit: 'cross',
  random: 'square',
  oracle: 'triangle',
};

export function costChart(found: RoutingFigures): string {
  const { costs, models, bestFixed } = found;
  const named = namesOf(models);
  const rows = costs.map((point) => [
    point.name === bestFixed ? `${named(point)} (best fixed)` : named(point),
    perThousand(point.costUsd),
    point.quality.toFixed(3),
  ]);
  const numbers = legend(models.map(({ id }, place) => ({ place, name: id })));
  return (
    chart('costs', plots, (plot, id) => draw(plot, id, found)) +
    `<div class="phone">${numbers}</div>` +
    figures(table('Means over the whole stream', ['', 'per 1,000 calls', 'quality'], rows))
  );
}

type Named = (point: CostPoint) => string;

function namesOf(models: RoutingFigures['models']): Named {
  const numbers = new Map(models.map(({ id }, k) => [id, k + 1]));
  return ({ kind, name }) => (kind === 'model' ? `${numbers.get(name)} ${name}` : name);
}

function draw(plot: Plot, id: string, { costs, models, bestFixed }: RoutingFigures): string {
  const x = scale(
    0,
    ceiling(1000 * Math.max(...costs.map(({ costUsd }) => costUsd)) * 1.02, plot.ticks),
    plot.left,
    plot.width - plot.right,
    plot.ticks,
  );
  const qualities = costs.map(({ quality }) => quality);
  const [least, most] = [Math.min(...qualities), Math.max(...qualities)];
  const y = scale(
    Math.max(0, Math.floor(10 * least) / 10),
    Math.min(1, Math.ceil(10 * most + 0.2) / 10),
    plot.height - plot.bottom,
    plot.top,
    8,
  );
  const place = ({ costUsd, quality }: CostPoint): Point => [x(1000 * costUsd), y(quality)];
  const number = new Map(models.map(({ id: model }, k) => [model, k]));
  const named = namesOf(models);
  const kind = ({ kind: way, name }: CostPoint): string =>
    way === 'model' ? `model-${(number.get(name) ?? 0) % 9}` : `${way}-mark`;
  const said = (point: CostPoint) =>
    `${named(point)}: quality ${point.quality.toFixed(3)}, ${perThousand(point.costUsd)} per 1,000 calls`;
  const sona = costs.filter((point) => point.kind === 'sona');
  // what matters most finds its place first
  const order = [...sona, ...costs.filter((point) => point.kind !== 'sona')];
  const body =
    axes(
      plot,
      { scale: x, label: 'US dollars per 1,000 calls', format: (value) => `$${value.toFixed(2)}` },
      { scale: y, label: 'mean quality', format: (value) => value.toFixed(1) },
    ) +
    line(sona.map(place), 'sona thin') +
    order.map((point) => mark(place(point), shapes[point.kind], kind(point), said(point))).join('') +
    labels(
      [...order, ...costs.filter(({ name }) => name === bestFixed)].map((point, i): Label => {
        const at = place(point);
        if (point.kind === 'sona') {
          // one full name; the others have its colour and the line
          const words = point === sona[0] ? point.name : String(point.costWeight);
          return { at, words, kind: 'sona-text', over: true };
        }
        // the best fixed model comes once more, after all names
        if (i >= order.length) return { at, words: 'best fixed', kind: 'fixed-text', over: true };
        if (plot.width > PHONE) return { at, words: named(point), kind: '' };
        const words = point.kind === 'model' ? String((number.get(point.name) ?? 0) + 1) : point.name;
        return { at, words, kind: '' };
      }),
      {
        left: plot.left + 4,
        right: plot.width - 4,
        top: plot.top - 8,
        bottom: plot.height - plot.bottom,
      },
    );
  return drawing(
    id,
    plot,
    'Cost against quality',
    `${sona.map(said).join('; ')}. The models one by one are in the table below.`,
    body,
  );
}
