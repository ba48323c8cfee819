// What an engine remembers of past queries, in words: the patterns that a few unseen queries fall into.
import type { LearnedPattern, SonaEngine } from '@sona/sona';
import type { Source } from './source.mts';
import { bold, count } from './terminal.mts';

export interface Finding {
  /** The unseen query. */
  query: string;
  /** Queries of the pattern that lie nearest to its middle. */
  examples: string[];
  size: number;
  /** The routes that were chosen most often. */
  routes: { route: string; count: number; avgQuality: number }[];
}

const MOST = 3;
/** Unseen queries that are looked at, spread over all. */
const LOOKED_AT = 200;
/** A route that was chosen less often than this is not worth a word. */
const LEAST = 3;

export function findPatterns(engine: SonaEngine, { unseen }: Source): Finding[] {
  const every = Math.max(1, Math.floor(unseen.length / LOOKED_AT));
  const found = new Map<string, { query: string; pattern: LearnedPattern }>();
  for (let i = 0; i < unseen.length; i += every) {
    const { id: query, vector } = unseen[i] as Source['unseen'][number];
    // what failed is remembered as well, and shown
    const [pattern] = engine.findPatterns(vector, 1, { minQuality: 0 });
    if (pattern && !found.has(pattern.id)) found.set(pattern.id, { query, pattern });
  }
  return [...found.values()]
    .sort((a, b) => contrast(b.pattern) - contrast(a.pattern))
    .slice(0, MOST)
    .map(({ query, pattern }) => ({
      query,
      examples: pattern.exemplars.flatMap(({ contexts }) => contexts.slice(0, 1)),
      size: pattern.clusterSize,
      routes: mostChosen(pattern).slice(0, 2),
    }));
}

function mostChosen({ routes }: LearnedPattern): Finding['routes'] {
  return Object.entries(routes)
    .map(([route, { count, avgQuality }]) => ({ route, count, avgQuality }))
    .filter(({ count }) => count >= LEAST)
    .sort((a, b) => b.count - a.count);
}

/** How differently its two main routes went; 0 with one route alone. */
function contrast(pattern: LearnedPattern): number {
  const [first, second] = mostChosen(pattern);
  return first && second ? Math.abs(first.avgQuality - second.avgQuality) : 0;
}

export function describePatterns(findings: readonly Finding[], source: Source): string {
  const lines = findings.flatMap(({ query, examples, size, routes }) => [
    `  Asked about ${name(query, source)}, it remembers ${count(size)} queries`,
    `    such as ${examples.map((id) => name(id, source)).join(source.text(query) ? '\n            ' : ', ')}`,
    `    ${routes.map((route, i) => `${i === 0 ? 'mostly' : 'sometimes'} ${outcome(route, source)}`).join(', ')}`,
  ]);
  if (lines.length === 0) lines.push('  Too little has been learned yet for a pattern.');
  return [bold('What it remembers (findPatterns)'), ...lines].join('\n');
}

function name(id: string, { text }: Source): string {
  const words = text(id);
  return words === undefined ? id : `"${words.length > 60 ? `${words.slice(0, 57)}...` : words}" (${id})`;
}

const outcome = (
  { route, count: times, avgQuality }: Finding['routes'][number],
  { recorded }: Source,
): string => {
  const went = recorded ? `mean reward ${avgQuality.toFixed(2)}` : `${(100 * avgQuality).toFixed(0)} % right`;
  return `\`${route}\` (${count(times)} times, ${went})`;
};
