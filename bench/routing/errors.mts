// What errors do to the choice: a model that answers better but fails often, beside one that answers always.
import { judge, show } from '../lib/bars.mts';
import { line, plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import { steady as bar, JUDGED_SEEDS, ROUNDS } from './bars.mts';
import type { Protocol } from './protocol.mts';
import { type Played, play, players, type Story, shareOf } from './simulated.mts';
import { SONA } from './sona.mts';

const WIDTH = 17;

const flaky = { id: 'flaky', quality: 0.9, errorRate: 0.3 };
const steady = { id: 'steady', quality: 0.85 };
const STEADY = 1;

/** An outage. */
const DOWN = 50;

interface ErrorStory extends Story {
  /** Whether the steady model is the better one in the end. */
  judged: boolean;
  /** Whether the steady model is down: what is better then is no fault. */
  down?: (round: number) => boolean;
}

/** How often the steady model has an outage. */
const EVERY = 400;
const outage = (round: number): boolean => round >= EVERY && round % EVERY < DOWN;

/** The flaky one is down so seldom that the same share of its calls fails. */
const PERIOD = Math.round(DOWN / flaky.errorRate);

const storiesOf = (rounds: number): ErrorStory[] => {
  const turn = Math.floor(rounds / 5);
  return [
    { name: '30 % of calls fail', models: [flaky, steady], judged: true },
    {
      name: 'the same, beside a third model (.60, 10 % fail)',
      models: [flaky, steady, { id: 'third', quality: 0.6, errorRate: 0.1 }],
      judged: true,
    },
    {
      name: `the same, and the steady one is down for ${DOWN} of ${EVERY} decisions, which do not count; it then rests for as long again at most`,
      models: [flaky, steady],
      judged: false,
      down: outage,
      events: (round) =>
        outage(round) && round % EVERY === 0
          ? [{ model: 'steady', change: { errorRate: 1 }, rounds: DOWN }]
          : [],
    },
    {
      name: `none fails until decision ${turn}, 30 % from then on`,
      models: [{ ...flaky, errorRate: 0 }, steady],
      judged: true,
      events: (round) => (round === turn ? [{ model: 'flaky', change: { errorRate: flaky.errorRate } }] : []),
    },
    {
      name: `it is down for ${DOWN} of ${PERIOD} decisions, and never fails between: who rests it in time may well ask it`,
      models: [{ ...flaky, errorRate: 0 }, steady],
      judged: false,
      events: (round) =>
        round % PERIOD === PERIOD - DOWN ? [{ model: 'flaky', change: { errorRate: 1 }, rounds: DOWN }] : [],
    },
  ];
};

export interface ErrorRow {
  story: string;
  policy: string;
  /** Share of the steady model, after two fifths of the rounds and at the end, over a quarter of those so far. */
  early: Estimate;
  late: Estimate;
  /** Least of the seeds at the end. */
  worst: number;
  /** What was expected of a call at the end, where one that fails is worth 0. */
  worth: Estimate;
}

export function errorsTable({ seeds, rounds }: Protocol): Table<ErrorRow> {
  const table: Table<ErrorRow> = { rows: [], missed: 0 };
  const early = Math.floor(0.4 * rounds);
  console.log(
    `\nA simulated world: a flaky model, right in .90 of its answers, and a steady one, right in .85; ${seedsOf(seeds)}\n` +
      `Share of the steady one in the last quarter of ${early} and of ${rounds} decisions, and worth of a call then; one that fails is worth 0.`,
  );
  for (const story of storiesOf(rounds)) {
    console.log(`\n${story.name}`);
    console.log(line('', [`of ${early}`, `of ${rounds}`, 'worst seed', 'worth'], WIDTH));
    for (const [policy, create] of players) {
      const runs = Array.from({ length: seeds }, (_, seed) => play(story, create, seed, rounds));
      const shares = (end: number): number[] => runs.map((run) => share(story, run, end));
      const late = shares(rounds);
      const row = {
        story: story.name,
        policy,
        early: estimate(shares(early)),
        late: estimate(late),
        worst: Math.min(...late),
        worth: estimate(runs.map(({ expected }) => mean(expected.subarray(Math.floor(0.75 * rounds))))),
      };
      table.rows.push(row);
      const judged = policy === SONA && story.judged && seeds >= JUDGED_SEEDS && rounds >= ROUNDS;
      const verdict = judged ? judge(row.late.mean, bar, 3) : undefined;
      if (verdict?.met === false) table.missed++;
      const cells = [
        plusMinus(row.early, 3),
        plusMinus(row.late, 3),
        row.worst.toFixed(3),
        plusMinus(row.worth, 3),
      ];
      console.log(line(policy, cells, WIDTH) + (verdict ? `   ${show(verdict)}` : ''));
    }
  }
  return table;
}

/** Of the last quarter before an end. */
function share({ down }: ErrorStory, { chosen }: Played, end: number): number {
  const counted = chosen
    .slice(Math.floor(0.75 * end), end)
    .filter((_, t) => !down?.(Math.floor(0.75 * end) + t));
  return shareOf(counted, STEADY, 0);
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
