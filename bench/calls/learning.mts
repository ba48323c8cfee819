// Training on what has been told.
import type { SonaConfig, SonaEngine } from '../../dist/index.mjs';
import { openForExperiment } from '../lib/intervention.mts';
import { type Case, DIM, type Setting, tellPeer } from './case.mts';
import { addRoutes, manual, tell, VARIETY, vectors } from './engines.mts';
import type { PeerEngine } from './peer.mts';
import { type Contender, sink } from './timing.mts';

export function learning({ peer, short }: Setting): Case[] {
  const count = short ? 500 : 5500;
  const queries = vectors(count, DIM);
  const activations = vectors(VARIETY, DIM);
  const names = vectors(150, DIM);
  const forced = (fill: (engine: SonaEngine) => void, open = () => manual(DIM)): Contender => {
    let engine: SonaEngine | undefined;
    return {
      chunk: 1,
      prepare() {
        engine?.[Symbol.dispose]();
        engine = open();
        fill(engine);
      },
      run: () => {
        sink.value += engine?.forceLearn().length ?? 0;
      },
    };
  };
  const tellAll = (engine: SonaEngine): void => {
    queries.forEach((query, i) => {
      tell(engine, query, activations[i % VARIETY] as Float32Array, i % 3 === 0 ? 0 : 1);
    });
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
  const suggested = (config: SonaConfig): Contender =>
    forced(
      (engine) => {
        const routes = addRoutes(engine, names);
        queries.forEach((query, i) => {
          const { id, best } = engine.suggestRoutes(query, { k: 1 });
          engine.feedback(id, { quality: best === routes[i % routes.length] ? 1 : 0 });
        });
      },
      () => manual(DIM, config),
    );
  const bar = short ? {} : { bar: { nanos: 500e6 } };
  const compared = peerLearns ? { peer: peerLearns } : {};
  return [
    {
      name: `learn, ${count} trajectories, no routes`,
      ...bar,
      contenders: {
        sona: forced(tellAll),
        ...compared,
      },
    },
    {
      name: '  the same, held by anchored weights',
      ...bar,
      contenders: { sona: forced(tellAll, anchored), ...compared },
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
    // what past queries and offsets cost in training is the ratio of these two
    { name: `learn, ${count} outcomes of suggestions`, contenders: { sona: suggested({}) } },
    {
      name: '  the same, no memory, no offsets',
      contenders: { sona: suggested({ memory: false, tiers: { offsets: false } }) },
    },
  ];
}

/** An engine that has something to hold on to, and does at full strength. */
function anchored(): SonaEngine {
  const { engine, intervene } = openForExperiment({ hiddenDim: DIM, background: 'manual' });
  const events = vectors(200, DIM);
  for (const query of events) tell(engine, query, events[0] as Float32Array, 1);
  engine.forceLearn();
  intervene('anchor');
  intervene('constant penalty');
  return engine;
}
