// Programs of every dialect, measured on BANKING77: each must choose better after 2,000 outcomes than before, also with
// the rates and lambdas that its documents recommend. Three seeds each; the worst counts.
import { describe, expect, it } from 'vitest';
import { type SonaConfig, SonaEngine, type Vector } from '../../compat.ts';
import { type Measured, measure, type Program, pack, shortened } from '../support/banking77.ts';

const set = pack();
/** The positional form of `withConfig` has no dimension: 256. */
const short = shortened(set, 256);

const EVENTS = 2_000;
const attention = new Array<number>(64).fill(1 / 64);

/** The two adapted vectors that programs of the first three dialects know, one after the other. */
const both = (engine: SonaEngine, x: Float32Array) => engine.applyBaseLora(0, engine.applyMicroLora(x));

/** Numeric ids, plain arrays, forced learning. */
const numericIds = (engine: SonaEngine): Program => ({
  adapt: (x) => both(engine, x),
  tell: (x, activation, right) => {
    const id = engine.beginTrajectory(Array.from(x));
    engine.addTrajectoryStep(id, Array.from(activation), [], 1);
    engine.addTrajectoryContext(id, 'banking');
    engine.endTrajectory(id, right ? 1 : 0);
  },
  hundred: () => engine.forceLearn(),
});

/** The same, looking at `applyMicroLora` alone. */
const microAlone = (engine: SonaEngine): Program => ({
  ...numericIds(engine),
  adapt: (x) => engine.applyMicroLora(x),
});

/** Builder objects, 64-bit vectors. */
const builders = (engine: SonaEngine): Program => ({
  adapt: (x) => both(engine, x),
  tell: (x, activation, right) => {
    const builder = engine.beginTrajectory(Float64Array.from(x));
    builder.addStep(Float64Array.from(activation), Float64Array.from(attention), 1);
    engine.endTrajectory(builder, right ? 1 : 0);
  },
  hundred: () => engine.forceLearn(),
});

/** Ids kept as text between two requests, a tick after each outcome. */
const requests = (engine: SonaEngine): Program => ({
  adapt: (x) => both(engine, x),
  tell: (x, activation, right) => {
    const session = JSON.stringify({ trajId: engine.beginTrajectory(Array.from(x)) });
    const { trajId } = JSON.parse(session) as { trajId: number };
    engine.addTrajectoryStep(trajId, Array.from(activation), attention, 1);
    engine.endTrajectory(trajId, right ? 1 : 0);
    engine.tick();
  },
  hundred: () => engine.forceLearn(),
});

/** startTrajectory, background cycles, applyLora. */
const started = (engine: SonaEngine): Program => ({
  adapt: (x) => engine.applyLora(x),
  tell: (x, activation, right) => {
    const id = engine.startTrajectory(x);
    engine.addTrajectoryStep(id, activation, [], 1);
    engine.recordStep(id, 42, 0.85, 150);
    engine.endTrajectory(id, right ? 1 : 0);
    engine.runInstantCycle();
  },
  hundred: () => engine.runBackgroundCycle(),
});

/** Every outcome told as good, and corrected by what the user said. */
const corrected = (engine: SonaEngine): Program => ({
  ...started(engine),
  tell: (x, activation, right) => {
    const id = engine.startTrajectory(x);
    engine.addTrajectoryStep(id, activation, [], 1);
    engine.endTrajectory(id, 1);
    engine.learnFromFeedback(right, 50, right ? 1 : 0);
  },
});

/** Qualities as the tutorials have them: .9 for a good answer, .2 for a bad one, whose step was worth .8. */
const lukewarm = (engine: SonaEngine): Program => ({
  ...builders(engine),
  tell: (x, activation, right) => {
    engine.endTrajectory(
      engine.beginTrajectory(x as Vector).addStep(activation, attention, 0.8),
      right ? 0.9 : 0.2,
    );
  },
});

