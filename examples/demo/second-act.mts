// Topics come one after another: what is left of the first?
import { guards } from './guards.mts';
import { Progress } from './progress.mts';
import { bold, count, paint } from './terminal.mts';
import { type Evaluation, type TopicResult, TopicRun } from './topic-run.mts';
import { builtInTopics, type Topic } from './topics.mts';

/** Queries of each topic, when the first act has 10,000. */
const SHARE = 10;

const NAME = 21;
const PAIR = 20;

export interface SecondAct {
  title: string;
  topics: { name: string; routes: number; queries: number; unseen: number }[];
  results: TopicResult[];
}

export async function secondAct(seed: number, events: number): Promise<SecondAct> {
  const { title, dim, list } = builtInTopics(seed, Math.ceil(events / SHARE));
  console.log(`\n${bold('When topics come one after another')}\n${introduction(title)}\n`);
  console.log(head());
  const runs = guards.map((guard) => new TopicRun(guard, dim, seed));
  const total = list.reduce((sum, { stream }) => sum + stream.length, 0);
  const progress = new Progress(total * runs.length);
  let done = 0;
  for (const [i, topic] of list.entries()) {
    const found = runs.map((run) => {
      run.begin(topic);
      for (const query of topic.stream) {
        run.step(query);
        progress.show(done++);
      }
      return run.evaluate();
    });
    progress.print(row(i + 1, topic, found), done);
  }
  progress.end();
  const results = await Promise.all(runs.map((run) => run.finish()));
  console.log(`\n${conclusion(results)}`);
  return { title, topics: list.map(summary), results };
}

const introduction = (title: string): string =>
  `${title}.\n` +
  "A topic's routes are added when it begins, and only its queries come until the next begins; the\n" +
  'engines get no sign of it, but a drift event says when one has noticed. Counted: right choices for unseen queries in %,\n' +
  'those of the first topic and those of all so far. Without protection: ewcLambda 0, replayCapacity 64, no\n' +
  'gate. Adapter alone: the same, without prototypes.';

function head(): string {
  const names = guards.map(({ name, colour }) => paint(colour, name.padStart(PAIR)));
  const columns = guards.map(() => 'first    so far'.padStart(PAIR)).join('');
  return `${bold('after'.padEnd(NAME))}${names.join('')}\n${' '.repeat(NAME)}${columns}`;
}

function row(number: number, { name }: Topic, found: readonly Evaluation[]): string {
  const cells = found.map(
    ({ first, all }) => first.toFixed(1).padStart(PAIR - 10) + all.toFixed(1).padStart(10),
  );
  const [drift] = found[0]?.drifts ?? [];
  const noticed = drift ? `drift seen at ${count(drift.queries)}` : '';
  return `${`${String(number).padStart(2)} ${name}`.padEnd(NAME)}${cells.join('')}  ${paint(90, noticed.padEnd(19))}`;
}

function conclusion(results: readonly TopicResult[]): string {
  const lines = results.map(({ guard, accuracy }) => {
    const [start, end] = [accuracy[0], accuracy.at(-1)];
    const lost = (start?.first ?? 0) - (end?.first ?? 0);
    const changed = `${Math.abs(lost).toFixed(1)} points ${lost >= 0 ? 'lost' : 'gained'} on the first topic`;
    return `  ${paint(guard.colour, guard.name.padEnd(20))}${changed}, ${end?.all.toFixed(1)} % right on all at the end`;
  });
  return [bold('What was kept'), ...lines].join('\n');
}

const summary = ({ name, routes, stream, unseen }: Topic) => ({
  name,
  routes: routes.length,
  queries: stream.length,
  unseen: unseen.length,
});
