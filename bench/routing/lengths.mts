// How well lengths of answers are foreseen: every prompt goes to one model at random, and before the length of its answer is told,
// whether the suggested limit holds it and how large that is, beside limits that look at no prompt.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { SonaRouter } from '../../dist/index.mjs';
import { folderOf } from '../lib/data.mts';
import { line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import { Random } from '../lib/random.mts';
import type { Stream } from '../lib/stream.mts';
import { type Amounts, anyOf, loadAmounts, MOST, START, WINDOWS } from './costs.mts';
import { type BasisChoice, unseenBasis } from './sona.mts';

const WIDTH = 17;

/** Shares that limits are to hold. */
const QUANTILES = [0.95, 0.99];

/** Characters of a token. */
const CHARS = 4;

/** The least limit, and the one that a client has where nothing is known. */
const LEAST = 64;
const FIRST = 256;

/** Tokens that the median answer of a model is taken for where only costs were recorded. */
const MEDIAN = 400;

/** What is taken for the tokens of an answer, by set. */
const sets: Readonly<Record<string, { what: string; load: (name: string) => Amounts | undefined }>> = {
  zeroeval: {
    what: 'characters of the recorded answer / 4',
    load: (name) => loadAmounts(name, ({ out_chars }) => Number(out_chars) / CHARS),
  },
  mmlupro10: {
    what: "(estimated cost - characters of the prompt / 4 x its price) / the answer's price",
    load: (name) => {
      const prices = pricesOf(name);
      return loadAmounts(name, ({ model, cost_usd }, text) => {
        const { input, output } = prices.get(model as string) ?? { input: 0, output: Number.NaN };
        return (1e6 * Number(cost_usd) - (text.length / CHARS) * input) / output;
      });
    },
  },
  paretobandit4: {
    what: `recorded cost, the prompt's part included, in units of which the model's median answer has ${MEDIAN}`,
    load: (name) => {
      const costs = loadAmounts(name, ({ cost_usd }) => Number(cost_usd));
      return costs && { ...costs, amount: inMedians(costs.amount, costs.models.length) };
    },
  },
};

function pricesOf(name: string): Map<string, { input: number; output: number }> {
  const folder = folderOf(name);
  if (!folder) return new Map();
  const rows = parse(readFileSync(join(folder, 'models.csv')), { columns: true, bom: true }) as Record<
    string,
    string
  >[];
  return new Map(
    rows.map(({ model, usd_per_mtok_in, usd_per_mtok_out }) => [
      model as string,
      { input: Number(usd_per_mtok_in), output: Number(usd_per_mtok_out) },
    ]),
  );
}

function inMedians(amounts: Float64Array, models: number): Float64Array {
  const medians = Array.from({ length: models }, (_, k) => {
    const own = amounts.filter((amount, i) => i % models === k && amount > 0).sort();
    return own[own.length >> 1] as number;
  });
  return amounts.map((amount, i) => (MEDIAN * amount) / (medians[i % models] as number));
}

/** The least power of two, from 64, that holds so many tokens. */
export function bucket(tokens: number): number {
  let bucket = LEAST;
  while (bucket < tokens) bucket *= 2;
  return bucket;
}

/** The quantile of what was seen: the least number that a share of it stays within. */
export class Seen {
  private readonly sorted: number[] = [];

  quantile(share: number): number | undefined {
    return this.sorted[Math.min(this.sorted.length - 1, Math.ceil(share * this.sorted.length) - 1)];
  }

  add(number: number): void {
    let [low, high] = [0, this.sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.sorted[middle] as number) < number) low = middle + 1;
      else high = middle;
    }
    this.sorted.splice(low, 0, number);
  }
}

/** What limits are suggested before an answer is told. */
export interface Prediction {
  tokens: number;
  /** The router's, that of the model's past answers, that of all answers. */
  limits: Record<Method, number>;
  /** Logarithm of the length as it was expected: by the router, by the model's mean. */
  router: number;
  mean: number;
}

export type Method = 'SONA' | 'one per model' | 'one for all';

