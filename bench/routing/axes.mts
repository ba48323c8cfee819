// Features for routers that have no basis of their own: a stream's own principal axes, which nobody knows beforehand.
import { dot64, principalAxes } from '../lib/eigen.mts';
import type { Stream } from '../lib/stream.mts';

const AXES = 64;

/** Of the iteration: the space of so many axes needs no exact last ones. */
const ROUNDS = 30;

export interface Scaled {
  width: number;
  /** One row after the other. */
  rows: Float32Array;
}

const made = new WeakMap<Stream, Scaled>();

/** Each prompt along the axes, one scale for all of them: the mean squared length of a row is 1. */
export function scaled(stream: Stream): Scaled {
  const known = made.get(stream) ?? project(stream);
  made.set(stream, known);
  return known;
}

function project({ vectors, dim }: Stream): Scaled {
  const { mean, values, axes } = principalAxes(vectors, Math.min(AXES, dim), ROUNDS);
  const d = mean.length;
  const scale = Math.sqrt(values.reduce((sum, value) => sum + value, 0));
  const rows = new Float32Array(vectors.length * values.length);
  const centred = new Float64Array(d);
  vectors.forEach((vector, row) => {
    vector.forEach((value, i) => {
      centred[i] = value - (mean[i] as number);
    });
    values.forEach((_, i) => {
      rows[row * values.length + i] = dot64(axes, i * d, centred, 0, d) / scale;
    });
  });
  return { width: values.length, rows };
}
