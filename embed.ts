export {
  type AiSdkEmbeddingModel,
  type AiSdkJson,
  type AiSdkOptions,
  type AiSdkProviderOptions,
  aiSdk,
} from './ts/embed/ai-sdk.ts';
export type { Basis } from './ts/embed/basis.ts';
export { type BuiltinOptions, builtin } from './ts/embed/builtin.ts';
export type { Embedder, EmbedOptions, SyncEmbedder } from './ts/embed/embedder.ts';
export { type HashOptions, hash } from './ts/embed/hash.ts';
export { type MultilingualOptions, multilingual } from './ts/embed/multilingual.ts';
export { type OpenAiCompatibleOptions, openAiCompatible } from './ts/embed/openai-compatible.ts';
export { type ChatMessage, type ChatMessages, type PromptOptions, promptOf } from './ts/embed/prompt.ts';
export type { StaticOptions } from './ts/embed/static.ts';
export { type TransformersOptions, transformers } from './ts/embed/transformers.ts';
