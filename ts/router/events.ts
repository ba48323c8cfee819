import type { PackedError, SonaError } from '../base/errors.ts';
import { call, native } from '../binding/native.ts';

/** Events of a router. */
export interface RouterEvents {
  /** A model is not what it was. Of quality, what came before the shift counts little from now on. */
  drift: DriftEvent;
  /** The cheapest model is expected to cost more than the budget; one is chosen all the same. Told once. */
  budgetInfeasible: BudgetInfeasibleEvent;
  /** A basis has been fitted to the prompts so far, and everything learned anew on it. */
  basis: BasisEvent;
  /**
   * Something failed without failing a call: the fit of a basis; an embedder, for which a decision without the prompt stands in;
   * the `log`, by what it threw or rejected with (`SONA_IO`, each time); another listener, for the first time
   * (`SONA_LISTENER`). Without a listener here the process is warned of the latter three, once for each code.
   */
  error: SonaError;
}

/** All of them. */
export const eventNames: readonly (keyof RouterEvents)[] = ['drift', 'budgetInfeasible', 'basis', 'error'];

/** A shift that was found. */
export interface DriftEvent {
  /** The model. */
  model: string;
  /** For the worse or the better: less cost is better, and so are shorter answers. */
  direction: 'worse' | 'better';
  /** What has shifted: `'length'` is how long answers are, `'availability'` the share of calls that are answered. */
  kind: 'quality' | 'cost' | 'latency' | 'length' | 'availability';
}

/** A budget that can't be held: even the cheapest model costs more, in the mean over some fifty requests. Told once, until it can be. */
export interface BudgetInfeasibleEvent {
  /** US dollars per request that are to be held. */
  budgetUsd: number;
  /** What the cheapest model is expected to cost for the prompt at which that was found, US dollars. */
  cheapestUsd: number;
}

/** A basis that was fitted. */
export interface BasisEvent {
  /** Its name. */
  id: string;
  /** Prompts that it was fitted to. */
  prompts: number;
}

/** What the addon tells. */
export type Told =
  | ({ type: 'drift' } & DriftEvent)
  | ({ type: 'budgetInfeasible' } & BudgetInfeasibleEvent)
  | ({ type: 'basis' } & BasisEvent)
  | ({ type: 'error' } & PackedError);

/** What has happened since the last call. */
export function takeEvents(handle: number): Told[] {
  return JSON.parse(call(() => native.routerEvents(handle))) as Told[];
}
