import { invalidArgument } from '../base/errors.ts';

/** What kind of work a pattern stands for, by what most of its trajectories said. */
export const PatternType = Object.freeze({
  /** Nothing in particular, or nobody said. */
  General: 'General',
  /** Steps of thought. */
  Reasoning: 'Reasoning',
  /** Facts looked up. */
  Factual: 'Factual',
  /** Invention. */
  Creative: 'Creative',
  /** Code written. */
  CodeGen: 'CodeGen',
  /** Talk. */
  Conversational: 'Conversational',
} as const);

/** What kind of work a pattern stands for. */
export type PatternType = (typeof PatternType)[keyof typeof PatternType];

export function checkPatternType(argument: string, value: unknown): asserts value is PatternType {
  if (typeof value !== 'string' || !Object.hasOwn(PatternType, value)) {
    throw invalidArgument(argument, `one of ${Object.keys(PatternType).join(', ')}`, value);
  }
}
