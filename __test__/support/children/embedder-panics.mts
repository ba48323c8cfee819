// Plants a panic in one place of the embedder, calls into it, and prints what came out, as `panics.mts` does for the engine.
import Module, { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { SonaError } from '../../../index.ts';

const addon = fileURLToPath(new URL('../../fault/sona.node', import.meta.url));

const loader = Module as unknown as { _resolveFilename: (request: string, ...rest: unknown[]) => string };
const resolve = loader._resolveFilename;
loader._resolveFilename = (request, ...rest) =>
  request.endsWith('binding.cjs') ? addon : resolve.call(Module, request, ...rest);

const { plantPanic } = createRequire(import.meta.url)(addon) as { plantPanic(place: string): void };
const { SonaEngine, SonaRouter } = await import('../../../index.ts');
const { builtin } = await import('../../../embed.ts');

const models = [{ id: 'a' }, { id: 'b' }];
const [place = '', use = ''] = process.argv.slice(2);

/** Each opens the table, and then embeds. */
const uses: Record<string, () => unknown> = {
  builtin: () => builtin().embedSync('hello'),
  id: () => builtin().id,
  engine: () =>
    SonaEngine.withConfig({ background: 'manual', onEmbedderError: 'throw' }).suggestRoutes('hello'),
  router: () => new SonaRouter({ models, onEmbedderError: 'throw' }).route('hello'),
  routerAsync: () => new SonaRouter({ models, onEmbedderError: 'throw' }).routeAsync('hello'),
};

plantPanic(place);
let error: Partial<SonaError> = {};
try {
  await uses[use]?.();
} catch (thrown) {
  const { name, code, message } = thrown as SonaError;
  error = { name, code, message };
}
const engine = SonaEngine.withConfig({ background: 'manual' });
engine.addRoute('greeting', { text: 'good morning' });
const after = {
  length: Math.hypot(...builtin().embedSync('hello')),
  best: engine.suggestRoutes('hello').best,
  fallback: (await new SonaRouter({ models }).routeAsync('hello')).fallback,
};
await engine.close();
console.log(JSON.stringify({ error, after }));
