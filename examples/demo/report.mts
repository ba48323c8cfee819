// What the demo says, before and after.
import { SonaEngine } from '@sona/sona';
import type { Options } from './options.mts';
import type { Source } from './source.mts';
import type { Result } from './stream.mts';
import { bold, count } from './terminal.mts';
import type { Times } from './times.mts';

export function intro({ title, recorded, routes, unseen }: Source, events: number): string {
  const named = routes.filter(({ embedding }) => embedding).length;
  const what = recorded
    ? `Your log says which route was used and how well it went. Five engines learn from ${count(events)} of its lines, in order.`
    : `Five engines see ${count(events)} queries. Each picks a route and learns one thing: right or wrong.`;
  const known = recorded ? fromLog(named, routes.length) : nameOnly;
  const test = recorded
    ? `Counted: suggestions equal to the route that worked, on lines of the last 20 % that went well (${count(unseen.length)}).`
    : `Counted: how many of ${count(unseen.length)} queries that they never learn from get the right route.`;
  return `${bold(title)}\n${what}\n${known}\n${test}\n`;
}

const nameOnly = 'At the start they know a route by nothing but its name. They never see the right answer.';

function fromLog(named: number, all: number): string {
  if (named === all) return 'At the start they know every route by its embedding.';
  if (named === 0)
    return 'Your log has no embeddings of routes: a route is known from its first good query on.';
  return `${count(named)} of ${count(all)} routes come with an embedding; the others are known from their first good query on.`;
}

/** What all together have learned, in sentences. */
export function learned(results: readonly Result[], source: Source, events: number): string {
  const all = results.at(-1) as Result;
  const nothing = results[0] as Result;
  const first = all.accuracy[0]?.percent ?? 0;
  const last = all.accuracy.at(-1)?.percent ?? 0;
  const avoided = all.wrong.before - all.wrong.after;
  const best = results.slice(1, -1).reduce((a, b) => (gain(b) > gain(a) ? b : a));
  const unseen = source.recorded ? 'held-out lines' : 'unseen queries';
  const lines = [
    `All together: ${first.toFixed(1)} % before, ${last.toFixed(1)} % after ${count(events)} events: ` +
      `${signed(last - first)} points (${best.variant.name} alone: ${signed(gain(best))}).`,
    `Of ${count(source.unseen.length)} ${unseen} ${count(all.wrong.before)} went wrong before, ` +
      `${count(all.wrong.after)} do now: ${avoided >= 0 ? `${count(avoided)} errors avoided` : `${count(-avoided)} more errors`}.`,
  ];
  if (!source.recorded) {
    lines.push(
      `While it learned it answered ${count(all.streamErrors)} of the ${count(events)} wrongly; ` +
        `without learning it would have been ${count(nothing.streamErrors)}.`,
    );
  }
  return [bold('What was learned'), ...lines.map((line) => `  ${line}`)].join('\n');
}

export function timings(results: readonly Result[], seconds: number): string {
  const { micros, simd } = results.at(-1) as Result;
  return [
    bold(`Time per call, all together, in microseconds${' '.repeat(13)}median         p99`),
    timing('suggestRoutes', micros.suggestRoutes),
    timing('beginTrajectory + endTrajectory, a context', micros.beginAndEnd),
    timing('training, per event (100 cycle by cycle)', micros.training),
    `  This machine, other work included; ${simd} kernels; ${seconds.toFixed(0)} s in all.`,
  ].join('\n');
}

export function nextSteps({ recorded }: Source): string {
  const next = recorded
    ? [
        'Learn from live traffic: suggestRoutes, then beginTrajectory, setRoute, endTrajectory (examples/quickstart.mts)',
      ]
    : [
        'npm run demo -- --data FILE   the same with your own feedback (--help says how a line looks)',
        'examples/quickstart.mts       the calls, in 20 lines',
        'npm run bench:learning        the figures with baselines, seeds and spread',
      ];
  return [bold('Next'), ...next.map((line) => `  ${line}`)].join('\n');
}

const gain = ({ accuracy }: Result): number => (accuracy.at(-1)?.percent ?? 0) - (accuracy[0]?.percent ?? 0);

const signed = (points: number): string => `${points >= 0 ? '+' : ''}${points.toFixed(1)}`;

const timing = (name: string, { median, p99 }: Times): string =>
  `  ${name.padEnd(44)}${median.toFixed(1).padStart(17)}${p99.toFixed(1).padStart(12)}`;

/** What ran, and where. */
export function versions() {
  using engine = new SonaEngine(1);
  const { version, simd, platform } = engine.capabilities();
  return { sona: version, node: process.version, platform, simd };
}

/** Everything that was measured, as plain JSON. */
export function toJson(results: readonly Result[], source: Source, options: Options, seconds: number) {
  return {
    data: {
      file: options.data ?? null,
      title: source.title,
      measure: source.measure,
      dimension: source.dim,
      routes: source.routes.length,
      unseen: source.unseen.length,
    },
    seed: options.seed,
    events: options.events,
    versions: versions(),
    seconds,
    variants: results.map(({ variant, config, accuracy, wrong, streamErrors, micros }) => ({
      name: variant.name,
      config,
      accuracy,
      wrong,
      ...(!source.recorded && { streamErrors }),
      micros,
    })),
  };
}
