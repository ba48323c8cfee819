// How well vectors of texts tell intents apart: the nearest class mean of the training queries.
import { builtin, hash, type SyncEmbedder } from '../../dist/embed.mjs';
import { judge, show, type Verdict } from '../lib/bars.mts';
import { intentSets, loadIntents, type Part } from '../lib/data.mts';
import { dot, normalise } from '../lib/linear.mts';
import { countMissed, line, type Table } from '../lib/print.mts';
import { textsOf } from '../lib/vectors.mts';

const WIDTH = 14;

/** Share of the test queries that the 256 numbers must put right, from the design. */
const bars: Record<string, { least: number; stretch: number }> = {
  clinc150: { least: 0.85, stretch: 0.88 },
  banking77: { least: 0.77, stretch: 0.8 },
};

export interface IntentRow {
  set: string;
  vectors: string;
  dim: number;
  accuracy: number;
}

export function intentsTable(): Table<IntentRow>[] {
  const names = intentSets().filter((set) => textsOf(set, 'train'));
  if (names.length === 0) console.log('\nSONA_DATA has no texts of intents: their table is left out.');
  return names.map(oneSet);
}

function oneSet(set: string): Table<IntentRow> {
  const { train, test } = loadIntents(set);
  console.log(
    `\n${set}: ${test.labels.length} test queries, nearest of ${new Set(train.labels).size} class means`,
  );
  console.log(line('', ['numbers', 'accuracy', 'bar', 'stretch'], WIDTH));
  const by = (embedder: SyncEmbedder, part: string, { labels }: Part): Part => {
    const vectors = (textsOf(set, part) ?? []).map((text) => embedder.embedSync(text));
    return { vectors, labels };
  };
  const table: Table<IntentRow> = { rows: [], missed: 0 };
  for (const [name, embedder] of [
    ['built-in', builtin()],
    ['built-in, first 128', builtin({ dim: 128 })],
    ['built-in, first 64', builtin({ dim: 64 })],
    ['hash', hash()],
  ] as const) {
    const accuracy = nearestMean(by(embedder, 'train', train), by(embedder, 'test', test));
    table.rows.push({ set, vectors: name, dim: embedder.dim, accuracy });
  }
  const dim = train.vectors[0]?.length ?? 0;
  table.rows.push({ set, vectors: 'MiniLM', dim, accuracy: nearestMean(train, test) });
  for (const row of table.rows) {
    const verdicts = row.vectors === 'built-in' ? verdictsOf(row) : [];
    console.log(line(row.vectors, [String(row.dim), row.accuracy.toFixed(3), ...verdicts.map(show)], WIDTH));
    table.missed += countMissed(verdicts.slice(0, 1));
  }
  return table;
}

function verdictsOf({ set, accuracy }: IntentRow): Verdict[] {
  const bar = bars[set];
  if (!bar) return [];
  return [judge(accuracy, { least: bar.least }, 3), judge(accuracy, { least: bar.stretch }, 3)];
}

function nearestMean(train: Part, test: Part): number {
  const dim = train.vectors[0]?.length ?? 0;
  const classes = 1 + train.labels.reduce((most, label) => Math.max(most, label), 0);
  const means = new Float32Array(classes * dim);
  train.vectors.forEach((vector, i) => {
    const at = (train.labels[i] as number) * dim;
    for (let k = 0; k < dim; k++) means[at + k] = (means[at + k] as number) + (vector[k] as number);
  });
  for (let label = 0; label < classes; label++) normalise(means, label * dim, dim);
  let right = 0;
  test.vectors.forEach((vector, i) => {
    let [best, top] = [0, -Infinity];
    for (let label = 0; label < classes; label++) {
      const cosine = dot(means, label * dim, vector, 0, dim);
      if (cosine > top) [best, top] = [label, cosine];
    }
    if (best === test.labels[i]) right++;
  });
  return right / test.labels.length;
}
