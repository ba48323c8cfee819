// What a decision log says about other policies. The weighted estimators are computed a second time here; the outcome
// model's figures are checked in the core.
import { describe, expect, it } from 'vitest';
import { type DecisionRecord, type EvaluationPolicy, evaluatePolicy, writeLog } from '../index.ts';
import { decision, encode, models, outcome, randomLog } from './support/decisions.ts';
import { refusal } from './support/errors.ts';

type Row = Record<string, number>;

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const errorOf = (scores: readonly number[]) => {
  const middle = mean(scores);
  const squares = scores.map((score) => (score - middle) ** 2).reduce((a, b) => a + b, 0);
  return Math.sqrt(squares / scores.length / (scores.length - 1));
};

/** IPS and SNIPS by their definitions. */
function weighted(log: readonly DecisionRecord[], policy: (record: DecisionRecord) => Row) {
  const w = log.map((record) => (policy(record)[record.model] ?? 0) / record.propensity);
  const r = log.map((record) => record.outcome?.quality as number);
  const wr = w.map((weight, i) => weight * (r[i] as number));
  const snips = mean(wr) / mean(w);
  const scores = w.map((weight, i) => (weight * ((r[i] as number) - snips)) / mean(w));
  return {
    loggedReward: mean(r),
    meanWeight: mean(w),
    largestWeight: Math.max(...w),
    effectiveSampleSize: (w.length * mean(w) ** 2) / mean(w.map((weight) => weight ** 2)),
    ips: { value: mean(wr), standardError: errorOf(wr) },
    snips: { value: snips, standardError: errorOf(scores) },
  };
}

/** The same numbers, give or take rounding. */
function expectNear(got: unknown, want: unknown): void {
  if (typeof want === 'number') expect(got).toBeCloseTo(want, 10);
  else for (const [key, value] of Object.entries(want as object)) expectNear((got as Row)[key], value);
}

const uniform = ({ eligible }: DecisionRecord): Row =>
  Object.fromEntries(eligible.map((model) => [model, 1 / eligible.length]));
const logged = ({ eligible, propensities }: DecisionRecord): Row =>
  Object.fromEntries(eligible.map((model, i) => [model, propensities[i] as number]));
const mostlyLarge = ({ eligible }: DecisionRecord): Row =>
  eligible.includes('middle') ? { large: 0.7, middle: 0.2, small: 0.1 } : { large: 0.9, small: 0.1 };

describe('the five estimators', () => {
  const log = randomLog(400, 1);

  it.each<[string, EvaluationPolicy, (record: DecisionRecord) => Row]>([
    ['logged', 'logged', logged],
    ['uniform', 'uniform', uniform],
    ['always one', { model: 'large' }, () => ({ large: 1 })],
    ['a function', mostlyLarge, mostlyLarge],
    [
      'propensities',
      {
        propensities: Float64Array.from(
          log.flatMap((r) => r.eligible.map((m) => mostlyLarge(r)[m] as number)),
        ),
      },
      mostlyLarge,
    ],
  ])('of the policy: %s', (_, policy, row) => {
    const got = evaluatePolicy(log, policy);
    expectNear(got, weighted(log, row));
    expect(got).toMatchObject({ rounds: 400, featured: 400 });
    for (const { value, standardError, interval } of [got.ips, got.snips, got.dm, got.dr, got.sndr]) {
      const half = 1.959963984540054 * standardError;
      expectNear(interval, [value - half, value + half]);
    }
    expectNear(got.dm.bias, got.dr.value - got.dm.value);
    expectNear(got.support, 1);
  });

  it('agree on what they estimate, and features help', () => {
    const got = evaluatePolicy(log, mostlyLarge);
    const plain = evaluatePolicy(log, mostlyLarge, { features: false });
    expect(plain.featured).toBe(0);
    expect(plain.ips).toEqual(got.ips);
    expect(got.dr.standardError).toBeLessThan(plain.dr.standardError);
    for (const { value } of [got.snips, got.dm, got.dr, got.sndr, plain.dm, plain.dr]) {
      expect(Math.abs(value - got.ips.value)).toBeLessThan(4 * got.ips.standardError);
    }
  });

  it('are the same for text and records, and for the same seed', () => {
    const got = evaluatePolicy(log, 'uniform', { seed: 3 });
    expect(evaluatePolicy(writeLog(log), 'uniform', { seed: 3 })).toEqual(got);
    const other = evaluatePolicy(log, 'uniform', { seed: 4 });
    expect(other.dr).not.toEqual(got.dr);
    expect(other.snips).toEqual(got.snips);
  });

  it('take any reward from 0 to 1', () => {
    const halved = log.map((record) => ({
      ...record,
      outcome: outcome((record.outcome?.quality as number) / 2),
    }));
    const reward = ({ outcome }: DecisionRecord) => (outcome?.quality as number) / 2;
    expect(evaluatePolicy(log, 'uniform', { reward })).toEqual(evaluatePolicy(halved, 'uniform'));
  });
});

