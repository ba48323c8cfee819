// Pick a route, hear how it went, pick better next time.
import { SonaEngine } from '@sona/sona';

const engine = new SonaEngine({ hiddenDim: 4 });
// what a route means, as your embedding model sees its name or description
engine.addRoute('refund', { embedding: [1, 0, 0.2, 0] });
engine.addRoute('delivery', { embedding: [0, 1, 0.2, 0] });

// "my parcel came broken": by its words nearer to delivery, but refund is what helps
const query = [0.5, 0.7, 0, 0.5];
for (let i = 1; i <= 8; i++) {
  const { id, best, confidence } = engine.suggestRoutes(query);
  if (best === null) break; // no route is known
  const helped = best === 'refund'; // from your users, a test, a judge
  console.log(`${i}. ${best} (${(100 * confidence).toFixed(0)} %): ${helped ? 'right' : 'wrong'}`);
  engine.feedback(id, { quality: helped ? 1 : 0 }); // learned when this returns
}
await engine.close();
