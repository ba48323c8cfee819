// Why a decision went where it went: numbers that add up, words for the terminal.
import { describe, expect, it } from 'vitest';
import { type DecisionId, type Explanation, explainTable, SonaEngine, type SonaRouter } from '../../index.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import { basis, DIM, prompt, teach } from '../support/routers.ts';

const make = routers();

function taught(config: Parameters<typeof make>[0] = {}): SonaRouter {
  const router = make({ objective: { costWeight: 0.1 }, ...config });
  teach(router, 100, 1, undefined, (n, quality) => ({ quality, latencyMs: 200 + n }));
  return router;
}

describe('an explanation', () => {
  it('is plain data that adds up', () => {
    const router = taught();
    const decision = router.route(prompt(0, 1), { tenant: 'a', eligible: ['coder', 'poet'] });
    const explanation = decision.explain();
    expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
    expect(explanation).toMatchObject({
      id: decision.id,
      model: decision.model,
      reason: 'policy',
      exploration: 'ucb',
      budgetPrice: 0,
      basis: { id: 'eight' },
    });
    expect(explanation).not.toHaveProperty('patterns');
    expect(explanation.candidates.filter(({ chosen }) => chosen).map(({ model }) => model)).toEqual([
      decision.model,
    ]);
    for (const candidate of explanation.candidates) {
      const { parts, expected, blocks, evidence, prior, outcomes, tenant } = candidate;
      expect(candidate.score).toBeCloseTo(
        parts.quality + parts.optimism + parts.bonus - parts.cost - parts.latency,
        12,
      );
      // the weight of quality is 1
      expect(parts.quality).toBeCloseTo((blocks[0] + blocks[1]) / 2 + tenant, 12);
      expect(expected.quality).toBeCloseTo(Math.min(1, Math.max(0, parts.quality)), 12);
      expect(expected.interval[0]).toBeLessThanOrEqual(expected.quality);
      expect(expected.interval[1]).toBeGreaterThanOrEqual(expected.quality);
      expect(expected.deviation).toBeGreaterThan(0);
      expect(evidence + prior).toBe(1);
      expect(evidence).toBeGreaterThan(0);
      expect(parts.cost).toBeGreaterThan(0);
      expect(expected.costUsd).toBeGreaterThan(0);
      expect(expected.latencyMs).toBeGreaterThan(100);
      const counted = router.stats().models.find(({ id }) => id === candidate.model);
      expect(outcomes).toBe(counted?.outcomes);
    }
    // what a decision says at once is what it explains
    for (const { model, score, quality, costUsd, latencyMs, propensity, confidence } of decision.ranked) {
      const same = explanation.candidates.find((candidate) => candidate.model === model);
      expect(same).toMatchObject({
        score,
        propensity,
        confidence,
        expected: { quality, costUsd, latencyMs },
      });
    }
  });

  it('is of the time of the decision', () => {
    const router = taught();
    const decision = router.route(prompt(0, 1));
    const before = decision.explain();
    teach(router, 100, 2);
    router.updatePrice('coder', { inputUsdPer1M: 100 });
    for (let n = 0; n < 100; n++) router.route(prompt(1, n));
    expect(decision.explain()).toEqual(before);
    before.candidates.length = 0;
    expect(decision.explain().candidates).toHaveLength(3);
  });

  it('says how little is known at first', () => {
    const { candidates } = make().route(prompt(0, 1)).explain();
    for (const { outcomes, evidence, prior, expected, propensity } of candidates) {
      expect([outcomes, evidence, prior, expected.quality]).toEqual([0, 0, 1, 0.5]);
      expect(propensity).toBeCloseTo(1 / 3, 12);
    }
  });

  it('leaves the bonus out of the score where the policy does not rank by it', () => {
    for (const exploration of ['thompson', 'igw', 'greedy'] as const) {
      for (const { score, parts } of taught({ exploration }).route(prompt(0, 1)).explain().candidates) {
        expect(parts.bonus).toBeGreaterThan(0);
        expect(score).toBeCloseTo(parts.quality + parts.optimism - parts.cost - parts.latency, 12);
      }
    }
  });

  it('names the basis that the decision was made on', async () => {
    for (const background of ['auto', 'manual'] as const) {
      const router = make({ features: { dim: DIM }, background });
      const decisions = teach(router, 500);
      await router.settled();
      expect(decisions.at(-1)?.explain().basis.id).toBe('projection');
      expect(router.route(prompt(0, 1)).explain().basis.id).toBe('auto-500');
    }
  });
});

