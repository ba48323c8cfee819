//#region ts/binding/binding.d.ts
/**
 * The numbers that turn the vector of a prompt into the features that a router learns on: `z1 = scale (e - mean) Q`
 * along 64 directions, and `z2 = softmax(20 cos(e, c)) / rms` over 64 centroids. Plain data; it is not changed once made.
 */
interface Basis {
  /** Its name. */
  id: string;
  /** Length of the vectors that it takes. */
  dim: number;
  /** Mean of the vectors that it was fitted to. */
  mean: Float32Array;
  /** 64 orthonormal rows, the one with the most variance first; zeros beyond the rank of the vectors. */
  directions: Float32Array;
  /** 64 rows of unit length; zeros beyond the number of different vectors. */
  centroids: Float32Array;
  /** What the first block is multiplied by. */
  scale: number;
  /** What the second block is divided by. */
  rms: number;
  /** Hash of the numbers, 16 hexadecimal digits. Two bases with one hash give the same features. */
  hash: string;
}
//#endregion
//#region ts/embed/embedder.d.ts
/** Options of one call of an embedder. */
interface EmbedOptions {
  /** Gives up the call, which then rejects with `SONA_ABORTED`. */
  signal?: AbortSignal | undefined;
}
/**
 * Turns texts into vectors: one of those that ship (`builtin`, `hash`, `transformers`, `aiSdk`, `openAiCompatible`), or
 * any object of this form.
 */
interface Embedder {
  /** Names the vectors: the same id means the same vectors. Stored in every state, and compared when it is loaded. */
  readonly id: string;
  /** Length of every vector, 2 to 65,536. */
  readonly dim: number;
  /** The basis that suits these vectors: the name of one that ships, or one of `fitBasis`. Default: none is known. */
  readonly basis?: 'minilm' | 'builtin' | Basis | undefined;
  /**
   * Vectors of texts, in their order. Rejects when it can't make all of them. Calls may overlap: each needs vectors of its
   * own.
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /**
   * The vector of one text, at once; in `out` where that is given. Synchronous methods take text only with this, and
   * `routeAsync` and `suggestRoutesAsync` prefer it. `out` is lent, it may be the caller's own memory: write
   * to it during the call alone.
   */
  embedSync?(text: string, out?: Float32Array): Float32Array;
  /** The language whose meaning the vectors know, as BCP 47 has it. Default: not said. */
  readonly language?: string | undefined;
  /**
   * Whether it knows enough of a text for its vector to go by meaning. Asked after the text was embedded; where it says false,
   * decisions and suggestions say so (`fallback: { reason: 'language' }`) and go by the vector all the same. Default: it does.
   */
  knows?(text: string): boolean;
}
/** An {@link Embedder} that can embed at once. */
type SyncEmbedder = Embedder & Required<Pick<Embedder, 'embedSync'>>;
//#endregion
//#region ts/testing/behaviour.d.ts
/** A number for every kind of prompt, or one for all. */
type PerKind<Kind extends string = string> = number | { readonly [kind in Kind]: number };
/** A number for some kinds of prompt, or one for all. */
type SomeKinds<Kind extends string = string> = number | { readonly [kind in Kind]?: number | undefined };
/** How a model behaves. Where one number is given it holds for every kind of prompt. */
interface WorldBehaviour<Kind extends string = string> {
  /** Mean quality of its answers, 0 to 1. */
  quality: PerKind<Kind>;
  /** Mean time of a call in milliseconds, 0 to 3,600,000; half to one and a half times that is drawn. Default 1,000. */
  latencyMs?: PerKind<Kind> | undefined;
  /** Probability that a call fails, 0 to 1. Default 0. */
  errorRate?: PerKind<Kind> | undefined;
  /** Mean length of its answers in tokens, 1 to 1,000,000; about half to one and a half times that is drawn. Default 300. */
  answerTokens?: PerKind<Kind> | undefined;
  /** US dollars per million tokens of the prompt, from 0 on. Default 0. */
  inputUsdPer1M?: number | undefined;
  /** US dollars per million tokens of the answer, from 0 on. Default 0. */
  outputUsdPer1M?: number | undefined;
}
/** What a model does differently. What is missing stays as it is, also for kinds that are missing. */
interface WorldChange<Kind extends string = string> {
  /** As {@link WorldBehaviour.quality}. */
  quality?: SomeKinds<Kind> | undefined;
  /** As {@link WorldBehaviour.latencyMs}. */
  latencyMs?: SomeKinds<Kind> | undefined;
  /** As {@link WorldBehaviour.errorRate}. */
  errorRate?: SomeKinds<Kind> | undefined;
  /** As {@link WorldBehaviour.answerTokens}. */
  answerTokens?: SomeKinds<Kind> | undefined;
  /** As {@link WorldBehaviour.inputUsdPer1M}. */
  inputUsdPer1M?: number | undefined;
  /** As {@link WorldBehaviour.outputUsdPer1M}. */
  outputUsdPer1M?: number | undefined;
}
//#endregion
//#region ts/testing/clock.d.ts
/** A clock that stands still until it is moved. */
interface FixedClock {
  /** The time: whole milliseconds since 1970. Pass this function as `now` to a router or an engine. */
  readonly now: () => number;
  /** Moves it forward by `ms`, a whole number of milliseconds from 0 on. Returns the new time. */
  advance(ms: number): number;
  /** Sets it to `ms`, whole milliseconds since 1970 from 1 on; earlier than now is allowed. Returns the new time. */
  set(ms: number): number;
}
/**
 * A clock for tests. Sessions, pending decisions, resting models and `forget({before})` go by it, so a day passes in one line.
 *
 * @param startMs whole milliseconds since 1970, from 1 to 2^53 - 1. Default 1,800,000,000,000, in January 2027
 *
 * Throws `SONA_INVALID_ARGUMENT` for what is no number and `SONA_OUT_OF_RANGE` for a number that can't be a time; the clock
 * stays where it was.
 */
