// Cost against quality as a picture of its own, for light and dark pages: one file that needs no style sheet and no font.
import type { CostPoint } from '../routing/costs.mts';
import { type Matched, matchedHow, sentence } from '../routing/matched.mts';
import { type Label, labels } from './labels.mts';
import { type Colours, inDark, inLight } from './palette.mts';
import { ceiling, scale } from './scale.mts';
import { axes, line, mark, type Plot, type Point, type Shape } from './svg.mts';
import { count, escaped, perThousand } from './text.mts';

/** Means over several orders of the same prompts. */
export interface PictureData {
  prompts: number;
  /** Their orders' seeds. */
  seeds: number[];
  points: CostPoint[];
  matched: Matched;
}

const plot: Plot = { width: 860, height: 480, left: 56, right: 320, top: 44, bottom: 52, ticks: 6 };

const shapes: Record<CostPoint['kind'], Shape> = {
  model: 'circle',
  sona: 'diamond',
  bandit: 'cross',
  random: 'square',
  oracle: 'triangle',
};

/** Colours as such and not as variables: not every viewer of pictures knows those. */
const colours = ({ back, text, soft, grid, sona, fixed, random, bandit }: Colours): string =>
  `.back{fill:${back}}text{fill:${text}}.tick,.label{fill:${soft}}.name{stroke:${back}}.grid{stroke:${grid}}.axis,.leader{stroke:${soft}}` +
  `.sona{stroke:${sona}}.mark{stroke:${back};fill:${soft}}.sona-mark,.sona-text{fill:${sona}}.fixed-mark,.fixed-text{fill:${fixed}}` +
  `.random-mark{fill:${random}}.bandit-mark,.bandit-text{fill:${bandit}}.oracle-mark{fill:${text}}`;

const style =
  'text{font:13px system-ui,sans-serif}.name{font-weight:600;paint-order:stroke;stroke-width:3.5px;stroke-linejoin:round}' +
  '.line{fill:none;stroke-width:2}.mark{stroke-width:1.5}.leader{fill:none;stroke-width:1}' +
  `${colours(inLight)}@media (prefers-color-scheme:dark){${colours(inDark)}}`;

export function picture({ prompts, seeds, points, matched }: PictureData): string {
  const { fixed } = matched;
  const x = scale(
    0,
    ceiling(1000 * Math.max(...points.map(({ costUsd }) => costUsd)) * 1.02, plot.ticks),
    plot.left,
    plot.width - plot.right,
    plot.ticks,
  );
  const qualities = points.map(({ quality }) => quality);
  const y = scale(
    Math.max(0, Math.floor(10 * Math.min(...qualities)) / 10),
    Math.min(1, Math.ceil(10 * Math.max(...qualities) + 0.2) / 10),
    plot.height - plot.bottom,
    plot.top,
    8,
  );
  const place = ({ costUsd, quality }: CostPoint): Point => [x(1000 * costUsd), y(quality)];
  const sona = points.filter(({ kind }) => kind === 'sona');
  const best = points.filter(({ name }) => name === fixed.name);
  const others = points
    .filter((point) => point.kind !== 'sona' && point.name !== fixed.name)
    .sort((a, b) => a.quality - b.quality);
  // short labels choose their places first
  const order = [...sona.slice(1), ...best, ...sona.slice(0, 1), ...others];
  const kindOf = (point: CostPoint): string => (point.name === fixed.name ? 'fixed' : point.kind);
  const said = ({ name, quality, costUsd }: CostPoint): string =>
    `${name}: quality ${quality.toFixed(3)}, ${perThousand(costUsd)} per 1,000 calls`;
  const label = (point: CostPoint): Label => {
    const at = place(point);
    const words = {
      sona: point === sona[0] ? 'SONA, weight of cost 0' : String(point.costWeight),
      fixed: `${point.name}, best fixed`,
    };
    const kind = kindOf(point);
    if (kind === 'sona') return { at, words: words.sona, kind: 'sona-text', over: true };
    if (kind === 'fixed') return { at, words: words.fixed, kind: 'fixed-text' };
    return { at, words: point.name, kind: kind === 'bandit' ? 'bandit-text' : '' };
  };
  const description =
    `Recorded scores of ${count(prompts)} prompts (llmrouter9), each answer's from 0 to 1; means over the whole stream, learning included, ` +
    `and over ${seeds.length} orders, seeds ${seeds[0]} to ${seeds.at(-1)}. ${sentence(matched)} ${matchedHow(matched)} ${points.map(said).join('; ')}.`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${plot.width} ${plot.height}" role="img" aria-labelledby="name text">` +
    `<title id="name">Cost against quality</title>\n<desc id="text">${escaped(description)}</desc>\n<style>${style}</style>\n` +
    `<rect class="back" width="${plot.width}" height="${plot.height}" rx="8"/>\n` +
    `${axes(
      plot,
      {
        scale: x,
        label: 'US dollars per 1,000 calls (less is better)',
        format: (value) => `$${value.toFixed(2)}`,
      },
      { scale: y, label: 'mean score of the answers (more is better)', format: (value) => value.toFixed(1) },
    )}\n${line(sona.map(place), 'sona')}\n` +
    `${order.map((point) => mark(place(point), shapes[point.kind], `${kindOf(point)}-mark`, said(point))).join('\n')}\n` +
    `${labels(order.map(label), {
      left: plot.left + 4,
      right: plot.width - 4,
      top: plot.top - 8,
      bottom: plot.height - plot.bottom,
    })}</svg>\n`
  );
}
