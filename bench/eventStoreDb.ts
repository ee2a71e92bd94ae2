// The EventStoreDB adapter beside the bare client, on the same server in the same run: the one that
// TEST_EVENTSTORE_URL names, else the protocol double in a process of its own.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client';
import { EventStoreDbLog } from '../src/platform/servers/eventStoreDbLog.js';
import type { NewStoredEvent, Position } from '../src/ports/eventLog.js';
import { spawnDouble } from '../test/support/eventStoreDouble/spawn.js';
import { median, type Bench, type Figure } from './support/figures.js';

const EVENTS = 60_000;
const APPENDS = 2_000;
const ROUNDS = 3;
const PAGE = 1_000;

/** Benches run from where they were compiled to; the double from its source. */
const doubleScript = fileURLToPath(new URL('../../test/support/eventStoreDouble/process.js', import.meta.url));

export const eventStoreDbBench: Bench = {
  name: 'eventstoredb',
  about: 'the adapter’s appends, reads and memory beside the bare client’s, events of 500 bytes',
  run: async (say) => {
    const given = process.env.TEST_EVENTSTORE_URL;
    const server = given === undefined ? await spawnDouble(doubleScript) : { url: given, stop: async () => undefined };
    const prefix = `bench-${randomUUID()}:`;
    const log = new EventStoreDbLog({ url: server.url, prefixes: [prefix] });
    const client = EventStoreDBClient.connectionString(server.url);
    try {
      say(given === undefined ? 'on the protocol double' : 'on the server of TEST_EVENTSTORE_URL');
      const appends = await appending(log, client, prefix, say);
      await fill(log, prefix);
      return [...appends, ...(await reading(log, client, say)), await following(log, say)];
    } finally {
      await log.close();
      await client.dispose();
      await server.stop();
    }
  },
};

const eventOf = (): NewStoredEvent => ({
  id: randomUUID(),
  type: 'ContactCreated',
  data: { text: 'x'.repeat(300) },
  metadata: { organizationId: 'bench', actor: { sub: 'bench' }, requestId: randomUUID(), correlationId: '', causationId: null, occurredAt: '', schemaVersion: 1 },
});

/** `count` runs of `work`, so many at a time; how many there were in a second. */
async function rateOf(count: number, atOnce: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return count / ((performance.now() - began) / 1_000);
}

async function appending(log: EventStoreDbLog, client: EventStoreDBClient, prefix: string, say: (line: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const atOnce of [1, 64]) {
    const [ours, bare]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      bare.push(await rateOf(APPENDS, atOnce, () => client.appendToStream(`${prefix}${randomUUID()}`, jsonEvent({ ...eventOf() }), { expectedRevision: NO_STREAM })));
      ours.push(await rateOf(APPENDS, atOnce, () => log.append(`${prefix}${randomUUID()}`, 'none', [eventOf()])));
    }
    say(`append, ${atOnce} in flight: ${Math.round(median(ours))}/s, the bare client in one batch stream ${Math.round(median(bare))}/s`);
    figures.push({ name: `append, ${atOnce} in flight, of the bare client's`, value: median(ours) / median(bare), unit: 'ratio', note: `${Math.round(median(ours))}/s` });
  }
  return figures;
}

async function fill(log: EventStoreDbLog, prefix: string): Promise<void> {
  for (let done = 0; done < EVENTS; done += 500) await log.append(`${prefix}${randomUUID()}`, 'none', Array.from({ length: 500 }, eventOf));
}

async function reading(log: EventStoreDbLog, client: EventStoreDBClient, say: (line: string) => void): Promise<Figure[]> {
  const [bare, pages, followed]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    bare.push(await timed(() => readBare(client)));
    pages.push(await timed(() => readPages(log)));
    followed.push(await timed(() => follow(log)));
  }
  const figure = (name: string, rates: number[]): Figure => {
    say(`${name}: ${Math.round(median(rates))}/s, the bare client's readAll ${Math.round(median(bare))}/s`);
    return { name: `${name}, of the bare client's readAll`, value: median(rates) / median(bare), unit: 'ratio', asked: { atLeast: 0.5 }, note: `${Math.round(median(rates))}/s` };
  };
  return [figure(`readAll in pages of ${PAGE.toLocaleString('en-US')}`, pages), figure('subscribe, catching up', followed)];
}

async function timed(work: () => Promise<number>): Promise<number> {
  const began = performance.now();
  return (await work()) / ((performance.now() - began) / 1_000);
}

async function readBare(client: EventStoreDBClient): Promise<number> {
  let events = 0;
  for await (const _ of client.readAll({ maxCount: EVENTS })) events += 1;
  return events;
}

async function readPages(log: EventStoreDbLog): Promise<number> {
  let events = 0;
  for (let position: Position | null = null; ; ) {
    const batch = await log.readAll(position, PAGE);
    events += batch.events.length;
    if (batch.caughtUp) return events;
    ({ position } = batch);
  }
}

async function follow(log: EventStoreDbLog, pause: () => Promise<unknown> = async () => undefined): Promise<number> {
  const stop = new AbortController();
  let events = 0;
  for await (const batch of log.subscribe(null, stop.signal)) {
    events += batch.events.length;
    await pause();
    if (batch.caughtUp) stop.abort();
  }
  return events;
}

/** What a subscriber that is far behind and slow costs in memory. */
async function following(log: EventStoreDbLog, say: (line: string) => void): Promise<Figure> {
  let most = 0;
  const watch = async () => {
    await sleep(5);
    most = Math.max(most, process.memoryUsage().rss);
  };
  const events = await follow(log, watch);
  say(`followed ${events.toLocaleString('en-US')} events slowly`);
  return { name: 'memory of this process, a slow subscriber far behind', value: most / 1_048_576, unit: 'MB', asked: { atMost: 300 } };
}
