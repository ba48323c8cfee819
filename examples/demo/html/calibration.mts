// Whether what is expected comes: a point per tenth of the decisions.

import { NORMAL_90 } from '../routing/calibration.mts';
import type { RoutingFigures } from '../routing/figures.mts';
import { scale } from './scale.mts';
import { axes, chart, drawing, line, mark, PHONE, type Plot, text } from './svg.mts';
import { figures, table } from './table.mts';
import { count, px } from './text.mts';

const plots = {
  wide: { width: 560, height: 520, left: 56, right: 24, top: 44, bottom: 52, ticks: 5 },
  narrow: { width: PHONE, height: 340, left: 40, right: 16, top: 44, bottom: 52, ticks: 5 },
};
const tenth = (value: number): string => value.toFixed(1);

export function calibrationChart({ calibration }: RoutingFigures): string {
  const rows = calibration.bins.map((bin) => [
    bin.expected.toFixed(3),
    `${bin.low.toFixed(3)} to ${bin.high.toFixed(3)}`,
    bin.realised.toFixed(3),
    bin.error.toFixed(3),
    count(bin.decisions),
    bin.inside ? 'yes' : 'no',
  ]);
  const columns = ['expected', '90 % interval', 'came', 'standard error', 'decisions', 'inside'];
  return (
    chart('calibration', plots, (plot, id) => draw(plot, id, calibration)) +
    figures(table('By tenths of the expected quality', columns, rows))
  );
}

function draw(plot: Plot, id: string, { bins, decisions }: RoutingFigures['calibration']): string {
  const x = scale(0, 1, plot.left, plot.width - plot.right, plot.ticks);
  const y = scale(0, 1, plot.height - plot.bottom, plot.top, 5);
  const clip = (value: number) => Math.min(1, Math.max(0, value));
  const parts = bins.map(({ expected, realised, low, high, error, inside }) => {
    const at = px(x(expected));
    const [top, bottom] = [high + NORMAL_90 * error, low - NORMAL_90 * error].map((v) => y(clip(v)));
    const said = `expected ${expected.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)}), came ${realised.toFixed(2)}`;
    return (
      `<line class="reach" x1="${at}" x2="${at}" y1="${px(top as number)}" y2="${px(bottom as number)}"/>` +
      `<line class="interval" x1="${at}" x2="${at}" y1="${px(y(clip(high)))}" y2="${px(y(clip(low)))}"/>` +
      mark([x(expected), y(realised)], inside ? 'circle' : 'triangle', inside ? 'sona-mark' : 'outside', said)
    );
  });
  const inside = bins.filter((bin) => bin.inside).length;
  const diagonal = line(
    [
      [x(0), y(0)],
      [x(1), y(1)],
    ],
    'diagonal',
  );
  const body =
    axes(
      plot,
      { scale: x, label: 'expected quality of the chosen model', format: tenth },
      { scale: y, label: 'quality that came', format: tenth },
    ) +
    diagonal +
    text([x(0.13), y(0.13) + 14], 'as expected', { kind: 'tick' }) +
    parts.join('');
  return drawing(
    id,
    plot,
    'Expected against realised quality',
    `Of ${bins.length} groups of the last ${count(decisions)} decisions ${inside} came inside their 90 % interval.`,
    body,
  );
}
