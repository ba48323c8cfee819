// What is timed, with what it is compared with and what it must reach.
import type { SonaEngine } from '../../dist/index.mjs';
import { native } from '../../ts/native.ts';
import { stack } from '../lib/linear.mts';
import { addRoutes, manual, normal, tell, trained, VARIETY, vector, vectors } from './engines.mts';
import type { Peer, PeerEngine } from './peer.mts';
import { apply, PlainInstant, PlainLora, rank } from './plain.mts';
import { type Contender, sink } from './timing.mts';

export interface Case {
  name: string;
  /** What the public API must reach: at most so many nanoseconds, at least so many times faster than the peer. */
  bar?: { nanos?: number; peer?: number };
  contenders: { sona: Contender; floor?: Contender; plain?: Contender; peer?: Contender };
}

export interface Setting {
  peer: Peer | undefined;
  /** Small sizes, for a check that everything runs. */
  short: boolean;
}

const DIM = 256;
const WIDE = 384;

/** Each makes its engines when it is called. */
export const cases: readonly ((setting: Setting) => Case[])[] = [
  applying,
  applyingBoth,
  recording,
  suggesting,
  endingWithRoute,
  learning,
  counting,
];

const repeat = (call: (i: number) => number): Contender => ({
  run(calls) {
    let sum = 0;
    for (let i = 0; i < calls; i++) sum += call(i);
    sink.value += sum;
  },
});

/** An empty native call that is given two arrays. */
const floor = (x: Float32Array, out: Float32Array): Contender =>
  repeat(() => {
    native.floor(0, 0, x, out);
    return 0;
  });

function trainedPeer(peer: Peer): PeerEngine {
  const engine = peer.create({ hiddenDim: DIM, microLoraRank: 2 });
  for (let i = 0; i < 100; i++) tellPeer(engine, Array.from(vector(DIM)), Array.from(vector(DIM)));
  return engine;
}

function tellPeer(engine: PeerEngine, query: number[], activation: number[]): void {
  const id = engine.beginTrajectory(query);
  engine.addTrajectoryStep(id, activation, [], 1);
  engine.endTrajectory(id, 0.9);
}

function applying({ peer }: Setting): Case[] {
  const engine = trained(DIM);
  const x = vector(DIM);
  const wide = Float64Array.from(x);
  const list = Array.from(x);
  const out = new Float32Array(DIM);
  const flat = stack(vectors(32, DIM));
  const flatOut = new Float32Array(flat.length);
  const lora = new PlainLora(DIM, 2, 4, normal);
  const peerEngine = peer && trainedPeer(peer);
  const compared = {
    floor: floor(x, out),
    plain: repeat(() => {
      apply([lora], x, out);
      return out[0] as number;
    }),
    ...(peerEngine && { peer: repeat(() => peerEngine.applyMicroLora(list)[0] as number) }),
  };
  return [
    {
      name: 'applyMicroLora(x, out), Float32Array',
      bar: { nanos: 300, peer: 100 },
      contenders: { sona: repeat(() => engine.applyMicroLora(x, out)[0] as number), ...compared },
    },
    {
      name: 'applyMicroLora(x), Float32Array',
      bar: { peer: 20 },
      contenders: { sona: repeat(() => engine.applyMicroLora(x)[0] as number), ...compared },
    },
    {
      name: 'applyMicroLora(x), Float64Array',
      bar: { peer: 20 },
      contenders: { sona: repeat(() => engine.applyMicroLora(wide)[0] as number), ...compared },
    },
    {
      name: 'applyMicroLora(x), number[]',
      bar: { peer: 20 },
      contenders: { sona: repeat(() => engine.applyMicroLora(list)[0] as number), ...compared },
    },
    {
      name: 'applyMicroLoraBatch, one of 32',
      contenders: {
        ...compared,
        sona: { ...repeat(() => engine.applyMicroLoraBatch(flat, flatOut)[0] as number), per: 32 },
      },
    },
  ];
}

function applyingBoth(): Case[] {
  const engine = trained(WIDE);
  const x = vector(WIDE);
  const out = new Float32Array(WIDE);
  const tiers = [new PlainLora(WIDE, 2, 4, normal), new PlainLora(WIDE, 16, 0.5, normal)];
  return [
    {
      name: 'applyLora(x, out), 384 d, rank 2 + 16',
      bar: { nanos: 1500 },
      contenders: {
        sona: repeat(() => engine.applyLora(x, out)[0] as number),
        floor: floor(x, out),
        plain: repeat(() => {
          apply(tiers, x, out);
          return out[0] as number;
        }),
      },
    },
  ];
}

function recording({ peer }: Setting): Case[] {
  const queries = vectors(VARIETY, DIM);
  const activations = vectors(VARIETY, DIM);
  // taken in by hand between the timed calls, as a background thread would beside them
  const into = (engine: SonaEngine): Contender => ({
    chunk: 200,
    prepare: () => engine.flush(),
    run(calls) {
      for (let i = 0; i < calls; i++) {
        const at = i % VARIETY;
        tell(engine, queries[at] as Float32Array, activations[at] as Float32Array, i % 3 === 0 ? 0 : 1);
      }
    },
  });
  const lists = queries.map((query) => Array.from(query));
  const activationLists = activations.map((activation) => Array.from(activation));
  const peerEngine = peer?.create({ hiddenDim: DIM, microLoraRank: 2 });
  const plain = new PlainInstant(new PlainLora(DIM, 2, 4, normal), 128, normal);
  const compared = {
    floor: floor(queries[0] as Float32Array, activations[0] as Float32Array),
    ...(peerEngine && {
      peer: repeat((i) => {
        const at = i % VARIETY;
        tellPeer(peerEngine, lists[at] as number[], activationLists[at] as number[]);
        return 0;
      }),
    }),
  };
  return [
    {
      name: 'begin + 1 step + end, instant update',
      bar: { peer: 10 },
      contenders: {
        sona: into(manual(DIM)),
        plain: repeat((i) => {
          const at = i % VARIETY;
          plain.learn(queries[at] as Float32Array, activations[at] as Float32Array, i % 3 === 0 ? 0 : 1);
          return 0;
        }),
        ...compared,
      },
    },
    {
      name: 'begin + 1 step + end, recording alone',
      bar: { nanos: 1000, peer: 37 },
      contenders: { sona: into(manual(DIM, { tiers: { micro: false, prototypes: false } })), ...compared },
    },
  ];
}

