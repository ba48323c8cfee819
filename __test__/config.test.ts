// Every setting has one home, the table of the core. What people read and what TypeScript says must agree with it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type SonaConfig, SonaEngine, type SonaStats } from '../index.ts';
import { blockOf, settingsBlock } from '../scripts/settings-table.mts';
import type { Setting } from '../ts/config.ts';
import { native } from '../ts/native.ts';
import { root } from './support/child.ts';
import { drill, manual, teach } from './support/engines.ts';
import { refusal } from './support/errors.ts';

const settings = JSON.parse(native.settings()) as Setting[];

const engines: SonaEngine[] = [];
const make = (config: SonaConfig): SonaEngine => {
  const engine = SonaEngine.withConfig(config);
  engines.push(engine);
  return engine;
};
afterEach(() => Promise.all(engines.splice(0).map((engine) => engine.close())));

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
  const body = new RegExp(`interface ${name} \\{\\n([^}]*)\\n\\}`).exec(text)?.[1];
  expect(body, `index.d.ts has no interface ${name}`).toBeDefined();
  const found = (body ?? '').matchAll(/\/\*\*([\s\S]*?)\*\/\s*(\w+)\??:/g);
  return new Map(
    Array.from(found, ([, doc = '', key = '']) => [key, doc.replace(/\s*\n\s*\*?\s*/g, ' ').trim()]),
  );
}

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
    expect([...fields('SonaConfig').keys()].sort()).toEqual([...new Set([...top, 'embeddingDim'])].sort());
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

describe('README.md', () => {
  const block = () => {
    const found = blockOf(read('README.md', 'it is written by hand, around the table of settings'));
    expect(found, 'README.md has no <!-- settings --> ... <!-- /settings -->').toBeDefined();
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
    const all: Record<string, unknown> = { embeddingDim: 256, tiers: {} };
    for (const { name, default: value } of settings) {
      const [group = '', key] = name.split('.');
      if (key === undefined) all[group] = value;
      else (all[group] as Record<string, unknown>)[key] = value;
    }
    expect(make(all as SonaConfig).applyLora(new Float32Array(256))).toHaveLength(256);
  });
});

describe('a setting changes something', () => {
  it('hiddenDim and embeddingDim: the length of vectors', () => {
    expect(make({ hiddenDim: 7, embeddingDim: 7 }).applyLora(new Float32Array(7))).toHaveLength(7);
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
      const engine = manual({ hiddenDim: 8, tiers: { prototypes: false }, ...config });
      engines.push(engine);
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
      ewcTasks: 0,
      version: 0,
      routes: 4,
      enabled: true,
      instantEnabled: true,
      backgroundEnabled: false,
      simd: engine.capabilities().simd,
    };
    expect(stats).toEqual(expected);
  });
});
