// The second act's data: topics that come one after another, each with routes of its own.
import { type IntentSet, intentSets, loadIntents } from '../../bench/lib/data.mts';
import { Random } from '../../bench/lib/random.mts';

export interface Query {
  vector: Float32Array;
  /** The route that is right. */
  route: string;
}

export interface Topic {
  name: string;
  routes: { name: string; embedding: Float32Array }[];
  /** What is learned from, in order. */
  stream: Query[];
  /** What nothing is learned from. */
  unseen: Query[];
}

export interface Topics {
  /** In one line. */
  title: string;
  dim: number;
  list: Topic[];
}

/** CLINC150's domains where SONA_DATA has them, else BANKING77 in parts; so many queries of each topic. */
export function builtInTopics(seed: number, queries: number): Topics {
  const random = new Random(4000 + seed);
  const withDomains = intentSets().includes('clinc150');
  const set = loadIntents(withDomains ? 'clinc150' : 'banking77');
  const parts = withDomains ? byDomain(set) : byName(set, 7);
  const list = parts.map(({ name, labels }) => topic(set, name, labels, queries, random));
  const title = withDomains
    ? `CLINC150: ${list.length} domains of what people ask an assistant`
    : `BANKING77 in ${list.length} parts, by the names of its intents`;
  return { title, dim: set.dim, list };
}

interface Part {
  name: string;
  labels: number[];
}

function byDomain({ labels, domains = [] }: IntentSet): Part[] {
  const names = [...new Set(domains)].sort();
  return names.map((name) => ({
    name: name.replaceAll('_', ' '),
    labels: [...labels.keys()].filter((label) => domains[label] === name),
  }));
}

function byName({ labels }: IntentSet, count: number): Part[] {
  const edge = (part: number) => Math.round((part * labels.length) / count);
  return Array.from({ length: count }, (_, part) => ({
    name: `intents ${edge(part)} to ${edge(part + 1) - 1}`,
    labels: [...labels.keys()].slice(edge(part), edge(part + 1)),
  }));
}

function topic(
  set: IntentSet,
  name: string,
  labels: readonly number[],
  queries: number,
  random: Random,
): Topic {
  const route = (label: number): string => set.names?.[label] ?? `intent ${label}`;
  const of = (part: 'train' | 'test'): Query[] =>
    set[part].vectors.flatMap((vector, i) => {
      const label = set[part].labels[i] as number;
      return labels.includes(label) ? [{ vector, route: route(label) }] : [];
    });
  const pool = of('train');
  return {
    name,
    routes: labels.map((label) => ({ name: route(label), embedding: set.labels[label] as Float32Array })),
    stream: [...random.permutation(pool.length)].slice(0, queries).map((i) => pool[i] as Query),
    unseen: of('test'),
  };
}
