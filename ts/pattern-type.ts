import { invalidArgument } from './errors.ts';

/** What kind of work a pattern stands for. */
export const PatternType = Object.freeze({
  General: 'General',
  Reasoning: 'Reasoning',
  Factual: 'Factual',
  Creative: 'Creative',
  CodeGen: 'CodeGen',
  Conversational: 'Conversational',
} as const);

/** What kind of work a pattern stands for. */
export type PatternType = (typeof PatternType)[keyof typeof PatternType];

export function checkPatternType(argument: string, value: unknown): asserts value is PatternType {
  if (typeof value !== 'string' || !Object.hasOwn(PatternType, value)) {
    throw invalidArgument(argument, `one of ${Object.keys(PatternType).join(', ')}`, value);
  }
}
