// Ranking routes and finding patterns.
import { add, normalise, stack } from '../lib/linear.mts';
import { type Case, DIM, floor, repeat, type Setting, tellPeer, WIDE } from './case.mts';
import { addRoutes, manual, normal, tell, trained, VARIETY, vector, vectors } from './engines.mts';
import type { PeerEngine } from './peer.mts';
import { PlainLora, rank } from './plain.mts';

export function suggesting({ short }: Setting): Case[] {
  return [
    { routes: 150, nanos: 15e3 },
    { routes: short ? 1000 : 10_000, nanos: 1.5e6 },
  ].map(({ routes, nanos }) => {
    const embeddings = vectors(routes, WIDE);
    const engine = trained(WIDE);
    addRoutes(engine, embeddings);
    const queries = vectors(VARIETY, WIDE);
    const rows = stack(embeddings);
    const tiers = [new PlainLora(WIDE, 2, 4, normal), new PlainLora(WIDE, 16, 0.5, normal)];
    const scratch = new Float32Array(WIDE);
    return {
      name: `suggestRoutes, k 5, 384 d, ${routes} routes`,
      bar: { nanos },
      contenders: {
        sona: repeat((i) => engine.suggestRoutes(queries[i % VARIETY] as Float32Array).confidence),
        plain: repeat(
          (i) => rank(tiers, rows, queries[i % VARIETY] as Float32Array, 5, scratch)[0]?.[2] ?? 0,
        ),
      },
    };
  });
}

/** The quality of a good answer: one that is no news would not be remembered. */
const GOOD = 0.9;

/** Past queries that are asked, beside the same without, and items that are found again. */
export function recalling({ short }: Setting): Case[] {
  const count = short ? 1000 : 10_000;
  const embeddings = vectors(150, DIM);
  const queries = Array.from({ length: count }, (_, i) => around(embeddings[i % 150] as Float32Array));
  const told = (memory: boolean) => {
    const engine = manual(DIM, { memory });
    addRoutes(engine, embeddings);
    queries.forEach((query, i) => {
      const { id, best } = engine.suggestRoutes(query);
      engine.feedback(id, { quality: best === `route ${i % 150}` && i % 3 > 0 ? GOOD : 0 });
    });
    engine.forceLearn();
    return repeat((i) => engine.suggestRoutes(queries[i % count] as Float32Array).confidence);
  };
  const keeping = manual(DIM);
  for (const query of queries) keeping.remember(query);
  const numbers = `256 d, 150 routes, ${count} past queries`;
  return [
    { name: `suggestRoutes, k 5, ${numbers}`, contenders: { sona: told(true) } },
    { name: '  the same, memory: false', contenders: { sona: told(false) } },
    {
      name: `recall, k 10, 256 d, ${count} items`,
      contenders: { sona: repeat((i) => keeping.recall(queries[i % count] as Float32Array).length) },
    },
  ];
}

const PATTERNS = 100;
/** Queries lie around more directions than there can be patterns, so that all patterns get some. */
const DIRECTIONS = 2 * PATTERNS;
const QUERIES = 25 * DIRECTIONS;

export function finding({ peer }: Setting): Case[] {
  const engine = manual(WIDE, { patternClusters: PATTERNS, tiers: { base: false } });
  const centres = vectors(DIRECTIONS, WIDE);
  const queries = Array.from({ length: QUERIES }, (_, i) => around(centres[i % DIRECTIONS] as Float32Array));
  for (const query of queries) tell(engine, query, query, 1);
  engine.forceLearn();
  const { patternsStored } = engine.stats();
  const lists = queries.map((query) => Array.from(query));
  const peerEngine = peer?.create({ hiddenDim: WIDE, patternClusters: PATTERNS });
  for (const list of peerEngine ? lists : []) tellPeer(peerEngine as PeerEngine, list, list);
  peerEngine?.forceLearn();
  return [
    {
      name: `findPatterns, k 5, 384 d, of ${patternsStored} patterns`,
      bar: { nanos: 6e3 },
      contenders: {
        sona: repeat((i) => engine.findPatterns(queries[i % queries.length] as Float32Array, 5).length),
        floor: floor(queries[0] as Float32Array, queries[1] as Float32Array),
        ...(peerEngine && {
          peer: repeat((i) => peerEngine.findPatterns(lists[i % lists.length] as number[], 5).length),
        }),
      },
    },
  ];
}

/** A unit vector near another one, at a cosine of about .9. */
function around(centre: Float32Array): Float32Array {
  const x = centre.slice();
  add(x, 0, 0.5, vector(centre.length), 0, centre.length);
  normalise(x, 0, x.length);
  return x;
}
