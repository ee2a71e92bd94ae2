// Brings a read model up to the end of the log, from its checkpoint, batch by batch.

import type { EventLog, Position } from '../ports/eventLog.js';
import type { EventStore } from '../ports/eventStore.js';
import type { Change, Projection } from '../ports/projection.js';
import type { ProjectionStore } from '../ports/readStore.js';
import { bySubject, changeOf } from './project.js';

/** How many events are applied at a time. */
export const CATCH_UP_BATCH = 1_000;

/**
 * Applies to `projection` every event after its checkpoint. One made by another version of the
 * projection is made again from the first event.
 * @returns how many events were looked at
 * @throws UnreadableEventError for an event this service cannot read
 */
export async function catchUp(
  projection: Projection,
  { log, events, store }: { log: EventLog; events: EventStore; store: ProjectionStore },
): Promise<number> {
  let position = await startOf(projection, store);
  let seen = 0;
  for (;;) {
    const batch = await log.readAll(position, CATCH_UP_BATCH);
    if (batch.events.length > 0) {
      const changes = await changesOf(projection, await events.open(batch.events), store);
      if (!(await store.apply(projection.name, changes, position, batch.position))) {
        position = (await store.checkpoint(projection.name))?.position ?? null;
        continue;
      }
      position = batch.position;
      seen += batch.events.length;
    }
    if (batch.caughtUp) return seen;
  }
}

async function startOf(projection: Projection, store: ProjectionStore): Promise<Position | null> {
  const checkpoint = await store.checkpoint(projection.name);
  if (checkpoint?.version === projection.version) return checkpoint.position;
  await store.reset(projection.name, projection.version);
  return null;
}

async function changesOf(
  projection: Projection,
  events: Parameters<typeof bySubject>[1],
  store: ProjectionStore,
): Promise<Change[]> {
  const subjects = bySubject(projection, events);
  const stored = await store.load(projection.name, subjects);
  return subjects.flatMap((subject, index) => changeOf(projection, subject, stored[index] ?? null) ?? []);
}
