export { type Basis, type FitOptions, fitBasis } from './ts/basis.ts';
export type { JsSonaConfig, SonaConfig, SonaTiers } from './ts/config.ts';
export type { DecisionLog, DecisionLogStream } from './ts/decision-log.ts';
export { readLog, writeLog } from './ts/decision-log.ts';
export type { DecisionRecord, RecordedAttempt, RecordedOutcome } from './ts/decision-record.ts';
export type { Embedder, EmbedOptions, SyncEmbedder } from './ts/embed/embedder.ts';
export { type ChatMessages, type PromptOptions, promptOf } from './ts/embed/prompt.ts';
export type { Query, QueryOptions } from './ts/embed/query.ts';
export {
  type AnswerVector,
  type AsyncOptions,
  type Capabilities,
  type RestoreOptions,
  type RouteParts,
  SonaEngine,
  type SonaEvents,
  type SuggestOptions,
} from './ts/engine.ts';
export type { SonaEngineBuilder } from './ts/engine-builder.ts';
export { SonaError, type SonaErrorCode, type SonaErrorDetails } from './ts/errors.ts';
export type { EvaluationPolicy, Exclusions } from './ts/evaluation-policy.ts';
export { type FeedbackResult, LearningSignal, type SignalParts, type Verdict } from './ts/feedback.ts';
export type { ForgetCriterion, ForgetResult, Version } from './ts/history.ts';
export type { LearnOptions, LearnProgress } from './ts/learning.ts';
export type { ForeignLogOptions } from './ts/logs/foreign.ts';
export type { TextLines, TextStream } from './ts/logs/lines.ts';
export { type OpenBanditOptions, readOpenBandit } from './ts/logs/open-bandit.ts';
export { readVowpalWabbit, type VowpalWabbitOptions } from './ts/logs/vowpal-wabbit.ts';
export {
  type DirectEstimate,
  type Estimate,
  type EvaluationOptions,
  evaluatePolicy,
  type PolicyEvaluation,
} from './ts/offpolicy.ts';
export type { EndOptions } from './ts/outcomes.ts';
export { PatternType } from './ts/pattern-type.ts';
export type {
  Exemplar,
  JsLearnedPattern,
  LearnedPattern,
  NodeRecord,
  QualityExpectation,
  RouteRecord,
} from './ts/patterns.ts';
export { type Presets, presets } from './ts/presets.ts';
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
  CandidateFilter,
  DecisionReason,
  ExplainedCandidate,
  ExplainedPattern,
  Explanation,
} from './ts/router/explanation.ts';
export type { Fallback } from './ts/router/fallback.ts';
export type { RouterForgetCriterion } from './ts/router/forget.ts';
export { LogLines } from './ts/router/log-lines.ts';
export type { Metadata, MetadataValue } from './ts/router/metadata.ts';
export type { ModelPrice, ModelPrior, RouterModel } from './ts/router/models.ts';
export type { Outcome, OutcomeAttempt, OutcomeResult } from './ts/router/outcome.ts';
export type { RouterMemory, RouterModelStats, RouterStats } from './ts/router/stats.ts';
export type { WarmStartRow } from './ts/router/warm-start.ts';
export { type RouterEvaluationPolicy, SonaRouter } from './ts/router.ts';
export type { RankedRoute, Route, RouteSuggestion } from './ts/routes.ts';
export type { LearnReport, SonaMemory, SonaStats } from './ts/stats.ts';
export type { StepOptions, TrajectoryBuilder } from './ts/trajectory-builder.ts';
export type { Same, Vector } from './ts/vectors.ts';
