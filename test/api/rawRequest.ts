// Requests as no fetch would send them: by hand, with no header but those given.

import { request } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';

export interface RawReply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** The bytes as they came, compressed if they were. */
  bytes: Buffer;
  text: string;
}

/** Sends one request by node:http; what follows the origin in `url` goes out as it is, a byte a character. */
export async function rawRequest(url: string, method: string, headers: Record<string, string> = {}, body?: string | Buffer): Promise<RawReply> {
  const { origin, hostname, port } = new URL(url);
  const sent = request({ hostname, port, path: url.slice(origin.length), method, headers, agent: false });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const bytes = Buffer.concat(parts);
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString() };
}

/** Writes `text` to the server as it is, and gives all that it answers until it closes. */
export async function rawSocket(origin: string, text: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (part: Buffer) => (answer += part.toString('latin1')));
  socket.write(text);
  await Promise.race([once(socket, 'close'), once(socket, 'error')]);
  socket.destroy();
  return answer;
}
