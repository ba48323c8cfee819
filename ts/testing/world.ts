import { invalidArgument, unknownModel } from '../base/errors.ts';
import { checkInteger, checkName, checkNumber, checkOptions } from '../base/vectors.ts';
import {
  type Behaviour,
  behaviourOf,
  changedBy,
  of,
  parts,
  type WorldBehaviour,
  type WorldChange,
} from './behaviour.ts';
import { hashOf, Random } from './random.ts';
import { around, Texts, type WorldKind } from './texts.ts';

/** A model of a world. */
export interface WorldModel<Id extends string = string, Kind extends string = string>
  extends WorldBehaviour<Kind> {
  /** Its name. */
  id: Id;
}

/** A prompt of a world. */
export interface WorldPrompt<Kind extends string = string> {
  /** What a user would write. */
  readonly text: string;
  /** What kind it is, which a router has to find out. */
  readonly kind: Kind;
  /** Its length in tokens, which its cost is made of. */
  readonly promptTokens: number;
}

/** What a call to a model of a world came to: an answer, or an error. */
export type WorldAnswer =
  | {
      readonly error?: undefined;
      /** How good it is, 0 to 1. */
      readonly quality: number;
      /** What it cost, in US dollars: the tokens of `usage` by the model's prices. */
      readonly costUsd: number;
      /** How long it took, in milliseconds. No time passes. */
      readonly latencyMs: number;
      /** Tokens of prompt and answer. */
      readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
    }
  | {
      /** Why there is no answer. */
      readonly error: string;
      readonly quality?: undefined;
      /** Nothing is paid. */
      readonly costUsd: 0;
      /** How long it took to fail, in milliseconds. No time passes. */
      readonly latencyMs: number;
      readonly usage?: undefined;
    };

/** Means over all calls of one model for one kind of prompt. A call that fails has quality 0 and costs nothing. */
export interface Expected {
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
export interface PricedModel<Id extends string = string> {
  id: Id;
  inputUsdPer1M: number;
  outputUsdPer1M: number;
}

/** Parts of {@link simulatedWorld}. */
export interface WorldOptions<Id extends string = string, Kind extends string = string> {
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
export interface SimulatedWorld<Id extends string = string, Kind extends string = string> {
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
  best(prompt: { readonly kind: Kind }): Id;
  /**
   * Changes a model from now on, or for the next `prompts` prompts: it gets better or worse, dearer, slower, or fails
   * (`{errorRate: 1}`). What is refused changes nothing.
   */
  change(model: Id, change: WorldChange<Kind>, options?: { prompts?: number | undefined }): void;
}

/** How far a drawn quality lies from its mean, at most; less near 0 and 1, so that the mean holds. */
const NOISE = 0.1;

/**
 * A world of models for tests: prompts of several kinds, and models whose quality, cost, latency and errors depend on the kind.
 * Everything is drawn by the seed, and everything's mean is known, so a test can say how far a router is from the best choice.
 *
 * Throws `SONA_INVALID_ARGUMENT`, `SONA_NOT_FINITE` or `SONA_OUT_OF_RANGE`, naming the option.
 */
export function simulatedWorld<const Id extends string, const Kind extends string>(
  options: WorldOptions<Id, Kind>,
): SimulatedWorld<Id, Kind> {
  return new World(options);
}

class World<Id extends string, Kind extends string> implements SimulatedWorld<Id, Kind> {
  readonly kinds: readonly Kind[];
  readonly #seed: number;
  readonly #reward: (means: Omit<Expected, 'reward'>) => number;
  readonly #texts: Texts;
  readonly #models: Map<string, { readonly id: Id; behaviour: Behaviour; readonly passing: Passing[] }>;
  /** Which prompt it was, by itself and, for the newest with a text, by that. */
  readonly #given = new WeakMap<object, Given>();
  readonly #byText = new Map<string, Given>();
  #prompts = 0;

  constructor(options: WorldOptions<Id, Kind>) {
    checkOptions('options', options, ['models', 'kinds', 'seed', 'reward']);
    const { models, kinds, seed = 42, reward } = options;
    checkInteger('options.seed', seed, 0, 2 ** 32 - 1);
    if (reward !== undefined && typeof reward !== 'function') {
      throw invalidArgument('options.reward', 'a function', reward);
    }
    this.#seed = seed;
    this.#reward = reward ?? (({ quality }) => quality);
    this.#texts = new Texts(kinds);
    this.kinds = this.#texts.names as readonly Kind[];
    this.#models = new Map();
    if (!Array.isArray(models) || models.length === 0) {
      throw invalidArgument('options.models', 'a list of at least one model', models);
    }
    models.forEach((model: unknown, i) => {
      const at = `options.models[${i}]`;
      checkOptions(at, model, ['id', ...parts]);
      const { id, ...given } = model as WorldModel<Id, Kind>;
      checkName(`${at}.id`, id);
      if (this.#models.has(id)) throw invalidArgument(`${at}.id`, 'a name that no other model has', id);
      this.#models.set(id, { id, behaviour: behaviourOf(at, given, this.kinds), passing: [] });
    });
  }

  get models(): PricedModel<Id>[] {
    return [...this.#models.values()].map(({ id }) => {
      const { inputUsdPer1M, outputUsdPer1M } = this.#behaviour('model', id);
      return { id, inputUsdPer1M, outputUsdPer1M };
    });
  }

