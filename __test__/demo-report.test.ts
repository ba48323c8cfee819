// The page that the demo writes: everything is in it, nothing is fetched, every figure is a number.
import { describe, expect, it } from 'vitest';
import { page } from '../examples/demo/html/page.mts';
import { figuresOf, type RoutingFigures } from '../examples/demo/routing/figures.mts';
import type { Decisions, Explained } from '../examples/demo/routing/run.mts';
import type { Stream } from '../examples/demo/routing/stream.mts';
import { yardsticks } from '../examples/demo/routing/worth.mts';

/** What must not pass for markup. */
const AWKWARD = '<b>"models" & \'answers\'</b>';
const ids = ['small', 'large-model-with-a-long-name-70b', AWKWARD, 'middle'];
const domains = ['code', 'maths', AWKWARD];

/** A number in [0, 1) that looks random, by two numbers. */
const noise = (a: number, b: number): number => {
  const x = Math.sin(a * 12.9898 + b * 78.233) * 43_758.5453;
  return x - Math.floor(x);
};

function streamOf(prompts: number): Stream {
  const quality = (t: number, k: number) => Math.round(4 * Math.min(1, noise(t, k) + k / 8)) / 4;
  return {
    models: ids.map((id, k) => ({
      id,
      inputUsdPer1M: k + 1,
      outputUsdPer1M: k + 1,
      costUsd: (800 * (k + 1)) / 1e6,
    })),
    domains,
    dim: 2,
    basis: 'minilm',
    number: Uint32Array.from({ length: prompts }, (_, t) => t + 1),
    vectors: Array.from({ length: prompts }, () => new Float32Array([1, 0])),
    domain: Uint16Array.from({ length: prompts }, (_, t) => t % domains.length),
    quality: Float64Array.from({ length: prompts * ids.length }, (_, cell) =>
      quality(Math.floor(cell / ids.length), cell % ids.length),
    ),
  };
}

function decisionsOf(stream: Stream, salt: number): Decisions {
  const width = stream.models.length;
  const chosen = Uint16Array.from(stream.vectors, (_, t) => Math.floor(width * noise(t, salt)));
  const quality = Float64Array.from(chosen, (k, t) => stream.quality[t * width + k] as number);
  const expected = quality.map((value, t) => 0.5 + 0.5 * (value - 0.5) * noise(t, 77));
  return {
    chosen,
    quality,
    expected,
    low: expected.map((x) => x - 0.1),
    high: expected.map((x) => x + 0.1),
  };
}

function figures(stream: Stream): RoutingFigures {
  const { length } = stream.vectors;
  const runs = [0, 0.25].map((costWeight) => ({
    costWeight,
    decisions: decisionsOf(stream, 5 + costWeight),
  }));
  const explained = {
    decision: length,
    prompt: 7,
    domain: AWKWARD,
    model: AWKWARD,
    exploration: 'thompson',
    chance: 0.625,
    expected: 0.5,
    interval: [0.4, 0.6],
    quality: 1,
    table: `${AWKWARD}  0.5`,
  } as unknown as Explained;
  const micros = { route: { median: 20, p99: 40 }, feedback: { median: 10, p99: 30 } };
  const [first, ...others] = runs as [(typeof runs)[0], ...typeof runs];
  return figuresOf(stream, yardsticks(stream, 3), [length], [first, ...others], [explained], 0.5, micros);
}

const made = {
  command: `npm run demo -- --json ${AWKWARD}`,
  seed: 3,
  version: '0.1.0',
  node: 'v20',
  platform: 'linux',
  on: '2026-01-31',
};
const stream = streamOf(1500);
const found = figures(stream);
const html = page(found, made);
const withoutStyle = (text: string) => text.replace(/<style>[^<]*<\/style>/, '');

/** The first match alone: a whole page in a failure's message helps nobody. */
const match = (text: string, pattern: RegExp): string | undefined => pattern.exec(text)?.[0];

