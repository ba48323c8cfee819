// Every setting has one home, the table of the core. What people read and what TypeScript says must agree with it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { presets, type SonaConfig, SonaEngine, type SonaStats } from '../index.ts';
import { blockOf, settingsBlock } from '../scripts/settings-table.mts';
import { fixedClock } from '../testing.ts';
import { native } from '../ts/binding/native.ts';
import type { Setting } from '../ts/engine/config.ts';
import { root } from './support/child.ts';
import { drill, manual, settingsOf, teach } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { keep } from './support/fixture.ts';

const settings = JSON.parse(native.settings()) as Setting[];

const make = (config: SonaConfig) => keep(SonaEngine.withConfig(config));

/** A setting as it stands in a configuration: tiers are an object of their own. */
function nested(name: string, value: unknown): SonaConfig {
  const [group = '', key] = name.split('.');
  return key === undefined ? { [group]: value } : { [group]: { [key]: value } };
}

function read(file: string, hint: string): string {
  const path = join(root, file);
  expect(existsSync(path), `${file} is missing: ${hint}`).toBe(true);
  return readFileSync(path, 'utf8');
}

/** Keys of an interface of the committed public types, with their documentation. */
function fields(name: string): Map<string, string> {
  const text = read('index.d.ts', 'run `npm run build:types`');
  const body = new RegExp(`interface ${name}(?: extends \\w+)? \\{\\n([\\s\\S]*?)\\n\\}`).exec(text)?.[1];
  expect(body, `index.d.ts has no interface ${name}`).toBeDefined();
  const found = (body ?? '').matchAll(/\/\*\*([\s\S]*?)\*\/\s*(\w+)\??:/g);
  return new Map(
    Array.from(found, ([, doc = '', key = '']) => [key, doc.replace(/\s*\n\s*\*?\s*/g, ' ').trim()]),
  );
}

/** Keys of a configuration that are no settings of the core's table: what stays here. */
const beside = ['now'];

const numeric = settings.filter(({ kind }) => kind === 'integer' || kind === 'number');

describe('the table of settings', () => {
  it('is whole: each row has a kind, a default in its range, and words', () => {
    expect(settings.length).toBeGreaterThan(15);
    expect(new Set(settings.map(({ name }) => name)).size).toBe(settings.length);
    for (const { name, kind, min, max, choices, default: value, doc } of settings) {
      expect(doc.length, name).toBeGreaterThan(10);
      if (kind === 'boolean') expect(value, name).toBeTypeOf('boolean');
      else if (kind === 'choice') expect(choices, name).toContain(value);
      else expect(Number(value) >= Number(min) && Number(value) <= Number(max), name).toBe(true);
    }
  });
});

describe('index.d.ts', () => {
  it('has the keys of the table and no others', () => {
    const top = settings.map(({ name }) => name.split('.')[0]);
    const known = new Set([...top, ...beside]);
    expect([...fields('SonaConfig').keys()].sort()).toEqual([...known].sort());
    const tiers = settings.filter(({ name }) => name.startsWith('tiers.')).map(({ name }) => name.slice(6));
    expect([...fields('SonaTiers').keys()].sort()).toEqual(tiers.sort());
  });

  it('names the defaults of the table, and its ranges where it names one', () => {
    const docs = fields('SonaConfig');
    const tiers = fields('SonaTiers');
    const number = (text: string | undefined) => Number((text ?? '').replaceAll(',', ''));
    for (const { name, min, max, default: value } of settings) {
      const doc = docs.get(name) ?? tiers.get(name.replace('tiers.', '')) ?? '';
      const told = /Default (?:`'(\w+)'`|([\w.,]*\w))/.exec(doc);
      if (typeof value === 'number') expect(number(told?.[2]), `${name}: ${doc}`).toBe(value);
      else expect(told?.[1] ?? told?.[2], `${name}: ${doc}`).toBe(String(value));
      const bounds = /([\d.,]+) to ([\d.,]*\d)/.exec(doc);
      if (bounds) expect([number(bounds[1]), number(bounds[2])], `${name}: ${doc}`).toEqual([min, max]);
    }
  });

  it('has the counters of stats() and no others', () => {
    expect([...fields('SonaStats').keys()].sort()).toEqual(Object.keys(make({}).stats()).sort());
  });
});

