import type { SonaEngine, SonaEvents } from '../../index.ts';

/** An engine's next event of a name. The wait keeps the process alive, which a background thread does not; it ends after two minutes. */
export function next<Name extends keyof SonaEvents>(
  engine: SonaEngine,
  name: Name,
): Promise<SonaEvents[Name]> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no event '${name}' within two minutes`)), 120_000);
    engine.once(name, (event) => {
      clearTimeout(late);
      resolve(event);
    });
  });
}
