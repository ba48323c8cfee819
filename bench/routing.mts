// The router on recorded outcomes: regret on whole streams beside published routers and bandits that look at no prompt, how
// much of it is the basis, labelled prompts, drift, errors, models that improve unseen, budgets, and how true its intervals
// and confidences are.
//
//   npm run bench:routing -- [--tables cold,draws,bases,warm,drift,errors,unseen,settings,costs,lengths,budget,calibration,confidence,floor] [--sets llmrouter9,paretobandit4]
//                            [--seeds 20] [--rounds 5000] [--json FILE] [--short]
import { parseArgs } from 'node:util';
import type { Table } from './lib/print.mts';
import { loadStream, type Stream, streamNames } from './lib/stream.mts';
import { type Makers, makeTables, whole } from './lib/tables.mts';
import { judgedSets, ROUNDS, roundsOf } from './routing/bars.mts';
import { basesHeads, basesRow } from './routing/bases.mts';
import { budgetTable } from './routing/budget.mts';
import { calibrationHeads, calibrationRow } from './routing/calibration.mts';
import { cheaperTable } from './routing/cheaper.mts';
import { confidenceTable } from './routing/confidence.mts';
import { costSets, costsTable } from './routing/costs.mts';
import { drawsTable } from './routing/draws.mts';
import { errorsTable } from './routing/errors.mts';
import { floorTable } from './routing/floor.mts';
import { lengthSets, lengthsTable } from './routing/lengths.mts';
import { withCosts } from './routing/mixture.mts';
import { newcomerTable } from './routing/newcomer.mts';
import { settingsTable } from './routing/settings.mts';
import { type BasisChoice, unseenBasis } from './routing/sona.mts';
import { meanOfStreams, streamTable } from './routing/streams.mts';
import { priceTable, unseenTable } from './routing/unseen.mts';
import { alarmTable, worseTable } from './routing/worse.mts';

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

const { short } = options;
const seeds = whole('seeds', options.seeds ?? (short ? '1' : '20'), 1);
const rounds = whole('rounds', options.rounds ?? (short ? '600' : String(ROUNDS)), 1);
const found = streamNames();
// judged sets first, in the order of the design
const names = options.sets?.split(',') ?? [
  ...judgedSets(short ? 'warm' : 'cold').filter((name) => found.includes(name)),
  ...(short ? [] : found.filter((name) => !judgedSets('cold').includes(name))),
];
if (names.length === 0)
  throw new Error('no outcome set was found: set SONA_DATA to a folder that holds some');

const loaded = new Map<string, Stream>();

function stream(name: string): Stream {
  const set = loaded.get(name) ?? loadStream(name);
  loaded.set(name, set);
  return set;
}

const cold = { seeds, rounds, warm: 0 };

/** As many prompts as the stream is judged on. */
const wholeOf = (name: string): typeof cold =>
  options.rounds || short ? cold : { ...cold, rounds: roundsOf(name) };

/** Development sets of which smaller streams are drawn. */
const DRAWN = ['zeroeval29', 'mmlupro10'];

/** Labelled prompts of the warm tables. */
const LABELLED = short ? [500] : [200, 500];

/** Streams with costs, by default. */
const PAID = ['paretobandit4', 'mmlupro10', 'zeroeval'];

/** Streams that show what it costs to look at models that seem worse, and of how many orders at most. */
const STATIONARY = ['mmlupro10', 'zeroeval', 'paretobandit4', 'llmrouter9'];
const ORDERS = 5;

/** Where no basis is to be had that has not seen the stream, one is fitted on its traffic. */
function basisOf(set: Stream): BasisChoice {
  const found = unseenBasis(set);
  return 'missing' in found ? 'auto' : found.basis;
}

/** Tables of one set; a note when it is not here. */
function only(name: string, make: (set: Stream, basis: BasisChoice) => Table<unknown>[]): Table<unknown>[] {
  if (found.includes(name)) return make(stream(name), basisOf(stream(name)));
  console.log(`\n${name} is not here: what it is needed for is left out.`);
  return [];
}

const tables: Makers = {
  cold: () => {
    const made = names.map((name) => streamTable(stream(name), wholeOf(name)));
    const missed = meanOfStreams(made.flatMap(({ rows }) => rows));
    return [...made, { rows: [], missed }];
  },
  draws: () =>
    names
      .filter((name) => DRAWN.includes(name))
      .map((name) => drawsTable(stream(name), seeds, basisOf(stream(name)))),
  bases: () => {
    console.log(basesHeads(seeds));
    return names.map((name) => basesRow(stream(name), wholeOf(name)));
  },
  warm: () =>
    LABELLED.flatMap((warm) => names.map((name) => streamTable(stream(name), { ...wholeOf(name), warm }))),
  drift: () => [
    ...only('llmrouter9', (set, basis) => [worseTable(set, cold, basis)]),
    ...only('paretobandit4', (set, basis) => [cheaperTable(set, cold, basis)]),
    ...only('llmrouter9', (set, basis) => [newcomerTable(set, cold, basis), alarmTable(set, cold, basis)]),
  ],
  errors: () => [errorsTable(cold)],
  unseen: () => {
    const priced = STATIONARY.filter((name) => names.includes(name)).map((name) => ({
      stream: stream(name),
      basis: basisOf(stream(name)),
      protocol: { ...wholeOf(name), seeds: Math.min(seeds, ORDERS) },
    }));
    return [unseenTable(cold), ...(priced.length > 0 ? [priceTable(priced)] : [])];
  },
  settings: () => [settingsTable(cold)],
  costs: () =>
    costSets
      .filter((name) => !options.sets || names.includes(name))
      .map((name) => costsTable(name, short ? 1 : Math.min(seeds, 5))),
  lengths: () =>
    lengthSets
      .filter((name) => !options.sets || names.includes(name))
      .map((name) => lengthsTable(name, short ? 1 : Math.min(seeds, 5))),
  budget: () => {
    const paid = options.sets
      ? names.filter((name) => withCosts(stream(name)).models.length > 1)
      : PAID.slice(0, short ? 1 : PAID.length);
    if (paid.length === 0) console.log('\nNone of the sets has costs: budgets are left out.');
    return paid.flatMap((name) => only(name, (set, basis) => [budgetTable(set, cold, basis)]));
  },
  floor: () => names.map((name) => floorTable(stream(name), cold, basisOf(stream(name)))),
  calibration: () => {
    console.log(calibrationHeads(seeds));
    return names.map((name) => calibrationRow(stream(name), cold, basisOf(stream(name))));
  },
  confidence: () => [confidenceTable(cold)],
};

await makeTables(tables, options.tables?.split(',') ?? Object.keys(tables), {
  json: options.json,
  short,
  seeds,
  rounds,
});
