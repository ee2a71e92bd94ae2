// The HTTP server around the application: it answers the requests of a connection one after the
// other, and what is not well-formed HTTP in the error shape, too.

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

/** How many requests a connection may send ahead of their answers. */
const AHEAD_MAX = 100;

/** A server for `listener`; it does not listen yet. */
export function apiServer(listener: RequestListener, stalledMs = STALLED_MS): Server {
  const inTurn = oneAfterAnother(listener);
  // Nothing here depends on the Host header, and Node would answer its absence with an empty body.
  const server = createServer({ requireHostHeader: false, keepAliveTimeout: KEEP_ALIVE_MS, highWaterMark: WAITING_BYTES }, inTurn);
  server.timeout = stalledMs;
  // An expectation that is not known is not met, and the request answered as any other.
  server.on('checkExpectation', inTurn);
  server.on('clientError', (error: Error & { code?: string; rawPacket?: Buffer }, socket: Answering) => {
    const isAnswering = socket._httpMessage?.headersSent === true;
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) socket.destroy();
    else socket.end(refusal(error.code ?? '', error.rawPacket?.toString('latin1', 0, 5) === 'HEAD '));
  });
  return server;
}

/**
 * `listener`, given the requests of a connection one after the other: a few bytes each, a thousand come at once, and
 * all carried out at the same time they would leave others no turn, and as many answers wait in memory. A connection
 * that sends too many ahead is cut off; of what it sent ahead nothing was carried out.
 */
function oneAfterAnother(listener: RequestListener): RequestListener {
  const ahead = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    // Node gives an answer its socket when those before it are written.
    if (response.socket !== null) {
      listener(request, response);
      return;
    }
    const waiting = (ahead.get(socket) ?? 0) + 1;
    ahead.set(socket, waiting);
    if (waiting > AHEAD_MAX) {
      socket.destroy();
      return;
    }
    response.once('socket', () => {
      ahead.set(socket, (ahead.get(socket) ?? 1) - 1);
      // Others have their turn first: what is answered at once would be followed by the next at once.
      setImmediate(() => {
        if (!socket.destroyed) listener(request, response);
      });
    });
  };
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
