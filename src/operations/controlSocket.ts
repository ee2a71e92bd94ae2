// The control socket: how commands reach the service that runs on a data folder. A request is one
// line of JSON; lines of progress answer it, then one with the result or an error.

import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Json } from '../domain/json.js';

/** What a command asks of the service. */
export const requestSchema = z.object({ operation: z.string(), params: z.unknown() });

/** A line of the answer. */
export const answerSchema = z.union([
  z.object({
    progress: z.object({ done: z.number(), total: z.number().nullable(), unit: z.string(), rate: z.number().optional() }),
  }),
  z.object({ result: z.custom<Json>((value) => value !== undefined) }),
  z.object({ error: z.string() }),
]);

export type ControlRequest = z.infer<typeof requestSchema>;
export type ControlAnswer = z.infer<typeof answerSchema>;

/** Where the socket of a service on `dataDir` lies. */
export const socketPath = (dataDir: string): string => join(resolve(dataDir), 'contacts.sock');

/** What the shortest of the systems takes as the path of a socket, in bytes, less the byte that ends it. */
const LONGEST_PATH = 103;

/**
 * Calls `use` with a path to the socket of `dataDir` that the system takes: its own, or one by a
 * link in the folder of temporary files that is good until what `use` promises is settled.
 */
export async function withShortPath<Result>(dataDir: string, use: (path: string) => Promise<Result>): Promise<Result> {
  const path = socketPath(dataDir);
  if (Buffer.byteLength(path) <= LONGEST_PATH) return use(path);
  const folder = mkdtempSync(join(tmpdir(), 'contacts-'));
  try {
    symlinkSync(resolve(dataDir), join(folder, 'd'));
    return await use(socketPath(join(folder, 'd')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes one line. */
export function send(socket: Socket, line: ControlRequest | ControlAnswer): void {
  if (socket.writable) socket.write(`${JSON.stringify(line)}\n`);
}
