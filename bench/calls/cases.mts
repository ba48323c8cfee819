// What is timed, in the order in which it is printed.
import { applying, applyingBoth } from './applying.mts';
import type { Case, Setting } from './case.mts';
import { learning } from './learning.mts';
import { correcting, endingWithRoute, recording } from './outcomes.mts';
import { routing } from './routing.mts';
import { finding, recalling, suggesting } from './searching.mts';
import { keeping } from './state.mts';
import { counting } from './stats.mts';
import { text } from './text.mts';

/** Each makes its engines when it is called. */
export const cases: readonly ((setting: Setting) => Case[])[] = [
  applying,
  applyingBoth,
  recording,
  suggesting,
  recalling,
  endingWithRoute,
  correcting,
  finding,
  routing,
  text,
  learning,
  keeping,
  counting,
];
