// By how much SONA is ahead of the best fixed model: the difference of two lines that lie close together in the regret.
import type { RoutingFigures } from '../routing/figures.mts';
import { scale } from './scale.mts';
import { axes, chart, drawing, line, PHONE, type Plot, type Point, text } from './svg.mts';
import { figures, sampled, table } from './table.mts';
import { count } from './text.mts';

const plots = {
  wide: { width: 860, height: 270, left: 64, right: 150, top: 44, bottom: 52, ticks: 6 },
  narrow: { width: PHONE, height: 260, left: 40, right: 86, top: 44, bottom: 52, ticks: 3 },
};

export function leadChart({ regret: { decisions, sona, bestFixed } }: RoutingFigures): string {
  const lead = sona.map((lost, i) => (bestFixed[i] as number) - lost);
  const rows = sampled(decisions).map((i) => [count(decisions[i] as number), (lead[i] as number).toFixed(1)]);
  return (
    chart('lead', plots, (plot, id) => draw(plot, id, decisions, lead)) +
    figures(table('Quality gained on the best fixed model, summed up', ['decisions', 'gained'], rows))
  );
}

function draw(plot: Plot, id: string, decisions: readonly number[], lead: readonly number[]): string {
  const last = decisions.at(-1) ?? 1;
  const end = lead.at(-1) ?? 0;
  const x = scale(0, last, plot.left, plot.width - plot.right, plot.ticks);
  const most = Math.max(1, ...lead);
  const least = Math.min(0, ...lead);
  const room = 0.08 * (most - least);
  const y = scale(least < 0 ? least - room : 0, most + room, plot.height - plot.bottom, plot.top, 6);
  const points = lead.map((value, i): Point => [x(decisions[i] as number), y(value)]);
  const zero = line(
    [
      [plot.left, y(0)],
      [plot.width - plot.right, y(0)],
    ],
    'fixed level',
  );
  const right = plot.width - plot.right + 10;
  const body =
    axes(
      plot,
      { scale: x, label: 'decisions', format: count },
      { scale: y, label: 'quality gained on the best fixed model, summed up', format: count },
    ) +
    zero +
    line(points, 'sona') +
    text([right, y(0) + 4], 'best fixed', { kind: 'name fixed-text' }) +
    text([right, y(end) + (Math.abs(y(end) - y(0)) < 16 ? -12 : 4)], `SONA ${signed(end)}`, {
      kind: 'name sona-text',
    });
  return drawing(
    id,
    plot,
    'Quality gained on the best fixed model',
    `After ${count(last)} decisions SONA has gained ${signed(end)} points of quality on the best fixed model; at the lowest it was ${signed(least)}.`,
    body,
  );
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${count(Math.abs(value))}`;
