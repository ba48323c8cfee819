// The table's file: missing, damaged, read late, read by many. What does not need it goes on.
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtin } from '../../embed.ts';
import { SonaEngine, type SonaErrorCode, SonaRouter } from '../../index.ts';
import { node, root, thread } from '../support/child.ts';
import { manual } from '../support/engines.ts';
import { refusal } from '../support/errors.ts';
import { keep, temporaryFolder } from '../support/fixture.ts';
import { make, models, prompt } from '../support/routers.ts';
import { bits } from '../support/vectors.ts';

const TABLE = 'models/static-minilm/table.sona';
const table = join(root, TABLE);
const bytes = readFileSync(table);
const folder = temporaryFolder();

const flipped = (at: number) => {
  const copy = Buffer.from(bytes);
  const place = at < 0 ? copy.length + at : at;
  copy[place] = (copy[place] as number) ^ 1;
  return copy;
};

/** What lies at the path, by the codes that say so. */
const damages: [string, (path: string) => void, SonaErrorCode[]][] = [
  ['nothing', () => undefined, ['SONA_IO']],
  ['a folder', (path) => mkdirSync(path), ['SONA_IO']],
  ['an empty file', (path) => writeFileSync(path, ''), ['SONA_CORRUPT_STATE', 'SONA_INCOMPATIBLE_STATE']],
  [
    'some text',
    (path) => writeFileSync(path, 'hello '.repeat(100)),
    ['SONA_CORRUPT_STATE', 'SONA_INCOMPATIBLE_STATE'],
  ],
  [
    "an engine's state",
    (path) => writeFileSync(path, manual({ hiddenDim: 4 }).snapshot()),
    ['SONA_INCOMPATIBLE_STATE'],
  ],
  ["a router's state", (path) => writeFileSync(path, make().snapshot()), ['SONA_INCOMPATIBLE_STATE']],
  ...[1, 8, 63, 64, 100, 5_000, bytes.length >> 1, bytes.length - 1].map(
    (length): (typeof damages)[number] => [
      `the first ${length} bytes`,
      (path) => writeFileSync(path, bytes.subarray(0, length)),
      ['SONA_CORRUPT_STATE', 'SONA_INCOMPATIBLE_STATE'],
    ],
  ),
  [
    'a byte more',
    (path) => writeFileSync(path, Buffer.concat([bytes, Buffer.of(0)])),
    ['SONA_CORRUPT_STATE'],
  ],
  // every part of the preamble, the header, the numbers
  ...[0, 7, 8, 12, 24, 32, 40, 48, 56, 63, 64, 72, 200, 100_000, bytes.length >> 1, -1].map(
    (at): (typeof damages)[number] => [
      `one with another bit in byte ${at}`,
      (path) => writeFileSync(path, flipped(at)),
      ['SONA_CORRUPT_STATE', 'SONA_INCOMPATIBLE_STATE'],
    ],
  ),
];

let files = 0;

describe.each(damages)('where the table should be lies %s:', (_, write, codes) => {
  it('every use says so and where, and the rest works', async () => {
    const path = join(folder, `table ${++files}`);
    write(path);
    const embedder = builtin({ path });
    const uses: [string, () => unknown][] = [
      ['id', () => embedder.id],
      ['embedSync', () => embedder.embedSync('hello')],
      ['embed', () => embedder.embed(['hello'])],
      ['another length', () => builtin({ path, dim: 64 }).id],
      ['engine', () => SonaEngine.withConfig({ embedder })],
      ['router', () => new SonaRouter({ models, embedder })],
    ];
    for (const [name, use] of uses) {
      const error = await refusal(use);
      expect(codes, name).toContain(error.code);
      expect(error.message, name).toContain(path);
    }
    expect(
      builtin()
        .embedSync('hello')
        ?.some((number) => number !== 0),
    ).toBe(true);
    const router = make();
    expect(router.route(prompt(0, 1)).fallback).toBeNull();
    const engine = keep(manual({ hiddenDim: 4 }));
    engine.addRoute('a', { embedding: [1, 2, 3, 4] });
    expect(engine.suggestRoutes([1, 2, 3, 4]).best).toBe('a');
    await Promise.all([router.close(), engine.close()]);
    // the next use tries again
    rmSync(path, { recursive: true, force: true });
    copyFileSync(table, path);
    expect(embedder.id).toBe(builtin().id);
    expect(embedder.embedSync('hello')).toEqual(builtin().embedSync('hello'));
    rmSync(path);
  });
});