declare function fixedClock(startMs?: number): FixedClock;
//#endregion
//#region ts/testing/embedder.d.ts
/** Parts of {@link fakeEmbedder}. */
interface FakeEmbedderOptions {
  /** Length of the vectors, 2 to 65,536. Default 64. */
  dim?: number | undefined;
  /** Names the vectors. Default `fake-<dim>`. */
  id?: string | undefined;
  /** Whether it can only embed asynchronously, as a service does: without `embedSync`. Default false. */
  asynchronous?: boolean | undefined;
  /** Milliseconds before each answer, 0 to 3,600,000, for an asynchronous one. Real time: `wait()` needs none. Default 0. */
  delayMs?: number | undefined;
  /** Whether it fails from the start; an error is what it fails with. Default false. */
  failing?: boolean | Error | undefined;
}
/** One call of a {@link FakeEmbedder}. */
interface FakeEmbedderCall {
  /** What was to be embedded. */
  readonly texts: readonly string[];
  /** The signal that came with the call. */
  readonly signal: AbortSignal | undefined;
}
/** An embedder whose behaviour a test sets. A change counts for the calls made after it. */
interface FakeEmbedder extends Embedder {
  /** Every call so far, oldest first. */
  readonly calls: readonly FakeEmbedderCall[];
  /** Calls that wait for `release()`. */
  readonly waiting: number;
  /** Calls answer again, which they do from the start. */
  answer(): void;
  /** Calls fail. Default error: one that says that the embedder was set to fail. */
  fail(error?: Error): void;
  /** Calls never answer; they reject when their signal fires. For an asynchronous one alone. */
  hang(): void;
  /** Calls answer at the next `release()`. For an asynchronous one alone. */
  wait(): void;
  /** Answers the calls that wait, in their order; with an error, they fail. Returns how many there were. */
  release(error?: Error): number;
}
/**
 * An embedder for tests. Vectors have length 1, the same for the same text on every machine; texts that share words are near
 * each other, others are nearly at right angles. Case and order of words don't count. A text without a word gives zeros.
 *
 * Throws `SONA_INVALID_ARGUMENT` or `SONA_OUT_OF_RANGE`, naming the option.
 */
