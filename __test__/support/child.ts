// Programs that run in a process of their own.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  /** Null when a signal ended it, as it does with a program that does not end. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs Node.js with arguments to its end. */
export function node(
  args: string[],
  { cwd = root, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env }, timeout: 240_000 });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      // vitest looks for source maps in the files of frames that it finds in a message, and stumbles over tsx's own
      stderr = stderr.replace(/^ +at .*node_modules.*\n?/gm, '');
      resolve({ code, stdout, stderr });
    });
  });
}

/** Runs a program of the folder `children`, which is TypeScript and imports the source as the tests do. */
export function program(name: string, ...args: string[]): Promise<Ended> {
  return node(['--import', 'tsx', '--expose-gc', fileURLToPath(child(name)), ...args]);
}

/** Runs such a program in a thread of this process. */
export function thread(name: string, workerData: object): Worker {
  // a thread does not take the loader over from --import
  const start = `import('tsx/esm/api').then(({ register }) => {
    register();
    return import(${JSON.stringify(child(name))});
  })`;
  return new Worker(start, { eval: true, workerData });
}

const child = (name: string): string => new URL(`children/${name}`, import.meta.url).href;
