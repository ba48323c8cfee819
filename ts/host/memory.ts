import { markAsUntransferable } from 'node:worker_threads';

/** Keeps memory from being handed over to another thread: it is copied there instead. */
export function keepHere(memory: ArrayBuffer): void {
  markAsUntransferable(memory);
}
