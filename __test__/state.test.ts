// Snapshots and files: whole, exact, and proof against damage.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../bench/lib/random.mts';
import { type SonaConfig, SonaEngine, SonaError } from '../index.ts';
import { fixedClock } from '../testing.ts';
import { cycle, numberOf, outcome, picture, step, taught, teach } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { engines, keep, temporaryFolder } from './support/fixture.ts';
import { axis, gaussian, near } from './support/vectors.ts';

const DIM = 16;
const query = gaussian(DIM, 1);

const clock = fixedClock(1_700_000_000_000);
const { now } = clock;
const make = engines({ hiddenDim: DIM, now });

/** Uses all that can be learned; `part` seeds what comes. */
function live(engine: SonaEngine, part: number): unknown[] {
  const seen: unknown[] = [];
  for (let n = 0; n < 60; n++) {
    clock.advance(1_000);
    const seed = 1_000 * part + n;
    const told = engine.beginTrajectory(near(axis(DIM, n % 4), 0.4, seed));
    if (n % 2 === 0) told.setRoute(taught[(n * 3) % 4] as string);
    else told.addStep(gaussian(DIM, seed + 7), [0.25, 0.5], (n % 5) / 4, { layer: n % 3 === 0 ? 1 : 0 });
    if (n % 4 === 0)
      told.addNode(`node ${n % 3}`, { score: 0.5, latencyMs: 100 * n }).addContext(`context ${seed}`);
    if (n % 8 === 0) told.setPatternType('CodeGen');
    engine.endTrajectory(told, ((n * 5) % 8) / 7, n % 3 === 0 ? { source: 'crowd', verdict: 'success' } : {});
    if (n % 9 === 0) engine.learnFromFeedback({ trajectoryId: told.id, quality: 0.5 });
    if (n % 25 === 24) {
      const { ms: _, ...report } = cycle(engine);
      seen.push(report);
    }
  }
  seen.push(engine.suggestRoutes(query).id, engine.tick()?.replace(/\([\d.]+ ms\)/, ''));
  const state = createHash('sha256').update(engine.snapshot()).digest('hex');
  return [...seen, picture(engine, DIM), engine.applyBaseLora(1, query), state];
}

const settings: SonaConfig = { baseLoraLayers: 2, backgroundEvery: 30, consolidationInterval: 20, seed: 5 };

