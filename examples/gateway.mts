// Call a real model: route, generate, report the outcome. What was learned survives the process.
import { existsSync } from 'node:fs';
import { SonaRouter, type TokenUsage } from '@sona/sona';

const file = process.env.SONA_STATE ?? 'router.sona';
const { OPENAI_BASE_URL = 'https://api.openai.com/v1', OPENAI_API_KEY = '' } = process.env;
const router = existsSync(file)
  ? await SonaRouter.load(file)
  : new SonaRouter({
      models: [
        { id: 'small', model: 'gpt-5-nano', inputUsdPer1M: 0.05, outputUsdPer1M: 0.4 },
        { id: 'large', model: 'gpt-5', inputUsdPer1M: 1.25, outputUsdPer1M: 10 },
      ],
      objective: { costWeight: 0.3 },
    });

type Answer = { choices: [{ message: { content: string } }]; usage: TokenUsage };
const messages = [
  { role: 'user', content: process.argv[2] ?? 'Write a SQL query for the ten best customers' },
];
const { id, model, settings } = router.route(messages);
const began = performance.now();
const response = await fetch(`${OPENAI_BASE_URL}/chat/completions`, {
  method: 'POST',
  headers: { authorization: `Bearer ${OPENAI_API_KEY}`, 'content-type': 'application/json' },
  body: JSON.stringify({ ...settings, messages }),
  signal: AbortSignal.timeout(60_000),
}).catch((error: Error) => error);

if (response instanceof Error || !response.ok) {
  router.feedback(id, { error: true });
  console.error(`${model} failed: ${response instanceof Error ? response.message : response.status}`);
} else {
  const { choices, usage } = (await response.json()) as Answer;
  router.feedback(id, { usage, latencyMs: performance.now() - began });
  console.log(`${model}: ${choices[0].message.content}`);
  // from your users, a test or a judge, now or later by the same id: this test is a stand-in
  router.feedback(id, { quality: choices[0].message.content.trim() === '' ? 0 : 1 });
}
await router.save(file);
await router.close();
