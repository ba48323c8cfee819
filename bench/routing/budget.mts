// What a router with a budget spends: over the whole run and over each window of it, also when prices change and when
// outcomes come late; and what it gets for the money, beside the best mixture of two fixed models.
import { judge, show, type Verdict } from '../lib/bars.mts';
import { countMissed, line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import { columnMeans, type Stream } from '../lib/stream.mts';
import { budget as bars, decisive, mixture as mixtureBar, useOf } from './bars.mts';
import {
  bestMixture,
  ends,
  evenBudgets,
  gapRecovered,
  type Means,
  mixtureFor,
  withCosts,
} from './mixture.mts';
import { type Episode, episode, mean, type Protocol } from './protocol.mts';
import { type BasisChoice, Routed, SONA } from './sona.mts';
import { inOrder, meansOver, walk } from './world.mts';

const WIDTH = 16;

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

/** Parts of the way from the cheapest model's cost to the best one's, for the average gap recovered. */
const PARTS = 5;

/** Sets whose costs are what calls were billed; all others' are estimates, from list prices and lengths. */
const recorded = ['paretobandit4'];

/** Whether the spend on a set is judged, also when prices change: recorded costs alone. */
const isRecorded = ({ set }: Stream): boolean => recorded.includes(set);

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
  second: SecondHalf;
}

/** Over the second half of the stream. */
interface SecondHalf {
  spentUsd: Estimate;
  quality: Estimate;
  /** What the best mixture of two fixed models has that spends as much, known in hindsight. */
  mixture: Estimate;
  /** Quality less the mixture's, in pairs. */
  more: Estimate;
}

export interface GapRow {
  set: string;
  scenario: 'gap recovered';
  /** Mean over the budgets. */
  apgr: Estimate;
  /** Of the best mixture of two fixed models within each budget. */
  mixture: Estimate;
  /** Spend of the second half over the budget. */
  spend: Estimate;
}

interface Spending {
  whole: number;
  window: number;
  quality: number;
  second: { spentUsd: number; quality: number; means: Means };
}

export function budgetTable(
  whole: Stream,
  protocol: Protocol,
  basis: BasisChoice,
): Table<BudgetRow | GapRow> {
  const stream = withCosts(whole);
  const k = stream.models.length;
  const episodes = Array.from({ length: protocol.seeds }, (_, seed) => episode(stream, seed, protocol));
  const rounds = episodes[0]?.order.length ?? 0;
  const means = { costs: [...columnMeans(stream.cost, k)], qualities: [...columnMeans(stream.quality, k)] };
  const [cheapest, dearest] = [Math.min(...means.costs), Math.max(...means.costs)];
  const kind = isRecorded(stream) ? 'recorded costs' : 'estimated costs';
  const judged = decisive(protocol);
  console.log(
    `\n${stream.name} (${useOf(stream.name)}): budgets per request, ${rounds} prompts, ${k} models, ${kind}; ${seedsOf(protocol.seeds)}\n` +
      `Spend over budget after ${START} decisions; the worst ${WINDOW} decisions less their dearest call; quality beside that of ` +
      'the best mixture\nof fixed models within the budget, which takes knowing all means. Second half: quality, the best ' +
      'mixture of two that spends as much there, and the difference.',
  );
  const heads = ['budget USD', 'spend', 'worst order', 'worst window', 'quality', 'mixture'];
  console.log(line('', [...heads, '2nd half', 'mixture', 'difference'], WIDTH));
  const table: Table<BudgetRow | GapRow> = { rows: [], missed: 0 };
  for (const level of LEVELS) {
    const budgetUsd = cheapest * (dearest / cheapest) ** level;
    for (const situation of isRecorded(stream) ? cases : cases.slice(0, 1)) {
      const runs = episodes.map((each) => spend(stream, each, { budgetUsd, basis, ...situation }));
      const half = (times: number): number => bestMixture(means, budgetUsd / times);
      const row: BudgetRow = {
        set: stream.name,
        scenario: situation.name,
        budgetUsd,
        whole: estimate(runs.map(({ whole }) => whole)),
        worstWhole: Math.max(...runs.map(({ whole }) => whole)),
        worstWindow: Math.max(...runs.map(({ window }) => window)),
        quality: estimate(runs.map(({ quality }) => quality)),
        bestMixture: (half(1) + half(situation.factor)) / 2,
        second: secondHalf(runs),
      };
      table.rows.push(row);
      table.missed += printRow(row, {
        spend: judged && situation.judged && isRecorded(stream),
        mixture: judged && situation.factor === 1 && situation.delay === 0,
      });
    }
  }
  const gap = gapRow(stream, episodes, basis, means);
  if (gap) table.rows.push(gap);
  if (isRecorded(stream)) table.missed += infeasible(stream, episodes[0] as Episode, cheapest / 2, basis);
  return table;
}

