import { invalidArgument, outOfRange } from '../base/errors.ts';
import { checkInteger, checkName, checkNumber, checkOptions } from '../base/vectors.ts';
import type { Random } from './random.ts';

/** A kind of prompt. It needs either `words` or `prompts`. */
export interface WorldKind {
  /** Words that its prompts are made of, mixed with a few that all kinds share. */
  words?: readonly string[] | undefined;
  /** Whole prompts, of which one is drawn each time, in place of `words`. */
  prompts?: readonly string[] | undefined;
  /** How often it comes, beside the `share` of the others; above 0. Default 1. */
  share?: number | undefined;
  /** Mean length of its prompts in tokens, 1 to 1,000,000, whatever the text. Default 500. */
  promptTokens?: number | undefined;
}

/** Words that the prompts of all kinds share. */
const FILLER = ['a', 'and', 'can', 'for', 'how', 'i', 'in', 'my', 'of', 'please', 'the', 'to', 'with', 'you'];

/** A kind as it was checked. */
interface Kind {
  readonly words: readonly string[];
  readonly prompts: readonly string[];
  readonly share: number;
  readonly tokens: number;
}

/** What users write. */
export class Texts {
  readonly names: readonly string[];
  readonly #kinds: Kind[];
  readonly #shares: number;

  constructor(kinds: unknown) {
    if (typeof kinds !== 'object' || kinds === null || Array.isArray(kinds)) {
      throw invalidArgument('options.kinds', 'an object of kinds by name', kinds);
    }
    this.names = Object.keys(kinds);
    if (this.names.length === 0) throw invalidArgument('options.kinds', 'at least one kind', kinds);
    this.#kinds = Object.entries(kinds).map(([name, kind]) => {
      const at = `options.kinds.${name}`;
      checkOptions(at, kind, ['words', 'prompts', 'share', 'promptTokens']);
      const { words, prompts, share = 1, promptTokens = 500 } = kind as WorldKind;
      if ((words === undefined) === (prompts === undefined)) {
        throw invalidArgument(at, 'either words or prompts', kind);
      }
      checkNumber(`${at}.share`, share);
      if (share <= 0) throw outOfRange(`${at}.share`, 'a number above 0', share);
      checkInteger(`${at}.promptTokens`, promptTokens, 1, 1_000_000);
      return {
        words: words === undefined ? [] : texts(`${at}.words`, words),
        prompts: prompts === undefined ? [] : texts(`${at}.prompts`, prompts),
        share,
        tokens: promptTokens,
      };
    });
    this.#shares = this.#kinds.reduce((sum, { share }) => sum + share, 0);
  }

  /** Mean tokens of a kind's prompts. */
  tokens(kind: number): number {
    return this.#kinds[kind]?.tokens as number;
  }

  draw(random: Random): { kind: number; text: string; promptTokens: number } {
    let left = random.uniform() * this.#shares;
    const found = this.#kinds.findIndex(({ share }) => {
      left -= share;
      return left < 0;
    });
    const kind = found < 0 ? this.#kinds.length - 1 : found;
    const { words, prompts, tokens } = this.#kinds[kind] as Kind;
    const one = (of: readonly string[]) => of[random.below(of.length)] as string;
    const promptTokens = around(tokens, random);
    if (prompts.length > 0) return { kind, text: one(prompts), promptTokens };
    const own = Array.from({ length: 4 + random.below(5) }, () => one(words));
    const shared = Array.from({ length: 2 + random.below(3) }, () => one(FILLER));
    const mixed = [...own, ...shared];
    const text = [...random.permutation(mixed.length)].map((i) => mixed[i]).join(' ');
    return { kind, text, promptTokens };
  }
}

function texts(argument: string, list: unknown): readonly string[] {
  if (!Array.isArray(list) || list.length === 0) {
    throw invalidArgument(argument, 'a list of at least one text', list);
  }
  const taken: unknown[] = Array.from(list);
  taken.forEach((text, i) => {
    checkName(`${argument}[${i}]`, text);
  });
  return taken as string[];
}

/** A whole number from about half to about one and a half times the mean, which it has. */
export function around(mean: number, random: Random): number {
  const reach = Math.floor(mean / 2);
  return mean - reach + random.below(2 * reach + 1);
}