describe('what enters', () => {
  const sound = randomLog(20, 2);
  const next = (n: number, parts: Partial<DecisionRecord>) =>
    decision(100 + n, { outcome: outcome(1), ...parts });
  const left = [
    next(0, { mode: 'observe' }),
    next(1, { reason: 'session' }),
    next(2, { reason: 'session' }),
    (({ outcome: _, ...rest }) => rest)(next(3, {})),
    next(4, { outcome: { error: true, at: 1 } }),
    next(5, { outcome: outcome(1, { model: 'middle' }) }),
  ];
  const none = { observed: 0, session: 0, noOutcome: 0, noQuality: 0, otherModel: 0, ineligible: 0 };
  const excluded = { observed: 1, session: 2, noOutcome: 1, noQuality: 1, otherModel: 1, ineligible: 0 };

  it('are applied decisions of the policy and of trials with a quality, by the model that was chosen', () => {
    const trial = next(9, { reason: 'trial', outcome: outcome(0.5, { model: 'small' }) });
    const all = evaluatePolicy([...left, ...sound, trial], 'uniform');
    expect(all).toEqual({ ...evaluatePolicy([...sound, trial], 'uniform'), excluded });
    expect(all.rounds).toBe(21);
    expect(evaluatePolicy(sound, 'uniform').excluded).toEqual(none);
  });

  it('are not asked of a policy or a reward otherwise', () => {
    const asked: (number | string)[] = [];
    const policy = (record: DecisionRecord) => {
      asked.push(record.id);
      return uniform(record);
    };
    const reward = ({ id }: DecisionRecord) => Number(Number(id) < 100);
    expect(evaluatePolicy([...left, ...sound], policy, { reward }).loggedReward).toBe(1);
    expect(asked).toEqual(sound.map(({ id }) => id));
  });

  it('have propensities that skip those that do not', () => {
    const propensities = (log: readonly DecisionRecord[]) => ({
      propensities: Float64Array.from(log.flatMap((record) => Object.values(uniform(record)))),
    });
    const log = [...left.slice(0, 3), ...sound, ...left.slice(3)];
    expect(evaluatePolicy(log, propensities(log))).toEqual(evaluatePolicy(log, 'uniform'));
  });

  it('are those where a single model was eligible', () => {
    const log = randomLog(100, 3);
    const without = log.filter(({ eligible }) => !eligible.includes('middle')).length;
    expect(without).toBeGreaterThan(10);
    const got = evaluatePolicy(log, { model: 'middle' });
    expect(got.excluded).toEqual({ ...none, ineligible: without });
    expect(got.rounds).toBe(100 - without);
  });

  it('have the probability of models that were not eligible shared out', () => {
    const log = randomLog(100, 3);
    const fixed = () => ({ large: 0.25, middle: 0.5, small: 0.25 });
    const shared = ({ eligible }: DecisionRecord) =>
      eligible.includes('middle') ? fixed() : { large: 0.5, small: 0.5 };
    const [a, b] = [evaluatePolicy(log, fixed), evaluatePolicy(log, shared)];
    expectNear(a, b);
    const middle = evaluatePolicy(log, () => ({ middle: 1 }));
    expect(middle).toEqual(evaluatePolicy(log, { model: 'middle' }));
  });
});

