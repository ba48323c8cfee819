// Applying the adapters.
import { stack } from '../lib/linear.mts';
import { type Case, DIM, floor, repeat, type Setting, trainedPeer, WIDE } from './case.mts';
import { normal, trained, vector, vectors } from './engines.mts';
import { apply, PlainLora } from './plain.mts';

export function applying({ peer }: Setting): Case[] {
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

export function applyingBoth(): Case[] {
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
