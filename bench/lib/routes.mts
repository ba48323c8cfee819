// Sets of routes: intents as they are, or routes that cover several intents each; by vectors of MiniLM, or by those that the
// built-in embedder makes of the texts.
//
//   clinc150                   150 intents by their names, MiniLM
//   clinc150:builtin           the same by the built-in embedder
//   clinc150:builtin/domains   its ten domains as routes
//   clinc150/30                its intents dealt out at random to 30 routes
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { builtin } from '../../dist/embed.mjs';
import { folderOf, type IntentSet, loadIntents, loadTexts, type Part, readLabels } from './data.mts';
import { add, normalise } from './linear.mts';
import { Random } from './random.mts';

/** Deals out intents to routes. */
const GROUPING_SEED = 77;

/** The sets of the tables that SONA_DATA has, each with the part that it is judged on unless told otherwise. */
export const routeSets = [
  'clinc150:builtin/domains',
  'clinc150/30',
  'hwu64:builtin',
  'curekart:builtin',
  'fbes12:builtin',
].filter((spec) => folderOf(spec.split(/[:/]/)[0] as string));

/** Loads a set; `part` is what learners are judged on: `val` where settings are chosen, else `test`. */
export function loadRoutes(spec: string, part: 'test' | 'val' = 'test'): IntentSet {
  const [, name = '', vectors, grouping] = /^([^:/]+)(?::(builtin|minilm))?(?:\/(\w+))?$/.exec(spec) ?? [];
  if (!name) throw new Error(`no such set of routes: ${spec}`);
  const intents = vectors === 'builtin' ? embedded(name) : loadIntents(name);
  const judged = intents[part];
  if (!judged) throw new Error(`${name} has no ${part} part`);
  const set = { ...intents, name: spec, test: judged };
  return grouping ? grouped(set, grouping) : set;
}

/** What the built-in embedder makes of the texts. */
function embedded(name: string): IntentSet {
  const path = folderOf(name);
  if (!path) throw new Error(`SONA_DATA has no ${name}`);
  const embedder = builtin();
  const { labels, names, domains } = readLabels(path);
  const part = (key: string): Part | undefined => {
    const texts = loadTexts(name, key);
    return texts && { vectors: texts.map((text) => embedder.embedSync(text)), labels: labels(key) };
  };
  const [train, test, val] = [part('train'), part('test'), part('val')];
  if (!train || !test) throw new Error(`${name} lacks a part`);
  const out = (key: string) => loadTexts(name, key)?.map((text) => embedder.embedSync(text));
  const [oosVal, oosTest] = [out('oos_val'), out('oos_test')];
  return {
    name,
    dim: embedder.dim,
    labels: labelTexts(path, names).map((text) => embedder.embedSync(text)),
    train,
    test,
    ...(val && { val }),
    ...(oosVal && { oosVal }),
    ...(oosTest && { oosTest }),
    names,
    domains,
  };
}

/** What names the routes: texts of their own where a set has some, else the labels. */
function labelTexts(path: string, names: readonly string[]): string[] {
  const file = join(path, 'labels.csv');
  const rows = existsSync(file) ? parse(readFileSync(file), { columns: true, bom: true }) : [];
  const texts = new Map((rows as { label: string; text: string }[]).map(({ label, text }) => [label, text]));
  return names.map((name) => texts.get(name) ?? name.replaceAll('_', ' '));
}

/** Routes that cover several intents; a route's prior is the mean of its intents'. */
function grouped(set: IntentSet, grouping: string): IntentSet {
  const routeOf = grouping === 'domains' ? byDomain(set) : dealtOut(set.labels.length, Number(grouping));
  const labels = Array.from({ length: Math.max(...routeOf) + 1 }, (_, route) => {
    const mean = new Float32Array(set.dim);
    set.labels.forEach((label, intent) => {
      if (routeOf[intent] === route) add(mean, 0, 1, label, 0, set.dim);
    });
    normalise(mean, 0, set.dim);
    return mean;
  });
  const regrouped = ({ vectors, labels: intents }: Part): Part => ({
    vectors,
    labels: intents.map((intent) => routeOf[intent] as number),
  });
  const { domains: _, names: __, val, ...rest } = set;
  return {
    ...rest,
    labels,
    train: regrouped(set.train),
    test: regrouped(set.test),
    ...(val && { val: regrouped(val) }),
  };
}

function byDomain({ domains = [] }: IntentSet): number[] {
  const names = [...new Set(domains)].sort();
  return domains.map((domain) => names.indexOf(domain));
}

function dealtOut(intents: number, routes: number): number[] {
  const order = new Random(GROUPING_SEED).permutation(intents);
  return Array.from(order, (place) => place % routes);
}
