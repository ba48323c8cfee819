import { invalidArgument, notFinite, outOfRange } from '../errors.ts';
import { call, native } from '../native.ts';
import {
  checkNumber,
  checkOptions,
  checkUnitInterval,
  checkVector,
  copyInto,
  type Vector,
} from '../vectors.ts';
import type { Models } from './models.ts';

/** An outcome from elsewhere. */
export interface WarmStartRow {
  /** The prompt. */
  vector: Vector;
  /** The model that answered. */
  model: string;
  /** How good the answer was, 0 to 1. */
  quality: number;
  /** Outcomes that it counts for, above 0, at most 1,000. Default 1. */
  weight?: number;
}

/** Rows that cross to the addon at a time. */
const CHUNK = 4_096;

/** Squared lengths above are refused, so that none of a later chunk can be; the 32-bit range ends at 3.403e38. */
const LONGEST = 3.4e38;

/** Rows as they cross. */
interface Chunk {
  vectors: Float32Array;
  models: Uint32Array;
  /** Quality and weight of each. */
  numbers: Float64Array;
}

/** Takes in rows, all or none. */
export function warmStart(
  handle: number,
  models: Models,
  dim: number,
  rows: readonly WarmStartRow[],
): number {
  if (!Array.isArray(rows))
    throw invalidArgument('rows', 'an array of {vector, model, quality, weight}', rows);
  // copied before the first crosses, so that nothing can be wrong any more by then
  const chunks: Chunk[] = [];
  for (let from = 0; from < rows.length; from += CHUNK) {
    const count = Math.min(CHUNK, rows.length - from);
    const chunk: Chunk = {
      vectors: new Float32Array(count * dim),
      models: new Uint32Array(count),
      numbers: new Float64Array(count * 2),
    };
    for (let i = 0; i < count; i++) readRow(`rows[${from + i}]`, rows[from + i], models, dim, chunk, i);
    chunks.push(chunk);
  }
  let taken = 0;
  for (const chunk of chunks) {
    call(() => native.routerWarmStart(handle, chunk.vectors, chunk.models, chunk.numbers));
    taken += chunk.models.length;
  }
  return taken;
}

function readRow(name: string, row: unknown, models: Models, dim: number, chunk: Chunk, at: number): void {
  checkOptions(name, row, ['vector', 'model', 'quality', 'weight']);
  const { vector, model, quality, weight = 1 } = row as Record<keyof WarmStartRow, unknown>;
  checkVector(`${name}.vector`, vector, dim);
  copyInto(`${name}.vector`, vector, chunk.vectors, at * dim);
  checkLength(`${name}.vector`, chunk.vectors, at * dim, dim);
  chunk.models[at] = models.number(`${name}.model`, model);
  checkUnitInterval(`${name}.quality`, quality);
  checkNumber(`${name}.weight`, weight);
  if (weight <= 0 || weight > 1_000) {
    throw outOfRange(`${name}.weight`, 'a number above 0, at most 1,000', weight);
  }
  chunk.numbers.set([quality, weight], at * 2);
}

/** Refuses what has no direction. */
function checkLength(argument: string, memory: Float32Array, at: number, dim: number): void {
  let squared = 0;
  for (let i = 0; i < dim; i++) {
    const number = memory[at + i] as number;
    if (!Number.isFinite(number)) throw notFinite(argument, i, number);
    squared += number * number;
  }
  if (squared > LONGEST)
    throw outOfRange(argument, `a vector whose squared length is at most ${LONGEST}`, squared);
  if (squared === 0) throw outOfRange(argument, 'a vector with at least one number other than 0', squared);
}
