// Routes what the user types: text in, decision out, with its reasons.
import { explainTable } from '@sona/sona';
import { builtin } from '@sona/sona/embed';
import { RoutingRun } from './routing/run.mts';
import { routingStream } from './routing/stream.mts';
import { mean } from './routing/worth.mts';
import { bold, count } from './terminal.mts';

/** Calls by which one decision is timed. */
const CALLS = 2_000;

/** Routes prompts by a router that has learned from one recorded answer to each prompt of llmrouter9. */
export async function ask(texts: readonly string[], seed: number): Promise<void> {
  const embedder = builtin();
  const stream = routingStream(seed, Infinity, embedder);
  const run = new RoutingRun(stream, 0, seed);
  const began = performance.now();
  while (run.done < stream.vectors.length) run.step();
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `A router over ${stream.models.length} models has learned from ${count(run.done)} prompts of public benchmarks in ` +
      `${seconds.toFixed(1)} s: the recorded score of the one\nmodel that it chose, no other. Mean score ` +
      `${mean(run.decisions.quality).toFixed(3)}. Text becomes a vector by the embedder that ships, ${embedder.id}.`,
  );
  for (const text of texts) {
    const decision = run.router.route(text, { mode: 'observe' });
    console.log(`\n${bold(shown(text))}\n`);
    console.log(explainTable(decision.explain()));
    console.log(`\nText in, decision out: ${micros(() => run.router.route(text, { mode: 'observe' }))} us`);
  }
  await run.finish();
}

const shown = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)} ...` : text);

function micros(call: () => unknown): string {
  const began = performance.now();
  for (let i = 0; i < CALLS; i++) call();
  return ((1000 * (performance.now() - began)) / CALLS).toFixed(1);
}
