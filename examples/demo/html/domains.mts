// Which model got the prompts of each kind, before and after, as a table with shaded cells.
import type { RoutingFigures } from '../routing/figures.mts';
import { scrollable } from './table.mts';
import { count, escaped } from './text.mts';

export function domainTable({ models, domainShares: { window, rows } }: RoutingFigures): string {
  const head = models.map(
    ({ id }, k) =>
      `<th scope="col"><span class="swatch back-${k % 9}">${k + 1}</span><br>${breakable(id)}</th>`,
  );
  const body = rows.map(({ domain, before, after }) => {
    const cells = models.map((_, k) => {
      const [was, is] = [before.shares?.[k], after.shares?.[k]];
      const shade = is === undefined ? 0 : Math.round(100 * is);
      return `<td style="--shade:${shade}%">${percent(was)} → <b>${percent(is)}</b></td>`;
    });
    return `<tr><th scope="row">${escaped(domain)}</th>${cells.join('')}</tr>`;
  });
  const caption = `Share of the prompts in %, of the first ${count(window)} decisions → of the last ${count(window)}. The darker, the larger at the end.`;
  return scrollable(
    `<table class="domains"><caption>${caption}</caption><thead><tr><th scope="col">kind of prompt</th>${head.join('')}</tr></thead>` +
      `<tbody>${body.join('')}</tbody></table>`,
  );
}

const percent = (share: number | undefined): string => (share === undefined ? '–' : (100 * share).toFixed(0));

/** Long names may break after a hyphen. */
const breakable = (id: string): string => escaped(id).replaceAll('-', '-<wbr>');
