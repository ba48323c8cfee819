// The router on recorded outcomes: regret on whole streams beside published routers, drift, budgets, and how true its
// intervals are.
//
//   npm run bench:routing -- [--tables cold,warm,drift,budget,calibration] [--sets llmrouter9,paretobandit4]
//                            [--seeds 20] [--rounds 5000] [--json FILE] [--short]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SonaEngine } from '../dist/index.mjs';
import { outcomeSets } from './lib/outcomes.mts';
import type { Table } from './lib/print.mts';
import { loadStream, type Stream } from './lib/stream.mts';
import { judgedSets, ROUNDS } from './routing/bars.mts';
import type { Row } from './routing/protocol.mts';
import { meanOfStreams, streamTable } from './routing/streams.mts';

const { values: options } = parseArgs({
  options: {
    tables: { type: 'string' },
    sets: { type: 'string' },
    seeds: { type: 'string' },
    rounds: { type: 'string' },
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
const seeds = whole('seeds', options.seeds ?? (short ? '1' : '20'), 1);
const rounds = whole('rounds', options.rounds ?? (short ? '600' : String(ROUNDS)), 1);
const found = outcomeSets();
// judged sets first, in the order of the design
const names = options.sets?.split(',') ?? [
  ...judgedSets('cold').filter((name) => found.includes(name)),
  ...found.filter((name) => !judgedSets('cold').includes(name)),
];
if (names.length === 0)
  throw new Error('no outcome set was found: set SONA_DATA to a folder that holds some');

const loaded = new Map<string, Stream>();

function stream(name: string): Stream {
  const set = loaded.get(name) ?? loadStream(name);
  loaded.set(name, set);
  return set;
}

/** Each makes its tables, one after another. */
const tables: Record<string, () => Table<unknown>[]> = {
  cold: () => {
    const made = names.map((name) => streamTable(stream(name), { seeds, rounds, warm: 0 }));
    const missed = meanOfStreams(made.flatMap(({ rows }) => rows as Row[]));
    return [...made, { rows: [], missed }];
  },
  warm: () =>
    names
      .filter((name) => options.sets || judgedSets('warm').includes(name))
      .map((name) => streamTable(stream(name), { seeds, rounds, warm: 500 })),
};

const chosen = (options.tables?.split(',') ?? Object.keys(tables)).map((name) => {
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
  if (!short) process.exitCode = 1;
}
if (options.json) {
  using engine = new SonaEngine(1);
  const { version, platform, simd } = engine.capabilities();
  const protocol = { seeds, rounds, short };
  const versions = { sona: version, node: process.version, platform, simd };
  writeFileSync(
    options.json,
    `${JSON.stringify({ versions, protocol, missed, tables: results }, null, 2)}\n`,
  );
}
