// The table of exploration: what trying routes of which little is known costs and brings.
import type { IntentSet } from '../lib/data.mts';
import { routed } from '../lib/engine.mts';
import { line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { accuracy, type Estimate, estimate } from '../lib/protocol.mts';
import { episode } from '../lib/stationary.mts';

export interface ExplorationRow {
  set: string;
  explore: boolean;
  /** Percent of the choices of the stream that were right. */
  online: Estimate;
  /** Percent of the test part that is chosen rightly in the end, without exploring. */
  final: Estimate;
  /** Routes with traffic that were never chosen rightly. */
  neverRight: Estimate;
}

const WIDTH = 16;

export function explorationTable(
  set: IntentSet,
  { events, seeds }: { events: number; seeds: number },
): Table<ExplorationRow> {
  console.log(
    `\n${set.name}: ${set.labels.length} routes known by name, ${events} events, ${seedsOf(seeds)}`,
  );
  console.log(line('', ['online %', 'final %', 'never right'], WIDTH));
  const rows = [false, true].map((explore): ExplorationRow => {
    const runs = Array.from({ length: seeds }, (_, seed) => run(set, explore, seed, events));
    const row = {
      set: set.name,
      explore,
      online: estimate(runs.map(({ online }) => online)),
      final: estimate(runs.map(({ final }) => final)),
      neverRight: estimate(runs.map(({ neverRight }) => neverRight)),
    };
    const cells = [plusMinus(row.online), plusMinus(row.final), plusMinus(row.neverRight)];
    console.log(line(explore ? 'explore: true' : 'full default', cells, WIDTH));
    return row;
  });
  return { rows, missed: 0 };
}

function run(set: IntentSet, explore: boolean, seed: number, events: number) {
  const { priors, stream } = episode(set, seed, 0);
  const learner = routed('full default', priors, seed);
  const { engine } = learner;
  const unproved = new Set(set.train.labels);
  let right = 0;
  for (let n = 0; n < events; n++) {
    const i = stream[n % stream.length] as number;
    const truth = set.train.labels[i] as number;
    const { id, best } = engine.suggestRoutes(set.train.vectors[i] as Float32Array, { k: 1, explore });
    const isRight = Number(best) === truth;
    if (isRight) {
      right++;
      unproved.delete(truth);
    }
    engine.feedback(id, { quality: isRight ? 1 : 0 });
    engine.tick();
  }
  const final = accuracy(learner, set.test);
  learner.close();
  return { online: (100 * right) / events, final, neverRight: unproved.size };
}
