// Texts of which the built-in embedder knows too little: what its vectors hold, what is learned on them, and what is said.
import { describe, expect, it } from 'vitest';
import { builtin, hash } from '../../embed.ts';
import { type Embedder, SonaEngine, SonaRouter } from '../../index.ts';
import { Random } from '../../ts/testing/random.ts';
import { cosine, instant, own } from '../support/embedders.ts';
import { refusal } from '../support/errors.ts';
import { keep } from '../support/fixture.ts';
import { drawing, languages } from '../support/languages.ts';

describe.each(Object.entries(languages))('%s', (_, language) => {
  const draw = drawing(language, 3);
  const texts = Array.from({ length: 40 }, draw).map(([text]) => text);

  it('is known or not, by every length and call', async () => {
    for (const dim of [256, 128, 64] as const) {
      const embedder = builtin({ dim });
      expect(embedder.language).toBe('en');
      const vectors = await embedder.embed(texts);
      texts.forEach((text, i) => {
        expect(embedder.knows?.(text)).toBe(language.known);
        expect(vectors[i]).toEqual(embedder.embedSync(text));
        expect(Math.hypot(...(vectors[i] as Float32Array))).toBeCloseTo(1, 5);
      });
    }
  });

  it('has words of its own: those of hash, away from the table', () => {
    if (language.known) return;
    const plain = hash({ dim: 256 });
    const [first = '', ...others] = texts;
    for (const text of others) {
      const wanted = cosine(plain.embedSync(first), plain.embedSync(text));
      expect(cosine(builtin().embedSync(first), builtin().embedSync(text))).toBeCloseTo(wanted, 5);
      const english = builtin().embedSync('Write a Python function that reads a file.');
      expect(Math.abs(cosine(english, builtin().embedSync(text)))).toBeLessThan(0.3);
    }
  });

  it('is learned by an engine as well as with hash', () => {
    const right = (embedder: Embedder): number => {
      const engine = keep(SonaEngine.withConfig({ hiddenDim: 256, background: 'manual', embedder }));
      const draw = drawing(language, 5);
      language.intents.forEach((lists, i) => {
        engine.addRoute(`${i}`, { text: lists.map(([first]) => first).join(language.between) });
      });
      let count = 0;
      for (let i = 0; i < 500; i++) {
        const [text, intent] = draw();
        const { id, best, fallback } = engine.suggestRoutes(text);
        if (embedder.knows) expect(fallback).toEqual(language.known ? null : { reason: 'language' });
        if (i >= 300 && best === `${intent}`) count++;
        expect(engine.feedback(id, { quality: best === `${intent}` ? 1 : 0 }).applied).toBe(true);
      }
      return count / 200;
    };
    expect(right(builtin())).toBeGreaterThanOrEqual(right(hash({ dim: 256 })) - 0.03);
  });

  it('is said by a router, which learns from it', () => {
    const router = keep(new SonaRouter({ models: [{ id: '0' }, { id: '1' }, { id: '2' }] }));
    const draw = drawing(language, 7);
    let count = 0;
    for (let i = 0; i < 600; i++) {
      const [text, intent] = draw();
      const decision = router.route(text);
      const said = language.known ? null : { reason: 'language' };
      expect(decision.fallback).toEqual(said);
      if (i === 0) expect(decision.explain().fallback).toEqual(said);
      if (i >= 400 && decision.model === `${intent}`) count++;
      router.feedback(decision.id, { quality: decision.model === `${intent}` ? 0.9 : 0.3 });
    }
    expect(count / 200).toBeGreaterThan(0.6);
  });
});

describe('what is known of a text', () => {
  it.each([
    ['emoji', '👍'],
    ['emoji of several characters', '🙏🏽 👩‍👩‍👧‍👦'],
    ['signs', '\u2620\u2603'],
  ])('is nothing: %s', (_, text) => {
    expect(builtin().embedSync(text)).toEqual(new Float32Array(256));
    const router = keep(new SonaRouter({ models: [{ id: 'a' }, { id: 'b' }] }));
    expect(router.route(text).fallback).toEqual({ reason: 'empty' });
  });

  it('leaves out words that are not, whatever their number', () => {
    const known = builtin().embedSync('where is my order');
    for (const text of ['👍 where is my order 🙏🏽', 'where is 龘 my order', 'where is my order ไหม']) {
      expect(builtin().embedSync(text)).toEqual(known);
      expect(builtin().knows?.(text)).toBe(true);
    }
  });

  it('is too little by half of the letters', () => {
    const knows = (text: string) => builtin().knows?.(text);
    expect(knows('deploy ошибка')).toBe(true);
    expect(knows('fix ошибка сервера')).toBe(false);
    // numbers and single letters are of no language
    expect(knows('x + y = 12, z = 3')).toBe(true);
    expect(knows('12:30 2026-01-01 ошибка')).toBe(false);
  });
});