declare function fakeEmbedder(options?: FakeEmbedderOptions & {
  asynchronous?: false | undefined;
}): FakeEmbedder & SyncEmbedder;
declare function fakeEmbedder(options: FakeEmbedderOptions): FakeEmbedder;
//#endregion
//#region ts/testing/texts.d.ts
/** A kind of prompt. It needs either `words` or `prompts`. */
interface WorldKind {
  /** Words that its prompts are made of, mixed with a few that all kinds share. */
  words?: readonly string[] | undefined;
  /** Whole prompts, of which one is drawn each time, in place of `words`. */
  prompts?: readonly string[] | undefined;
  /** How often it comes, beside the `share` of the others; above 0. Default 1. */
  share?: number | undefined;
  /** Mean length of its prompts in tokens, 1 to 1,000,000, whatever the text. Default 500. */
  promptTokens?: number | undefined;
}
//#endregion
//#region ts/testing/world.d.ts
/** A model of a world. */
interface WorldModel<Id extends string = string, Kind extends string = string> extends WorldBehaviour<Kind> {
  /** Its name. */
  id: Id;
}
/** A prompt of a world. */
interface WorldPrompt<Kind extends string = string> {
  /** What a user would write. */
  readonly text: string;
  /** What kind it is, which a router has to find out. */
  readonly kind: Kind;
  /** Its length in tokens, which its cost is made of. */
  readonly promptTokens: number;
}
/** What a call to a model of a world came to: an answer, or an error. */
type WorldAnswer = {
  readonly error?: undefined; /** How good it is, 0 to 1. */
  readonly quality: number; /** What it cost, in US dollars: the tokens of `usage` by the model's prices. */
  readonly costUsd: number; /** How long it took, in milliseconds. No time passes. */
  readonly latencyMs: number; /** Tokens of prompt and answer. */
  readonly usage: {
    readonly inputTokens: number;
    readonly outputTokens: number;
  };
} | {
  /** Why there is no answer. */readonly error: string;
  readonly quality?: undefined; /** Nothing is paid. */
  readonly costUsd: 0; /** How long it took to fail, in milliseconds. No time passes. */
  readonly latencyMs: number;
  readonly usage?: undefined;
};
/** Means over all calls of one model for one kind of prompt. A call that fails has quality 0 and costs nothing. */
interface Expected {
  /** Quality, 0 to 1. */
  readonly quality: number;
  /** US dollars. */
  readonly costUsd: number;
  /** Milliseconds. */
  readonly latencyMs: number;
  /** Probability that a call fails. */
  readonly errorRate: number;
  /** What all of that is worth: by the world's `reward`, else the quality. */
  readonly reward: number;
}
/** A model as `new SonaRouter({models})` takes it, at its present prices. */
interface PricedModel<Id extends string = string> {
  id: Id;
  inputUsdPer1M: number;
  outputUsdPer1M: number;
}
/** Parts of {@link simulatedWorld}. */
interface WorldOptions<Id extends string = string, Kind extends string = string> {
  /** The models, at least one. */
  models: readonly WorldModel<Id, NoInfer<Kind>>[];
  /** The kinds of prompts by name, at least one. */
  kinds: { readonly [kind in Kind]: WorldKind };
  /** Seed of everything that is drawn, 0 to 4,294,967,295. Default 42. */
  seed?: number | undefined;
  /** What the means of a call are worth. The router's objective belongs here. Default: their quality. */
  reward?: ((means: Omit<Expected, 'reward'>) => number) | undefined;
}
/** Models and prompts of which everything is known. Its functions can be passed on without it. */
interface SimulatedWorld<Id extends string = string, Kind extends string = string> {
  /** The models at their present prices, for `new SonaRouter({models: world.models})`. */
  readonly models: PricedModel<Id>[];
  /** The kinds of prompts. */
  readonly kinds: readonly Kind[];
  /** Prompts so far. */
  readonly prompts: number;
  /** The next prompt. The same seed gives the same prompts. */
  prompt(): WorldPrompt<Kind>;
  /**
   * Calls a model with a prompt of this world, or with its text. What comes back depends on the seed, the prompt, the model and
   * how often it was called with that prompt, not on other calls: programs that run at the same time repeat, too.
   *
   * Throws `SONA_UNKNOWN_MODEL`, and `SONA_INVALID_ARGUMENT` for a prompt that this world did not give.
   */
  call(model: Id, prompt: WorldPrompt<Kind> | string): WorldAnswer;
  /** What a call of a model comes to in the mean, by now, for one kind of prompt. */
  expected(model: Id, kind: Kind): Expected;
  /** The model with the largest expected reward for a prompt, by now; of equal ones the first. */
  best(prompt: {
    readonly kind: Kind;
  }): Id;
  /**
   * Changes a model from now on, or for the next `prompts` prompts: it gets better or worse, dearer, slower, or fails
   * (`{errorRate: 1}`). What is refused changes nothing.
   */
  change(model: Id, change: WorldChange<Kind>, options?: {
    prompts?: number | undefined;
  }): void;
}
/**
 * A world of models for tests: prompts of several kinds, and models whose quality, cost, latency and errors depend on the kind.
 * Everything is drawn by the seed, and everything's mean is known, so a test can say how far a router is from the best choice.
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_NOT_FINITE` or `SONA_OUT_OF_RANGE`, naming the option.
 */
