import { describe, sonaError } from '../base/errors.ts';
import { call, native } from '../binding/native.ts';
import { type DecisionRecord, featureCount, readFeatures } from '../log/decision-record.ts';
import {
  causeOfExclusion,
  eligibleOf,
  type PolicyOfRecords,
  type Probabilities,
} from '../log/evaluation-policy.ts';
import { routerStats } from './stats.ts';

/** Decisions that cross to the addon at a time. */
const CHUNK = 512;

/**
 * What a router would do now at the features of a log's decisions, among the models that were eligible and that it has; as
 * the policy alone, without limits, budget, sessions and trials.
 */
export function presentPolicy(handle: number, records: readonly DecisionRecord[]): PolicyOfRecords {
  const { hash } = routerStats(handle).basis;
  const entering = records.flatMap((record, at) => (causeOfExclusion(record) ? [] : [{ record, at }]));
  for (const { record, at } of entering) checkFeatures(record, at, hash);
  const rows = new Map<number, Probabilities>();
  for (let from = 0; from < entering.length; from += CHUNK) {
    const chunk = entering.slice(from, from + CHUNK);
    const names = [...new Set(chunk.flatMap(({ record }) => eligibleOf('of a router', record)))];
    const places = new Map(names.map((name, place) => [name, place]));
    const features = new Float32Array(chunk.length * featureCount);
    const eligible = new Uint8Array(chunk.length * names.length);
    for (const [row, { record }] of chunk.entries()) {
      readFeatures(record.features as string, features, row);
      for (const model of eligibleOf('of a router', record)) {
        eligible[row * names.length + (places.get(model) as number)] = 1;
      }
    }
    const out = new Float64Array(eligible.length);
    // another thread may have adopted a basis since
    if (!call(() => native.routerPropensities(handle, hash, names, features, eligible, out))) {
      return presentPolicy(handle, records);
    }
    for (const [row, { record, at }] of chunk.entries()) {
      const own = eligibleOf('of a router', record);
      const place = (model: string) => row * names.length + (places.get(model) as number);
      const probabilities = own.map((model) => out[place(model)] as number);
      // else none of its models is there any more
      if (probabilities.some((probability) => probability > 0)) rows.set(at, { models: own, probabilities });
    }
  }
  return (_, at) => rows.get(at);
}

/** Refuses a decision whose features say nothing to the router. */
function checkFeatures({ id, features, basis }: DecisionRecord, at: number, hash: string): void {
  const expected = `features on the basis with the hash ${hash}`;
  const got = features === undefined ? 'none' : `some on that with the hash ${describe(basis.hash)}`;
  if (features !== undefined && basis.hash === hash) return;
  throw sonaError('SONA_INCOMPATIBLE_STATE', `log[${at}]: expected ${expected}, got ${got}`, {
    argument: `log[${at}]`,
    decision: id,
    expected,
    got,
  });
}