const methods: readonly Method[] = ['SONA', 'one per model', 'one for all'];

/** A router that is told every length. */
export function run(lengths: Amounts, basis: BasisChoice, seed: number, quantile: number): Prediction[] {
  const past = lengths.models.map(() => ({ seen: new Seen(), sum: 0, count: 0 }));
  const all = new Seen();
  const predictions: Prediction[] = [];
  for (const { model, tokens, decision, tell } of calls(lengths, basis, seed, quantile)) {
    const own = past[model] as (typeof past)[number];
    const [perModel, forAll] = [own.seen.quantile(quantile), all.quantile(quantile)];
    const { outputInterval } = decision.expected;
    if (decision.limits && outputInterval && perModel !== undefined && forAll !== undefined) {
      const [low, high] = outputInterval;
      predictions.push({
        tokens,
        limits: {
          SONA: decision.limits.maxTokens,
          'one per model': bucket(perModel),
          'one for all': bucket(forAll),
        },
        // the middle of a log-normal distribution
        router: (Math.log(low) + Math.log(high)) / 2,
        mean: own.sum / own.count,
      });
    }
    own.seen.add(tokens);
    all.add(tokens);
    own.sum += Math.log(tokens);
    own.count++;
    tell(tokens, false);
  }
  return predictions;
}

/** Shares of whole answers by window, where each is cut at what was suggested for it. */
export function runCut(
  lengths: Amounts,
  basis: BasisChoice,
  seed: number,
  quantile: number,
  saysSo: boolean,
): number[] {
  const whole: number[] = [];
  for (const { tokens, decision, tell } of calls(lengths, basis, seed, quantile)) {
    const limit = decision.limits?.maxTokens ?? FIRST;
    whole.push(Number(tokens <= limit));
    tell(Math.min(tokens, limit), saysSo && tokens > limit);
  }
  return windowsOf(whole).map(shareOf);
}

