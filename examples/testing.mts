// Test a backend that routes: it learns, it fails over, and a day passes at once. Any test runner will do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SonaRouter } from '@sona/sona';
import { fakeEmbedder, fixedClock, playRouter, simulatedWorld, type WorldAnswer } from '@sona/sona/testing';

/** The backend under test. Its call to the provider is passed in, and so is its router. */
function backend<Id extends string>(router: SonaRouter<Id>, call: (model: Id, text: string) => WorldAnswer) {
  return (text: string) => {
    const { id, model, ranked } = router.route(text);
    const others = ranked.map((other) => other.model).filter((other) => other !== model);
    const attempts = [];
    for (const asked of [model, ...others]) {
      const { error, quality, usage, latencyMs } = call(asked, text);
      attempts.push(error ? { model: asked, error } : { model: asked, quality, usage, latencyMs });
      if (!error) break;
    }
    router.feedback(id, { attempts });
    return attempts;
  };
}

/** A small model that chats well, and a large one that is dearer and also writes code. */
const newWorld = () =>
  simulatedWorld({
    seed: 1,
    kinds: {
      code: { words: ['sql', 'query', 'function', 'loop', 'error', 'index', 'compile', 'script'] },
      chat: { words: ['hello', 'thanks', 'morning', 'nice', 'friend', 'weekend', 'today', 'kind'] },
    },
    models: [
      { id: 'small', quality: { code: 0.3, chat: 0.9 }, outputUsdPer1M: 0.6, latencyMs: 300 },
      { id: 'large', quality: 0.9, outputUsdPer1M: 15, latencyMs: 1_500 },
    ],
    // what an answer is worth to you: a dollar takes away as much as a quality of 20
    reward: ({ quality, costUsd }) => quality - 20 * costUsd,
  });

test('the configuration learns', async () => {
  const world = newWorld();
  const router = new SonaRouter({ models: world.models, objective: { costWeight: 0.3 } });
  await playRouter(router, world, { requests: 200 });
  const learned = await playRouter(router, world, { requests: 200 });
  assert.ok(learned.router.regret < 0.2 * learned.random.regret);
  assert.ok(learned.router.reward > learned.bestFixed.reward);
  await router.close();
});

test('a model that fails is replaced, and learned from', async () => {
  const world = newWorld();
  const router = new SonaRouter({ models: world.models, exploration: 'greedy' });
  const answer = backend(router, world.call);
  world.change('large', { errorRate: 1 }, { prompts: 100 });
  const outcomes = Array.from({ length: 100 }, () => answer(world.prompt().text));
  assert.ok(outcomes.every((attempts) => attempts.at(-1)?.model === 'small'));
  assert.ok(outcomes.filter((attempts) => attempts.length > 1).length < 20);
  await router.close();
});

test('outcomes are taken for a day', async () => {
  const clock = fixedClock();
  const router = new SonaRouter({ models: newWorld().models, now: clock.now });
  const [early, late] = [router.route('Good morning'), router.route('Good evening')];
  clock.advance(86_400_000);
  assert.equal(router.feedback(early.id, { quality: 1 }).applied, true);
  clock.advance(1);
  assert.deepEqual(router.feedback(late.id, { quality: 1 }), { applied: false, reason: 'expired' });
  await router.close();
});

test('requests are answered while the embedding service is down', async () => {
  const embedder = fakeEmbedder({ dim: 64, asynchronous: true });
  const router = new SonaRouter({ models: newWorld().models, embedder });
  assert.equal((await router.routeAsync('hello')).fallback, null);
  embedder.fail();
  assert.notEqual((await router.routeAsync('hello')).fallback, null);
  await router.close();
});
