// One engine of the second act. Nothing marks for it where a topic ends.
import { SonaEngine } from '@sona/sona';
import type { Guard } from './guards.mts';
import type { Query, Topic } from './topics.mts';

/** Topics were found to shift. */
export interface Drift {
  topic: string;
  /** Queries into the topic when it was noticed. */
  queries: number;
  change: number;
}

/** Right choices for unseen queries, in percent, and the shifts that were noticed in the last topic. */
export interface Evaluation {
  first: number;
  all: number;
  drifts: Drift[];
}

export interface TopicResult {
  guard: Guard;
  /** Percent of unseen queries, after each topic. */
  accuracy: { topic: string; first: number; all: number }[];
  drifts: Drift[];
}

export class TopicRun {
  readonly #engine: SonaEngine;
  readonly #known: Topic[] = [];
  readonly #result: TopicResult;
  #queries = 0;

  constructor(guard: Guard, dim: number, seed: number) {
    this.#engine = new SonaEngine({ ...guard.config, hiddenDim: dim, background: 'manual', seed });
    this.#result = { guard, accuracy: [], drifts: [] };
    this.#engine.on('drift', ({ change }) => {
      const topic = this.#known.at(-1)?.name ?? '';
      this.#result.drifts.push({ topic, queries: this.#queries, change });
    });
  }

  /** A topic begins: its routes can be chosen from now on. */
  begin(topic: Topic): void {
    for (const { name, embedding } of topic.routes) this.#engine.addRoute(name, { embedding });
    this.#known.push(topic);
    this.#queries = 0;
  }

  /** One query: suggest, see whether it was right, learn. */
  step({ vector, route }: Query): void {
    this.#queries++;
    const { id, best } = this.#engine.suggestRoutes(vector, { k: 1 });
    const chosen = best ?? route;
    const trajectory = this.#engine.beginTrajectory(vector, { decision: id }).setRoute(chosen);
    this.#engine.endTrajectory(trajectory, chosen === route ? 1 : 0);
    this.#engine.tick();
  }

  /** On the first topic, and on all so far. */
  evaluate(): Evaluation {
    const topic = this.#known.at(-1)?.name ?? '';
    const first = this.#percent(this.#known[0]?.unseen ?? []);
    const all = this.#percent(this.#known.flatMap(({ unseen }) => unseen));
    this.#result.accuracy.push({ topic, first, all });
    return { first, all, drifts: this.#result.drifts.filter((drift) => drift.topic === topic) };
  }

  async finish(): Promise<TopicResult> {
    await this.#engine.close();
    return this.#result;
  }

  #percent(queries: readonly Query[]): number {
    const right = queries.filter(
      ({ vector, route }) => this.#engine.suggestRoutes(vector, { k: 1 }).best === route,
    );
    return (100 * right.length) / queries.length;
  }
}