function* calls(
  { models, texts, vectors, by, amount }: Amounts,
  basis: BasisChoice,
  seed: number,
  quantile: number,
) {
  const random = new Random(2000 + seed);
  const router = new SonaRouter({
    features: { dim: by.dim, basis },
    background: 'manual',
    seed,
    lengthQuantile: quantile,
    now: () => START,
    models: models.map((id) => ({ id })),
  });
  for (const prompt of new Random(1000 + seed).permutation(vectors.length).subarray(0, MOST)) {
    const model = anyOf(models.length, amount, prompt, random);
    if (model === undefined) continue;
    const tokens = amount[prompt * models.length + model] as number;
    const eligible = [models[model] as string];
    const text = texts[prompt] as string;
    const decision = router.route(vectors[prompt] as Float32Array, { eligible, text });
    const tell = (outputTokens: number, truncated: boolean): void => {
      router.feedback(decision.id, { costUsd: 0, usage: { outputTokens, truncated } });
    };
    yield { model, tokens, decision, tell };
  }
  void router.close();
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const shareOf = (values: readonly number[]): number => 100 * mean(values);

function windowsOf<T>(predictions: readonly T[]): T[][] {
  return WINDOWS.map((end, i) => predictions.slice(i === 0 ? 0 : WINDOWS[i - 1], end));
}

/** Percent of answers that a method's limits hold. */
export const held = (window: readonly Prediction[], method: Method): number =>
  shareOf(window.map(({ tokens, limits }) => Number(tokens <= limits[method])));

/** Tokens that a method's limits reserve, over those of one limit per model. */
export const size = (window: readonly Prediction[], method: Method): number =>
  mean(window.map(({ limits }) => limits[method])) /
  mean(window.map(({ limits }) => limits['one per model']));

/**
 * The quantile (pinball) loss of a method's limits, in powers of two, over that of one limit per model: it is least for the
 * true quantile at each prompt (Koenker and Bassett 1978).
 */
export function loss(window: readonly Prediction[], method: Method, quantile: number): number {
  const of = (method: Method): number =>
    mean(
      window.map(({ tokens, limits }) => {
        const short = Math.log2(Math.max(LEAST, tokens) / limits[method]);
        return short > 0 ? quantile * short : (quantile - 1) * short;
      }),
    );
  return of(method) / of('one per model');
}

/** Share of the squares of the logarithm about each model's mean so far that was expected. */
export function r2(window: readonly Prediction[]): number {
  const squares = (of: (prediction: Prediction) => number): number =>
    mean(window.map((prediction) => (Math.log(prediction.tokens) - of(prediction)) ** 2));
  return 1 - squares(({ router }) => router) / squares(({ mean }) => mean);
}

export interface LengthsRow {
  set: string;
  method: string;
  quantile: number;
  /** Percent of answers that the limit holds, by window. */
  held: Estimate[];
  /** Tokens reserved, and quantile loss, over those of one limit per model. */
  size?: Estimate[];
  loss?: Estimate[];
  /** Share of the variance of the logarithm within models. */
  r2?: Estimate[];
}

export function lengthsTable(name: string, seeds: number): Table<LengthsRow> {
  const set = sets[name];
  const lengths = set?.load(name);
  if (!set || !lengths) {
    console.log(`\n${name}: its texts and outcomes are not here`);
    return { rows: [], missed: 0 };
  }
  const found = unseenBasis({ name, dim: lengths.by.dim, by: lengths.by } as Stream);
  const basis = 'missing' in found ? 'auto' : found.basis;
  const eachSeed = <T,>(one: (seed: number) => T): T[] =>
    Array.from({ length: seeds }, (_, seed) => one(seed));
  const rows: LengthsRow[] = [];
  const heads = WINDOWS.map((end, i) => `${i === 0 ? 0 : WINDOWS[i - 1]} to ${end}`);
  console.log(
    `\n${name}: lengths of answers of ${lengths.models.length} models, each prompt answered by one at random; ${seedsOf(seeds)}\n` +
      `a token: ${set.what}\n${line('outcomes so far', heads, WIDTH)}`,
  );
  const print = (label: string, estimates: readonly Estimate[], decimals: number): void =>
    console.log(
      line(
        label,
        estimates.map((value) => plusMinus(value, decimals)),
        WIDTH,
      ),
    );
  for (const quantile of QUANTILES) {
    const runs = eachSeed((seed) => windowsOf(run(lengths, basis, seed, quantile)));
    const byWindow = (of: (window: Prediction[]) => number): Estimate[] =>
      WINDOWS.map((_, i) => runs.map((windows) => windows[i] as Prediction[]))
        .filter((windows) => windows.every(({ length }) => length > 0))
        .map((windows) => estimate(windows.map(of)));
    if (quantile === QUANTILES[0]) print('R2 of the logarithm', byWindow(r2), 2);
    for (const method of methods) {
      const row: LengthsRow = {
        set: name,
        method,
        quantile,
        held: byWindow((window) => held(window, method)),
      };
      print(`${method}, held of ${100 * quantile} %`, row.held, 1);
      if (method === 'SONA') row.r2 = byWindow(r2);
      if (method !== 'one per model') {
        row.size = byWindow((window) => size(window, method));
        row.loss = byWindow((window) => loss(window, method, quantile));
        print('  reserved', row.size, 2);
        print('  quantile loss', row.loss, 2);
      }
      rows.push(row);
    }
    for (const saysSo of [true, false]) {
      const whole = eachSeed((seed) => runCut(lengths, basis, seed, quantile, saysSo));
      const method = saysSo ? 'cut there, and said' : 'cut there, not said';
      const held = WINDOWS.flatMap((_, i) => {
        const shares = whole.map((windows) => windows[i] as number);
        return shares.every(Number.isFinite) ? [estimate(shares)] : [];
      });
      print(`${method}: whole`, held, 1);
      rows.push({ set: name, method, quantile, held });
    }
  }
  return { rows, missed: 0 };
}

/** All sets whose answers have lengths. */
export const lengthSets = Object.keys(sets);