declare function simulatedWorld<const Id extends string, const Kind extends string>(options: WorldOptions<Id, Kind>): SimulatedWorld<Id, Kind>;
//#endregion
//#region ts/testing/play.d.ts
/** What {@link playRouter} needs of a router: a `SonaRouter`, or whatever has its `routeAsync` and `feedback`. */
interface PlayableRouter {
  routeAsync(query: string, options: {
    promptTokens: number;
  }): Promise<{
    readonly id: string;
    readonly model: string;
    readonly fallback?: unknown;
  }>;
  feedback(id: string, outcome: {
    quality?: number;
    costUsd?: number;
    latencyMs?: number;
    error?: true;
  }): {
    readonly applied: boolean;
  };
}
/** Parts of {@link playRouter}. */
interface PlayOptions {
  /** How many prompts the router decides on, 1 to 1,000,000. */
  requests: number;
  /**
   * Called before each request with its number, from 0: to move a clock, or to change the world. Its promise is waited for, and
   * what it throws ends the play.
   */
  before?: ((request: number) => unknown) | undefined;
}
/** Means per request of one way to choose, by what the world expects of the models that it chose. */
interface PlayedMeans {
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
interface PlayReport<Id extends string = string> {
  /** Prompts that were decided on. */
  readonly requests: number;
  /** The router's choices. */
  readonly router: PlayedMeans;
  /** Every model equally often. */
  readonly random: PlayedMeans;
  /** The one model that was best over all these prompts, which nobody knows in advance. */
  readonly bestFixed: PlayedMeans & {
    readonly model: Id;
  };
  /** The best model for each prompt. */
  readonly oracle: PlayedMeans;
  /** How often the router chose each model. */
  readonly chosen: { readonly [id in Id]: number };
  /** Decisions that were made without their prompt, because it could not be embedded. */
  readonly fallbacks: number;
}
/**
 * Lets a router decide on the prompts of a world, one after another, and reports each outcome back to it: quality, cost and latency
 * of an answer, or its error. To see what was learned, play twice and look at the second report.
 *
 * Throws `SONA_UNKNOWN_MODEL` when the router chooses a model that the world does not have, `SONA_INVALID_ARGUMENT` when it
 * does not take an outcome, and whatever the router throws.
 */
declare function playRouter<Id extends string, Kind extends string>(router: PlayableRouter, world: SimulatedWorld<Id, Kind>, options: PlayOptions): Promise<PlayReport<Id>>;
//#endregion
export { type EmbedOptions, type Embedder, type Expected, type FakeEmbedder, type FakeEmbedderCall, type FakeEmbedderOptions, type FixedClock, type PerKind, type PlayOptions, type PlayReport, type PlayableRouter, type PlayedMeans, type PricedModel, type SimulatedWorld, type SomeKinds, type SyncEmbedder, type WorldAnswer, type WorldBehaviour, type WorldChange, type WorldKind, type WorldModel, type WorldOptions, type WorldPrompt, fakeEmbedder, fixedClock, playRouter, simulatedWorld };