describe('a restored engine', () => {
  it.each([
    {},
    { enableSimd: false, microLoraRank: 3, baseLoraRank: 5, replayCapacity: 64 },
    { trajectoryCapacity: 20, patternClusters: 3 },
    { promotionGate: false, tiers: { prototypes: false } },
  ])('answers and learns on as the one it was taken of, bit for bit (%o)', (config) => {
    const engine = make({ ...settings, ...config });
    teach(engine, DIM, 0);
    live(engine, 1);
    const copy = keep(SonaEngine.restore(engine.snapshot(), { now, continues: true }));
    expect(picture(copy, DIM)).toEqual(picture(engine, DIM));
    const start = now();
    const on = live(engine, 2);
    clock.set(start);
    expect(live(copy, 2)).toEqual(on);
    clock.set(start);
    const third = keep(SonaEngine.restore(copy.snapshot(), { now, continues: true }));
    const further = live(engine, 3);
    clock.set(start);
    expect(live(third, 3)).toEqual(further);
  });

  it('is one of its own', () => {
    const engine = make();
    teach(engine, DIM, 40);
    const bytes = engine.snapshot();
    const copy = keep(SonaEngine.restore(bytes));
    teach(copy, DIM, 40, 2);
    copy.removeRoute('north');
    expect(Buffer.compare(engine.snapshot(), bytes)).toBe(0);
    expect(picture(engine, DIM)).toEqual(picture(keep(SonaEngine.restore(bytes)), DIM));
  });

  it('has the settings, corrections and versions of the first', () => {
    const engine = make({ ...settings, abstainBelow: 0.99, maxTrajectorySteps: 2, qualityThreshold: 0.75 });
    teach(engine, DIM, 40);
    engine.forceLearn();
    const told = engine.beginTrajectory(query).setRoute('east');
    engine.endTrajectory(told, 0);
    const copy = keep(SonaEngine.restore(engine.snapshot()));
    const builder = copy.beginTrajectory(query).addStep(query, [], 1).addStep(query, [], 1);
    expect(() => builder.addStep(query, [], 1)).toThrow('maxTrajectorySteps = 2');
    expect(copy.suggestRoutes(gaussian(DIM, 5)).abstain).toBe(engine.suggestRoutes(gaussian(DIM, 5)).abstain);
    expect(copy.findPatterns(query, 9).length).toBe(engine.findPatterns(query, 9).length);
    expect(copy.learnFromFeedback({ trajectoryId: told.id, quality: 1 }).applied).toBe(true);
    expect(numberOf(builder.id)).toBeGreaterThan(numberOf(told.id));
  });

  it('gives ids that the first one never gave', () => {
    const engine = make();
    const open = engine.beginTrajectory(query).id;
    const { id } = engine.suggestRoutes(query);
    const copy = keep(SonaEngine.restore(engine.snapshot()));
    expect(numberOf(copy.beginTrajectory(query).id)).toBeGreaterThan(numberOf(open));
    expect(copy.suggestRoutes(query).id).not.toBe(engine.suggestRoutes(query).id);
    expect(numberOf(copy.suggestRoutes(query).id)).toBeGreaterThan(numberOf(id));
  });

  it('does not know trajectories that were under way', async () => {
    const engine = make();
    const open = engine.beginTrajectory(query).id;
    const copy = keep(SonaEngine.restore(engine.snapshot()));
    expect((await refusal(() => copy.endTrajectory(open, 1))).code).toBe('SONA_UNKNOWN_TRAJECTORY');
    engine.endTrajectory(open, 1);
  });

  it('has not ended anything on this thread yet', () => {
    const engine = make();
    outcome(engine, query, 'a', 0);
    const copy = keep(SonaEngine.restore(engine.snapshot()));
    expect(copy.learnFromFeedback({ verdict: 'success', latencyMs: 1, quality: 1 }).reason).toBe(
      'no-trajectory',
    );
  });

  it('of the default background goes on by itself', async () => {
    const engine = keep(SonaEngine.withConfig({ hiddenDim: DIM, backgroundEvery: 20 }));
    const copy = keep(SonaEngine.restore(engine.snapshot()));
    expect(copy.stats().backgroundEnabled).toBe(true);
    teach(copy, DIM, 100);
    await expect.poll(() => copy.stats().learningCycles).toBeGreaterThan(0);
  });

  it.each([
    ['a Buffer', (bytes: Uint8Array) => Buffer.from(bytes)],
    [
      'a part of a longer array',
      (bytes: Uint8Array) => Uint8Array.from([1, 2, 3, ...bytes, 4]).subarray(3, -1),
    ],
    [
      'shared memory',
      (bytes: Uint8Array) => {
        const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
        shared.set(bytes);
        return shared;
      },
    ],
    [
      'a Buffer of shared memory',
      (bytes: Uint8Array) => {
        const shared = Buffer.from(new SharedArrayBuffer(bytes.length));
        shared.set(bytes);
        return shared;
      },
    ],
  ])('comes out of %s', (_, wrap) => {
    const engine = make();
    teach(engine, DIM, 40);
    expect(picture(keep(SonaEngine.restore(wrap(engine.snapshot()))), DIM)).toEqual(picture(engine, DIM));
  });
});

describe('a snapshot', () => {
  it('of the same is the same bytes, and changes nothing', () => {
    const engine = make(settings);
    teach(engine, DIM, 0);
    live(engine, 1);
    const before = picture(engine, DIM);
    const bytes = engine.snapshot();
    expect(Buffer.compare(bytes, engine.snapshot())).toBe(0);
    expect(Buffer.compare(bytes, SonaEngine.restore(bytes).snapshot())).toBe(0);
    expect(picture(engine, DIM)).toEqual(before);
    engine.endTrajectory(engine.beginTrajectory(query), 1);
    expect(Buffer.compare(bytes, engine.snapshot())).not.toBe(0);
  });

  it('can be taken while a cycle runs', async () => {
    const engine = make();
    teach(engine, DIM, 2_000);
    const work = engine.learn();
    const copy = keep(SonaEngine.restore(engine.snapshot()));
    await work;
    const { trajectoriesLearned, trajectoriesBuffered } = copy.stats();
    expect(trajectoriesLearned + trajectoriesBuffered).toBe(2_000);
  });

  it('is taken of an engine that is switched off', () => {
    const engine = make();
    teach(engine, DIM, 40);
    engine.setEnabled(false);
    const copy = keep(SonaEngine.restore(engine.snapshot()));
    expect(copy.routes()).toEqual(engine.routes());
  });
});

