import { describe, expect, it } from 'vitest';
import { SonaEngine, SonaRouter } from '../index.ts';
import { numberOf } from './support/engines.ts';
import { refusal } from './support/errors.ts';
import { engines, keep } from './support/fixture.ts';
import { gaussian } from './support/vectors.ts';

const DIM = 8;
const query = gaussian(DIM, 1);

const make = engines({ hiddenDim: DIM });

const end = (engine: SonaEngine, route = 'a', quality = 1): string => {
  const told = engine.beginTrajectory(query).setRoute(route);
  engine.endTrajectory(told, quality);
  return told.id;
};
const foreign = { applied: false, deltaNorm: 0, reason: 'foreign' };

describe('an id', () => {
  it('is another one in every engine, though the numbers are the same', () => {
    const [one, other] = [make(), make()];
    const ids = [end(one), end(other), one.suggestRoutes(query).id, other.suggestRoutes(query).id];
    expect(new Set(ids).size).toBe(4);
    expect(ids.map(numberOf)).toEqual([1, 1, 1, 1]);
    expect(ids.map(([kind]) => kind)).toEqual(['t', 't', 's', 's']);
  });

  it('of another engine, another kind or a router is foreign, and changes nothing', () => {
    const [one, other] = [make(), make()];
    end(one);
    const router = new SonaRouter({ models: [{ id: 'm' }], features: { dim: DIM } });
    const decided = router.route(query).id;
    const ids = [
      end(other),
      one.suggestRoutes(query).id,
      decided,
      'r0123456789abcdef-1',
      't0123456789abcdef-1',
    ];
    for (const trajectoryId of ids) {
      expect(one.learnFromFeedback({ trajectoryId, quality: 0 })).toEqual(foreign);
      expect(one.forget({ trajectoryId })).toEqual({ forgotten: 0, outOfReach: 0 });
    }
    expect(one.routes()).toMatchObject([{ count: 1, avgQuality: 1 }]);
    // but for the suggestion, which is kept
    one.feedback(ids[1] as string, { quality: 1 });
    expect(one.stats().trajectoriesRecorded).toBe(2);
  });

  it.each([
    '',
    '1',
    't',
    'x0123456789abcdef-1',
    't0123456789abcdef-0',
    't0123456789abcdef-01',
    't0123456789abcdef-1 ',
    't0123456789abcdef-1.5',
    't0123456789ABCDEF-1',
    't0123456789abcde-1',
    't0123456789abcdef-9007199254740993',
    't0123456789abcdef-',
  ])('is refused when it is none: %o', async (text) => {
    const engine = make();
    end(engine);
    const calls: [string, () => unknown][] = [
      ['trajectoryId', () => engine.learnFromFeedback({ trajectoryId: text, quality: 1 })],
      ['trajectoryId', () => engine.forget({ trajectoryId: text })],
      ['decision', () => engine.beginTrajectory(query, { decision: text })],
      ['trajectory', () => engine.endTrajectory(text, 1)],
    ];
    for (const [argument, call] of calls) {
      const error = await refusal(call);
      expect(error).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument } });
    }
  });

  it('of ours that is too old or never came is unknown, as before', async () => {
    const engine = make({ trajectoryCapacity: 2 });
    const ids = [1, 2, 3].map(() => end(engine));
    for (const trajectoryId of [ids[0] as string, `${ids[0]}0000`]) {
      const error = await refusal(() => engine.learnFromFeedback({ trajectoryId, quality: 0 }));
      expect(error.code).toBe('SONA_UNKNOWN_TRAJECTORY');
    }
    const open = engine.beginTrajectory(query).id;
    for (const id of [ids[2] as string, end(make()), engine.suggestRoutes(query).id]) {
      expect((await refusal(() => engine.endTrajectory(id, 1))).code).toBe('SONA_UNKNOWN_TRAJECTORY');
    }
    engine.endTrajectory(open, 1);
  });
});

describe('a decision of another engine', () => {
  it('is passed over: the candidates are searched again', () => {
    const route = (engine: SonaEngine) => {
      for (let n = 0; n < 12; n++) engine.addRoute(`route ${n}`, { embedding: gaussian(DIM, 50 + n) });
    };
    const [one, twin, other] = [make(), make(), make()];
    for (const engine of [one, twin, other]) route(engine);
    const learn = (engine: SonaEngine, decision: string | undefined) => {
      engine.endTrajectory(engine.beginTrajectory(query, { decision }).setRoute('route 3'), 1);
      return engine.applyMicroLora(query);
    };
    // the other's candidates for another query would be other ones
    const theirs = other.suggestRoutes(gaussian(DIM, 9)).id;
    one.suggestRoutes(gaussian(DIM, 10));
    expect(learn(one, theirs)).toEqual(learn(twin, undefined));
    expect(learn(one, 'r0123456789abcdef-1')).toEqual(learn(twin, undefined));
    expect(learn(one, one.suggestRoutes(query).id)).toEqual(learn(twin, undefined));
  });
});

