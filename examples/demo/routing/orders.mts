// Cost and quality of all ways to choose, on the average over several orders of the prompts.
import type { PictureData } from '../html/picture.mts';
import { type CostPoint, costPoints } from './costs.mts';
import { match } from './matched.mts';
import { RoutingRun } from './run.mts';
import { routingStream } from './stream.mts';
import { WEIGHTS } from './weights.mts';
import { errorOfMean, mean, yardsticks } from './worth.mts';

/** One order after another, by their seeds; each router starts from nothing in each. */
export async function meansOf(seeds: number[], most = Infinity): Promise<PictureData> {
  const orders: CostPoint[][] = [];
  let prompts = 0;
  for (const seed of seeds) {
    const stream = routingStream(seed, most);
    prompts = stream.vectors.length;
    const runs = WEIGHTS.map((weight) => new RoutingRun(stream, weight, seed));
    for (const run of runs) while (run.done < prompts) run.step();
    await Promise.all(runs.map((run) => run.finish()));
    orders.push(costPoints(stream, yardsticks(stream, seed), runs));
  }
  const points = (orders[0] as CostPoint[]).map((point, i): CostPoint => {
    const own = orders.map((order) => order[i] as CostPoint);
    return {
      ...point,
      costUsd: mean(own.map(({ costUsd }) => costUsd)),
      quality: mean(own.map(({ quality }) => quality)),
    };
  });
  const models = points.filter(({ kind }) => kind === 'model');
  const fixed = models.reduce((a, b) => (b.quality > a.quality ? b : a));
  const place = (name: string) => points.findIndex((point) => point.name === name);
  const matched = match(points, fixed.name, (sona) => {
    const [own, other] = [place(sona.name), place(fixed.name)];
    const differences = orders.map((order) => (order[own]?.quality ?? 0) - (order[other]?.quality ?? 0));
    return errorOfMean(differences);
  });
  return { prompts, seeds, points, matched };
}
