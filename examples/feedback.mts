// Outcomes that turn out to be wrong: correct one later, go back to earlier weights, forget a source altogether.
import { SonaEngine } from '@sona/sona';

const engine = new SonaEngine({ hiddenDim: 4, background: 'manual' });
engine.addRoute('refund', { embedding: [1, 0, 0.2, 0] });
engine.addRoute('delivery', { embedding: [0, 1, 0.2, 0] });

const query = [0.5, 0.7, 0, 0.5];
const refund = () => {
  const { ranked } = engine.suggestRoutes(query);
  const { probability = 0 } = ranked.find(({ route }) => route === 'refund') ?? {};
  return `refund ${(100 * probability).toFixed(0)} %`;
};
/** Tells how well refund did, and returns the id by which it can be corrected. */
const tell = (quality: number, source: string): string => {
  const trajectory = engine.beginTrajectory(query).setRoute('refund');
  const { id } = trajectory;
  engine.endTrajectory(trajectory, quality, { source });
  return id;
};

console.log(`at first:                   ${refund()}`);
const id = tell(0, 'judge');
console.log(`the judge said wrong:       ${refund()}`);
const { applied } = engine.learnFromFeedback({ trajectoryId: id, quality: 1 });
console.log(`corrected${applied ? '' : ' (no change)'}:                  ${refund()}`);

engine.forceLearn(); // promotes a version of the background weights
console.log(`trained, version ${engine.stats().version}:         ${refund()}`);
engine.rollback(0);
console.log(`back to version ${engine.stats().version}:          ${refund()}`);

for (let i = 0; i < 20; i++) tell(0, 'spam');
console.log(`spam said wrong, 20 times:  ${refund()}`);
const { forgotten } = engine.forget({ source: 'spam' });
console.log(`without the ${forgotten} of spam:     ${refund()}`);
await engine.close();
