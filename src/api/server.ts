// The HTTP server around the application: it answers what is not well-formed HTTP in the error
// shape, too.

import { randomUUID } from 'node:crypto';
import { createServer, STATUS_CODES, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { validationError } from './errors.js';

/** A connection, with the answer that Node is writing to it, if it is; Node looks at the same. */
type Answering = Socket & { _httpMessage?: ServerResponse | null };

/** How long an idle connection is kept, in ms: longer than proxies keep theirs, so that they are the ones to let go. */
const KEEP_ALIVE_MS = 75_000;

/** How long nothing may move on a connection while a request or its answer is under way, in ms: an answer that is not read is held in memory. */
const STALLED_MS = 30_000;

/** From how many bytes on that wait to be written a stream is to wait, too: Node 22 and later would take four times as many. */
const WAITING_BYTES = 16_384;

/** A server for `listener`; it does not listen yet. */
export function apiServer(listener: RequestListener, stalledMs = STALLED_MS): Server {
  // Nothing here depends on the Host header, and Node would answer its absence with an empty body.
  const server = createServer({ requireHostHeader: false, keepAliveTimeout: KEEP_ALIVE_MS, highWaterMark: WAITING_BYTES }, listener);
  server.timeout = stalledMs;
  // An expectation that is not known is not met, and the request answered as any other.
  server.on('checkExpectation', listener);
  server.on('clientError', (error: Error & { code?: string; rawPacket?: Buffer }, socket: Answering) => {
    const isAnswering = socket._httpMessage?.headersSent === true;
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) socket.destroy();
    else socket.end(refusal(error.code ?? '', error.rawPacket?.toString('latin1', 0, 5) === 'HEAD '));
  });
  return server;
}

const problems: Record<string, { field: string; message: string }> = {
  HPE_INVALID_URL: { field: 'url', message: 'Holds characters that must be percent-encoded' },
  HPE_INVALID_METHOD: { field: 'method', message: 'Is not a method of HTTP' },
  HPE_HEADER_OVERFLOW: { field: 'headers', message: 'Are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { field: 'request', message: 'Did not come whole in time' },
};

/** A whole answer, after which the connection ends. To a HEAD it has no body, which would be taken for another answer. */
function refusal(code: string, toHead: boolean): string {
  const { status, body } = validationError([problems[code] ?? { field: 'request', message: 'Is not well-formed HTTP' }]);
  const text = JSON.stringify(body);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    `X-Request-Id: ${randomUUID()}`,
    'Connection: close',
    '',
    toHead ? '' : text,
  ].join('\r\n');
}
