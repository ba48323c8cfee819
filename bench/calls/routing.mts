// Routing a prompt, and telling what came of it.
import { type RouterDecision, SonaRouter } from '../../dist/index.mjs';
import { type Case, repeat, type Setting, WIDE } from './case.mts';
import { VARIETY, vectors } from './engines.mts';

const MODELS = 8;

export function routing({ short }: Setting): Case[] {
  const models = Array.from({ length: MODELS }, (_, i) => ({ id: `model ${i}`, inputUsdPer1M: i + 1 }));
  const router = new SonaRouter({ models, features: { basis: 'minilm' }, objective: { costWeight: 0.1 } });
  const queries = vectors(VARIETY, WIDE);
  const route = (i: number): RouterDecision => router.route(queries[i % VARIETY] as Float32Array);
  const quality = (i: number): number => ((i * 7) % 11) / 10;
  for (let i = 0; i < (short ? 100 : 2000); i++) router.feedback(route(i).id, { quality: quality(i) });
  return [
    {
      name: `route, ${MODELS} models, 384 d`,
      bar: { nanos: 15e3 },
      contenders: { sona: repeat((i) => route(i).propensity) },
    },
    {
      name: `route and feedback, ${MODELS} models, 384 d`,
      bar: { nanos: 25e3 },
      contenders: {
        sona: repeat((i) => (router.feedback(route(i).id, { quality: quality(i) }).applied ? 1 : 0)),
      },
    },
  ];
}
