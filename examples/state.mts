// Save what was learned, load it in another process (here: the same one), go on where it stopped.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SonaEngine } from '@sona/sona';

const query = [0.5, 0.7, 0, 0.5];

function describe(engine: SonaEngine): string {
  const { best, confidence } = engine.suggestRoutes(query);
  const { trajectoriesRecorded } = engine.stats();
  return `${best} (${(100 * confidence).toFixed(0)} %), ${trajectoriesRecorded} outcomes told`;
}

function tell(engine: SonaEngine, times: number): void {
  for (let i = 0; i < times; i++) {
    engine.endTrajectory(engine.beginTrajectory(query).setRoute('refund'), 1);
  }
}

const first = new SonaEngine({ hiddenDim: 4 });
first.addRoute('refund', { embedding: [1, 0, 0.2, 0] });
first.addRoute('delivery', { embedding: [0, 1, 0.2, 0] });
console.log(`new:    ${describe(first)}`);
tell(first, 3);
console.log(`taught: ${describe(first)}`);

const folder = await mkdtemp(join(tmpdir(), 'sona-'));
const path = join(folder, 'engine.sona');
await first.save(path); // the file is the old one or the new one, whatever happens
await first.close();

const second = await SonaEngine.load(path); // settings, routes, adapters, memory
console.log(`loaded: ${describe(second)}`);
tell(second, 3);
console.log(`on:     ${describe(second)}`);
await second.close();
await rm(folder, { recursive: true });
