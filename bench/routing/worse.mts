// The best model gets worse at half time; and how often a change is reported where there is none.
import type { RouterConfig } from '../../dist/index.mjs';
import { judge, show } from '../lib/bars.mts';
import { plusMinus, seedsOf, type Table } from '../lib/print.mts';
import { type Estimate, estimate } from '../lib/protocol.mts';
import { columnMeans, type Stream } from '../lib/stream.mts';
import { paretoBandit } from './anchors.mts';
import { drift as bars, decisive } from './bars.mts';
import { type Episode, episode, type Policy, type Protocol, play } from './protocol.mts';
import { type DriftRow, recoveryTable } from './recovery-table.mts';
import { type BasisChoice, Routed, SONA } from './sona.mts';
import { drop, indexOfMost, inOrder, type World } from './world.mts';

const BY = 0.18;

export function worseTable(stream: Stream, protocol: Protocol, basis: BasisChoice): Table<DriftRow> {
  const k = stream.models.length;
  const episodes = episodesOf(stream, protocol);
  const best = indexOfMost([...columnMeans(stream.utility, k)]);
  const name = stream.models[best] as string;
  const rounds = episodes[0]?.order.length ?? 0;
  const half = Math.floor(rounds / 2);
  console.log(
    `\n${stream.name}: ${name}, the best model, is worse by ${BY} from decision ${half} of ${rounds} on; ${seedsOf(protocol.seeds)}\n` +
      'Decisions until the mean worth of 200 is back within 95 % of the new best fixed model, and worth over its.',
  );
  /** Decisions until it was reported, of the runs in which it was. */
  const reported: number[] = [];
  const worldOf = (seed: number): World => {
    const { order } = episodes[seed] as Episode;
    const worth = drop(inOrder(stream.utility, k, order), k, best, { from: half, by: BY, seed });
    return { stream, order, half, worth };
  };
  const entry =
    (create: (seed: number) => Policy) =>
    (seed: number): { policy: Policy; world: World } => ({ policy: create(seed), world: worldOf(seed) });
  const sona =
    (config: Partial<RouterConfig>) =>
    (seed: number): Routed =>
      new Routed(stream, basis, seed, config);
  const watched = (seed: number): { policy: Policy; world: World } => {
    const policy = sona({})(seed);
    let first: number | undefined;
    policy.router.on('drift', ({ model, direction, kind }) => {
      const since = policy.decisions - half;
      if (kind === 'quality' && model === name && direction === 'worse' && since > 0) first ??= since;
    });
    return {
      policy: {
        choose: (prompt) => policy.choose(prompt),
        learn: (prompt, model, reward) => policy.learn(prompt, model, reward),
        close: () => {
          if (first !== undefined) reported.push(first);
          policy.close();
        },
      },
      world: worldOf(seed),
    };
  };
  const table = recoveryTable('worse', stream, protocol, [
    { name: SONA, judged: true, make: watched },
    { name: `${SONA}, no drift detection`, judged: false, make: entry(sona({ driftDetection: false })) },
    { name: 'ParetoBandit, as published', judged: false, make: entry(paretoBandit(0.997)(stream)) },
    { name: 'same, without forgetting', judged: false, make: entry(paretoBandit(1)(stream)) },
  ]);
  const delay = reported.length > 0 ? `, ${plusMinus(estimate(reported), 0)} decisions after it` : '';
  console.log(`The change was reported in ${reported.length} of ${episodes.length} runs${delay}`);
  return table;
}

export interface AlarmRow {
  set: string;
  decisions: number;
  alarms: number;
  /** In 20,000 decisions. */
  rate: Estimate;
}

const EVERY = 20_000;

/** Alarms on the stream as it is. */
export function alarmTable(stream: Stream, protocol: Protocol, basis: BasisChoice): Table<AlarmRow> {
  const episodes = episodesOf(stream, protocol);
  const counts = episodes.map(({ seed, order }) => {
    const policy = new Routed(stream, basis, seed);
    let alarms = 0;
    policy.router.on('drift', () => alarms++);
    play(policy, stream, order);
    policy.close();
    return { alarms, decisions: order.length };
  });
  const decisions = counts.reduce((sum, run) => sum + run.decisions, 0);
  const alarms = counts.reduce((sum, run) => sum + run.alarms, 0);
  const rate = estimate(counts.map((run) => (EVERY * run.alarms) / run.decisions));
  const verdict = decisive(protocol) ? judge(rate.mean, bars.falseAlarms, 1) : undefined;
  console.log(
    `\n${stream.name} as it is: ${alarms} false alarms in ${decisions} decisions, ` +
      `${plusMinus(rate, 1)} in ${EVERY}${verdict ? `, ${show(verdict)}` : ''}`,
  );
  const row = { set: stream.name, decisions, alarms, rate };
  return { rows: [row], missed: Number(verdict?.met === false) };
}

function episodesOf(stream: Stream, protocol: Protocol): Episode[] {
  return Array.from({ length: protocol.seeds }, (_, seed) => episode(stream, seed, protocol));
}
