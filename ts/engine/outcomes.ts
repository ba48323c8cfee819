import { fromNative, unknownTrajectory } from '../base/errors.ts';
import { checkName, checkOptions } from '../base/vectors.ts';
import type { Extras } from '../binding/binding.ts';
import { native } from '../binding/native.ts';
import { type Verdict, verdictCode } from './feedback.ts';
import type { Routes } from './routes.ts';
import type { Trajectory } from './trajectory-builder.ts';

/** Options of `endTrajectory`. */
export interface EndOptions {
  /** What it is taken for; not given, it is judged by its quality against what was expected. */
  verdict?: Verdict | undefined;
  /** Where the outcome comes from, in words of your own: what `forget` can be asked for. */
  source?: string | undefined;
}

/** Refuses options that an end does not have. The verdict comes back as the addon's code. */
export function checkEnd(options: EndOptions): { code: number | undefined; source: string | undefined } {
  checkOptions('options', options, ['verdict', 'source']);
  const { verdict, source } = options;
  const code = verdictCode('verdict', verdict);
  if (source !== undefined) checkName('source', source);
  return { code, source };
}

/** What a trajectory has besides steps and a route, with what the options of its end say. */
export function extrasWith(ended: Trajectory, options: EndOptions): Extras | undefined {
  const { code, source } = checkEnd(options);
  return ended.extras(code, source);
}

/** Hands a trajectory over with its outcome. How many older records had to go. */
export function end(
  handle: number,
  routes: Routes,
  ended: Trajectory,
  quality: number,
  extras: Extras | undefined,
): number {
  const { route } = ended;
  if (route === undefined) return record(handle, ended, -1, undefined, quality, extras);
  const known = routes.id(route);
  if (known >= 0) {
    try {
      return record(handle, ended, known, undefined, quality, extras);
    } catch (error) {
      // another thread may have removed the route: the name decides, as if it had never been seen here
      if (fromNative(error).code !== 'SONA_UNKNOWN_ROUTE') throw error;
      routes.forget(route);
    }
  }
  const dropped = record(handle, ended, -1, route, quality, extras);
  routes.lookUp(handle, route);
  return dropped;
}

function record(
  handle: number,
  ended: Trajectory,
  route: number,
  name: string | undefined,
  quality: number,
  extras: Extras | undefined,
): number {
  const { memory, key, stepCount, decision } = ended;
  if (!memory) throw unknownTrajectory('trajectory', ended.name);
  const { vectors, rewards } = memory;
  return native.trajectoryEnd(
    handle,
    key,
    vectors,
    rewards,
    stepCount,
    route,
    decision,
    quality,
    name,
    extras,
  );
}
