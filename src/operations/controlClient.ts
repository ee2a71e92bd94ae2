// A command's side of the control socket.

import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Json } from '../domain/json.js';
import { answerSchema, send, withShortPath } from './controlSocket.js';
import { OperationError, type Operation, type Report } from './operation.js';

/** What is no service that answers: no socket, nobody at its other end, no folder. */
const NOBODY = ['ENOENT', 'ECONNREFUSED', 'ENOTDIR'];

/**
 * A connection to the service that runs on `dataDir`; null when none does.
 * @throws OperationError when there is one and it may not be asked
 */
export async function connectToService(dataDir: string): Promise<Socket | null> {
  try {
    return await withShortPath(dataDir, open);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== undefined && NOBODY.includes(code)) return null;
    throw new OperationError(`the service's socket in ${dataDir} cannot be used: ${message}`);
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket.off('error', reject)));
  });
}

/**
 * Has the service at the other end of `socket` carry out `operation`. Aborting leaves the service,
 * which then aborts it.
 * @throws OperationError with what the service says went wrong
 */
export async function runRemotely<Params, Result extends Json>(
  socket: Socket,
  operation: Operation<Params, Result>,
  params: Params,
  report: Report,
  signal: AbortSignal,
): Promise<Result> {
  socket.on('error', () => undefined);
  const leave = () => socket.destroy();
  signal.addEventListener('abort', leave, { once: true });
  try {
    send(socket, { operation: operation.name, params });
    const lines = createInterface({ input: socket });
    socket.once('close', () => lines.close());
    for await (const line of lines) {
      const answer = answerSchema.parse(JSON.parse(line));
      if ('progress' in answer) report(answer.progress);
      else if ('error' in answer) throw new OperationError(answer.error);
      else return operation.result.parse(answer.result);
    }
    signal.throwIfAborted();
    throw new OperationError('the service ended before it was done');
  } finally {
    signal.removeEventListener('abort', leave);
    socket.destroy();
  }
}
