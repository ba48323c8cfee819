// Reads the outcome sets: prompts that several models answered, each answer with its recorded quality and, where known,
// its cost. From the folder that SONA_DATA names (prompts.jsonl, outcomes.csv and, where they are known, minilm.safetensors and
// models.csv), or from the numeric packs in examples/data.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { folderOf, readPack, setsWith, unitRows } from './data.mts';
import { readTensors, type TensorFile } from './safetensors.mts';

/** USD per million tokens. */
export interface Price {
  inputUsdPer1M: number;
  outputUsdPer1M: number;
}

export interface OutcomeSet {
  name: string;
  /** Unit vectors of the prompts by all-MiniLM-L6-v2; none of a set that holds texts alone. */
  vectors: Float32Array[];
  /** In sorted order. */
  models: string[];
  /** By prompt, then by model, 0 to 1; NaN where none was recorded. */
  quality: Float64Array;
  /** USD per call, in the same order. NaN where none was recorded. */
  cost: Float64Array;
  /** By model. */
  prices: (Price | undefined)[];
  /** By prompt, an index into the sorted names. */
  domain: Uint16Array;
  domains: string[];
}

/** The outcome sets that can be loaded here. */
export const outcomeSets = (): string[] => setsWith(['prompts.jsonl', 'outcomes.csv'], 'quality');

export function loadOutcomes(name: string): OutcomeSet {
  const path = folderOf(name);
  return path ? fromFolder(name, path) : fromPack(name, readPack(name));
}

const table = (path: string): Record<string, string>[] =>
  parse(readFileSync(path), { columns: true, bom: true }) as Record<string, string>[];

/** The sorted names, and each row's index into them. */
function indexed(values: readonly string[]): { names: string[]; at: Map<string, number> } {
  const names = [...new Set(values)].sort();
  return { names, at: new Map(names.map((value, i) => [value, i])) };
}

function fromFolder(name: string, path: string): OutcomeSet {
  const prompts = readFileSync(join(path, 'prompts.jsonl'), 'utf8')
    .split('\n')
    .filter((text) => text.trim() !== '')
    .map((text) => JSON.parse(text) as { id: string; domain?: string });
  const place = new Map(prompts.map(({ id }, i) => [id, i]));
  const rows = table(join(path, 'outcomes.csv'));
  const { names: models, at } = indexed(rows.map(({ model }) => model ?? ''));
  const quality = new Float64Array(prompts.length * models.length).fill(Number.NaN);
  const cost = quality.slice();
  for (const row of rows) {
    const prompt = place.get(row.id ?? '');
    if (prompt === undefined)
      throw new Error(`${name}: outcomes.csv has the id ${row.id}, prompts.jsonl has not`);
    const cell = prompt * models.length + (at.get(row.model ?? '') as number);
    if (row.quality) quality[cell] = Number(row.quality);
    if (row.cost_usd) cost[cell] = Number(row.cost_usd);
  }
  const embedded = join(path, 'minilm.safetensors');
  const { names: domains, at: domainAt } = indexed(prompts.map(({ domain = '' }) => domain));
  return checked({
    name,
    vectors: existsSync(embedded) ? promptRows(name, readTensors(embedded)) : [],
    models,
    quality,
    cost,
    prices: pricesOf(models, join(path, 'models.csv')),
    domain: Uint16Array.from(prompts, ({ domain = '' }) => domainAt.get(domain) as number),
    domains,
  });
}

function pricesOf(models: readonly string[], path: string): OutcomeSet['prices'] {
  const rows = existsSync(path) ? table(path) : [];
  return models.map((model) => {
    const row = rows.find((found) => found.model === model);
    if (!row?.usd_per_mtok_in || !row.usd_per_mtok_out) return undefined;
    return { inputUsdPer1M: Number(row.usd_per_mtok_in), outputUsdPer1M: Number(row.usd_per_mtok_out) };
  });
}

function fromPack(name: string, file: TensorFile): OutcomeSet {
  const { metadata, tensors } = file;
  const quality = tensors.get('quality');
  const domain = tensors.get('domain');
  if (!quality) throw new Error(`${name}: the pack has no tensor quality`);
  const scale = Number(metadata.scale_quality);
  const models = JSON.parse(metadata.models ?? '[]') as string[];
  return checked({
    name,
    vectors: promptRows(name, file),
    models,
    quality: Float64Array.from(quality.values, (value) => value * scale),
    cost: new Float64Array(quality.values.length).fill(Number.NaN),
    prices: JSON.parse(metadata.prices ?? '[]') as OutcomeSet['prices'],
    domain: Uint16Array.from(domain?.values ?? []),
    domains: JSON.parse(metadata.domains ?? '[]') as string[],
  });
}

function promptRows(name: string, { tensors }: TensorFile): Float32Array[] {
  const tensor = tensors.get('prompts');
  if (!tensor) throw new Error(`${name}: no tensor prompts`);
  return unitRows(tensor);
}

function checked(set: OutcomeSet): OutcomeSet {
  const { name, vectors, models, quality } = set;
  if (vectors.length > 0 && vectors.length * models.length !== quality.length) {
    throw new Error(
      `${name}: ${vectors.length} vectors and ${models.length} models, but ${quality.length} places for a quality`,
    );
  }
  const wrong = quality.find((value) => value < 0 || value > 1);
  if (wrong !== undefined) throw new Error(`${name}: a quality of ${wrong}, expected 0 to 1`);
  return set;
}
