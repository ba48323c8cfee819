// Ask the right model: route a prompt, tell how it went, see why.
import { explainTable, SonaRouter } from '@sona/sona';

const small = { id: 'small', inputUsdPer1M: 0.15, outputUsdPer1M: 0.6 };
const large = { id: 'large', inputUsdPer1M: 3, outputUsdPer1M: 15 };
const router = new SonaRouter({ models: [small, large], objective: { costWeight: 0.4 } });
const code = ['Write a SQL query for the ten best customers', 'Why does this loop throw a TypeError?'];
const chat = ['Hello, how are you today?', 'Thank you, that was very kind'];
for (const text of Array.from({ length: 50 }, () => [...code, ...chat]).flat()) {
  const { id, model } = router.route(text);
  const quality = chat.includes(text) || model === 'large' ? 0.9 : 0.2; // from your users, a test, a judge
  router.feedback(id, { quality });
}
const unseen = ['Sort a table in JavaScript', 'Good morning, nice to meet you'];
for (const text of unseen) console.log(explainTable(router.route(text).explain()));
await router.close();