/** The elements in order; throws where tags do not match. */
function elements(text: string): { name: string; attributes: string }[] {
  const open: string[] = [];
  const all: { name: string; attributes: string }[] = [];
  const body = text.replace(/^<!doctype html>\n/, '');
  const tag = /<(\/?)([a-z0-9]+)((?: [a-zA-Z0-9-]+(?:="[^"<>]*")?)*)(\/?)>/g;
  for (const [, close, name = '', attributes = '', single] of body.matchAll(tag)) {
    if (close) expect(open.pop()).toBe(name);
    else {
      all.push({ name, attributes });
      if (!single && !['meta', 'br', 'wbr'].includes(name)) open.push(name);
    }
  }
  expect(open).toEqual([]);
  // what is left is text, and has no sign of markup
  expect(match(body.replace(tag, ''), /[<>].{0,60}/)).toBeUndefined();
  return all;
}

const attribute = (text: string, name: string): string | undefined =>
  new RegExp(` ${name}="([^"]*)"`).exec(text)?.[1];

describe("the demo's page", () => {
  it('is well-formed, and names its parts', () => {
    const all = elements(withoutStyle(html));
    const named = all.flatMap(({ attributes }) => attribute(attributes, 'id') ?? []);
    expect(new Set(named).size).toBe(named.length);
    for (const { attributes } of all) {
      for (const id of attribute(attributes, 'aria-labelledby')?.split(' ') ?? [])
        expect(named).toContain(id);
    }
    for (const part of ['regret', 'shares', 'domains', 'calibration', 'costs', 'explained', 'made']) {
      expect(named).toContain(`${part}-section`);
    }
    expect(all.filter(({ name }) => name === 'svg')).toHaveLength(10);
  });

  it('needs nothing from elsewhere', () => {
    const fetching = /https?:|\/\/|<script|<link|<img|<iframe|\ssrc=|\shref=|url\(|@import/;
    expect(match(html, fetching)).toBeUndefined();
  });

  it('shows numbers alone', () => {
    const none = /NaN|undefined|null|Infinity|\[object/;
    for (const prompts of [1, 2, 9, 150]) {
      const text = page(figures(streamOf(prompts)), made);
      elements(withoutStyle(text));
      expect(match(text, none)).toBeUndefined();
    }
    expect(match(html, none)).toBeUndefined();
  });

  it('keeps names from being markup', () => {
    expect(match(html, /<b>"models".{60}/)).toBeUndefined();
    expect(match(html, /&lt;b&gt;&quot;models&quot; &amp; &#39;answers&#39;&lt;\/b&gt;/)).toBeDefined();
  });

  it('says how it was made, and what was assumed', () => {
    expect(match(html, /Seed 3\b/)).toBeDefined();
    expect(match(html, /500 tokens in and\s+300 out/)).toBeDefined();
  });
});

describe('the figures of the routing act', () => {
  const width = ids.length;
  const row = (t: number) => Array.from({ length: width }, (_, k) => stream.quality[t * width + k] as number);
  const { chosen } = decisionsOf(stream, 5);
  let [lost, fixed, random] = [0, 0, 0];
  const sums = ids.map((_, k) => stream.vectors.reduce((sum, __, t) => sum + (row(t)[k] as number), 0));
  const best = sums.indexOf(Math.max(...sums));
  for (let t = 0; t < 1500; t++) {
    const most = Math.max(...row(t));
    lost += most - (row(t)[chosen[t] as number] as number);
    fixed += most - (row(t)[best] as number);
    random += most - row(t).reduce((a, b) => a + b) / width;
  }

  it('are those of the decisions', () => {
    expect(found.bestFixed).toBe(ids[best]);
    expect(found.regret.sona.at(-1)).toBeCloseTo(lost, 9);
    expect(found.regret.bestFixed.at(-1)).toBeCloseTo(fixed, 9);
    expect(found.regret.random.at(-1)).toBeCloseTo(random, 9);
    expect(found.marks.at(-1)?.regret).toBeCloseTo(lost / fixed, 9);
  });

  it('share out every decision', () => {
    const { byModel, decisions } = found.shares;
    decisions.forEach((_, i) => {
      expect(byModel.reduce((sum, shares) => sum + (shares[i] as number), 0)).toBeCloseTo(1, 9);
    });
    const { rows, window } = found.domainShares;
    expect(rows.reduce((sum, { before }) => sum + before.decisions, 0)).toBe(window);
    expect(rows.reduce((sum, { after }) => sum + after.decisions, 0)).toBe(window);
    const last = [...chosen.subarray(1500 - window)].filter((_, i) => (1500 - window + i) % 3 === 1);
    expect(rows[1]?.after.shares?.[2]).toBeCloseTo(last.filter((k) => k === 2).length / last.length, 9);
  });

  it('count every decision of the last fifth once', () => {
    const { bins, decisions } = found.calibration;
    expect(decisions).toBe(300);
    expect(bins.reduce((sum, bin) => sum + bin.decisions, 0)).toBe(300);
    const mean = bins.reduce((sum, bin) => sum + bin.realised * bin.decisions, 0) / 300;
    const own = decisionsOf(stream, 5).quality.subarray(1200);
    expect(mean).toBeCloseTo(own.reduce((a, b) => a + b) / 300, 9);
  });
});
