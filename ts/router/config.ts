import { dimMismatch, invalidArgument, invalidConfig } from '../base/errors.ts';
import { isMarked } from '../base/marks.ts';
import { checkOptions, isName } from '../base/vectors.ts';
import { type Basis, checkBasis } from '../embed/basis.ts';
import { builtinBasis, builtinDims } from '../embed/builtin.ts';
import type { Embedder } from '../embed/embedder.ts';
import { checkQueryOptions, type QueryOptions } from '../embed/query.ts';
import { checkSettings, portable } from '../engine/config.ts';
import type { SonaEngine } from '../engine/engine.ts';
import { encodeModels, type RouterModel } from './models.ts';

/** What a router makes of the vector of a prompt. */
export interface RouterFeatures {
  /** Length of every query vector, 2 to 65,536. Default: that of the embedder, the engine or the basis; else 256. */
  dim?: number | undefined;
  /**
   * The numbers that turn vectors into features. `'auto'`: fitted to the prompts that come, at 500, 1,000, 2,000 and 4,000
   * of them. `'builtin'` and `'minilm'` ship, for vectors of the built-in embedder and of all-MiniLM-L6-v2. Or one of
   * `fitBasis`. Default: the embedder's, else `'auto'`; without features, engine and embedder `'builtin'`.
   */
  basis?: 'auto' | 'builtin' | 'minilm' | Basis | undefined;
}

/** Costs that the objective tells apart, on a logarithmic scale. */
export interface CostScale {
  /** US dollars per call that count as nothing. Default .00001. */
  lowUsd?: number | undefined;
  /** US dollars per call that count in full. Default .02. */
  highUsd?: number | undefined;
}

/** Latencies that the objective tells apart, on a logarithmic scale. */
export interface LatencyScale {
  /** Milliseconds that count as nothing. Default 100. */
  lowMs?: number | undefined;
  /** Milliseconds that count in full. Default 30,000. */
  highMs?: number | undefined;
}

/** What is worth how much. */
export interface RouterObjective {
  /** What a quality of 1 is worth. Default 1. */
  qualityWeight?: number | undefined;
  /** What a cost at the upper end of the cost scale takes away. Default 0. */
  costWeight?: number | undefined;
  /** What a latency at the upper end of the latency scale takes away. Default 0. */
  latencyWeight?: number | undefined;
  /** Costs between nothing and in full. */
  costScale?: CostScale | undefined;
  /** Latencies between nothing and in full. */
  latencyScale?: LatencyScale | undefined;
  /** Quality that a call which fails is taken for, 0 to 1: models that fail more often rank lower. Default 0. */
  failureQuality?: number | undefined;
  /**
   * Mean spend per request that is held, in US dollars. A call counts for what is expected of it until its `costUsd` or
   * `usage` is told: tell it. Default: no budget.
   */
  budgetUsdPerRequest?: number | undefined;
  /** Models whose expected latency is above this are not chosen. Default: no limit. */
  maxLatencyMs?: number | undefined;
}

/** How a model is chosen from what is known of all. */
export type Exploration = 'ucb' | 'thompson' | 'igw' | 'greedy';

