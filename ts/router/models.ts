import { invalidArgument, unknownModel } from '../base/errors.ts';
import { plainCopy } from '../base/plain.ts';
import { checkName } from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';

/** What is expected of a model before any outcome. */
export interface ModelPrior {
  /** Mean quality, 0 to 1. Default: the mean of all models, and a bit more while nothing is known. */
  quality?: number;
  /** US dollars per call. */
  costUsd?: number;
  /** Milliseconds per call. */
  latencyMs?: number;
  /** Another model that it will do like: what that knows when this one is added. Default: the one with the most tags in common, if any. */
  like?: string;
  /** Outcomes that the prior counts for, above 0. Default 10. */
  weight?: number;
}

/** A model that requests can be routed to. */
export interface RouterModel {
  /** Its name, unique in a router. */
  id: string;
  /** US dollars per million tokens of prompt. */
  inputUsdPer1M?: number;
  /** US dollars per million tokens of answer. */
  outputUsdPer1M?: number;
  /** Words that models share which do well on the same prompts. At most 64. */
  tags?: readonly string[];
  /** What is expected of it. */
  prior?: ModelPrior;
}

/** A change of prices. What is not given stays. */
export interface ModelPrice {
  /** US dollars per million tokens of prompt. */
  inputUsdPer1M?: number;
  /** US dollars per million tokens of answer. */
  outputUsdPer1M?: number;
}

/** Names and numbers of the models of one router, so that names do not cross to the addon. */
export class Models {
  readonly #numbers = new Map<string, number>();
  /** Also of models that have been removed: decisions may still be explained. */
  readonly #names: string[] = [];
  readonly #handle: number;

  constructor(handle: number) {
    this.#handle = handle;
    this.refresh();
  }

  get count(): number {
    return this.#numbers.size;
  }

  know(name: string, number: number): void {
    this.#numbers.set(name, number);
    this.#names[number] = name;
  }

  forget(name: string): void {
    this.#numbers.delete(name);
  }

  name(number: number): string {
    return this.#names[number] as string;
  }

  /** Learns what other threads have added and removed. */
  refresh(): void {
    const rows = Models.rows(this.#handle);
    this.#numbers.clear();
    for (const [number, { id }] of rows) this.know(id, number);
  }

  /** Whether the number has a name yet; not that of a model which another thread has added since. */
  has(number: number): boolean {
    return this.#names[number] !== undefined;
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
    return JSON.parse(call(() => native.routerModels(handle)));
  }
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
    throw invalidArgument(argument, 'an object {id, inputUsdPer1M, outputUsdPer1M, tags, prior}', model);
  }
  const { id, ...rest } = model as Record<string, unknown>;
  checkName(`${argument}.id`, id);
  return JSON.stringify({ id, ...(plainCopy(argument, rest, 2, checkName) as object) });
}