describe('a file', () => {
  it('holds what a snapshot holds, and no other file stays', async () => {
    const [engine, made] = [make(settings), temporaryFolder()];
    teach(engine, DIM, 0);
    live(engine, 1);
    const path = join(made, 'engine.sona');
    await engine.save(path);
    expect(Buffer.compare(readFileSync(path), engine.snapshot())).toBe(0);
    const copy = keep(await SonaEngine.load(path, { now, continues: true }));
    expect(picture(copy, DIM)).toEqual(picture(engine, DIM));
    const start = now();
    const on = live(engine, 2);
    clock.set(start);
    expect(live(copy, 2)).toEqual(on);
    expect(readdirSync(made)).toEqual(['engine.sona']);
  });

  it('replaces the one before, whole', async () => {
    const [engine, made] = [make(), temporaryFolder()];
    const path = join(made, 'engine.sona');
    for (const n of [1, 2, 3]) {
      teach(engine, DIM, 20, n);
      await engine.save(path);
      expect(keep(await SonaEngine.load(path)).stats().trajectoriesRecorded).toBe(20 * n);
    }
    const many = Array.from({ length: 8 }, () => engine.save(path));
    await Promise.all(many);
    expect(Buffer.compare(readFileSync(path), engine.snapshot())).toBe(0);
    expect(readdirSync(made)).toEqual(['engine.sona']);
  });

  it.each([
    ['a folder', (made: string) => made],
    ['a folder that is missing', (made: string) => join(made, 'missing', 'engine.sona')],
    ['a path with a zero', (made: string) => join(made, 'a\0b')],
    ['a name that is too long', (made: string) => join(made, 'x'.repeat(5_000))],
  ])('can not be written to %s, which leaves nothing behind', async (_, where) => {
    const [engine, made] = [make(), temporaryFolder()];
    teach(engine, DIM, 20);
    const before = picture(engine, DIM);
    const error = await refusal(() => engine.save(where(made)));
    expect(error).toMatchObject({ code: 'SONA_IO', details: { path: where(made) } });
    expect((await refusal(() => SonaEngine.load(where(made)))).code).toBe('SONA_IO');
    expect(readdirSync(made)).toEqual([]);
    expect(picture(engine, DIM)).toEqual(before);
  });

  it('that is no state is refused', async () => {
    const path = join(temporaryFolder(), 'text');
    for (const [text, code] of [
      ['', 'SONA_CORRUPT_STATE'],
      ['{"weights": []}', 'SONA_INCOMPATIBLE_STATE'],
      ['x'.repeat(100_000), 'SONA_INCOMPATIBLE_STATE'],
    ] as const) {
      writeFileSync(path, text);
      expect((await refusal(() => SonaEngine.load(path))).code).toBe(code);
    }
  });

  it('is not shorter or longer than it says', async () => {
    const [engine, made] = [make(), temporaryFolder()];
    teach(engine, DIM, 20);
    const path = join(made, 'engine.sona');
    await engine.save(path);
    const bytes = readFileSync(path);
    expect(statSync(path).size).toBe(engine.snapshot().length);
    for (const damaged of [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.of(0)])]) {
      writeFileSync(path, damaged);
      expect((await refusal(() => SonaEngine.load(path))).code).toBe('SONA_CORRUPT_STATE');
    }
  });

  it('is written whole by a save under way when the engine closes, or not at all', async () => {
    const [engine, made] = [make(), temporaryFolder()];
    teach(engine, DIM, 20);
    const path = join(made, 'engine.sona');
    const saving = engine.save(path).then(
      () => 'saved',
      (error: SonaError) => error.code,
    );
    await engine.close();
    const result = await saving;
    expect(['saved', 'SONA_CLOSED']).toContain(result);
    expect(readdirSync(made)).toEqual(result === 'saved' ? ['engine.sona'] : []);
  });
});

