// Plants a panic in one place of the embedder, calls into it, and prints what came out, as `panics.mts` does for the engine.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { fromNative } from '../../../ts/errors.ts';
import type { Binding } from '../../../ts/native.ts';

const addon = fileURLToPath(new URL('../../fault/sona.node', import.meta.url));
const table = fileURLToPath(new URL('../../../models/static-minilm/table.sona', import.meta.url));

const native = createRequire(import.meta.url)(addon) as Binding & { plantPanic(place: string): void };

/** Opens the table and embeds a text; the length of its vector. */
function use(): number {
  const out = new Float32Array(64);
  native.embedderEmbed(native.embedderOpen(table, out.length), 'hello', out);
  return Math.hypot(...out);
}

native.plantPanic(process.argv[2] ?? '');
let error = {};
try {
  use();
} catch (thrown) {
  const { name, code, message } = fromNative(thrown);
  error = { name, code, message };
}
console.log(JSON.stringify({ error, after: use() }));
