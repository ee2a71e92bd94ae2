// EventStoreDB as the contract suite opens it: over the protocol double, or over a real server.
// Each log has stream names of its own, so that on a shared server, too, it is empty at first.

import { randomUUID } from 'node:crypto';
import { EventStoreDbLog, type EventStoreDbOptions } from '../../src/platform/servers/eventStoreDbLog.js';
import type { EventBatch, EventLog, StoredEvent } from '../../src/ports/eventLog.js';
import type { OpenedLog } from './eventLogContract.js';

/** A log whose streams have a prefix that nobody sees. */
export function openNamespaced(url: string, options: Partial<EventStoreDbOptions> = {}): OpenedLog {
  const prefix = `${randomUUID().slice(0, 13)}:`;
  const log = new EventStoreDbLog({ url, prefixes: [prefix], ...options });
  return { log: namespaced(log, prefix), close: () => log.close() };
}

function namespaced(log: EventLog, prefix: string): EventLog {
  const bare = (event: StoredEvent): StoredEvent => ({ ...event, stream: event.stream.slice(prefix.length) });
  const bareBatch = (batch: EventBatch): EventBatch => ({ ...batch, events: batch.events.map(bare) });
  return {
    append: (stream, expected, events) => log.append(prefix + stream, expected, events),
    async *read(stream, fromRevision) {
      for await (const events of log.read(prefix + stream, fromRevision)) yield events.map(bare);
    },
    last: async (stream) => {
      const last = await log.last(prefix + stream);
      return last && bare(last);
    },
    readAll: async (after, limit) => bareBatch(await log.readAll(after, limit)),
    async *subscribe(after, signal) {
      for await (const batch of log.subscribe(after, signal)) yield bareBatch(batch);
    },
    head: () => log.head(),
    reaches: (position) => log.reaches(position),
    count: (from, to) => log.count(from, to),
    compare: (a, b) => log.compare(a, b),
  };
}