describe('patterns of an attached engine', () => {
  it('are shown as they are when asked for', async () => {
    const engine = SonaEngine.withConfig({ hiddenDim: DIM, background: 'manual', patternClusters: 4 });
    const router = make({ engine });
    const decision = router.route(prompt(0, 1));
    expect(decision.explain().patterns).toEqual([]);
    for (let n = 0; n < 60; n++) {
      const told = engine.beginTrajectory(prompt(n % 2, n)).setRoute(n % 2 === 0 ? 'grep' : 'rhyme');
      // what fails is shown too
      engine.endTrajectory(told, n % 2 === 0 && n % 8 !== 0 ? 0 : 0.5);
    }
    engine.forceLearn();
    // the query of then, whatever has been asked since
    router.route(prompt(1, 2));
    const { patterns = [] } = decision.explain();
    const direct = engine.findPatterns(prompt(0, 1), 3, { minQuality: 0 });
    expect(patterns.length).toBeGreaterThan(0);
    expect(patterns).toEqual(
      direct.map(({ similarity, avgQuality, clusterSize, routes }) => ({
        similarity,
        avgQuality,
        clusterSize,
        routes,
      })),
    );
    expect(patterns[0]?.routes.grep?.count).toBeGreaterThan(0);
    expect(explainTable(decision.explain())).toMatch(/\npattern at 0\.\d\d, quality 0\.\d\d of \d+: /);
    await engine.close();
    expect(decision.explain()).not.toHaveProperty('patterns');
  });
});

