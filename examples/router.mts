// Ask the right model: route a prompt, tell how it went, see why.
import { explainTable, SonaRouter } from '@sona/sona';

const small = { id: 'small', outputUsdPer1M: 0.6 };
const large = { id: 'large', outputUsdPer1M: 15 };
const objective = { costWeight: 0.1 };
// dim: the length of your embeddings
const router = new SonaRouter({ models: [small, large], features: { dim: 4 }, objective });
const prompts = { code: [0.9, 0.1, 0, 0.4], chat: [0.1, 0.9, 0.4, 0] };
for (let i = 0; i < 200; i++) {
  const kind = i % 2 ? 'code' : 'chat';
  const { id, model } = router.route(prompts[kind]);
  const quality = kind === 'chat' || model === 'large' ? 0.9 : 0.2; // from your users, a test, a judge
  router.feedback(id, { quality });
}
for (const prompt of Object.values(prompts)) console.log(explainTable(router.route(prompt).explain()));
await router.close();
