// EventStoreDB as the contract suites open it: over the protocol double, or over a real server.
// Each log has stream names of its own, so that on a shared server, too, it is empty at first.

import { randomUUID } from 'node:crypto';
import { EventStoreDBClient } from '@eventstore/db-client';
import type { PickingLog } from '../../src/platform/indexedEvents.js';
import { EventStoreDbLog, type EventStoreDbOptions } from '../../src/platform/servers/eventStoreDbLog.js';
import type { EventBatch, EventLog, Position, StoredEvent } from '../../src/ports/eventLog.js';
import { storedEvents } from './samples.js';

/** A log that also gives single events, as an index of events needs it. */
export interface OpenedPickingLog {
  log: EventLog & PickingLog;
  close(): Promise<void>;
}

/** A log whose streams have a prefix that nobody sees. */
export function openNamespaced(url: string, options: Partial<EventStoreDbOptions> = {}): OpenedPickingLog {
  const prefix = newPrefix();
  const log = new EventStoreDbLog({ url, prefixes: [prefix], ...options });
  return { log: namespaced(log, prefix), close: () => log.close() };
}

/**
 * As `openNamespaced`, on a server that may hold any number of others' events: the log begins at a
 * mark of its own, and its streams are deleted when it is closed.
 */
export async function openOnServer(url: string): Promise<OpenedPickingLog> {
  const prefix = newPrefix();
  const log = new EventStoreDbLog({ url, prefixes: [prefix] });
  const mark = `${prefix}mark`;
  await log.append(mark, 'none', storedEvents(1));
  const made = new Set([mark]);
  const close = async () => {
    await log.close();
    await deleteStreams(url, made);
  };
  return { log: namespaced(log, prefix, await log.head(), made), close };
}

const newPrefix = () => `${randomUUID().slice(0, 13)}:`;

async function deleteStreams(url: string, streams: Iterable<string>): Promise<void> {
  const client = EventStoreDBClient.connectionString(url);
  for (const stream of streams) await client.deleteStream(stream);
  await client.dispose();
}

/** The part of a log after `start`, with the streams' names as they are without `prefix`; which were made is noted in `made`. */
function namespaced(log: EventStoreDbLog, prefix: string, start: Position | null = null, made = new Set<string>()): EventLog & PickingLog {
  const bare = (event: StoredEvent): StoredEvent => ({ ...event, stream: event.stream.slice(prefix.length) });
  const bareBatch = (batch: EventBatch): EventBatch => ({ ...batch, events: batch.events.map(bare) });
  return {
    append: async (stream, expected, events) => {
      const result = await log.append(prefix + stream, expected, events);
      if (result.outcome === 'appended') made.add(prefix + stream);
      return result;
    },
    async *read(stream, fromRevision) {
      for await (const events of log.read(prefix + stream, fromRevision)) yield events.map(bare);
    },
    last: async (stream) => {
      const last = await log.last(prefix + stream);
      return last && bare(last);
    },
    readAll: async (after, limit) => bareBatch(await log.readAll(after ?? start, limit)),
    async *subscribe(after, signal) {
      for await (const batch of log.subscribe(after ?? start, signal)) yield bareBatch(batch);
    },
    head: async () => {
      const head = await log.head();
      return head === start ? null : head;
    },
    pick: async (places) => (await log.pick(places.map((place) => ({ ...place, stream: prefix + place.stream })))).map(bare),
    reaches: (position) => log.reaches(position),
    count: () => log.count(),
    compare: (a, b) => log.compare(a, b),
    isPosition: (text) => log.isPosition(text),
  };
}