describe('after a restart', () => {
  const restarts: [string, (engine: SonaEngine, bytes: Uint8Array) => SonaEngine][] = [
    ['from a snapshot', (_, bytes) => SonaEngine.restore(bytes)],
    ['of a copy that was made while the first lives', (engine) => SonaEngine.restore(engine.snapshot())],
  ];

  it.each(restarts)('%s, what came with the state still takes its outcome', (_, restart) => {
    const first = make();
    const kept = [end(first), end(first, 'b')];
    const second = keep(restart(first, first.snapshot()));
    for (const trajectoryId of kept) {
      expect(second.learnFromFeedback({ trajectoryId, quality: 0 }).applied).toBe(true);
      expect(second.learnFromFeedback({ trajectoryId, quality: 0 }).reason).toBe('unchanged');
    }
    // also in the one after the next
    end(second);
    const third = keep(SonaEngine.restore(second.snapshot()));
    expect(third.learnFromFeedback({ trajectoryId: kept[0] as string, quality: 1 }).applied).toBe(true);
    expect(third.forget({ trajectoryId: kept[1] as string })).toEqual({ forgotten: 1, outOfReach: 0 });
  });

  it('what was issued after the state was saved is foreign, and never taken for what is issued now', () => {
    const first = make();
    end(first);
    const bytes = first.snapshot();
    const lost = end(first, 'lost');
    const decision = first.suggestRoutes(query).id;
    const second = keep(SonaEngine.restore(bytes));
    expect(second.learnFromFeedback({ trajectoryId: lost, quality: 0 })).toEqual(foreign);
    const own = end(second, 'own');
    expect(numberOf(own)).toBe(numberOf(lost));
    expect(second.learnFromFeedback({ trajectoryId: lost, quality: 0 })).toEqual(foreign);
    expect(second.forget({ trajectoryId: lost })).toEqual({ forgotten: 0, outOfReach: 0 });
    expect(second.routes().find(({ name }) => name === 'own')).toMatchObject({ count: 1, avgQuality: 1 });
    const told = second.beginTrajectory(query, { decision }).setRoute('own');
    second.endTrajectory(told, 1);
    expect(second.learnFromFeedback({ trajectoryId: own, quality: 0 }).applied).toBe(true);
  });

  it('the state is the same bytes until something is issued', () => {
    const first = make();
    end(first);
    const bytes = first.snapshot();
    const second = keep(SonaEngine.restore(bytes));
    expect(Buffer.compare(second.snapshot(), bytes)).toBe(0);
    second.suggestRoutes(query);
    expect(Buffer.compare(second.snapshot(), bytes)).not.toBe(0);
  });

  it('an engine that continues gives the ids that the first would have given', () => {
    const first = make();
    end(first);
    const bytes = first.snapshot();
    const next = keep(SonaEngine.restore(bytes, { continues: true }));
    const [here, there] = [end(next), end(first)];
    expect(here).toBe(there);
    expect(next.learnFromFeedback({ trajectoryId: there, quality: 0 }).applied).toBe(true);
    expect(next.suggestRoutes(query).id).toBe(first.suggestRoutes(query).id);
    expect(Buffer.compare(keep(SonaEngine.restore(bytes)).snapshot(), bytes)).toBe(0);
  });

  it('refuses another kind of continues', async () => {
    const bytes = make().snapshot();
    for (const continues of [1, 'yes', null]) {
      const error = await refusal(() => SonaEngine.restore(bytes, { continues } as never));
      expect(error).toMatchObject({ code: 'SONA_INVALID_ARGUMENT', details: { argument: 'continues' } });
    }
  });

  it('exemplars name their trajectories as they were issued', () => {
    const first = make();
    const ids = [end(first), end(first)];
    first.forceLearn();
    const second = keep(SonaEngine.restore(first.snapshot()));
    ids.push(end(second));
    second.forceLearn();
    const shown = second.findPatterns(query, 1, { minQuality: 0 })[0]?.exemplars ?? [];
    expect(shown.map(({ trajectoryId }) => trajectoryId).toSorted()).toEqual(ids.toSorted());
    for (const { trajectoryId } of shown) {
      expect(second.learnFromFeedback({ trajectoryId, quality: 0.5 }).applied).toBe(true);
    }
  });

  it('a hundred times, the state does not grow', () => {
    let engine = make({ trajectoryCapacity: 20, replayCapacity: 64 });
    const sizes: number[] = [];
    for (let n = 0; n < 100; n++) {
      for (let i = 0; i < 5; i++) end(engine, 'a', i % 2);
      engine.forceLearn();
      engine.forget({ before: Date.now() + 1_000 });
      const next = SonaEngine.restore(engine.snapshot());
      engine.close();
      engine = next;
      sizes.push(engine.snapshot().byteLength);
    }
    keep(engine);
    // but for longer numbers
    expect(sizes[99]).toBeLessThan((sizes[30] as number) + 200);
  });
});

describe('a shared engine', () => {
  it('is one incarnation for all who share it', () => {
    const of = `ids ${Math.random()}`;
    const config = { hiddenDim: DIM, background: 'manual' } as const;
    const [one, other] = [keep(SonaEngine.shared(of, config)), keep(SonaEngine.shared(of, config))];
    const [a, b] = [end(one), end(other)];
    expect(a.split('-')[0]).toBe(b.split('-')[0]);
    expect(a).not.toBe(b);
    expect(other.learnFromFeedback({ trajectoryId: a, quality: 0 }).applied).toBe(true);
    expect(one.learnFromFeedback({ trajectoryId: b, quality: 0 }).applied).toBe(true);
  });
});
