// A simulated world of models that fail and change, and those that choose among them. An answer is right or wrong, a call that
// fails is an error to a router and worth 0 to whoever can't be told more.
import { type RouterConfig, type RouterDecision, SonaRouter } from '../../dist/index.mjs';
import {
  type SimulatedWorld,
  simulatedWorld,
  type WorldChange,
  type WorldModel,
} from '../../dist/testing.mjs';
import { hashOf, Random } from '../lib/random.mts';
import { anchors } from './context-free.mts';
import { SONA } from './sona.mts';

/** Models, and what happens to them. */
export interface Story {
  name: string;
  models: readonly WorldModel[];
  /** What changes before a round, for so many rounds or from then on. */
  events?: (round: number) => readonly { model: string; change: WorldChange; rounds?: number }[];
}

/** One who chooses. */
interface Player {
  choose(text: string): number;
  /** The worth of an answer; none for a call that failed. */
  learn(model: number, worth: number | undefined): void;
  close?(): void;
}

/** By name. */
export type PlayerFactory = (models: readonly string[], seed: number) => Player;

/** A second passes between two decisions. */
const TICK = 1000;
const START = Date.UTC(2026, 0, 1);

/** The router for texts, as it comes but for these settings. `seen` is told every decision. */
export const router =
  (config: Partial<RouterConfig> = {}, seen?: (decision: RouterDecision) => void): PlayerFactory =>
  (models, seed) => {
    let made = 0;
    const order = new Random(500 + seed).permutation(models.length);
    const listed = Array.from(order, (model) => ({ id: models[model] as string }));
    const now = (): number => START + TICK * made;
    const of = new SonaRouter({ background: 'manual', seed, now, ...config, models: listed });
    let id = '';
    return {
      choose: (text) => {
        made++;
        const decision = of.route(text);
        id = decision.id;
        seen?.(decision);
        return models.indexOf(decision.model);
      },
      learn: (_, worth) => {
        of.feedback(id, worth === undefined ? { error: true } : { quality: worth });
      },
      close: () => void of.close(),
    };
  };

/** The router beside bandits that look at no prompt. */
export const players: readonly (readonly [string, PlayerFactory])[] = [
  [SONA, router()],
  ...anchors.map(([name, create]): [string, PlayerFactory] => [
    name,
    (models, seed) => {
      const policy = create({ models: [...models] })(seed);
      return { choose: () => policy.choose(0), learn: (model, worth) => policy.learn(0, model, worth ?? 0) };
    },
  ]),
];

/** Kinds of prompts that all models answer alike. */
const kinds = {
  code: { words: ['function', 'loop', 'compile', 'pointer', 'refactor', 'stack', 'parser', 'unit test'] },
  letters: { words: ['letter', 'polite', 'tone', 'rewrite', 'greeting', 'shorter', 'email', 'formal'] },
  sums: {
    words: ['integral', 'probability', 'equation', 'solve', 'percent', 'triangle', 'average', 'prime'],
  },
};

/** Their names. */
export const kindNames = Object.keys(kinds);

export interface Played {
  /** By round: the model by its number in the story, and what was expected of its call. */
  chosen: Uint16Array;
  expected: Float64Array;
  /** The most that was to be expected of one model in that round. */
  best: Float64Array;
}

export function play(story: Story, create: PlayerFactory, seed: number, rounds: number): Played {
  const world: SimulatedWorld = simulatedWorld({ models: story.models, kinds, seed });
  const ids = story.models.map(({ id }) => id);
  const player = create(ids, seed);
  const chosen = new Uint16Array(rounds);
  const [expected, best] = [new Float64Array(rounds), new Float64Array(rounds)];
  for (let t = 0; t < rounds; t++) {
    for (const { model, change, rounds: passing } of story.events?.(t) ?? [])
      world.change(model, change, { prompts: passing });
    const prompt = world.prompt();
    const model = player.choose(prompt.text);
    const id = ids[model] as string;
    const { quality } = world.call(id, prompt);
    // right as often as the world has it, by a luck that does not depend on who chose
    const luck = new Random(hashOf(`${seed} ${t} ${id}`)).uniform();
    player.learn(model, quality === undefined ? undefined : Number(luck < quality));
    chosen[t] = model;
    const means = ids.map((one) => world.expected(one, prompt.kind).quality);
    expected[t] = means[model] as number;
    best[t] = Math.max(...means);
  }
  player.close?.();
  return { chosen, expected, best };
}

/** Of the rounds from one to another, the share that a model got. */
export function shareOf(chosen: Uint16Array, model: number, from: number, to = chosen.length): number {
  const asked = chosen.subarray(from, to).reduce((sum, one) => sum + Number(one === model), 0);
  return asked / (to - from);
}
