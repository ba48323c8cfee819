import { parseArgs } from 'node:util';

/** What the user asked for. */
export interface Options {
  help: boolean;
  json?: string;
  data?: string;
  events?: number;
  seed: number;
  /** Prompts to route, in place of everything else. */
  ask: string[];
}

/** The command line makes no sense. */
export class UsageError extends Error {}

export const help = `usage: npm run demo -- [options]

  --data FILE   learn from your own feedback instead of the built-in data. One JSON object per line, in time order:
                  {"vector": [numbers], "route": "name", "reward": 0 to 1}    what was asked, chosen, and how it went
                  {"route": "name", "embedding": [numbers]}                   optional: what a route means
                The last 20 % are held out. A route without an embedding is known from its first good query on.
                Without it, the router comes first, and its charts are written to sona-report.html
  --ask TEXT    only route this prompt, by a router that has learned from recorded answers; may be given several times
  --json FILE   write all figures there
  --events N    events to stream (10,000; with --data: each once); more than there are: from the start again.
                Without --data, the router before them gets as many of its 5,541 prompts, and topics follow one
                after another, with a tenth as many of each
  --seed N      seed of the order, of the router and of the engines (0)
  --help        this text`;

export function parseOptions(args: string[]): Options {
  const { help, json, data, events, seed, ask } = parse(args);
  return {
    help,
    ...(json !== undefined && { json: path('json', json) }),
    ...(data !== undefined && { data: path('data', data) }),
    ...(events !== undefined && { events: whole('events', events, 1, 10_000_000) }),
    seed: whole('seed', seed, 0, 2 ** 32 - 1),
    ask,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        json: { type: 'string' },
        data: { type: 'string' },
        events: { type: 'string' },
        seed: { type: 'string', default: '0' },
        ask: { type: 'string', multiple: true, default: [] },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function path(name: string, value: string): string {
  if (value === '') throw new UsageError(`--${name}: expected a file name, got nothing`);
  return value;
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`--${name}: expected a whole number from ${least} to ${most}, got "${text}"`);
  }
  return value;
}
