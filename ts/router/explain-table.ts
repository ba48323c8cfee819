import { invalidArgument } from '../base/errors.ts';
import type { Fallback } from '../embed/fallback.ts';
import type { AnswerLimits, ExplainedCandidate, ExplainedPattern, Explanation } from './explanation.ts';

/** One column: its head, and what it shows of a candidate. */
interface Column {
  head: string;
  /** Words stand left, numbers right. */
  words?: boolean | undefined;
  cell: (candidate: ExplainedCandidate) => string;
}

const columns: readonly Column[] = [
  { head: '', words: true, cell: ({ chosen }) => (chosen ? '>' : ' ') },
  { head: 'model', words: true, cell: ({ model }) => plain(model) },
  { head: 'chance', cell: ({ propensity }) => percent(propensity) },
  { head: 'score', cell: ({ score }) => score.toFixed(3) },
  { head: 'quality', cell: ({ parts }) => parts.quality.toFixed(3) },
  { head: '+optimism', cell: ({ parts }) => parts.optimism.toFixed(3) },
  { head: '+bonus', cell: ({ parts }) => parts.bonus.toFixed(3) },
  { head: '-cost', cell: ({ parts }) => parts.cost.toFixed(3) },
  { head: '-latency', cell: ({ parts }) => parts.latency.toFixed(3) },
  {
    head: 'expected',
    cell: ({ expected }) => `${expected.quality.toFixed(2)} ${interval(expected.interval)}`,
  },
  { head: 'USD', cell: ({ expected }) => (expected.costUsd === null ? '-' : amount(expected.costUsd)) },
  { head: 'ms', cell: ({ expected }) => (expected.latencyMs === null ? '-' : amount(expected.latencyMs)) },
  {
    head: 'tokens',
    // explanations from before answers had lengths have none
    cell: ({ expected }) => (typeof expected.outputTokens === 'number' ? amount(expected.outputTokens) : '-'),
  },
  { head: 'evidence', cell: ({ evidence }) => percent(evidence) },
  { head: 'of', cell: ({ outcomes }) => amount(outcomes) },
  { head: 'ruled out by', words: true, cell: ({ filters }) => filters.join(', ') },
];

/** What a column shows when it has nothing to say; such columns are left out. */
const silent = new Set(['', '-', '0.000', '-0.000']);

/** An explanation as a table for the terminal. Columns in which no model has anything to say are left out. */
export function explainTable(explanation: Explanation): string {
  if (typeof explanation !== 'object' || explanation === null || !Array.isArray(explanation.candidates)) {
    throw invalidArgument('explanation', 'what explain() returns', explanation);
  }
  const { id, model, reason, exploration, difficulty, budgetPrice, basis, fallback, candidates, patterns } =
    explanation;
  const { limits } = explanation;
  const how = { policy: `by the policy, ${exploration}`, session: 'by its session', trial: 'on trial' }[
    reason
  ];
  const facts = [`difficulty ${signed(difficulty)}`, `basis ${plain(basis.id)}`];
  const confidence = candidates.find(({ chosen }) => chosen)?.confidence ?? null;
  if (confidence !== null) facts.unshift(`confidence ${percent(confidence)}`);
  if (budgetPrice !== 0) facts.push(`budget's price ${budgetPrice.toFixed(3)}`);
  if (limits) facts.push(room(limits, candidates));
  const without = fallback ? `, ${withoutPrompt(fallback)}` : '';
  const lines = [
    `decision ${id}: ${plain(model)}, ${how}${without} (${facts.join(', ')})`,
    ...table(candidates),
  ];
  if (patterns) lines.push(...patternLines(patterns));
  return lines.join('\n');
}

/** Settings that cut answers, as the core knows them. */
const limiting = new Set([
  'maxTokens',
  'maxOutputTokens',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
]);

/** A setting that cuts answers says nothing of how many it leaves whole. */
function room({ maxTokens, quantile }: AnswerLimits, candidates: readonly ExplainedCandidate[]): string {
  const settings = candidates.find(({ chosen }) => chosen)?.settings ?? {};
  const isSet = Object.entries(settings).some(
    ([name, value]) => limiting.has(name) && typeof value === 'number' && Math.floor(value) === maxTokens,
  );
  return `maxTokens ${maxTokens} ${isSet ? 'by its settings' : `for ${Number((100 * quantile).toPrecision(6))}% of answers`}`;
}

function withoutPrompt({ reason, message }: Fallback): string {
  if (reason === 'language') return 'of a language that the embedder does not know';
  return `without the prompt: ${reason}${message === undefined ? '' : `, ${plain(message)}`}`;
}

function table(candidates: readonly ExplainedCandidate[]): string[] {
  const cells = columns.map(({ cell }) => candidates.map(cell));
  const shown = columns
    .map((column, i) => ({ ...column, cells: cells[i] as string[] }))
    .filter((column) => column.cells.some((cell) => !silent.has(cell)));
  const widths = shown.map(({ head, cells }) => Math.max(head.length, ...cells.map(({ length }) => length)));
  const line = (words: readonly string[]) =>
    words
      .map((word, i) =>
        shown[i]?.words ? word.padEnd(widths[i] as number) : word.padStart(widths[i] as number),
      )
      .join('  ')
      .trimEnd();
  return [
    line(shown.map(({ head }) => head)),
    ...candidates.map((_, row) => line(shown.map(({ cells }) => cells[row] as string))),
  ];
}

function patternLines(patterns: readonly ExplainedPattern[]): string[] {
  if (patterns.length === 0) return ['no patterns near'];
  return patterns.map(({ similarity, avgQuality, clusterSize, routes }) => {
    const best = Object.entries(routes)
      .sort(([, a], [, b]) => b.avgQuality - a.avgQuality)
      .map(([route, { count, avgQuality }]) => `${plain(route)} ${avgQuality.toFixed(2)} of ${count}`);
    const of = best.length > 0 ? `: ${best.join(', ')}` : '';
    return `pattern at ${similarity.toFixed(2)}, quality ${avgQuality.toFixed(2)} of ${clusterSize}${of}`;
  });
}

function interval([low, high]: readonly [number, number]): string {
  return `${low.toFixed(2)}-${high.toFixed(2)}`;
}

function signed(number: number): string {
  return `${number < 0 ? '' : '+'}${number.toFixed(3)}`;
}

/** Near the ends a digit more; what is nearly certain is not shown as certain. */
function percent(share: number): string {
  if (share > 0 && share < 0.001) return '<0.1%';
  if (share > 0.999 && share < 1) return '>99.9%';
  const middle = share === 0 || share === 1 || (share >= 0.01 && share <= 0.99);
  return `${(100 * share).toFixed(middle ? 0 : 1)}%`;
}

/** A name on one line, whatever it has in it. */
function plain(name: string): string {
  return name.replace(/\p{Cc}/gu, '?');
}

/** Three digits that count. */
function amount(number: number): string {
  if (number === 0) return '0';
  return number >= 1000 ? Math.round(number).toString() : Number(number.toPrecision(3)).toString();
}
