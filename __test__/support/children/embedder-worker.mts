// One of several threads that open the same table at once.
import { parentPort, workerData } from 'node:worker_threads';
import { builtin } from '../../../embed.ts';
import { SonaEngine, SonaRouter } from '../../../index.ts';
import { bits } from '../vectors.ts';

const { texts, dims } = workerData as { texts: string[]; dims: (256 | 128 | 64)[] };
const vectors = [];
for (const dim of dims) {
  for (const vector of await builtin({ dim }).embed(texts)) vectors.push(bits(vector).join(''));
}
const engine = SonaEngine.withConfig({ background: 'manual' });
for (const text of texts) engine.addRoute(text, { text });
const ranked = texts.map((text) =>
  engine.suggestRoutes(text).ranked.map(({ route, score }) => [route, score]),
);
await engine.close();
const router = new SonaRouter({ models: [{ id: 'a' }, { id: 'b' }], now: () => 1_800_000_000_000 });
const decided = texts.map((text) => router.route(text).explain());
await router.close();
parentPort?.postMessage({ vectors, ranked, decided, id: builtin().id });
