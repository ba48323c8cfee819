// The act of the router: which model for which prompt?
import { Progress } from '../progress.mts';
import { bold } from '../terminal.mts';
import { figuresOf, type RoutingFigures } from './figures.mts';
import { conclusion, decisionTexts, domainTable, head, introduction, row } from './print.mts';
import { RoutingRun } from './run.mts';
import { routingStream } from './stream.mts';
import { markAt, yardsticks } from './worth.mts';

/** Decisions between two lines. */
const EVERY = 500;
/** More routers, for the page, that mind the cost. */
const WEIGHTS = [0.1, 0.25, 0.5];

/** Routes at most so many prompts. */
export async function routingAct(seed: number, most: number): Promise<RoutingFigures> {
  const stream = routingStream(seed, most);
  const yardstick = yardsticks(stream);
  const total = stream.vectors.length;
  console.log(
    `${bold('Which model for which prompt')}\n${introduction(stream, yardstick.best)}\n\n${head()}`,
  );

  const run = new RoutingRun(stream, 0, seed);
  const others = WEIGHTS.map((weight) => new RoutingRun(stream, weight, seed));
  const ways = { ...yardstick, sona: run.decisions.quality };
  const marks = marksOf(total);
  const progress = new Progress(total * (1 + others.length), 'decisions');
  for (const mark of marks) {
    for (; run.done < mark; run.step()) progress.show(run.done);
    progress.print(row(markAt(ways, mark)), run.done);
  }
  for (const [i, other] of others.entries()) {
    for (; other.done < total; other.step()) progress.show((i + 1) * total + other.done);
  }
  progress.end();

  const runs = [run, ...others] as const;
  const [micros] = await Promise.all([run.finish(), ...others.map((other) => other.finish())]);
  const figures = figuresOf(stream, yardstick, marks, runs, run.explained, micros);
  console.log(`\n${conclusion(figures)}\n\n${domainTable(figures)}\n\n${decisionTexts(figures)}\n`);
  return figures;
}

function marksOf(total: number): number[] {
  const every = total < 2 * EVERY ? Math.ceil(total / 5) : EVERY;
  const marks: number[] = [];
  // a short rest goes with the line before it
  for (let at = every; at < total - every / 2; at += every) marks.push(at);
  return [...marks, total];
}