describe('damage', () => {
  /** A real state, one with everything in it, as small as it gets. */
  const real = (): Uint8Array => {
    const engine = make({
      hiddenDim: 3,
      baseLoraRank: 1,
      microLoraRank: 1,
      patternClusters: 3,
      replayCapacity: 64,
    });
    engine.addRoute('a', { embedding: [1, 0, 0] });
    engine.addRoute('b');
    for (let n = 0; n < 30; n++) {
      const told = engine.beginTrajectory([1, n % 3, (n % 5) - 2]).addContext('type:CodeGen');
      if (n % 2 === 0) told.setRoute('a');
      engine.endTrajectory(
        told.addStep([n % 4, 1, 0], [], 1).addNode('node', { score: 1, latencyMs: 1 }),
        (n % 4) / 3,
      );
      if (n === 20) engine.forceLearn();
    }
    return engine.snapshot();
  };

  it('of any kind is found: 10,000 mutations', () => {
    const bytes = Buffer.from(real());
    const random = new Random(7);
    const below = (n: number) => Math.floor(n * random.uniform());
    const mutations: [string, () => Buffer][] = [
      ['truncated', () => bytes.subarray(0, below(bytes.length))],
      [
        'a bit flipped',
        () => {
          const copy = Buffer.from(bytes);
          const at = below(copy.length);
          copy[at] = (copy[at] as number) ^ (1 << below(8));
          return copy;
        },
      ],
      [
        'a byte inserted',
        () => {
          const at = below(bytes.length + 1);
          return Buffer.concat([bytes.subarray(0, at), Buffer.of(below(256)), bytes.subarray(at)]);
        },
      ],
      [
        'a run of bytes replaced',
        () => {
          const copy = Buffer.from(bytes);
          const at = below(copy.length);
          const end = Math.min(copy.length, at + 1 + below(64));
          const old = Buffer.from(copy.subarray(at, end));
          for (let i = at; i < end; i++) copy[i] = below(256);
          if (old.equals(copy.subarray(at, end))) copy[at] = (copy[at] as number) ^ 1;
          return copy;
        },
      ],
      [
        'a part cut out',
        () => {
          const at = below(bytes.length);
          return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(64))]);
        },
      ],
      ['foreign bytes', () => Buffer.from(Array.from({ length: 1 + below(300) }, () => below(256)))],
      [
        'foreign bytes behind a true beginning',
        () => {
          const tail = Buffer.from(Array.from({ length: 1 + below(300) }, () => below(256)));
          return Buffer.concat([bytes.subarray(0, below(64)), tail]);
        },
      ],
    ];
    const codes: Record<string, number> = {};
    for (let n = 0; n < 10_000; n++) {
      const [what, mutate] = mutations[n % mutations.length] as [string, () => Buffer];
      const damaged = mutate();
      let code = 'accepted';
      try {
        SonaEngine.restore(damaged)[Symbol.dispose]();
      } catch (error) {
        if (!(error instanceof SonaError)) throw error;
        code = error.code;
      }
      if (code !== 'SONA_CORRUPT_STATE' && code !== 'SONA_INCOMPATIBLE_STATE') {
        throw new Error(`${what} (number ${n}, ${damaged.length} bytes): ${code}`);
      }
      codes[`${what}: ${code}`] = (codes[`${what}: ${code}`] ?? 0) + 1;
    }
    console.log(`mutations of ${bytes.length} bytes:`, codes);
    expect(Object.keys(codes).length).toBeGreaterThanOrEqual(mutations.length);
  });

  it('in every byte of the preamble is found', () => {
    const bytes = Buffer.from(real());
    for (let at = 0; at < 64; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const copy = Buffer.from(bytes);
        copy[at] = (copy[at] as number) ^ (1 << bit);
        expect(() => SonaEngine.restore(copy)).toThrow(SonaError);
      }
    }
  });

  it('says what is wrong', async () => {
    const bytes = Buffer.from(real());
    const refused = (damaged: Uint8Array) => refusal(() => SonaEngine.restore(damaged));
    expect(await refused(bytes.subarray(0, -5))).toMatchObject({
      code: 'SONA_CORRUPT_STATE',
      message: expect.stringContaining('bytes after the preamble'),
    });
    expect(await refused(Buffer.from('PK\x03\x04 something else'))).toMatchObject({
      code: 'SONA_INCOMPATIBLE_STATE',
    });
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 9] = (flipped[bytes.length - 9] as number) ^ 4;
    expect(await refused(flipped)).toMatchObject({
      code: 'SONA_CORRUPT_STATE',
      message: expect.stringContaining('checksum'),
    });
  });

  it('leaves other engines as they are', () => {
    const engine = make();
    teach(engine, DIM, 40);
    step(engine, query, gaussian(DIM, 3), 1, 1);
    const before = picture(engine, DIM);
    const bytes = engine.snapshot();
    for (let at = 70; at < bytes.length; at += Math.ceil(bytes.length / 50)) {
      const copy = Uint8Array.from(bytes);
      copy[at] = 255 - (copy[at] as number);
      expect(() => SonaEngine.restore(copy)).toThrow('corrupt');
    }
    expect(picture(engine, DIM)).toEqual(before);
  });
});
