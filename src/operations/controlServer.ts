// The service's side of the control socket: carries out operations for commands on the same
// machine. Who may open the socket may do anything; only its owner may.

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Json } from '../domain/json.js';
import { connectToService } from './controlClient.js';
import { requestSchema, send, socketPath, withShortPath } from './controlSocket.js';
import { lineOf, OperationError, type Host, type Operation, type Progress } from './operation.js';

/** How often a command is told of progress, in ms. */
const PROGRESS_EVERY_MS = 100;
/** How long a command may take to read the last of what it is told, in ms. */
const LAST_WORDS_MS = 1_000;

export interface ControlServer {
  /** Aborts the operations under way, waits for them to end, and takes the socket away. */
  close(): Promise<void>;
}

export interface ControlOptions {
  host: Host;
  operations: readonly Operation[];
  /** Told of failures that are not the command's fault. */
  onError: (error: unknown) => void;
}

/**
 * Listens on the control socket of `dataDir`, in the place of one that a killed service left.
 * @returns null when another service answers there: then commands go to that one
 */
export async function serveOperations(dataDir: string, options: ControlOptions): Promise<ControlServer | null> {
  const other = await connectToService(dataDir);
  other?.destroy();
  if (other !== null) return null;
  rmSync(socketPath(dataDir), { force: true });
  const stopping = new AbortController();
  const connections = new Map<Socket, Promise<void>>();
  const server = createServer((socket) => {
    const served = serveConnection(socket, options, stopping.signal);
    connections.set(socket, served);
    // One whose command went away may be at it for a moment yet.
    socket.on('close', () => void served.then(() => connections.delete(socket)));
  });
  await withShortPath(dataDir, (path) => listenPrivately(server, path));
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    stopping.abort(new OperationError('the service is stopping'));
    await Promise.all(connections.values());
    const patience = setTimeout(() => connections.forEach((_, socket) => socket.destroy()), LAST_WORDS_MS);
    await closed;
    clearTimeout(patience);
    rmSync(socketPath(dataDir), { force: true });
  };
  return { close };
}

/** The socket is its owner's from the moment it is there. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await once(server, 'listening');
}

/** Answers the one request of a connection; a command that goes away aborts what it asked for. */
async function serveConnection(socket: Socket, options: ControlOptions, stopping: AbortSignal): Promise<void> {
  const gone = new AbortController();
  socket.on('error', () => undefined);
  socket.on('close', () => gone.abort(new OperationError('the command went away')));
  const signal = AbortSignal.any([gone.signal, stopping]);
  try {
    const line = await firstLine(socket, signal);
    const result = await carryOut(line, options, (progress) => send(socket, { progress }), signal);
    send(socket, { result });
  } catch (error) {
    send(socket, { error: lineOf(error) });
    if (!(error instanceof OperationError)) options.onError(error);
  } finally {
    socket.destroySoon();
  }
}

function firstLine(socket: Socket, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: socket }).on('line', resolve);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** Carries out what `line` asks for. @throws OperationError, and what the operation throws */
async function carryOut(
  line: string,
  { host, operations }: ControlOptions,
  report: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Json> {
  const { operation: name, params } = requestSchema.parse(JSON.parse(line));
  const operation = operations.find((candidate) => candidate.name === name);
  if (operation === undefined) throw new OperationError(`the running service does not know '${name}': is it of an older version?`);
  const parsed = operation.params.safeParse(params);
  if (!parsed.success) throw new OperationError(`${name}: ${z.prettifyError(parsed.error)}`);
  let toldAt = 0;
  const reportNow = (progress: Progress) => {
    if (Date.now() - toldAt < PROGRESS_EVERY_MS && progress.done !== progress.total) return;
    toldAt = Date.now();
    report(progress);
  };
  return operation.run(host, parsed.data, reportNow, signal);
}