describe('features', () => {
  it('are those of the basis that most decisions have', () => {
    const log = randomLog(300, 4);
    const mixed = log.map((record, i) =>
      i % 3 > 0 ? record : { ...record, basis: { id: 'auto', hash: 'old' }, features: encode([9, 9, 9]) },
    );
    const blank = mixed.map((record, i) => {
      const { features: _, ...rest } = record;
      return i % 3 > 0 ? record : rest;
    });
    const got = evaluatePolicy(mixed, 'uniform');
    expect(got.featured).toBe(200);
    expect(got).toEqual(evaluatePolicy(blank, 'uniform'));
    expect(evaluatePolicy(randomLog(300, 4, false), 'uniform').featured).toBe(0);
  });
});

describe('each feature', () => {
  it('is read from its place', () => {
    const log = randomLog(300, 7);
    const moved = (to: readonly number[]) =>
      log.map((record) => {
        const bytes = Buffer.from(record.features as string, 'base64');
        const features: number[] = [];
        for (const [from, at] of to.entries()) features[at] = bytes.readFloatLE(4 * from);
        return { ...record, features: encode(features) };
      });
    const got = evaluatePolicy(log, 'uniform');
    // a ridge regression does not care about the order of its columns
    expectNear(evaluatePolicy(moved([127, 64]), 'uniform'), got);
    expect(evaluatePolicy(moved([127]), 'uniform').dr).not.toEqual(got.dr);
  });
});

describe('support', () => {
  it('is how much of the policy the log may know', () => {
    // every second decision was certain
    const log = randomLog(100, 5).map((record, i) =>
      i % 2 > 0
        ? record
        : {
            ...record,
            propensity: 1,
            propensities: record.eligible.map((model) => Number(model === record.model)),
          },
    );
    const { support, meanWeight } = evaluatePolicy(log, { model: 'large' });
    const certain = log.filter(({ model }, i) => i % 2 === 0 && model === 'large').length;
    expect(support).toBeCloseTo((50 + certain) / 100, 12);
    expect(meanWeight).toBeLessThan(1);
    expect(evaluatePolicy(log, 'logged').support).toBeCloseTo(1, 12);
  });
});

