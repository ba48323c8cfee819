// A simulated world of models that fail and change, and those that choose among them. An answer is right or wrong, a call that
// fails is an error to a router and worth 0 to whoever can't be told more.
import { type RouterConfig, type RouterDecision, type RouterModel, SonaRouter } from '../../dist/index.mjs';
import {
  type SimulatedWorld,
  simulatedWorld,
  type WorldChange,
  type WorldModel,
  type WorldPrompt,
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
  /** The last model is not there before this round. */
  newcomerFrom?: number;
}

/** One who chooses. */
interface Player {
  choose(text: string): number;
  /** The worth of an answer; none for a call that failed. */
  learn(model: number, worth: number | undefined): void;
  /** A model comes; what is expected of it at a prompt. */
  add?(id: string): void;
  expects?(id: string, text: string): number;
  close?(): void;
}

/** By name. The models are those of the start. */
export type PlayerFactory = (models: readonly string[], seed: number) => Player;

/** A second passes between two decisions. */
const TICK = 1000;
const START = Date.UTC(2026, 0, 1);

/** The router for texts, as it comes but for these settings, told so much of each model. `seen` is told every decision. */
export const router =
  (
    config: Partial<RouterConfig> = {},
    told: (id: string) => RouterModel = (id) => ({ id }),
    seen?: (decision: RouterDecision) => void,
  ): PlayerFactory =>
  (models, seed) => {
    let made = 0;
    const names = [...models];
    const order = new Random(500 + seed).permutation(names.length);
    const listed = Array.from(order, (model) => told(names[model] as string));
    const now = (): number => START + TICK * made;
    const of = new SonaRouter({ background: 'manual', seed, now, ...config, models: listed });
    let id = '';
    return {
      choose: (text) => {
        made++;
        const decision = of.route(text);
        id = decision.id;
        seen?.(decision);
        return names.indexOf(decision.model);
      },
      learn: (_, worth) => {
        of.feedback(id, worth === undefined ? { error: true } : { quality: worth });
      },
      add: (name) => {
        names.push(name);
        of.addModel(told(name));
      },
      expects: (name, text) => {
        const { ranked } = of.route(text, { mode: 'observe' });
        return ranked.find(({ model }) => model === name)?.quality ?? Number.NaN;
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
  /** By prompt after a newcomer came, before it was asked: how far what was expected of it lies from the truth. */
  errors: number[];
}

/** Prompts at which that is looked at. */
const LOOKS = 60;

export function play(story: Story, create: PlayerFactory, seed: number, rounds: number): Played {
  const world: SimulatedWorld = simulatedWorld({ models: story.models, kinds, seed });
  const ids = story.models.map(({ id }) => id);
  const from = story.newcomerFrom ?? 0;
  const player = create(from > 0 ? ids.slice(0, -1) : ids, seed);
  const expects = (id: string, text: string): number => player.expects?.(id, text) ?? Number.NaN;
  const looks: WorldPrompt[] = [];
  const errors: number[] = [];
  const chosen = new Uint16Array(rounds);
  const [expected, best] = [new Float64Array(rounds), new Float64Array(rounds)];
  for (let t = 0; t < rounds; t++) {
    for (const { model, change, rounds: passing } of story.events?.(t) ?? [])
      world.change(model, change, { prompts: passing });
    const prompt = world.prompt();
    if (t > 0 && t === from) {
      const newcomer = ids.at(-1) as string;
      player.add?.(newcomer);
      errors.push(
        ...looks.map(({ text, kind }) => expects(newcomer, text) - world.expected(newcomer, kind).quality),
      );
    }
    if (t < from) looks[t % LOOKS] = prompt;
    const model = player.choose(prompt.text);
    const id = ids[model] as string;
    const { quality } = world.call(id, prompt);
    // right as often as the world has it, by a luck that does not depend on who chose
    const luck = new Random(hashOf(`${seed} ${t} ${id}`)).uniform();
    player.learn(model, quality === undefined ? undefined : Number(luck < quality));
    chosen[t] = model;
    const there = t < from ? ids.slice(0, -1) : ids;
    const means = there.map((one) => world.expected(one, prompt.kind).quality);
    expected[t] = means[model] as number;
    best[t] = Math.max(...means);
  }
  player.close?.();
  return { chosen, expected, best, errors };
}

/** Of the rounds from one to another, the share that a model got. */
export function shareOf(chosen: Uint16Array, model: number, from: number, to = chosen.length): number {
  const asked = chosen.subarray(from, to).reduce((sum, one) => sum + Number(one === model), 0);
  return asked / (to - from);
}