describe('explainTable', () => {
  const explanation: Explanation = {
    id: 'r0123456789abcdef-12' as DecisionId,
    model: 'large',
    settings: { model: 'large' },
    limits: null,
    reason: 'policy',
    exploration: 'ucb',
    difficulty: -0.0123,
    budgetPrice: 0.25,
    basis: { id: 'minilm' },
    fallback: null,
    candidates: [
      {
        model: 'large',
        settings: { model: 'large' },
        chosen: true,
        propensity: 0.995,
        score: 0.81234,
        confidence: 0.93,
        parts: { quality: 0.9, optimism: 0.01, bonus: 0.02, cost: 0.11766, latency: 0 },
        expected: {
          quality: 0.9,
          interval: [0.84, 0.96],
          deviation: 0.036,
          costUsd: 0.0123456,
          costInterval: [0.01, 0.02],
          latencyMs: 12_345.6,
          latencyInterval: [10_000, 15_000],
          outputTokens: null,
          outputInterval: null,
        },
        blocks: [0.88, 0.92],
        availability: 0.998,
        tenant: 0,
        outcomes: 1_234,
        evidence: 0.876,
        prior: 0.124,
        filters: [],
      },
      {
        model: 'small',
        settings: { model: 'small' },
        chosen: false,
        propensity: 0.005,
        score: 0.5,
        confidence: null,
        parts: { quality: 0.4, optimism: 0.1, bonus: 0.03, cost: 0.03, latency: 0 },
        expected: {
          quality: 0.4,
          interval: [0.3, 0.5],
          deviation: 0.06,
          costUsd: null,
          costInterval: null,
          latencyMs: 9.5,
          latencyInterval: [8, 11],
          outputTokens: null,
          outputInterval: null,
        },
        blocks: [0.4, 0.4],
        availability: 0.95,
        tenant: 0,
        outcomes: 0,
        evidence: 0,
        prior: 1,
        filters: ['cost', 'failing'],
      },
    ],
    patterns: [
      { similarity: 0.987, avgQuality: 0.5, clusterSize: 7, routes: {} },
      {
        similarity: 0.6,
        avgQuality: 0.75,
        clusterSize: 20,
        routes: {
          b: { count: 5, avgQuality: 0.25, successRate: null },
          a: { count: 15, avgQuality: 0.9, successRate: 1 },
        },
      },
    ],
  };

  it('is a table for the terminal', () => {
    expect(explainTable(explanation).split('\n')).toEqual([
      "decision r0123456789abcdef-12: large, by the policy, ucb (confidence 93%, difficulty -0.012, basis minilm, budget's price 0.250)",
      '   model  chance  score  quality  +optimism  +bonus  -cost        expected     USD     ms  evidence    of  ruled out by',
      '>  large   99.5%  0.812    0.900      0.010   0.020  0.118  0.90 0.84-0.96  0.0123  12346       88%  1234',
      '   small    0.5%  0.500    0.400      0.100   0.030  0.030  0.40 0.30-0.50       -    9.5        0%     0  cost, failing',
      'pattern at 0.99, quality 0.50 of 7',
      'pattern at 0.60, quality 0.75 of 20: a 0.90 of 15, b 0.25 of 5',
    ]);
  });

  it('shows how long answers are expected to be, and how much room they get', () => {
    const told = structuredClone(explanation);
    told.limits = { maxTokens: 2_048, contextTokens: 4_096, quantile: 0.95 };
    const [first] = told.candidates;
    if (first) Object.assign(first.expected, { outputTokens: 812.4, outputInterval: [200, 1_900] });
    const [facts, head, large, small] = explainTable(told).split('\n');
    expect(facts).toContain("budget's price 0.250, maxTokens 2048 for 95% of answers)");
    expect(head).toMatch(/ ms +tokens +evidence/);
    expect(large).toMatch(/ 12346 +812 +88%/);
    expect(small).toMatch(/ 9\.5 +- +0%/);
  });

  it('says so where a setting cuts answers, and rounds no share up', () => {
    const told = structuredClone(explanation);
    const chosen = told.candidates.find((candidate) => candidate.chosen);
    const facts = (maxTokens: number, quantile: number) => {
      told.limits = { maxTokens, contextTokens: null, quantile };
      return explainTable(told).split('\n')[0];
    };
    expect(facts(512, 0.975)).toContain('maxTokens 512 for 97.5% of answers)');
    if (chosen) chosen.settings = { model: 'large', top_k: 512 };
    expect(facts(512, 0.975)).toContain('maxTokens 512 for 97.5% of answers)');
    if (chosen) chosen.settings = { model: 'large', maxTokens: 10.5 };
    expect(facts(10, 0.95)).toContain('maxTokens 10 by its settings)');
    for (const [confidence, shown] of [
      [0.9996, '>99.9%'],
      [1, '100%'],
      [0.994, '99.4%'],
      [0.0004, '<0.1%'],
      [0, '0%'],
    ] as const) {
      if (chosen) chosen.confidence = confidence;
      expect(facts(10, 0.95)).toContain(`confidence ${shown},`);
    }
  });

  it('leaves out columns in which nothing stands', () => {
    const [first] = explanation.candidates;
    const bare = structuredClone(first) as NonNullable<typeof first>;
    bare.parts = { quality: 0.5, optimism: 0, bonus: 0, cost: 0, latency: 0 };
    bare.expected = {
      quality: 0.5,
      interval: [0, 1],
      deviation: 1,
      costUsd: null,
      costInterval: null,
      latencyMs: null,
      latencyInterval: null,
      outputTokens: null,
      outputInterval: null,
    };
    const { patterns: _, ...rest } = explanation;
    const text = explainTable({ ...rest, reason: 'session', budgetPrice: 0, candidates: [bare] });
    expect(text.split('\n')).toEqual([
      'decision r0123456789abcdef-12: large, by its session (confidence 93%, difficulty -0.012, basis minilm)',
      '   model  chance  score  quality        expected  evidence    of',
      '>  large   99.5%  0.812    0.500  0.50 0.00-1.00       88%  1234',
    ]);
    expect(explainTable({ ...rest, reason: 'trial' })).toContain('large, on trial (');
    const headOf = (fallback: Explanation['fallback']) =>
      explainTable({ ...rest, reason: 'policy', fallback }).split(' (')[0];
    expect(headOf({ reason: 'empty' })).toMatch(/, without the prompt: empty$/);
    expect(headOf({ reason: 'embedder', code: 'SONA_EMBEDDER', message: 'own: down\n\x1b[2J' })).toMatch(
      /, without the prompt: embedder, own: down\?\?\[2J$/,
    );
    expect(headOf(null)).not.toContain('prompt');
    expect(explainTable({ ...rest, patterns: [] })).toMatch(/\nno patterns near$/);
  });

  it('is narrow and without control characters for what a router explains', () => {
    const router = taught();
    router.addModel({ id: 'two\nlines\u001b[31m' });
    const text = explainTable(router.route(prompt(0, 1), { eligible: ['coder', 'poet', 'dull'] }).explain());
    expect(text).toMatch(/^decision r[0-9a-f]{16}-101: \w+, by the policy, ucb \(/);
    for (const line of text.split('\n')) expect(line.length).toBeLessThan(130);
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  });

  it.each([undefined, null, 1, 'explanation', [], {}, { candidates: 1 }])(
    'takes nothing else: %s',
    async (value) => {
      expect(await refusal(() => explainTable(value as never))).toMatchObject({
        code: 'SONA_INVALID_ARGUMENT',
        details: { argument: 'explanation' },
      });
    },
  );
});

it('explains on the basis that was given', () => {
  expect(make({ features: { basis } }).route(prompt(0, 1)).explain().basis).toEqual({ id: 'eight' });
});
