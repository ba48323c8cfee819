export { SonaError, type SonaErrorCode, type SonaErrorDetails } from './ts/base/errors.ts';
export type { MemoryId, StoredId, SuggestionId, TrajectoryId } from './ts/base/ids.ts';
export type { Metadata, MetadataValue } from './ts/base/metadata.ts';
export type { Same, Vector } from './ts/base/vectors.ts';
export type { JsSonaConfig, OlderNames, SnakeCase, SonaConfig } from './ts/compat/config.ts';
export {
  type ForgetCriterion,
  type RestoreOptions,
  SonaEngine,
  type SonaEngineBuilder,
} from './ts/compat/engine.ts';
export { LearningSignal, type SignalParts, type TrajectoryName } from './ts/compat/learning-signal.ts';
export type { JsLearnedPattern, LearnedPattern, NodeRecord } from './ts/compat/patterns.ts';
export type { TrajectoryBuilder, TrajectoryRef } from './ts/compat/trajectory.ts';
export type { Embedder, EmbedOptions, SyncEmbedder } from './ts/embed/embedder.ts';
export type { ChatMessage, ChatMessages, PromptOptions } from './ts/embed/prompt.ts';
export type { Query, QueryOptions } from './ts/embed/query.ts';
export type { SonaTiers } from './ts/engine/config.ts';
export type {
  AnswerVector,
  Capabilities,
  SuggestOptions,
} from './ts/engine/engine.ts';
export type { SonaEvents } from './ts/engine/events.ts';
export type { FeedbackResult, Verdict } from './ts/engine/feedback.ts';
export type { ForgetResult, Version } from './ts/engine/history.ts';
export type { MemoryFilter, RecalledItem, RecallOptions, RememberOptions } from './ts/engine/items.ts';
export type { LearnOptions, LearnProgress } from './ts/engine/learning.ts';
export type { EndOptions } from './ts/engine/outcomes.ts';
export { PatternType } from './ts/engine/pattern-type.ts';
export type { Exemplar, QualityExpectation, RouteRecord } from './ts/engine/patterns.ts';
export { type Presets, presets } from './ts/engine/presets.ts';
export type { RouteParts } from './ts/engine/route-prior.ts';
export type { RankedRoute, Route, RouteSuggestion } from './ts/engine/routes.ts';
export type { LearnReport, MemoryStats, SonaMemory, SonaStats } from './ts/engine/stats.ts';
export type { NodeStepParts, StepOptions } from './ts/engine/trajectory-builder.ts';
