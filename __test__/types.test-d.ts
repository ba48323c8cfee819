// What must not compile: `tsc` refuses an expected error that is none. Nothing here runs.
import * as compat from '../compat.ts';
import * as today from '../index.ts';
import {
  type DecisionId,
  type Metadata,
  type Outcome,
  type RouteOptions,
  type RouterConfig,
  type RouterModel,
  type SonaConfig,
  SonaEngine,
  SonaError,
  SonaRouter,
  type SuggestionId,
} from '../index.ts';

const router = new SonaRouter({
  models: [{ id: 'small' }, { id: 'large', model: 'gpt', settings: { n: 1 } }],
});

// models are known by name
router.route('hello', { eligible: ['small'] });
// @ts-expect-error no such model
router.route('hello', { eligible: ['smal'] });
const decision = router.route('hello');
const chosen: 'small' | 'large' = decision.model;
const ranked: ('small' | 'large')[] = decision.ranked.map(({ model }) => model);
// @ts-expect-error no such model
const other: 'medium' = decision.model;
router.feedback(decision.id, { quality: 1, model: 'large', attempts: [{ model: 'small', error: true }] });
// @ts-expect-error no such model
router.feedback(decision.id, { quality: 1, model: 'medium' });
// @ts-expect-error no such model
router.feedback(decision.id, { attempts: [{ model: 'medium', error: true }] });
// @ts-expect-error no such model
router.warmStart([{ text: 'hello', model: 'medium', quality: 1 }]);
// @ts-expect-error no such model
router.removeModel('medium');
const room: { maxTokens: number; contextTokens: number | null; quantile: number } | null = decision.limits;
const length: [number | null, [number, number] | null, number | null | undefined] = [
  decision.expected.outputTokens,
  decision.expected.outputInterval,
  decision.ranked[0]?.outputTokens,
];
router.feedback(decision.id, { costUsd: 0.1, usage: { outputTokens: 5, truncated: true } });
// @ts-expect-error cut, or not
router.feedback(decision.id, { usage: { outputTokens: 5, truncated: 'length' } });
const called: string = decision.settings.model;
// @ts-expect-error settings are given out to be read
decision.settings.model = 'mine';

// models that are known at run time alone
declare const listed: RouterModel[];
const open = new SonaRouter({ models: listed });
open.route('hello', { eligible: ['any'] });
const dynamic = new SonaRouter<string>({ models: [{ id: 'small' }] });
dynamic.feedback(dynamic.route('hello').id, { quality: 1, model: 'new' });
dynamic.addModel({ id: 'new' });
// @ts-expect-error a router of literal ids has those alone: `SonaRouter<string>` takes any
router.addModel({ id: 'medium' });
const general: SonaRouter = router;
const restored = SonaRouter.restore<'small' | 'large'>(new Uint8Array());
// @ts-expect-error no such model
restored.route('hello', { eligible: ['medium'] });

// queries are vectors, texts and chats
router.route([0.5, 0.5]);
router.route(new Float32Array(2));
router.route([{ role: 'user', content: 'hello' }]);
// @ts-expect-error dates are none of these
router.route([new Date()]);
// @ts-expect-error nor are texts in a list
router.route(['hello']);
// @ts-expect-error nor is nothing
router.route(undefined);

// ids are of one kind
const engine = new SonaEngine({ hiddenDim: 4 });
const suggestion = engine.suggestRoutes([1, 2, 3, 4]);
const trajectory = engine.beginTrajectory([1, 2, 3, 4], { decision: suggestion.id });
engine.learnFromFeedback({ trajectoryId: trajectory.id, quality: 1 });
declare const stored: string;
router.feedback(stored, { quality: 1 });
engine.beginTrajectory([1, 2, 3, 4], { decision: stored });
// @ts-expect-error a suggestion is no decision of a router
router.feedback(suggestion.id, { quality: 1 });
// @ts-expect-error nor is a trajectory
router.forget({ decisionId: trajectory.id });
// @ts-expect-error a router's decision is no suggestion
engine.beginTrajectory([1, 2, 3, 4], { decision: decision.id });
// @ts-expect-error nor is it a trajectory
engine.learnFromFeedback({ trajectoryId: decision.id, quality: 1 });
const remembered = engine.remember([1, 2, 3, 4], { tags: ['a'], id: stored });
engine.reinforce([remembered, stored], 1);
// @ts-expect-error an item is no suggestion
engine.feedback(remembered, { quality: 1 });
// @ts-expect-error a suggestion is no item
engine.forgetMemory(suggestion.id);
// @ts-expect-error text alone is no id that was given out
const id: DecisionId = 'text';
const text: string = suggestion.id satisfies SuggestionId;

// one name per thing: older names are another entry's
// @ts-expect-error an older name
engine.startTrajectory([1, 2, 3, 4]);
// @ts-expect-error trajectories have no numbers here
engine.endTrajectory(1, 1);
// @ts-expect-error nor has what is corrected
engine.learnFromFeedback({ trajectoryId: 1, quality: 1 });
// @ts-expect-error parts have names
engine.learnFromFeedback(true, 50, 1);
// @ts-expect-error milliseconds
trajectory.addNode('search', { score: 1, latencyUs: 150 });
trajectory.addNode('search', { score: 1, latencyMs: 0.15 });
// @ts-expect-error an older name
trajectory.recordStep('search', 1, 150);
// @ts-expect-error an older name
const renamed: SonaConfig = { microLr: 0.01 };
// @ts-expect-error one length
const lengths: SonaConfig = { embeddingDim: 3_072 };
// @ts-expect-error a class of the other entry
const signal = today.LearningSignal;

