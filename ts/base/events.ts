import { warn } from '../host/warnings.ts';
import { describe, invalidArgument, reasonOf, type SonaError, sonaError } from './errors.ts';

/** What hears of an event. What it returns is waited for by nobody; a promise that rejects is reported as what is thrown. */
export type Listener<Event> = (event: Event) => unknown;

/** Every map of events has this one. */
interface WithErrors {
  error: SonaError;
}

interface Registration {
  readonly listener: Listener<never>;
  readonly once: boolean;
  /** It has failed, which was reported. */
  failed: boolean;
}

/**
 * Events by name, and who hears of them. No listener fails who tells: the first failure of each goes to the event `error`, or,
 * where nobody listens to that, to the process as a warning with the code `SONA_LISTENER`.
 */
export class Events<All extends WithErrors> {
  readonly #heard: ReadonlyMap<PropertyKey, Set<Registration>>;
  /** Codes of errors that the process was warned of. */
  readonly #warned = new Set<string>();

  constructor(names: readonly (keyof All)[]) {
    this.#heard = new Map(names.map((name) => [name, new Set()]));
  }

  /** Calls `listener` from now on; returns what ends that. */
  on<Name extends keyof All>(name: Name, listener: Listener<All[Name]>, once = false): () => void {
    const heard = this.#of(name);
    if (typeof listener !== 'function') throw invalidArgument('listener', 'a function', listener);
    const registration = { listener: listener as Listener<never>, once, failed: false };
    heard.add(registration);
    return () => {
      heard.delete(registration);
    };
  }

  /** Ends what the newest {@link on} with this listener began. */
  off<Name extends keyof All>(name: Name, listener: Listener<All[Name]>): void {
    const heard = this.#of(name);
    const newest = [...heard].findLast((registration) => registration.listener === listener);
    if (newest) heard.delete(newest);
  }

  /** Whether anybody hears of it who has not failed. */
  has(name: keyof All): boolean {
    return [...this.#of(name)].some(({ failed }) => !failed);
  }

  /** Tells all who listen by now, in the order in which they came. */
  tell<Name extends keyof All>(name: Name, event: All[Name]): void {
    const heard = this.#of(name);
    for (const registration of [...heard]) {
      // a listener before it may have told the same event, or ended this one
      if (registration.once ? !heard.delete(registration) : !heard.has(registration)) continue;
      const fail = (error: unknown) => this.#failed(name, registration, error);
      attempt(() => (registration.listener as Listener<All[Name]>)(event), fail);
    }
  }

  /**
   * Tells the event `error` of a failure that failed no call; where nobody listens, the process is warned, once for each code, of
   * what follows from it.
   */
  report(error: SonaError, consequence: string): void {
    if (this.has('error')) {
      this.tell('error', error as All['error']);
    } else if (!this.#warned.has(error.code)) {
      this.#warned.add(error.code);
      warn(error.code, `${error.message}; ${consequence}`);
    }
  }

  #failed(name: keyof All, registration: Registration, error: unknown): void {
    if (registration.failed) return;
    registration.failed = true;
    const message = `the listener of '${String(name)}' failed: ${reasonOf(error)}`;
    const told = sonaError('SONA_LISTENER', message, { event: String(name) }, error);
    if (name !== 'error' && this.has('error')) this.tell('error', told);
    else warn(told.code, told.message);
  }

  #of(name: keyof All): Set<Registration> {
    const heard = this.#heard.get(name);
    if (heard) return heard;
    const known = [...this.#heard.keys()].map((key) => describe(String(key)).replaceAll('"', "'"));
    throw invalidArgument('event', `one of ${known.join(', ')}`, name);
  }
}

/** Runs a function of the caller's. What it throws, or rejects with, goes to `fail`. */
export function attempt(work: () => unknown, fail: (error: unknown) => void): void {
  try {
    const result = work();
    if (isThenable(result)) result.then(undefined, fail);
  } catch (error) {
    fail(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