/** Settings of a router. Ranges and defaults are those of the table in `docs/settings.md`; a key that is not here is refused. */
export interface RouterConfig<Id extends string = string> extends QueryOptions {
  /** Models that requests can be routed to, up to 1,000. More can come while running. */
  models: readonly RouterModel<Id>[];
  /** Vectors and features. */
  features?: RouterFeatures | undefined;
  /** Its nearest patterns appear in explanations. `features.dim` must equal its `hiddenDim`. */
  engine?: SonaEngine | undefined;
  /** What is worth how much. Default: quality alone. */
  objective?: RouterObjective | undefined;
  /** How a model is chosen from what is known of all. Default `'ucb'`. */
  exploration?: Exploration | undefined;
  /** Least probability of every eligible model, 0 to .5. Default 0. Above 0, logs of every policy can be evaluated. */
  propensityFloor?: number | undefined;
  /**
   * By how much a model's expected quality may be below the best one's and still count as good in `confidence`, 0 to 1. Default .05.
   */
  confidenceEpsilon?: number | undefined;
  /** Decisions that wait for their outcome, or may be amended; the oldest is given up. Default 100,000. */
  pendingCapacity?: number | undefined;
  /** Milliseconds after which a decision's outcome is no longer taken. Default 86,400,000, a day. */
  pendingTtlMs?: number | undefined;
  /** Milliseconds after its last request for which a session stays with its model. Default 1,800,000, half an hour. */
  sessionTtlMs?: number | undefined;
  /** Tenants whose own experience is kept; the one unused for longest is given up. Default 100. */
  tenantCapacity?: number | undefined;
  /** Trials that a model added while running gets: while it has some, each decision is one with probability one half. Default 20. */
  forcedTrials?: number | undefined;
  /**
   * Share of answers that `limits.maxTokens` of a decision is to hold, .5 to .999. Default .95.
   */
  lengthQuantile?: number | undefined;
  /** Whether a model whose outcomes have shifted is learned anew, and costs that are old are doubted. Default true. */
  driftDetection?: boolean | undefined;
  /** Where an `'auto'` basis is fitted: `'auto'` on a thread of the pool, `'manual'` inside `route`, repeatably. Default `'auto'`. */
  background?: 'auto' | 'manual' | undefined;
  /** Names it among those whose states are merged; two that learn must differ. Default: a random UUID. */
  origin?: string | undefined;
  /** Seed of every random choice. Default 42. */
  seed?: number | undefined;
  /**
   * Says what time it is, in whole milliseconds since 1970; waiting, resting and expiring go by it, too. Default: the system's
   * clock, and a steady one for those.
   */
  now?: (() => number) | undefined;
  /**
   * Takes the decision log: one JSON line, without its newline, per decision and per outcome. What it throws, or its
   * promise rejects with, goes to the event `error` and disturbs nothing else. Where choices are certain (`ucb` or `greedy` without a
   * `propensityFloor`) the log says little about other policies: the process is warned, once (`SONA_EXPLORATION_FOR_LOG`).
   */
  log?: ((line: string) => unknown) | undefined;
  /**
   * Whether the lines that `log` takes hold the text that was asked about, as `text`. The router keeps no text: `exportLog`
   * has none. Default false.
   */
  logText?: boolean | undefined;
}

/** What a snapshot of a router does not hold. An embedder that ships need not be given again. */
export interface RouterRestoreOptions extends QueryOptions {
  /** As `RouterConfig.now`. */
  now?: (() => number) | undefined;
  /** As `RouterConfig.log`. */
  log?: ((line: string) => unknown) | undefined;
  /** As `RouterConfig.logText`. */
  logText?: boolean | undefined;
  /** As `RouterConfig.engine`. */
  engine?: SonaEngine | undefined;
  /** Goes on under this name; what was learned so far stays under the former. Default: the former name. */
  origin?: string | undefined;
  /**
   * It is the only one that goes on from this state, and nothing was decided after it was saved: ids and sums go on as if the
   * process had never ended. Default false: it begins another life, whose ids and sums are its own. Decisions that came with the
   * state take their outcomes either way.
   */
  continues?: boolean | undefined;
}

/** Length of the vectors of all-MiniLM-L6-v2. */
const MINILM = 384;

/** What the native core does not know of. */
export interface Surroundings {
  readonly now: (() => number) | undefined;
  readonly log: ((line: string) => unknown) | undefined;
  readonly logText: boolean;
  readonly engine: SonaEngine | undefined;
  readonly queries: QueryOptions;
}

/** A config for the native core, which checks the settings, and the parts that it can't take. */
export interface EncodedRouterConfig extends Surroundings {
  readonly settings: string;
  readonly models: string;
  readonly origin: string;
  /** Whether the basis is the one for MiniLM. */
  readonly shipped: boolean;
  readonly basis: Basis | undefined;
}

/** Reads each part of a config once. */
export function encodeRouterConfig(config: unknown): EncodedRouterConfig {
  checkSettings(config);
  const {
    models,
    features,
    engine,
    origin = crypto.randomUUID(),
    now,
    log,
    logText,
    embedder,
    promptOf,
    onEmbedderError,
    embedderTimeoutMs,
    ...rest
  } = config as Record<string, unknown>;
  const settings = group(rest, 3) as Record<string, unknown>;
  const queries = { embedder, promptOf, onEmbedderError, embedderTimeoutMs };
  const surroundings = checkSurroundings({ now, log, logText, engine, ...queries }, invalidConfig);
  if (!isName(origin)) throw invalidConfig('origin', 'a name of at least one character', origin);
  const basis = encodeFeatures(features, surroundings, settings);
  return {
    settings: JSON.stringify(settings),
    models: encodeModels(models),
    origin,
    shipped: basis === 'minilm',
    basis: typeof basis === 'object' ? basis : undefined,
    ...surroundings,
  };
}

