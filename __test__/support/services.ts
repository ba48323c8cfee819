// A service of embeddings on this machine, which answers as each test says.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';

/** What a request held. */
export interface Asked {
  url: string;
  headers: IncomingHttpHeaders;
  body: { model: string; input: string[]; encoding_format?: string; dimensions?: number };
}

type Answer = (asked: Asked, response: ServerResponse) => void;

export interface Service {
  /** Its address without a path. */
  origin: string;
  /** What came, in order. */
  asked: Asked[];
  /** Resolves when a client has hung up before its answer. */
  hungUp: Promise<void>;
}

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Starts a service; it ends with the test. */
export async function serve(answer: Answer): Promise<Service> {
  const asked: Asked[] = [];
  let left = () => {};
  const hungUp = new Promise<void>((resolve) => {
    left = resolve;
  });
  const server = createServer(async (request, response) => {
    response.on('close', () => {
      if (!response.writableFinished) left();
    });
    const entry = {
      url: request.url ?? '',
      headers: request.headers,
      body: JSON.parse(await textOf(request)),
    };
    asked.push(entry);
    answer(entry, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, asked, hungUp };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

/** A vector that tells of its text: its length, then the code of its first character. */
export const vectorOf = (text: string): number[] => [text.length, text.charCodeAt(0) || 0, 0.5];

/** What OpenAI's service answers. */
export const answerOf = (texts: readonly string[]) => ({
  object: 'list',
  data: texts.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) })),
  model: 'm',
  usage: { prompt_tokens: 1, total_tokens: 1 },
});

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export const honest: Answer = ({ body }, response) => json(response, answerOf(body.input));
