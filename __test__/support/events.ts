import type { SonaEngine, SonaEvents } from '../../index.ts';

/** An engine's next event of a name. The wait keeps the process alive, which a background thread does not; it ends after ten seconds. */
export function next<Name extends keyof SonaEvents>(
  engine: SonaEngine,
  name: Name,
): Promise<SonaEvents[Name]> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no event '${name}' within ten seconds`)), 10_000);
    engine.once(name, (event) => {
      clearTimeout(late);
      resolve(event);
    });
  });
}
