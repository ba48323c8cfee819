// Every setting of a router has one home, the table of the core. What people read and what TypeScript says must agree
// with it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../bench/lib/random.mts';
import { hash } from '../../embed.ts';
import { type RouterConfig, SonaEngine, SonaRouter } from '../../index.ts';
import { blockOf, settingsBlock } from '../../scripts/settings-table.mts';
import { fixedClock } from '../../testing.ts';
import { native } from '../../ts/binding/native.ts';
import type { Setting } from '../../ts/engine/config.ts';
import { root } from '../support/child.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import { basis, DIM, idAt, models, NOON, numberOf, prompt, quality, teach } from '../support/routers.ts';

const make = routers();
const settings = JSON.parse(native.routerSettings()) as Setting[];

/** Keys that are no rows of the table: no numbers or words, or groups. */
const beside: Record<string, string[]> = {
  RouterConfig: ['models', 'engine', 'origin', 'now', 'log', 'logText', 'features', 'objective'],
  RouterFeatures: ['basis'],
  RouterObjective: ['costScale', 'latencyScale'],
};

/** The interface in which a setting stands. */
const homes: [string, string][] = [
  ['CostScale', 'objective.costScale.'],
  ['LatencyScale', 'objective.latencyScale.'],
  ['RouterObjective', 'objective.'],
  ['RouterFeatures', 'features.'],
  ['RouterConfig', ''],
];

function homeOf(name: string): [string, string] {
  const [home, prefix] = homes.find(([, prefix]) => name.startsWith(prefix)) ?? ['', ''];
  return [home, name.slice(prefix.length)];
}

/** A setting as it stands in a configuration, beside what it can't do without. */
function nested(name: string, value: unknown): RouterConfig {
  const config: Record<string, unknown> = { models: [{ id: 'only' }] };
  const path = name.split('.');
  let at = config;
  for (const key of path.slice(0, -1)) {
    const group = {};
    at[key] = group;
    at = group;
  }
  at[path.at(-1) as string] = value;
  return config as unknown as RouterConfig;
}

/** Whether a router of a configuration works. */
function works(config: RouterConfig): boolean {
  const router = new SonaRouter(config);
  const dim = config.features?.dim ?? 256;
  const decided = router.route(new Array(dim).fill(1)).model === 'only';
  router[Symbol.dispose]();
  return decided;
}

/** Keys of an interface of the committed public types, with their documentation. */
function fields(name: string): Map<string, string> {
  const text = readFileSync(join(root, 'index.d.ts'), 'utf8');
  const body = new RegExp(`interface ${name}(?:<[^{]*>)?(?: extends \\w+)? \\{\\n([\\s\\S]*?)\\n\\}`).exec(
    text,
  )?.[1];
  expect(body, `index.d.ts has no interface ${name}: run \`npm run build:types\``).toBeDefined();
  const found = (body ?? '').matchAll(/\/\*\*([\s\S]*?)\*\/\s*(\w+)\??:/g);
  return new Map(
    Array.from(found, ([, doc = '', key = '']) => [key, doc.replace(/\s*\n\s*\*?\s*/g, ' ').trim()]),
  );
}

describe('the table of settings', () => {
  it('is whole: each row has a kind, a default in its range or none, and words', () => {
    expect(settings.length).toBeGreaterThan(15);
    expect(new Set(settings.map(({ name }) => name)).size).toBe(settings.length);
    for (const { name, kind, min, max, choices, default: value, doc } of settings) {
      expect(doc.length, name).toBeGreaterThan(10);
      if (value === null) expect(doc, name).toContain('Not set:');
      else if (kind === 'boolean') expect(value, name).toBeTypeOf('boolean');
      else if (kind === 'choice') expect(choices, name).toContain(value);
      else expect(Number(value) >= Number(min) && Number(value) <= Number(max), name).toBe(true);
    }
  });
});

