/** Parts of a message that are looked at. */
const MOST = 100_000;

type Fields = Readonly<Record<string, unknown>>;

/** The text of a message if a human wrote it, its parts on lines of their own; else `''`. */
export function humanText(message: unknown): string {
  if (!isFields(message)) return '';
  const body = humanBody(message);
  return body === undefined ? '' : partsText(body.content) || partsText(body.parts);
}

/** What holds the `content` or `parts` of a human's message; undefined for a message of anybody else. */
function humanBody(message: Fields): Fields | undefined {
  const { role, type, id, kwargs, data } = message;
  // LangChain's serialised forms; those of others have a role, or a content of their own
  if (type === 'constructor' && isFields(kwargs)) return isHumanClass(id) ? kwargs : undefined;
  if (type === 'human' && isFields(data)) return data;
  if (typeof role === 'string') return role === 'user' || role === 'human' ? message : undefined;
  if (type === 'human' || langChainType(message) === 'human') return message;
  // Gemini's only turn needs no role
  return role === undefined && type === undefined && Array.isArray(message.parts) ? message : undefined;
}

function isHumanClass(id: unknown): boolean {
  const name: unknown = Array.isArray(id) ? id.at(-1) : id;
  return name === 'HumanMessage' || name === 'HumanMessageChunk';
}

/** The type of a LangChain message by its method, `getType` or, before version 1, `_getType`. */
function langChainType(message: Fields): unknown {
  const method = message.getType ?? message._getType;
  return typeof method === 'function' ? method.call(message) : undefined;
}

/** The text in the content of a message: a string, or the parts among others that are text. */
function partsText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .slice(0, MOST)
    .map(partText)
    .filter((text) => text !== '')
    .join('\n');
}

function partText(part: unknown): string {
  if (typeof part === 'string') return part;
  if (!isFields(part)) return '';
  const { type, text } = part;
  const isText = type === 'text' || type === 'input_text' || type === undefined;
  return isText && typeof text === 'string' ? text : '';
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
