// Learned from right or wrong alone: accuracy against events, what is left when topics come one after another, and how
// true the probabilities are. The engine beside its baselines and controls.
//
//   npm run bench:learning -- [--tables stationary,few-shot,sequence,calibration] [--sets clinc150,banking77]
//                             [--seeds 5] [--events 10000] [--shots 5] [--baselines none|cheap|all]
//                             [--json FILE] [--short]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SonaEngine } from '../dist/index.mjs';
import { calibrationTable } from './learning/calibration.mts';
import { sequenceTable } from './learning/sequence.mts';
import { stationaryTable } from './learning/stationary.mts';
import { cheapBaselines, costlyBaselines } from './lib/baselines.mts';
import { intentSets, loadIntents } from './lib/data.mts';
import { byNameLearners, fewShotLearners } from './lib/engine.mts';
import type { Table } from './lib/print.mts';
import type { LearnerFactory } from './lib/protocol.mts';

const baselines: Record<string, readonly LearnerFactory[]> = {
  none: [],
  cheap: cheapBaselines,
  all: [...cheapBaselines, ...costlyBaselines],
};

const { values: options } = parseArgs({
  options: {
    tables: { type: 'string' },
    sets: { type: 'string' },
    seeds: { type: 'string' },
    events: { type: 'string' },
    shots: { type: 'string' },
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

const { short } = options;
const events = whole('events', options.events ?? (short ? '200' : '10000'), 1);
const seeds = whole('seeds', options.seeds ?? (short ? '1' : '5'), 1);
const shots = whole('shots', options.shots ?? '5', 0);
const compared = baselines[options.baselines];
if (!compared) throw new Error(`--baselines: expected none, cheap or all, got ${options.baselines}`);
const names = options.sets?.split(',') ?? intentSets();
if (names.length === 0) throw new Error('no intent set was found: set SONA_DATA to a folder that holds some');
const sets = names.map(loadIntents);

/** Each makes its tables, one after another. */
const tables: Record<string, () => Table<unknown>[]> = {
  stationary: () =>
    sets.map((set) => stationaryTable(set, [...byNameLearners, ...compared], { events, seeds, shots: 0 })),
  'few-shot': () =>
    sets.map((set) => stationaryTable(set, [...fewShotLearners, ...compared], { events, seeds, shots })),
  sequence: () => {
    const withDomains = sets.filter(({ domains }) => new Set(domains).size > 1);
    if (withDomains.length === 0) console.log('\nNo set here has several domains: the sequence is left out.');
    const protocol = { eventsPerDomain: short ? 100 : 1500, domains: short ? 3 : Infinity, seeds };
    return withDomains.map((set) => sequenceTable(set, protocol));
  },
  calibration: () => [calibrationTable(sets, { events, seeds })],
};

// a number of examples asks for that table alone
const wanted =
  options.tables?.split(',') ??
  (options.shots === undefined ? Object.keys(tables) : [shots === 0 ? 'stationary' : 'few-shot']);
const chosen = wanted.map((name) => {
  const make = tables[name];
  if (!make) throw new Error(`--tables: expected some of ${Object.keys(tables).join(', ')}, got ${name}`);
  return { name, make };
});

const results: Record<string, unknown[]> = {};
let missed = 0;
for (const { name, make } of chosen) {
  const made = make();
  results[name] = made.flatMap(({ rows }) => rows);
  missed += made.reduce((sum, table) => sum + table.missed, 0);
}
if (missed > 0) {
  console.log(`\n${missed} of the bars were missed`);
  // one seed decides nothing
  if (!short) process.exitCode = 1;
}
if (options.json) {
  using engine = new SonaEngine(1);
  const { version, platform, simd } = engine.capabilities();
  const protocol = { events, seeds, shots, short };
  const versions = { sona: version, node: process.version, platform, simd };
  writeFileSync(
    options.json,
    `${JSON.stringify({ versions, protocol, missed, tables: results }, null, 2)}\n`,
  );
}
