// Random calls on an engine: any method, with arguments that are right, nearly right, or anything at all.
import fc from 'fast-check';
import type { SonaConfig, SonaEngine, TrajectoryBuilder } from '../../compat.ts';

export const DIM = 3;

/** Stands for a trajectory that is under way, now and then for one that has ended: known when the call is made. */
class Begun {
  constructor(readonly nth: number) {}
}

/** Stands for the id of the last suggestion. */
class Decided {}

/** Stands for the id of one of the newest trajectories. */
class Told {
  constructor(readonly nth: number) {}
}

/** One call: a method's name and its arguments. */
export interface Call {
  method: string;
  args: unknown[];
}

const number = fc.oneof(
  // doubles alone are mostly too small for a direction
  { weight: 40, arbitrary: fc.integer({ min: -4, max: 4 }) },
  { weight: 20, arbitrary: fc.double({ min: -2, max: 2, noNaN: true }) },
  { weight: 1, arbitrary: fc.double() },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      0,
      -0,
      1,
      -1,
      0.5,
      Number.NaN,
      1 / 0,
      -1 / 0,
      1e-45,
      5e-324,
      1e19,
      3e38,
      1e39,
      1e308,
    ),
  },
);

const numbers = fc.oneof(
  { weight: 24, arbitrary: fc.array(number, { minLength: DIM, maxLength: DIM }) },
  { weight: 1, arbitrary: fc.array(number, { maxLength: 2 * DIM }) },
);

/** An array of numbers as a vector of some kind; the last kinds are refused. */
const kinds: ((values: number[]) => unknown)[] = [
  (values) => values,
  (values) => Float32Array.from(values),
  (values) => Float64Array.from(values),
  (values) => {
    const shared = new Float32Array(new SharedArrayBuffer(4 * values.length));
    shared.set(values);
    return shared;
  },
  (values) => Float32Array.from(values).subarray(1),
  (values) => Int32Array.from(values),
  (values) => Buffer.from(values),
  (values) => values.map(String),
  (values) => [...values.slice(1), null],
];
const vector = fc
  .tuple(
    numbers,
    fc.oneof({ weight: 12, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(kinds.length - 1) }),
  )
  .map(([values, kind]) => kinds[kind]?.(values));

const anything = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    '',
    0,
    -1,
    1.5,
    2 ** 32,
    2 ** 53,
    Number.NaN,
    1n,
    true,
    {},
    [],
    new Map(),
  ),
  fc.anything({
    withBigInt: true,
    withDate: true,
    withSparseArray: true,
    withTypedArray: true,
    withNullPrototype: true,
  }),
);

/** Mostly what belongs there, sometimes not. */
const mostly = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 40, arbitrary }, { weight: 1, arbitrary: anything });

const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', 'e') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
);
const unit = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  { weight: 1, arbitrary: number },
);
const trajectory = fc.nat(6).map((nth) => new Begun(nth));
const options = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  fc.record(fields, { requiredKeys: [] });
const decision = fc.oneof(
  { weight: 4, arbitrary: fc.constant(new Decided()) },
  { weight: 1, arbitrary: fc.nat(9) },
);
const layer = fc.constantFrom(0, 0, 1, 2);
const node = fc.constantFrom('a', 'b', 1, 2);
const type = fc.constantFrom('General', 'CodeGen', 'Creative', 'code');
const source = fc.constantFrom('x', 'y');
const verdict = fc.constantFrom('success', 'failure', 'unknown');
const id = fc.nat(40).map((nth) => new Told(nth));
const clock = fc.boolean().map((all) => Date.now() + (all ? 3_600_000 : -3_600_000));
const criterion = fc.oneof(
  options({ source: mostly(source) }),
  options({ trajectoryId: mostly(id) }),
  options({ before: mostly(clock) }),
  options({ source: mostly(source), trajectoryId: mostly(id), before: mostly(clock) }),
);
const aborted = fc.boolean().map((already) => (already ? AbortSignal.abort() : new AbortController().signal));