describe('index.d.ts', () => {
  it('has the keys of the table and no others', () => {
    for (const [home] of homes) {
      const own = settings.map(({ name }) => homeOf(name)).filter(([in_]) => in_ === home);
      const known = [...own.map(([, key]) => key), ...(beside[home] ?? [])];
      expect([...fields(home).keys()].sort(), home).toEqual(known.sort());
    }
  });

  it('names the defaults of the table, and its ranges where it names one', () => {
    const number = (text: string | undefined) => Number((text ?? '').replaceAll(',', ''));
    for (const { name, min, max, default: value } of settings) {
      const [home, key] = homeOf(name);
      const doc = fields(home).get(key) ?? '';
      const told = /(?:Default|; else) (?:`'(\w+)'`|([\w.,]*\w))/.exec(doc);
      if (value === null) expect(doc, name).toContain('Default: no ');
      else if (typeof value === 'number') expect(number(told?.[2]), `${name}: ${doc}`).toBe(value);
      else expect(told?.[1] ?? told?.[2], `${name}: ${doc}`).toBe(String(value));
      const bounds = /([\d.,]+) to ([\d.,]*\d)/.exec(doc);
      if (bounds) expect([number(bounds[1]), number(bounds[2])], `${name}: ${doc}`).toEqual([min, max]);
    }
  });

  it('has the counters of stats() and no others', () => {
    const stats = make().stats();
    expect([...fields('RouterModelStats').keys()].sort()).toEqual(Object.keys(stats.models[0] ?? {}).sort());
    const { basis, ...flat } = stats;
    expect(Object.keys(basis).sort()).toEqual(['fitting', 'hash', 'id']);
    const text = readFileSync(join(root, 'index.d.ts'), 'utf8');
    const body = /interface RouterStats \{\n([\s\S]*?)\n\}/.exec(text)?.[1] ?? '';
    const keys = Array.from(body.matchAll(/^ {2}(\w+):/gm), ([, key]) => key);
    expect(keys.sort()).toEqual(['basis', ...Object.keys(flat)].sort());
  });
});

describe('docs/settings.md', () => {
  const block = () => blockOf(readFileSync(join(root, 'docs/settings.md'), 'utf8'), 'router settings') ?? '';

  it('has the table that the script makes', () => {
    expect(block(), 'run `npx tsx scripts/settings-table.mts --write`').toBe(
      settingsBlock(settings, 'router settings'),
    );
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
        return [name, value === null ? 'not set' : String(value), range, plain(doc)];
      }),
    );
  });
});

