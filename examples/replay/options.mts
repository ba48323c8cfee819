import { parseArgs } from 'node:util';

/** What the user asked for. */
export interface Options {
  help: boolean;
  file: string;
  /** Names of policies; none: all. */
  policies: string[];
  seed: number;
}

/** The command line makes no sense. */
export class UsageError extends Error {}

export const help = `usage: npm run replay -- FILE [options]

  FILE               a decision log, JSON Lines (docs/decision-log.md)
  --policy NAME ...  logged (what made the log), uniform, or a model: always that one. Default: all of them
  --seed N           seed of the split into folds (0)
  --help             this text`;

export function parseOptions(args: string[]): Options {
  const { values, positionals } = parse(args);
  const [file, ...names] = positionals;
  if (!values.help && (file === undefined || file === ''))
    throw new UsageError('expected a file, got nothing');
  if (names.length > 0 && values.policy.length === 0) {
    throw new UsageError(`expected one file, got also "${names[0]}"`);
  }
  if (!/^\d{1,15}$/.test(values.seed)) {
    throw new UsageError(`--seed: expected a whole number from 0, got "${values.seed}"`);
  }
  return {
    help: values.help,
    file: file ?? '',
    policies: [...values.policy, ...names],
    seed: Number(values.seed),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        policy: { type: 'string', multiple: true, default: [] },
        seed: { type: 'string', default: '0' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
