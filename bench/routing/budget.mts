// What a router with a budget spends: over the whole run and over each window of it, also when prices change and when
// outcomes come late.
import { judge, show, type Verdict } from '../lib/bars.mts';
import { countMissed, line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import { columnMeans, type Stream } from '../lib/stream.mts';
import { budget as bars, decisive } from './bars.mts';
import { type Episode, episode, type Protocol } from './protocol.mts';
import { type BasisChoice, Routed, SONA } from './sona.mts';
import { inOrder, walk } from './world.mts';

const WIDTH = 14;

/** Decisions at the start that nobody is held to. */
const START = 200;

const WINDOW = 500;

/** Between the cheapest and the dearest model's mean call, on a logarithmic scale. */
const LEVELS = [0.2, 0.4, 0.6, 0.8];

interface Case {
  name: string;
  /** Every price is so many times as high from half time on. */
  factor: number;
  delay: number;
  /** Costs of which nothing is known at the start and that come late leave nothing to hold: shown, not judged. */
  judged: boolean;
}

const cases: readonly Case[] = [
  { name: 'steady', factor: 1, delay: 0, judged: true },
  { name: 'prices double', factor: 2, delay: 0, judged: true },
  { name: 'prices halve', factor: 0.5, delay: 0, judged: true },
  { name: 'outcomes 50 late', factor: 1, delay: 50, judged: false },
];

export interface BudgetRow {
  set: string;
  scenario: string;
  budgetUsd: number;
  /** Spend as a multiple of the budget, after the start. */
  whole: Estimate;
  worstWhole: number;
  /** The worst window's, less its dearest call; of the worst seed. */
  worstWindow: number;
  quality: Estimate;
  /** What the best mixture of fixed models within the budget has, known beforehand. */
  bestMixture: number;
}

interface Spending {
  whole: number;
  window: number;
  quality: number;
}

export function budgetTable(stream: Stream, protocol: Protocol, basis: BasisChoice): Table<BudgetRow> {
  const k = stream.models.length;
  const episodes = Array.from({ length: protocol.seeds }, (_, seed) => episode(stream, seed, protocol));
  const rounds = episodes[0]?.order.length ?? 0;
  const costs = [...columnMeans(stream.cost, k)];
  const qualities = [...columnMeans(stream.quality, k)];
  const [cheapest, dearest] = [Math.min(...costs), Math.max(...costs)];
  console.log(
    `\n${stream.name}: budgets per request, ${rounds} prompts, recorded costs; ${seedsOf(protocol.seeds)}\n` +
      `Spend over budget after ${START} decisions; the worst ${WINDOW} decisions less their dearest call; quality beside that of ` +
      'the best mixture\nof fixed models within the budget, which takes knowing all means.',
  );
  console.log(
    line('', ['budget USD', 'spend', 'worst seed', 'worst window', 'quality', 'mixture', '', ''], WIDTH),
  );
  const table: Table<BudgetRow> = { rows: [], missed: 0 };
  for (const level of LEVELS) {
    const budgetUsd = cheapest * (dearest / cheapest) ** level;
    for (const situation of cases) {
      const runs = episodes.map((each) => spend(stream, each, { budgetUsd, basis, ...situation }));
      const half = (times: number): number => bestMixture(qualities, costs, budgetUsd / times);
      const row: BudgetRow = {
        set: stream.name,
        scenario: situation.name,
        budgetUsd,
        whole: estimate(runs.map(({ whole }) => whole)),
        worstWhole: Math.max(...runs.map(({ whole }) => whole)),
        worstWindow: Math.max(...runs.map(({ window }) => window)),
        quality: estimate(runs.map(({ quality }) => quality)),
        bestMixture: (half(1) + half(situation.factor)) / 2,
      };
      table.rows.push(row);
      table.missed += printRow(row, situation.judged && decisive(protocol));
    }
  }
  table.missed += infeasible(stream, episodes[0] as Episode, cheapest / 2, basis);
  return table;
}

/** Answers how many bars the row missed. */
function printRow(row: BudgetRow, judged: boolean): number {
  const verdicts: Verdict[] = !judged
    ? []
    : [judge(row.worstWhole, bars.whole, 3), judge(row.worstWindow, bars.window, 3)];
  const cells = [
    row.budgetUsd.toPrecision(3),
    plusMinus(row.whole, 3),
    row.worstWhole.toFixed(3),
    row.worstWindow.toFixed(3),
    plusMinus(row.quality, 3),
    row.bestMixture.toFixed(3),
    ...verdicts.map(show),
  ];
  console.log(line(row.scenario, cells, WIDTH));
  return countMissed(verdicts);
}

function spend(
  stream: Stream,
  { seed, order }: Episode,
  {
    budgetUsd,
    basis,
    factor,
    delay,
  }: Omit<Case, 'name' | 'judged'> & { budgetUsd: number; basis: BasisChoice },
): Spending {
  const k = stream.models.length;
  const half = Math.floor(order.length / 2);
  const quality = inOrder(stream.quality, k, order);
  const cost = inOrder(stream.cost, k, order).map((usd, cell) => (cell < half * k ? usd : usd * factor));
  const policy = new Routed(stream, basis, seed, { objective: { budgetUsdPerRequest: budgetUsd } });
  const outcome = (round: number, model: number): { quality: number; costUsd: number } => ({
    quality: quality[round * k + model] as number,
    costUsd: cost[round * k + model] as number,
  });
  const chosen = walk(policy, { stream, order, half, worth: quality, outcome, delay });
  policy.close();
  const pick = (values: Float64Array): Float64Array =>
    Float64Array.from(chosen, (model, t) => values[t * k + model] as number).subarray(START);
  const spent = pick(cost);
  const sum = spent.reduce((a, b) => a + b, 0);
  const got = pick(quality);
  return {
    whole: sum / (spent.length * budgetUsd),
    window: worstWindow(spent, budgetUsd),
    quality: got.reduce((a, b) => a + b, 0) / got.length,
  };
}

/** Spend over budget of the worst window, its dearest call taken off. */
function worstWindow(spent: Float64Array, budgetUsd: number): number {
  const width = Math.min(WINDOW, spent.length);
  let worst = 0;
  for (let from = 0; from + width <= spent.length; from++) {
    const window = spent.subarray(from, from + width);
    const sum = window.reduce((a, b) => a + b, 0);
    worst = Math.max(worst, (sum - Math.max(...window)) / (width * budgetUsd));
  }
  return worst;
}

/** The most quality that one model, or two in some proportion, have on average within the budget. */
export function bestMixture(
  qualities: readonly number[],
  costs: readonly number[],
  budgetUsd: number,
): number {
  let best = Number.NaN;
  costs.forEach((low, i) => {
    costs.forEach((high, j) => {
      if (low > budgetUsd || high < low) return;
      const share = high === low ? 1 : Math.min(1, (budgetUsd - low) / (high - low));
      const mixed = (1 - share) * (qualities[i] as number) + share * (qualities[j] as number);
      if (!(mixed <= best)) best = mixed;
    });
  });
  return best;
}

/** Whether a budget that nobody can keep is reported. Answers how many bars it missed. */
function infeasible(stream: Stream, { seed, order }: Episode, budgetUsd: number, basis: BasisChoice): number {
  const k = stream.models.length;
  const policy = new Routed(stream, basis, seed, { objective: { budgetUsdPerRequest: budgetUsd } });
  let reported: { decision: number; cheapestUsd: number } | undefined;
  policy.router.on('budgetInfeasible', ({ cheapestUsd }) => {
    reported ??= { decision: policy.decisions, cheapestUsd };
  });
  const worth = inOrder(stream.quality, k, order);
  const cost = inOrder(stream.cost, k, order);
  const outcome = (round: number, model: number): { quality: number; costUsd: number } => ({
    quality: worth[round * k + model] as number,
    costUsd: cost[round * k + model] as number,
  });
  walk(policy, { stream, order, half: order.length, worth, outcome });
  policy.close();
  const budget = `A budget of ${budgetUsd.toPrecision(3)}, half of the cheapest model's mean call`;
  console.log(
    reported
      ? `${budget}: reported at decision ${reported.decision}, the cheapest at ${reported.cheapestUsd.toPrecision(3)}, met`
      : `${budget}: ${SONA} never reported it, missed`,
  );
  return Number(!reported);
}
