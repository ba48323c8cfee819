// The built-in embedder: what it knows beside MiniLM, what it costs in regret to route by it, and what a decision from text
// takes.
//
//   npm run bench:embedding -- [--tables intents,languages,routing,time] [--seeds 20] [--json FILE] [--short]
//
// Topics of SIB-200 are measured where SONA_SIB names its folder data/annotated (dadelani/sib-200, CC BY-SA 4.0).
// Decisions by MiniLM are timed as well where SONA_TRANSFORMERS names a folder that has the transformers library and the model:
// see CONTRIBUTING.md.
import { parseArgs } from 'node:util';
import { intentsTable } from './embedding/intents.mts';
import { languagesTables } from './embedding/languages.mts';
import { routingTables } from './embedding/routing.mts';
import { timeTable } from './embedding/time.mts';
import { makeTables, whole } from './lib/tables.mts';

const { values: options } = parseArgs({
  options: {
    tables: { type: 'string', default: 'intents,languages,routing,time' },
    seeds: { type: 'string' },
    json: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});
const { short, json } = options;
const seeds = whole('seeds', options.seeds ?? (short ? '1' : '20'), 1);
const rounds = short ? 600 : 5000;

await makeTables(
  {
    intents: () => intentsTable(),
    languages: () => languagesTables(Math.min(seeds, 5)),
    routing: () => routingTables({ seeds, rounds, warm: 0 }, short),
    time: () => timeTable(short),
  },
  options.tables.split(','),
  { json, short, seeds, rounds },
);
