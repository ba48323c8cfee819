// Random calls on a router: any method, with arguments that are right, nearly right, or anything at all.
import fc from 'fast-check';
import type { RouterConfig, SonaRouter } from '../../index.ts';
import { basis, DIM, idAt, numberOf } from './routers.ts';

/** Stands for the id of one of the newest decisions: known when the call is made. */
class Decided {
  constructor(readonly nth: number) {}
}

/** Stands for the state of the router itself, of a while ago, or of another. */
class State {
  constructor(readonly whose: 'own' | 'former' | 'other') {}
}

/** One call: a method's name and its arguments. */
export interface RouterCall {
  method: string;
  args: unknown[];
}

const number = fc.oneof(
  { weight: 40, arbitrary: fc.integer({ min: -4, max: 4 }) },
  { weight: 20, arbitrary: fc.double({ min: -2, max: 2, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, 1 / 0, 1e-45, 5e-324, 1e19, 3e38, 1e39, -0) },
);
const vector = fc
  .tuple(fc.array(number, { minLength: DIM, maxLength: DIM }), fc.nat(30))
  .map(([values, kind]) => {
    if (kind === 0) return values.slice(1);
    if (kind === 1) return Int32Array.from(values);
    if (kind < 10) return values;
    return kind < 20 ? Float64Array.from(values) : Float32Array.from(values);
  });

const anything = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 0, -1, 1.5, 2 ** 53, Number.NaN, 1n, true, {}, [], new Map()),
  fc.anything({ withBigInt: true, withDate: true, withSparseArray: true, withTypedArray: true }),
);

/** Mostly what belongs there, sometimes not. */
const mostly = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 60, arbitrary }, { weight: 1, arbitrary: anything });

const some = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  fc.record(fields, { requiredKeys: [] });

/** Most routers have the first three. */
const name = fc.constantFrom('a', 'a', 'a', 'b', 'b', 'b', 'c', 'c', 'c', 'd', 'e');
const unit = fc.oneof(
  { weight: 12, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  { weight: 6, arbitrary: fc.constantFrom(0, 1) },
  { weight: 1, arbitrary: number },
);
const usd = fc.oneof(
  { weight: 12, arbitrary: fc.double({ min: 0, max: 0.1, noNaN: true }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 5e-324, 1e-9, 1, 1e12, 1e300) },
);
const ms = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 0, max: 60_000 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 5e-324, 1e12) },
);
const tokens = fc.constantFrom(0, 1, 500, 100_000, 1e12);
const price = fc.constantFrom(0, 1e-9, 0.15, 10, 1e12);
const source = fc.constantFrom('x', 'y');
const id = fc.oneof(fc.nat(3), fc.nat(30)).map((nth) => new Decided(nth));
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4 });
const prior = some({
  quality: unit,
  costUsd: usd,
  latencyMs: ms,
  like: name,
  weight: fc.constantFrom(1e-9, 1, 1e6),
});
const model = fc
  .tuple(name, some({ inputUsdPer1M: price, outputUsdPer1M: price, tags: names, prior }))
  .map(([id, parts]) => ({ id, ...(parts as object) }));
const row = fc.record(
  { vector, model: name, quality: unit, weight: fc.constantFrom(1e-9, 1, 1_000) },
  { requiredKeys: ['vector', 'model', 'quality'] },
);
const route = some({
  eligible: mostly(names),
  sessionId: mostly(name),
  tenant: mostly(name),
  maxCostUsd: mostly(fc.constantFrom(1, 1, 1, 0.01, 0)),
  maxLatencyMs: mostly(fc.constantFrom(1e9, 1e9, 60_000, 1_000)),
  mode: mostly(fc.constantFrom('apply', 'apply', 'apply', 'observe')),
  promptTokens: mostly(tokens),
});
const usage = some({
  inputTokens: tokens,
  outputTokens: mostly(tokens),
  truncated: mostly(fc.boolean()),
});
const attempt = fc.record(
  {
    model: name,
    usage,
    quality: unit,
    costUsd: usd,
    latencyMs: ms,
    error: fc.constantFrom(true, false, 'gone'),
  },
  { requiredKeys: ['model'] },
);
const chain = some({
  attempts: mostly(fc.array(attempt, { minLength: 1, maxLength: 4 })),
  source: mostly(source),
  amend: mostly(fc.boolean()),
  metadata: mostly(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 2 })),
});
const outcome = some({
  quality: mostly(unit),
  costUsd: mostly(usd),
  latencyMs: mostly(ms),
  usage: mostly(usage),
  error: mostly(fc.constantFrom(true, false, 'gone')),
  source: mostly(source),
  model: mostly(name),
  amend: mostly(fc.boolean()),
});
const state = fc
  .constantFrom<State['whose']>('own', 'former', 'other', 'other')
  .map((whose) => new State(whose));

