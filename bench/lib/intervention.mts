// Experiments need what no user should: to clear an engine's replay memory, to anchor its weights, to keep the penalty
// constant. The addon has an internal call for it, which takes a handle: whoever opens a shared engine's name once more gets
// one of its own.
import { type SonaConfig, SonaEngine } from '../../dist/index.mjs';
import { native } from '../../ts/binding/native.ts';

const codes = { 'clear memory': 0, anchor: 1, 'constant penalty': 2 };

export type Intervene = (what: keyof typeof codes) => void;

let opened = 0;

export function openForExperiment(config: SonaConfig): { engine: SonaEngine; intervene: Intervene } {
  const name = `experiment ${opened++}`;
  const engine = SonaEngine.shared(name, config);
  return {
    engine,
    intervene: (what) => {
      const handle = native.engineShared(name);
      try {
        native.intervene(handle, codes[what]);
      } finally {
        native.engineAbandon(handle);
      }
    },
  };
}
