/** Parts of a message that are looked at. */
const MOST = 100_000;

type Fields = Readonly<Record<string, unknown>>;

/** What a human's message holds. */
export interface Turn {
  /** The texts of its parts. */
  readonly texts: readonly string[];
  /** Whether it holds pictures, sound or files of the human's. */
  readonly media: boolean;
}

/** The turn of a message if a human wrote it; undefined for others, and for what has an unknown form. */
export function humanTurn(message: unknown): Turn | undefined {
  if (!isFields(message)) return undefined;
  const body = humanBody(message);
  return body && turnOf(body);
}

/** What holds the `content` or `parts` of a human's message; undefined for a message of anybody else. */
function humanBody(message: Fields): Fields | undefined {
  const { role, type, id, kwargs, data, message: inner } = message;
  // lines of Claude Code, which marks what it writes itself
  if (message.isMeta === true || message.isCompactSummary === true) return undefined;
  if (isFields(inner))
    return isHuman(type) || isHuman(role) ? humanBody({ role: 'user', ...inner }) : undefined;
  // LangChain's serialised forms; those of others have a role, or a content of their own
  if (type === 'constructor' && isFields(kwargs)) return isHumanClass(id) ? kwargs : undefined;
  if (type === 'human' && isFields(data)) return data;
  if (typeof role === 'string') return isHuman(role) ? message : undefined;
  if (isHuman(type) || langChainType(message) === 'human') return message;
  // Gemini's only turn needs no role
  return role === undefined && type === undefined && Array.isArray(message.parts) ? message : undefined;
}

function isHuman(name: unknown): boolean {
  return typeof name === 'string' && /^(?:user|human)$/i.test(name);
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

/** What stands beside the content, where it is no part of it: the AI SDK before 5, Ollama, Assistants. */
const beside = ['attachments', 'experimental_attachments', 'images', 'files'];

function turnOf(body: Fields): Turn {
  const content = partsOf(body.content);
  const isTold = content.some((part) => partText(part).trim() !== '');
  const parts = isTold ? content : [...content, ...partsOf(body.parts), ...partsOf(body.message)];
  const texts = parts.map(partText).filter((text) => text !== '');
  // pictures beside a tool's result are the tool's
  const media =
    !parts.some(isToolResult) && (parts.some(isMedia) || beside.some((name) => isFilled(body[name])));
  return { texts, media };
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

/** The parts of a content: a text, one part of a named type (MCP), or several. */
function partsOf(content: unknown): readonly unknown[] {
  if (typeof content === 'string') return [content];
  if (Array.isArray(content)) return Array.from(content.slice(0, MOST));
  return isFields(content) && typeof content.type === 'string' ? [content] : [];
}

function partText(part: unknown): string {
  if (typeof part === 'string') return part;
  if (!isFields(part)) return '';
  const { type, text, transcript } = part;
  if (type === 'input_audio') return typeof transcript === 'string' ? transcript : '';
  if (type !== 'text' && type !== 'input_text' && type !== undefined) return '';
  // Assistants
  const written = isFields(text) ? text.value : text;
  return typeof written === 'string' ? written : '';
}

const mediaType =
  /^(?:input[_-])?(?:image|audio|video|file|document|media|resource)(?:[_-](?:url|file|link|data))?$/;
/** Where a part has no type: Gemini, Bedrock, A2A. */
const mediaKeys = [
  'inlineData',
  'inline_data',
  'fileData',
  'file_data',
  'image',
  'audio',
  'video',
  'document',
  'file',
];

function isMedia(part: unknown): boolean {
  if (!isFields(part)) return false;
  if (typeof part.type === 'string') return mediaType.test(part.type);
  return mediaKeys.some((key) => isFields(part[key]));
}

function isToolResult(part: unknown): boolean {
  if (!isFields(part)) return false;
  const { type, toolResult, functionResponse, function_response } = part;
  const isNamed = type === 'tool_result' || type === 'tool-result' || type === 'function_call_output';
  return isNamed || isFields(toolResult ?? functionResponse ?? function_response);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
