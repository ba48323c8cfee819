// The engine, as it is built for publishing, as a learner of the protocol: trained by hand after each event, so that
// runs repeat.
import { type SonaConfig, SonaEngine } from '../../dist/index.mjs';
import { bestRow, stack } from './linear.mts';
import type { Learner, LearnerFactory } from './protocol.mts';

/** Routes are named; the engine chooses. */
class WithRoutes implements Learner {
  private readonly engine: SonaEngine;
  private readonly index = new Map<string, number>();
  private readonly routes: string[];
  private decision = 0;

  constructor(
    readonly name: string,
    priors: readonly Float32Array[],
    config: SonaConfig,
  ) {
    this.engine = SonaEngine.withConfig(config);
    this.routes = priors.map((embedding, i) => {
      const route = `route ${i}`;
      this.engine.addRoute(route, { embedding });
      this.index.set(route, i);
      return route;
    });
  }

  choose(x: Float32Array): number {
    const { id, best } = this.engine.suggestRoutes(x, { k: 1 });
    this.decision = id;
    return this.index.get(best as string) as number;
  }

  learn(x: Float32Array, chosen: number, reward: number): void {
    const trajectory = this.engine.beginTrajectory(x, { decision: this.decision });
    this.engine.endTrajectory(trajectory.setRoute(this.routes[chosen] as string), reward);
    this.engine.tick();
  }

  close(): void {
    this.engine[Symbol.dispose]();
  }
}

/** Nothing is named: the chosen label's vector is the activation of the only step, and the choice is the cosine's. */
class WithoutRoutes implements Learner {
  private readonly engine: SonaEngine;
  private readonly labels: Float32Array;
  private readonly adapted: Float32Array;

  constructor(
    readonly name: string,
    private readonly priors: readonly Float32Array[],
    config: SonaConfig,
  ) {
    this.engine = SonaEngine.withConfig(config);
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

  close(): void {
    this.engine[Symbol.dispose]();
  }
}

const row =
  (Kind: typeof WithRoutes | typeof WithoutRoutes, name: string, config: SonaConfig): LearnerFactory =>
  (priors, seed) =>
    new Kind(name, priors, { hiddenDim: priors[0]?.length ?? 0, background: 'manual', seed, ...config });

const only = (tier: 'micro' | 'base' | 'prototypes'): SonaConfig => ({
  tiers: { micro: false, base: false, prototypes: false, [tier]: true },
});

/** The engine's rows. `bars.mts` knows them by name. */
export const engineLearners: readonly LearnerFactory[] = [
  row(WithRoutes, 'full default', {}),
  row(WithRoutes, 'default, gate off', { promotionGate: false }),
  row(WithRoutes, 'BaseLoRA alone', only('base')),
  row(WithRoutes, 'MicroLoRA alone', only('micro')),
  row(WithRoutes, 'prototypes alone', only('prototypes')),
  row(WithoutRoutes, 'no routes', {}),
];
