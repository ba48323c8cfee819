// The intent set that programs are measured on: choose a label by the cosine of the adapted query with the labels'
// vectors, learn from whether that was right.
import { type IntentSet, loadIntents } from '../../bench/lib/data.mts';
import { bestRow, stack } from '../../bench/lib/linear.mts';
import { Random } from '../../bench/lib/random.mts';

/** The pack of the repository, whatever SONA_DATA says. */
export function pack(): IntentSet {
  const [data, log] = [process.env.SONA_DATA, console.error];
  delete process.env.SONA_DATA;
  console.error = () => undefined;
  try {
    return loadIntents('banking77');
  } finally {
    console.error = log;
    if (data !== undefined) process.env.SONA_DATA = data;
  }
}

/** The first `dim` numbers of every vector, for engines whose dimension a program does not set. */
export function shortened(set: IntentSet, dim: number): IntentSet {
  const shorten = (vectors: Float32Array[]) =>
    vectors.map((vector) => {
      const short = vector.slice(0, dim);
      const length = Math.hypot(...short);
      return short.map((number) => number / length);
    });
  return {
    ...set,
    dim,
    labels: shorten(set.labels),
    train: { ...set.train, vectors: shorten(set.train.vectors) },
    test: { ...set.test, vectors: shorten(set.test.vectors) },
  };
}

/** What a program does with one query: adapt it, and learn whether the label that it chose was right. */
export interface Program {
  /** The query as the program would search with it. */
  adapt: (query: Float32Array) => Float32Array;
  /** Tells that `activation`, the chosen label's vector, was right or wrong for the query. */
  tell: (query: Float32Array, activation: Float32Array, right: boolean) => void;
  /** Called every hundred events. */
  hundred?: () => void;
}

export interface Measured {
  before: number;
  after: number;
  /** Points of accuracy. */
  gain: number;
}

/** Accuracy in percent on unseen queries, before and after a stream of queries. */
export function measure(set: IntentSet, seed: number, events: number, program: Program): Measured {
  const options = stack(set.labels);
  const choose = (query: Float32Array) => bestRow(options, program.adapt(query));
  const accuracy = () => {
    const right = set.test.vectors.filter((query, i) => choose(query) === set.test.labels[i]);
    return (100 * right.length) / set.test.vectors.length;
  };
  const before = accuracy();
  const order = new Random(seed).permutation(set.train.vectors.length).subarray(0, events);
  order.forEach((i, n) => {
    const query = set.train.vectors[i] as Float32Array;
    const chosen = choose(query);
    program.tell(query, set.labels[chosen] as Float32Array, chosen === set.train.labels[i]);
    if (n % 100 === 99) program.hundred?.();
  });
  const after = accuracy();
  return { before, after, gain: after - before };
}
