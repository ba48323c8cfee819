// What the act of the router says.
import { bold, count, paint } from '../terminal.mts';
import type { Times } from '../times.mts';
import type { RoutingFigures } from './figures.mts';
import { matchedHow, sentence } from './matched.mts';
import type { DomainRow } from './shares.mts';
import type { Stream } from './stream.mts';
import type { Mark } from './worth.mts';

const CELL = 12;
const DOMAIN = 21;
const SHARE = 8;

export const introduction = ({ vectors, models, domains }: Stream): string =>
  `Recorded answers of ${models.length} open models to ${count(vectors.length)} prompts of ${domains.length} kinds (llmrouter9), in random order. Each router\n` +
  'starts from nothing, picks one model for each prompt and gets one number: the score of that answer.';

/** What it is all for, first. */
export function lead({ matched, tokens }: RoutingFigures): string {
  return [
    ...wrapped(sentence(matched)).map((line) => bold(paint(32, line))),
    ...wrapped(`${matchedHow(matched)} ${costsAssumed(tokens)}`),
  ].join('\n');
}

export const costsAssumed = ({ input, output }: RoutingFigures['tokens']): string =>
  `The set records no costs: a call counts as the list price of ${input} tokens in and ${output} out.`;

export const tableIntroduction = ({ bestFixed }: RoutingFigures): string =>
  `Mean score of the answers so far, of the router for quality alone. Best fixed: always ${bestFixed},\n` +
  'which turns out to be the best one. Bandit: looks at no prompt. Oracle: the best answer to each prompt. Regret: what\n' +
  'SONA lost against the oracle, as a multiple of what the best fixed model lost.\n';

const WIDTH = 118;

function wrapped(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

export function head(): string {
  const names = ['SONA', 'best fixed', 'bandit', 'random', 'oracle', 'regret'].map((name) =>
    name.padStart(CELL),
  );
  return bold(`${'prompts'.padStart(9)}${names.join('')}`);
}

export function row({ decisions, sona, bestFixed, bandit, random, oracle, regret }: Mark): string {
  const cells = [sona, bestFixed, bandit, random, oracle].map((value) => value.toFixed(3).padStart(CELL));
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

/** How the explained decisions were chosen. */
export function explainedHow({ explained, drawn, marks }: RoutingFigures): string {
  const first =
    'The first is of the router for quality alone. Its policy, ucb, takes the highest score: a chance of 100 %.';
  if (!explained.some(({ exploration }) => exploration === 'thompson')) return first;
  return (
    `${first} The others are of a router that draws (exploration 'thompson'), from decisions near the end where the model drawn had ` +
    `a chance of at most 70 %. Drawing has its price: a mean score of ${drawn.toFixed(3)}, where ucb has ${marks.at(-1)?.sona.toFixed(3)}.`
  );
}

export function decisionTexts(figures: RoutingFigures): string {
  const { explained } = figures;
  const texts = explained.map(({ decision, prompt, domain, model, chance, quality, table }) =>
    [
      `  Decision ${count(decision)}, prompt ${count(prompt)} (${domain}): ${paint(32, model)}, chance ${(100 * chance).toFixed(0)} %; its answer scored ${quality.toFixed(2)}`,
      ...table.split('\n').map((line) => `    ${line}`),
    ].join('\n'),
  );
  const how = wrapped(explainedHow(figures)).join('\n');
  return `${bold('Decisions explained (explain, explainTable)')}\n${how}\n${texts.join('\n\n')}`;
}
