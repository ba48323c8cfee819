// Telling what happened: trajectories, their ends, corrections.
import type { EndOptions, SonaEngine } from '../../dist/index.mjs';
import { type Case, DIM, floor, repeat, type Setting, tellPeer, WIDE } from './case.mts';
import { addRoutes, manual, normal, tell, trained, VARIETY, vectors } from './engines.mts';
import { PlainInstant, PlainLora } from './plain.mts';
import type { Contender } from './timing.mts';

export function recording({ peer }: Setting): Case[] {
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

/** Only the ending is timed. */
export function endingWithRoute(): Case[] {
  const queries = vectors(VARIETY, WIDE);
  const ending = (decided: boolean, options?: EndOptions): Contender => {
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
          engine.endTrajectory(open[i] as (typeof open)[number], i % 3 === 0 ? 0 : 1, options);
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
    {
      name: '  the same with decision, verdict, source',
      contenders: { sona: ending(true, { verdict: 'success', source: 'bench' }), floor: floors },
    },
  ];
}

/** The outcome of one of the newest trajectories turns out to be another, again and again. */
export function correcting(): Case[] {
  const engine = trained(WIDE);
  const routes = addRoutes(engine, vectors(150, WIDE));
  const queries = vectors(VARIETY, WIDE);
  const told = queries.map((query, i) => {
    const trajectory = engine.beginTrajectory(query).setRoute(routes[i % routes.length] as string);
    const { id } = trajectory;
    engine.endTrajectory(trajectory, 0);
    return id;
  });
  let corrections = 0;
  const correct = (): number => {
    const trajectoryId = told[corrections % VARIETY] as string;
    // each round over all of them turns every outcome around
    const quality = Math.floor(corrections++ / VARIETY) % 2 === 0 ? 1 : 0;
    return engine.learnFromFeedback({ trajectoryId, quality }).deltaNorm;
  };
  return [
    {
      name: 'learnFromFeedback, 1 of 150 routes',
      contenders: {
        sona: repeat(correct),
        floor: floor(queries[0] as Float32Array, queries[1] as Float32Array),
      },
    },
  ];
}
