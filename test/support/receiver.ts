// Receivers of webhooks for tests: real HTTP servers that remember what they got.

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a receiver got it. */
export interface Received {
  headers: IncomingHttpHeaders;
  /** The exact body. */
  text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test looks into whatever came
  body: any;
  /** The `webhook-id`. */
  id: string;
}

/** Answers a request; the body is read already. */
export type Answer = (response: ServerResponse, received: Received, request: IncomingMessage) => void;

export interface Receiver {
  url: string;
  /** All requests so far, in the order in which they came. */
  received: Received[];
  /** How many connections were made. */
  connections(): number;
  /** Answers from now on. */
  answer: Answer;
  close(): Promise<void>;
}

export const ok: Answer = (response) => response.end('ok');

/** Answers with a status and no body. */
export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end();

/** Starts a receiver on a free port of 127.0.0.1. */
export async function startReceiver(answer: Answer = ok): Promise<Receiver> {
  let connections = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const got = { headers: request.headers, text, body: JSON.parse(text), id: String(request.headers['webhook-id']) };
      receiver.received.push(got);
      receiver.answer(response, got, request);
    });
    request.on('error', () => undefined);
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received: [],
    connections: () => connections,
    answer,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}

/** Waits until `check` says so, for as long as a busy machine may need. */
export async function until(check: () => boolean | Promise<boolean>, what = 'a condition', timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
