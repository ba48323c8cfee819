// A program in plain JavaScript, as CommonJS.
const { SonaRouter } = require('@sona/sona');
const { hash } = require('@sona/sona/embed');

const embedder = hash({ dim: 64 });
const router = new SonaRouter({ models: [{ id: 'small' }, { id: 'large' }], embedder, seed: 1 });
for (let i = 0; i < 40; i++) {
  for (const text of ['SELECT the best customers', 'hello and good morning']) {
    const { id, model } = router.route(text);
    router.feedback(id, { quality: (model === 'large') === text.startsWith('SELECT') ? 0.9 : 0.1 });
  }
}
const [code, chat] = ['SELECT customers', 'hello, good morning'].map((text) => router.route(text).model);
console.log(JSON.stringify({ code, chat }));
router.close();
