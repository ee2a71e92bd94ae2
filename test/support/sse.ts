// A reader of Server-Sent Events for tests.

import type { Client } from './service.js';

export interface Message {
  id: string;
  data: { id: string; type: string; subject: string; position: string; data: Record<string, unknown> };
}

export interface OpenStream {
  status: number;
  headers: Headers;
  /** The messages, until the stream ends or is broken off. */
  messages: AsyncGenerator<Message>;
  abort(): void;
}

/** Opens the stream of `client`; `query` begins with a question mark. */
export async function openStream(client: Client, query = '', headers: Record<string, string> = {}): Promise<OpenStream> {
  const controller = new AbortController();
  const response = await fetch(`${client.baseUrl}/events/stream${query}`, {
    headers: { Authorization: `Bearer ${client.token}`, ...headers },
    signal: controller.signal,
  });
  return { status: response.status, headers: response.headers, messages: messagesOf(response), abort: () => controller.abort() };
}

async function* messagesOf(response: Response): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(bytes, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
        if (fields.data !== undefined) yield { id: fields.id ?? '', data: JSON.parse(fields.data) };
      }
    }
  } catch (error) {
    if (!['AbortError', 'TypeError'].includes((error as Error).name)) throw error;
  }
}

/** The first `count` messages of a stream, which is then broken off. */
export async function take(stream: OpenStream, count: number): Promise<Message[]> {
  const taken: Message[] = [];
  for await (const message of stream.messages) {
    taken.push(message);
    if (taken.length === count) break;
  }
  stream.abort();
  return taken;
}
