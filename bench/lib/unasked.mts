// Whether routes that nobody asks for keep what their names gave them while others are learned: a fifth of the routes has no
// traffic, and how its queries would be ranked is looked at again and again.
import type { SonaConfig } from '../../dist/index.mjs';
import type { IntentSet } from './data.mts';
import { routed, type WithRoutes } from './engine.mts';
import { type Estimate, estimate, step } from './protocol.mts';
import { checkpoints, episode } from './stationary.mts';

/** One route of so many has no traffic. */
const EVERY = 5;

/** Whether the route is among the best so many. */
const SHORTLIST = 5;

export interface UnaskedProtocol {
  events: number;
  seeds: number;
}

export interface UnaskedRow {
  set: string;
  learner: string;
  at: {
    events: number;
    /** Percent of the queries of routes with traffic that are ranked rightly. */
    asked: Estimate;
    /** The same of routes without. */
    unasked: Estimate;
    /** Percent of those of which the route is among the best five. */
    shortlisted: Estimate;
  }[];
}

const isUnasked = (label: number): boolean => label % EVERY === 0;

/** Runs the engine with these settings on one set. */
export function judgeUnasked(
  set: IntentSet,
  learner: string,
  config: SonaConfig,
  { events, seeds }: UnaskedProtocol,
): UnaskedRow {
  const marks = checkpoints(events);
  const found = marks.map(() => ({ asked: [], unasked: [], shortlisted: [] }) as Record<Share, number[]>);
  for (let seed = 0; seed < seeds; seed++) {
    const { priors, stream } = episode(set, seed, 0);
    const traffic = stream.filter((i) => !isUnasked(set.train.labels[i] as number));
    const engine = routed(learner, priors, seed, config);
    let done = 0;
    marks.forEach((mark, at) => {
      for (; done < mark; done++) step(engine, set.train, traffic[done % traffic.length] as number);
      const shares = judge(engine, set);
      for (const share of names) found[at]?.[share].push(shares[share]);
    });
    engine.close();
  }
  const at = found.map((shares, n) => ({
    events: marks[n] as number,
    asked: estimate(shares.asked),
    unasked: estimate(shares.unasked),
    shortlisted: estimate(shares.shortlisted),
  }));
  return { set: set.name, learner, at };
}

const names = ['asked', 'unasked', 'shortlisted'] as const;

type Share = (typeof names)[number];

function judge({ engine }: WithRoutes, { test }: IntentSet): Record<Share, number> {
  const right: Record<Share, number> = { asked: 0, unasked: 0, shortlisted: 0 };
  let unasked = 0;
  test.vectors.forEach((x, i) => {
    const label = test.labels[i] as number;
    const routes = engine.suggestRoutes(x, { k: SHORTLIST }).ranked.map(({ route }) => Number(route));
    if (isUnasked(label)) {
      unasked++;
      if (routes.includes(label)) right.shortlisted++;
    }
    if (routes[0] === label) right[isUnasked(label) ? 'unasked' : 'asked']++;
  });
  const asked = test.vectors.length - unasked;
  return {
    asked: (100 * right.asked) / asked,
    unasked: (100 * right.unasked) / unasked,
    shortlisted: (100 * right.shortlisted) / unasked,
  };
}
