// One router over the stream: it chooses, gets the score of that one answer, learns.
import { type Explanation, explainTable, SonaRouter } from '@sona/sona';
import { type Times, times } from '../times.mts';
import type { Stream } from './stream.mts';

/** What was decided, by prompt. */
export interface Decisions {
  /** The chosen model's place in the list. */
  chosen: Uint16Array;
  /** How good its answer was. */
  quality: Float64Array;
  /** Quality that was expected of it, and the ends of the 90 % interval. */
  expected: Float64Array;
  low: Float64Array;
  high: Float64Array;
}

/** A decision and its reasons. */
export interface Explained {
  /** From 1. */
  decision: number;
  /** The prompt's number in the recorded set. */
  prompt: number;
  domain: string;
  model: string;
  /** How the router chooses. */
  exploration: 'ucb' | 'thompson';
  /** Of the model to be chosen, 0 to 1. */
  chance: number;
  expected: number;
  interval: [number, number];
  /** How good the answer was. */
  quality: number;
  explanation: Explanation;
  /** The explanation as `explainTable` writes it. */
  table: string;
}

/** Explained are the first decisions of this many last ones that differ in domain and in model. */
const LAST = 300;
/** When so few are left, a model may come twice. */
const FEW = 50;

export interface RunOptions {
  /** How the router chooses. */
  exploration?: 'ucb' | 'thompson';
  /** So many decisions are explained, */
  explain?: number;
  /** of those whose model had at most this chance. */
  mostChance?: number;
}

export class RoutingRun {
  done = 0;
  readonly decisions: Decisions;
  readonly explained: Explained[] = [];
  /** What learns. */
  readonly router: SonaRouter;
  readonly #options: Required<RunOptions>;
  readonly #places: Map<string, number>;
  readonly #route: number[] = [];
  readonly #feedback: number[] = [];

  constructor(
    readonly stream: Stream,
    readonly costWeight: number,
    seed: number,
    { exploration = 'ucb', explain = 0, mostChance = 1 }: RunOptions = {},
  ) {
    this.#options = { exploration, explain, mostChance };
    const { length } = stream.vectors;
    this.decisions = {
      chosen: new Uint16Array(length),
      quality: new Float64Array(length),
      expected: new Float64Array(length),
      low: new Float64Array(length),
      high: new Float64Array(length),
    };
    this.#places = new Map(stream.models.map(({ id }, k) => [id, k]));
    this.router = new SonaRouter({
      models: stream.models.map(({ id, inputUsdPer1M, outputUsdPer1M }) => ({
        id,
        inputUsdPer1M,
        outputUsdPer1M,
      })),
      features: { dim: stream.dim, basis: stream.basis },
      objective: { costWeight },
      exploration,
      background: 'manual',
      seed,
    });
  }

  /** One prompt: route it, report the outcome. */
  step(): void {
    const { stream, decisions, done } = this;
    const start = performance.now();
    const decision = this.router.route(stream.vectors[done] as Float32Array);
    const routed = performance.now();
    const { id, model, expected, propensity } = decision;
    const chosen = this.#places.get(model) as number;
    const quality = stream.quality[done * stream.models.length + chosen] as number;
    const { costUsd } = stream.models[chosen] as Stream['models'][number];
    if (this.#worthExplaining(model, propensity)) {
      const explanation = decision.explain();
      this.explained.push({
        decision: done + 1,
        prompt: stream.number[done] as number,
        domain: this.#domain,
        model,
        exploration: this.#options.exploration,
        chance: propensity,
        expected: expected.quality,
        interval: expected.interval,
        quality,
        explanation,
        table: explainTable(explanation),
      });
    }
    const answered = performance.now();
    this.router.feedback(id, { quality, costUsd });
    const learned = performance.now();

    decisions.chosen[done] = chosen;
    decisions.quality[done] = quality;
    decisions.expected[done] = expected.quality;
    [decisions.low[done], decisions.high[done]] = expected.interval;
    this.#route.push(routed - start);
    this.#feedback.push(learned - answered);
    this.done++;
  }

  async finish(): Promise<{ route: Times; feedback: Times }> {
    await this.router.close();
    return { route: times(this.#route), feedback: times(this.#feedback) };
  }

  get #domain(): string {
    return this.stream.domains[this.stream.domain[this.done] as number] as string;
  }

  #worthExplaining(model: string, chance: number): boolean {
    const { explain, mostChance } = this.#options;
    const left = this.stream.vectors.length - this.done;
    if (left > LAST || this.explained.length === explain || chance > mostChance) return false;
    return this.explained.every(
      (earlier) => earlier.domain !== this.#domain && (earlier.model !== model || left <= FEW),
    );
  }
}
