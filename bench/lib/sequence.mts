// Topics that come one after another: a set's domains in a seeded order, so many events each. A domain's routes are
// added when it starts, and the choice is among those added so far. What is left of the first domains at the end?
import type { IntentSet, Part } from './data.mts';
import { repeatable, WithRoutes } from './engine.mts';
import { type Intervene, openForExperiment } from './intervention.mts';
import { type Estimate, estimate, step } from './protocol.mts';
import { Random } from './random.mts';
import type { SequenceMethod } from './sequence-methods.mts';

export interface SequenceProtocol {
  eventsPerDomain: number;
  /** So many of the domains, at most. */
  domains: number;
  seeds: number;
}

/** Percent, but for the time. */
export interface SequenceRow {
  set: string;
  method: string;
  /** Test accuracy at the end, among all routes. */
  seen: Estimate;
  /** Backward transfer: accuracy on a domain at the end less that right after it, mean of all domains but the last. */
  transfer?: Estimate;
  /** Test accuracy at the end, among the routes of the query's own domain. */
  within: Estimate;
  /** Test accuracy on a domain right after it, among the routes known then. */
  after?: Estimate;
  /** Right choices while it learned. */
  online: Estimate;
  microsPerEvent: number;
  /** Strength of the penalty, where the weights are anchored at boundaries that the method is told. */
  boundaryLambda?: number;
}

interface Domain {
  labels: number[];
  names: string[];
  stream: number[];
  test: Part;
}

type Figures = Record<'seen' | 'transfer' | 'within' | 'after' | 'online', number>;

/** Runs one method on one set, which must have domains. */
export function judgeSequence(
  set: IntentSet,
  method: SequenceMethod,
  protocol: SequenceProtocol,
): SequenceRow {
  const runs: Figures[] = [];
  let millis = 0;
  let events = 0;
  for (let seed = 0; seed < protocol.seeds; seed++) {
    const domains = arrange(set, seed, protocol);
    const run = new Run(set, method, domains, seed);
    runs.push(run.finish());
    millis += run.millis;
    events += run.events;
  }
  const column = (key: keyof Figures): Estimate => estimate(runs.map((run) => run[key]));
  return {
    set: set.name,
    method: method.name,
    seen: column('seen'),
    ...(!method.joint && { transfer: column('transfer'), after: column('after') }),
    within: column('within'),
    online: column('online'),
    microsPerEvent: (1000 * millis) / events,
    ...(method.boundaryLambda !== undefined && { boundaryLambda: method.boundaryLambda }),
  };
}

/** The domains in the order of one seed. */
function arrange(set: IntentSet, seed: number, { domains, eventsPerDomain }: SequenceProtocol): Domain[] {
  const names = [...new Set(set.domains)].sort();
  const random = new Random(2000 + seed);
  const order = [...random.permutation(names.length)].slice(0, domains);
  return order.map((at) => {
    const labels = [...set.labels.keys()].filter((label) => set.domains?.[label] === names[at]);
    const pool = indices(set.train, labels);
    const stream = [...random.permutation(pool.length)]
      .slice(0, eventsPerDomain)
      .map((i) => pool[i] as number);
    const test = indices(set.test, labels);
    return {
      labels,
      names: labels.map(String),
      stream,
      test: {
        vectors: test.map((i) => set.test.vectors[i] as Float32Array),
        labels: Uint16Array.from(test, (i) => set.test.labels[i] as number),
      },
    };
  });
}

function indices(part: Part, labels: readonly number[]): number[] {
  const wanted = new Set(labels);
  return [...part.labels.keys()].filter((i) => wanted.has(part.labels[i] as number));
}

/** One seed of one method. */
class Run {
  millis = 0;
  events = 0;
  #right = 0;
  readonly #learner: WithRoutes;
  readonly #intervene: Intervene;
  readonly #after: number[] = [];

  constructor(
    private readonly set: IntentSet,
    private readonly method: SequenceMethod,
    private readonly domains: readonly Domain[],
    seed: number,
  ) {
    const { engine, intervene } = openForExperiment(repeatable(set.dim, seed, method.config));
    this.#learner = new WithRoutes(method.name, engine);
    this.#intervene = intervene;
    if (method.joint) this.#jointly(new Random(3000 + seed));
    else this.#oneAfterAnother();
  }

  finish(): Figures {
    const end = this.domains.map(({ test }) => this.#accuracy(test));
    const within = this.domains.map(({ test, names }) => this.#accuracy(test, names));
    const lost = this.#after.slice(0, -1).map((after, i) => (end[i] as number) - after);
    this.#learner.close();
    return {
      seen: estimate(end).mean,
      transfer: estimate(lost).mean,
      within: estimate(within).mean,
      after: estimate(this.#after).mean,
      online: (100 * this.#right) / this.events,
    };
  }

  #oneAfterAnother(): void {
    const { boundaryLambda, clearsMemory } = this.method;
    if (boundaryLambda !== undefined) this.#intervene('constant penalty');
    this.domains.forEach((domain, i) => {
      if (i > 0 && boundaryLambda !== undefined) this.#intervene('anchor');
      if (i > 0 && clearsMemory) this.#intervene('clear memory');
      this.#know(domain);
      this.#stream(domain.stream);
      this.#after.push(this.#accuracy(domain.test));
    });
  }

  #jointly(random: Random): void {
    for (const domain of this.domains) this.#know(domain);
    const all = this.domains.flatMap(({ stream }) => stream);
    this.#stream([...random.permutation(all.length)].map((i) => all[i] as number));
  }

  #know({ labels }: Domain): void {
    for (const label of labels) this.#learner.know(label, this.set.labels[label] as Float32Array);
  }

  #stream(stream: readonly number[]): void {
    const began = performance.now();
    for (const i of stream) {
      if (step(this.#learner, this.set.train, i)) this.#right++;
    }
    this.millis += performance.now() - began;
    this.events += stream.length;
  }

  #accuracy({ vectors, labels }: Part, eligible?: readonly string[]): number {
    const right = vectors.filter((x, i) => this.#learner.choose(x, eligible) === labels[i]).length;
    return (100 * right) / vectors.length;
  }
}
