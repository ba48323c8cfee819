// The page that the demo writes: everything is in it, nothing is fetched, every figure is a number.
import { describe, expect, it } from 'vitest';
import { page } from '../examples/demo/html/page.mts';
import { picture } from '../examples/demo/html/picture.mts';
import { figuresOf, type RoutingFigures } from '../examples/demo/routing/figures.mts';
import { meansOf } from '../examples/demo/routing/orders.mts';
import { type Decisions, type Explained, RoutingRun } from '../examples/demo/routing/run.mts';
import { routingStream, type Stream } from '../examples/demo/routing/stream.mts';
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

/** Decisions of which so many in ten get the best of the models, the others the model with this place. */
function mixed(stream: Stream, tenths: number, other: number): Decisions {
  const width = stream.models.length;
  const answers = (t: number) => [...stream.quality.subarray(t * width, (t + 1) * width)];
  const choose = (t: number) => (t % 10 < tenths ? answers(t).indexOf(Math.max(...answers(t))) : other);
  const chosen = Uint16Array.from(stream.vectors, (_, t) => choose(t));
  const quality = Float64Array.from(chosen, (k, t) => answers(t)[k] as number);
  return { chosen, quality, expected: quality, low: quality, high: quality };
}

function figures(
  stream: Stream,
  runs = [0, 0.25].map((costWeight) => ({ costWeight, decisions: decisionsOf(stream, 5 + costWeight) })),
): RoutingFigures {
  const { length } = stream.vectors;
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

  it('leads with the name of the product and the price of the same quality', () => {
    expect(
      match(html, /<main>\n<h1>SONA: [^<]*<\/h1>\n<p class="lead" id="sentence">[^<]+<\/p>/),
    ).toBeDefined();
  });

  it('explains decisions with their chance', () => {
    expect(match(html, /<p>Chance 63 % \(thompson\)\./)).toBeDefined();
  });

  it('has every chart for a phone, where no text leaves it', () => {
    const phones = html.split('<div class="phone">').slice(1);
    const drawings = phones.flatMap((part) => part.match(/^<svg [\s\S]*?<\/svg>/) ?? []);
    expect(drawings).toHaveLength(5);
    // no more than what a page of 390 pixels has beside its margins: there the texts keep their size
    const style = html.slice(0, html.indexOf('</style>'));
    expect(style).not.toMatch(/svg[^{}]*\{[^}]*min-width/);
    expect(style).toMatch(/@media \(max-width:760px\)\{\.wide\{display:none\}\.phone\{display:block\}\}/);
    for (const drawing of drawings) {
      const [, width] = /viewBox="0 0 (\d+) \d+"/.exec(drawing) ?? [];
      expect(Number(width)).toBe(350);
      for (const [, x, anchor, words = ''] of drawing.matchAll(
        /<text x="([\d.-]+)"[^>]* text-anchor="(\w+)"[^>]*>([^<]*)</g,
      )) {
        const long = 6 * words.replace(/&[^;]*;/g, '"').length;
        const left = Number(x) - (anchor === 'end' ? long : anchor === 'middle' ? long / 2 : 0);
        expect([words, left >= 0, left + long <= 350]).toEqual([words, true, true]);
      }
    }
  });

  it('shows the data of every chart', () => {
    const sections = new Map(
      [...html.matchAll(/<section id="(\w+)-section"[\s\S]*?<\/section>/g)].map(([text, id = '']) => [
        id,
        text,
      ]),
    );
    const tables = (id: string) => [
      ...(sections.get(id) ?? '').matchAll(/<details><summary>Show data<\/summary>([\s\S]*?)<\/details>/g),
    ];
    const cells = (row: string) => [...row.matchAll(/<t[hd][^>]*>([^<]*)</g)].map(([, cell = '']) => cell);
    const rows = (id: string, which = 0) =>
      [...(tables(id)[which]?.[1] ?? '').matchAll(/<tr>([\s\S]*?)<\/tr>/g)].map(([, row = '']) => cells(row));
    const { sona, bestFixed, bandit, random, decisions } = found.regret;
    const end = [sona, bestFixed, bandit, random].map((curve) => curve.at(-1)?.toFixed(1));
    expect(rows('regret').at(0)).toEqual(['decisions', 'SONA', 'best fixed', 'bandit', 'random']);
    expect(rows('regret').at(-1)).toEqual(['1,500', ...end]);
    const gained = ((bestFixed.at(-1) as number) - (sona.at(-1) as number)).toFixed(1);
    expect(rows('regret', 1).at(-1)).toEqual(['1,500', gained]);
    expect(rows('shares')[0]?.at(-1)).toBe('1,500');
    expect(rows('shares')).toHaveLength(1 + ids.length);
    expect(decisions.at(-1)).toBe(1500);
    expect(
      rows('calibration')
        .slice(1)
        .map(([expected]) => expected),
    ).toEqual(found.calibration.bins.map(({ expected }) => expected.toFixed(3)));
    expect(
      rows('costs')
        .slice(1)
        .map((row) => row.slice(1)),
    ).toEqual(
      found.costs.map(({ costUsd, quality }) => [`$${(1000 * costUsd).toFixed(2)}`, quality.toFixed(3)]),
    );
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

  it('learn of a bandit without context what is best on the whole', () => {
    const { bandit, bestFixed, random } = found.marks.at(-1) as (typeof found.marks)[0];
    expect(bandit).toBeGreaterThan(random + 0.8 * (bestFixed - random));
    expect(bandit).toBeLessThan(bestFixed);
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

describe('what the same quality costs', () => {
  // 1,000 calls cost 0.8 dollars times the model's place; the last model is the best one
  const ladder = streamOf(1500);
  const best = ids.length - 1;
  const sentenceOf = (...runs: [weight: number, decisions: Decisions][]): string => {
    const found = figures(
      ladder,
      runs.map(([costWeight, decisions]) => ({ costWeight, decisions })),
    );
    expect(found.bestFixed).toBe(ids[best]);
    const text = /<p class="lead" id="sentence">([^<]*)</.exec(page(found, made))?.[1] as string;
    return text.replaceAll(/&[^;]*;/g, '?');
  };
  const meanOf = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b) / values.length;
  const always = meanOf(
    ladder.vectors.map((_, t) => ladder.quality[t * ids.length + best] as number),
  ).toFixed(3);
  const dollars = ({ chosen }: Decisions) => `$${(0.8 * (1 + meanOf(chosen))).toFixed(2)}`;
  const scored = ({ quality }: Decisions) => meanOf(quality).toFixed(3);
  const fixed = `\\$3\\.20 with the best fixed model, middle \\(${always}\\)`;
  const literal = (text: string) => text.replace(/[.$]/g, '\\$&');
  const own = (run: Decisions) =>
    `${literal(dollars(run))} per 1,000 calls with SONA \\(mean score ${literal(scored(run))}\\)`;

  it('is that of the cheapest router that scores at least as well', () => {
    const [good, cheaper, bad] = [mixed(ladder, 10, 0), mixed(ladder, 9, 0), mixed(ladder, 2, 0)];
    const percent = Math.round(100 * (1 - (0.8 * (1 + meanOf(cheaper.chosen))) / 3.2));
    expect(sentenceOf([0, good], [0.25, cheaper], [0.5, bad])).toMatch(
      new RegExp(`^At least the same quality for ${percent} % less: ${own(cheaper)}, ${fixed}\\.$`),
    );
  });

  it('says where SONA falls short, and by how much', () => {
    const [bad, worse] = [mixed(ladder, 2, 0), mixed(ladder, 1, 0)];
    const below = (Number(always) - Number(scored(bad))).toFixed(3).slice(0, 4);
    expect(sentenceOf([0, worse], [0.25, bad])).toMatch(
      new RegExp(
        `^SONA did not reach the quality of the best fixed model: its best router is ${literal(below)}\\d below, at ${own(bad)} against ${fixed}\\.$`,
      ),
    );
  });

  it('says where it costs the same', () => {
    expect(sentenceOf([0, mixed(ladder, 0, best)])).toMatch(
      /^At least the same quality for the same money: /,
    );
  });
});

describe('decisions explained', () => {
  it('have the chance that the policy gave, between 0 and 100 %', async () => {
    const run = new RoutingRun(routingStream(0, 400), 0, 0, {
      exploration: 'thompson',
      explain: 4,
      mostChance: 0.4,
    });
    while (run.done < run.stream.vectors.length) run.step();
    await run.finish();
    expect(run.explained).toHaveLength(4);
    for (const { chance, model, explanation } of run.explained) {
      const { candidates } = explanation;
      expect(chance).toBe(candidates.find((one) => one.model === model)?.propensity);
      expect(chance).toBeGreaterThan(0.01);
      expect(chance).toBeLessThanOrEqual(0.4);
      expect(candidates.filter(({ propensity }) => propensity > 0.02).length).toBeGreaterThan(1);
      expect(candidates.reduce((sum, { propensity }) => sum + propensity, 0)).toBeCloseTo(1, 4);
    }
  });
});

describe('the picture of cost against quality', () => {
  it('is a file by itself, with a mark for every way to choose where its numbers are', async () => {
    const data = await meansOf([0, 1], 300);
    const svg = picture(data);
    elements(withoutStyle(svg));
    expect(svg).toContain('<svg xmlns="http://www.w3.org/2000/svg" ');
    expect(
      match(svg.replace(' xmlns="http://www.w3.org/2000/svg"', ''), /https?:|url\(|@import|href|var\(/),
    ).toBeUndefined();
    expect(svg).toContain('@media (prefers-color-scheme:dark)');
    expect(svg).toMatch(/300 prompts .* over 2 orders, seeds 0 to 1\./);
    const kinds = data.points.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'model')).toHaveLength(9);
    expect(kinds.slice(9)).toEqual(['random', 'oracle', 'bandit', 'sona', 'sona', 'sona', 'sona', 'sona']);
    for (const { name, costUsd, quality } of data.points) {
      const said = `${name}: quality ${quality.toFixed(3)}, $${(1000 * costUsd).toFixed(2)} per 1,000 calls`;
      expect(svg.split(`<title>${said}</title>`)).toHaveLength(2);
    }
    // the best fixed model's circle lies where the axes say
    const { fixed } = data.matched;
    const [, cx] = /class="mark fixed-mark" cx="([\d.]+)"/.exec(svg) ?? [];
    const ticks = [...svg.matchAll(/<text x="([\d.]+)"[^>]*>\$([\d.]+)</g)].map(([, x, usd]) => [
      Number(x),
      Number(usd),
    ]);
    const [[x0 = 0, usd0 = 0] = [], [x1 = 0, usd1 = 0] = []] = [ticks[0], ticks.at(-1)];
    const read = usd0 + ((Number(cx) - x0) / (x1 - x0)) * (usd1 - usd0);
    expect(read).toBeCloseTo(1000 * fixed.costUsd, 2);
  });

  it('means the orders, and draws the same each time', async () => {
    const [both, one, two] = await Promise.all([[0, 1], [0], [1]].map((seeds) => meansOf(seeds, 120)));
    both?.points.forEach(({ quality, costUsd }, i) => {
      const of = (key: 'quality' | 'costUsd') =>
        ((one?.points[i]?.[key] ?? 0) + (two?.points[i]?.[key] ?? 0)) / 2;
      expect(quality).toBeCloseTo(of('quality'), 12);
      expect(costUsd).toBeCloseTo(of('costUsd'), 12);
    });
    expect(picture(await meansOf([0, 1], 120))).toBe(picture(await meansOf([0, 1], 120)));
  });
});
