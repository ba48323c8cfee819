import { invalidArgument, outOfRange } from '../base/errors.ts';
import {
  checkLength,
  checkNumber,
  checkOptions,
  checkUnitInterval,
  checkVector,
  copyInto,
  type Vector,
} from '../base/vectors.ts';
import { call, native } from '../binding/native.ts';
import type { ChatMessages } from '../embed/prompt.ts';
import type { AsyncOptions, Queries } from '../embed/query.ts';
import type { Models } from './models.ts';

/** An outcome from elsewhere, of a prompt as `vector` or as `text`. */
export interface WarmStartRow<Id extends string = string> {
  /** The prompt's vector. */
  vector?: Vector | undefined;
  /** The prompt, or the messages of its chat, for the router's embedder. */
  text?: string | ChatMessages | undefined;
  /** The model that answered. */
  model: Id;
  /** How good the answer was, 0 to 1. */
  quality: number;
  /** Outcomes that it counts for, above 0, at most 1,000. Default 1. */
  weight?: number | undefined;
}

/** The router that takes rows in. */
export interface Receiver {
  readonly handle: number;
  readonly models: Models;
  readonly queries: Queries;
  /** Length of vectors. */
  readonly dim: number;
}

/** Rows as they cross, all at once: they have no order, so that none is learned before another. */
interface Rows {
  vectors: Float32Array;
  models: Uint32Array;
  /** Quality and weight of each. */
  numbers: Float64Array;
}

/** Takes in rows, all or none. */
export function warmStart(receiver: Receiver, rows: readonly WarmStartRow[]): number {
  checkRows(rows);
  const { handle, dim } = receiver;
  const taken: Rows = {
    vectors: new Float32Array(rows.length * dim),
    models: new Uint32Array(rows.length),
    numbers: new Float64Array(rows.length * 2),
  };
  for (let i = 0; i < rows.length; i++) readRow(receiver, `rows[${i}]`, rows[i], taken, i);
  call(() => native.routerWarmStart(handle, taken.vectors, taken.models, taken.numbers));
  return rows.length;
}

/** Rows with vectors in place of texts, from every embedder. Whatever can be refused is refused before the wait. */
export async function embedRows<Id extends string>(
  { models, queries, dim }: Receiver,
  rows: readonly WarmStartRow<Id>[],
  wait: AsyncOptions,
): Promise<WarmStartRow<Id>[]> {
  checkRows(rows);
  // copied before the wait, so that what the caller does to them meanwhile means nothing
  const taken: WarmStartRow<Id>[] = [];
  const texts: string[] = [];
  const places: number[] = [];
  for (const [i, given] of rows.entries()) {
    const name = `rows[${i}]`;
    checkOptions(name, given, names);
    const { text, vector, model, quality, weight = 1 } = given;
    const row: WarmStartRow<Id> = { model, quality, weight };
    if (text === undefined) {
      row.vector = new Float32Array(dim);
      readVector(name, vector, row.vector);
    } else {
      texts.push(textOf(queries, name, text, vector));
      places.push(i);
    }
    checkTold(models, name, row);
    taken.push(row);
  }
  if (texts.length === 0) return taken;
  const vectors = await queries.textVectors('rows', texts, wait);
  for (const [k, vector] of vectors.entries()) {
    const i = places[k] as number;
    checkLength(`rows[${i}].text`, vector);
    (taken[i] as WarmStartRow<Id>).vector = vector;
  }
  return taken;
}

const names = ['vector', 'text', 'model', 'quality', 'weight'];

function checkRows(rows: unknown): asserts rows is readonly WarmStartRow[] {
  if (Array.isArray(rows)) return;
  throw invalidArgument('rows', 'an array of {vector or text, model, quality, weight}', rows);
}

function readRow(
  { models, queries, dim }: Receiver,
  name: string,
  row: unknown,
  chunk: Rows,
  at: number,
): void {
  checkOptions(name, row, names);
  const { vector, text, model, quality, weight = 1 } = row as WarmStartRow;
  const memory = chunk.vectors.subarray(at * dim, (at + 1) * dim);
  if (text !== undefined) {
    queries.textInto(`${name}.text`, textOf(queries, name, text, vector), memory);
    checkLength(`${name}.text`, memory);
  } else {
    readVector(name, vector, memory);
  }
  chunk.models[at] = checkTold(models, name, { model, quality, weight });
  chunk.numbers.set([quality, weight], at * 2);
}

function readVector(name: string, vector: unknown, memory: Float32Array): void {
  const argument = `${name}.vector`;
  checkVector(argument, vector, memory.length);
  copyInto(argument, vector, memory, 0);
  checkLength(argument, memory);
}

/** The number of the model. */
function checkTold(models: Models, name: string, { model, quality, weight }: WarmStartRow): number {
  const number = models.number(`${name}.model`, model);
  checkUnitInterval(`${name}.quality`, quality);
  checkNumber(`${name}.weight`, weight);
  if (weight <= 0 || weight > 1_000) {
    throw outOfRange(`${name}.weight`, 'a number above 0, at most 1,000', weight);
  }
  return number;
}

function textOf(queries: Queries, name: string, value: unknown, vector: unknown): string {
  if (vector !== undefined) throw invalidArgument(`${name}.text`, 'nothing beside a vector', value);
  const text = queries.text(`${name}.text`, value);
  if (text === undefined) throw invalidArgument(`${name}.text`, 'a string or the messages of a chat', value);
  return text;
}
