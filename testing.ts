export type { Embedder, EmbedOptions, SyncEmbedder } from './ts/embed/embedder.ts';
export type { PerKind, SomeKinds, WorldBehaviour, WorldChange } from './ts/testing/behaviour.ts';
export { type FixedClock, fixedClock } from './ts/testing/clock.ts';
export {
  type FakeEmbedder,
  type FakeEmbedderCall,
  type FakeEmbedderOptions,
  fakeEmbedder,
} from './ts/testing/embedder.ts';
export {
  type PlayableRouter,
  type PlayedMeans,
  type PlayOptions,
  type PlayReport,
  playRouter,
} from './ts/testing/play.ts';
export type { WorldKind } from './ts/testing/texts.ts';
export {
  type Expected,
  type PricedModel,
  type SimulatedWorld,
  simulatedWorld,
  type WorldAnswer,
  type WorldModel,
  type WorldOptions,
  type WorldPrompt,
} from './ts/testing/world.ts';
