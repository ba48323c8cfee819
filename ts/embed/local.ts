import { checkSignal } from '../base/abort.ts';
import { dimMismatch, invalidArgument } from '../base/errors.ts';
import { isF32, isShared } from '../base/vectors.ts';
import { nextTurn } from '../host/turns.ts';
import { inBatches } from './batches.ts';
import { checkEmbed, type EmbedOptions } from './embedder.ts';

/** Texts that are embedded in one go: some ten milliseconds. */
const BLOCK = 256;

/**
 * Embeds on this thread, block by block, so that other work gets its turn and the signal is seen in between.
 *
 * @param embed writes the vectors of a block one after another
 */
export async function embedLocally(
  dim: number,
  texts: readonly string[],
  options: EmbedOptions,
  embed: (block: string[], out: Float32Array) => unknown,
): Promise<Float32Array[]> {
  const taken = checkEmbed(texts, options);
  const { signal } = options;
  checkSignal('options.signal', signal);
  return inBatches(taken, BLOCK, 1, async (block, at) => {
    if (at > 0) await nextTurn();
    checkSignal('options.signal', signal);
    const flat = new Float32Array(block.length * dim);
    embed(block, flat);
    return block.map((_, i) => flat.subarray(i * dim, (i + 1) * dim));
  });
}

/** Embeds one text into `out`, or into a vector of its own. */
export function embedOne(
  dim: number,
  text: string,
  out: Float32Array | undefined,
  embed: (text: string, out: Float32Array) => unknown,
): Float32Array {
  if (typeof text !== 'string') throw invalidArgument('text', 'a string', text);
  if (out === undefined) {
    const vector = new Float32Array(dim);
    embed(text, vector);
    return vector;
  }
  if (!isF32(out)) throw invalidArgument('out', 'a Float32Array', out);
  if (out.length !== dim) throw dimMismatch('out', dim, out.length);
  // another thread could write to shared memory while native code works in it
  const own = isShared(out) ? new Float32Array(dim) : out;
  embed(text, own);
  if (own !== out) out.set(own);
  return out;
}
