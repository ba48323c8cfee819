// Engines and vectors for the cases.
import { type SonaConfig, SonaEngine } from '../../dist/index.mjs';
import { normalise } from '../lib/linear.mts';
import { Random } from '../lib/random.mts';

const random = new Random(7);

export const normal = (): number => random.normal();

/** A seeded unit vector. */
export function vector(dim: number): Float32Array {
  const x = Float32Array.from({ length: dim }, normal);
  normalise(x, 0, dim);
  return x;
}

export const vectors = (count: number, dim: number): Float32Array[] =>
  Array.from({ length: count }, () => vector(dim));

/** So many different queries and activations: more than the engine remembers. */
export const VARIETY = 400;

/** Trains only when asked. */
export function manual(dim: number, config: SonaConfig = {}): SonaEngine {
  return SonaEngine.withConfig({ hiddenDim: dim, background: 'manual', ...config });
}

/** One trajectory of one step, without a route. */
export function tell(
  engine: SonaEngine,
  query: Float32Array,
  activation: Float32Array,
  quality: number,
): void {
  engine.endTrajectory(engine.beginTrajectory(query).addStep(activation, none, 1), quality);
}

export const none: readonly number[] = [];

/** An engine whose adapters both change what they are given. */
export function trained(dim: number, config: SonaConfig = {}): SonaEngine {
  const engine = manual(dim, { promotionGate: false, ...config });
  const events = vectors(400, dim);
  events.forEach((query, i) => {
    // the per-request adapter starts anew when a background one is published
    if (i === 300) engine.forceLearn();
    tell(engine, query, events[(i + 1) % events.length] as Float32Array, i % 2);
  });
  const x = vector(dim);
  for (const y of [engine.applyMicroLora(x), engine.applyBaseLora(0, x)]) {
    if (y.every((value, i) => value === x[i]))
      throw new Error('the engine has learned nothing: nothing to time');
  }
  return engine;
}

/** Adds routes and returns their names. */
export function addRoutes(engine: SonaEngine, embeddings: readonly Float32Array[]): string[] {
  return embeddings.map((embedding, i) => {
    engine.addRoute(`route ${i}`, { embedding });
    return `route ${i}`;
  });
}
