// k nearest neighbours: a model is expected to do as well as it did on the past prompts that are most like this one.
import { Random } from '../lib/random.mts';
import type { Stream } from '../lib/stream.mts';
import { scaled } from './axes.mts';
import { decaying, highest } from './context-free.mts';
import { online, type Policy, type PolicyFactory } from './protocol.mts';

/** The best mean of 20, 40 and 80 over the development sets, 5 orders. */
const NEIGHBOURS = 80;

/** Distances are along so many axes, those with the most variance; 32 and 64 are no better on zeroeval and paretobandit4. */
const AXES = 16;

/** Distances are told apart in so many steps from the prompt itself to the furthest one. */
const STEPS = 8192;

/** All prompts of a stream by their distance to one of them, which comes first; found when they are first asked for. */
class Neighbourhoods {
  private readonly lists: (Uint16Array | undefined)[];
  private readonly distances: Float64Array;
  private readonly places = new Uint32Array(STEPS + 1);
  private readonly width: number;
  private readonly rows: Float64Array;

  constructor(stream: Stream, axes: number) {
    const prompts = stream.vectors.length;
    if (prompts > 2 ** 16) throw new Error(`${stream.name}: too many prompts for lists of neighbours`);
    const { width, rows } = scaled(stream);
    this.width = Math.min(axes, width);
    this.rows = new Float64Array(prompts * this.width);
    for (let prompt = 0; prompt < prompts; prompt++) {
      this.rows.set(rows.subarray(prompt * width, prompt * width + this.width), prompt * this.width);
    }
    this.lists = new Array<Uint16Array | undefined>(prompts).fill(undefined);
    this.distances = new Float64Array(prompts);
  }

  of(prompt: number): Uint16Array {
    const list = this.lists[prompt] ?? this.find(prompt);
    this.lists[prompt] = list;
    return list;
  }

  private find(prompt: number): Uint16Array {
    const { distances, places, width, rows } = this;
    const x = rows.subarray(prompt * width, (prompt + 1) * width);
    let furthest = 0;
    for (let other = 0; other < distances.length; other++) {
      let distance = 0;
      const from = other * width;
      for (let i = 0; i < width; i++) {
        const gap = (rows[from + i] as number) - (x[i] as number);
        distance += gap * gap;
      }
      distances[other] = distance;
      if (distance > furthest) furthest = distance;
    }
    // sorted by counting
    const scale = furthest > 0 ? (STEPS - 1) / furthest : 0;
    places.fill(0);
    for (const distance of distances) {
      const step = Math.floor(distance * scale);
      places[step + 1] = (places[step + 1] as number) + 1;
    }
    for (let step = 0; step < STEPS; step++)
      places[step + 1] = (places[step + 1] as number) + (places[step] as number);
    const list = new Uint16Array(distances.length);
    distances.forEach((distance, other) => {
      const step = Math.floor(distance * scale);
      const place = places[step] as number;
      places[step] = place + 1;
      list[place] = other;
    });
    return list;
  }
}

/** Mean reward of each model's k nearest outcomes; a model without any comes first. Explores like the epsilon-greedy bandit. */
export class Nearest implements Policy {
  private readonly random: Random;
  /** By prompt: one more than the model that was heard of, and the reward. */
  private readonly asked: Uint16Array;
  private readonly rewards: Float64Array;
  private heard = 0;
  /** By model: of the nearest outcomes. */
  private readonly found: Uint16Array;
  private readonly sums: Float64Array;

  constructor(
    private readonly neighbourhoods: { of(prompt: number): Uint16Array },
    prompts: number,
    private readonly count: number,
    private readonly k: number,
    seed: number,
  ) {
    this.random = new Random(5000 + seed);
    this.asked = new Uint16Array(prompts);
    this.rewards = new Float64Array(prompts);
    this.found = new Uint16Array(count);
    this.sums = new Float64Array(count);
  }

  choose(prompt: number): number {
    const { random, count, heard, found, sums } = this;
    if (random.uniform() < decaying(heard, count)) return random.below(count);
    this.search(this.neighbourhoods.of(prompt));
    return highest(count, random, (model) =>
      found[model] === 0 ? Infinity : (sums[model] as number) / (found[model] as number),
    );
  }

  learn(prompt: number, model: number, reward: number): void {
    this.asked[prompt] = model + 1;
    this.rewards[prompt] = reward;
    this.heard++;
  }

  private search(others: Uint16Array): void {
    const { asked, rewards, found, sums, k } = this;
    found.fill(0);
    sums.fill(0);
    let open = this.count;
    for (let place = 0; place < others.length && open > 0; place++) {
      const other = others[place] as number;
      const model = (asked[other] as number) - 1;
      if (model < 0 || found[model] === k) continue;
      sums[model] = (sums[model] as number) + (rewards[other] as number);
      found[model] = (found[model] as number) + 1;
      if (found[model] === k) open--;
    }
  }
}

/** With another k than the chosen one, for the choice of it. */
export const nearest =
  (k = NEIGHBOURS, axes = AXES): PolicyFactory =>
  (stream) => {
    const neighbourhoods = new Neighbourhoods(stream, axes);
    return (seed) => new Nearest(neighbourhoods, stream.vectors.length, stream.models.length, k, seed);
  };

export const kNearest = online(`kNN, k = ${NEIGHBOURS}`, nearest(), {
  note: 'epsilon as above; axes from the stream itself',
});
