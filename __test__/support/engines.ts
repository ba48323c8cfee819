// Engines for the tests, and everything about one that can be seen from outside.
import {
  type Exemplar,
  type LearnedPattern,
  type LearnReport,
  type SonaConfig,
  SonaEngine,
} from '../../index.ts';
import { axis, bits, gaussian, near } from './vectors.ts';

/** An engine that trains only when told to. */
export function manual(config: SonaConfig = {}): SonaEngine {
  return SonaEngine.withConfig({ background: 'manual', ...config });
}

/** Ends one trajectory with a route. */
export function outcome(engine: SonaEngine, query: Float32Array, route: string, quality: number): void {
  engine.endTrajectory(engine.beginTrajectory(query).setRoute(route), quality);
}

/** Ends one trajectory of a single step, without a route. */
export function step(
  engine: SonaEngine,
  query: Float32Array,
  activation: Float32Array,
  reward: number,
  quality: number,
): void {
  engine.endTrajectory(engine.beginTrajectory(query).addStep(activation, [], reward), quality);
}

/** Names of the routes that {@link teach} adds, one along each axis. */
export const taught = ['north', 'east', 'south', 'west'];

/**
 * Adds four routes along the first four axes and streams right and wrong outcomes for queries near them. The right
 * route of a query near axis i is the next one, so that there is something to learn.
 */
export function teach(engine: SonaEngine, dim: number, events: number, seed = 1): void {
  const known = new Set(engine.routes().map((route) => route.name));
  taught.forEach((name, i) => {
    if (!known.has(name)) engine.addRoute(name, { embedding: axis(dim, i) });
  });
  for (let n = 0; n < events; n++) {
    const at = n % taught.length;
    const query = near(axis(dim, at), 0.3, 1_000 * seed + n);
    const { id, best } = engine.suggestRoutes(query);
    const right = taught[(at + 1) % taught.length];
    const told = engine.beginTrajectory(query, { decision: id }).setRoute(best ?? 'north');
    engine.endTrajectory(told, best === right ? 1 : 0);
  }
}

/**
 * The same, but the routes are chosen in turn, right or wrong. Without prototypes (`tiers`) only an adapter can learn
 * it, by turning each axis to the next.
 */
export function drill(engine: SonaEngine, dim: number, events: number): void {
  teach(engine, dim, 0);
  for (let n = 0; n < events; n++) {
    const [at, chosen] = [n % taught.length, Math.floor(n / taught.length) % taught.length];
    const right = chosen === (at + 1) % taught.length;
    outcome(engine, near(axis(dim, at), 0.3, n), taught[chosen] as string, right ? 1 : 0);
  }
}

/** All that an engine answers. Two engines with the same picture can't be told apart by reading. */
export function picture(engine: SonaEngine, dim: number, probes = 4): unknown {
  const queries = Array.from({ length: probes }, (_, i) => gaussian(dim, 77 + i));
  return {
    stats: engine.getStats(),
    enabled: engine.isEnabled(),
    routes: engine.routes(),
    adapted: queries.map((query) => ({
      micro: bits(engine.applyMicroLora(query)),
      base: bits(engine.applyBaseLora(0, query)),
      both: bits(engine.applyLora(query)),
      wide: bits(engine.applyLora(Float64Array.from(query))),
    })),
    ranked: queries.map((query) => {
      const { id: _, ...suggestion } = engine.suggestRoutes(query, { k: 10 });
      return suggestion;
    }),
    patterns: queries.map((query) => engine.findPatterns(query, 3, { minQuality: 0 }).map(timeless)),
    expected: queries.map((query) => engine.expectQuality(query)),
    versions: engine.versions().map(({ promotedAt: _, ...version }) => version),
  };
}

/** A pattern without what depends on the time of day, on how often it was looked at and on whose ids these are. */
export function timeless(pattern: LearnedPattern): unknown {
  const { createdAt: _, lastAccessed: __, accessCount: ___, totalWeight: ____, exemplars, ...rest } = pattern;
  const numbered = ({ trajectoryId, ...exemplar }: Exemplar) => [numberOf(trajectoryId), exemplar];
  return { ...rest, exemplars: exemplars.map(numbered) };
}

/** The number in an id, which is the same in engines that were told the same. */
export function numberOf(id: string): number {
  return Number(id.split('-')[1]);
}

/** The settings of an engine, as its snapshots hold them (`docs/state.md`). */
export function settingsOf(engine: SonaEngine): Record<string, unknown> {
  const payload = Buffer.from(engine.snapshot()).subarray(64);
  const header = JSON.parse(payload.subarray(8, 8 + Number(payload.readBigUInt64LE())).toString()) as {
    __metadata__: { values: string };
  };
  return (JSON.parse(header.__metadata__.values) as { config: Record<string, unknown> }).config;
}

/** Bits of x with both adapters, for some probes. */
export function adapted(engine: SonaEngine, dim: number): string[][] {
  return Array.from({ length: 4 }, (_, i) => bits(engine.applyLora(gaussian(dim, 77 + i))));
}

/** Score of a route for a query. */
export function score(engine: SonaEngine, query: Float32Array, route: string): number {
  const found = engine.suggestRoutes(query, { k: 100 }).ranked.find((ranked) => ranked.route === route);
  if (!found) throw new Error(`${route} is not ranked`);
  return found.score;
}

/** Trains, and returns the report that listeners hear. */
export function cycle(engine: SonaEngine): LearnReport {
  const reports: LearnReport[] = [];
  const listener = (report: LearnReport) => reports.push(report);
  engine.on('learned', listener);
  engine.forceLearn();
  engine.off('learned', listener);
  const [report] = reports;
  if (!report) throw new Error('no learned event');
  return report;
}
