// Figures of a whole process: memory, tail of the call time, loading, size.
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { tell, trained, VARIETY, vector, vectors } from './engines.mts';
import type { Peer } from './peer.mts';
import { sink } from './timing.mts';

export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** The most that it may be. */
  bar?: number;
}

const DIM = 256;
const root = fileURLToPath(new URL('../../', import.meta.url));
const table = `${root}models/static-minilm/table.sona`;
const child = fileURLToPath(new URL('child.mjs', import.meta.url));
const dist = `${root}dist/index.cjs`;
const embed = `${root}dist/embed.cjs`;

export async function figures(peer: Peer | undefined, short: boolean): Promise<Figure[]> {
  const runs = short ? 1 : 7;
  const [idle, learning] = await tails(short);
  return [
    {
      name: 'memory per waiting trajectory, 1 step',
      value: median(runs, () => memory('other')),
      unit: 'B',
      bar: 1300,
    },
    { name: '  the step repeats the query', value: median(runs, () => memory('query')), unit: 'B' },
    { name: 'applyMicroLora(x, out), p99, idle', value: idle, unit: 'ns' },
    { name: '  while learn() runs', value: learning, unit: 'ns' },
    { name: '  ratio', value: learning / idle, unit: 'x', bar: 2 },
    {
      name: 'require to the end of the first call',
      value: median(runs, () => load(dist)),
      unit: 'ms',
      bar: 30,
    },
    {
      name: "built-in embedder's first text, with its table",
      value: median(runs, () => run([child, 'table', embed])),
      unit: 'ms',
    },
    {
      name: '  resident memory that it adds',
      value: median(runs, () => run(['--expose-gc', child, 'resident', embed])) / 1e6,
      unit: 'MB',
    },
    ...(peer ? [{ name: '  the peer', value: median(runs, () => load(peer.path)), unit: 'ms' }] : []),
    { name: 'size of the addon', value: size(), unit: 'MB', bar: 3 },
    { name: "size of the embedder's table", value: statSync(table).size / 2 ** 20, unit: 'MiB', bar: 8 },
  ];
}

const run = (args: string[]): number => Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));

const memory = (step: 'query' | 'other'): number => run(['--expose-gc', child, 'memory', dist, step]);

const load = (path: string): number => run([child, 'load', path]);

function median(runs: number, measure: () => number): number {
  const values = Array.from({ length: runs }, measure).sort((a, b) => a - b);
  return values[Math.floor(runs / 2)] as number;
}

function size(): number {
  const addon = readdirSync(root).find((name) => /^sona\..+\.node$/.test(name));
  return statSync(`${root}${addon}`).size / 1e6;
}

/** 99th percentile of single calls, in nanoseconds: alone, and while the other core learns. */
async function tails(short: boolean): Promise<[number, number]> {
  using engine = trained(DIM);
  const queries = vectors(VARIETY, DIM);
  const x = vector(DIM);
  const out = new Float32Array(DIM);
  const times = new Float64Array(short ? 20_000 : 1_000_000);
  const p99 = (proceed: (done: number) => boolean): number => {
    let done = 0;
    while (done < times.length && proceed(done)) {
      const until = Math.min(done + 1000, times.length);
      for (; done < until; done++) {
        const began = performance.now();
        engine.applyMicroLora(x, out);
        times[done] = performance.now() - began;
        sink.value += out[0] as number;
      }
    }
    const sorted = times.slice(0, done).sort();
    return 1e6 * (sorted[Math.floor(0.99 * done)] as number);
  };
  p99((done) => done < 20_000);
  const idle = p99(() => true);

  for (let i = 0; i < (short ? 500 : 5500); i++) {
    tell(engine, queries[i % VARIETY] as Float32Array, queries[(i + 1) % VARIETY] as Float32Array, i % 2);
  }
  const cycles = engine.stats().learningCycles;
  const learned = engine.learn();
  const learning = p99(() => engine.stats().learningCycles === cycles);
  await learned;
  return [idle, learning];
}
