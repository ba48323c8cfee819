import { invalidArgument, SonaError } from '../base/errors.ts';
import { checkInteger, checkOptions } from '../base/vectors.ts';
import type { SimulatedWorld } from './world.ts';

/** What {@link playRouter} needs of a router: a `SonaRouter`, or whatever has its `routeAsync` and `feedback`. */
export interface PlayableRouter {
  routeAsync(
    query: string,
    options: { promptTokens: number },
  ): Promise<{ readonly id: string; readonly model: string; readonly fallback?: unknown }>;
  feedback(
    id: string,
    outcome: { quality?: number; costUsd?: number; latencyMs?: number; error?: true },
  ): { readonly applied: boolean };
}

/** Parts of {@link playRouter}. */
export interface PlayOptions {
  /** How many prompts the router decides on, 1 to 1,000,000. */
  requests: number;
  /**
   * Called before each request with its number, from 0: to move a clock, or to change the world. Its promise is waited for, and
   * what it throws ends the play.
   */
  before?: ((request: number) => unknown) | undefined;
}

/** Means per request of one way to choose, by what the world expects of the models that it chose. */
export interface PlayedMeans {
  /** The world's reward. */
  readonly reward: number;
  /** The reward of the best model for each prompt, less this one's: 0 at best. */
  readonly regret: number;
  /** Quality, 0 to 1; a call that fails counts as 0. */
  readonly quality: number;
  /** US dollars. */
  readonly costUsd: number;
  /** Milliseconds. */
  readonly latencyMs: number;
  /** Share of calls that fail. */
  readonly errorRate: number;
}

/** What came of a router in a world, beside three ways that need no router. */
export interface PlayReport<Id extends string = string> {
  /** Prompts that were decided on. */
  readonly requests: number;
  /** The router's choices. */
  readonly router: PlayedMeans;
  /** Every model equally often. */
  readonly random: PlayedMeans;
  /** The one model that was best over all these prompts, which nobody knows in advance. */
  readonly bestFixed: PlayedMeans & { readonly model: Id };
  /** The best model for each prompt. */
  readonly oracle: PlayedMeans;
  /** How often the router chose each model. */
  readonly chosen: { readonly [id in Id]: number };
  /** Decisions that were made without their prompt, because it could not be embedded. */
  readonly fallbacks: number;
}

type Sums = { -readonly [Name in keyof Omit<PlayedMeans, 'regret'>]: number };

/**
 * Lets a router decide on the prompts of a world, one after another, and reports each outcome back to it: quality, cost and latency
 * of an answer, or its error. To see what was learned, play twice and look at the second report.
 *
 * Throws `SONA_UNKNOWN_MODEL` when the router chooses a model that the world does not have, `SONA_INVALID_ARGUMENT` when it
 * does not take an outcome, and whatever the router throws.
 */
export async function playRouter<Id extends string, Kind extends string>(
  router: PlayableRouter,
  world: SimulatedWorld<Id, Kind>,
  options: PlayOptions,
): Promise<PlayReport<Id>> {
  checkParts(router, world);
  checkOptions('options', options, ['requests', 'before']);
  const { requests, before } = options;
  checkInteger('options.requests', requests, 1, 1_000_000);
  if (before !== undefined && typeof before !== 'function') {
    throw invalidArgument('options.before', 'a function', before);
  }
  const ids = world.models.map(({ id }) => id);
  const fixed = new Map(ids.map((id) => [id as string, zeros()]));
  const [own, oracle] = [zeros(), zeros()];
  const chosen = new Map(ids.map((id) => [id as string, 0]));
  let fallbacks = 0;
  for (let n = 0; n < requests; n++) {
    await before?.(n);
    const prompt = world.prompt();
    const { promptTokens, kind } = prompt;
    const { id, model, fallback } = await router.routeAsync(prompt.text, { promptTokens });
    const answer = world.call(model as Id, prompt);
    if (fallback) fallbacks++;
    chosen.set(model, (chosen.get(model) ?? 0) + 1);
    add(own, world.expected(model as Id, kind));
    add(oracle, world.expected(world.best(prompt), kind));
    for (const other of ids) add(fixed.get(other) as Sums, world.expected(other, kind));
    const { quality, costUsd, latencyMs } = answer;
    const outcome = answer.error === undefined ? { quality, costUsd, latencyMs } : { error: true as const };
    const result = router.feedback(id, outcome as { quality: number });
    if (!result.applied) throw refused(id, result);
  }
  const best = ids.reduce((one, other) =>
    (fixed.get(other) as Sums).reward > (fixed.get(one) as Sums).reward ? other : one,
  );
  const random = zeros();
  for (const sums of fixed.values()) add(random, sums);
  const means = (sums: Sums, count = requests): PlayedMeans => {
    const mean = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / count]));
    return { ...(mean as Sums), regret: oracle.reward / requests - sums.reward / count };
  };
  return {
    requests,
    router: means(own),
    random: means(random, requests * ids.length),
    bestFixed: { model: best, ...means(fixed.get(best) as Sums) },
    oracle: means(oracle),
    chosen: Object.fromEntries(chosen) as { [id in Id]: number },
    fallbacks,
  };
}

function checkParts(router: unknown, world: unknown): void {
  const { routeAsync, feedback } = (router ?? {}) as Partial<PlayableRouter>;
  if (typeof routeAsync !== 'function' || typeof feedback !== 'function') {
    throw invalidArgument('router', 'a router', router);
  }
  const { prompt, call, expected, best } = (world ?? {}) as Partial<SimulatedWorld>;
  if ([prompt, call, expected, best].some((part) => typeof part !== 'function')) {
    throw invalidArgument('world', 'a simulated world', world);
  }
}

function refused(id: string, result: { applied: boolean; reason?: unknown }): SonaError {
  const got = `{applied: false, reason: '${String(result.reason)}'}`;
  const expected = 'a router that takes the outcome of its decision';
  const message = `router: expected ${expected}, got ${got} for ${id}`;
  return new SonaError('SONA_INVALID_ARGUMENT', message, { argument: 'router', expected, got });
}

function zeros(): Sums {
  return { reward: 0, quality: 0, costUsd: 0, latencyMs: 0, errorRate: 0 };
}

function add(sums: Sums, more: Sums): void {
  for (const name of Object.keys(sums) as (keyof Sums)[]) sums[name] += more[name];
}
