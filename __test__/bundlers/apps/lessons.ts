// What every program here learns: which of two models does well on which kind of prompt.
import type { SonaRouter } from '@sona/sona';
import { promptOf } from '@sona/sona/embed';

export const config = {
  models: [
    { id: 'small', outputUsdPer1M: 0.6 },
    { id: 'large', outputUsdPer1M: 15 },
  ],
  seed: 1,
} as const;

const prompts = {
  code: ['Write a SQL query for the ten best customers', 'Why does this loop throw a TypeError?'],
  chat: ['Hello, how are you today?', 'Thank you, that was very kind'],
};

/** Routes every prompt some times, and reports how it went: large is good at code alone, small at chats alone. */
export function teach(router: SonaRouter): void {
  for (let round = 0; round < 40; round++) {
    for (const [kind, texts] of Object.entries(prompts)) {
      for (const text of texts) {
        const { id, model } = router.route(text);
        router.feedback(id, { quality: (model === 'large') === (kind === 'code') ? 0.9 : 0.1 });
      }
    }
  }
}

/** What a router picks for prompts that it has not seen. */
export function picks(router: SonaRouter): { code: string; chat: string } {
  const pick = (content: string) => {
    const text = promptOf([{ role: 'user', content }]);
    return router.route(text, { mode: 'observe' }).model;
  };
  return { code: pick('Sort a table in JavaScript'), chat: pick('Good morning, nice to meet you') };
}
