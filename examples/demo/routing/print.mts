// What the act of the router says.
import { bold, count, paint } from '../terminal.mts';
import type { Times } from '../times.mts';
import type { RoutingFigures } from './figures.mts';
import type { DomainRow } from './shares.mts';
import type { Stream } from './stream.mts';
import type { Mark } from './worth.mts';

const CELL = 12;
const DOMAIN = 21;
const SHARE = 8;

export const introduction = ({ vectors, models, domains }: Stream, best: number): string =>
  `llmrouter9: ${count(vectors.length)} prompts of ${domains.length} kinds that ${models.length} open models have answered, in random order.\n` +
  'SONA starts from nothing, picks one model for each prompt and hears one thing: how good that answer was.\n' +
  `Counted: the mean quality of the answers so far. Best fixed: always ${models[best]?.id}, which turns\n` +
  'out to be the best one. Oracle: the best answer to each prompt. Regret: what SONA lost against the oracle,\n' +
  'as a multiple of what the best fixed model lost.';

export function head(): string {
  const names = ['SONA', 'best fixed', 'random', 'oracle', 'regret'].map((name) => name.padStart(CELL));
  return bold(`${'prompts'.padStart(9)}${names.join('')}`);
}

export function row({ decisions, sona, bestFixed, random, oracle, regret }: Mark): string {
  const cells = [sona, bestFixed, random, oracle].map((value) => value.toFixed(3).padStart(CELL));
  cells[0] = paint(32, cells[0] as string);
  return `${count(decisions).padStart(9)}${cells.join('')}${(regret?.toFixed(2) ?? '-').padStart(CELL)}`;
}

export function conclusion({ marks, last, micros, models, bestFixed }: RoutingFigures): string {
  const all = marks.at(-1) as Mark;
  const microseconds = ({ median, p99 }: Times) => `${median.toFixed(0)} (99 %: ${p99.toFixed(0)})`;
  return [
    bold('What was learned'),
    `  All ${count(all.decisions)}: mean quality ${all.sona.toFixed(3)}, always ${bestFixed} ${all.bestFixed.toFixed(3)}, random ${all.random.toFixed(3)}.`,
    `  The last ${count(last.decisions)}: ${last.sona.toFixed(3)} against ${last.bestFixed.toFixed(3)} and ${last.random.toFixed(3)}. One order of the prompts; npm run bench:routing has 20.`,
    `  Microseconds per decision among ${models.length} models: ${microseconds(micros.route)}; per outcome: ${microseconds(micros.feedback)}.`,
  ].join('\n');
}

export function domainTable({ models, domainShares: { window, rows } }: RoutingFigures): string {
  const names = models.map(({ id }, k) => `${k + 1} ${id}`);
  const width = Math.max(...names.map((name) => name.length)) + 3;
  const legend: string[] = [];
  for (let k = 0; k < names.length; k += 3) {
    legend.push(
      `  ${names
        .slice(k, k + 3)
        .map((name) => name.padEnd(width))
        .join('')}`.trimEnd(),
    );
  }
  const numbers = models.map((_, k) => ` ${' '.repeat(3)}${k + 1}`.padEnd(SHARE)).join('');
  return [
    bold(
      `Who got the prompts of each kind, in %: of the first ${count(window)} → of the last ${count(window)}`,
    ),
    ...legend,
    bold(`${' '.repeat(DOMAIN)}${numbers}`),
    ...rows.map((row) => row.domain.padEnd(DOMAIN) + shareCells(row).join('')),
  ].join('\n');
}

function shareCells({ before, after }: DomainRow): string[] {
  const most = Math.max(...(after.shares ?? []));
  const width = (before.shares ?? after.shares ?? []).length;
  return Array.from({ length: width }, (_, k) => {
    const cell = ` ${percent(before.shares?.[k]).padStart(3)}→${percent(after.shares?.[k]).padEnd(3)}`;
    return after.shares?.[k] === most ? bold(cell) : cell;
  });
}

const percent = (share: number | undefined): string => {
  if (share === undefined) return '-';
  return share === 0 ? '·' : (100 * share).toFixed(0);
};

export function decisionTexts({ explained }: RoutingFigures): string {
  const texts = explained.map(({ decision, prompt, domain, model, quality, table }) =>
    [
      `  Decision ${count(decision)}, prompt ${count(prompt)} (${domain}): ${paint(32, model)}; its answer was worth ${quality.toFixed(2)}`,
      ...table.split('\n').map((line) => `    ${line}`),
    ].join('\n'),
  );
  return `${bold('Decisions explained (explain, explainTable)')}\n${texts.join('\n\n')}`;
}
