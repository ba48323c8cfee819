// What the decisions came to, as plain numbers: for the terminal, for --json, for the page.
import type { Times } from '../times.mts';
import { type Calibration, calibration } from './calibration.mts';
import { type CostPoint, costPoints, type WeightedDecisions } from './costs.mts';
import { type Matched, match } from './matched.mts';
import type { Explained } from './run.mts';
import { type DomainShares, domainShares, type Shares, sharesOverTime } from './shares.mts';
import { type Stream, tokens } from './stream.mts';
import {
  errorOfDifference,
  type Mark,
  markAt,
  means,
  type RegretCurves,
  regretCurves,
  type Ways,
  type Yardsticks,
} from './worth.mts';

export interface RoutingFigures {
  prompts: number;
  models: { id: string; costUsd: number; quality: number }[];
  domains: number;
  /** What a call is taken to consist of. */
  tokens: typeof tokens;
  /** The model that is best over the whole stream. */
  bestFixed: string;
  /** What the same quality costs. */
  matched: Matched;
  marks: Mark[];
  /** Of the newest decisions alone. */
  last: Ways<number> & { decisions: number };
  regret: RegretCurves;
  shares: Shares;
  domainShares: DomainShares;
  calibration: Calibration;
  costs: CostPoint[];
  explained: readonly Explained[];
  /** Mean quality of the router that draws (Thompson sampling), which some of the explained decisions are of. */
  drawn: number;
  /** Time per decision and per outcome. */
  micros: { route: Times; feedback: Times };
}

/** All of a stream's figures. The first run is the one for quality alone, that the other figures are of. */
export function figuresOf(
  stream: Stream,
  yardstick: Yardsticks,
  marks: readonly number[],
  runs: readonly [WeightedDecisions, ...WeightedDecisions[]],
  explained: readonly Explained[],
  drawn: number,
  micros: RoutingFigures['micros'],
): RoutingFigures {
  const { decisions } = runs[0];
  const { bestFixed, bandit, random, oracle } = yardstick;
  const ways = { sona: decisions.quality, bestFixed, bandit, random, oracle };
  const best = stream.models[yardstick.best]?.id ?? '';
  const costs = costPoints(stream, yardstick, runs);
  const prompts = stream.vectors.length;
  const byDomain = domainShares(stream, decisions.chosen);
  return {
    prompts,
    models: stream.models.map(({ id, costUsd }, k) => ({
      id,
      costUsd,
      quality: yardstick.models[k] as number,
    })),
    domains: stream.domains.length,
    tokens,
    bestFixed: best,
    matched: match(costs, best, ({ costWeight }) => {
      const own = runs.find((run) => run.costWeight === costWeight) as WeightedDecisions;
      return errorOfDifference(own.decisions.quality, bestFixed);
    }),
    marks: marks.map((mark) => markAt(ways, mark)),
    last: { decisions: byDomain.window, ...means(ways, prompts - byDomain.window, prompts) },
    regret: regretCurves(ways),
    shares: sharesOverTime(stream, decisions.chosen),
    domainShares: byDomain,
    calibration: calibration(decisions),
    costs,
    explained,
    drawn,
    micros,
  };
}
