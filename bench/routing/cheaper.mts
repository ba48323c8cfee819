// A price falls by ten at half time. The router weighs quality against cost itself; it is told the new price, or sees it
// in what the calls cost.
import type { RouterConfig, RouterModel } from '../../dist/index.mjs';
import { seedsOf, type Table } from '../lib/print.mts';
import { COST_WEIGHT, columnMeans, costScale, costShare, netOfCost, type Stream } from '../lib/stream.mts';
import { paretoBandit } from './anchors.mts';
import { episode, type Policy, type Protocol } from './protocol.mts';
import { type DriftRow, recoveryTable } from './recovery-table.mts';
import { type BasisChoice, Routed, SONA } from './sona.mts';
import { indexOfMost, type World } from './world.mts';

const TIMES = 10;

/** Prices in proportion to the mean call, as if each had this many tokens: only the ratio of old to new tells. */
const TOKENS = 1000;

/** The model that such a fall makes the best, if it is not so already. */
export function overtaker(stream: Stream): number {
  const k = stream.models.length;
  const quality = columnMeans(stream.quality, k);
  const cost = columnMeans(stream.cost, k);
  const net = (model: number, usd: number): number =>
    (quality[model] as number) - COST_WEIGHT * costShare(usd);
  const now = stream.models.map((_, model) => net(model, cost[model] as number));
  const best = indexOfMost(now);
  const then = stream.models.map((_, model) =>
    model === best ? -Infinity : net(model, (cost[model] as number) / TIMES),
  );
  return indexOfMost(then);
}

export function cheaperTable(stream: Stream, protocol: Protocol, basis: BasisChoice): Table<DriftRow> {
  const k = stream.models.length;
  const falling = overtaker(stream);
  const id = stream.models[falling] as string;
  const costs = columnMeans(stream.cost, k);
  const after = costs.map((usd, model) => (model === falling ? usd / TIMES : usd));
  const episodes = Array.from({ length: protocol.seeds }, (_, seed) => episode(stream, seed, protocol));
  const rounds = episodes[0]?.order.length ?? 0;
  const half = Math.floor(rounds / 2);
  console.log(
    `\n${stream.name}: the price of ${id} falls by ${TIMES} at decision ${half} of ${rounds}; quality less ${COST_WEIGHT} times ` +
      `cost on its scale; ${seedsOf(protocol.seeds)}`,
  );
  // one scale for both halves
  const worthBoth = netOfCost(
    Float64Array.from([...stream.quality, ...stream.quality]),
    Float64Array.from([...costs, ...after]),
    k,
  );
  const worlds = episodes.map(({ order }) => {
    const worth = new Float64Array(order.length * k);
    order.forEach((prompt, t) => {
      const at = (prompt + (t < half ? 0 : stream.vectors.length)) * k;
      worth.set(worthBoth.subarray(at, at + k), t * k);
    });
    const outcome = (round: number, model: number): { quality: number; costUsd: number } => {
      const cell = (order[round] as number) * k + model;
      const usd = stream.cost[cell] as number;
      return {
        quality: stream.quality[cell] as number,
        costUsd: model === falling && round >= half ? usd / TIMES : usd,
      };
    };
    return { stream, order, half, worth, outcome };
  });
  const price = (usd: number): Pick<RouterModel, 'inputUsdPer1M' | 'outputUsdPer1M'> => {
    const perMillion = (usd / TOKENS) * 1e6;
    return { inputUsdPer1M: perMillion, outputUsdPer1M: perMillion };
  };
  const config: Partial<RouterConfig> = {
    models: stream.models.map((model, i) => ({ id: model, ...price(costs[i] as number) })),
    objective: { costWeight: COST_WEIGHT, costScale },
  };
  const sona =
    (told: boolean) =>
    (seed: number): { policy: Routed; world: World } => {
      const policy = new Routed(stream, basis, seed, config);
      const change = (): void => policy.router.updatePrice(id, price(after[falling] as number));
      return { policy, world: { ...(worlds[seed] as World), ...(told && { change }) } };
    };
  const anchor =
    (create: (seed: number) => Policy) =>
    (seed: number): { policy: Policy; world: World } => ({
      policy: create(seed),
      world: worlds[seed] as World,
    });
  return recoveryTable('cheaper', stream, protocol, [
    { name: `${SONA}, told the price`, judged: true, make: sona(true) },
    { name: `${SONA}, sees it in costs`, judged: true, make: sona(false) },
    { name: 'ParetoBandit, as published', judged: false, make: anchor(paretoBandit(0.997)(stream)) },
  ]);
}
