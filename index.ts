export type { SonaConfig, SonaTiers } from './ts/config.ts';
export { type Capabilities, SonaEngine, type SonaEvents } from './ts/engine.ts';
export { SonaError, type SonaErrorCode, type SonaErrorDetails } from './ts/errors.ts';
export type { LearnOptions, LearnProgress } from './ts/learning.ts';
export type { RankedRoute, Route, RouteSuggestion } from './ts/routes.ts';
export type { LearnReport, SonaStats } from './ts/stats.ts';
export type { TrajectoryBuilder } from './ts/trajectory-builder.ts';
export type { Same, Vector } from './ts/vectors.ts';