/** Runs a script beside a copy of the built package, and returns what it printed as JSON. */
async function printed(
  kind: 'module' | 'commonjs',
  script: string,
  cwd: string,
): Promise<Record<string, unknown>> {
  const start = {
    module: "import * as main from './dist/index.mjs'; import * as embed from './dist/embed.mjs';",
    commonjs: "const main = require('./dist/index.cjs'); const embed = require('./dist/embed.cjs');",
  };
  const run = `${start[kind]}
    const { SonaEngine, SonaRouter, SonaError } = main;
    const { builtin, hash } = embed;
    const refusal = async (call) => {
      try { await call() } catch (error) { return [SonaError.isInstance(error), error.code, error.message] }
      return 'was accepted';
    };
    const models = [{ id: 'a' }, { id: 'b' }];
    (async () => { ${script} })();`;
  const args = ['--expose-gc', `--input-type=${kind}`, '--eval', run];
  const { code, stdout, stderr } = await node(args, { cwd });
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** A copy of the built package that has no table. */
function withoutTable(): string {
  const copy = mkdtempSync(join(folder, 'package-'));
  const addons = readdirSync(root).filter((name) => /^sona\..*\.node$/.test(name));
  for (const name of ['dist', 'binding.cjs', ...addons])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  return copy;
}

describe.each(['module', 'commonjs'] as const)('a package without its table (%s)', (kind) => {
  it('works with vectors, and says for text what is missing', async () => {
    const cwd = withoutTable();
    const script = `
      const engine = new SonaEngine({ onEmbedderError: 'throw' });
      engine.addRoute('x', { embedding: new Float32Array(256).fill(1) });
      const best = engine.suggestRoutes(new Float32Array(256).fill(1)).best;
      const small = new SonaRouter({ models, features: { dim: 8 } });
      const auto = new SonaRouter({ models, features: {}, onEmbedderError: 'throw' });
      const hashed = SonaEngine.withConfig({ embedder: hash() });
      hashed.addRoute('y', { text: 'hello' });
      const vectors = [
        small.route(new Array(8).fill(1)).id,
        auto.route(new Array(256).fill(1)).id,
        (await auto.routeAsync(new Array(256).fill(1))).id,
        SonaRouter.restore(auto.snapshot()).route(new Array(256).fill(1)).id,
      ];
      const texts = [];
      for (const call of [
        () => new SonaRouter({ models }),
        () => new SonaRouter({ models, features: { basis: 'builtin' } }),
        () => auto.route('hello'),
        () => auto.routeAsync('hello'),
        () => auto.warmStart([{ text: 'hello', model: 'a', quality: 1 }]),
        () => engine.suggestRoutes('hello'),
        () => engine.suggestRoutesAsync('hello'),
        () => engine.addRoute('z', { text: 'hello' }),
        () => builtin().id,
      ]) texts.push(await refusal(call));
      const elsewhere = builtin({ path: ${JSON.stringify(table)} });
      // by default such a request is answered without its text, and says why
      const lenient = [new SonaEngine(), new SonaRouter({ models, features: {} })];
      const told = [];
      for (const each of lenient) each.on('error', ({ code }) => told.push(code));
      const [ranked, decided, later] = [
        lenient[0].suggestRoutes('hello'), lenient[1].route('hello'), await lenient[1].routeAsync('hello'),
      ];
      lenient[0].close();
      console.log(JSON.stringify({
        fallbacks: [ranked, decided, later].map(({ fallback }) => [fallback.reason, fallback.code]), told,
        best, vectors: vectors.map((id) => Number(id.split('-')[1])), texts,
        hashed: hashed.suggestRoutes('hello').best,
        after: [engine.suggestRoutes(new Float32Array(256).fill(1)).best, engine.routes().length, auto.stats().decisions],
        elsewhere: Array.from(elsewhere.embedSync('hello')),
        router: new SonaRouter({ models, features: {}, embedder: elsewhere }).route('hello').fallback,
      }));
      engine.close(); hashed.close();`;
    const { texts, elsewhere, ...rest } = await printed(kind, script, cwd);
    expect(rest).toEqual({
      fallbacks: Array(3).fill(['embedder', 'SONA_IO']),
      told: Array(3).fill('SONA_IO'),
      best: 'x',
      vectors: [1, 1, 2, 3],
      hashed: 'y',
      after: ['x', 1, 2],
      router: null,
    });
    expect(elsewhere).toEqual(Array.from(builtin().embedSync('hello')));
    expect(texts).toHaveLength(9);
    for (const text of texts as unknown[]) {
      expect(text).toEqual([true, 'SONA_IO', expect.stringContaining(join(cwd, TABLE))]);
    }
  });

  it('that comes later works from then on: nothing is read before the first text', async () => {
    const cwd = withoutTable();
    const script = `
      const fs = await import('node:fs');
      const megabytes = () => { globalThis.gc(); globalThis.gc(); return process.memoryUsage().rss / 2 ** 20 };
      const engine = new SonaEngine();
      engine.endTrajectory(engine.beginTrajectory(new Float32Array(256).fill(1)).setRoute('x'), 1);
      const router = new SonaRouter({ models, features: {} });
      router.route(new Float32Array(256).fill(1));
      const embedders = [builtin(), builtin({ dim: 64 }), engine.embedder, router.embedder];
      const dims = embedders.map(({ dim, basis }) => [dim, basis]);
      fs.mkdirSync('models/static-minilm', { recursive: true });
      fs.copyFileSync(${JSON.stringify(table)}, ${JSON.stringify(TABLE)});
      const before = megabytes();
      const vector = Array.from(builtin().embedSync('hello'));
      const grown = megabytes() - before;
      console.log(JSON.stringify({
        dims, vector, grown,
        best: engine.suggestRoutes('hello').best,
        fallback: router.route('hello').fallback,
        other: new SonaRouter({ models }).route('hello').fallback,
      }));
      engine.close();`;
    const { grown, vector, ...rest } = await printed(kind, script, cwd);
    expect(rest).toEqual({
      dims: [256, 64, 256, 256].map((dim) => [dim, 'builtin']),
      best: 'x',
      fallback: null,
      other: null,
    });
    expect(vector).toEqual(Array.from(builtin().embedSync('hello')));
    // the table takes 8 MB
    expect(grown).toBeGreaterThan(5);
  });
});

/** Ids of decisions as their numbers. */
function withoutIncarnations<T>(answer: T): T {
  return JSON.parse(JSON.stringify(answer).replaceAll(/"r[0-9a-f]{16}-(\d+)"/g, '"$1"')) as T;
}

describe('threads', () => {
  it('that open the table at once get the same bits, and so does this one', async () => {
    const texts = ['where is my order?', 'I want my money back', '', 'a poem about the sea', '漢字 🙂'];
    const data = { texts: texts.filter((text) => text !== ''), dims: [256, 64, 128] as const };
    const workers = [1, 2].map(() => thread('embedder-worker.mts', data));
    const answers = await Promise.all(
      workers.map(
        (worker) =>
          new Promise<{ vectors: string[]; id: string }>((resolve, reject) => {
            worker.once('message', resolve);
            worker.once('error', reject);
          }),
      ),
    );
    await Promise.all(workers.map((worker) => worker.terminate()));
    // ids say which router of the two decided
    const [one, other] = answers.map(withoutIncarnations);
    expect(other).toEqual(one);
    expect(one?.id).toBe(builtin().id);
    const expected = data.dims.flatMap((dim) =>
      data.texts.map((text) => bits(builtin({ dim }).embedSync(text)).join('')),
    );
    expect(one?.vectors).toEqual(expected);
  });
});
