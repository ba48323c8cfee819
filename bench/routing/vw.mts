// Vowpal Wabbit's SquareCB (Foster and Rakhlin, 2020), where Python has the package. It runs in a process of its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dot64, principalAxes } from '../lib/eigen.mts';
import type { Stream } from '../lib/stream.mts';
import type { Contestant, Episode } from './protocol.mts';

const script = fileURLToPath(new URL('vw.py', import.meta.url));

const python = process.env.PYTHON ?? 'python3';

interface Answer {
  /** Of the best of its settings. */
  setting: string;
  settings: number;
  /** By seed, then by round. */
  chosen: number[][];
  seconds: number;
}

/** Axes of the stream that it is given. */
const AXES = 64;

export const squareCb: Contestant = {
  name: 'VW SquareCB',
  run(stream, episodes) {
    const installed = spawnSync(python, ['-c', 'import vowpalwabbit']).status === 0;
    if (!installed) return { missing: 'not installed' };
    const { chosen, setting, settings, seconds } = ask(stream, episodes);
    const k = stream.models.length;
    const runs = episodes.map(({ order }, i) => ({
      rewards: Float64Array.from(
        order,
        (prompt, t) => stream.utility[prompt * k + (chosen[i]?.[t] ?? 0)] as number,
      ),
      millis: (1000 * seconds) / episodes.length,
    }));
    return { runs, note: `best of ${settings} settings: ${setting}; axes from the stream itself` };
  },
};

/** Along the stream's own principal axes, one scale for all of them. */
function features({ vectors }: Stream): Float32Array {
  const { mean, values, axes } = principalAxes(vectors, AXES);
  const d = mean.length;
  const scale = Math.sqrt(values.reduce((sum, value) => sum + value, 0));
  const out = new Float32Array(vectors.length * values.length);
  const centred = new Float64Array(d);
  vectors.forEach((vector, row) => {
    vector.forEach((value, i) => {
      centred[i] = value - (mean[i] as number);
    });
    values.forEach((_, i) => {
      out[row * values.length + i] = dot64(axes, i * d, centred, 0, d) / scale;
    });
  });
  return out;
}

function ask(stream: Stream, episodes: readonly Episode[]): Answer {
  const folder = mkdtempSync(join(tmpdir(), 'sona-vw-'));
  try {
    const width = Math.min(AXES, stream.dim);
    const about = { prompts: stream.vectors.length, models: stream.models.length, width };
    writeFileSync(join(folder, 'features.f32'), features(stream));
    writeFileSync(join(folder, 'utility.f64'), stream.utility);
    writeFileSync(
      join(folder, 'about.json'),
      JSON.stringify({ ...about, seeds: episodes.map(({ seed }) => seed) }),
    );
    episodes.forEach(({ order }, i) => {
      writeFileSync(join(folder, `order${i}.u32`), order);
    });
    const { status, stdout, stderr } = spawnSync(python, [script, folder], {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    });
    if (status !== 0) throw new Error(`vw.py failed: ${stderr}`);
    return JSON.parse(stdout) as Answer;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
