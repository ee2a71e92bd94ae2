// The control socket: operations carried out by a running service for commands beside it.

import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { connectToService, runRemotely } from '../../src/operations/controlClient.js';
import { serveOperations, type ControlServer } from '../../src/operations/controlServer.js';
import { socketPath } from '../../src/operations/controlSocket.js';
import { OperationError, type Host, type Operation, type Progress } from '../../src/operations/operation.js';
import { temporaryFolder } from '../support/folder.js';

const count: Operation<{ to: number }, number> = {
  name: 'count',
  params: z.object({ to: z.number() }),
  result: z.number(),
  run: async (_host, { to }, report) => {
    for (let done = 0; done <= to; done += 1) report({ done, total: to, unit: 'numbers' });
    return to;
  },
};

/** Runs until it is aborted; `ended` says how. */
function endless() {
  let tell: (reason: unknown) => void;
  const ended = new Promise<unknown>((resolve) => (tell = resolve));
  const operation: Operation<null, null> = {
    name: 'endless',
    params: z.null(),
    result: z.null(),
    run: (_host, _params, report, signal) =>
      new Promise((_resolve, reject) => {
        report({ done: 0, total: null, unit: 'turns' });
        signal.addEventListener('abort', () => {
          tell(signal.reason);
          reject(signal.reason as Error);
        });
      }),
  };
  return { operation, ended };
}

const failing: Operation<null, null> = {
  name: 'failing',
  params: z.null(),
  result: z.null(),
  run: () => Promise.reject(new Error('two\n  lines', { cause: new Error('the disk is full') })),
};

const servers: ControlServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(dataDir: string, ...operations: Operation[]) {
  const errors: unknown[] = [];
  const server = await serveOperations(dataDir, { host: {} as Host, operations, onError: (error) => errors.push(error) });
  if (server !== null) servers.push(server);
  return { server, errors };
}

const never = new AbortController().signal;

async function ask<Params, Result extends null | number>(
  dataDir: string,
  operation: Operation<Params, Result>,
  params: Params,
  report: (progress: Progress) => void = () => undefined,
  signal = never,
) {
  const socket = await connectToService(dataDir);
  if (socket === null) throw new Error('no service answers');
  return runRemotely(socket, operation, params, report, signal);
}

test('an operation runs in the service, its progress and its result come back', async () => {
  const folder = temporaryFolder();
  await serve(folder, count as Operation);
  const told: Progress[] = [];
  expect(await ask(folder, count, { to: 5 }, (progress) => told.push(progress))).toBe(5);
  expect(told[0]).toEqual({ done: 0, total: 5, unit: 'numbers' });
  expect(told.at(-1)).toEqual({ done: 5, total: 5, unit: 'numbers' });
  expect(await Promise.all([1, 2, 3].map((to) => ask(folder, count, { to })))).toEqual([1, 2, 3]);
});

test('the socket is its owner\'s only, and goes when the service stops', async () => {
  const folder = temporaryFolder();
  const { server } = await serve(folder);
  expect(statSync(socketPath(folder)).mode & 0o777).toBe(0o600);
  await server?.close();
  expect(readdirSync(folder)).toEqual([]);
  expect(await connectToService(folder)).toBeNull();
});

test('what goes wrong is one line: an unknown operation, bad parameters, a failure', async () => {
  const folder = temporaryFolder();
  const { errors } = await serve(folder, count as Operation, failing as Operation);
  await expect(ask(folder, endless().operation, null)).rejects.toThrow(/does not know 'endless'/);
  await expect(ask(folder, count, { to: 'x' } as unknown as { to: number })).rejects.toThrow(/^count: .*number/);
  expect(errors).toEqual([]);
  await expect(ask(folder, failing, null)).rejects.toEqual(new OperationError('two; lines: the disk is full'));
  expect(errors).toHaveLength(1);
});

