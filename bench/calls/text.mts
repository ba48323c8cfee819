// Text: its vector, and a decision from it.
import { builtin, hash, type SyncEmbedder } from '../../dist/embed.mjs';
import { type RouterDecision, SonaRouter } from '../../dist/index.mjs';
import { randomTexts } from '../lib/words.mts';
import { type Case, repeat, type Setting } from './case.mts';

const MODELS = 8;
const WORDS = 50;
/** More than the nearest caches hold tokens of. */
const TEXTS = 2048;

export function text({ short }: Setting): Case[] {
  const texts = randomTexts(TEXTS, WORDS, 1);
  const of = (i: number): string => texts[i % TEXTS] as string;
  const models = Array.from({ length: MODELS }, (_, i) => ({ id: `model ${i}`, inputUsdPer1M: i + 1 }));
  const router = new SonaRouter({ models, objective: { costWeight: 0.1 } });
  const route = (i: number): RouterDecision => router.route(of(i));
  const quality = (i: number): number => ((i * 7) % 11) / 10;
  for (let i = 0; i < (short ? 100 : 2000); i++) router.feedback(route(i).id, { quality: quality(i) });
  const embed = (embedder: SyncEmbedder) => {
    const out = new Float32Array(embedder.dim);
    return repeat((i) => embedder.embedSync(of(i), out)[0] as number);
  };
  return [
    {
      name: `embed ${WORDS} words, built-in`,
      bar: { nanos: 40e3 },
      contenders: { sona: embed(builtin()) },
    },
    { name: `embed ${WORDS} words, hash`, contenders: { sona: embed(hash()) } },
    {
      name: `route text of ${WORDS} words, ${MODELS} models`,
      bar: { nanos: 60e3 },
      contenders: { sona: repeat((i) => route(i).propensity) },
    },
  ];
}
