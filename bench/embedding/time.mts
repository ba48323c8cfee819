// What a decision from a prompt of 50 words takes, by the embedder that ships and by MiniLM.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { builtin, type Embedder, hash, multilingual, transformers } from '../../dist/embed.mjs';
import { SonaRouter } from '../../dist/index.mjs';
import { path } from '../../packages/multilingual/index.js';
import { line, micros, type Table } from '../lib/print.mts';
import { randomTexts } from '../lib/words.mts';

const WIDTH = 14;
const WORDS = 50;
const MODELS = 8;
const TEXTS = 512;
const RUNS = 7;

export interface TimeRow {
  embedder: string;
  /** Microseconds, median of the runs and their spread. */
  embed: number;
  route: number;
  least: number;
  most: number;
}

export async function timeTable(short: boolean): Promise<Table<TimeRow>[]> {
  const calls = short ? 64 : 4096;
  console.log(
    `\nText in, decision out: ${WORDS} words, ${MODELS} models, through the public API; us, median of ${RUNS} runs`,
  );
  console.log(line('', ['embed', 'route', 'route, least', 'most'], WIDTH));
  const rows: TimeRow[] = [];
  const add = async (name: string, embedder: Embedder, count: number) => {
    const row = await timed(name, embedder, count);
    rows.push(row);
    console.log(line(name, [row.embed, row.route, row.least, row.most].map(micros), WIDTH));
  };
  await add('built-in, 256', builtin(), calls);
  await add('built-in, 64', builtin({ dim: 64 }), calls);
  await add('hash, 256', hash(), calls);
  await add('multilingual, 128', multilingual({ path }), calls);
  const found = await teacher();
  if (typeof found === 'string') console.log(found);
  else await add('MiniLM, transformers', found, short ? 2 : 32);
  return [{ rows, missed: 0 }];
}

async function timed(name: string, embedder: Embedder, count: number): Promise<TimeRow> {
  const models = Array.from({ length: MODELS }, (_, i) => ({ id: `model ${i}`, inputUsdPer1M: i + 1 }));
  const router = new SonaRouter({ models, embedder });
  const texts = randomTexts(TEXTS, WORDS, 1);
  const text = (i: number): string => texts[i % TEXTS] as string;
  const learned = Math.min(2000, 4 * count);
  for (let i = 0; i < learned; i++) {
    const { id } = await router.routeAsync(text(i));
    router.feedback(id, { quality: ((i * 7) % 11) / 10 });
  }
  const out = new Float32Array(embedder.dim);
  const { embedSync } = embedder;
  const embed = await median(
    count,
    embedSync ? (i) => embedSync.call(embedder, text(i), out) : (i) => embedder.embed([text(i)]),
  );
  const route = await median(
    count,
    embedSync ? (i) => router.route(text(i)) : (i) => router.routeAsync(text(i)),
  );
  await router.close();
  return { embedder: name, embed: embed.median, route: route.median, least: route.least, most: route.most };
}

async function median(count: number, call: (i: number) => unknown) {
  const times: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const began = performance.now();
    for (let i = 0; i < count; i++) {
      const made = call(run * count + i);
      // an await of what is there already would be timed too
      if (made instanceof Promise) await made;
    }
    // the first run warms up
    if (run > 0) times.push((1000 * (performance.now() - began)) / count);
  }
  times.sort((a, b) => a - b);
  return { median: times[RUNS >> 1] as number, least: times[0] as number, most: times[RUNS - 1] as number };
}

/** MiniLM by the transformers library, or why not. */
async function teacher(): Promise<Embedder | string> {
  const { SONA_TRANSFORMERS: modules } = process.env;
  if (!modules) return 'SONA_TRANSFORMERS is not set: MiniLM is not timed.';
  const entry = createRequire(join(modules, 'package.json')).resolve('@huggingface/transformers');
  return transformers({
    model: 'sentence-transformers/all-MiniLM-L6-v2',
    path: join(modules, 'all-MiniLM-L6-v2'),
    library: () => import(pathToFileURL(entry).href),
  });
}
