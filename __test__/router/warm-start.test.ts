// Rows of a warm start have no order: whatever comes first, the same is learned, and no shift is seen in them.
import { describe, expect, it } from 'vitest';
import { Random } from '../../bench/lib/random.mts';
import type { DriftEvent, SonaRouter, WarmStartRow } from '../../index.ts';
import { routers } from '../support/fixture.ts';
import { distance, expectations, prompt, quality } from '../support/routers.ts';

const make = routers();

/** A router that has taken rows in, and the shifts that it saw in them. */
function warmed(rows: readonly WarmStartRow[], config = {}): { router: SonaRouter; shifts: DriftEvent[] } {
  const router = make(config);
  const shifts: DriftEvent[] = [];
  router.on('drift', (event) => shifts.push(event));
  expect(router.warmStart(rows)).toBe(rows.length);
  return { router, shifts };
}

const qualityOf = (router: SonaRouter, model: string) =>
  router.route(prompt(0, 1), { mode: 'observe' }).ranked.find((ranked) => ranked.model === model)?.quality;

const rows = (qualities: readonly number[], parts: Partial<WarmStartRow> = {}): WarmStartRow[] =>
  qualities.map((quality) => ({ vector: prompt(0, 1), model: 'poet', quality, ...parts }));
const repeat = (count: number, ...values: number[]) => Array.from({ length: count }, () => values).flat();

const orders: [string, number[]][] = [
  ['taking turns', repeat(200, 1, 0)],
  ['ones first', [...repeat(200, 1), ...repeat(200, 0)]],
  ['zeros first', [...repeat(200, 0), ...repeat(200, 1)]],
  ['in blocks', [...repeat(100, 1), ...repeat(200, 0), ...repeat(100, 1)]],
];

describe('rows of one prompt', () => {
  it.each(orders)('are worth their mean, %s', (_, qualities) => {
    for (const driftDetection of [true, false]) {
      for (const count of [400, 40, 2]) {
        const { router, shifts } = warmed(rows(qualities), { driftDetection });
        expect(qualityOf(router, 'poet'), `${count} rows`).toBeCloseTo(0.5, 1);
        expect(shifts).toEqual([]);
      }
    }
  });

  it.each([
    [1, 0, 1_000, 1_000],
    [0, 1, 1_000, 1_000],
    [0, 1, 30, 90],
    [1, 0, 90, 30],
  ])('of qualities %d and %d count for their weights %d and %d', (first, second, a, b) => {
    const parts = { vector: prompt(0, 1), model: 'poet' };
    const { router } = warmed([
      { ...parts, quality: first, weight: a },
      { ...parts, quality: second, weight: b },
    ]);
    const mean = (first * a + second * b) / (a + b);
    expect(Math.abs((qualityOf(router, 'poet') as number) - mean)).toBeLessThan(0.05);
  });
});

describe('rows of many prompts', () => {
  const random = new Random(4);
  const list: WarmStartRow[] = Array.from({ length: 600 }, (_, n) => {
    const model = ['coder', 'poet', 'dull'][n % 3] as string;
    const kind = random.below(2);
    return { vector: prompt(kind, n), model, quality: quality(model, kind, random), weight: 1 + (n % 4) };
  });
  const by = (key: (row: WarmStartRow) => number | string) =>
    [...list].sort((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b))));
  const { router: given } = warmed(list);

  it.each<[string, WarmStartRow[]]>([
    ['backwards', [...list].reverse()],
    ['best first', by(({ quality }) => -quality)],
    ['worst first', by(({ quality }) => quality)],
    ['by model', by(({ model }) => model)],
    ['heaviest first', by(({ weight }) => -(weight ?? 1))],
  ])('teach the same, %s', (_, ordered) => {
    const { router, shifts } = warmed(ordered);
    expect(shifts).toEqual([]);
    expect(distance(expectations(router), expectations(given))).toBeLessThan(1e-6);
    for (const [n, model] of router.stats().models.entries()) {
      expect(model.outcomes).toBeCloseTo(given.stats().models[n]?.outcomes as number, 6);
      expect(model.quality).toBeCloseTo(given.stats().models[n]?.quality as number, 6);
    }
  });

  it('do not hide a shift that comes later', () => {
    const { router, shifts } = warmed(list);
    const ask = (n: number) => router.route(prompt(0, n), { eligible: ['coder'] }).id;
    const live = new Random(6);
    for (let n = 0; n < 60; n++) router.feedback(ask(n), { quality: quality('coder', 0, live) });
    expect(shifts).toEqual([]);
    for (let n = 0; n < 60; n++) router.feedback(ask(n), { quality: 0.1 });
    expect(shifts).toContainEqual({ model: 'coder', direction: 'worse', kind: 'quality' });
  });
});

it('constant rewards raise no shift', () => {
  for (const value of [0, 0.5, 1]) {
    const { router, shifts } = warmed(rows(repeat(100, value)));
    for (let n = 0; n < 500; n++) {
      const { id } = router.route(prompt(n % 2, n), { eligible: ['poet'] });
      router.feedback(id, { quality: value, costUsd: 0.001, latencyMs: 100 });
    }
    expect(shifts).toEqual([]);
  }
});
