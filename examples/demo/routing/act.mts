// The act of the router: which model for which prompt?
import { Progress } from '../progress.mts';
import { bold } from '../terminal.mts';
import { figuresOf, type RoutingFigures } from './figures.mts';
import {
  conclusion,
  decisionTexts,
  domainTable,
  head,
  introduction,
  lead,
  row,
  tableIntroduction,
} from './print.mts';
import { RoutingRun } from './run.mts';
import { routingStream } from './stream.mts';
import { WEIGHTS } from './weights.mts';
import { mean, yardsticks } from './worth.mts';

/** Decisions between two lines. */
const EVERY = 500;
/** Explained are decisions of the router for quality alone, and more of one that draws (Thompson sampling). */
const EXPLAINED = 1;
const DRAWN = 2;
/** Where the draw was open: the model that was drawn had at most this chance. */
const OPEN_CHANCE = 0.7;

/** Routes at most so many prompts. */
export async function routingAct(seed: number, most: number): Promise<RoutingFigures> {
  const stream = routingStream(seed, most);
  const yardstick = yardsticks(stream, seed);
  const total = stream.vectors.length;
  console.log(`${bold('SONA picks the model for each prompt')}\n${introduction(stream)}\n`);

  const [first, ...others] = WEIGHTS;
  const run = new RoutingRun(stream, first, seed, { explain: EXPLAINED });
  const drawing = new RoutingRun(stream, first, seed, {
    exploration: 'thompson',
    explain: DRAWN,
    mostChance: OPEN_CHANCE,
  });
  const runs = [run, ...others.map((weight) => new RoutingRun(stream, weight, seed))] as const;
  const all = [...runs, drawing];
  const progress = new Progress(total * all.length, 'decisions');
  for (const [i, one] of all.entries()) {
    for (; one.done < total; one.step()) progress.show(i * total + one.done);
  }
  progress.end();

  const [micros] = (await Promise.all(all.map((one) => one.finish()))) as [RoutingFigures['micros']];
  const explained = [...run.explained, ...drawing.explained];
  const figures = figuresOf(
    stream,
    yardstick,
    marksOf(total),
    runs,
    explained,
    mean(drawing.decisions.quality),
    micros,
  );
  const { marks } = figures;
  console.log(
    [
      lead(figures),
      [tableIntroduction(figures), head(), ...marks.map(row)].join('\n'),
      conclusion(figures),
      domainTable(figures),
      decisionTexts(figures),
      '',
    ].join('\n\n'),
  );
  return figures;
}

function marksOf(total: number): number[] {
  const every = total < 2 * EVERY ? Math.ceil(total / 5) : EVERY;
  const marks: number[] = [];
  // a short rest goes with the line before it
  for (let at = every; at < total - every / 2; at += every) marks.push(at);
  return [...marks, total];
}
