// 60,000 random calls on routers. Whatever comes in, only typed errors come out, every number stays finite, propensities
// sum to 1, and a snapshot at any moment is the whole router.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type Explanation,
  explainTable,
  type OutcomeResult,
  type RouterConfig,
  readLog,
  SonaError,
  SonaRouter,
} from '../../index.ts';
import { routers } from '../support/fixture.ts';
import { type RouterCall, RouterCaller, routerCall, routerConfig } from '../support/random-router-calls.ts';
import { bytes, prompt, teach } from '../support/routers.ts';

const make = routers();
const ENOUGH = 60_000;
const RUNS = 600;
/** Another one is tried with SONA_SEED=<number>; a failure prints the seed and path that repeat it. */
const seed = Number(process.env.SONA_SEED ?? 20_261_125);

/** What another router of the same basis has learned. */
const other = make({ origin: 'there' });
teach(other, 30);
const others = other.snapshot();

function expectTyped(error: unknown): void {
  if (!(error instanceof SonaError) || error.code === 'SONA_INTERNAL') throw error;
}

/** Every number of plain data is finite. */
function expectFinite(value: unknown, path = ''): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${path} is ${value}`);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  for (const [key, entry] of Object.entries(value)) expectFinite(entry, `${path}.${key}`);
}

function expectSound({ candidates, model }: Explanation): void {
  const sum = candidates.reduce((total, { propensity }) => total + propensity, 0);
  if (Math.abs(sum - 1) > 1e-9) throw new Error(`propensities sum to ${sum}`);
  const chosen = candidates.find((candidate) => candidate.chosen);
  if (chosen?.model !== model || chosen.filters.length > 0 || chosen.propensity <= 0) {
    throw new Error('the chosen model could not be chosen');
  }
  for (const { expected, evidence, propensity } of candidates) {
    const inside = [expected.quality, ...expected.interval, evidence, propensity];
    if (!inside.every((share) => share >= 0 && share <= 1 + 1e-12))
      throw new Error(`${inside} is not in [0, 1]`);
    const [low, high] = expected.interval;
    if (low > expected.quality || high < expected.quality) throw new Error('an interval without its middle');
    for (const amount of [expected.costUsd, expected.latencyMs, expected.outputTokens]) {
      if (amount !== null && amount < 0) throw new Error(`an amount of ${amount}`);
    }
  }
}

it('survives 60,000 random calls', () => {
  const counts = {
    calls: 0,
    accepted: 0,
    decisions: 0,
    outcomes: 0,
    amended: 0,
    forgotten: 0,
    merged: 0,
    restored: 0,
  };
  const run = (settings: RouterConfig, calls: RouterCall[]) => {
    let time = 1_800_000_000_000;
    const now = () => time++;
    const lines: string[] = [];
    const config = { ...settings, now, log: (line: string) => void lines.push(line) };
    const router = new SonaRouter(config);
    const caller = new RouterCaller(router, () => others);
    for (const next of calls) {
      counts.calls++;
      try {
        const result = caller.make(next);
        counts.accepted++;
        expectFinite(result, next.method);
        if (next.method === 'route') {
          const explanation = (result as ReturnType<SonaRouter['route']>).explain();
          expectFinite(explanation, 'explanation');
          expectSound(explanation);
          if (explainTable(explanation).includes('NaN')) throw new Error('NaN in a table');
          counts.decisions++;
        }
        if (next.method === 'feedback' && (result as OutcomeResult).applied) {
          counts.outcomes++;
          counts.amended += Number((next.args[1] as { amend?: unknown } | undefined)?.amend === true);
        }
        if (next.method === 'forget') counts.forgotten += (result as { forgotten: number }).forgotten;
        if (next.method === 'merge') counts.merged += (result as { origins: number }).origins;
        if (next.method === 'snapshot') {
          const copy = SonaRouter.restore(result as Uint8Array, { now: () => time });
          if (bytes(copy) !== bytes(router)) throw new Error('a restored router is another');
          copy[Symbol.dispose]();
          counts.restored++;
        }
      } catch (error) {
        expectTyped(error);
      }
    }
    expectFinite(router.stats(), 'stats');
    readLog(lines.join('\n'));
    readLog([...router.exportLog()].join('\n'));
    try {
      expectSound(router.route(prompt(0, 1), { mode: 'observe' }).explain());
    } catch (error) {
      // nobody is left, or everybody is too slow
      if (!(error instanceof SonaError) || error.code !== 'SONA_NO_ELIGIBLE_MODEL') throw error;
    }
    router[Symbol.dispose]();
  };
  const property = fc.property(routerConfig, fc.array(routerCall, { maxLength: 300, size: 'max' }), run);
  fc.assert(property, { seed, numRuns: RUNS, endOnFailure: true });
  console.log(`random calls with seed ${seed}:`, counts);
  expect(counts.calls).toBeGreaterThanOrEqual(ENOUGH);
  // a good part must get past the checks, or little was tried
  expect(counts.accepted).toBeGreaterThan(0.3 * counts.calls);
  expect(counts.decisions).toBeGreaterThan(5_000);
  expect(counts.outcomes).toBeGreaterThan(3_000);
  expect(counts.amended).toBeGreaterThan(500);
  expect(counts.forgotten).toBeGreaterThan(100);
  expect(counts.merged).toBeGreaterThan(100);
  expect(counts.restored).toBeGreaterThan(300);
});
