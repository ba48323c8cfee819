import { invalidArgument, outOfRange } from '../base/errors.ts';
import { checkOptions } from '../base/vectors.ts';
import { saidIn } from './harness.ts';
import { defaultTags, tagName, tagsOf, withoutBlocks } from './reminders.ts';
import { humanTurn, type Turn } from './turns.ts';

/** One message of a chat, in any of the forms that {@link promptOf} reads; what else it has is passed over. */
export interface ChatMessage {
  /** Who says it: OpenAI, Anthropic, the AI SDK, Gemini. */
  readonly role?: unknown;
  /** What is said, as text or in parts. */
  readonly content?: unknown;
  /** The same: AI SDK (UI messages), Gemini. */
  readonly parts?: unknown;
  /** The message itself, in a line of Claude Code or Cursor; the text, in Cohere's first version. */
  readonly message?: unknown;
  /** Kind of an entry (OpenAI's responses), or of a message of LangChain. */
  readonly type?: unknown;
  /** LangChain, serialised. */
  readonly kwargs?: unknown;
  /** LangChain, stored. */
  readonly data?: unknown;
}

/**
 * Messages of a chat, oldest first, as one of these has them: OpenAI (chat, responses, Assistants), Anthropic, the AI SDK (UI
 * and model messages), LangChain (objects and serialised), Gemini, Bedrock, MCP. Entries that are none are passed over.
 */
export type ChatMessages = readonly ChatMessage[];

/** Parts of {@link promptOf}. */
export interface PromptOptions {
  /**
   * Names of the tags whose blocks are no words of the human's, in place of the default list and of all else that is known of
   * coding agents: a letter, then letters, digits, `_`, `-`, `.` or `:`; upper and lower case are the same. `[]` keeps everything.
   */
  reminders?: readonly string[] | undefined;
}

/** Messages that are looked at, the newest ones. */
const MOST = 100_000;

/**
 * What the human said last: the text of the newest turn of a user, its parts on lines of their own, trimmed. Left out
 * are the texts of others (system, assistant, tools), results of tools, images and files, and what coding agents write into
 * turns of their users, as `<system-reminder>...</system-reminder>`; of a request in a tag of its own, as
 * `<user_query>...</user_query>`, that alone is taken. A turn of which nothing is left is no turn, and the one before it
 * counts; but one of pictures, sound or files alone has the prompt `''`. Without any turn the result is `''`.
 *
 * Entries of a form it does not know are passed over. Linear in the length of what it reads: a megabyte takes some
 * milliseconds.
 *
 * Throws `SONA_INVALID_ARGUMENT` when `messages` is no array or an option is of the wrong kind, `SONA_OUT_OF_RANGE` for
 * a reminder that is no name of a tag.
 */
export function promptOf(messages: ChatMessages, options: PromptOptions = {}): string {
  if (!Array.isArray(messages)) throw invalidArgument('messages', 'an array of messages', messages);
  const tags = checkReminders(options);
  const oldest = Math.max(0, messages.length - MOST);
  for (let i = messages.length - 1; i >= oldest; i--) {
    const turn = turnAt(messages, i);
    if (!turn) continue;
    const { text, pictures } =
      tags === defaultTags
        ? saidIn(turn.texts)
        : { text: withoutBlocks(turn.texts.join('\n'), tags).trim(), pictures: false };
    if (text !== '' || turn.media || pictures) return text;
  }
  return '';
}

/** The human's turn in one entry; undefined for what can't be read, as it throws when it is looked at. */
function turnAt(messages: readonly unknown[], i: number): Turn | undefined {
  try {
    return humanTurn(messages[i]);
  } catch {
    return undefined;
  }
}

function checkReminders(options: PromptOptions): RegExp | undefined {
  checkOptions('options', options, ['reminders']);
  const { reminders } = options;
  if (reminders === undefined) return defaultTags;
  if (!Array.isArray(reminders)) throw invalidArgument('options.reminders', 'an array of strings', reminders);
  reminders.forEach((name: unknown, i) => {
    if (typeof name !== 'string') throw invalidArgument(`options.reminders[${i}]`, 'a string', name);
    if (!tagName.test(name)) throw outOfRange(`options.reminders[${i}]`, 'the name of a tag', name);
  });
  return tagsOf(reminders);
}
