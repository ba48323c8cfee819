// Routes recorded prompts to nine models and says what the same quality costs with SONA and with the best of them alone; the
// router's charts go to a page, sona-report.html. Then streams real feedback into five engines and shows what each of them
// learns from it; then topics come one after another, and it shows what is kept of the first.
//
//   npm run demo [-- --data FILE] [--json FILE] [--events N] [--seed N]
//   npm run demo -- --ask TEXT
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { ask } from './demo/ask.mts';
import { type Made, page } from './demo/html/page.mts';
import { help, type Options, parseOptions, UsageError } from './demo/options.mts';
import { BadData, readOwnData } from './demo/own-data.mts';
import { describePatterns, findPatterns } from './demo/patterns.mts';
import { plot } from './demo/plot.mts';
import { Progress } from './demo/progress.mts';
import { intro, learned, nextSteps, timings, toJson, versions } from './demo/report.mts';
import { routingAct } from './demo/routing/act.mts';
import type { RoutingFigures } from './demo/routing/figures.mts';
import { secondAct } from './demo/second-act.mts';
import { builtInSource, type Source } from './demo/source.mts';
import { marks, type Result, Run } from './demo/stream.mts';
import { head, row } from './demo/table.mts';
import { variants } from './demo/variants.mts';

async function main(options: Options): Promise<void> {
  const began = performance.now();
  const source: Source = options.data ? await readOwnData(options.data) : builtInSource(options.seed);
  const events = options.events ?? source.events;
  const json = options.json === undefined ? undefined : openForWriting(options.json);

  const routing = options.data ? null : await routingAct(options.seed, options.events ?? Infinity);
  const written = routing ? writePage(routing, options) : undefined;
  console.log(intro(source, events));
  const points = marks(events);
  const runs = variants.map((variant) => new Run(variant, source, options.seed));
  const progress = new Progress(events * runs.length);
  console.log(head());
  let done = 0;
  for (const mark of points) {
    const accuracy = runs.map((run) => {
      for (; run.done < mark; run.step()) progress.show(done++);
      return run.evaluate();
    });
    progress.print(row(mark, accuracy), done);
  }
  progress.end();
  const patterns = findPatterns((runs.at(-1) as Run).engine, source);
  const results: Result[] = await Promise.all(runs.map((run) => run.finish()));

  console.log(`\n${plot(results, source.measure)}\n`);
  console.log(`${learned(results, source, events)}\n\n${describePatterns(patterns, source)}`);
  const second = options.data ? null : await secondAct(options.seed, events);
  const seconds = (performance.now() - began) / 1000;
  console.log(`\n${timings(results, seconds)}\n\n${nextSteps(source)}`);
  if (written !== undefined) console.log(`\n${written}`);
  if (json !== undefined) {
    writeFileSync(
      json,
      `${JSON.stringify({ ...toJson(results, source, { ...options, events }, seconds), patterns, second, routing }, null, 2)}\n`,
    );
    closeSync(json);
    console.log(`\nAll figures are in ${options.json}`);
  }
}

const PAGE = 'sona-report.html';

/** Writes the page and says so. A folder that takes no file is no reason to stop. */
function writePage(figures: RoutingFigures, { seed }: Options): string {
  const { sona, node, platform } = versions();
  const given = process.argv.slice(2);
  const made: Made = {
    command: ['npm run demo', ...(given.length > 0 ? ['--', ...given] : [])].join(' '),
    seed,
    version: sona,
    node,
    platform,
    on: new Date().toISOString().slice(0, 10),
  };
  try {
    writeFileSync(PAGE, page(figures, made));
    return `The router's charts are in ${PAGE}`;
  } catch (error) {
    return `${PAGE} cannot be written: ${(error as Error).message}`;
  }
}

/** Opened before the work, so that a wrong path does not cost a minute. */
function openForWriting(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw new UsageError(`--json: ${path} cannot be written: ${(error as Error).message}`);
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
  else if (options.ask.length > 0) await ask(options.ask, options.seed);
  else await main(options);
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`demo: ${error.message}\n\n${help}`);
    process.exitCode = 2;
  } else if (error instanceof BadData) {
    console.error(`demo: ${error.message}`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
