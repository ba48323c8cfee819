// The embedder of many languages: its package, what it knows, and what is learned on it.
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtin, hash, type MultilingualOptions, multilingual } from '../../embed.ts';
import { type Embedder, SonaEngine, SonaRouter } from '../../index.ts';
import { languages as listed, path } from '../../packages/multilingual/index.js';
import { node, root } from '../support/child.ts';
import { cosine } from '../support/embedders.ts';
import { refusal } from '../support/errors.ts';
import { keep, temporaryFolder } from '../support/fixture.ts';
import { drawing, languages } from '../support/languages.ts';

const folder = temporaryFolder();
const many = (options: MultilingualOptions = {}) => multilingual({ path, ...options });

describe('multilingual', () => {
  it('is what it says', () => {
    const embedder = many();
    expect(embedder).toMatchObject({ dim: 128, language: 'mul' });
    expect(embedder.id).toMatch(/^multilingual-e5-128-[0-9a-f]{8}$/);
    expect(many({ dim: 64 }).id).toMatch(/^multilingual-e5-64-/);
    expect(embedder.basis).toBeUndefined();
    expect(many()).toBe(embedder);
    expect(embedder.id).not.toBe(builtin({ dim: 128 }).id);
  });

  it.each([128, 64] as const)('gives unit vectors of %i numbers, by near meaning', async (dim) => {
    const embedder = many({ dim });
    for (const [text, near, far] of [
      ['¿Dónde está mi pedido?', 'quiero saber cuándo llega mi paquete', 'el gato duerme en el sofá'],
      ['今天天气怎么样', '明天会下雨吗', '请播放音乐'],
      ['где мой заказ', 'когда придёт моя посылка', 'кошка спит на диване'],
    ] as const) {
      const vectors = await embedder.embed([text, near, far]);
      const [first = new Float32Array(), second = first, third = first] = vectors;
      expect(Math.hypot(...first)).toBeCloseTo(1, 5);
      expect(embedder.embedSync(text)).toEqual(first);
      expect(cosine(first, second)).toBeGreaterThan(cosine(first, third));
    }
  });

  it('takes the bytes of the table, too', () => {
    const held = multilingual({ data: readFileSync(path) });
    expect(held.id).toBe(many().id);
    expect(held.embedSync('hola')).toEqual(many().embedSync('hola'));
  });

  it('knows its languages, and says what it does not', () => {
    for (const { intents, between } of Object.values(languages)) {
      const texts = intents.map((lists) => lists.map(([first]) => first).join(between));
      for (const text of texts) expect([text, many().knows?.(text)]).toEqual([text, true]);
    }
    for (const text of ['ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ', 'ⵜⴰⵎⴰⵣⵉⵖⵜ', 'ߒߞߏ']) {
      expect([text, many().knows?.(text)]).toEqual([text, false]);
      expect(Math.hypot(...many().embedSync(text))).toBeCloseTo(1, 5);
    }
    for (const text of ['x^2 + y^2 = z^2', '12 + 30 = ?', 'for (let i = 0; i < n; i++) total += a[i];']) {
      expect([text, many().knows?.(text)]).toEqual([text, true]);
    }
    expect(listed).toEqual(expect.arrayContaining(['ar', 'en', 'es', 'hi', 'ko', 'ru', 'th', 'zh']));
  });

  it('gives zeros for texts without letters and pieces', () => {
    expect(many().embedSync('')).toEqual(new Float32Array(128));
  });

  it('is kept by states', () => {
    const router = keep(new SonaRouter({ models: [{ id: 'a' }, { id: 'b' }], embedder: many() }));
    for (let n = 0; n < 3; n++) router.feedback(router.route('¿dónde está?').id, { quality: 1 });
    const restored = keep(SonaRouter.restore(router.snapshot(), { embedder: many() }));
    expect(restored.route('¿dónde está?').fallback).toBeNull();
  });
});

