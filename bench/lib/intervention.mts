// Experiments need what no user should: to clear an engine's replay memory, to anchor its weights, to keep the penalty
// constant. The addon has an internal call for it, which takes the handle that the engine keeps to itself; an engine
// that is shared by name gives it to whoever opens the name.
import { type SonaConfig, SonaEngine } from '../../dist/index.mjs';
import { native } from '../../ts/native.ts';

const codes = { 'clear memory': 0, anchor: 1, 'constant penalty': 2 };

export type Intervene = (what: keyof typeof codes) => void;

let opened = 0;

export function openForExperiment(config: SonaConfig): { engine: SonaEngine; intervene: Intervene } {
  const name = `experiment ${opened++}`;
  const engine = SonaEngine.shared(name, config);
  const handle = native.engineShared(name);
  // opened twice, and closed once here: the engine ends with the one that is handed out
  native.engineAbandon(handle);
  return { engine, intervene: (what) => native.intervene(handle, codes[what]) };
}