describe('refusals', () => {
  const log = randomLog(20, 6);
  const [first, ...others] = log as [DecisionRecord, ...DecisionRecord[]];
  const message = async (call: () => unknown) => (await refusal(call)).message;

  it('an empty log, and one without decisions that enter', async () => {
    for (const policy of ['logged', 'uniform', { model: 'small' }] as const) {
      const error = await refusal(() => evaluatePolicy('', policy));
      expect(error.code).toBe('SONA_OUT_OF_RANGE');
      expect(error.message).toBe(
        'log: expected at least 2 decisions that were applied and have a quality, got 0 of 0',
      );
    }
    const open = [decision(1), decision(2, { mode: 'observe' }), first];
    expect(await message(() => evaluatePolicy(open, 'uniform'))).toMatch(
      /got 1 of 3 \(observed 1, noOutcome 1\)$/,
    );
  });

  it('a deterministic log, with what to do', async () => {
    const certain = models.map((model, id) =>
      decision(id, {
        eligible: models,
        model,
        propensity: 1,
        propensities: models.map((other) => Number(other === model)),
        outcome: outcome(1),
      }),
    );
    for (const policy of ['logged', 'uniform', { model: 'small' }] as const) {
      const error = await refusal(() => evaluatePolicy(certain, policy));
      expect(error.code).toBe('SONA_INVALID_ARGUMENT');
      expect(error.message).toMatch(/^log: .*set propensityFloor, or use igw or thompson.*deterministic log/);
    }
  });

  it('a policy that never does what was done', async () => {
    const small = log.filter(({ model }) => model === 'small');
    const error = await refusal(() => evaluatePolicy(small, { model: 'large' }));
    expect(error.code).toBe('SONA_INVALID_ARGUMENT');
    expect(error.message).toMatch(/^policy: /);
  });

  it.each<[string, unknown, string, string]>([
    ['another word', 'best', 'SONA_INVALID_ARGUMENT', 'policy: '],
    ['nothing', undefined, 'SONA_INVALID_ARGUMENT', 'policy: '],
    ['null', null, 'SONA_INVALID_ARGUMENT', 'policy: '],
    ['an empty object', {}, 'SONA_INVALID_ARGUMENT', 'policy.model: '],
    ['an unknown key', { model: 'small', x: 1 }, 'SONA_INVALID_ARGUMENT', 'policy.x: '],
    ['an unknown model', { model: 'tiny' }, 'SONA_INVALID_ARGUMENT', 'policy.model: '],
    ['a list', { propensities: [1] }, 'SONA_INVALID_ARGUMENT', 'policy.propensities: '],
    ['too few', { propensities: new Float64Array(3) }, 'SONA_DIM_MISMATCH', 'policy.propensities: '],
    ['no row', () => undefined, 'SONA_INVALID_ARGUMENT', 'policy of decision 0: '],
    [
      'a word for a probability',
      () => ({ small: 'all' }),
      'SONA_INVALID_ARGUMENT',
      'policy of decision 0: small: ',
    ],
    ['a probability of 2', () => ({ small: 2 }), 'SONA_OUT_OF_RANGE', 'policy of decision 0: small: '],
    ['NaN', () => ({ small: Number.NaN }), 'SONA_NOT_FINITE', 'policy of decision 0: small: '],
    ['a sum of .9', () => ({ small: 0.9 }), 'SONA_OUT_OF_RANGE', 'policy of decision 0: '],
    ['no probability', () => ({}), 'SONA_OUT_OF_RANGE', 'policy of decision 0: '],
    ['an unknown model with it', () => ({ tiny: 1 }), 'SONA_INVALID_ARGUMENT', 'policy of decision 0: '],
  ])('a policy that is %s', async (_, policy, code, begin) => {
    const error = await refusal(() => evaluatePolicy(log, policy as EvaluationPolicy));
    expect(error.code).toBe(code);
    expect(error.message.startsWith(begin) || error.message).toBe(true);
  });

  it('propensities that sum to something else', async () => {
    const flat = Float64Array.from(log.flatMap((record) => Object.values(uniform(record))));
    flat[0] = 0.9;
    const error = await refusal(() => evaluatePolicy(log, { propensities: flat }));
    expect(error).toMatchObject({ code: 'SONA_OUT_OF_RANGE' });
    expect(error.message).toMatch(/^policy\.propensities of decision 0: /);
  });

  it.each<[string, unknown, string]>([
    ['another kind', 5, 'options'],
    ['an unknown key', { folds: 2 }, 'options.folds'],
    ['no function', { reward: 'quality' }, 'options.reward'],
    ['no boolean', { features: 1 }, 'options.features'],
    ['a negative seed', { seed: -1 }, 'options.seed'],
    ['a reward of 2', { reward: () => 2 }, 'reward of decision 0'],
    ['a reward that is none', { reward: () => undefined }, 'reward of decision 0'],
  ])('options that are %s', async (_, options, argument) => {
    const error = await refusal(() => evaluatePolicy(log, 'uniform', options as object));
    expect(error.details.argument).toBe(argument);
  });

  it('what is no log', async () => {
    for (const value of [undefined, null, 5, {}]) {
      expect(await message(() => evaluatePolicy(value as never, 'uniform'))).toMatch(/^log: expected /);
    }
    const wrong = [first, { ...others[0], propensity: 0.123 }] as DecisionRecord[];
    expect(await message(() => evaluatePolicy(wrong, 'uniform'))).toMatch(/^log\[1\]: propensity: /);
    const infinite = [encode([Number.POSITIVE_INFINITY]), encode([])].map((features, id) =>
      decision(id, { features, outcome: outcome(1) }),
    );
    expect((await refusal(() => evaluatePolicy(infinite, 'uniform'))).code).toBe('SONA_NOT_FINITE');
  });

  it('what a function throws is passed on', () => {
    const broken = new Error('mine');
    const policy = () => {
      throw broken;
    };
    expect(() => evaluatePolicy(log, policy)).toThrow(broken);
  });
});