describe("an embedder's own word", () => {
  const knows = (text: string) => text !== 'foreign';
  const models = [{ id: 'a' }, { id: 'b' }];

  it.each([
    ['quick', instant({ knows })],
    ['slow', own({ knows })],
  ])('is said: %s', async (_, embedder) => {
    const router = keep(new SonaRouter({ models, embedder, features: { dim: 2 } }));
    const engine = keep(SonaEngine.withConfig({ hiddenDim: 2, background: 'manual', embedder }));
    engine.addRoute('a', { embedding: [1, 0] });
    for (const [text, said] of [
      ['foreign', { reason: 'language' }],
      ['known', null],
    ] as const) {
      expect((await router.routeAsync(text)).fallback).toEqual(said);
      const suggestion = await engine.suggestRoutesAsync(text);
      expect(suggestion.fallback).toEqual(said);
      expect(engine.feedback(suggestion.id, { quality: 1 }).applied).toBe(true);
    }
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('lost');
      },
    ],
    ['says something else', () => 'yes' as unknown as boolean],
  ])('is a failure where it %s', async (_, broken) => {
    for (const embedder of [instant({ knows: broken }), own({ knows: broken })]) {
      const router = keep(new SonaRouter({ models, embedder, features: { dim: 2 } }));
      router.on('error', () => {});
      expect((await router.routeAsync('x')).fallback).toMatchObject({
        reason: 'embedder',
        code: 'SONA_EMBEDDER',
      });
      const strict = keep(
        new SonaRouter({ models, embedder, features: { dim: 2 }, onEmbedderError: 'throw' }),
      );
      expect((await refusal(() => strict.routeAsync('x'))).code).toBe('SONA_EMBEDDER');
    }
  });

  it.each([
    ['knows', true],
    ['language', ''],
    ['language', 7],
  ])('is refused where it has another form: %s', async (name, value) => {
    const embedder = instant({ [name]: value } as Partial<Embedder>);
    const error = await refusal(() => new SonaRouter({ models, embedder, features: { dim: 2 } }));
    expect(error).toMatchObject({ code: 'SONA_INVALID_CONFIG', details: { argument: `embedder.${name}` } });
  });
});

describe('a question in a long text', () => {
  const words =
    'river market report season the of and in a harbour city winter price grain ship council year'.split(' ');
  const random = new Random(3);
  const chance = () => random.uniform();
  const context = (n: number) =>
    Array.from({ length: n }, () => words[Math.floor(chance() * words.length)]).join(' ');
  const code = ['Write a Python function for this', 'Fix the bug in this code', 'Write a SQL query'];
  const talk = ['Tell it to a child', 'What is the mood of the author?', 'Say it in French'];
  const places: [string, (question: string, about: string) => string][] = [
    ['at the end', (question, about) => `${about}\n\nQuestion: ${question}`],
    ['at the beginning', (question, about) => `${question}:\n\n${about}`],
    ['at the end, before a greeting', (question, about) => `${about}\n${question}\n\nThanks!`],
    ['as the last sentence', (question, about) => `${about}. ${question}`],
    ['as the first sentence', (question, about) => `${question}. ${about}`],
  ];

  it.each(places)('counts %s', (_, place) => {
    for (const n of [300, 1_000]) {
      const about = context(n);
      const near = (a: string, b: string) =>
        cosine(builtin().embedSync(place(a, about)), builtin().embedSync(place(b, about)));
      expect(near(code[0] as string, talk[0] as string)).toBeLessThan(0.93);
      const router = keep(new SonaRouter({ models: [{ id: 'coder' }, { id: 'talker' }] }));
      let right = 0;
      for (let i = 0; i < 600; i++) {
        const isCode = chance() < 0.5;
        const list = isCode ? code : talk;
        const { id, model } = router.route(place(list[Math.floor(chance() * 3)] as string, context(n)));
        const good = (model === 'coder') === isCode;
        if (i >= 300 && good) right++;
        router.feedback(id, { quality: good ? 0.9 : 0.3 });
      }
      expect(right / 300).toBeGreaterThan(0.7);
    }
  });
});
