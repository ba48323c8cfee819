// Counters.
import { type Case, DIM, repeat, type Setting, trainedPeer } from './case.mts';
import { trained } from './engines.mts';

export function counting({ peer }: Setting): Case[] {
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
