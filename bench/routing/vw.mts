// Vowpal Wabbit's SquareCB (Foster and Rakhlin, 2020), where Python has the package. It runs in a process of its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Stream } from '../lib/stream.mts';
import { scaled } from './axes.mts';
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

function ask(stream: Stream, episodes: readonly Episode[]): Answer {
  const folder = mkdtempSync(join(tmpdir(), 'sona-vw-'));
  try {
    const { width, rows } = scaled(stream);
    const about = { prompts: stream.vectors.length, models: stream.models.length, width };
    writeFileSync(join(folder, 'features.f32'), rows);
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
