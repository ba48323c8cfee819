// Where the events come from: the intent data set that belongs to the demo, or the user's own log.
import { loadIntents, loadTexts } from '../../bench/lib/data.mts';
import { Random } from '../../bench/lib/random.mts';

/** One event: a query, and the outcome of what was chosen for it. */
export interface Event {
  /** What it is called: a number, a line. */
  id: string;
  vector: Float32Array;
  /** What was chosen and how well it went, given what the engine would choose. */
  outcome(suggested: string | null): { route: string; quality: number };
}

export interface Source {
  /** In one line. */
  title: string;
  /** What the table counts. */
  measure: string;
  dim: number;
  routes: { name: string; embedding?: Float32Array }[];
  /** Length of the stream when the user does not say. */
  events: number;
  event(i: number): Event;
  /** Queries that nothing is learned from, with the route that is right. */
  unseen: { id: string; vector: Float32Array; route: string }[];
  /** An event or an unseen query in words, where they are known here. */
  text(id: string): string | undefined;
  /** The events were recorded elsewhere: the choices are made already. */
  recorded: boolean;
}

const trainId = (i: number): string => `#${i + 1}`;
const testId = (i: number): string => `unseen #${i + 1}`;

/** BANKING77, each event judged as a user would: was the route right or not. */
export function builtInSource(seed: number): Source {
  const set = loadIntents('banking77');
  const names = set.labels.map((_, label) => set.names?.[label] ?? `intent ${label}`);
  const order = new Random(1000 + seed).permutation(set.train.vectors.length);
  const name = (label: number | undefined) => names[label as number] as string;
  const texts = new Map<string, string>();
  loadTexts('banking77', 'train')?.forEach((text, i) => {
    texts.set(trainId(i), text);
  });
  loadTexts('banking77', 'test')?.forEach((text, i) => {
    texts.set(testId(i), text);
  });
  return {
    title: `BANKING77: ${names.length} intents of bank customers, sentence embeddings of ${set.dim} numbers`,
    measure: 'accuracy on unseen queries, %',
    dim: set.dim,
    routes: set.labels.map((embedding, label) => ({ name: name(label), embedding })),
    events: 10_000,
    event(i) {
      const at = order[i % order.length] as number;
      const right = name(set.train.labels[at]);
      return {
        id: trainId(at),
        vector: set.train.vectors[at] as Float32Array,
        outcome: (suggested) => {
          const route = suggested ?? right;
          return { route, quality: route === right ? 1 : 0 };
        },
      };
    },
    unseen: set.test.vectors.map((vector, i) => ({
      id: testId(i),
      vector,
      route: name(set.test.labels[i]),
    })),
    text: (id) => texts.get(id),
    recorded: false,
  };
}
