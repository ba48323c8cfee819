// What only a process of its own can tell. Prints one number.
//
//   node child.mjs load <package file>            milliseconds from require to the end of the first call
//   node child.mjs table <embed file>             milliseconds of the built-in embedder's first text, which loads its table
//   node --expose-gc child.mjs resident <embed file>   bytes that the process grows by with it
//   node --expose-gc child.mjs memory <package file> <query|other>   bytes per trajectory that waits
import { createRequire } from 'node:module';

const [what, path = '', step] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const measures = { load, table, resident, memory };
if (!what || !Object.hasOwn(measures, what)) throw new Error(`unknown: ${what}`);
console.log(measures[/** @type {keyof typeof measures} */ (what)]());

function load() {
  const began = performance.now();
  const { SonaEngine } = require(path);
  new SonaEngine(256).applyMicroLora(Array(256).fill(0.5));
  return performance.now() - began;
}

function table() {
  /** @type {typeof import('../../dist/embed.mjs')} */
  const { builtin } = require(path);
  const embedder = builtin();
  const began = performance.now();
  embedder.embedSync('a');
  return performance.now() - began;
}

function resident() {
  /** @type {typeof import('../../dist/embed.mjs')} */
  const { builtin } = require(path);
  const embedder = builtin();
  gc();
  const before = process.memoryUsage().rss;
  embedder.embedSync('a');
  gc();
  return process.memoryUsage().rss - before;
}

function memory() {
  /** @type {typeof import('../../dist/index.mjs')} */
  const { SonaEngine } = require(path);
  const dim = 256;
  const engine = SonaEngine.withConfig({ hiddenDim: dim, background: 'manual' });
  const query = new Float32Array(dim);
  const other = new Float32Array(dim);
  const record = (/** @type {number} */ times) => {
    for (let i = 0; i < times; i++) {
      for (let k = 0; k < dim; k++) {
        query[k] = Math.random() - 0.5;
        other[k] = Math.random() - 0.5;
      }
      const trajectory = engine.beginTrajectory(query);
      trajectory.addStep(step === 'query' ? query : other, [], 1);
      engine.endTrajectory(trajectory, 1);
    }
  };
  // the first thousand warm up code and pools
  record(1000);
  gc();
  const before = process.memoryUsage().rss;
  record(9000);
  gc();
  if (engine.stats().trajectoriesBuffered !== 10_000) throw new Error('not all of them wait');
  return (process.memoryUsage().rss - before) / 9000;
}

function gc() {
  for (let i = 0; i < 3; i++) /** @type {() => void} */ (globalThis.gc)();
}
