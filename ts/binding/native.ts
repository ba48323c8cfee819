import { fromNative, sonaError } from '../base/errors.ts';
import { liesIn, openAddon, platform, shippedPlatforms } from '../host/addon.ts';
import type { Binding } from './binding.ts';

/** Runs when the core is loaded, before the first of its functions. */
type Hook = (binding: Binding) => void;

const hooks: Hook[] = [];

/**
 * The core's functions. It is loaded by the first of them that is used, never by an import; a core that can't be loaded, or
 * is not of this version, throws `SONA_NATIVE_UNAVAILABLE` there, each time.
 */
export let native: Binding = new Proxy({} as Binding, {
  get: (_, name) => Reflect.get(load(), name),
});

let loaded: Binding | undefined;

function load(): Binding {
  if (loaded) return loaded;
  const binding = open();
  for (const hook of hooks) hook(binding);
  loaded = binding;
  native = binding;
  return binding;
}

function open(): Binding {
  try {
    return openAddon() as Binding;
  } catch (error) {
    const { platform: system, arch } = platform;
    const [tried, shipped] = [causes(error), shippedPlatforms()];
    const message = `the native addon for ${system}-${arch} could not be loaded: ${reason(shipped)}`;
    throw sonaError(
      'SONA_NATIVE_UNAVAILABLE',
      `${message} Tried:\n  ${tried.join('\n  ')}`,
      { platform: system, arch, shipped, tried },
      error,
    );
  }
}

const PACKAGE = '@sona/sona';
const HOME = 'https://github.com/sona-engine/sona';

/** Why the addon is not there, and what to do about it. */
function reason(shipped: readonly string[]): string {
  if (!liesIn(PACKAGE)) {
    return (
      `this code was bundled, apart from the folder of ${PACKAGE}, which holds the addon (a .node file). Mark ${PACKAGE} as ` +
      `external, and have it installed where the program runs: ${HOME}/blob/main/docs/bundlers.md.`
    );
  }
  if (shipped.length === 0) {
    return (
      'this copy of the package ships none. In a checkout of the sources, `npm run build` makes it; an installed copy is ' +
      'incomplete and has to be installed again.'
    );
  }
  return (
    `this copy of the package ships it for ${shipped.join(', ')}. To build it for another platform, install the stable Rust ` +
    `toolchain and a C linker, then run \`npm install git+${HOME}.git\`.`
  );
}

/** The loader chains one error per place that it tried. */
function causes(error: unknown): string[] {
  const messages: string[] = [];
  for (let at = error; at instanceof Error && messages.length < 32; at = at.cause) {
    const message = at.message.split('\n', 1)[0] ?? '';
    // the loader's summary: no place, and its advice is for packages that come in parts
    if (!message.startsWith('Cannot find native binding.')) messages.push(message);
  }
  return messages;
}

/** Runs something once the core is there: at once, where another entry of the package has loaded it already. */
export function onLoad(hook: Hook): void {
  if (loaded) hook(loaded);
  else hooks.push(hook);
}

/** Runs calls of the core; what they throw comes out as a `SonaError`. */
export function call<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fromNative(error);
  }
}
