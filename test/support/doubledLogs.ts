// Logs in the protocol double of EventStoreDB, closed after each test, and what is followed of them.

import { afterEach } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventStoreDbLog, type EventStoreDbOptions } from '../../src/platform/servers/eventStoreDbLog.js';
import type { EventBatch, NewStoredEvent, Position, StoredEvent } from '../../src/ports/eventLog.js';
import { storedEvent } from '../contract/samples.js';
import { EventStoreDouble, type DoubleOptions } from './eventStoreDouble/index.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export async function open(options: Partial<EventStoreDbOptions> = {}, doubleOptions: DoubleOptions = {}) {
  const double = await EventStoreDouble.start(doubleOptions);
  closing.push(() => double.stop());
  return { double, log: openLog(double.url, options) };
}

export function openLog(url: string, options: Partial<EventStoreDbOptions> = {}): EventStoreDbLog {
  const log = new EventStoreDbLog({ url, ...options });
  closing.push(() => log.close());
  return log;
}

export const newStream = () => `contact-acme-${randomUUID()}`;
export const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id);

/** Follows the log from `after` on; `until` returns what was given once it is enough. */
export function following(log: EventStoreDbLog, after: Position | null = null) {
  const stop = new AbortController();
  const batches: EventBatch[] = [];
  let failure: unknown;
  const done = (async () => {
    try {
      for await (const batch of log.subscribe(after, stop.signal)) batches.push(batch);
    } catch (error) {
      failure = error;
    }
  })();
  closing.push(async () => (stop.abort(), done));
  const events = (): StoredEvent[] => batches.flatMap((batch) => batch.events);
  const until = async (enough: () => boolean) => {
    while (!enough()) {
      if (failure !== undefined) throw failure;
      await sleep(5);
    }
  };
  return {
    batches,
    events,
    caughtUp: () => until(() => batches.some((batch) => batch.caughtUp)),
    count: async (count: number) => (await until(() => events().length >= count), events()),
    position: async (reached: (position: Position) => boolean) => until(() => batches.some(({ position }) => reached(position))),
    failed: async () => (await done, failure),
  };
}

/** Appends events one after another, each to a stream of its own. */
export async function appendEach(log: EventStoreDbLog, events: readonly NewStoredEvent[]): Promise<void> {
  for (const event of events) await log.append(newStream(), 'none', [event]);
}

/** Events as other programs write them: of a kind of their own, and one that passes for ours. */
export const foreign = () => ({ id: randomUUID(), type: 'Foreign', contentType: 'application/json', data: Buffer.from('{}'), metadata: Buffer.alloc(0) });
export const own = () => ({ ...foreign(), type: 'ContactDeleted', metadata: Buffer.from(JSON.stringify(storedEvent().metadata)) });
