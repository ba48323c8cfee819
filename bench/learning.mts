// Accuracy against events, learned from right or wrong alone: the engine beside its baselines.
//
//   npm run bench:learning -- [--sets clinc150,banking77] [--seeds 5] [--events 10000] [--shots 0]
//                             [--baselines none|cheap|all] [--json FILE] [--short]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { verdicts } from './lib/bars.mts';
import { cheapBaselines, costlyBaselines } from './lib/baselines.mts';
import { intentSets, loadIntents } from './lib/data.mts';
import { engineLearners } from './lib/engine.mts';
import { checkpoints, judge, type LearnerFactory, type Protocol, type Row } from './lib/protocol.mts';

const baselines: Record<string, readonly LearnerFactory[]> = {
  none: [],
  cheap: cheapBaselines,
  all: [...cheapBaselines, ...costlyBaselines],
};

const { values: options } = parseArgs({
  options: {
    sets: { type: 'string' },
    seeds: { type: 'string' },
    events: { type: 'string' },
    shots: { type: 'string', default: '0' },
    baselines: { type: 'string', default: 'cheap' },
    json: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new Error(`--${name}: expected a whole number of ${least} or more, got ${text}`);
  }
  return value;
}

const protocol: Protocol = {
  events: whole('events', options.events ?? (options.short ? '300' : '10000'), 1),
  seeds: whole('seeds', options.seeds ?? (options.short ? '1' : '5'), 1),
  shots: whole('shots', options.shots, 0),
};
const chosen = baselines[options.baselines];
if (!chosen) throw new Error(`--baselines: expected none, cheap or all, got ${options.baselines}`);
const sets = options.sets?.split(',') ?? intentSets();
if (sets.length === 0) throw new Error('no intent set was found: set SONA_DATA to a folder that holds some');

const marks = checkpoints(protocol.events);
const rows: Row[] = [];
let missed = 0;
for (const name of sets) {
  const set = loadIntents(name);
  const prior = protocol.shots === 0 ? 'routes known by name' : `${protocol.shots} examples per route`;
  console.log(
    `\n${name}: ${set.labels.length} routes, ${prior}; test accuracy in % after events, ` +
      `mean ± standard error of ${protocol.seeds} seed${protocol.seeds === 1 ? '' : 's'}`,
  );
  console.log(line('', marks.map(String), 'us/event', 'memory'));
  for (const create of [...engineLearners, ...chosen]) {
    const row = judge(set, create, protocol);
    rows.push(row);
    console.log(
      line(
        row.learner,
        row.accuracy.map(({ mean, error }) => mean.toFixed(1) + (error >= 0 ? ` ± ${error.toFixed(1)}` : '')),
        row.microsPerEvent.toFixed(row.microsPerEvent < 10 ? 1 : 0),
        row.memoryBytes === undefined ? '-' : `${(row.memoryBytes / 1e6).toFixed(1)} MB`,
      ),
    );
    const bars = verdicts(row, protocol.shots);
    if (bars) {
      const cells = bars.map((cell) => (cell ? `${cell.bar.toFixed(1)} ${cell.met ? 'met' : 'missed'}` : ''));
      console.log(line('  bar', cells, '', '').trimEnd());
      missed += bars.filter((cell) => cell && !cell.met).length;
    }
  }
}
if (missed > 0) {
  console.log(`\n${missed} of the bars were missed`);
  // one seed and a few hundred events decide nothing
  if (!options.short) process.exitCode = 1;
}
if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);

function line(name: string, accuracy: string[], time: string, memory: string): string {
  return [
    name.padEnd(28),
    ...accuracy.map((cell) => cell.padStart(12)),
    time.padStart(10),
    memory.padStart(10),
  ].join('');
}