test('a line that is no request is answered with an error, and the next request works', async () => {
  const folder = temporaryFolder();
  await serve(folder, count as Operation);
  for (const line of ['no JSON', '{"operation": 1}', '[]']) {
    const socket = connect(socketPath(folder));
    let answer = '';
    socket.on('data', (text: Buffer) => (answer += text.toString()));
    socket.write(`${line}\n`);
    await once(socket, 'end');
    expect(JSON.parse(answer)).toEqual({ error: expect.any(String) });
  }
  expect(await ask(folder, count, { to: 1 })).toBe(1);
});

test('a command that goes away aborts its operation', async () => {
  const folder = temporaryFolder();
  const { operation, ended } = endless();
  await serve(folder, operation as Operation);
  const interrupted = new AbortController();
  const asked = ask(folder, operation, null, () => interrupted.abort(new OperationError('interrupted')), interrupted.signal);
  await expect(asked).rejects.toThrow('interrupted');
  expect(await ended).toEqual(new OperationError('the command went away'));
});

test('a service that stops aborts its operations and says so', async () => {
  const folder = temporaryFolder();
  const { operation, ended } = endless();
  const { server } = await serve(folder, operation as Operation);
  let started = () => undefined as void;
  const running = new Promise<void>((resolve) => (started = resolve));
  const asked = ask(folder, operation, null, () => started());
  await running;
  await Promise.all([expect(asked).rejects.toThrow('the service is stopping'), server?.close()]);
  expect(await ended).toEqual(new OperationError('the service is stopping'));
});

test('a service that stops waits for an operation to end whose command went away just before', async () => {
  const folder = temporaryFolder();
  let [begun, ended] = [false, false];
  const slow: Operation<null, null> = {
    name: 'slow',
    params: z.null(),
    result: z.null(),
    run: async () => {
      begun = true;
      await sleep(300);
      ended = true;
      return null;
    },
  };
  const { server } = await serve(folder, slow);
  const leaving = new AbortController();
  const asked = ask(folder, slow, null, undefined, leaving.signal).catch(() => undefined);
  while (!begun) await sleep(5);
  leaving.abort();
  await asked;
  await sleep(50);
  await server?.close();
  expect(ended).toBe(true);
});

test('a connection that asks for nothing does not hold up the stop', async () => {
  const folder = temporaryFolder();
  const { server } = await serve(folder);
  const socket = connect(socketPath(folder));
  await once(socket, 'connect');
  await server?.close();
  socket.destroy();
});

test('what a killed service left in the place of the socket is replaced; a living one is not', async () => {
  const folder = temporaryFolder();
  writeFileSync(socketPath(folder), '');
  expect(await connectToService(folder)).toBeNull();
  await serve(folder, count as Operation);
  expect(await ask(folder, count, { to: 1 })).toBe(1);
  expect((await serve(folder)).server).toBeNull();
  expect(await ask(folder, count, { to: 2 })).toBe(2);
});

test('a service that dies in the middle is told of', async () => {
  const folder = temporaryFolder();
  const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(socketPath(folder));
  await once(server, 'listening');
  await expect(ask(folder, count, { to: 1 })).rejects.toThrow('the service ended before it was done');
  server.close();
});

test('a folder whose path is longer than a socket\'s may be works all the same', async () => {
  const folder = join(temporaryFolder(), 'a'.repeat(120), 'é'.repeat(60));
  mkdirSync(folder, { recursive: true });
  const before = readdirSync(tmpdir()).filter((name) => /^contacts-(?!test)/.test(name));
  const { server } = await serve(folder, count as Operation);
  expect(await ask(folder, count, { to: 3 })).toBe(3);
  expect(statSync(socketPath(folder)).isSocket()).toBe(true);
  await server?.close();
  expect(readdirSync(folder)).toEqual([]);
  expect(await connectToService(join(folder, 'missing'))).toBeNull();
  const after = readdirSync(tmpdir()).filter((name) => /^contacts-(?!test)/.test(name));
  expect(after.filter((name) => !before.includes(name))).toEqual([]);
});
