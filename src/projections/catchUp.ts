// Brings a read model up to the end of the log, batch by batch.

import type { EventLog } from '../ports/eventLog.js';
import type { EventStore, RecordedEvent } from '../ports/eventStore.js';
import type { Change, Projection } from '../ports/projection.js';
import type { Generation, ProjectionStore } from '../ports/readStore.js';
import { bySubject, changeOf } from './project.js';

/** How many events are applied at a time. */
export const CATCH_UP_BATCH = 1_000;

export interface ProjectingDeps {
  log: EventLog;
  events: EventStore;
  store: ProjectionStore;
}

/**
 * Applies to `projection` every event its live documents have not seen. Where another version of
 * it made them, they are made anew and then take the place of those.
 * @returns how many events were looked at
 * @throws UnreadableEventError for an event this service cannot read
 */
export async function catchUp(projection: Projection, { log, events, store }: ProjectingDeps): Promise<number> {
  let seen = 0;
  for (;;) {
    const { number, position, live } = await generationOf(projection, store);
    const batch = await log.readAll(position, CATCH_UP_BATCH);
    if (batch.events.length > 0) {
      const changes = await changesOf(projection, number, await events.open(batch.events), store);
      if (!(await store.apply(projection.name, number, changes, position, batch.position))) continue;
      seen += batch.events.length;
    }
    if (batch.caughtUp && (live || (await store.switchTo(projection.name, number)))) return seen;
  }
}

/** The generation that this version of the projection makes: the live one, or else the one being built. */
async function generationOf({ name, version }: Projection, store: ProjectionStore): Promise<Generation & { live: boolean }> {
  const live = await store.live(name);
  if (live?.version === version) return { ...live, live: true };
  const building = await store.building(name);
  return { ...(building?.version === version ? building : await store.build(name, version)), live: false };
}

async function changesOf(
  projection: Projection,
  generation: number,
  events: readonly RecordedEvent[],
  store: ProjectionStore,
): Promise<Change[]> {
  const subjects = bySubject(projection, events);
  const stored = await store.load(projection.name, generation, subjects);
  return subjects.flatMap((subject, index) => changeOf(projection, subject, stored[index] ?? null) ?? []);
}
