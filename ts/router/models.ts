import { invalidArgument, unknownModel } from '../base/errors.ts';
import { encodeMetadata, type Metadata, parseMetadata } from '../base/metadata.ts';
import { plainCopy } from '../base/plain.ts';
import { checkName } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';

/** What is expected of a model before any outcome. */
export interface ModelPrior {
  /** Mean quality, 0 to 1. Default: the mean of all models, and a bit more while nothing is known. */
  quality?: number | undefined;
  /** US dollars per call. */
  costUsd?: number | undefined;
  /** Milliseconds per call. */
  latencyMs?: number | undefined;
  /** Another model that it will do like: what that knows when this one is added. Default: the arms of the same `model`, or else the one with the most tags in common, if any. */
  like?: string | undefined;
  /** Outcomes that the prior counts for, above 0. Default 10. */
  weight?: number | undefined;
}

/** A model that requests can be routed to, with the settings that it is called with: what a decision chooses among. */
export interface RouterModel<Id extends string = string> {
  /** Its name, unique in a router. */
  id: Id;
  /**
   * Name of the model that is called. Default: `id`. Arms that share it learn from each other: one that comes starts from what
   * the others have shown, and its own outcomes come to outweigh that.
   */
  model?: string | undefined;
  /** What it is called with, as plain data: comes back as `decision.settings`. No entry is named `model`. */
  settings?: (Metadata & { readonly model?: never }) | undefined;
  /** Plain data of the caller's: comes back in explanations and in the decision log. */
  metadata?: Metadata | undefined;
  /** US dollars per million tokens of prompt. */
  inputUsdPer1M?: number | undefined;
  /** US dollars per million tokens of answer. */
  outputUsdPer1M?: number | undefined;
  /** Words that models share which do well on the same prompts. At most 64. */
  tags?: readonly string[] | undefined;
  /** What is expected of it. */
  prior?: ModelPrior | undefined;
}

/** What to call: the model's name, and its settings. */
export type ModelSettings = { readonly model: string } & Metadata;

/** A change of prices. What is not given stays. */
export interface ModelPrice {
  /** US dollars per million tokens of prompt. */
  inputUsdPer1M?: number | undefined;
  /** US dollars per million tokens of answer. */
  outputUsdPer1M?: number | undefined;
}

/** Names and numbers of the models of one router, so that names do not cross to the addon. */
export class Models {
  readonly #numbers = new Map<string, number>();
  /** Also of models that have been removed: decisions may still be explained. */
  readonly #arms: Arm[] = [];
  readonly #handle: number;

  constructor(handle: number) {
    this.#handle = handle;
    this.refresh();
  }

  get count(): number {
    return this.#numbers.size;
  }

  know(model: RouterModel, number: number): void {
    this.#numbers.set(model.id, number);
    this.#arms[number] = armOf(model);
  }

  forget(name: string): void {
    this.#numbers.delete(name);
  }

  name(number: number): string {
    return this.arm(number).id;
  }

  arm(number: number): Arm {
    let arm = this.#arms[number];
    if (!arm) {
      // another thread has added it and taken it away again
      const model = call(() => native.routerModel(this.#handle, number));
      arm = armOf(decodeModel(JSON.parse(model ?? '{}')));
      this.#arms[number] = arm;
    }
    return arm;
  }

  /** Learns what other threads have added and removed. */
  refresh(): void {
    const rows = Models.rows(this.#handle);
    this.#numbers.clear();
    for (const [number, model] of rows) this.know(model, number);
  }

  /** Whether the number has a name yet; not that of a model which another thread has added since. */
  has(number: number): boolean {
    return this.#arms[number] !== undefined;
  }

  number(argument: string, name: unknown): number {
    checkName(argument, name);
    // another thread may have added it
    if (!this.#numbers.has(name)) this.refresh();
    const number = this.#numbers.get(name);
    if (number === undefined) throw unknownModel(argument, name);
    return number;
  }

  numbers(argument: string, names: unknown): Uint32Array {
    if (!Array.isArray(names)) throw invalidArgument(argument, 'an array of names of models', names);
    const numbers = new Uint32Array(names.length);
    for (let i = 0; i < numbers.length; i++) numbers[i] = this.number(`${argument}[${i}]`, names[i]);
    return numbers;
  }

  /** All models in the order in which they came, with their numbers. */
  static rows(handle: number): [number, RouterModel][] {
    const rows = JSON.parse(call(() => native.routerModels(handle))) as [number, EncodedModel][];
    return rows.map(([number, model]) => [number, decodeModel(model)]);
  }
}

/** What decisions need to know of a model. */
export interface Arm {
  readonly id: string;
  readonly settings: ModelSettings;
  readonly metadata: Metadata | undefined;
}

function armOf({ id, model = id, settings, metadata }: RouterModel): Arm {
  return { id, settings: Object.freeze(Object.assign({ model }, settings, { model })), metadata };
}

/** A model as it crosses: plain data of the caller's as JSON of its own, whose order stays. */
type EncodedModel = Omit<RouterModel, 'settings' | 'metadata'> & {
  readonly settings?: string;
  readonly metadata?: string;
};

/** What {@link encodeModel} was given. */
export function decodeModel({ settings, metadata, ...model }: EncodedModel): RouterModel {
  const decoded: RouterModel = model;
  if (settings !== undefined) decoded.settings = parseMetadata(settings);
  if (metadata !== undefined) decoded.metadata = parseMetadata(metadata);
  return decoded;
}

/** A list of models for the native core. */
export function encodeModels(models: unknown): string {
  // what is no list is named by the core, after the settings
  if (!Array.isArray(models)) return 'null';
  const encoded: string[] = [];
  for (let i = 0; i < models.length; i++) encoded.push(encodeModel(`models[${i}]`, models[i]));
  return `[${encoded.join()}]`;
}

/** A model for the native core, which checks it; here only what JSON can't carry. */
export function encodeModel(argument: string, model: unknown): string {
  if (typeof model !== 'object' || model === null || Array.isArray(model)) {
    const keys = 'id, model, settings, metadata, inputUsdPer1M, outputUsdPer1M, tags, prior';
    throw invalidArgument(argument, `an object {${keys}}`, model);
  }
  const { id, settings, metadata, ...rest } = model as Record<string, unknown>;
  checkName(`${argument}.id`, id);
  const own = {
    settings: encodeMetadata(`${argument}.settings`, settings),
    metadata: encodeMetadata(`${argument}.metadata`, metadata),
  };
  const encoded = own.settings === undefined ? {} : (JSON.parse(own.settings) as Metadata);
  if (Object.hasOwn(encoded, 'model')) {
    throw invalidArgument(`${argument}.settings.model`, `nothing: it is ${argument}.model`, encoded.model);
  }
  return JSON.stringify({ id, ...(plainCopy(argument, rest, 2, checkName) as object), ...own });
}
