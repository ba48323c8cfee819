// Routers for the tests, and a world of two kinds of prompts that they learn.
import { Random } from '../../bench/lib/random.mts';
import {
  type Basis,
  fitBasis,
  type Outcome,
  type RouteOptions,
  type RouterConfig,
  type RouterDecision,
  SonaRouter,
} from '../../index.ts';
import { gaussian, near } from './vectors.ts';

export const DIM = 8;

/** When the clock of {@link make} stands. */
export const NOON = 1_800_000_000_000;

/** A basis for vectors of 8 numbers. */
export const basis: Basis = fitBasis(
  Array.from({ length: 300 }, (_, n) => gaussian(DIM, 9_000 + n)),
  { id: 'eight' },
);

/** Three models: the first is good at one kind of prompt, the second at the other, the third at neither. */
export const models = [
  { id: 'coder', inputUsdPer1M: 1, outputUsdPer1M: 4, tags: ['code'] },
  { id: 'poet', inputUsdPer1M: 0.1, outputUsdPer1M: 0.4, tags: ['prose'] },
  { id: 'dull', inputUsdPer1M: 0.05, outputUsdPer1M: 0.2, tags: ['prose', 'small'] },
];

/** A router for {@link models} on {@link basis}, whose clock stands. */
export function make(config: Partial<RouterConfig> = {}): SonaRouter {
  return new SonaRouter({
    models,
    features: { basis },
    now: () => NOON,
    background: 'manual',
    origin: 'here',
    ...config,
  });
}

/** A prompt of kind 0 or 1. */
export function prompt(kind: number, seed: number): Float32Array {
  return near(gaussian(DIM, 1 + kind), 1.2, 100 + seed);
}

/** How well a model does on a prompt of a kind, without noise. */
export function worth(model: string, kind: number): number {
  return { coder: kind === 0 ? 0.9 : 0.4, poet: kind === 0 ? 0.3 : 0.8 }[model] ?? 0.2;
}

/** Quality of an answer: its worth with seeded noise, inside 0 to 1. */
export function quality(model: string, kind: number, random: Random): number {
  return Math.min(1, Math.max(0, worth(model, kind) + 0.1 * random.normal()));
}

/** Routes seeded prompts of both kinds in turn and tells what came of each. */
export function teach(
  router: SonaRouter,
  count: number,
  seed = 1,
  options: (n: number) => RouteOptions = () => ({}),
  outcome: (n: number, quality: number, decision: RouterDecision) => Outcome = (_, quality) => ({ quality }),
): RouterDecision[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, n) => {
    const kind = n % 2;
    const decision = router.route(prompt(kind, 1_000 * seed + n), options(n));
    router.feedback(decision.id, outcome(n, quality(decision.model, kind, random), decision));
    return decision;
  });
}

/** All that a router knows, as bytes. */
export function bytes(router: SonaRouter): string {
  return Buffer.from(router.snapshot()).toString('base64');
}

/** What a router would decide for some prompts, with everything that led to it, but for their numbers. */
export function outlook(router: SonaRouter, options: RouteOptions = {}, probes = 6): unknown[] {
  return Array.from({ length: probes }, (_, n) => {
    const { id: __, ...explanation } = router
      .route(prompt(n % 2, 77 + n), { ...options, mode: 'observe' })
      .explain();
    return explanation;
  });
}

/** What a router expects of each model for some prompts. */
export function expectations(
  router: SonaRouter,
  options: RouteOptions = {},
  probes = 6,
): Record<string, number>[] {
  return Array.from({ length: probes }, (_, n) => {
    const { candidates } = router.route(prompt(n % 2, 77 + n), { ...options, mode: 'observe' }).explain();
    return Object.fromEntries(candidates.map(({ model, parts }) => [model, parts.quality]));
  });
}

/** The largest difference between two lists of expectations. */
export function distance(a: readonly Record<string, number>[], b: readonly Record<string, number>[]): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (const [n, row] of a.entries()) {
    for (const [model, value] of Object.entries(row)) {
      largest = Math.max(largest, Math.abs(value - (b[n]?.[model] ?? Number.POSITIVE_INFINITY)));
    }
  }
  return largest;
}
