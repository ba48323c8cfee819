// Events of engines and routers: who hears of what, and that nobody who listens fails a call.
import { describe, expect, it, vi } from 'vitest';
import { type SonaEngine, type SonaError, SonaRouter } from '../index.ts';
import { fakeEmbedder } from '../testing.ts';
import { refusal } from './support/errors.ts';
import { engines } from './support/fixture.ts';

const DIM = 4;
const make = engines({ hiddenDim: DIM });

/** What the process is warned of while `work` runs, and once promises have settled. */
async function warnings(work: () => unknown): Promise<{ code: string; message: string }[]> {
  const heard: { code: string; message: string }[] = [];
  const hear = vi.spyOn(process, 'emitWarning').mockImplementation(((
    message: string,
    { code }: { code: string },
  ) => {
    heard.push({ code, message });
  }) as never);
  try {
    await work();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    hear.mockRestore();
  }
  return heard;
}

describe('listeners', () => {
  it('hear of every event until they stop, in the order in which they came', () => {
    const engine = make();
    const heard: string[] = [];
    const off = engine.on('learned', () => heard.push('first'));
    engine.on('learned', () => heard.push('second'));
    engine.once('learned', () => heard.push('once'));
    engine.forceLearn();
    engine.forceLearn();
    off();
    off();
    engine.forceLearn();
    expect(heard).toEqual(['first', 'second', 'once', 'first', 'second', 'second']);
  });

  it('are called as often as they were given, and end one by one', () => {
    const engine = make();
    let heard = 0;
    const listener = () => heard++;
    const first = engine.on('learned', listener);
    engine.on('learned', listener);
    engine.forceLearn();
    expect(heard).toBe(2);
    engine.off('learned', listener);
    engine.forceLearn();
    expect(heard).toBe(3);
    first();
    engine.off('learned', listener);
    engine.forceLearn();
    expect(heard).toBe(3);
  });

  it('that come while an event is told hear of the next, and that go hear of it no more', () => {
    const engine = make();
    const heard: string[] = [];
    engine.on('learned', () => {
      heard.push('first');
      off();
      engine.once('learned', () => heard.push('late'));
    });
    const off = engine.on('learned', () => heard.push('second'));
    engine.forceLearn();
    expect(heard).toEqual(['first']);
    engine.forceLearn();
    expect(heard).toEqual(['first', 'first', 'late']);
  });

  it('hear once though a listener before them has the same event told again', () => {
    const engine = make();
    let [again, heard] = [true, 0];
    engine.on('learned', () => {
      if (again) {
        again = false;
        engine.forceLearn();
      }
    });
    engine.once('learned', () => heard++);
    engine.forceLearn();
    expect(heard).toBe(1);
  });

  it('are functions, of events that there are', async () => {
    const router = new SonaRouter({ models: [{ id: 'a' }] });
    for (const source of [make(), router as unknown as SonaEngine]) {
      for (const name of ['on', 'once', 'off'] as const) {
        const wrong = await refusal(() => source[name]('promise' as never, () => undefined));
        expect(wrong).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument: 'event' } });
        expect(wrong.message).toContain("'drift'");
      }
      for (const listener of [undefined, null, {}, 'learned']) {
        const wrong = await refusal(() => source.on('error', listener as never));
        expect(wrong).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument: 'listener' } });
      }
    }
    await router.close();
  });
});

describe('a listener that fails', () => {
  const own = new Error('mine');
  const ways: [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw own;
      },
    ],
    ['rejects', () => Promise.reject(own)],
  ];

  it.each(ways)(
    'and %s fails no call, and is told to whoever listens to errors, once',
    async (_, listener) => {
      const engine = make();
      const heard: SonaError[] = [];
      const others: string[] = [];
      engine.on('learned', listener);
      engine.on('learned', () => others.push('next'));
      engine.on('error', (error) => heard.push(error));
      const warned = await warnings(() => {
        engine.forceLearn();
        engine.forceLearn();
      });
      expect([warned, others]).toEqual([[], ['next', 'next']]);
      expect(heard).toMatchObject([{ code: 'SONA_LISTENER', cause: own, details: { event: 'learned' } }]);
    },
  );

  it.each(ways)('and %s is a warning where nobody listens to errors', async (_, listener) => {
    const engine = make();
    engine.on('learned', listener);
    const warned = await warnings(() => engine.forceLearn());
    expect(warned).toEqual([{ code: 'SONA_LISTENER', message: expect.stringContaining("'learned'") }]);
    expect(warned[0]?.message).toContain('mine');
  });

  it.each(ways)('and %s is a warning where it is the one that listens to errors', async (_, listener) => {
    const engine = make();
    engine.on('error', listener);
    engine.on('learned', listener);
    const warned = await warnings(() => engine.forceLearn());
    expect(warned).toEqual([{ code: 'SONA_LISTENER', message: expect.stringContaining("'error'") }]);
  });
});

