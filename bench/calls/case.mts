// What a case is, and what the cases share.
import { native } from '../../ts/binding/native.ts';
import { vector } from './engines.mts';
import type { Peer, PeerEngine } from './peer.mts';
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

export const DIM = 256;
export const WIDE = 384;

export const repeat = (call: (i: number) => number): Contender => ({
  run(calls) {
    let sum = 0;
    for (let i = 0; i < calls; i++) sum += call(i);
    sink.value += sum;
  },
});

/** An empty native call that is given two arrays. */
export const floor = (x: Float32Array, out: Float32Array): Contender =>
  repeat(() => {
    native.floor(0, 0, x, out);
    return 0;
  });

export function trainedPeer(peer: Peer): PeerEngine {
  const engine = peer.create({ hiddenDim: DIM, microLoraRank: 2 });
  for (let i = 0; i < 100; i++) tellPeer(engine, Array.from(vector(DIM)), Array.from(vector(DIM)));
  return engine;
}

export function tellPeer(engine: PeerEngine, query: number[], activation: number[]): void {
  const id = engine.beginTrajectory(query);
  engine.addTrajectoryStep(id, activation, [], 1);
  engine.endTrajectory(id, 0.9);
}
