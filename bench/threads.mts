// Decisions with their outcomes per second by worker threads that share a router, as ratios to one thread; beside it workers
// with a router each, which is what the machine has room for.
//
//   npm run bench:threads -- [--short]
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';

const { values: options } = parseArgs({ options: { short: { type: 'boolean', default: false } } });
const [rounds, milliseconds] = options.short ? [1, 100] : [7, 1000];
const [models, dim] = [8, 384];
let runs = 0;

/** Pairs per second. */
async function throughput(threads: number, apart: boolean): Promise<number> {
  runs += 1;
  const stop = new Int32Array(new SharedArrayBuffer(8));
  const workers = Array.from({ length: threads }, (_, n) => {
    const name = apart ? `run ${runs}, thread ${n}` : `run ${runs}`;
    const module = new URL('../dist/index.mjs', import.meta.url).href;
    const workerData = { name, models, dim, stop, seed: n + 1, module };
    return new Worker(new URL('./threads/worker.mjs', import.meta.url), { workerData });
  });
  const next = () =>
    Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0] as unknown));
  await next();
  const counts = next();
  const began = performance.now();
  Atomics.store(stop, 1, 1);
  Atomics.notify(stop, 1);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  Atomics.store(stop, 0, 1);
  const total = (await counts).reduce<number>((sum, count) => sum + Number(count), 0);
  const seconds = (performance.now() - began) / 1000;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return total / seconds;
}

const ways = [
  { name: '2 threads, a router each', threads: 2, apart: true },
  { name: '2 threads, one router', threads: 2, apart: false },
  { name: '4 threads, one router', threads: 4, apart: false },
  { name: '8 threads, one router', threads: 8, apart: false },
];
const ratios = ways.map((): number[] => []);
const ones: number[] = [];
for (let round = 0; round < rounds; round++) {
  for (const [n, { threads, apart }] of ways.entries()) {
    const one = await throughput(1, false);
    ones.push(one);
    ratios[n]?.push((await throughput(threads, apart)) / one);
  }
}
const sorted = (values: number[]): number[] => values.toSorted((a, b) => a - b);
const median = (values: number[]): number => sorted(values)[values.length >> 1] ?? Number.NaN;
console.log(
  `Route and feedback from worker threads, ${models} models, ${dim} numbers; ${rounds} rounds of ${milliseconds} ms.`,
);
if (options.short) console.log('Short: every case once, to see that it runs.');
console.log(
  `1 thread: ${median(ones).toFixed(0)} a second; the others as multiples of that, median (least to most)`,
);
for (const [n, { name }] of ways.entries()) {
  const all = sorted(ratios[n] ?? []).map((ratio) => ratio.toFixed(2));
  console.log(`${name.padEnd(26)} ${median(ratios[n] ?? []).toFixed(2)} (${all[0]} to ${all.at(-1)})`);
}
