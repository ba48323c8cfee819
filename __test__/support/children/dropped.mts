// Leaves an engine behind, its background thread running, and has nothing more to do.
import { SonaEngine } from '../../../index.ts';
import { teach } from '../engines.ts';
import { next } from '../events.ts';

const engine = SonaEngine.withConfig({ hiddenDim: 64, backgroundEvery: 20, backgroundIntervalMs: 10 });
engine.on('learned', () => undefined);
teach(engine, 64, 2_000);
if (engine.stats().promotions === 0) await next(engine, 'promoted');
if (process.argv[2] === 'busy') {
  teach(engine, 64, 5_000, 2);
  void engine.learn();
}
console.log(JSON.stringify(engine.stats()));