const rows: [string, (engine: SonaEngine) => Program, () => SonaEngine, number][] = [
  ['A, defaults', numericIds, () => new SonaEngine(set.dim), 7],
  ['A, applyMicroLora alone', microAlone, () => new SonaEngine(set.dim), 7],
  ['B, defaults', builders, () => new SonaEngine(set.dim), 7],
  ['C, defaults', requests, () => new SonaEngine(set.dim), 7],
  ['D, positional, lambda .4', started, () => SonaEngine.withConfig(2, 16, 10_000, 0.4), 6],
  ['D, corrected by feedback', corrected, () => SonaEngine.withConfig(2, 16, 10_000, 0.4), 5],
  ['B, qualities .9 and .2, reward .8', lukewarm, () => new SonaEngine(set.dim), 2],
  ...(
    [
      [
        'A, the defaults of 0.1.8',
        { microLoraLr: 0.002, baseLoraLr: 0.0001, baseLoraRank: 8, ewcLambda: 2_000 },
        1,
      ],
      [
        'A, the README of 0.1.8',
        { microLoraRank: 1, microLoraLr: 0.001, baseLoraLr: 0.0001, baseLoraRank: 8, ewcLambda: 1_000 },
        1,
      ],
      [
        'A, custom-config',
        { microLoraLr: 0.002, baseLoraLr: 0.0002, ewcLambda: 500, patternClusters: 100 },
        2,
      ],
      ['A, lambda 400', { ewcLambda: 400, baseLoraLr: 0.0002 }, 2],
      ['A, base .001', { microLoraLr: 0.003, baseLoraLr: 0.001, ewcLambda: 3_000 }, 6],
    ] satisfies [string, SonaConfig, number][]
  ).map(([name, config, gain]): (typeof rows)[number] => [
    name,
    numericIds,
    () => SonaEngine.withConfig({ hiddenDim: set.dim, ...config }),
    gain,
  ]),
];

describe.each(rows)('%s', (name, program, make, gain) => {
  it(`gains ${gain} points and more`, { timeout: 60_000 }, async () => {
    const measured: Measured[] = [];
    for (const seed of [1, 2, 3]) {
      const engine = make();
      const data = name.startsWith('D') ? short : set;
      measured.push(measure(data, seed, EVENTS, program(engine)));
      await engine.close();
    }
    console.log(
      `${name}: ${measured.map(({ before, after }) => `${before.toFixed(1)} -> ${after.toFixed(1)}`).join(', ')}`,
    );
    expect(Math.min(...measured.map((each) => each.gain))).toBeGreaterThan(gain);
  });
});

// a step names the label that was chosen, by its number: nothing says where that lies
describe.each([
  ['D, nodes', 1, 0],
  ['D, nodes, score .85, qualities .9 and .2', 0.9, 0.2],
])('%s', (name, good, bad) => {
  it('chooses better than by the labels themselves', { timeout: 60_000 }, async () => {
    const measured: (readonly [number, number])[] = [];
    for (const seed of [1, 2, 3]) {
      const engine = new SonaEngine(set.dim);
      const program: Program = {
        adapt: (x) => engine.applyLora(x),
        tell: (x, activation, right) => {
          const id = engine.startTrajectory(x);
          engine.recordStep(id, set.labels.indexOf(activation), 0.85, 150);
          engine.endTrajectory(id, right ? good : bad);
        },
        hundred: () => engine.runBackgroundCycle(),
      };
      const { before } = measure(set, seed, EVENTS, program);
      const { vectors, labels } = set.test;
      const right = vectors.filter((x, i) => engine.suggestRoutes(x).best === String(labels[i])).length;
      measured.push([before, (100 * right) / vectors.length]);
      await engine.close();
    }
    console.log(
      `${name}: ${measured.map((pair) => pair.map((each) => each.toFixed(1)).join(' -> ')).join(', ')}`,
    );
    for (const [before, after] of measured) expect(after - before).toBeGreaterThan(8);
  });
});