const methods: [number, string, fc.Arbitrary<unknown>[]][] = [
  [4, 'applyMicroLora', [vector, fc.option(vector, { nil: undefined })]],
  [4, 'applyBaseLora', [fc.constantFrom(0, 0, 0, 1, 2, -1), vector]],
  [4, 'applyLora', [vector]],
  [2, 'applyMicroLoraBatch', [vector]],
  [5, 'addRoute', [name, options({ embedding: mostly(vector) })]],
  [1, 'removeRoute', [name]],
  [1, 'routes', []],
  [
    8,
    'suggestRoutes',
    [
      vector,
      options({
        k: mostly(fc.integer({ min: 1, max: 9 })),
        eligible: mostly(fc.array(name, { maxLength: 3 })),
      }),
    ],
  ],
  [12, 'beginTrajectory', [vector, options({ decision: mostly(decision) })]],
  [8, 'startTrajectory', [vector]],
  [8, 'addTrajectoryStep', [trajectory, vector, vector, number]],
  [4, 'addTrajectoryStep', [trajectory, vector, vector, number, options({ layer: mostly(layer) })]],
  [4, 'recordStep', [trajectory, node, number, unit]],
  [8, 'setTrajectoryRoute', [trajectory, name]],
  [
    4,
    'addTrajectoryContext',
    [
      trajectory,
      fc.oneof(
        name,
        type.map((word) => `type:${word}`),
      ),
    ],
  ],
  [8, 'endTrajectory', [trajectory, unit]],
  [4, 'endTrajectory', [trajectory, unit, options({ verdict: mostly(verdict), source: mostly(source) })]],
  [2, 'learnFromFeedback', [fc.boolean(), unit, unit]],
  [
    4,
    'learnFromFeedback',
    [
      options({
        trajectoryId: mostly(id),
        quality: mostly(unit),
        verdict: mostly(verdict),
        latencyMs: mostly(unit),
      }),
    ],
  ],
  [4, 'findPatterns', [vector, fc.nat(9), options({ minQuality: mostly(unit) })]],
  [1, 'queryPatterns', [vector, fc.nat(9)]],
  [2, 'expectQuality', [vector, options({ route: mostly(name) })]],
  [
    6,
    'remember',
    [
      vector,
      options({
        metadata: mostly(fc.constant({ a: [1, null, 'x'] })),
        tags: mostly(fc.array(name, { maxLength: 3 })),
        subject: mostly(name),
        session: mostly(name),
      }),
    ],
  ],
  [
    6,
    'recall',
    [
      vector,
      options({
        k: mostly(fc.nat(9)),
        minScore: mostly(fc.double({ min: -1, max: 1, noNaN: true })),
        expand: mostly(fc.nat(3)),
        where: mostly(options({ tags: mostly(fc.array(name, { maxLength: 2 })), subject: mostly(name) })),
      }),
    ],
  ],
  [1, 'forget', [options({ subject: mostly(name) })]],
  [1, 'versions', []],
  [1, 'rollback', [fc.nat(20)]],
  [2, 'forget', [criterion]],
  [1, 'snapshot', []],
  [1, 'runInstantCycle', []],
  [1, 'runBackgroundCycle', []],
  [2, 'tick', []],
  [1, 'forceLearn', []],
  [1, 'flush', []],
  [1, 'learn', [options({ signal: mostly(aborted), onProgress: mostly(fc.constant(() => undefined)) })]],
  [1, 'getStats', []],
  [1, 'stats', []],
  [2, 'setEnabled', [fc.constantFrom(true, true, true, false)]],
  [1, 'isEnabled', []],
  [1, 'capabilities', []],
];

/** Each argument mostly of its kind, sometimes anything; sometimes fewer arguments, sometimes more. */
export const call: fc.Arbitrary<Call> = fc.oneof(
  ...methods.map(([weight, method, args]) => ({
    weight,
    arbitrary: fc
      .tuple(fc.constant(method), fc.tuple(...args.map(mostly)), fc.nat(30), anything)
      .map(([method, args, change, extra]) => {
        if (change === 0) return { method, args: args.slice(0, -1) };
        return { method, args: change === 1 ? [...args, extra] : args };
      }),
  })),
);

export const config: fc.Arbitrary<SonaConfig> = fc.record({
  hiddenDim: fc.constant(DIM),
  background: fc.constantFrom('auto', 'manual'),
  backgroundEvery: fc.integer({ min: 1, max: 40 }),
  trajectoryCapacity: fc.integer({ min: 1, max: 60 }),
  replayCapacity: fc.constant(64),
  maxTrajectorySteps: fc.integer({ min: 1, max: 4 }),
  memoryCapacity: fc.integer({ min: 0, max: 20 }),
  microLoraLr: fc.constantFrom(0, 0.01, 1),
  baseLoraLr: fc.constantFrom(0, 0.002, 1),
  baseLoraRank: fc.constantFrom(1, 3, 16),
  baseLoraLayers: fc.constantFrom(1, 1, 2),
  patternClusters: fc.constantFrom(1, 4, 50),
  consolidationInterval: fc.constantFrom(1, 20, 500),
  ewcLambda: fc.constantFrom(0, 1_000, 1e6),
  loraAlpha: fc.constantFrom(0.01, 8, 256),
  promotionGate: fc.boolean(),
  enableSimd: fc.boolean(),
  seed: fc.nat(),
});

/** Makes calls, and remembers what later ones may refer to. */
export class Caller {
  #begun: (TrajectoryBuilder | number)[] = [];
  #ended: unknown;
  #decision = 's0000000000000000-1';

  constructor(readonly engine: SonaEngine) {}

  /** Whatever the call returns or throws. */
  make({ method, args }: Call): unknown {
    const call = (this.engine as unknown as Record<string, (...args: unknown[]) => unknown>)[method];
    const resolved = args.map((value) => this.#resolve(value));
    const result = call?.apply(this.engine, resolved);
    if (method === 'beginTrajectory' || method === 'startTrajectory') {
      this.#begun = [result as TrajectoryBuilder | number, ...this.#begun].slice(0, 6);
    }
    if (method === 'endTrajectory') {
      this.#ended = resolved[0];
      this.#begun = this.#begun.filter((begun) => begun !== this.#ended);
    }
    if (method === 'suggestRoutes') this.#decision = (result as { id: string }).id;
    return result;
  }

  #resolve(value: unknown): unknown {
    if (value instanceof Told) return value.nth + 1;
    if (value instanceof Begun) {
      const { length } = this.#begun;
      return value.nth === 6 || length === 0 ? this.#ended : this.#begun[value.nth % length];
    }
    if (value instanceof Decided) return this.#decision;
    if (typeof value !== 'object' || value === null) return value;
    if ('decision' in value && value.decision instanceof Decided) {
      return { ...value, decision: this.#decision };
    }
    if ('trajectoryId' in value && value.trajectoryId instanceof Told) {
      return { ...value, trajectoryId: this.#resolve(value.trajectoryId) };
    }
    return value;
  }
}
