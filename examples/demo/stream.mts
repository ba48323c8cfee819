// One engine and the stream that it learns from.
import { SonaEngine } from '@sona/sona';
import type { Source } from './source.mts';
import { type Times, times } from './times.mts';
import type { Variant } from './variants.mts';

export interface Result {
  variant: Variant;
  config: Parameters<typeof SonaEngine.withConfig>[0];
  /** Percent of the unseen queries, after so many events. */
  accuracy: { events: number; percent: number }[];
  /** Unseen queries that the first and the last evaluation got wrong. */
  wrong: { before: number; after: number };
  /** Events of the stream that were answered wrongly while it learned. */
  streamErrors: number;
  /** Microseconds. `training` is a training cycle's time, spread over the events that it was made for. */
  micros: { suggestRoutes: Times; beginAndEnd: Times; training: Times };
  simd: string;
}

/** Where the engines are evaluated: before the first event, then every 1,000; about ten times in other streams. */
export function marks(events: number): number[] {
  let every = 1000;
  if (events < 2000) every = Math.ceil(events / 10);
  else if (events < 5000) every = 500;
  else if (events > 20_000) every = 1000 * Math.ceil(events / 10_000);
  const points = [0];
  for (let at = every; at < events; at += every) points.push(at);
  return [...points, events];
}

/** Events between two training cycles. */
const CYCLE = 100;

export class Run {
  done = 0;
  readonly engine: SonaEngine;
  readonly #config: Result['config'];
  readonly #accuracy: Result['accuracy'] = [];
  readonly #wrong: number[] = [];
  readonly #times = { suggestRoutes: [] as number[], beginAndEnd: [] as number[], training: [] as number[] };
  #cycleTime = 0;
  #streamErrors = 0;

  constructor(
    readonly variant: Variant,
    readonly source: Source,
    seed: number,
  ) {
    // by hand, so that the same seed always gives the same figures; 'auto' trains in a thread of its own
    this.#config = {
      hiddenDim: source.dim,
      tiers: variant.tiers,
      memory: variant.memory,
      background: 'manual',
      backgroundEvery: CYCLE,
      seed,
    };
    this.engine = new SonaEngine(this.#config);
    for (const { name, embedding } of source.routes) {
      this.engine.addRoute(name, embedding ? { embedding } : {});
    }
  }

  /** One event: suggest, see the outcome, learn. */
  step(): void {
    const { engine } = this;
    const { id: name, vector, outcome } = this.source.event(this.done);
    const start = performance.now();
    const { id, best } = engine.suggestRoutes(vector, { k: 1 });
    const suggested = performance.now();
    const { route, quality } = outcome(best);
    const chosen = performance.now();
    const trajectory = engine.beginTrajectory(vector, { decision: id }).setRoute(route).addContext(name);
    engine.endTrajectory(trajectory, quality);
    const ended = performance.now();
    engine.tick();
    const ticked = performance.now();

    this.done++;
    this.#streamErrors += quality < 0.5 ? 1 : 0;
    this.#times.suggestRoutes.push(suggested - start);
    this.#times.beginAndEnd.push(ended - chosen);
    this.#cycleTime += ticked - ended;
    if (this.done % CYCLE === 0) {
      this.#times.training.push(this.#cycleTime / CYCLE);
      this.#cycleTime = 0;
    }
  }

  /** Percent of the unseen queries for which the suggestion is right. Nothing is learned from them. */
  evaluate(): number {
    let right = 0;
    for (const { vector, route } of this.source.unseen) {
      if (this.engine.suggestRoutes(vector, { k: 1 }).best === route) right++;
    }
    const { length } = this.source.unseen;
    const percent = (100 * right) / length;
    this.#accuracy.push({ events: this.done, percent });
    this.#wrong.push(length - right);
    return percent;
  }

  async finish(): Promise<Result> {
    const { simd } = this.engine.stats();
    await this.engine.close();
    const { suggestRoutes, beginAndEnd, training } = this.#times;
    return {
      variant: this.variant,
      config: this.#config,
      accuracy: this.#accuracy,
      wrong: { before: this.#wrong[0] ?? 0, after: this.#wrong.at(-1) ?? 0 },
      streamErrors: this.#streamErrors,
      micros: {
        suggestRoutes: times(suggestRoutes),
        beginAndEnd: times(beginAndEnd),
        training: times(training),
      },
      simd,
    };
  }
}
