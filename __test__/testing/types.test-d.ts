// What must not compile of the test kit: `tsc` refuses an expected error that is none. Nothing here runs.
import { type Embedder, type RouterModel, SonaEngine, SonaRouter } from '../../index.ts';
import {
  type FakeEmbedder,
  fakeEmbedder,
  fixedClock,
  type PlayReport,
  playRouter,
  type SimulatedWorld,
  simulatedWorld,
} from '../../testing.ts';

const world = simulatedWorld({
  kinds: { code: { words: ['sql'] }, chat: { prompts: ['hello'] } },
  models: [
    { id: 'small', quality: { code: 0.3, chat: 0.9 } },
    { id: 'large', quality: 1 },
  ],
});

// models and kinds are known by name
const typed: SimulatedWorld<'small' | 'large', 'code' | 'chat'> = world;
const prompt = world.prompt();
const kind: 'code' | 'chat' = prompt.kind;
const best: 'small' | 'large' = world.best(prompt);
world.call('small', prompt);
world.call('large', 'hello');
// @ts-expect-error no such model
world.call('medium', prompt);
// @ts-expect-error no such kind
world.expected('small', 'prose');
// @ts-expect-error no such model
world.change('medium', { errorRate: 1 });
world.change('small', { quality: { code: 1 } }, { prompts: 3 });
// @ts-expect-error no such kind
world.change('small', { quality: { prose: 1 } });
// @ts-expect-error a model's name stays
world.change('small', { id: 'other' });
// @ts-expect-error every kind needs its quality
simulatedWorld({ kinds: { code: {}, chat: {} }, models: [{ id: 'a', quality: { code: 1 } }] });
// @ts-expect-error quality is what a model is about
simulatedWorld({ kinds: { code: {} }, models: [{ id: 'a' }] });

// an answer or an error
const answer = world.call('small', prompt);
const quality: number | undefined = answer.quality;
// @ts-expect-error an error has none
const sure: number = answer.quality;
if (answer.error === undefined) answer.quality.toFixed();

// its models are a router's, by name
const router = new SonaRouter({ models: world.models });
router.route('hello', { eligible: ['small'] });
// @ts-expect-error no such model
router.route('hello', { eligible: ['smal'] });
const models: readonly RouterModel[] = world.models;

// every router can be played
const report: Promise<PlayReport<'small' | 'large'>> = playRouter(router, world, { requests: 1 });
playRouter(new SonaRouter<string>({ models: [] }), world, { requests: 1, before: (n) => n.toFixed() });
// @ts-expect-error how often?
playRouter(router, world, {});
// @ts-expect-error no router
playRouter({}, world, { requests: 1 });
report.then(({ chosen, bestFixed }) => [chosen.small, bestFixed.model satisfies 'small' | 'large']);
// @ts-expect-error no such model
report.then(({ chosen }) => chosen.medium);

// one that embeds at once says so
fakeEmbedder().embedSync('a');
fakeEmbedder({ asynchronous: false, dim: 8 }).embedSync('a');
// @ts-expect-error it takes its time
fakeEmbedder({ asynchronous: true }).embedSync('a');
const embedder: Embedder & FakeEmbedder = fakeEmbedder({ asynchronous: true });

// a clock is a router's and an engine's
const clock = fixedClock();
new SonaEngine({ now: clock.now, embedder });
// @ts-expect-error the function, not the clock
new SonaEngine({ now: clock });
// @ts-expect-error time is set by its function
clock.now = () => 1;

export const used = [typed, kind, best, quality, sure, models];
