// How well vectors tell topics and intents apart in many languages: the built-in embedder, hashed features, and the table of
// @sona/multilingual.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawing, languages } from '../../__test__/support/languages.ts';
import { builtin, hash, multilingual, type SyncEmbedder } from '../../dist/embed.mjs';
import { SonaEngine } from '../../dist/index.mjs';
import { path } from '../../packages/multilingual/index.js';
import { Random } from '../../ts/testing/random.ts';
import { line, plusMinus, seedsOf, type Table } from '../lib/print.mts';

const WIDTH = 18;

/** Languages of SIB-200, by the names of their folders. */
const folders = [
  'spa_Latn',
  'zho_Hans',
  'hin_Deva',
  'arb_Arab',
  'rus_Cyrl',
  'tha_Thai',
  'kor_Hang',
  'tur_Latn',
];
const english = 'eng_Latn';

const embedders: readonly [string, SyncEmbedder][] = [
  ['built-in', builtin()],
  ['hash', hash()],
  ['multilingual', multilingual({ path })],
  ['multilingual, 64', multilingual({ path, dim: 64 })],
];

export interface LanguageRow {
  task: string;
  language: string;
  vectors: string;
  mean: number;
  /** Standard error over the seeds. */
  error: number;
}

/** Texts with their labels. */
type Labelled = readonly (readonly [text: string, label: string])[];

export function languagesTables(seeds: number): Table<LanguageRow>[] {
  const tables = [intents(seeds)];
  const { SONA_SIB: folder } = process.env;
  if (folder && existsSync(join(folder, english))) tables.push(topics(folder, seeds));
  else
    console.log('\nSONA_SIB names no folder of languages of SIB-200 (data/annotated): topics are left out.');
  return tables;
}

/** What an engine gets right of three made-up intents, the last 200 of 500 requests. */
function intents(seeds: number): Table<LanguageRow> {
  console.log(`\nThree intents of made-up texts, right in the last 200 of 500 requests; ${seedsOf(seeds)}`);
  const rows = Object.entries(languages).map(([name, language]) => {
    const priors = language.intents.map((lists, i): [string, string] => [
      lists.map(([first]) => first).join(language.between),
      `${i}`,
    ]);
    return row('intents', name, seeds, (embedder, seed) => {
      const draw = drawing(language, seed);
      const stream = Array.from({ length: 500 }, draw).map(([text, intent]): [string, string] => [
        text,
        `${intent}`,
      ]);
      return learned(embedder, priors, stream, 200);
    });
  });
  return { rows: rows.flat(), missed: 0 };
}

function topics(folder: string, seeds: number): Table<LanguageRow> {
  console.log('\nSIB-200, 7 topics, percent of the test part: nearest class mean of the train part');
  const rows = [english, ...folders].flatMap((name) =>
    row('topics', name, 1, (embedder) => {
      const means = classMeans(embedder, part(folder, name, 'train'));
      return nearest(embedder, means, part(folder, name, 'test'));
    }),
  );
  console.log('\nThe same by class means of English texts');
  rows.push(
    ...folders.flatMap((name) =>
      row('topics from English', name, 1, (embedder) => {
        const means = classMeans(embedder, part(folder, english, 'train'));
        return nearest(embedder, means, part(folder, name, 'test'));
      }),
    ),
  );
  console.log(`\nThe same in an engine: right in the last 300 of 1,004 texts; ${seedsOf(seeds)}`);
  rows.push(
    ...[english, ...folders].flatMap((name) => {
      const all = ['train', 'dev', 'test'].flatMap((which) => part(folder, name, which));
      return row('topics, engine', name, seeds, (embedder, seed) => {
        const stream = shuffled(all, seed);
        const seen = new Map(stream.map(([text, label]) => [label, text]));
        return learned(
          embedder,
          [...seen].map(([label, text]) => [text, label]),
          stream,
          300,
        );
      });
    }),
  );
  return { rows, missed: 0 };
}

function row(
  task: string,
  language: string,
  seeds: number,
  run: (embedder: SyncEmbedder, seed: number) => number,
): LanguageRow[] {
  if (
    language === Object.keys(languages)[0] ||
    language === english ||
    (task.endsWith('English') && language === folders[0])
  ) {
    console.log(
      line(
        '',
        embedders.map(([name]) => name),
        WIDTH,
      ),
    );
  }
  const rows = embedders.map(([vectors, embedder]) => {
    const shares = Array.from({ length: seeds }, (_, seed) => 100 * run(embedder, seed + 1));
    const mean = shares.reduce((sum, share) => sum + share, 0) / seeds;
    const error = Math.sqrt(
      shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / Math.max(1, seeds - 1),
    );
    return { task, language, vectors, mean, error };
  });
  console.log(
    line(
      language,
      rows.map((each) => (seeds > 1 ? plusMinus(each, 1) : each.mean.toFixed(1))),
      WIDTH,
    ),
  );
  return rows;
}

/** The share that an engine suggests right at the end of a stream, learning from right and wrong alone. */
function learned(embedder: SyncEmbedder, priors: Labelled, stream: Labelled, last: number): number {
  const engine = SonaEngine.withConfig({ hiddenDim: embedder.dim, background: 'manual', embedder });
  for (const [text, label] of priors) engine.addRoute(label, { text });
  let right = 0;
  stream.forEach(([text, label], i) => {
    const { id, best } = engine.suggestRoutes(text);
    if (best === label && i >= stream.length - last) right++;
    engine.feedback(id, { quality: best === label ? 1 : 0 });
  });
  engine.close();
  return right / last;
}

function classMeans(embedder: SyncEmbedder, texts: Labelled): Map<string, Float64Array> {
  const means = new Map<string, Float64Array>();
  for (const [text, label] of texts) {
    const mean = means.get(label) ?? new Float64Array(embedder.dim);
    embedder.embedSync(text).forEach((x, k) => {
      mean[k] = (mean[k] as number) + x;
    });
    means.set(label, mean);
  }
  for (const [label, mean] of means) {
    const length = Math.hypot(...mean);
    means.set(
      label,
      mean.map((x) => x / length),
    );
  }
  return means;
}

function nearest(embedder: SyncEmbedder, means: Map<string, Float64Array>, texts: Labelled): number {
  const right = texts.filter(([text, label]) => {
    const vector = embedder.embedSync(text);
    const cosine = (mean: Float64Array) => mean.reduce((sum, x, k) => sum + x * (vector[k] as number), 0);
    const [best] = [...means].reduce((a, b) => (cosine(b[1]) > cosine(a[1]) ? b : a));
    return best === label;
  });
  return right.length / texts.length;
}

function part(folder: string, language: string, name: string): Labelled {
  const lines = readFileSync(join(folder, language, `${name}.tsv`), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.slice(1).map((each): [string, string] => {
    const [, label = '', text = ''] = each.split('\t');
    return [text, label];
  });
}

function shuffled(texts: Labelled, seed: number): Labelled {
  const random = new Random(seed);
  const keyed = texts.map((text) => ({ text, key: random.uniform() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ text }) => text);
}
