// Reads the intent sets: from the folder that SONA_DATA names (one folder per set: CSV files and minilm.safetensors),
// or, when it is unset, from the numeric packs in examples/data.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import { normalise } from './linear.mts';
import { readTensors, type Tensor, type TensorFile } from './safetensors.mts';

/** Queries as unit vectors, and for each the index of its right label. */
export interface Part {
  vectors: Float32Array[];
  labels: Uint16Array;
}

export interface IntentSet {
  name: string;
  dim: number;
  /** Unit vectors of the label names; a label's index is its place in the sorted list of names. */
  labels: Float32Array[];
  train: Part;
  test: Part;
  val?: Part;
  /** Queries that belong to no label. */
  oosVal?: Float32Array[];
  oosTest?: Float32Array[];
  /** By label; a pack holds numbers only and has neither. */
  names?: string[];
  domains?: string[];
}

const packs = fileURLToPath(new URL('../../examples/data/', import.meta.url));

const folder = (): string | undefined => process.env.SONA_DATA || undefined;

/** The sets that can be loaded here: folders that hold all of these files, or packs that hold this tensor. */
export function setsWith(files: readonly string[], tensor: string): string[] {
  const data = folder();
  if (!data) {
    return readdirSync(packs)
      .filter((file) => file.endsWith('.safetensors') && readTensors(join(packs, file)).tensors.has(tensor))
      .map((file) => basename(file, '.safetensors'))
      .sort();
  }
  return readdirSync(data)
    .filter((name) => files.every((file) => existsSync(join(data, name, file))))
    .sort();
}

/** The intent sets that can be loaded here. */
export const intentSets = (): string[] => setsWith(['train.csv', 'test.csv', 'minilm.safetensors'], 'train');

let announced = false;

/** A set's folder where SONA_DATA has one. */
export function folderOf(name: string): string | undefined {
  const data = folder();
  return data && existsSync(join(data, name)) ? join(data, name) : undefined;
}

/** A set's pack, for when it has no folder. Where SONA_DATA names one without the set, that is said, once. */
export function readPack(name: string): TensorFile {
  const path = join(packs, `${name}.safetensors`);
  if (!existsSync(path)) {
    throw new Error(
      `No data for ${name}: set SONA_DATA to a folder that holds ${name}/, or make examples/data/${name}.safetensors.`,
    );
  }
  if (folder() && !announced) {
    console.error(`SONA_DATA has no ${name}: reading the packs in examples/data`);
    announced = true;
  }
  return readTensors(path);
}

export function loadIntents(name: string): IntentSet {
  const path = folderOf(name);
  return path ? fromFolder(name, path) : fromPack(name, readPack(name));
}

/** The queries of a part in words, where SONA_DATA has the set; a pack has none. */
export function loadTexts(name: string, part: string): string[] | undefined {
  const data = folderOf(name);
  const path = data && join(data, `${part}.csv`);
  return path && existsSync(path) ? rows(path).map(({ text }) => text) : undefined;
}

/** A set's CSV files and tensors as they are, for whoever needs more than the vectors. */
export const readFolder = (path: string): { file: TensorFile } & Labelled => ({
  file: readTensors(join(path, 'minilm.safetensors')),
  ...readLabels(path),
});

/** Labels of an intent set's queries, as indices into the sorted list of names. */
export interface Labelled {
  names: string[];
  domains: string[];
  labels: (part: string) => Uint16Array;
}

/** A set's CSV files as they are. */
export function readLabels(path: string): Labelled {
  const train = rows(join(path, 'train.csv'));
  const names = [...new Set(train.map((row) => row.label))].sort();
  const index = new Map(names.map((label, i) => [label, i]));
  const domain = new Map(train.map((row) => [row.label, row.domain]));
  return {
    names,
    domains: names.map((label) => domain.get(label) ?? ''),
    labels: (part) =>
      Uint16Array.from(part === 'train' ? train : rows(join(path, `${part}.csv`)), (row) => {
        const label = index.get(row.label);
        if (label === undefined) throw new Error(`${part}.csv: the label ${row.label} is not in train.csv`);
        return label;
      }),
  };
}

/** Where figures come from, for a bench to say. */
export const dataSource = (): string =>
  folder()
    ? `Data: ${folder()} (SONA_DATA)`
    : 'Data: the packs in examples/data; SONA_DATA names another folder';

function fromFolder(name: string, path: string): IntentSet {
  const { file, names, domains, labels } = readFolder(path);
  return {
    ...fromTensors(name, file, (part) => (existsSync(join(path, `${part}.csv`)) ? labels(part) : undefined)),
    names,
    domains,
  };
}

const fromPack = (name: string, file: TensorFile): IntentSet =>
  fromTensors(name, file, (part) => {
    const tensor = file.tensors.get(`${part}_labels`);
    return tensor && Uint16Array.from(tensor.values);
  });

function fromTensors(
  name: string,
  { tensors }: TensorFile,
  labelsOf: (part: string) => Uint16Array | undefined,
): IntentSet {
  const vectors = (tensor: string): Float32Array[] | undefined => {
    const found = tensors.get(tensor);
    return found && unitRows(found);
  };
  const part = (key: string): Part | undefined => {
    const found = vectors(key);
    const labels = found && labelsOf(key);
    if (!found || !labels) return undefined;
    if (found.length !== labels.length) {
      throw new Error(`${name}: ${found.length} vectors but ${labels.length} labels in ${key}`);
    }
    return { vectors: found, labels };
  };
  const required = <T,>(value: T | undefined, what: string): T => {
    if (value === undefined) throw new Error(`${name}: no ${what}`);
    return value;
  };
  const labels = required(vectors('labels'), 'label vectors');
  const val = part('val');
  const oosVal = vectors('oos_val');
  const oosTest = vectors('oos_test');
  return {
    name,
    dim: labels[0]?.length ?? 0,
    labels,
    train: required(part('train'), 'train part'),
    test: required(part('test'), 'test part'),
    ...(val && { val }),
    ...(oosVal && { oosVal }),
    ...(oosTest && { oosTest }),
  };
}

/** Rows of unit length. A tensor has one scale, which drops out of it. */
export function unitRows({ shape: [n = 0, width = 0], values }: Tensor): Float32Array[] {
  const flat = Float32Array.from(values);
  return Array.from({ length: n }, (_, i) => {
    normalise(flat, i * width, width);
    return flat.subarray(i * width, (i + 1) * width);
  });
}

interface Row {
  text: string;
  label: string;
  domain?: string;
}

function rows(path: string): Row[] {
  return parse(readFileSync(path), { columns: true, bom: true }) as Row[];
}