describe('its package', () => {
  const script = (options = '') => `
    import { multilingual } from '${join(root, 'dist/embed.mjs')}';
    const embedder = multilingual(${options});
    try { console.log(JSON.stringify({ id: embedder.id })); }
    catch ({ code, message, details }) { console.log(JSON.stringify({ code, message, details })); }`;
  const run = async (cwd: string) => {
    const { stdout } = await node(['--input-type=module', '--eval', script()], { cwd });
    return JSON.parse(stdout);
  };

  it('that is not installed is an error that says what to install', async () => {
    expect(await run(folder)).toEqual({
      code: 'SONA_INVALID_CONFIG',
      message:
        'multilingual: the package @sona/multilingual is not installed: npm install @sona/multilingual',
      details: { embedder: 'multilingual', package: '@sona/multilingual' },
    });
  });

  it('is found where the program was started', async () => {
    const scope = join(folder, 'app/node_modules/@sona');
    mkdirSync(scope, { recursive: true });
    symlinkSync(join(root, 'packages/multilingual'), join(scope, 'multilingual'));
    expect(await run(join(folder, 'app'))).toEqual({ id: many().id });
  });

  it('ships its table, and the main package does not', () => {
    const manifest = (at: string) => JSON.parse(readFileSync(join(root, at, 'package.json'), 'utf8'));
    expect(manifest('packages/multilingual').files).toContain('table.sona');
    expect(manifest('packages/multilingual').dependencies).toBeUndefined();
    expect(manifest('').files.filter((file: string) => file.startsWith('packages'))).toEqual([]);
  });
});

describe('what is refused', () => {
  it.each([
    [{ dim: 256 }, 'SONA_OUT_OF_RANGE', 'options.dim'],
    [{ dim: '128' }, 'SONA_INVALID_ARGUMENT', 'options.dim'],
    [{ size: 1 }, 'SONA_INVALID_ARGUMENT', 'options.size'],
    [{ data: new Uint8Array(1), path: 'a' }, 'SONA_INVALID_ARGUMENT', 'options.data'],
  ])('%j', async (options, code, argument) => {
    const error = await refusal(() => multilingual(options as MultilingualOptions));
    expect(error).toMatchObject({ code, details: { argument } });
  });

  it('a table that is damaged', async () => {
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    const error = await refusal(() => multilingual({ data: bytes }).embedSync('a'));
    expect(error.code).toBe('SONA_CORRUPT_STATE');
  });

  it('a state of the other embedder', async () => {
    const router = keep(new SonaRouter({ models: [{ id: 'a' }, { id: 'b' }], embedder: many() }));
    const embedder = builtin({ dim: 128 });
    const error = await refusal(() => SonaRouter.restore(router.snapshot(), { embedder }));
    expect(error.code).toBe('SONA_INCOMPATIBLE_STATE');
  });
});

describe.each(Object.entries(languages))('%s', (_, language) => {
  const first = language.intents.map((lists) => lists.map(([word]) => word).join(language.between));

  it('is learned by an engine as well as with hash', () => {
    const right = (embedder: Embedder, seed: number): number => {
      const engine = keep(SonaEngine.withConfig({ hiddenDim: embedder.dim, background: 'manual', embedder }));
      const draw = drawing(language, seed);
      first.forEach((text, i) => {
        engine.addRoute(`${i}`, { text });
      });
      let count = 0;
      for (let i = 0; i < 500; i++) {
        const [text, intent] = draw();
        const { id, best, fallback } = engine.suggestRoutes(text);
        expect(fallback).toBeNull();
        if (i >= 300 && best === `${intent}`) count++;
        engine.feedback(id, { quality: best === `${intent}` ? 1 : 0 });
      }
      return count / 200;
    };
    for (const seed of [5, 6]) {
      expect(right(many(), seed)).toBeGreaterThanOrEqual(right(hash({ dim: 256 }), seed) - 0.03);
    }
  });

  it('is learned by a router', () => {
    const models = [{ id: '0' }, { id: '1' }, { id: '2' }];
    const router = keep(new SonaRouter({ models, embedder: many() }));
    const draw = drawing(language, 7);
    let count = 0;
    for (let i = 0; i < 600; i++) {
      const [text, intent] = draw();
      const decision = router.route(text);
      expect(decision.fallback).toBeNull();
      if (i >= 400 && decision.model === `${intent}`) count++;
      router.feedback(decision.id, { quality: decision.model === `${intent}` ? 0.9 : 0.3 });
    }
    expect(count / 200).toBeGreaterThan(0.6);
  });
});
