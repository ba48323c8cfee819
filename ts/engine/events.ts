import type { SonaError } from '../base/errors.ts';
import type { LearnReport } from './stats.ts';

/** Events of an engine. */
export interface SonaEvents {
  /** A training cycle has finished. */
  learned: LearnReport;
  /** Trained weights have been published. */
  promoted: LearnReport;
  /** The promotion gate refused trained weights; the former ones stay. */
  rolledBack: LearnReport;
  /**
   * Topics have begun to change: how far the newest queries lie from those just before, as a share of the variance of
   * queries. Told once per change.
   */
  drift: { change: number };
  /**
   * How many ended trajectories a full queue gave up before they were learned from: the oldest.
   */
  dropped: { count: number };
  /**
   * A cycle of the background thread failed; without a listener it is only counted (`failedCycles`). Or an embedder did, and routes
   * were suggested without the text; or another listener, for the first time (`SONA_LISTENER`): without a listener here the process
   * is warned of these, once each.
   */
  error: SonaError;
}

export const eventNames = ['learned', 'promoted', 'rolledBack', 'drift', 'dropped', 'error'] as const;
