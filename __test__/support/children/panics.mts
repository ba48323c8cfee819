// Plants a panic in one place, calls into it, and prints what came out. The TypeScript layer is the one under test;
// only the addon that it loads is another build, which can plant panics.
import { mkdtempSync, rmSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SonaEngine as Engine, SonaError } from '../../../index.ts';
import { randomLog } from '../decisions.ts';

const addon = fileURLToPath(new URL('../../fault/sona.node', import.meta.url));

const loader = Module as unknown as { _resolveFilename: (request: string, ...rest: unknown[]) => string };
const resolve = loader._resolveFilename;
loader._resolveFilename = (request, ...rest) =>
  request.endsWith('binding.cjs') ? addon : resolve.call(Module, request, ...rest);

const { plantPanic } = createRequire(import.meta.url)(addon) as { plantPanic(place: string): void };
const { SonaEngine, evaluatePolicy } = await import('../../../index.ts');

const log = randomLog(100, 1);
const query = [1, 2, 3, 4];
const make = (background: 'auto' | 'manual' = 'manual') =>
  SonaEngine.withConfig({ hiddenDim: 4, background, backgroundEvery: 1 });

function end(engine: Engine): void {
  engine.endTrajectory(engine.beginTrajectory(query).setRoute('a'), 1);
}

/** The id of the first trajectory. */
function first(engine: Engine): string {
  return engine.beginTrajectory(query).id.replace(/-\d+$/, '-1');
}

/** An error of the background thread, which nobody called for. */
function heard(engine: Engine): Promise<never> {
  const error = new Promise<never>((_, reject) => engine.once('error', reject));
  end(engine);
  // the thread does not keep the process alive, so the wait must
  const waiting = setTimeout(() => undefined, 120_000);
  return error.finally(() => clearTimeout(waiting));
}

const folder = mkdtempSync(join(tmpdir(), 'sona-panics-'));
const file = join(folder, 'state');

const calls: Record<string, (engine: Engine) => unknown> = {
  create: () => make(),
  shared: () => SonaEngine.shared('panics', { hiddenDim: 4 }),
  restore: (engine) => SonaEngine.restore(engine.snapshot()),
  load: () => SonaEngine.load(file),
  apply: (engine) => engine.applyLora(Float32Array.from(query)),
  stats: (engine) => engine.stats(),
  suggest: (engine) => engine.suggestRoutes(query),
  end,
  feedback: (engine) => engine.learnFromFeedback({ trajectoryId: first(engine), quality: 0 }),
  answer: (engine) => engine.feedback(engine.suggestRoutes(query).id, { quality: 1 }),
  patterns: (engine) => engine.findPatterns(query),
  remember: (engine) => engine.remember(query),
  recall: (engine) => engine.recall(query),
  rollback: (engine) => engine.rollback(0),
  forget: (engine) => engine.forget({ source: 'nobody' }),
  snapshot: (engine) => engine.snapshot(),
  save: (engine) => engine.save(file),
  forceLearn: (engine) => engine.forceLearn(),
  learn: (engine) => engine.learn(),
  evaluate: () => evaluatePolicy(log, 'uniform'),
  close: (engine) => engine.close(),
  background: heard,
};

/** Calls that change something; what they need is there before them. */
const changes: Record<string, (engine: Engine) => () => unknown> = {
  addingRoute: (engine) => () => engine.addRoute('b', { embedding: query }),
  ending: (engine) => {
    // an unknown route, which must not be left behind
    const trajectory = engine.beginTrajectory(query).setRoute('c');
    return () => engine.endTrajectory(trajectory, 1);
  },
  amending: (engine) => {
    const trajectoryId = first(engine);
    return () => engine.learnFromFeedback({ trajectoryId, quality: 0 });
  },
  draining: (engine) => () => engine.flush(),
  cycling: (engine) => {
    engine.flush();
    return () => engine.forceLearn();
  },
  rollingBack: (engine) => () => engine.rollback(0),
  forgetting: (engine) => {
    engine.flush();
    const trajectoryId = first(engine);
    return () => engine.forget({ trajectoryId });
  },
  remembering: (engine) => () => engine.remember(query, { metadata: { a: 1 }, session: 's' }),
  reinforcing: (engine) => {
    const ids = [engine.remember(query), engine.remember([4, 3, 2, 1])];
    return () => engine.reinforce(ids, 1);
  },
  dropping: (engine) => {
    const id = engine.remember(query);
    return () => engine.forgetMemory(id);
  },
};

/** An engine that has learned, and has more to learn. */
function learned(engine: Engine): Engine {
  end(engine);
  end(engine);
  engine.forceLearn();
  end(engine);
  return engine;
}

/** Remembers two items, finds them and forgets one; how many were found. */
function remembered(engine: Engine): number {
  engine.forget({ subject: 'after' });
  const ids = [query, [4, 3, 2, 1]].map((vector) => engine.remember(vector, { subject: 'after' }));
  engine.reinforce(ids, 1);
  const found = engine.recall(query, { where: { subject: 'after' }, expand: 1 });
  engine.forgetMemory(ids[0] as string);
  return found.length;
}

/** Uses all that the engine does. */
async function use(engine: Engine): Promise<unknown> {
  const before = engine.stats().trajectoriesRecorded;
  end(engine);
  engine.forceLearn();
  end(engine);
  await engine.learn();
  await engine.save(file);
  const loaded = await SonaEngine.load(file);
  const shared = SonaEngine.shared('panics', { hiddenDim: 4 });
  const { trajectoriesRecorded, failedCycles, learningCycles } = engine.stats();
  return {
    recorded: trajectoriesRecorded - before,
    failedCycles,
    best: engine.suggestRoutes(query).best,
    finite: engine.applyLora(query).every(Number.isFinite),
    trained: learningCycles >= 2,
    amended: engine.learnFromFeedback({ quality: 0 }).applied,
    forgotten: engine.forget({ before: Date.now() + 1_000 }).forgotten > 0,
    patterns: loaded.findPatterns(query).length,
    loaded: loaded.suggestRoutes(query).best,
    shared: shared.isEnabled(),
    evaluated: evaluatePolicy(log, 'uniform').rounds,
    remembered: remembered(engine),
    closed: await Promise.all([loaded.close(), shared.close()]).then(() => true),
  };
}

const place = process.argv[2] ?? '';
const engine = make(place === 'background' ? 'auto' : 'manual');
const change = changes[place]?.(learned(engine));
const before = engine.snapshot();
plantPanic(place);
let error: Partial<SonaError> = {};
try {
  await (change ? change() : calls[place]?.(engine));
} catch (thrown) {
  const { name, code, message } = thrown as SonaError;
  error = { name, code, message };
}
const unchanged = change && Buffer.compare(before, engine.snapshot()) === 0;
// an engine whose closing failed is closed all the same
const survivor = place === 'close' ? make() : engine;
const after = await use(survivor);
await survivor.close();
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ error, unchanged, after }));
