// How well costs are foreseen: every prompt goes to one model at random, and before its cost is told, how much of what the
// logarithm varies by within a model was expected.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { builtin } from '../../dist/embed.mjs';
import { SonaRouter } from '../../dist/index.mjs';
import { type Bar, judge, show } from '../lib/bars.mts';
import { folderOf } from '../lib/data.mts';
import { countMissed, line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import { Random } from '../lib/random.mts';
import type { Stream } from '../lib/stream.mts';
import { embeddedBy, minilm, textsOf, type Vectors } from '../lib/vectors.mts';
import { type BasisChoice, unseenBasis } from './sona.mts';

const WIDTH = 17;

/** Outcomes of all models together at which windows end; the last is open. */
export const WINDOWS = [200, 500, 1000, 2000, Number.POSITIVE_INFINITY];

/** Most outcomes of a run. */
export const MOST = 4000;

/** Sets whose costs are recorded or estimated call by call, and what the last window is to reach. */
const sets: Readonly<Record<string, Bar | undefined>> = {
  paretobandit4: { least: 0.3 },
  zeroeval: { least: 0.34 },
  mmlupro10: undefined,
};

/** Characters of a token and prior precision of the slope: the length alone as the router knew it before it had other slopes. */
const CHARS = 4;
const PRECISION = 4;

/** A time that does not pass. */
export const START = Date.UTC(2026, 0, 1);

/** What was told of calls, one number each. */
export interface Amounts {
  models: string[];
  texts: string[];
  vectors: Float32Array[];
  by: Vectors;
  /** By prompt, then by model; NaN where none was recorded. */
  amount: Float64Array;
}

interface Prediction {
  model: number;
  /** Logarithm of what was told. */
  y: number;
  /** The same as it was expected: by the router, by its model's line on the length, by its model's mean. */
  router: number;
  length: number;
  mean: number;
  inside: boolean;
  usd: number;
  expectedUsd: number;
}

export interface CostsRow {
  set: string;
  method: string;
  /** Share of the variance within models, by window. */
  r2: Estimate[];
  /** Percent of calls inside the interval of 90 %. */
  inside?: Estimate[];
  /** What was expected of all calls over what was told. */
  level?: Estimate[];
}

/** Amounts of a set, by the fields of an outcome and its prompt; undefined where it is not here, or without texts. */
export function loadAmounts(
  name: string,
  amountOf: (row: Record<string, string>, text: string) => number,
): Amounts | undefined {
  const folder = folderOf(name);
  const texts = textsOf(name, 'prompts');
  if (!folder || !texts) return undefined;
  const by = minilm.has(name, 'prompts') ? minilm : embeddedBy(builtin());
  const vectors = by.of(name, 'prompts') as Float32Array[];
  const ids = readFileSync(join(folder, 'prompts.jsonl'), 'utf8')
    .split('\n')
    .filter((text) => text.trim() !== '')
    .map((text) => String((JSON.parse(text) as { id: unknown }).id));
  const place = new Map(ids.map((id, i) => [id, i]));
  const rows = parse(readFileSync(join(folder, 'outcomes.csv')), { columns: true, bom: true }) as Record<
    string,
    string
  >[];
  const told = rows.flatMap((row) => {
    const prompt = place.get(row.id as string) as number;
    const amount = amountOf(row, texts[prompt] as string);
    // what was recorded of this one can't be compared
    return amount > 0 && !row.model?.includes('o1-mini')
      ? [{ prompt, model: row.model as string, amount }]
      : [];
  });
  const models = [...new Set(told.map(({ model }) => model))].sort();
  const at = new Map(models.map((model, k) => [model, k]));
  const amounts = new Float64Array(ids.length * models.length).fill(Number.NaN);
  for (const { prompt, model, amount } of told) {
    amounts[prompt * models.length + (at.get(model) as number)] = amount;
  }
  return { models, texts, vectors, by, amount: amounts };
}

/** One model's line of the logarithm on that of the length, with a prior of no slope. */
class Line {
  private n = 0;
  private x = 0;
  private xx = 0;
  private y = 0;
  private xy = 0;

  predict(x: number): { length: number; mean: number } | undefined {
    if (this.n === 0) return undefined;
    const mean = this.y / this.n;
    const centre = this.x / this.n;
    const slope = (this.xy - this.x * mean) / (this.xx - this.x * centre + PRECISION);
    return { length: mean + slope * (x - centre), mean };
  }

  learn(x: number, y: number): void {
    this.n++;
    this.x += x;
    this.xx += x * x;
    this.y += y;
    this.xy += x * y;
  }
}

/** One of the models whose answer to a prompt was recorded; undefined where there is none. */
export function anyOf(
  models: number,
  amount: Float64Array,
  prompt: number,
  random: Random,
): number | undefined {
  const all = Array.from({ length: models }, (_, k) => k);
  const recorded = all.filter((k) => (amount[prompt * models + k] as number) > 0);
  return recorded.length === 0 ? undefined : recorded[random.below(recorded.length)];
}

function run(
  { models, texts, vectors, by, amount }: Amounts,
  basis: BasisChoice,
  seed: number,
): Prediction[] {
  const random = new Random(2000 + seed);
  const router = new SonaRouter({
    features: { dim: by.dim, basis },
    background: 'manual',
    seed,
    now: () => START,
    models: models.map((id) => ({ id })),
  });
  const lines = models.map(() => new Line());
  const predictions: Prediction[] = [];
  for (const prompt of new Random(1000 + seed).permutation(vectors.length).subarray(0, MOST)) {
    const model = anyOf(models.length, amount, prompt, random);
    if (model === undefined) continue;
    const usd = amount[prompt * models.length + model] as number;
    const text = texts[prompt] as string;
    const eligible = [models[model] as string];
    const { id, expected } = router.route(vectors[prompt] as Float32Array, { eligible, text });
    const [x, y] = [Math.log(Math.max(1, text.length) / CHARS), Math.log(usd)];
    const simple = lines[model]?.predict(x);
    if (simple && expected.costUsd !== null && expected.costInterval) {
      const [low, high] = expected.costInterval;
      const inside = usd >= low && usd <= high;
      // the middle of a log-normal distribution
      const foreseen = (Math.log(low) + Math.log(high)) / 2;
      predictions.push({ model, y, router: foreseen, ...simple, inside, usd, expectedUsd: expected.costUsd });
    }
    lines[model]?.learn(x, y);
    router.feedback(id, { costUsd: usd });
  }
  void router.close();
  return predictions;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Share of the squares about each model's mean so far. */
function r2(predictions: readonly Prediction[], of: (prediction: Prediction) => number): number {
  const left = sum(predictions.map((prediction) => (prediction.y - of(prediction)) ** 2));
  return 1 - left / sum(predictions.map(({ y, mean }) => (y - mean) ** 2));
}

function windowsOf(predictions: readonly Prediction[]): Prediction[][] {
  return WINDOWS.map((end, i) => predictions.slice(i === 0 ? 0 : WINDOWS[i - 1], end));
}

export function costsTable(name: string, seeds: number): Table<CostsRow> {
  const costs = loadAmounts(name, ({ cost_usd }) => Number(cost_usd));
  if (!costs) {
    console.log(`\n${name}: its texts and costs are not here`);
    return { rows: [], missed: 0 };
  }
  const found = unseenBasis({ name, dim: costs.by.dim, by: costs.by } as Stream);
  const basis = 'missing' in found ? 'auto' : found.basis;
  const runs = Array.from({ length: seeds }, (_, seed) => windowsOf(run(costs, basis, seed)));
  const windows = WINDOWS.map((_, i) => runs.map((windows) => windows[i] as Prediction[])).filter((window) =>
    window.every(({ length }) => length > 0),
  );
  const byWindow = (of: (window: Prediction[]) => number): Estimate[] =>
    windows.map((window) => estimate(window.map(of)));
  const rows: CostsRow[] = [
    {
      set: name,
      method: 'SONA',
      r2: byWindow((window) => r2(window, ({ router }) => router)),
      inside: byWindow((window) => (100 * window.filter(({ inside }) => inside).length) / window.length),
      level: byWindow(
        (window) => sum(window.map(({ expectedUsd }) => expectedUsd)) / sum(window.map(({ usd }) => usd)),
      ),
    },
    {
      set: name,
      method: 'length alone',
      r2: byWindow((window) => r2(window, ({ length }) => length)),
    },
    { set: name, method: 'mean per model', r2: byWindow((window) => r2(window, ({ mean }) => mean)) },
  ];
  const heads = windows.map((_, i) => `${i === 0 ? 0 : WINDOWS[i - 1]} to ${WINDOWS[i]}`);
  console.log(
    `\n${name}: log cost of ${costs.models.length} models, each prompt answered by one at random; ${seedsOf(seeds)}\n` +
      line('outcomes so far', heads, WIDTH),
  );
  for (const { method, r2: shares, inside, level } of rows) {
    const cells = (estimates: readonly Estimate[], decimals: number) =>
      estimates.map((value) => plusMinus(value, decimals));
    console.log(line(`R2, ${method}`, cells(shares, 2), WIDTH));
    if (inside) console.log(line('  inside 90 %', cells(inside, 1), WIDTH));
    if (level) console.log(line('  expected over told', cells(level, 2), WIDTH));
  }
  const bar = windows.length === WINDOWS.length && seeds > 1 ? sets[name] : undefined;
  const verdict = bar && judge(rows[0]?.r2.at(-1)?.mean ?? Number.NaN, bar, 2);
  if (verdict) console.log(line('  bar of the last', [show(verdict)], 0));
  return { rows, missed: countMissed([verdict]) };
}

/** All sets with costs. */
export const costSets = Object.keys(sets);
