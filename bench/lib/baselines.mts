// What the engine is compared with, in plain JavaScript.
import { FullInformation } from './full-information.mts';
import { add, bestRow, dot, normalise, scale, stack } from './linear.mts';
import type { Learner, LearnerFactory } from './protocol.mts';
import { Random } from './random.mts';
import { RidgeArms } from './ridge.mts';
import { RouteRegression } from './route-regression.mts';

/** The nearest prior, for ever. */
class PriorOnly implements Learner {
  readonly name = 'prior only';
  private readonly routes: Float32Array;

  constructor(priors: readonly Float32Array[]) {
    this.routes = stack(priors);
  }

  choose(x: Float32Array): number {
    return bestRow(this.routes, x);
  }

  learn(): void {}

  memoryBytes(): number {
    return this.routes.byteLength;
  }
}

/** A prototype per route (Rocchio, 1971): 3 prior + sum of what was right - 1/4 of what was wrong. */
class Rocchio implements Learner {
  readonly name = 'Rocchio';
  private readonly sums: Float32Array;
  private readonly prototypes: Float32Array;

  constructor(priors: readonly Float32Array[]) {
    this.prototypes = stack(priors);
    this.sums = this.prototypes.slice();
    scale(this.sums, 0, 3, this.sums.length);
  }

  choose(x: Float32Array): number {
    return bestRow(this.prototypes, x);
  }

  learn(x: Float32Array, chosen: number, reward: number): void {
    const at = chosen * x.length;
    add(this.sums, at, reward - 0.25 * (1 - reward), x, 0, x.length);
    this.prototypes.set(this.sums.subarray(at, at + x.length), at);
    normalise(this.prototypes, at, x.length);
  }

  memoryBytes(): number {
    return this.sums.byteLength + this.prototypes.byteLength;
  }
}

class Chance implements Learner {
  readonly name = 'random';
  private readonly random: Random;

  constructor(
    private readonly routes: number,
    seed: number,
  ) {
    this.random = new Random(seed);
  }

  choose(): number {
    return this.random.below(this.routes);
  }

  learn(): void {}
}

/** The nearest right answers vote, each as far as it is near; a name counts like one of them. */
class NearestRight implements Learner {
  readonly name = 'kNN of right answers';
  private readonly items: { x: Float32Array; route: number }[];
  private readonly votes: Float64Array;

  constructor(priors: readonly Float32Array[]) {
    this.items = priors.map((x, route) => ({ x, route }));
    this.votes = new Float64Array(priors.length);
  }

  choose(x: Float32Array): number {
    const nearest = this.items
      .map(({ x: item, route }) => ({ route, cosine: dot(item, 0, x, 0, x.length) }))
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, VOTERS);
    this.votes.fill(0);
    for (const { route, cosine } of nearest)
      this.votes[route] = (this.votes[route] as number) + Math.exp(20 * cosine);
    return this.votes.indexOf(Math.max(...this.votes));
  }

  learn(x: Float32Array, chosen: number, reward: number): void {
    if (reward >= 0.5) this.items.push({ x, route: chosen });
  }
}

/** Right answers that vote. */
const VOTERS = 16;

/** Seconds per seed. */
export const cheapBaselines: readonly LearnerFactory[] = [
  (priors, seed) => new Chance(priors.length, seed),
  (priors) => new PriorOnly(priors),
  (priors) => new Rocchio(priors),
  (priors) => new RidgeArms(priors, { name: 'ridge with prior', priorWeight: 0.7, alpha: 0 }),
  (priors, seed) => RouteRegression.rightOrWrong(priors, seed),
  (priors, seed) => RouteRegression.allLabels(priors, seed),
];

/** A minute per seed and more. */
export const costlyBaselines: readonly LearnerFactory[] = [
  (priors) => new NearestRight(priors),
  (priors) => new RidgeArms(priors, { name: 'LinUCB', priorWeight: 0, alpha: 0.1 }),
  (priors, seed) => FullInformation.lowRank('full information, rank 16', priors, seed, 16),
  (priors, seed) => FullInformation.fullMatrix('full information, matrix', priors, seed),
];
