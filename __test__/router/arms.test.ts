// Arms: a model under a name of its own, with the settings that it is called with, and plain data of the caller's.
import { describe, expect, it } from 'vitest';
import { type RouterModel, readLog, SonaRouter } from '../../index.ts';
import { refusal } from '../support/errors.ts';
import { routers } from '../support/fixture.ts';
import { bytes, DIM, prompt, teach } from '../support/routers.ts';

const make = routers();
const fast: RouterModel = {
  id: 'fast',
  model: 'gpt-large',
  settings: { temperature: 0.5, reasoning: { effort: 'low' }, stop: ['\n', null] },
  metadata: { owner: 'search', tier: 2 },
};
const plain: RouterModel = { id: 'plain' };

/** A router that routes to one arm alone. */
const only = (model: RouterModel, config = {}) => make({ models: [model], ...config });

describe('an arm', () => {
  it('is called by what it was given, in its order', () => {
    const { model, settings } = only(fast).route(prompt(0, 1));
    expect(model).toBe('fast');
    expect(JSON.stringify(settings)).toBe(
      '{"model":"gpt-large","temperature":0.5,"reasoning":{"effort":"low"},"stop":["\\n",null]}',
    );
  });

  it('is called by its id where nothing else was given', () => {
    const decision = only(plain).route(prompt(0, 1));
    expect([decision.model, decision.settings]).toEqual(['plain', { model: 'plain' }]);
    expect(only({ id: 'a', settings: { n: 1 } }).route(prompt(0, 1)).settings).toEqual({ model: 'a', n: 1 });
    expect(only({ id: 'a', model: 'b' }).route(prompt(0, 1)).settings).toEqual({ model: 'b' });
  });

  it('comes back from the list of models as it was given', () => {
    const router = make({ models: [plain, fast] });
    expect(router.models()).toEqual([plain, fast]);
    expect(Object.keys(router.models()[1]?.settings ?? {})).toEqual(['temperature', 'reasoning', 'stop']);
  });

  it('is explained and logged', () => {
    const lines: string[] = [];
    const router = make({ models: [plain, fast], log: (line) => lines.push(line) });
    const metadata = { request: 'abc', nested: { list: [1, 'two'] } };
    const decision = router.route(prompt(0, 1), { eligible: ['fast'], metadata });
    const { settings, metadata: own, candidates } = decision.explain();
    expect([settings, own]).toEqual([{ model: 'gpt-large', ...fast.settings }, metadata]);
    const by = (id: string) => candidates.find(({ model }) => model === id);
    expect(by('fast')).toMatchObject({ settings: { model: 'gpt-large' }, metadata: fast.metadata });
    expect(by('plain')).toMatchObject({ settings: { model: 'plain' } });
    expect(by('plain')).not.toHaveProperty('metadata');
    for (const log of [lines.join('\n'), router.exportLog()]) {
      const [record] = readLog(log);
      const { id: _, ...arm } = fast;
      expect(record).toMatchObject({ model: 'fast', arm, metadata });
    }
    router.route(prompt(0, 1), { eligible: ['plain'] });
    const [, record] = readLog(router.exportLog());
    expect(record).not.toHaveProperty('arm');
    expect(record).not.toHaveProperty('metadata');
    router.removeModel('fast');
    const { id: _, ...arm } = fast;
    expect(readLog(router.exportLog())[0]).toMatchObject({ model: 'fast', arm });
  });

  it('survives a restart, with what is known of its request', () => {
    const router = make({ models: [plain, fast] });
    router.route(prompt(0, 1), { metadata: { a: 1 } });
    const again = SonaRouter.restore(router.snapshot());
    expect(again.models()).toEqual([plain, fast]);
    expect(again.route(prompt(0, 1), { eligible: ['fast'] }).settings).toEqual({
      model: 'gpt-large',
      ...fast.settings,
    });
    expect(readLog(again.exportLog())[0]?.metadata).toEqual({ a: 1 });
  });

  it('can be added while running', () => {
    const router = make({ models: [plain] });
    router.addModel(fast);
    expect(router.route(prompt(0, 1), { eligible: ['fast'] }).settings.model).toBe('gpt-large');
  });

  it('of another model or other settings learns nothing else', () => {
    const [bare, dressed] = [
      make({ models: [{ id: 'poet' }, { id: 'dull' }] }),
      make({ models: [{ ...fast, id: 'poet' }, { id: 'dull' }] }),
    ];
    for (const router of [bare, dressed]) teach(router, 50);
    const seen = (router: SonaRouter) => router.stats().models;
    expect(seen(dressed)).toEqual(seen(bare));
    expect(bytes(dressed)).not.toBe(bytes(bare));
  });

  it('of a model that is known starts from what its other arms have shown', () => {
    const router = make({ models: [{ ...fast, id: 'coder' }, { id: 'poet' }, { id: 'dull' }] });
    teach(router, 60);
    router.addModel({ id: 'new', model: fast.model, settings: { temperature: 1 } });
    router.addModel({ id: 'apart' });
    const expected = (id: string): number[] =>
      [0, 1].map((kind) => {
        const { ranked } = router.route(prompt(kind, 5), { mode: 'observe' });
        return ranked.find(({ model }) => model === id)?.quality ?? Number.NaN;
      });
    const [known, fresh, other] = ['coder', 'new', 'apart'].map(expected) as [number[], number[], number[]];
    const gap = ([code, prose]: number[]): number => (code as number) - (prose as number);
    expect(gap(fresh)).toBeGreaterThan(gap(other) + 0.3 * (gap(known) - gap(other)));
    expect(bytes(SonaRouter.restore(router.snapshot()))).toBe(bytes(router));
  });

  it('can not be changed by what is given out', () => {
    const router = only(fast);
    const { settings } = router.route(prompt(0, 1));
    expect(() => Object.assign(settings, { model: 'mine' })).toThrow(TypeError);
    expect(() => (settings.stop as string[]).push('mine')).toThrow(TypeError);
    expect(router.route(prompt(0, 1)).settings.model).toBe('gpt-large');
  });

  it.each<[string, object, string, string?]>([
    ['a model without a name', { model: '' }, 'model', 'SONA_OUT_OF_RANGE'],
    ['a model that is no text', { model: 1 }, 'model'],
    ['settings that are a list', { settings: [1] }, 'settings'],
    ['settings of a class', { settings: { at: new Date(0) } }, 'settings.at'],
    ['settings that name a model', { settings: { model: 'other' } }, 'settings.model'],
    ['metadata that is text', { metadata: 'text' }, 'metadata'],
    ['metadata that is too long', { metadata: { a: 'x'.repeat(65_536) } }, 'metadata'],
  ])('is refused with %s, and nothing changes', async (_, part, argument, code = 'SONA_INVALID_ARGUMENT') => {
    const model = { id: 'new', ...part } as never;
    const first = await refusal(() => new SonaRouter({ models: [plain, model], features: { dim: DIM } }));
    expect([first.code, first.details.argument]).toEqual([code, `models[1].${argument}`]);
    const router = make();
    const before = bytes(router);
    const later = await refusal(() => router.addModel(model));
    expect([later.code, later.details.argument]).toEqual([code, `model.${argument}`]);
    expect(bytes(router)).toBe(before);
  });
});

describe('metadata of a request', () => {
  it('is plain data, or the request is refused', async () => {
    const router = make();
    const before = bytes(router);
    for (const metadata of ['text', [1], { at: new Date(0) }, { a: 'x'.repeat(65_536) }]) {
      const error = await refusal(() => router.route(prompt(0, 1), { metadata: metadata as never }));
      expect(error.code).toBe('SONA_INVALID_ARGUMENT');
      expect(String(error.details.argument)).toMatch(/^metadata/);
    }
    expect(bytes(router)).toBe(before);
  });
});
