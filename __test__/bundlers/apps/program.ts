// A program with a worker thread and a second process. What the worker learns is known to the main thread, which saves it for
// the process. Prints what each of the three picks.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { SonaRouter } from '@sona/sona';
import { config, picks, teach } from './lessons.ts';

const [, program = '', state] = process.argv;
// what a thread starts with, where that is another file
const { WORKER = program } = process.env;

async function main(): Promise<void> {
  const router = SonaRouter.shared('program', config);
  const worker = new Worker(WORKER);
  const inWorker = await new Promise((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
  const file = join(tmpdir(), `sona-program-${process.pid}.sona`);
  try {
    await router.save(file);
    const second = execFileSync(process.execPath, [...process.execArgv, program, file], { encoding: 'utf8' });
    console.log(JSON.stringify({ main: picks(router), worker: inWorker, second: JSON.parse(second) }));
  } finally {
    rmSync(file, { force: true });
    await router.close();
  }
}

async function inWorker(): Promise<void> {
  const router = SonaRouter.shared('program');
  teach(router);
  parentPort?.postMessage(picks(router));
  await router.close();
}

async function second(file: string): Promise<void> {
  const router = await SonaRouter.load(file);
  console.log(JSON.stringify(picks(router)));
  await router.close();
}

if (!isMainThread) inWorker();
else if (state) second(state);
else main();
