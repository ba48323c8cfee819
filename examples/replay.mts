// What other policies would have earned, from the decision log of a router.
//
//   npm run replay -- FILE [--policy NAME ...] [--seed N]
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { type DecisionRecord, type EvaluationPolicy, evaluatePolicy, readLog, SonaError } from '@sona/sona';
import { count } from './demo/terminal.mts';
import { help, type Options, parseOptions, UsageError } from './replay/options.mts';
import { leftOut, legend, type Result, table } from './replay/table.mts';

/** The file can't be evaluated. */
class BadLog extends Error {}

async function main(options: Options): Promise<void> {
  const records = await read(options.file);
  const models = [...new Set(records.flatMap(({ eligible, model }) => eligible ?? [model]))].sort();
  const names = options.policies.length > 0 ? options.policies : ['logged', 'uniform', ...models];
  const policies = names.map((name) => policyOf(name, models));

  // what is wrong with the log itself is wrong for every policy, and this one has all of its support
  const logged = refusing(options.file, () => evaluatePolicy(records, 'logged', { seed: options.seed }));
  console.log(`${options.file}: ${count(records.length)} decisions among ${models.length} models\n`);
  const results = policies.map(({ name, policy }) => resultOf(name, policy, records, options.seed));
  console.log(`${table(results)}\n\n${legend}\n`);

  const { rounds, featured, excluded, loggedReward } = logged;
  console.log(
    `entered: ${count(rounds)}, mean quality ${loggedReward.toFixed(3)}, ${count(featured)} with features`,
  );
  console.log(leftOut(excluded));
  for (const result of results) {
    if ('reason' in result) continue;
    const { excluded, warnings } = result.evaluation;
    if (excluded.ineligible > 0) {
      console.log(`${result.name}: also ${count(excluded.ineligible)} where it was not eligible`);
    }
    for (const warning of warnings) console.log(`${result.name}: ${warning}`);
  }
}

/** npm runs this in the package's folder; the path is meant from where npm was called. */
async function read(file: string): Promise<DecisionRecord[]> {
  try {
    const records = await readLog(createReadStream(resolve(process.env.INIT_CWD ?? '.', file)));
    if (records.length > 0) return records;
  } catch (error) {
    if (SonaError.isInstance(error)) throw new BadLog(`${file}: ${error.message}`);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new BadLog(`there is no file ${file}`);
    throw new BadLog(`${file} cannot be read: ${message}`);
  }
  throw new BadLog(`${file} has no decisions`);
}

function policyOf(name: string, models: readonly string[]): { name: string; policy: EvaluationPolicy } {
  if (name === 'logged' || name === 'uniform') return { name, policy: name };
  if (!models.includes(name)) {
    throw new UsageError(`--policy: expected logged, uniform or one of ${models.join(', ')}; got "${name}"`);
  }
  return { name: `always ${name}`, policy: { model: name } };
}

function resultOf(
  name: string,
  policy: EvaluationPolicy,
  records: readonly DecisionRecord[],
  seed: number,
): Result {
  try {
    return { name, evaluation: evaluatePolicy(records, policy, { seed }) };
  } catch (error) {
    if (SonaError.isInstance(error)) return { name, reason: error.message };
    throw error;
  }
}

/** What the library refuses is a fault of the file. */
function refusing<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (SonaError.isInstance(error)) throw new BadLog(`${file}: ${error.message}`);
    throw error;
  }
}

// the reader of a pipe may have seen enough
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(help);
  else await main(options);
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`replay: ${error.message}\n\n${help}`);
    process.exitCode = 2;
  } else if (error instanceof BadLog) {
    console.error(`replay: ${error.message}`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
