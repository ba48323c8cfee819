// A stream whose topics do not change: a seeded permutation of the train part, repeated when used up, and an evaluation
// on the test part that teaches nothing, at fixed points of it.
import type { IntentSet } from './data.mts';
import { add, normalise, stack } from './linear.mts';
import { accuracy, type Estimate, estimate, type LearnerFactory, step } from './protocol.mts';
import { Random } from './random.mts';

export interface Protocol {
  events: number;
  seeds: number;
  /** Examples per route that make its prior and leave the stream; 0: the prior is the label's name. */
  shots: number;
}

export interface Row {
  set: string;
  learner: string;
  /** Test accuracy in percent after each number of events. */
  accuracy: ({ events: number } & Estimate)[];
  /** Time of one choice and its feedback. */
  microsPerEvent: number;
  memoryBytes?: number;
}

export const checkpoints = (events: number): number[] => [
  ...[0, 500, 1000, 2000, 5000, 10_000].filter((at) => at < events),
  events,
];

/** Runs one learner on one set. */
export function judge(set: IntentSet, create: LearnerFactory, protocol: Protocol): Row {
  const marks = checkpoints(protocol.events);
  const percents: number[][] = marks.map(() => []);
  let millis = 0;
  let name = '';
  let memoryBytes: number | undefined;
  for (let seed = 0; seed < protocol.seeds; seed++) {
    const { priors, stream } = episode(set, seed, protocol.shots);
    const learner = create(priors, seed);
    name = learner.name;
    let done = 0;
    marks.forEach((mark, i) => {
      const began = performance.now();
      for (; done < mark; done++) step(learner, set.train, stream[done % stream.length] as number);
      learner.checkpoint?.();
      millis += performance.now() - began;
      percents[i]?.push(accuracy(learner, set.test));
    });
    memoryBytes = learner.memoryBytes?.();
    learner.close?.();
  }
  return {
    set: set.name,
    learner: name,
    accuracy: marks.map((events, i) => ({ events, ...estimate(percents[i] ?? []) })),
    microsPerEvent: (1000 * millis) / (protocol.events * protocol.seeds),
    ...(memoryBytes !== undefined && { memoryBytes }),
  };
}

/** The priors of one seed and the order in which the train part comes. */
export function episode(
  set: IntentSet,
  seed: number,
  shots: number,
): { priors: Float32Array[]; stream: Uint32Array } {
  const order = new Random(1000 + seed).permutation(set.train.vectors.length);
  if (shots === 0) return { priors: set.labels, stream: order };
  const sums = stack(set.labels).fill(0);
  const taken = new Uint16Array(set.labels.length);
  const stream = order.filter((i) => {
    const label = set.train.labels[i] as number;
    if ((taken[label] as number) >= shots) return true;
    taken[label] = (taken[label] as number) + 1;
    add(sums, label * set.dim, 1, set.train.vectors[i] as Float32Array, 0, set.dim);
    return false;
  });
  const priors = set.labels.map((_, label) => {
    normalise(sums, label * set.dim, set.dim);
    return sums.subarray(label * set.dim, (label + 1) * set.dim);
  });
  return { priors, stream };
}
