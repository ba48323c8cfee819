export type { RefusedValue, SonaErrorDetailsByCode, UnknownName } from './ts/base/error-details.ts';
export { SonaError, type SonaErrorCode, type SonaErrorDetails, type SonaErrorOf } from './ts/base/errors.ts';
export type { DecisionId, MemoryId, StoredId, SuggestionId, TrajectoryId } from './ts/base/ids.ts';
export type { Metadata, MetadataValue } from './ts/base/metadata.ts';
export type { Same, Vector } from './ts/base/vectors.ts';
export { type Basis, type FitOptions, fitBasis } from './ts/embed/basis.ts';
export type { Embedder, EmbedOptions, SyncEmbedder } from './ts/embed/embedder.ts';
export type { Fallback } from './ts/embed/fallback.ts';
export { type ChatMessage, type ChatMessages, type PromptOptions, promptOf } from './ts/embed/prompt.ts';
export type { AsyncOptions, Query, QueryOptions } from './ts/embed/query.ts';
export type { SonaConfig, SonaTiers } from './ts/engine/config.ts';
export type { EngineRestoreOptions } from './ts/engine/created.ts';
export {
  type AnswerVector,
  type Capabilities,
  SonaEngine,
  type SuggestOptions,
} from './ts/engine/engine.ts';
export type { SonaEngineBuilder } from './ts/engine/engine-builder.ts';
export type { SonaEvents } from './ts/engine/events.ts';
export type { FeedbackResult, SignalParts, Verdict } from './ts/engine/feedback.ts';
export type { ForgetCriterion, ForgetResult, Version } from './ts/engine/history.ts';
export type { MemoryFilter, RecalledItem, RecallOptions, RememberOptions } from './ts/engine/items.ts';
export type { LearnOptions, LearnProgress } from './ts/engine/learning.ts';
export type { EndOptions } from './ts/engine/outcomes.ts';
export { PatternType } from './ts/engine/pattern-type.ts';
export type {
  Exemplar,
  LearnedPattern,
  NodeRecord,
  QualityExpectation,
  RouteRecord,
} from './ts/engine/patterns.ts';
export { type Presets, presets } from './ts/engine/presets.ts';
export type { RouteParts } from './ts/engine/route-prior.ts';
export type { Episode, RankedRoute, Reasoning, Route, RouteSuggestion } from './ts/engine/routes.ts';
export type { LearnReport, MemoryStats, SonaMemory, SonaStats } from './ts/engine/stats.ts';
export type { SuggestionOutcome, SuggestionResult } from './ts/engine/suggestion-outcome.ts';
export type {
  NodeStepParts,
  StepOptions,
  TrajectoryBuilder,
  TrajectoryRef,
} from './ts/engine/trajectory-builder.ts';
export type { DecisionLog, DecisionLogStream } from './ts/log/decision-log.ts';
export { readLog, writeLog } from './ts/log/decision-log.ts';
export type {
  DecisionRecord,
  RecordedArm,
  RecordedAttempt,
  RecordedOutcome,
} from './ts/log/decision-record.ts';
export type { EvaluationPolicy, Exclusions } from './ts/log/evaluation-policy.ts';
export type { ForeignLogOptions } from './ts/log/foreign.ts';
export type { TextLines, TextStream } from './ts/log/lines.ts';
export {
  type DirectEstimate,
  type Estimate,
  type EvaluationOptions,
  evaluatePolicy,
  type PolicyEvaluation,
} from './ts/log/offpolicy.ts';
export { type OpenBanditOptions, readOpenBandit } from './ts/log/open-bandit.ts';
export { readVowpalWabbit, type VowpalWabbitOptions } from './ts/log/vowpal-wabbit.ts';
export type {
  CostScale,
  Exploration,
  LatencyScale,
  RouterConfig,
  RouterFeatures,
  RouterObjective,
  RouterRestoreOptions,
} from './ts/router/config.ts';
export type { RankedModel, RouteOptions, RouterDecision } from './ts/router/decision.ts';
export type { BasisEvent, BudgetInfeasibleEvent, DriftEvent, RouterEvents } from './ts/router/events.ts';
export { explainTable } from './ts/router/explain-table.ts';
export type {
  AnswerLimits,
  CandidateFilter,
  DecisionReason,
  ExplainedCandidate,
  ExplainedPattern,
  Explanation,
} from './ts/router/explanation.ts';
export type { RouterForgetCriterion } from './ts/router/forget.ts';
export { LogLines } from './ts/router/log-lines.ts';
export type { ModelPrice, ModelPrior, ModelSettings, RouterModel } from './ts/router/models.ts';
export type {
  Durability,
  FlushOptions,
  RouterDurability,
  RouterOpenConfig,
  RouterOpenReport,
} from './ts/router/open.ts';
export type { Outcome, OutcomeAttempt, OutcomeResult, TokenUsage } from './ts/router/outcome.ts';
export { type RouterEvaluationPolicy, SonaRouter } from './ts/router/router.ts';
export type { RouterMemory, RouterModelStats, RouterStats } from './ts/router/stats.ts';
export type { WarmStartRow } from './ts/router/warm-start.ts';
