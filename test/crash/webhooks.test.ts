// kill -9 a hundred times during delivery: every change that was acknowledged is told of, and what is
// sent twice carries the same id and the same bytes.

import { expect, test } from '@jest/globals';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/folder.js';
import { ok, startReceiver, until, type Receiver } from '../support/receiver.js';

const KILLS = 100;
/** Processes that are killed at a time, each with a folder of its own: starting one waits more than it works. */
const LANES = 4;
const child = fileURLToPath(new URL('./webhookChild.js', import.meta.url));

/** Starts a process that creates and delivers; `acknowledged` gets the ids of what it created. */
async function start(dataDir: string, acknowledged: string[], { url, create = true }: { url?: string; create?: boolean }) {
  const process_ = fork(child, url === undefined ? [dataDir] : [dataDir, url], { env: { CREATE: create ? 'yes' : 'no' }, execArgv: [] });
  process.once('exit', () => process_.kill('SIGKILL'));
  const exited = once(process_, 'exit');
  const ready = new Promise<void>((resolve, reject) => {
    process_.on('message', (message: string) => (message === 'ready' ? resolve() : acknowledged.push(message)));
    process_.once('exit', (code) => reject(new Error(`the process ended with ${code} before it was killed`)));
  });
  await ready;
  return async () => {
    process_.kill('SIGKILL');
    await exited;
  };
}

async function killing(receiver: Receiver, kills: number): Promise<string[]> {
  const dataDir = temporaryFolder();
  const acknowledged: string[] = [];
  for (let round = 0; round < kills; round += 1) {
    const kill = await start(dataDir, acknowledged, round === 0 ? { url: receiver.url } : {});
    // Each is killed once it has done something, however slow the machine.
    const before = acknowledged.length;
    await until(() => acknowledged.length > before, 'the first contact', 60_000);
    await sleep(Math.random() * 80);
    await kill();
  }
  const told = () => new Set(receiver.received.map(({ body }) => body.data.id));
  const kill = await start(dataDir, [], { create: false });
  await until(() => acknowledged.every((id) => told().has(id)), 'all deliveries', 60_000);
  await kill();
  return acknowledged;
}

test('a hundred kills during delivery lose nothing, and send twice only with the same id', async () => {
  // Now and then it fails, now and then it is slow.
  const receiver = await startReceiver((response, received) => {
    if (receiver.received.length % 7 === 0) response.writeHead(500).end();
    else if (receiver.received.length % 3 === 0) setTimeout(() => ok(response, received, response.req), 20);
    else ok(response, received, response.req);
  });
  const acknowledged = (await Promise.all(Array.from({ length: LANES }, () => killing(receiver, KILLS / LANES)))).flat();
  const contents = new Map<string, Set<string>>();
  const ids = new Map<string, Set<string>>();
  for (const { id, text, body } of receiver.received) {
    contents.set(id, (contents.get(id) ?? new Set()).add(text));
    ids.set(body.data.id, (ids.get(body.data.id) ?? new Set()).add(id));
  }
  expect([...contents.values()].every(({ size }) => size === 1)).toBe(true);
  expect([...ids.values()].every(({ size }) => size === 1)).toBe(true);
  // Deliveries were made again, with the ids they had.
  expect(receiver.received.length).toBeGreaterThan(ids.size);
  expect(acknowledged.length).toBeGreaterThanOrEqual(KILLS);
  await receiver.close();
}, 240_000);