describe('docs/settings.md', () => {
  const block = () => {
    const found = blockOf(read('docs/settings.md', 'it is written by hand, around the table of settings'));
    expect(found, 'docs/settings.md has no <!-- settings --> ... <!-- /settings -->').toBeDefined();
    return found ?? '';
  };

  it('has the table that the script makes', () => {
    expect(block(), 'run `npx tsx scripts/settings-table.mts --write`').toBe(settingsBlock(settings));
  });

  it('tells name, default, range and meaning of each setting, and of no other', () => {
    const plain = (cell: string) => cell.replace(/[`']/g, '').replace(/(?<=\d),(?=\d)/g, '');
    const rows = block()
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.slice(2, -2).split(' | ').map(plain));
    expect(rows).toEqual(
      settings.map(({ name, kind, min, max, choices, default: value, doc }) => {
        const range = kind === 'boolean' ? 'true or false' : (choices?.join(' or ') ?? `${min} to ${max}`);
        return [name, String(value), range, plain(doc)];
      }),
    );
  });
});

describe('every setting', () => {
  it.each(settings.map(({ name, default: value }) => [name, value]))(
    '%s accepts its default',
    (name, value) => {
      expect(make(nested(name as string, value)).isEnabled()).toBe(true);
    },
  );

  it.each(numeric.map((setting) => [setting.name, setting] as const))(
    '%s accepts its bounds and refuses what lies beyond, in its own name',
    async (name, { kind, min, max }) => {
      const [low, high] = [min as number, max as number];
      const small = name === 'hiddenDim' ? {} : { hiddenDim: 2 };
      for (const bound of [low, high])
        expect(make({ ...small, ...nested(name, bound) }).isEnabled()).toBe(true);
      const step = kind === 'integer' ? 1 : 1e-6;
      const beyond = [low - step, high + 2 * step, ...(kind === 'integer' ? [low + 0.5] : [])];
      for (const value of beyond) {
        const { code, details } = await refusal(() => make(nested(name, value)));
        expect({ code, ...details }).toEqual({
          code: 'SONA_INVALID_CONFIG',
          argument: name,
          expected: `${kind === 'integer' ? 'an integer' : 'a number'} from ${low} to ${high}`,
          got: expect.any(String),
        });
        // what came is what was sent: nothing is lost or rounded on the way
        expect(Number(details.got)).toBe(value);
      }
    },
  );

  const wrong: [string, unknown][] = settings.flatMap(({ name, kind }) => {
    const values: unknown[] = [null, 'often', {}, [1], 1n, Number.NaN, Symbol('often'), () => 1];
    if (kind !== 'boolean') values.push(true);
    if (kind === 'boolean' || kind === 'choice') values.push(1, 0, 'true');
    return values.map((value): [string, unknown] => [name, value]);
  });

  it.each(wrong)('%s refuses the wrong kind: %s', async (name, value) => {
    const error = await refusal(() => make(nested(name, value)));
    expect([error.code, error.details.argument]).toEqual(['SONA_INVALID_CONFIG', name]);
  });

  it.each(settings.map(({ name }) => name))('%s takes undefined for its default', (name) => {
    expect(make(nested(name, undefined)).isEnabled()).toBe(true);
  });

  it('may be given all at once', () => {
    const all: Record<string, unknown> = { tiers: {} };
    for (const { name, default: value } of settings) {
      const [group = '', key] = name.split('.');
      if (key === undefined) all[group] = value;
      else (all[group] as Record<string, unknown>)[key] = value;
    }
    expect(make(all as SonaConfig).applyLora(new Float32Array(256))).toHaveLength(256);
  });
});

describe('a setting changes something', () => {
  it('hiddenDim: the length of vectors', () => {
    expect(make({ hiddenDim: 7 }).applyLora(new Float32Array(7))).toHaveLength(7);
  });

  it('maxTrajectorySteps: the steps that a trajectory takes', () => {
    const told = make({ hiddenDim: 2, maxTrajectorySteps: 3 }).beginTrajectory([1, 1]);
    for (let n = 0; n < 3; n++) told.addStep([1, 0], [], 1);
    expect(() => told.addStep([1, 0], [], 1)).toThrow('maxTrajectorySteps = 3');
  });

  it('enableSimd: the kernels', () => {
    expect(make({ enableSimd: false }).stats().simd).toBe('scalar');
    expect(make({}).stats().simd).toBe(make({}).capabilities().simd);
  });

  it.each([
    ['microLoraRank', 4],
    ['baseLoraRank', 3],
    ['loraAlpha', 2],
    ['microLoraLr', 0.02],
    ['baseLoraLr', 0.005],
    ['replayCapacity', 64],
    ['seed', 43],
  ])('%s: what is learned', (name, value) => {
    const learned = (config: SonaConfig) => {
      const engine = keep(manual({ hiddenDim: 8, tiers: { prototypes: false }, ...config }));
      const x = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
      drill(engine, 8, 100);
      engine.forceLearn();
      const base = engine.applyLora(x);
      drill(engine, 8, 30);
      engine.forceLearn();
      drill(engine, 8, 30);
      return [...base, ...engine.applyLora(x)];
    };
    expect(learned({})).toEqual(learned({}));
    expect(learned({ [name]: value })).not.toEqual(learned({}));
  });
});

describe('stats()', () => {
  it('has every counter of getStats() under its camelCase name', () => {
    const engine = make({ hiddenDim: 8, background: 'manual' });
    teach(engine, 8, 20);
    const snake = JSON.parse(engine.getStats()) as Record<string, unknown>;
    const stats = engine.stats();
    const back = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const renamed = Object.fromEntries(Object.entries(stats).map(([name, value]) => [back(name), value]));
    expect(renamed).toEqual(snake);
    expect(Object.keys(stats).join()).not.toContain('_');
    const expected: SonaStats = {
      trajectoriesRecorded: 20,
      trajectoriesBuffered: 20,
      trajectoriesLearned: 0,
      trajectoriesDropped: 0,
      bufferSuccessRate: 1,
      averageQuality: expect.any(Number) as unknown as number,
      microUpdates: 20,
      microDivergences: 0,
      learningCycles: 0,
      promotions: 0,
      failedCycles: 0,
      backgroundCycles: 0,
      patternsStored: 0,
      patternsLearned: 0,
      patternsExtracted: 0,
      ewcTasks: 0,
      version: 0,
      routes: 4,
      enabled: true,
      instantEnabled: true,
      backgroundEnabled: false,
      simd: engine.capabilities().simd,
      memory: { items: 0, recalls: 0, evicted: 0, edges: 0 },
    };
    expect(stats).toEqual(expected);
  });
});

describe('a configuration', () => {
  const all = Object.fromEntries(
    settings
      .filter(({ name }) => !name.includes('.'))
      .map(({ name, kind, min, max, choices, default: value }) => {
        if (kind === 'boolean') return [name, !value];
        if (kind === 'choice') return [name, choices?.find((choice) => choice !== value)];
        return [
          name,
          value === max ? min : kind === 'integer' ? Number(value) + 1 : (Number(value) + Number(max)) / 2,
        ];
      }),
  );
  const tiers = { 'tiers.micro': true, 'tiers.base': true, 'tiers.offsets': true, 'tiers.prototypes': true };

  it('reaches the engine whole, every setting not at its default', () => {
    expect(settingsOf(make(all))).toEqual({ ...tiers, ...all });
  });

  it('may have a prototype, and is read once', () => {
    let reads = 0;
    class Settings {
      hiddenDim = 7;
      readonly seed!: number;
      constructor() {
        Object.defineProperty(this, 'seed', { enumerable: true, get: () => 40 + ++reads });
      }
    }
    expect(settingsOf(make(new Settings()))).toMatchObject({ hiddenDim: 7, seed: 41 });
    expect(reads).toBe(1);
  });

  it('as an object wins over further arguments, as in configs.map(SonaEngine.withConfig)', () => {
    const made = [{ hiddenDim: 3 }, { hiddenDim: 4 }].map(
      SonaEngine.withConfig as (config: SonaConfig) => SonaEngine,
    );
    for (const one of made) keep(one);
    expect(made.map((engine) => settingsOf(engine).hiddenDim)).toEqual([3, 4]);
  });
});

describe('the builder', () => {
  it('has a method for every key of a configuration, each of which returns it', () => {
    const builder = SonaEngine.builder() as unknown as Record<string, (value: unknown) => unknown>;
    const keys = [...fields('SonaConfig').keys(), ...fields('QueryOptions').keys()];
    for (const key of keys) expect(builder[key]?.(undefined), key).toBe(builder);
    expect(Object.keys(builder).sort()).toEqual([...keys, 'build', 'config'].sort());
  });

  it('builds what withConfig builds', () => {
    const engine = keep(
      SonaEngine.builder()
        .config(presets.maxQuality)
        .hiddenDim(8)
        .baseLoraRank(4)
        .tiers({ micro: false })
        .seed(7)
        .build(),
    );
    const config = { ...presets.maxQuality, hiddenDim: 8, baseLoraRank: 4, tiers: { micro: false }, seed: 7 };
    expect(settingsOf(engine)).toEqual(settingsOf(make(config)));
  });

  it('builds several, and each builder is one of its own', () => {
    const builder = SonaEngine.builder().hiddenDim(3);
    const other = SonaEngine.builder().hiddenDim(4);
    const made = [builder.build(), builder.seed(5).build(), other.build()];
    for (const one of made) keep(one);
    expect(made.map((engine) => [settingsOf(engine).hiddenDim, settingsOf(engine).seed])).toEqual([
      [3, 42],
      [3, 5],
      [4, 42],
    ]);
  });
});

describe('presets', () => {
  it.each(Object.keys(presets) as (keyof typeof presets)[])(
    '%s is a configuration, and can not be changed',
    (name) => {
      const preset = presets[name];
      expect(settingsOf(make({ ...preset, hiddenDim: 4 }))).toMatchObject(preset);
      expect(settingsOf(make(preset))).not.toEqual(settingsOf(make({})));
      expect(Object.isFrozen(preset)).toBe(true);
    },
  );

  it('are four, and frozen', () => {
    expect(Object.keys(presets).sort()).toEqual([
      'batchProcessing',
      'edgeDeployment',
      'maxQuality',
      'maxThroughput',
    ]);
    expect(Object.isFrozen(presets)).toBe(true);
  });
});

describe('now', () => {
  it('says what time it is, on every engine that was given one', () => {
    const clock = fixedClock(5_000);
    const engine = make({ hiddenDim: 4, background: 'manual', now: clock.now });
    const other = make({ hiddenDim: 4, background: 'manual' });
    for (const each of [engine, other]) {
      each.endTrajectory(each.beginTrajectory([1, 2, 3, 4]), 1);
      each.forceLearn();
    }
    clock.set(65_000);
    expect(engine.findPatterns([1, 2, 3, 4])[0]).toMatchObject({ createdAt: '5', lastAccessed: '65' });
    expect(Number(other.findPatterns([1, 2, 3, 4])[0]?.createdAt)).toBeGreaterThan(1e9);
    expect(engine.forget({ before: 5_001 })).toMatchObject({ forgotten: 1 });
  });

  it('does not decide when training is due: a steady clock does', () => {
    const clock = fixedClock(1_000_000);
    const engine = make({
      hiddenDim: 4,
      background: 'manual',
      backgroundIntervalMs: 60_000,
      now: clock.now,
    });
    engine.endTrajectory(engine.beginTrajectory([1, 2, 3, 4]).addStep([4, 3, 2, 1], [], 1), 1);
    clock.advance(3_600_000);
    expect(engine.tick()).toBeNull();
  });

  it.each([
    ['NaN', Number.NaN, 'SONA_OUT_OF_RANGE'],
    ['0', 0, 'SONA_OUT_OF_RANGE'],
    ['1.5', 1.5, 'SONA_OUT_OF_RANGE'],
    ['a date', new Date(), 'SONA_INVALID_ARGUMENT'],
    ['nothing', undefined, 'SONA_INVALID_ARGUMENT'],
  ])('that says %s is refused, and nothing is learned', async (_, answer, code) => {
    let said: unknown = 1_000;
    const engine = make({ hiddenDim: 4, background: 'manual', now: () => said as number });
    const told = engine.beginTrajectory([1, 2, 3, 4]).setRoute('a');
    said = answer;
    const calls = [
      () => engine.endTrajectory(told, 1),
      () => engine.forceLearn(),
      () => engine.tick(),
      () => engine.learn(),
      () => engine.findPatterns([1, 2, 3, 4]),
      () => engine.forget({ source: 'a' }),
    ];
    for (const call of calls) {
      expect(await refusal(call)).toMatchObject({ code, details: { argument: 'now' } });
    }
    expect(engine.stats()).toMatchObject({ trajectoriesRecorded: 0, learningCycles: 0, routes: 0 });
    said = 2_000;
    engine.endTrajectory(told, 1);
    expect(engine.stats().trajectoriesRecorded).toBe(1);
  });

  it('that throws is heard, and nothing is learned', () => {
    let fails = false;
    const engine = make({
      hiddenDim: 4,
      background: 'manual',
      now: () => {
        if (fails) throw new RangeError('no clock');
        return 1_000;
      },
    });
    const told = engine.beginTrajectory([1, 2, 3, 4]);
    fails = true;
    expect(() => engine.endTrajectory(told, 1)).toThrow('no clock');
    expect(engine.stats().trajectoriesRecorded).toBe(0);
  });
});
