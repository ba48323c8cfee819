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

/** The number in the id of a decision. */
export function numberOf(id: string): number {
  return Number(/^r[0-9a-f]{16}-(\d+)$/.exec(id)?.[1]);
}

/** The id of another decision of the router that gave this one out. */
export function idAt(id: string, number: number): string {
  return id.replace(/\d+$/, String(number));
}

/** A decision or an explanation that names its number alone, to be compared with that of another router. */
export function anonymous<T extends { id: string }>(told: T): Omit<T, 'id'> & { id: number } {
  return { ...told, id: numberOf(told.id) };
}

/** All that a router knows but who it is, as bytes: those of two that did the same are the same. */
export function bytes(router: SonaRouter): string {
  const payload = Buffer.from(router.snapshot()).subarray(64);
  const end = 8 + Number(payload.readBigUInt64LE());
  let header = payload.subarray(8, end).toString().trimEnd();
  const lives = new Set(
    Array.from(header.matchAll(/\\"incarnation\\":(\d+)/g), ([, life]) => life as string),
  );
  for (const [covers] of header.matchAll(/\\"covers\\":\[[[\]\d,]*/g)) {
    for (const [, life] of covers.matchAll(/\[(\d+),/g)) lives.add(life as string);
  }
  for (const [n, life] of [...lives].entries()) header = header.replaceAll(life, `life ${n}`);
  return `${header}${payload.subarray(end).toString('base64')}`;
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
