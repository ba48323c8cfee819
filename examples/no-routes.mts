// Learning without naming routes: each step of a trajectory carries a vector of what was used, here the label's
// embedding, and the outcome pulls queries like this one toward it or pushes them away. You choose with applyLora.
import { SonaEngine } from '@sona/sona';
import { loadIntents } from '../bench/lib/data.mts';
import { bestRow, stack } from '../bench/lib/linear.mts';
import { Random } from '../bench/lib/random.mts';

const EVENTS = 2000;

const { dim, labels, train, test } = loadIntents('banking77');
const options = stack(labels);
const engine = new SonaEngine({ hiddenDim: dim, background: 'manual' });
const adapted = new Float32Array(dim);

/** The label whose vector is nearest to the adapted query. */
function choose(query: Float32Array): number {
  return bestRow(options, engine.applyLora(query, adapted));
}

function accuracy(): string {
  const right = test.vectors.filter((query, i) => choose(query) === test.labels[i]).length;
  return `${((100 * right) / test.vectors.length).toFixed(1)} % of ${test.vectors.length} unseen queries right`;
}

console.log(`before: ${accuracy()}`);
for (const i of new Random(1).permutation(train.vectors.length).subarray(0, EVENTS)) {
  const query = train.vectors[i] as Float32Array;
  const chosen = choose(query);
  const trajectory = engine.beginTrajectory(query).addStep(labels[chosen] as Float32Array, [], 1);
  engine.endTrajectory(trajectory, chosen === train.labels[i] ? 1 : 0);
  engine.tick(); // trains every 100 events; with background 'auto' a thread does
}
console.log(`after ${EVENTS} events: ${accuracy()}`);
await engine.close();
