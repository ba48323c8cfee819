// Learned from right or wrong alone: accuracy against events, what is left when topics come one after another, and how
// true the probabilities are. The engine beside its baselines and controls.
//
//   npm run bench:learning -- [--tables stationary,few-shot,sequence,calibration,unasked,
//                              unrelated,exploration] [--sets clinc150,banking77]
//                             [--seeds 5] [--events 10000] [--shots 5] [--baselines none|cheap|all]
//                             [--part test|val] [--rows 'full default;...']
//                             [--json FILE] [--short]
import { parseArgs } from 'node:util';
import { calibrationTable } from './learning/calibration.mts';
import { explorationTable } from './learning/exploration.mts';
import { sequenceTable } from './learning/sequence.mts';
import { stationaryTable } from './learning/stationary.mts';
import { unaskedTable } from './learning/unasked.mts';
import { cheapBaselines, costlyBaselines } from './lib/baselines.mts';
import { intentSets } from './lib/data.mts';
import { byNameLearners, fewShotLearners, unrelatedLearners } from './lib/engine.mts';
import type { LearnerFactory } from './lib/protocol.mts';
import { loadRoutes, routeSets } from './lib/routes.mts';
import { type Makers, makeTables, whole } from './lib/tables.mts';

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
    rows: { type: 'string' },
    part: { type: 'string', default: 'test' },
    baselines: { type: 'string', default: 'cheap' },
    json: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});

const { short } = options;
const events = whole('events', options.events ?? (short ? '200' : '10000'), 1);
const seeds = whole('seeds', options.seeds ?? (short ? '1' : '5'), 1);
const shots = whole('shots', options.shots ?? '5', 0);
const compared = baselines[options.baselines];
if (!compared) throw new Error(`--baselines: expected none, cheap or all, got ${options.baselines}`);
const names = options.sets?.split(',') ?? [...intentSets(), ...routeSets];
if (names.length === 0) throw new Error('no intent set was found: set SONA_DATA to a folder that holds some');
const { part } = options;
if (part !== 'test' && part !== 'val') throw new Error(`--part: expected test or val, got ${part}`);
const sets = names.map((name) => loadRoutes(name, part));

const rows = options.rows?.split(';');
const wantedRows = (all: readonly LearnerFactory[]) =>
  rows ? all.filter(({ name }) => rows.includes(name)) : all;

const tables: Makers = {
  stationary: () =>
    sets.map((set) =>
      stationaryTable(set, [...wantedRows(byNameLearners), ...compared], { events, seeds, shots: 0 }),
    ),
  'few-shot': () =>
    sets.map((set) =>
      stationaryTable(set, [...wantedRows(fewShotLearners), ...compared], { events, seeds, shots }),
    ),
  sequence: () => {
    const withDomains = sets.filter(({ domains }) => new Set(domains).size > 1);
    if (withDomains.length === 0) console.log('\nNo set here has several domains: the sequence is left out.');
    const protocol = { eventsPerDomain: short ? 100 : 1500, domains: short ? 3 : Infinity, seeds };
    return withDomains.map((set) => sequenceTable(set, protocol));
  },
  calibration: () => [calibrationTable(sets, { events, seeds })],
  exploration: () => sets.map((set) => explorationTable(set, { events, seeds })),
  unrelated: () => sets.map((set) => stationaryTable(set, unrelatedLearners, { events, seeds, shots: 0 })),
  unasked: () => sets.map((set) => unaskedTable(set, { events, seeds })),
};

// a number of examples asks for that table alone
const wanted =
  options.tables?.split(',') ??
  (options.shots === undefined ? Object.keys(tables) : [shots === 0 ? 'stationary' : 'few-shot']);
await makeTables(tables, wanted, { json: options.json, short, events, seeds, shots });
