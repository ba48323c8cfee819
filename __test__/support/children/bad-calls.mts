// Calls that abort the published peer's process.
import { SonaEngine, type SonaError } from '../../../index.ts';

const codes = [
  () => new SonaEngine(64).applyMicroLora([1]),
  () => SonaEngine.withConfig({ hiddenDim: 64, microLoraRank: 99 }),
  () => new SonaEngine(-1),
].map((call) => {
  try {
    call();
    return 'accepted';
  } catch (error) {
    return (error as SonaError).code;
  }
});
console.log(JSON.stringify(codes));
