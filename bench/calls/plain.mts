// The same arithmetic in plain JavaScript, without checks, copies or locks.
import { add, dot, normalise } from '../lib/linear.mts';

/** Weights of an adapter: the change is scale B A x; both held as `rank` rows of `dim`. */
export class PlainLora {
  readonly a: Float32Array;
  readonly b: Float32Array;

  constructor(
    readonly dim: number,
    readonly rank: number,
    readonly scale: number,
    numbers: () => number,
  ) {
    this.a = Float32Array.from({ length: rank * dim }, numbers);
    this.b = Float32Array.from({ length: rank * dim }, numbers);
  }

  /** out += the change of x */
  addTo(x: Float32Array, xAt: number, out: Float32Array, outAt: number): void {
    for (let r = 0; r < this.rank; r++) {
      const inner = this.scale * dot(this.a, r * this.dim, x, xAt, this.dim);
      add(out, outAt, inner, this.b, r * this.dim, this.dim);
    }
  }
}

/** out = x + the changes */
export function apply(tiers: readonly PlainLora[], x: Float32Array, out: Float32Array): void {
  out.set(x);
  for (const tier of tiers) tier.addTo(x, 0, out, 0);
}

/** The k largest products of the adapted query with the rows, best first: [row, score, probability]. */
export function rank(
  tiers: readonly PlainLora[],
  rows: Float32Array,
  x: Float32Array,
  k: number,
  scratch: Float32Array,
): [number, number, number][] {
  apply(tiers, x, scratch);
  const dim = x.length;
  normalise(scratch, 0, dim);
  const count = rows.length / dim;
  const best: [number, number, number][] = [];
  let mass = 0;
  for (let row = 0; row < count; row++) {
    const score = dot(rows, row * dim, scratch, 0, dim);
    mass += Math.exp(20 * (score - 1));
    if (best.length === k && score <= (best[k - 1] as [number, number, number])[1]) continue;
    let at = best.length;
    while (at > 0 && (best[at - 1] as [number, number, number])[1] < score) at--;
    best.splice(at, 0, [row, score, 0]);
    if (best.length > k) best.pop();
  }
  for (const entry of best) entry[2] = Math.exp(20 * (entry[1] - 1)) / mass;
  return best;
}

const NEAREST = 16;

/**
 * The instant update of a step without a route: likelihood of the outcome among the 16 nearest of the newest
 * activations, gradient through the normalisation, one step of gradient descent; then the table takes the activation.
 */
export class PlainInstant {
  private readonly table: Float32Array;
  private newest = 0;
  private readonly adapted: Float32Array;
  private readonly gradient: Float32Array;
  private readonly scores = new Float32Array(NEAREST + 1);
  private readonly rows = new Int32Array(NEAREST + 1);

  constructor(
    private readonly lora: PlainLora,
    private readonly size: number,
    numbers: () => number,
  ) {
    this.table = Float32Array.from({ length: size * lora.dim }, numbers);
    this.adapted = new Float32Array(lora.dim);
    this.gradient = new Float32Array(lora.dim);
  }

  learn(query: Float32Array, activation: Float32Array, outcome: number): void {
    const { lora, table, adapted, gradient, scores, rows } = this;
    const { dim } = lora;
    apply([lora], query, adapted);
    const length = normalise(adapted, 0, dim);
    scores.fill(-2);
    for (let row = 0; row < this.size; row++) {
      const score = dot(table, row * dim, adapted, 0, dim);
      let at = NEAREST - 1;
      if (score <= (scores[at] as number)) continue;
      for (; at > 0 && (scores[at - 1] as number) < score; at--) {
        scores[at] = scores[at - 1] as number;
        rows[at] = rows[at - 1] as number;
      }
      scores[at] = score;
      rows[at] = row;
    }
    scores[NEAREST] = dot(activation, 0, adapted, 0, dim);
    let mass = 0;
    for (let i = 0; i <= NEAREST; i++) {
      scores[i] = Math.exp(20 * ((scores[i] as number) - 1));
      mass += scores[i] as number;
    }
    const chosen = Math.min(Math.max((scores[NEAREST] as number) / mass, 1e-6), 1 - 1e-6);
    gradient.fill(0);
    for (let i = 0; i < NEAREST; i++) {
      const pi = (scores[i] as number) / mass;
      const slope = outcome * pi - ((1 - outcome) * chosen * pi) / (1 - chosen);
      add(gradient, 0, 20 * slope, table, (rows[i] as number) * dim, dim);
    }
    add(gradient, 0, 20 * (outcome * (chosen - 1) + (1 - outcome) * chosen), activation, 0, dim);
    add(gradient, 0, -dot(gradient, 0, adapted, 0, dim), adapted, 0, dim);
    for (let r = 0; r < lora.rank; r++) {
      const inner = dot(lora.a, r * dim, query, 0, dim);
      const back = dot(lora.b, r * dim, gradient, 0, dim);
      const rate = (0.01 * lora.scale) / length;
      add(lora.b, r * dim, -rate * inner, gradient, 0, dim);
      add(lora.a, r * dim, -rate * back, query, 0, dim);
    }
    table.set(activation, this.newest * dim);
    this.newest = (this.newest + 1) % this.size;
  }
}
