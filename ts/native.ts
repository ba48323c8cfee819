import { createRequire } from 'node:module';
import { fromNative, SonaError } from './errors.ts';

/**
 * The addon's functions. Every call either returns or throws an error that `fromNative` understands; numbers that
 * are typed `u32` on the other side wrap silently there, so they are validated here first.
 */
export interface Binding {
  engineCreate(config: string): number;
  engineClose(handle: number): Promise<void>;
  engineAbandon(handle: number): void;
  apply(handle: number, tier: number, x: Float32Array, out: Float32Array): void;
  applyF64(handle: number, tier: number, x: Float64Array, out: Float64Array): void;
  applyMicroBatch(handle: number, flat: Float32Array, out: Float32Array): void;
  applyMicroBatchF64(handle: number, flat: Float64Array, out: Float64Array): void;
  floor(handle: number, tier: number, x: Float32Array, out: Float32Array): void;
  routeAdd(handle: number, name: string, embedding?: Float32Array): number;
  routeRemove(handle: number, name: string): void;
  routeId(handle: number, name: string): number;
  routes(handle: number): string;
  suggest(
    handle: number,
    query: Float32Array,
    eligible: Uint32Array | undefined,
    ids: Uint32Array,
    numbers: Float64Array,
  ): number;
  squaredNorm(handle: number, memory: Float32Array, at: number, length: number): number;
  reserveIds(handle: number, count: number): number;
  trajectoryEnd(
    handle: number,
    id: number,
    vectors: Float32Array,
    rewards: Float32Array,
    steps: number,
    route: number,
    decision: number,
    quality: number,
    name?: string,
  ): number;
  tick(handle: number): string | null;
  forceLearn(handle: number): string;
  flush(handle: number): number;
  learn(handle: number, job: number, progress?: (done: number, total: number) => void): Promise<string>;
  learnJob(): number;
  learnAbort(job: number): void;
  stats(handle: number): string;
  setEnabled(handle: number, enabled: boolean): void;
  isEnabled(handle: number): boolean;
  observe(handle: number, listener: (report: string) => void): void;
  settings(): string;
  capabilities(): string;
}

function open(): Binding {
  const load = createRequire(import.meta.url);
  try {
    return load('../binding.cjs') as Binding;
  } catch (error) {
    const tried = causes(error);
    throw new SonaError(
      'SONA_NATIVE_UNAVAILABLE',
      `the native addon for ${process.platform}-${process.arch} could not be loaded; tried:\n  ${tried.join('\n  ')}`,
      { platform: process.platform, arch: process.arch, tried },
      error,
    );
  }
}

/** The loader chains one error per place that it tried. */
function causes(error: unknown): string[] {
  const messages: string[] = [];
  for (let at = error; at instanceof Error && messages.length < 32; at = at.cause) {
    messages.push(at.message.split('\n', 1)[0] ?? '');
  }
  return messages;
}

export const native: Binding = open();

/** Runs native calls; what they throw comes out as a `SonaError`. */
export function call<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fromNative(error);
  }
}