describe('a listener to errors that has failed', () => {
  it('leaves the rest to the process', async () => {
    const router = new SonaRouter({
      models: [{ id: 'a' }],
      log: () => {
        throw new Error('the disk is full');
      },
    });
    router.on('error', () => {
      throw new Error('mine');
    });
    const warned = await warnings(() => {
      for (let n = 0; n < 3; n++) router.route('hello');
    });
    expect(warned.map(({ code }) => code)).toEqual(['SONA_LISTENER', 'SONA_IO']);
    await router.close();
  });

  it('may end its router', () => {
    const router = new SonaRouter({
      models: [{ id: 'a' }],
      log: () => {
        throw new Error('the disk is full');
      },
    });
    const { id } = router.route('hello');
    router.on('error', () => router[Symbol.dispose]());
    expect(router.feedback(id, { quality: 1 })).toEqual({ applied: true });
  });
});

describe('a log that fails', () => {
  const ways: [string, (line: string) => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('the disk is full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the disk is full'))],
  ];

  it.each(ways)('and %s fails no request: every time it is told to whoever listens', async (_, log) => {
    const router = new SonaRouter({ models: [{ id: 'a' }], log: log as (line: string) => void });
    const heard: SonaError[] = [];
    router.on('error', (error) => heard.push(error));
    const warned = await warnings(() => {
      const { id } = router.route('hello');
      expect(router.feedback(id, { quality: 1 })).toEqual({ applied: true });
    });
    expect([warned, heard.map(({ code }) => code)]).toEqual([[], ['SONA_IO', 'SONA_IO']]);
    await router.close();
  });

  it.each(ways)('and %s is one warning where nobody listens', async (_, log) => {
    const router = new SonaRouter({ models: [{ id: 'a' }], log: log as (line: string) => void });
    const warned = await warnings(() => {
      for (let n = 0; n < 5; n++) router.route('hello');
    });
    expect(warned).toEqual([{ code: 'SONA_IO', message: expect.stringContaining('the disk is full') }]);
    await router.close();
  });
});

describe('signals', () => {
  /** A signal of a library's own. */
  function foreign(aborted: boolean) {
    const heard = new Set<() => void>();
    return {
      aborted,
      reason: 'enough' as unknown,
      addEventListener: (_: string, listener: () => void) => heard.add(listener),
      removeEventListener: (_: string, listener: () => void) => heard.delete(listener),
      fire() {
        this.aborted = true;
        for (const listener of [...heard]) listener();
      },
      heard,
    };
  }
  it('of any kind stop what waits, with an error that the platform knows', async () => {
    const embedder = fakeEmbedder({ dim: DIM, asynchronous: true });
    embedder.hang();
    const engine = make({ embedder });
    const signal = foreign(false);
    const waiting = refusal(() => engine.suggestRoutesAsync('hello', { signal: signal as never }));
    await new Promise((resolve) => setImmediate(resolve));
    // what the embedder was handed is the platform's own
    const handed = embedder.calls[0]?.signal;
    expect(handed).toBeInstanceOf(AbortSignal);
    expect(signal.heard.size).toBeGreaterThan(0);
    signal.fire();
    expect(await waiting).toMatchObject({ name: 'AbortError', code: 'SONA_ABORTED', cause: 'enough' });
    expect(handed?.aborted).toBe(true);
    const early = await refusal(() => engine.learn({ signal: foreign(true) as never }));
    expect(early).toMatchObject({ name: 'AbortError', code: 'SONA_ABORTED' });
  });

  it('that can not be heard are refused', async () => {
    const engine = make();
    for (const signal of [null, 1, {}, { aborted: false }, { aborted: 'no', addEventListener: () => 0 }]) {
      expect(await refusal(() => engine.learn({ signal: signal as never }))).toMatchObject({
        code: 'SONA_INVALID_ARGUMENT',
        details: { argument: 'options.signal' },
      });
    }
  });
});
