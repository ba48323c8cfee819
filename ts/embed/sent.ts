/** Texts of a chat that are looked at. */
const MOST = 100_000;

/** How deep values may lie in each other. */
const DEEPEST = 12;

/** What words of a message stand under, in the forms that chats have; its other fields say who, when and what kind. */
const words = new Set([
  'content',
  'parts',
  'text',
  'value',
  'transcript',
  'message',
  'kwargs',
  'thinking',
  'reasoning',
  'summary',
  'refusal',
]);

/** What calls of tools and their results stand under: all strings below are sent, whatever their names. */
const calls = new Set([
  'arguments',
  'args',
  'input',
  'output',
  'result',
  'response',
  'toolInvocation',
  'tool_calls',
  'toolCalls',
  'functionCall',
  'function_call',
  'functionResponse',
  'function_response',
  'toolUse',
  'toolResult',
]);

/** Kinds of parts that hold pictures, sound or files, whose length is not that of their text. */
const media = /image|audio|video|document|file|media/;

/** What says in which format the bytes beside it are. */
const formats = ['mimeType', 'mime_type', 'mediaType', 'media_type'];
const bytes = new Set(['data', 'blob', 'url', 'uri']);

type Fields = Readonly<Record<string, unknown>>;

/**
 * The texts of all messages of a chat, whoever wrote them: what is sent to a model, as far as it is text. What can't be read is
 * passed over.
 */
export function textsOf(messages: readonly unknown[]): string[] {
  const texts: string[] = [];
  for (const message of messages) {
    try {
      collect(message, false, DEEPEST, texts);
    } catch {
      // throws when it is looked at
    }
  }
  return texts;
}

function collect(value: unknown, inCall: boolean, deep: number, texts: string[]): void {
  if (typeof value === 'string') {
    if (value !== '') texts.push(value);
  } else if (Array.isArray(value)) {
    for (const entry of value) {
      if (texts.length >= MOST) return;
      if (deep > 0) collect(entry, inCall, deep - 1, texts);
    }
  } else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && deep > 0) {
    collectFields(value as Fields, inCall, deep - 1, texts);
  }
}

function collectFields(fields: Fields, inCall: boolean, deep: number, texts: string[]): void {
  const { type, content } = fields;
  if (typeof type === 'string' && media.test(type)) return;
  const isMedia = formats.some((name) => name in fields);
  for (const name of Object.keys(fields)) {
    const isCall = inCall || calls.has(name);
    const isStored = name === 'data' && typeof fields.data === 'object';
    if (!isCall && !isStored && !words.has(name)) continue;
    if (isMedia && bytes.has(name)) continue;
    // the same once more: UI messages of the AI SDK
    if (name === 'parts' && typeof content === 'string' && content.trim() !== '') continue;
    collect(fields[name], isCall, deep, texts);
  }
}
