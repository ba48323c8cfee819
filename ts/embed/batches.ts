/**
 * Embeds texts in batches of at most `size`, up to `parallel` of them at a time, and returns all vectors in the order
 * of the texts. After a failure no further batch is begun.
 *
 * @param work makes the vectors of one batch, which starts at the text number `at`
 */
export async function inBatches(
  texts: readonly string[],
  size: number,
  parallel: number,
  work: (batch: string[], at: number) => Promise<Float32Array[]>,
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = new Array(texts.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < texts.length) {
      const at = next;
      next += size;
      try {
        const made = await work(texts.slice(at, at + size), at);
        made.forEach((vector, i) => {
          vectors[at + i] = vector;
        });
      } catch (error) {
        next = texts.length;
        throw error;
      }
    }
  };
  const lanes = Math.min(parallel, texts.length);
  await Promise.all(Array.from({ length: lanes }, lane));
  return vectors;
}