function suggesting({ short }: Setting): Case[] {
  return [
    { routes: 150, nanos: 15e3 },
    { routes: short ? 1000 : 10_000, nanos: 1.5e6 },
  ].map(({ routes, nanos }) => {
    const embeddings = vectors(routes, WIDE);
    const engine = trained(WIDE);
    addRoutes(engine, embeddings);
    const queries = vectors(VARIETY, WIDE);
    const rows = stack(embeddings);
    const tiers = [new PlainLora(WIDE, 2, 4, normal), new PlainLora(WIDE, 16, 0.5, normal)];
    const scratch = new Float32Array(WIDE);
    return {
      name: `suggestRoutes, k 5, 384 d, ${routes} routes`,
      bar: { nanos },
      contenders: {
        sona: repeat((i) => engine.suggestRoutes(queries[i % VARIETY] as Float32Array).confidence),
        plain: repeat(
          (i) => rank(tiers, rows, queries[i % VARIETY] as Float32Array, 5, scratch)[0]?.[2] ?? 0,
        ),
      },
    };
  });
}

/** Only the ending is timed. */
function endingWithRoute(): Case[] {
  const queries = vectors(VARIETY, WIDE);
  const ending = (decided: boolean): Contender => {
    const engine = trained(WIDE);
    addRoutes(engine, vectors(150, WIDE));
    const chunk = 50;
    let next = 0;
    let open: ReturnType<SonaEngine['beginTrajectory']>[] = [];
    return {
      chunk,
      prepare() {
        engine.flush();
        open = Array.from({ length: chunk }, () => {
          const query = queries[next++ % VARIETY] as Float32Array;
          const { id, best } = engine.suggestRoutes(query);
          return engine.beginTrajectory(query, decided ? { decision: id } : {}).setRoute(best as string);
        });
      },
      run(calls) {
        for (let i = 0; i < calls; i++)
          engine.endTrajectory(open[i] as (typeof open)[number], i % 3 === 0 ? 0 : 1);
      },
    };
  };
  const floors = floor(queries[0] as Float32Array, queries[1] as Float32Array);
  return [
    {
      name: 'endTrajectory, 1 of 150 routes, decision',
      bar: { nanos: 10e3 },
      contenders: { sona: ending(true), floor: floors },
    },
    {
      name: 'endTrajectory, 1 of 150 routes, without',
      bar: { nanos: 25e3 },
      contenders: { sona: ending(false), floor: floors },
    },
  ];
}

function learning({ peer, short }: Setting): Case[] {
  const count = short ? 500 : 5500;
  const queries = vectors(count, DIM);
  const activations = vectors(VARIETY, DIM);
  const names = vectors(150, DIM);
  const forced = (fill: (engine: SonaEngine) => void): Contender => {
    let engine: SonaEngine | undefined;
    return {
      chunk: 1,
      prepare() {
        engine?.[Symbol.dispose]();
        engine = manual(DIM);
        fill(engine);
      },
      run: () => {
        sink.value += engine?.forceLearn().length ?? 0;
      },
    };
  };
  let peerEngine: PeerEngine | undefined;
  const peerLearns: Contender | undefined = peer && {
    chunk: 1,
    runs: 1,
    prepare() {
      peerEngine = peer.create({ hiddenDim: DIM, microLoraRank: 2, trajectoryCapacity: 10_000 });
      queries.forEach((query, i) => {
        const activation = activations[i % VARIETY] as Float32Array;
        tellPeer(peerEngine as PeerEngine, Array.from(query), Array.from(activation));
      });
    },
    run: () => {
      sink.value += peerEngine?.forceLearn().length ?? 0;
    },
  };
  const bar = short ? {} : { bar: { nanos: 500e6 } };
  const compared = peerLearns ? { peer: peerLearns } : {};
  return [
    {
      name: `learn, ${count} trajectories, no routes`,
      ...bar,
      contenders: {
        sona: forced((engine) => {
          queries.forEach((query, i) => {
            tell(engine, query, activations[i % VARIETY] as Float32Array, i % 3 === 0 ? 0 : 1);
          });
        }),
        ...compared,
      },
    },
    {
      name: `learn, ${count} trajectories, 150 routes`,
      ...bar,
      contenders: {
        sona: forced((engine) => {
          const routes = addRoutes(engine, names);
          queries.forEach((query, i) => {
            const trajectory = engine.beginTrajectory(query).setRoute(routes[i % routes.length] as string);
            engine.endTrajectory(trajectory, i % 3 === 0 ? 0 : 1);
          });
        }),
        ...compared,
      },
    },
  ];
}

function counting({ peer }: Setting): Case[] {
  const engine = trained(DIM);
  const peerEngine = peer && trainedPeer(peer);
  return [
    {
      name: 'getStats',
      contenders: {
        sona: repeat(() => engine.getStats().length),
        ...(peerEngine && { peer: repeat(() => peerEngine.getStats().length) }),
      },
    },
  ];
}
