/** Rounds of mixing. After three, no coordinate of a vector stands out in the result. */
const ROUNDS = 3;

/** Where the signs and orders of every process begin. */
const SEED = 0x50_4e_41;

/** One round: what stands in place i came from `order[i]`, with `signs[i]`; then all is mixed. */
interface Round {
  readonly order: Uint32Array;
  readonly signs: Int8Array;
}

/**
 * A fixed orthogonal map between vectors of two lengths, the same in every process.
 *
 * It is made of rounds of a permutation, random signs and Walsh-Hadamard transforms (Yu et al., "Orthogonal Random Features",
 * 2016) and a reflection at a random plane, without which few numbers could fall on zeros. Each of these is orthogonal, so that
 * the whole is, up to rounding. To a shorter length the first numbers of the
 * result are taken, times the root of the lengths' ratio: the rows are orthogonal and of one length, and lengths and cosines
 * are kept in the mean, to about 1 / sqrt(to). To a greater length zeros are appended first: the columns are orthonormal, and
 * lengths and cosines are kept.
 *
 * A call costs about 4 n log2(n) additions, n being the greater length; the map holds 39 n bytes.
 */
export class Projection {
  readonly #rounds: readonly Round[];
  /** What is perpendicular to the plane of the reflection, of unit length. */
  readonly #normal: Float64Array;
  readonly #work: Float64Array;
  readonly #other: Float64Array;
  readonly #scale: number;

  constructor(
    /** Length of what is projected. */
    readonly from: number,
    /** Length of its projection. */
    readonly to: number,
  ) {
    const size = Math.max(from, to);
    const random = randomBits(SEED ^ size);
    this.#rounds = Array.from({ length: ROUNDS }, () => ({
      order: permutation(size, random),
      signs: Int8Array.from({ length: size }, () => (random() & 1 ? 1 : -1)),
    }));
    const normal = Float64Array.from({ length: size }, () => random() / 2 ** 31 - 1);
    const length = Math.sqrt(normal.reduce((sum, number) => sum + number * number, 0));
    this.#normal = normal.map((number) => number / length);
    this.#work = new Float64Array(size);
    this.#other = new Float64Array(size);
    this.#scale = Math.sqrt(Math.max(1, from / to));
  }

  /** Writes the projection of a vector of `from` numbers into `out`, which takes `to`. */
  project(vector: ArrayLike<number>, out: Float32Array | Float64Array): void {
    let [now, next] = [this.#work, this.#other];
    now.fill(0);
    now.set(vector);
    for (const { order, signs } of this.#rounds) {
      for (let i = 0; i < next.length; i++)
        next[i] = (signs[i] as number) * (now[order[i] as number] as number);
      for (const start of blocks(next.length)) mix(next, start);
      [now, next] = [next, now];
    }
    reflect(now, this.#normal);
    for (let i = 0; i < this.to; i++) out[i] = this.#scale * (now[i] as number);
  }

  /** Writes the transposed map's image of `to` numbers into `out`, which takes `from`. */
  back(vector: ArrayLike<number>, out: Float32Array | Float64Array): void {
    let [now, next] = [this.#work, this.#other];
    now.fill(0);
    now.set(vector);
    reflect(now, this.#normal);
    for (const { order, signs } of this.#rounds.toReversed()) {
      for (const start of blocks(now.length).reverse()) mix(now, start);
      for (let i = 0; i < now.length; i++)
        next[order[i] as number] = (signs[i] as number) * (now[i] as number);
      [now, next] = [next, now];
    }
    for (let i = 0; i < this.from; i++) out[i] = this.#scale * (now[i] as number);
  }
}

/** The largest power of two that is at most the length. */
const blockOf = (length: number): number => 1 << (31 - Math.clz32(length));

/** Where blocks of that size begin that cover the whole: the first and, where one is not enough, the last. */
function blocks(length: number): number[] {
  const rest = length - blockOf(length);
  return rest === 0 ? [0] : [0, rest];
}

/** The Walsh-Hadamard transform of a block, in place, scaled so that it is orthogonal. */
function mix(values: Float64Array, start: number): void {
  const length = blockOf(values.length);
  const end = start + length;
  for (let half = 1; half < length; half <<= 1) {
    for (let block = start; block < end; block += half << 1) {
      const middle = block + half;
      for (let i = block; i < middle; i++) {
        // no pair of them: that would be made and thrown away a hundred thousand times
        const a = values[i] as number;
        const b = values[i + half] as number;
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
  const unit = 1 / Math.sqrt(length);
  for (let i = start; i < end; i++) values[i] = (values[i] as number) * unit;
}

/** The mirror image at the plane through 0 with this normal of unit length, in place. */
function reflect(values: Float64Array, normal: Float64Array): void {
  let along = 0;
  for (let i = 0; i < values.length; i++) along += (values[i] as number) * (normal[i] as number);
  for (let i = 0; i < values.length; i++) {
    values[i] = (values[i] as number) - 2 * along * (normal[i] as number);
  }
}

/** All places below `size`, shuffled (Fisher and Yates). */
function permutation(size: number, random: () => number): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, i) => i);
  for (let i = size - 1; i > 0; i--) {
    const j = random() % (i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/** 32 random bits at a time (mulberry32). */
function randomBits(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
