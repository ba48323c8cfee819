import { existsSync } from 'node:fs';
import { SonaRouter } from '@sona/sona';
import { config } from './lessons.js';

let router;

/** The process's router, with what was saved by another process. */
export function openRouter() {
  const { STATE } = process.env;
  router ??= existsSync(STATE) ? SonaRouter.load(STATE) : Promise.resolve(SonaRouter.shared('next', config));
  return router;
}

export const saveRouter = (router) => router.save(process.env.STATE);