  get prompts(): number {
    return this.#prompts;
  }

  readonly prompt = (): WorldPrompt<Kind> => {
    const number = this.#prompts++;
    const { kind, ...drawn } = this.#texts.draw(this.#random(`prompt ${number}`));
    const prompt = { ...drawn, kind: this.kinds[kind] as Kind };
    const given = { number, kind, promptTokens: drawn.promptTokens, calls: new Map() };
    this.#given.set(prompt, given);
    this.#byText.set(prompt.text, given);
    return prompt;
  };

  readonly call = (model: Id, prompt: WorldPrompt<Kind> | string): WorldAnswer => {
    const now = this.#behaviour('model', model);
    const { number, kind, promptTokens, calls } = this.#givenOf(prompt);
    const nth = calls.get(model) ?? 0;
    calls.set(model, nth + 1);
    const random = this.#random(`call ${number} ${nth} ${model}`);
    const [luck, mood, pace] = [random.uniform(), random.uniform(), random.uniform()];
    const latencyMs = of(now.latencyMs, kind) * (0.5 + pace);
    if (luck < of(now.errorRate, kind)) {
      return { error: `${model} failed, as this world has it`, costUsd: 0, latencyMs };
    }
    const mean = of(now.quality, kind);
    const quality = mean + Math.min(NOISE, mean, 1 - mean) * (2 * mood - 1);
    const outputTokens = around(of(now.answerTokens, kind), random);
    const costUsd = (promptTokens * now.inputUsdPer1M + outputTokens * now.outputUsdPer1M) / 1e6;
    return { quality, costUsd, latencyMs, usage: { inputTokens: promptTokens, outputTokens } };
  };

  readonly expected = (model: Id, kind: Kind): Expected => {
    const now = this.#behaviour('model', model);
    const at = this.#kind('kind', kind);
    const errorRate = of(now.errorRate, at);
    const tokens = this.#texts.tokens(at) * now.inputUsdPer1M;
    const costUsd = ((1 - errorRate) * (tokens + of(now.answerTokens, at) * now.outputUsdPer1M)) / 1e6;
    const quality = (1 - errorRate) * of(now.quality, at);
    const means = { quality, costUsd, latencyMs: of(now.latencyMs, at), errorRate };
    const reward: unknown = this.#reward(means);
    checkNumber('reward', reward);
    return { ...means, reward };
  };

  readonly best = (prompt: { readonly kind: Kind }): Id => {
    if (typeof prompt !== 'object' || prompt === null) {
      throw invalidArgument('prompt', 'a prompt of this world', prompt);
    }
    const rewards = [...this.#models.values()].map(({ id }) => {
      return { id, reward: this.expected(id, prompt.kind).reward };
    });
    return rewards.reduce((best, other) => (other.reward > best.reward ? other : best)).id;
  };

  readonly change = (
    model: Id,
    change: WorldChange<Kind>,
    options: { prompts?: number | undefined } = {},
  ): void => {
    const known = this.#models.get(model);
    if (!known) throw this.#unknown('model', model);
    checkOptions('change', change, parts);
    checkOptions('options', options, ['prompts']);
    const { prompts } = options;
    if (prompts !== undefined) checkInteger('options.prompts', prompts, 1, Number.MAX_SAFE_INTEGER);
    // refused here, before anything has changed
    const changed = changedBy('change', known.behaviour, change, this.kinds);
    if (prompts === undefined) known.behaviour = changed;
    else known.passing.push({ change: structuredClone(change), until: this.#prompts + prompts });
  };

  /** How a model behaves by now. */
  #behaviour(argument: string, model: unknown): Behaviour {
    const known = typeof model === 'string' ? this.#models.get(model) : undefined;
    if (!known) throw this.#unknown(argument, model);
    return known.passing
      .filter(({ until }) => this.#prompts <= until)
      .reduce((now, { change }) => changedBy('change', now, change, this.kinds), known.behaviour);
  }

  #unknown(argument: string, model: unknown) {
    return typeof model === 'string'
      ? unknownModel(argument, model)
      : invalidArgument(argument, 'a name', model);
  }

  #kind(argument: string, kind: unknown): number {
    const at = this.kinds.indexOf(kind as Kind);
    if (at < 0) throw invalidArgument(argument, `one of ${this.kinds.join(', ')}`, kind);
    return at;
  }

  #givenOf(prompt: unknown): Given {
    const byItself = typeof prompt === 'object' && prompt !== null ? this.#given.get(prompt) : undefined;
    if (byItself) return byItself;
    const text: unknown =
      typeof prompt === 'string' ? prompt : (prompt as WorldPrompt | null | undefined)?.text;
    const given = typeof text === 'string' ? this.#byText.get(text) : undefined;
    if (!given) throw invalidArgument('prompt', 'a prompt that this world gave, or its text', prompt);
    return given;
  }

  #random(what: string): Random {
    return new Random(hashOf(`${this.#seed} ${what}`));
  }
}

/** A prompt that was given out. */
interface Given {
  readonly number: number;
  /** By its place. */
  readonly kind: number;
  readonly promptTokens: number;
  /** How often each model was called with it. */
  readonly calls: Map<string, number>;
}

/** A change that ends with the prompt of that number. */
interface Passing {
  readonly change: WorldChange;
  readonly until: number;
}
