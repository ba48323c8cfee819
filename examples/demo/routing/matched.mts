// What the same quality costs: with SONA, and with the one model that is best over the whole stream.
import type { CostPoint } from './costs.mts';

export type SonaPoint = CostPoint & { costWeight: number };

/** Two ways to choose, compared by cost where the quality is at least the same. */
export interface Matched {
  /** The model that is best over the whole stream. */
  fixed: CostPoint;
  /** The cheapest of SONA's routers that is at least as good; the best of them where none is. */
  sona: SonaPoint;
  /** Whether it is at least as good. */
  reached: boolean;
  /** Quality of `sona` less that of `fixed`, and the standard error of this difference. */
  difference: number;
  error: number;
  /** Cost of `sona` as a share of that of `fixed`; null where that is free. */
  costShare: number | null;
  /** Weights of cost of all routers among which `sona` was found. */
  weights: number[];
  bandit: CostPoint;
}

/** `errorOf`: standard error of a router's quality less that of the best fixed model. */
export function match(
  points: readonly CostPoint[],
  bestFixed: string,
  errorOf: (sona: SonaPoint) => number,
): Matched {
  const routers = points.filter((point): point is SonaPoint => point.kind === 'sona');
  const fixed = points.find(({ kind, name }) => kind === 'model' && name === bestFixed) as CostPoint;
  const asGood = routers.filter(({ quality }) => quality >= fixed.quality);
  const reached = asGood.length > 0;
  const sona = reached
    ? asGood.reduce((a, b) => (b.costUsd < a.costUsd ? b : a))
    : routers.reduce((a, b) => (b.quality > a.quality ? b : a));
  return {
    fixed,
    sona,
    reached,
    difference: sona.quality - fixed.quality,
    error: errorOf(sona),
    costShare: fixed.costUsd > 0 ? sona.costUsd / fixed.costUsd : null,
    weights: routers.map(({ costWeight }) => costWeight),
    bandit: points.find(({ kind }) => kind === 'bandit') as CostPoint,
  };
}

const usd = (perCall: number): string => `$${(1000 * perCall).toFixed(2)}`;
const score = (quality: number): string => quality.toFixed(3);

/** The result in one sentence. */
export function sentence({ fixed, sona, reached, difference, costShare }: Matched): string {
  const own = `${usd(sona.costUsd)} per 1,000 calls with SONA (mean score ${score(sona.quality)})`;
  const other = `${usd(fixed.costUsd)} with the best fixed model, ${fixed.name} (${score(fixed.quality)})`;
  if (!reached) {
    return (
      `SONA did not reach the quality of the best fixed model: its best router is ${score(-difference)} below, ` +
      `at ${own} against ${other}.`
    );
  }
  const percent = costShare === null ? 0 : Math.round(100 * (1 - costShare));
  if (percent > 0) return `At least the same quality for ${percent} % less: ${own}, ${other}.`;
  if (percent === 0) return `At least the same quality for the same money: ${own}, ${other}.`;
  return `The same quality costs ${-percent} % more with SONA: ${own}, ${other}.`;
}

/** How the qualities were matched, and what else there is to compare with. */
export function matchedHow({ sona, reached, difference, error, weights, bandit }: Matched): string {
  const signed = `${difference < 0 ? '-' : '+'}${score(Math.abs(difference))}`;
  const which = reached
    ? `the cheapest that scores at least as well as the best fixed model over the whole stream, learning included`
    : `none scores as well as the best fixed model over the whole stream, learning included; this is the best of them`;
  return (
    `Of ${weights.length} routers, with the weights of cost ${weights.join(', ')}, ${which}: weight ${sona.costWeight}, ` +
    `difference ${signed} (standard error ${score(error)}). A bandit that looks at no prompt: ${score(bandit.quality)} at ${usd(bandit.costUsd)}.`
  );
}