function secondHalf(runs: readonly Spending[]): SecondHalf {
  const mixtures = runs.map(({ second: { means, spentUsd } }) => mixtureFor(means, spentUsd));
  return {
    spentUsd: estimate(runs.map(({ second }) => second.spentUsd)),
    quality: estimate(runs.map(({ second }) => second.quality)),
    mixture: estimate(mixtures),
    more: estimate(runs.map(({ second }, i) => second.quality - (mixtures[i] as number))),
  };
}

/** Answers how many bars the row missed. */
function printRow(row: BudgetRow, judged: { spend: boolean; mixture: boolean }): number {
  const verdicts: Verdict[] = [
    ...(judged.spend ? [judge(row.worstWhole, bars.whole, 3), judge(row.worstWindow, bars.window, 3)] : []),
    ...(judged.mixture ? [judge(row.second.more.mean, mixtureBar, 3)] : []),
  ];
  const cells = [
    row.budgetUsd.toPrecision(3),
    plusMinus(row.whole, 3),
    row.worstWhole.toFixed(3),
    row.worstWindow.toFixed(3),
    plusMinus(row.quality, 3),
    row.bestMixture.toFixed(3),
    row.second.quality.mean.toFixed(3),
    row.second.mixture.mean.toFixed(3),
    plusMinus(row.second.more, 3),
    ...verdicts.map(show),
  ];
  console.log(line(row.scenario, cells, WIDTH));
  return countMissed(verdicts);
}

/** The area under quality against cost, on the scale of RouteLLM: prints it. Undefined where the cheapest model is the best. */
function gapRow(
  stream: Stream,
  episodes: readonly Episode[],
  basis: BasisChoice,
  means: Means,
): GapRow | undefined {
  const found = ends(means);
  if (!found) {
    console.log('The cheapest model is the best: there is no gap to recover.');
    return undefined;
  }
  const { weak, strong } = found;
  const at = (values: readonly number[], model: number): number => values[model] as number;
  const budgets = evenBudgets(at(means.costs, weak), at(means.costs, strong), PARTS);
  const [steady] = cases;
  const results = episodes.map((each) => {
    const parts = budgets.map((budgetUsd) => {
      const { second } = spend(stream, each, { ...(steady as Case), budgetUsd, basis });
      const share = (quality: number): number =>
        gapRecovered(quality, at(second.means.qualities, weak), at(second.means.qualities, strong));
      return {
        router: share(second.quality),
        mixture: share(mixtureFor(second.means, budgetUsd)),
        spend: second.spentUsd / budgetUsd,
      };
    });
    const over = (of: (part: (typeof parts)[number]) => number): number => estimate(parts.map(of)).mean;
    return {
      router: over(({ router }) => router),
      mixture: over((part) => part.mixture),
      spend: over((part) => part.spend),
    };
  });
  const row: GapRow = {
    set: stream.name,
    scenario: 'gap recovered',
    apgr: estimate(results.map(({ router }) => router)),
    mixture: estimate(results.map(({ mixture }) => mixture)),
    spend: estimate(results.map((result) => result.spend)),
  };
  console.log(
    `Average performance gap recovered between ${stream.models[weak]} (0) and ${stream.models[strong]} (1), ${PARTS} budgets evenly ` +
      `between their costs, second half:\n${SONA} ${plusMinus(row.apgr, 3)}, spending ${plusMinus(row.spend, 3)} of them; ` +
      `the best mixtures of two ${plusMinus(row.mixture, 3)}; mixtures of these two .500`,
  );
  return row;
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
    Float64Array.from(chosen, (model, t) => values[t * k + model] as number);
  const paid = pick(cost);
  const spent = paid.subarray(START);
  const got = pick(quality);
  return {
    whole: mean(spent) / budgetUsd,
    window: worstWindow(spent, budgetUsd),
    quality: mean(got.subarray(START)),
    second: {
      spentUsd: mean(paid.subarray(half)),
      quality: mean(got.subarray(half)),
      means: {
        costs: meansOver(cost, k, half, order.length),
        qualities: meansOver(quality, k, half, order.length),
      },
    },
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