/** Checks what is handed over beside a snapshot; the engine's dimension only once the router's is known. */
export function checkRestoreOptions(
  options: RouterRestoreOptions,
): Surroundings & { origin: string | undefined; continues: boolean } {
  checkOptions('options', options, [
    'now',
    'log',
    'logText',
    'engine',
    'embedder',
    'promptOf',
    'onEmbedderError',
    'embedderTimeoutMs',
    'origin',
    'continues',
  ]);
  const { origin, continues = false, ...given } = options;
  if (typeof continues !== 'boolean') throw invalidArgument('continues', 'true or false', continues);
  const surroundings = checkSurroundings(given, invalidArgument);
  if (origin !== undefined && !isName(origin)) {
    throw invalidArgument('origin', 'a name of at least one character', origin);
  }
  return { ...surroundings, origin, continues };
}

/** What may be given for a basis, once it was checked. */
type Chosen = 'auto' | 'builtin' | 'minilm' | Basis;

/** The basis, as the core takes it. The length of vectors goes to the settings. */
function encodeFeatures(
  features: unknown,
  { engine, queries: { embedder } }: Surroundings,
  settings: Record<string, unknown>,
): 'auto' | 'minilm' | Basis {
  // what is no object is named by the core
  const isGroup = typeof features === 'object' && features !== null && !Array.isArray(features);
  const { basis: given, ...rest } = (isGroup ? features : {}) as Record<string, unknown>;
  const nothing = features === undefined && !engine && !embedder;
  const chosen: Chosen =
    given === undefined ? (nothing ? 'builtin' : (embedder?.basis ?? 'auto')) : checkChosen(given);
  const dim = rest.dim === undefined ? lengthOf(chosen, engine, embedder) : rest.dim;
  if (isGroup || features === undefined) settings.features = group({ ...rest, dim }, 1);
  else settings.features = portable(features);
  if (engine && dim !== engine.hiddenDim) {
    throw invalidConfig('features.dim', `${engine.hiddenDim}, the engine's hiddenDim`, dim);
  }
  // a length that is none is named by the core
  if (embedder && typeof dim === 'number' && dim !== embedder.dim) {
    throw dimMismatch('embedder.dim', dim, embedder.dim);
  }
  return chosen === 'builtin' ? builtinOf(dim, embedder ?? engine?.embedder) : chosen;
}

function checkChosen(value: unknown): Chosen {
  if (value === 'auto' || value === 'builtin' || value === 'minilm') return value;
  if (typeof value !== 'object' || value === null) {
    throw invalidConfig('features.basis', "'auto', 'builtin', 'minilm' or a Basis", value);
  }
  return checkBasis('features.basis', value);
}

/** Length of the vectors where it is not said; undefined: the core's default, which is that of the built-in embedder. */
function lengthOf(basis: Chosen, engine?: SonaEngine, embedder?: Embedder): number | undefined {
  const known = engine?.hiddenDim ?? embedder?.dim;
  if (known !== undefined) return known;
  if (basis === 'minilm') return MINILM;
  return typeof basis === 'object' ? basis.dim : undefined;
}

function builtinOf(dim: unknown, embedder: Embedder | null | undefined): Basis {
  const length = builtinDims.find((known) => known === (dim ?? builtinDims[0]));
  const basis = length && builtinBasis(length, embedder);
  if (!basis) throw invalidConfig('features.dim', `${builtinDims.join(', ')} for the basis 'builtin'`, dim);
  return basis;
}

/** Checks what the core does not know of. */
function checkSurroundings(given: Record<string, unknown>, refuse: typeof invalidConfig): Surroundings {
  const { now, log, logText = false, engine, embedder, promptOf, onEmbedderError, embedderTimeoutMs } = given;
  if (now !== undefined && typeof now !== 'function') throw refuse('now', 'a function', now);
  if (log !== undefined && typeof log !== 'function') throw refuse('log', 'a function', log);
  if (typeof logText !== 'boolean') throw refuse('logText', 'true or false', logText);
  if (engine !== undefined && !isMarked(engine, 'engine')) throw refuse('engine', 'a SonaEngine', engine);
  const queries = checkQueryOptions({ embedder, promptOf, onEmbedderError, embedderTimeoutMs }, refuse);
  return { now, log, logText, engine, queries } as Surroundings;
}

/** Settings and groups of them, as many levels deep. What is not set is left out. */
function group(value: unknown, levels: number): unknown {
  if (levels === 0 || typeof value !== 'object' || value === null || Array.isArray(value))
    return portable(value);
  // without a prototype, so that '__proto__' is a key like any other
  const settings: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of Object.entries(value)) {
    if (entry !== undefined) settings[key] = group(entry, levels - 1);
  }
  return settings;
}
