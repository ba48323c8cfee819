// The engine, as it is built for publishing, as a learner of the protocol: trained by hand after each event, so that
// runs repeat.
import { type RankedRoute, type RouteSuggestion, type SonaConfig, SonaEngine } from '../../dist/index.mjs';
import { bestRow, stack } from './linear.mts';
import type { Learner, LearnerFactory } from './protocol.mts';
import { Random } from './random.mts';

/** Routes are named, each by the number of its label; the engine chooses. */
export class WithRoutes implements Learner {
  /** The last one that was made. */
  #decision: string | undefined;

  constructor(
    readonly name: string,
    readonly engine: SonaEngine,
  ) {}

  /** From now on the label can be chosen. */
  know(label: number, embedding: Float32Array): void {
    this.engine.addRoute(String(label), { embedding });
  }

  suggest(x: Float32Array, eligible?: readonly string[]): RouteSuggestion & { top: RankedRoute } {
    const suggestion = this.engine.suggestRoutes(x, { k: 1, ...(eligible && { eligible }) });
    const [top] = suggestion.ranked;
    if (!top) throw new Error('no route is known');
    this.#decision = suggestion.id;
    return { ...suggestion, top };
  }

  choose(x: Float32Array, eligible?: readonly string[]): number {
    return Number(this.suggest(x, eligible).top.route);
  }

  /** The choice must be the last one that was made. */
  learn(x: Float32Array, chosen: number, reward: number): void {
    const trajectory = this.engine.beginTrajectory(x, { decision: this.#decision });
    this.engine.endTrajectory(trajectory.setRoute(String(chosen)), reward);
    this.engine.tick();
  }

  memoryBytes(): number {
    return this.engine.snapshot().byteLength;
  }

  close(): void {
    this.engine[Symbol.dispose]();
  }
}

/** Nothing is named: the chosen label's vector is the activation of the only step, and the choice is the cosine's. */
class WithoutRoutes implements Learner {
  private readonly labels: Float32Array;
  private readonly adapted: Float32Array;

  constructor(
    readonly name: string,
    private readonly engine: SonaEngine,
    private readonly priors: readonly Float32Array[],
  ) {
    this.labels = stack(priors);
    this.adapted = new Float32Array(priors[0]?.length ?? 0);
  }

  choose(x: Float32Array): number {
    return bestRow(this.labels, this.engine.applyLora(x, this.adapted));
  }

  learn(x: Float32Array, chosen: number, reward: number): void {
    const trajectory = this.engine.beginTrajectory(x);
    this.engine.endTrajectory(trajectory.addStep(this.priors[chosen] as Float32Array, [], 1), reward);
    this.engine.tick();
  }

  memoryBytes(): number {
    return this.engine.snapshot().byteLength;
  }

  close(): void {
    this.engine[Symbol.dispose]();
  }
}

/** Settings of a run that repeats. */
export const repeatable = (hiddenDim: number, seed: number, config: SonaConfig = {}): SonaConfig => ({
  hiddenDim,
  seed,
  background: 'manual',
  ...config,
});

/** An engine with these settings that knows all routes by their priors. */
export function routed(
  name: string,
  priors: readonly Float32Array[],
  seed: number,
  config: SonaConfig = {},
): WithRoutes {
  const settings = repeatable(priors[0]?.length ?? 0, seed, config);
  const learner = new WithRoutes(name, SonaEngine.withConfig(settings));
  priors.forEach((prior, label) => {
    learner.know(label, prior);
  });
  return learner;
}

/** The function bears the row's name. */
const row = (name: string, config: SonaConfig): LearnerFactory =>
  Object.defineProperty(
    (priors: Float32Array[], seed: number) => routed(name, priors, seed, config),
    'name',
    {
      value: name,
    },
  );

const withoutRoutes: LearnerFactory = (priors, seed) =>
  new WithoutRoutes('no routes', SonaEngine.withConfig(repeatable(priors[0]?.length ?? 0, seed)), priors);

/** One tier learns. */
export const only = (tier: 'micro' | 'base' | 'prototypes'): SonaConfig => ({
  memory: false,
  tiers: { micro: false, base: false, offsets: false, prototypes: false, [tier]: true },
});

/** The engine's rows where the routes are known by name. `bars.mts` knows them by theirs. */
export const byNameLearners: readonly LearnerFactory[] = [
  row('full default', {}),
  row('without memory', { memory: false }),
  row('without offsets', { tiers: { offsets: false } }),
  row('without either', { memory: false, tiers: { offsets: false } }),
  row('without EWC', { ewcLambda: 0 }),
  row('default, gate off', { promotionGate: false }),
  row('BaseLoRA alone', { ...only('base'), ewcLambda: 0 }),
  row('MicroLoRA alone', only('micro')),
  row('prototypes alone', only('prototypes')),
  withoutRoutes,
];

/** What is told has nothing to do with what was chosen. */
function unrelated(
  name: string,
  reward: (random: Random) => number,
  config: SonaConfig = {},
): LearnerFactory {
  return (priors, seed) => {
    const learner = routed(name, priors, seed, config);
    const random = new Random(5000 + seed);
    return {
      name,
      choose: (x) => learner.choose(x),
      learn: (x, chosen) => learner.learn(x, chosen, reward(random)),
      close: () => learner.close(),
    };
  };
}

/** What rewards teach that say nothing: the less of it, the better. */
export const unrelatedLearners: readonly LearnerFactory[] = [
  unrelated('always 1', () => 1),
  unrelated('always .5', () => 0.5),
  unrelated('0 or 1 by chance', (random) => (random.uniform() < 0.5 ? 0 : 1)),
  unrelated('by chance, without memory', (random) => (random.uniform() < 0.5 ? 0 : 1), { memory: false }),
];

/** Those where a few examples of each route are given. */
export const fewShotLearners: readonly LearnerFactory[] = [
  row('full default', {}),
  row('without EWC', { ewcLambda: 0 }),
  row('prototypes alone', only('prototypes')),
];