describe('every setting', () => {
  it.each(
    settings.filter((setting) => setting.default !== null).map((setting) => [setting.name, setting.default]),
  )('%s accepts its default', (name, value) => {
    expect(works(nested(name as string, value))).toBe(true);
  });

  const numeric = settings.filter(({ kind }) => kind === 'integer' || kind === 'number');

  it.each(numeric.map((setting) => [setting.name, setting] as const))(
    '%s accepts its bounds and refuses what lies beyond, in its own name',
    async (name, { kind, min, max }) => {
      const [low, high] = [min as number, max as number];
      // a scale needs a length
      const other: Record<string, [string, number]> = {
        'objective.costScale.lowUsd': ['highUsd', 1e6],
        'objective.costScale.highUsd': ['lowUsd', 1e-12],
        'objective.latencyScale.lowMs': ['highMs', 1e9],
        'objective.latencyScale.highMs': ['lowMs', 1e-3],
      };
      for (const bound of [low, high]) {
        const config = nested(name, bound);
        const end = other[name];
        if (end && bound === end[1]) continue;
        const scale = name.includes('.cost') ? config.objective?.costScale : config.objective?.latencyScale;
        if (end) Object.assign(scale ?? {}, { [end[0]]: end[1] });
        expect(works(config), `${name} ${bound}`).toBe(true);
      }
      const step = kind === 'integer' ? 1 : Math.max(1e-6, 1e-9 * high);
      const beyond = [
        kind === 'integer' ? low - 1 : low - 1e-6,
        high + 2 * step,
        ...(kind === 'integer' ? [low + 0.5] : []),
      ];
      for (const value of beyond) {
        const { code, details } = await refusal(() => new SonaRouter(nested(name, value)));
        expect({ code, ...details }).toEqual({
          code: 'SONA_INVALID_CONFIG',
          argument: name,
          expected: expect.stringMatching(kind === 'integer' ? /^an integer from/ : /^a number from/),
          got: expect.any(String),
        });
        // what came is what was sent: nothing is lost or rounded on the way
        expect(Number(details.got)).toBe(value);
      }
    },
  );

  const wrong: [string, unknown][] = settings.flatMap(({ name, kind, default: preset }) => {
    const values: unknown[] = ['often', {}, [1], 1n, Number.NaN, Symbol('often'), () => 1];
    if (kind !== 'boolean') values.push(true);
    if (kind === 'boolean' || kind === 'choice') values.push(1, 0, 'true');
    // null is how a setting says that it is not set
    if (preset !== null) values.push(null);
    return values.map((value): [string, unknown] => [name, value]);
  });

  it.each(wrong)('%s refuses the wrong kind: %s', async (name, value) => {
    const error = await refusal(() => new SonaRouter(nested(name, value)));
    expect([error.code, error.details.argument]).toEqual(['SONA_INVALID_CONFIG', name]);
  });

  it.each(settings.map(({ name }) => name))('%s takes undefined for its default', (name) => {
    expect(works(nested(name, undefined))).toBe(true);
  });

  it('may be given all at once', () => {
    const all = Object.fromEntries(
      ['objective', 'features'].map((group) => [group, {} as Record<string, unknown>]),
    ) as Record<string, Record<string, unknown>>;
    const config: Record<string, unknown> = { models, ...all };
    for (const { name, default: value } of settings) {
      const [group = '', key = '', part] = name.split('.');
      if (value === null) continue;
      if (part !== undefined) {
        const scales = all[group] as Record<string, Record<string, unknown>>;
        scales[key] = { ...scales[key], [part]: value };
      } else if (key !== '') (all[group] as Record<string, unknown>)[key] = value;
      else config[group] = value;
    }
    expect(new SonaRouter(config as unknown as RouterConfig).stats().decisions).toBe(0);
  });
});

describe('features.dim', () => {
  it('is that of the embedder, of the engine, of the basis, or 256', async () => {
    const engine = SonaEngine.withConfig({ hiddenDim: 7 });
    const lengths: [Partial<RouterConfig>, number][] = [
      [{}, 256],
      [{ features: {} }, 256],
      [{ features: { basis: 'builtin' } }, 256],
      [{ features: { basis: 'builtin', dim: 64 } }, 64],
      [{ features: { basis: 'minilm' } }, 384],
      [{ features: { basis } }, DIM],
      [{ features: { basis, dim: DIM } }, DIM],
      [{ engine }, 7],
      [{ engine, features: { dim: 7, basis: 'auto' } }, 7],
      [{ features: { dim: 5 } }, 5],
      [{ embedder: hash({ dim: 6 }) }, 6],
      [{ embedder: hash({ dim: 7 }), engine }, 7],
      [{ embedder: hash({ dim: DIM }), features: { basis } }, DIM],
    ];
    for (const [config, length] of lengths) {
      const router = new SonaRouter({ models, ...config });
      expect(numberOf(router.route(new Array(length).fill(1)).id)).toBe(1);
      expect(router.basis().dim).toBe(length);
    }
    await engine.close();
  });
});

