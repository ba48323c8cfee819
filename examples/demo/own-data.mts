// The user's own feedback: JSON Lines, checked line by line.
import { type FileHandle, open } from 'node:fs/promises';
import type { Source } from './source.mts';

/** The file is not what it has to be. The message names the line. */
export class BadData extends Error {}

type Refuse = (what: string) => never;

interface Entry {
  id: string;
  vector: Float32Array;
  route: string;
  reward: number;
}

const HELD_OUT = 0.2;
const MAX_DIM = 65_536;
const MAX_ROUTES = 10_000;
/** From here on the route that was used counts as right. */
const RIGHT = 0.5;

export async function readOwnData(path: string): Promise<Source> {
  const log = new Log(path);
  const file = await openFile(path);
  try {
    let line = 0;
    for await (const text of file.readLines()) log.take(++line, text);
  } finally {
    await file.close();
  }
  return log.source();
}

async function openFile(path: string): Promise<FileHandle> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    if ((await file.stat()).isDirectory()) throw new Error('it is a folder');
    return file;
  } catch (error) {
    await file?.close();
    throw new BadData(`${path} cannot be read: ${(error as Error).message}`);
  }
}

class Log {
  readonly #entries: Entry[] = [];
  readonly #priors = new Map<string, { embedding: Float32Array; line: number }>();
  readonly #routes = new Set<string>();
  #dim: { size: number; line: number } | undefined;

  constructor(private readonly path: string) {}

  take(line: number, text: string): void {
    const json = line === 1 ? text.replace(/^\uFEFF/, '') : text;
    if (json.trim() === '') return;
    const refuse: Refuse = (what) => {
      throw new BadData(`${this.path}:${line}: ${what}`);
    };
    const fields = parse(json, refuse);
    const { vector, route, reward, embedding } = fields;
    if (typeof route !== 'string' || route === '') {
      refuse(expected('route', 'a name', route, 'route' in fields));
    }
    this.#routes.add(route);
    if (this.#routes.size > MAX_ROUTES) refuse(`more than ${MAX_ROUTES} different routes`);
    if (embedding !== undefined && vector === undefined) {
      const known = this.#priors.get(route);
      if (known) refuse(`the embedding of "${route}" was given in line ${known.line} already`);
      this.#priors.set(route, { embedding: this.#vector('embedding', embedding, line, refuse), line });
      return;
    }
    if (!('vector' in fields)) refuse('the field "vector" is missing');
    if (typeof reward !== 'number' || !(reward >= 0 && reward <= 1)) {
      refuse(expected('reward', 'a number from 0 to 1', reward, 'reward' in fields));
    }
    this.#entries.push({
      id: `line ${line}`,
      vector: this.#vector('vector', vector, line, refuse),
      route,
      reward,
    });
  }

  source(): Source {
    const { path } = this;
    const entries = this.#entries;
    if (!this.#dim)
      throw new BadData(
        `${path} is empty: expected lines of {"vector": [...], "route": "...", "reward": 0 to 1}`,
      );
    if (entries.length < 2) {
      throw new BadData(
        `${path}: expected at least 2 lines with a vector, a route and a reward, got ${entries.length}`,
      );
    }
    const learned = Math.min(entries.length - 1, Math.ceil(entries.length * (1 - HELD_OUT)));
    const held = entries.slice(learned);
    const unseen = held.filter(({ reward }) => reward >= RIGHT);
    if (unseen.length === 0) {
      throw new BadData(
        `${path}: none of the last ${held.length} lines, which are held out, has a reward of ${RIGHT} or more: ` +
          'there is nothing to compare suggestions with',
      );
    }
    return {
      title: `${path}: ${entries.length} lines, ${this.#routes.size} routes, vectors of ${this.#dim.size} numbers`,
      measure: 'suggestions that agree with what worked in the held-out lines, %',
      dim: this.#dim.size,
      routes: [...this.#routes].map((name) => {
        const prior = this.#priors.get(name);
        return { name, ...(prior && { embedding: prior.embedding }) };
      }),
      events: learned,
      event(i) {
        const { id, vector, route, reward } = entries[i % learned] as Entry;
        return { id, vector, outcome: () => ({ route, quality: reward }) };
      },
      unseen,
      text: () => undefined,
      recorded: true,
    };
  }

  #vector(field: string, value: unknown, line: number, refuse: Refuse): Float32Array {
    if (!Array.isArray(value)) refuse(expected(field, 'an array of numbers', value, true));
    this.#dim ??= { size: value.length, line };
    const { size, line: first } = this.#dim;
    if (size < 1 || size > MAX_DIM) refuse(`${field}: expected 1 to ${MAX_DIM} numbers, got ${size}`);
    if (value.length !== size) {
      refuse(`${field}: expected ${size} numbers as in line ${first}, got ${value.length}`);
    }
    const numbers = new Float32Array(size);
    let squared = 0;
    for (let i = 0; i < size; i++) {
      const number: unknown = value[i];
      if (typeof number !== 'number' || !Number.isFinite(Math.fround(number))) {
        refuse(expected(`${field}[${i}]`, 'a finite 32-bit number', number, true));
      }
      numbers[i] = number;
      squared += number * number;
    }
    if (!(Math.fround(squared) > 0)) refuse(`${field}: expected a vector with a direction, got only zeros`);
    if (squared > 3.4e38) refuse(`${field}: the numbers are too large: their squares do not fit 32 bits`);
    return numbers;
  }
}

function parse(json: string, refuse: Refuse): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    const constant = /[[:,]\s*(-?(?:NaN|Infinity))\b/.exec(json);
    return refuse(
      constant ? `${constant[1]} is not a number in JSON` : `not JSON: ${(error as Error).message}`,
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse('expected a JSON object {"vector": [...], "route": "...", "reward": 0 to 1}');
  }
  return value as Record<string, unknown>;
}

function expected(field: string, what: string, got: unknown, given: boolean): string {
  if (!given) return `the field "${field}" is missing`;
  const text = typeof got === 'number' ? String(got) : JSON.stringify(got);
  return `${field}: expected ${what}, got ${text.length > 40 ? `${text.slice(0, 40)}...` : text}`;
}