// and there they are, also in snake_case
const older = new compat.SonaEngine({
  hidden_dim: 4,
  embeddingDim: 8,
  micro_lora_lr: 0.01,
  trajectoryBufferSize: 9,
});
// @ts-expect-error a number
const spelt: compat.SonaConfig = { hidden_dim: '4' };
// @ts-expect-error no such setting
const unknown: compat.SonaConfig = { hidden_dimension: 4 };
const number: number = older.startTrajectory([1, 2, 3, 4]);
const builder: compat.TrajectoryBuilder = older.beginTrajectory([1, 2, 3, 4]);
older.endTrajectory(builder.recordStep(42, 0.9, 150), 1);
older.endTrajectory(number, 1);
older.endTrajectory(builder.id, 1);
older.learnFromFeedback(true, 50, 1);
older.learnFromFeedback({ trajectoryId: number, quality: 1 });
const patterns: compat.JsLearnedPattern[] = older.queryPatterns([1, 2, 3, 4], 5);
const qualities: number[] = patterns.map(({ quality, usage_count }) => quality * usage_count);
const moved: Float64Array = older.applyMicroLora(new Float64Array(4));
// what takes an engine of today takes this one
const asToday: SonaEngine = older;

// what is not given may be undefined
const config: SonaConfig = { hiddenDim: undefined, tiers: { micro: undefined }, embedder: undefined };
const routers: RouterConfig = { models: [{ id: 'a', prior: undefined, model: undefined }], log: undefined };
const options: RouteOptions = { eligible: undefined, sessionId: undefined, metadata: undefined };
const outcome: Outcome = { quality: undefined, source: undefined, attempts: undefined };

// what is called is the model's name
const named: RouterModel = { id: 'a', model: 'b', settings: { temperature: 0 } };
// @ts-expect-error settings have no model of their own
const twice: RouterModel = { id: 'a', settings: { model: 'b' } };

// plain data
const metadata: Metadata = { a: [1, 'two', null, { b: true }] };
// @ts-expect-error JSON can't carry it as it is
const dated: Metadata = { at: new Date() };

// listeners know their events, and `on` gives back what ends them
const off: () => void = engine.on('dropped', ({ count }) => count.toFixed());
router.on('drift', ({ model, direction, kind }) => [model, direction, kind]);
// @ts-expect-error no such event
engine.on('basis', () => undefined);
// @ts-expect-error what it tells is no text
router.on('basis', (event: string) => event);

// vectors come back as the kind that went in
const same: Float32Array = engine.applyLora(new Float32Array(4));
const numbers: number[] = engine.applyLora([1, 2, 3, 4]);
// @ts-expect-error another kind
const wrong: Float64Array = engine.applyLora(new Float32Array(4));

export const used = [
  ...[
    chosen,
    ranked,
    other,
    room,
    length,
    called,
    open,
    general,
    id,
    text,
    config,
    routers,
    options,
    outcome,
  ],
  ...[renamed, lengths, signal, spelt, unknown, qualities, moved, asToday],
  ...[named, twice, metadata, dated, off, same, numbers, wrong],
];

// details have the types of their code
export function detailsOf(error: unknown): unknown {
  if (SonaError.isInstance(error, 'SONA_DIM_MISMATCH')) {
    const expected: number = error.details.expected;
    // @ts-expect-error the length is a number
    const text: string = error.details.expected;
    return [expected, text];
  }
  if (SonaError.isInstance(error, 'SONA_NO_ELIGIBLE_MODEL')) {
    const filters: string | undefined = error.details.filters.small;
    return filters;
  }
  // @ts-expect-error no such code
  SonaError.isInstance(error, 'SONA_NOTHING');
  return SonaError.isInstance(error) ? error.details.argument : undefined;
}

// explanations speak of the models that there are
const explained = decision.explain();
const why: 'small' | 'large' = explained.model;
// @ts-expect-error no such model
const medium = explained.candidates.find(({ model }) => model === 'medium');
router.feedback(explained.id, { quality: 1 });

// the outcome of a suggestion
const suggested = engine.suggestRoutes([1, 0, 0, 0]);
const { applied, reason } = engine.feedback(suggested.id, { quality: 1, route: undefined, create: true });
// @ts-expect-error no such reason
const never: boolean = reason === 'nothing';
// @ts-expect-error a decision is no suggestion
engine.feedback(decision.id, { quality: 1 });
// @ts-expect-error no such part
engine.feedback(suggested.id, { reward: 1 });
// @ts-expect-error dates are no plain data
engine.addRoute('a', { metadata: { at: new Date() } });
// @ts-expect-error no such rule
new SonaEngine({ onEmbedderError: 'ignore' });
export const fromFeedback = [why, medium, applied, never];