describe('a setting changes something', () => {
  /** What a router of a configuration decides, and what it knows in the end. */
  function story(config: Partial<RouterConfig>): unknown {
    const clock = fixedClock(NOON);
    const router = make({ features: { basis }, ...config, now: clock.now });
    const random = new Random(2);
    const seen: unknown[] = [];
    for (let n = 0; n < 900; n++) {
      clock.advance(60_000);
      if (n === 100) router.addModel({ id: 'new', prior: { quality: 0.2, weight: 100 } });
      const options = { tenant: `t${n % 3}`, ...(n % 4 === 0 && { sessionId: `s${n % 12}` }) };
      const { id, model, propensity } = router.route(prompt(n % 2, n), options);
      const factor = n < 450 ? 1 : 0;
      const told = {
        quality: quality(model, n % 2, random) * factor,
        costUsd: { coder: 0.004, poet: 0.0004 }[model] ?? 0.0001,
        latencyMs: { coder: 2_000, poet: 500 }[model] ?? 100,
      };
      seen.push(
        model,
        propensity,
        router.feedback(idAt(id, n + 1 - (n % 50 === 49 ? 20 : 0)), { ...told, amend: n % 50 === 49 }),
      );
    }
    const { pending, tenants, basis: of } = router.stats();
    const scores = router.route(prompt(0, 1)).ranked.map(({ score, confidence }) => [score, confidence]);
    return [seen, pending, tenants, of, scores];
  }

  const changes: [string, unknown][] = [
    ['exploration', 'thompson'],
    ['propensityFloor', 0.1],
    ['confidenceEpsilon', 0.5],
    ['objective.qualityWeight', 0.01],
    ['objective.costWeight', 0.5],
    ['objective.latencyWeight', 0.5],
    ['objective.budgetUsdPerRequest', 0.001],
    ['objective.maxLatencyMs', 1_000],
    ['forcedTrials', 3],
    ['driftDetection', false],
    ['pendingCapacity', 10],
    ['pendingTtlMs', 600_000],
    ['sessionTtlMs', 60_000],
    ['tenantCapacity', 2],
  ];
  const usual = story({});

  it.each(changes)('%s', (name, value) => {
    const { models: _, ...config } = nested(name, value);
    expect(story(config)).not.toEqual(usual);
    expect(story({})).toEqual(usual);
  });

  it.each([
    ['objective.costScale.lowUsd', 0.0009],
    ['objective.costScale.highUsd', 0.5],
    ['objective.latencyScale.lowMs', 1_000],
    ['objective.latencyScale.highMs', 1e8],
  ])('%s', (name, value) => {
    const weights = { costWeight: 0.1, latencyWeight: 0.1 };
    const { objective } = nested(name, value);
    expect(story({ objective: { ...weights, ...objective } })).not.toEqual(story({ objective: weights }));
  });

  it('seed: the draws', () => {
    expect(story({ exploration: 'thompson', seed: 1 })).not.toEqual(
      story({ exploration: 'thompson', seed: 2 }),
    );
  });

  it('background: when a basis is there', async () => {
    for (const [background, atOnce] of [
      ['manual', 1],
      ['auto', 0],
    ] as const) {
      const router = make({ features: { dim: DIM }, background });
      const heard: unknown[] = [];
      router.on('basis', (event) => heard.push(event));
      router.warmStart(
        Array.from({ length: 500 }, (_, n) => ({ vector: prompt(n % 2, n), model: 'poet', quality: 0.5 })),
      );
      expect(heard).toHaveLength(atOnce);
      await router.settled();
      expect(heard).toHaveLength(1);
      expect(router.stats().basis.id).toBe('auto-500');
      teach(router, 2);
    }
  });

  it('origin: what merging tells apart', () => {
    const [first, second] = [make({ origin: 'a' }), make({ origin: 'a' })];
    teach(first, 10);
    teach(second, 20);
    // one name, but two lives: neither is lost
    expect(first.merge(second.snapshot())).toEqual({ origins: 1, outOfReach: 0 });
    expect(first.stats().origins).toBe(1);
    expect(first.stats().models.reduce((sum, { outcomes }) => sum + outcomes, 0)).toBeCloseTo(30, 9);
    // nobody named: each is another
    const nameless = [0, 1].map(() => new SonaRouter({ models, features: { basis } })) as [
      SonaRouter,
      SonaRouter,
    ];
    // one that has learned nothing brings nothing
    expect(nameless[0].merge(nameless[1].snapshot())).toEqual({ origins: 0, outOfReach: 0 });
    teach(nameless[1], 3);
    expect(nameless[0].merge(nameless[1].snapshot())).toEqual({ origins: 1, outOfReach: 0 });
    expect(nameless[0].stats().origins).toBe(1);
  });
});
