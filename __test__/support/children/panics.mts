// Plants a panic in one place, calls into it, and prints what came out. The TypeScript layer is the one under test;
// only the addon that it loads is another build, which can plant panics.
import Module, { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { SonaEngine as Engine, SonaError } from '../../../index.ts';

const addon = fileURLToPath(new URL('../../fault/sona.node', import.meta.url));

const loader = Module as unknown as { _resolveFilename: (request: string, ...rest: unknown[]) => string };
const resolve = loader._resolveFilename;
loader._resolveFilename = (request, ...rest) =>
  request === '../binding.cjs' ? addon : resolve.call(Module, request, ...rest);

const { plantPanic } = createRequire(import.meta.url)(addon) as { plantPanic(place: string): void };
const { SonaEngine } = await import('../../../index.ts');

const query = [1, 2, 3, 4];
const make = (background: 'auto' | 'manual' = 'manual') =>
  SonaEngine.withConfig({ hiddenDim: 4, background, backgroundEvery: 1 });

function end(engine: Engine): void {
  engine.endTrajectory(engine.beginTrajectory(query).setRoute('a'), 1);
}

/** An error of the background thread, which nobody called for. */
function heard(engine: Engine): Promise<never> {
  const error = new Promise<never>((_, reject) => engine.once('error', reject));
  end(engine);
  // the thread does not keep the process alive, so the wait must
  const waiting = setTimeout(() => undefined, 10_000);
  return error.finally(() => clearTimeout(waiting));
}

const calls: Record<string, (engine: Engine) => unknown> = {
  create: () => make(),
  apply: (engine) => engine.applyLora(Float32Array.from(query)),
  stats: (engine) => engine.stats(),
  suggest: (engine) => engine.suggestRoutes(query),
  end,
  forceLearn: (engine) => engine.forceLearn(),
  learn: (engine) => engine.learn(),
  close: (engine) => engine.close(),
  background: heard,
};

/** Uses all that the engine does. */
async function use(engine: Engine): Promise<unknown> {
  const before = engine.stats().trajectoriesRecorded;
  end(engine);
  engine.forceLearn();
  end(engine);
  await engine.learn();
  const { trajectoriesRecorded, failedCycles, learningCycles } = engine.stats();
  return {
    recorded: trajectoriesRecorded - before,
    failedCycles,
    best: engine.suggestRoutes(query).best,
    finite: engine.applyLora(query).every(Number.isFinite),
    trained: learningCycles >= 2,
  };
}

const place = process.argv[2] ?? '';
const engine = make(place === 'background' ? 'auto' : 'manual');
plantPanic(place);
let error: Partial<SonaError> = {};
try {
  await calls[place]?.(engine);
} catch (thrown) {
  const { name, code, message } = thrown as SonaError;
  error = { name, code, message };
}
// an engine whose closing failed is closed all the same
const survivor = place === 'close' ? make() : engine;
const after = await use(survivor);
await survivor.close();
console.log(JSON.stringify({ error, after }));