const methods: [string, number, fc.Arbitrary<unknown>[]][] = [
  ['route', 30, [vector, route]],
  ['route', 20, [vector]],
  ['feedback', 50, [id, outcome]],
  ['feedback', 10, [id, chain]],
  ['addModel', 3, [model]],
  ['removeModel', 2, [name]],
  ['updatePrice', 3, [name, some({ inputUsdPer1M: price, outputUsdPer1M: price })]],
  ['models', 1, []],
  ['warmStart', 3, [fc.array(row, { maxLength: 5 })]],
  ['merge', 2, [state]],
  ['forget', 3, [some({ source, decisionId: id, before: fc.constantFrom(0, 1_000, 1e15) })]],
  ['exportLog', 1, [some({ since: fc.nat(50) })]],
  ['evaluate', 1, [fc.constant([]), fc.constantFrom('current', 'logged')]],
  ['stats', 1, []],
  ['memory', 1, []],
  ['basis', 1, []],
  ['snapshot', 2, []],
];

export const routerCall: fc.Arbitrary<RouterCall> = fc.oneof(
  ...methods.map(([method, weight, args]) => ({
    weight,
    arbitrary: fc
      .tuple(fc.tuple(...args.map(mostly)), fc.nat(40), anything)
      .map(([args, change, extra]): RouterCall => {
        if (change === 0) return { method, args: args.slice(0, -1) };
        return { method, args: change === 1 ? [...args, extra] : args };
      }),
  })),
);

export const routerConfig: fc.Arbitrary<RouterConfig> = fc
  .record({
    ids: fc.constantFrom(['a', 'b', 'c'], ['a', 'b', 'c'], ['c', 'b', 'a'], ['b'], []),
    own: fc.boolean(),
    exploration: fc.constantFrom('ucb', 'thompson', 'igw', 'greedy'),
    propensityFloor: fc.constantFrom(0, 0, 0.05, 0.5),
    confidenceEpsilon: fc.constantFrom(0, 0.05, 1),
    objective: fc.constantFrom<NonNullable<RouterConfig['objective']>>(
      {},
      { costWeight: 1, latencyWeight: 1 },
      { budgetUsdPerRequest: 0.01, maxLatencyMs: 30_000 },
      { budgetUsdPerRequest: 1e-12, qualityWeight: 0 },
      { qualityWeight: 100, costWeight: 100, costScale: { lowUsd: 1e-12, highUsd: 1e6 } },
    ),
    pendingCapacity: fc.constantFrom(2, 100_000, 100_000),
    pendingTtlMs: fc.constantFrom(50, 86_400_000, 86_400_000),
    sessionTtlMs: fc.constantFrom(1, 50),
    tenantCapacity: fc.constantFrom(1, 100),
    forcedTrials: fc.constantFrom(0, 2, 20),
    driftDetection: fc.boolean(),
    seed: fc.nat(),
  })
  .map(({ ids, own, exploration, ...rest }) => ({
    ...rest,
    exploration: exploration as NonNullable<RouterConfig['exploration']>,
    models: ids.map((id) => ({ id })),
    features: own ? { basis } : { dim: DIM },
    background: 'manual' as const,
    origin: 'here',
  }));

/** Makes calls, and remembers what later ones may refer to. */
export class RouterCaller {
  #newest = '';
  #former: Uint8Array | undefined;

  constructor(
    readonly router: SonaRouter,
    readonly other: () => Uint8Array,
  ) {}

  /** Whatever the call returns or throws. */
  make({ method, args }: RouterCall): unknown {
    const call = (this.router as unknown as Record<string, (...args: unknown[]) => unknown>)[method];
    const result = call?.apply(
      this.router,
      args.map((value) => this.#resolve(value)),
    );
    if (method === 'route') this.#newest = (result as { id: string }).id;
    if (method === 'snapshot') this.#former ??= result as Uint8Array;
    return result;
  }

  #resolve(value: unknown): unknown {
    if (value instanceof Decided) {
      return this.#newest === '' ? this.#newest : idAt(this.#newest, numberOf(this.#newest) - value.nth);
    }
    if (value instanceof State) {
      if (value.whose === 'other') return this.other();
      return value.whose === 'own' ? this.router.snapshot() : (this.#former ?? this.router.snapshot());
    }
    if (typeof value === 'object' && value !== null && 'decisionId' in value) {
      return { ...value, decisionId: this.#resolve(value.decisionId) };
    }
    return value;
  }
}
