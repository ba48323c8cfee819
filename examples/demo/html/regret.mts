// Cumulative regret over decisions.
import type { RoutingFigures } from '../routing/figures.mts';
import { apart } from './labels.mts';
import { ceiling, scale } from './scale.mts';
import { axes, chart, drawing, line, PHONE, type Plot, type Point, text } from './svg.mts';
import { figures, sampled, table } from './table.mts';
import { count } from './text.mts';

const plots = {
  wide: { width: 860, height: 400, left: 64, right: 150, top: 44, bottom: 52, ticks: 6 },
  narrow: { width: PHONE, height: 340, left: 44, right: 112, top: 44, bottom: 52, ticks: 2 },
};

export const regretChart = (found: RoutingFigures): string =>
  chart('regret', plots, (plot, id) => draw(plot, id, found)) + regretTable(found);

function draw(plot: Plot, id: string, { regret, bestFixed }: RoutingFigures): string {
  const { decisions } = regret;
  const series = [
    { name: 'random', kind: 'random', values: regret.random },
    { name: 'bandit', kind: 'bandit', values: regret.bandit },
    { name: 'best fixed', kind: 'fixed', values: regret.bestFixed },
    { name: 'SONA', kind: 'sona', values: regret.sona },
  ];
  const last = decisions.at(-1) ?? 1;
  const most = Math.max(1, ...series.flatMap(({ values }) => values));
  const x = scale(0, last, plot.left, plot.width - plot.right, plot.ticks);
  const y = scale(0, ceiling(most, 5), plot.height - plot.bottom, plot.top, 5);
  const ends = series.map(({ values }) => y(values.at(-1) ?? 0));
  const heights = apart(ends, plot.top, plot.height - plot.bottom);
  const lines = series.map(({ name, kind, values }, i) => {
    const points = values.map((value, at): Point => [x(decisions[at] as number), y(value)]);
    const label: Point = [plot.width - plot.right + 10, (heights[i] as number) + 4];
    return (
      line(points, kind) + text(label, `${name} ${count(values.at(-1) ?? 0)}`, { kind: `name ${kind}-text` })
    );
  });
  const body =
    axes(
      plot,
      { scale: x, label: 'decisions', format: count },
      { scale: y, label: 'quality lost on the best answers, summed up', format: count },
    ) + lines.join('');
  return drawing(
    id,
    plot,
    'Cumulative regret over decisions',
    `After ${count(last)} decisions SONA has lost ${count(regret.sona.at(-1) ?? 0)} points of quality on the best answers, ` +
      `always choosing ${bestFixed} ${count(regret.bestFixed.at(-1) ?? 0)}, a bandit without context ${count(regret.bandit.at(-1) ?? 0)}, choosing at random ${count(regret.random.at(-1) ?? 0)}.`,
    body,
  );
}

function regretTable({ regret: { decisions, ...curves } }: RoutingFigures): string {
  const { sona, bestFixed, bandit, random } = curves;
  const rows = sampled(decisions).map((i) => [
    count(decisions[i] as number),
    ...[sona, bestFixed, bandit, random].map((curve) => (curve[i] as number).toFixed(1)),
  ]);
  const columns = ['decisions', 'SONA', 'best fixed', 'bandit', 'random'];
  return figures(table('Cumulative regret', columns, rows));
}
