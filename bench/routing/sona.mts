// The router, as it is built for publishing, as a policy of the protocol.
import {
  type Basis,
  fitBasis,
  type Outcome,
  type RouterConfig,
  type RouterDecision,
  SonaRouter,
} from '../../dist/index.mjs';
import { corpusWithout, missingFor, unseenByShipped } from '../lib/corpus.mts';
import { normalise } from '../lib/linear.mts';
import { Random } from '../lib/random.mts';
import type { Stream } from '../lib/stream.mts';
import { type Contestant, type Episode, type Policy, play, type Run } from './protocol.mts';

export type BasisChoice = 'auto' | 'minilm' | 'builtin' | Basis;

/** A second passes between two decisions, so that runs repeat. */
const TICK = 1000;

const START = Date.UTC(2026, 0, 1);

export class Routed implements Policy {
  readonly router: SonaRouter;
  private readonly number: ReadonlyMap<string, number>;
  private made = 0;
  /** Decisions whose outcome has not come, by prompt. */
  private readonly open = new Map<number, string>();

  /** Models are listed in an order of the seed's, so that the list tells nothing. */
  constructor(
    private readonly stream: Stream,
    basis: BasisChoice,
    seed: number,
    config: Partial<RouterConfig> = {},
  ) {
    this.number = new Map(stream.models.map((id, k) => [id, k]));
    const listed = config.models ?? stream.models.map((id) => ({ id }));
    const order = new Random(500 + seed).permutation(listed.length);
    this.router = new SonaRouter({
      features: { dim: stream.dim, basis },
      background: 'manual',
      seed,
      now: () => START + TICK * this.made,
      ...config,
      models: Array.from(order, (k) => listed[k] as (typeof listed)[number]),
    });
  }

  /** That were made. */
  get decisions(): number {
    return this.made;
  }

  choose(prompt: number): number {
    return this.decide(prompt).model;
  }

  decide(prompt: number): { decision: RouterDecision; model: number } {
    this.made++;
    const decision = this.router.route(this.stream.vectors[prompt] as Float32Array);
    const model = this.number.get(decision.model);
    if (model === undefined)
      throw new Error(`the router chose ${decision.model}, which is not of the stream`);
    this.open.set(prompt, decision.id);
    return { decision, model };
  }

  learn(prompt: number, _model: number, reward: number, outcome: Outcome = { quality: reward }): void {
    const id = this.open.get(prompt);
    if (id === undefined) throw new Error(`nothing was decided for prompt ${prompt}`);
    this.open.delete(prompt);
    const { applied, reason } = this.router.feedback(id, outcome);
    if (!applied) throw new Error(`an outcome was not taken: ${reason}`);
  }

  /** All answers to some prompts, before the first decision. */
  warmStart(prompts: Uint32Array): void {
    const { models, vectors, utility } = this.stream;
    this.router.warmStart(
      Array.from(prompts).flatMap((prompt) =>
        models.map((model, k) => ({
          vector: vectors[prompt] as Float32Array,
          model,
          quality: utility[prompt * models.length + k] as number,
        })),
      ),
    );
  }

  close(): void {
    void this.router.close();
  }
}

/** How a basis comes that has seen nothing of the stream. */
export type UnseenBasis = { basis: BasisChoice; how: string } | { missing: string };

/** What the bases that ship are fitted with. */
const SEED = 1;

const fitted = new Map<string, Basis>();

/** The shipped one where it has seen nothing of the set, else one that is fitted in the same way without the set. */
export function unseenBasis({ set, dim, by }: Stream): UnseenBasis {
  if (unseenByShipped(set) && dim === by.dim) return { basis: by.name, how: `shipped basis, without ${set}` };
  const missing = missingBases(set, by);
  if (missing) return missing;
  const key = `${by.name} ${dim} ${set}`;
  const id = `without-${set}`;
  const basis = fitted.get(key) ?? fitBasis(corpusWithout(set, by), { dim, id, seed: SEED });
  fitted.set(key, basis);
  return { basis, how: `basis fitted without ${set}` };
}

function missingBases(set: string, by: Stream['by']): { missing: string } | undefined {
  const missing = missingFor(set, by);
  return missing.length > 0 ? { missing: `no basis: SONA_DATA has no ${missing.join(', no ')}` } : undefined;
}

/** Every number of a vector is moved by at most so much before a basis is fitted anew. */
export const JITTER = 5e-5;

function jittered(vectors: readonly Float32Array[], random: Random): Float32Array[] {
  return vectors.map((vector) => {
    const moved = vector.map((value) => value + JITTER * (2 * random.uniform() - 1));
    normalise(moved, 0, moved.length);
    return moved;
  });
}

/** A stream and a basis that has not seen it, both of vectors that are moved a little, by chance. */
export function refitted(
  stream: Stream,
  seed: number,
): { stream: Stream; basis: Basis } | { missing: string } {
  const { set, dim, by, vectors } = stream;
  const missing = missingBases(set, by);
  if (missing) return missing;
  const random = new Random(9000 + seed);
  const corpus = jittered(corpusWithout(set, by), random);
  return {
    stream: { ...stream, vectors: jittered(vectors, random) },
    basis: fitBasis(corpus, { dim, id: `without-${set}-${seed}`, seed: SEED }),
  };
}

export function sona(
  name: string,
  basisOf: (stream: Stream) => UnseenBasis,
  config: Partial<RouterConfig> = {},
): Contestant {
  return {
    name,
    run(stream, episodes) {
      const found = basisOf(stream);
      if ('missing' in found) return found;
      const runs = episodes.map((episode) => onePass(stream, episode, found.basis, config));
      return { runs, note: found.how };
    },
  };
}

/** One order, after its labelled prompts where it has some. */
export function onePass(
  stream: Stream,
  { seed, order, labelled }: Episode,
  basis: BasisChoice,
  config: Partial<RouterConfig> = {},
): Run {
  const policy = new Routed(stream, basis, seed, config);
  if (labelled.length > 0) policy.warmStart(labelled);
  const run = play(policy, stream, order);
  policy.close();
  return run;
}

const auto = (): UnseenBasis => ({ basis: 'auto', how: 'basis fitted on its own traffic' });

/** The row that the bars are for. */
export const SONA = 'SONA';

export const routers: readonly Contestant[] = [sona(SONA, unseenBasis), sona(`${SONA}, basis auto`, auto)];
