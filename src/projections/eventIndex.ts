// The index of events by organization, for logs that have none of their own.

import type { StoredEvent } from '../ports/eventLog.js';
import type { IndexEntry, IndexProjection } from '../ports/projection.js';

export const eventIndexProjection: IndexProjection = { name: 'events', version: 1 };

/** The entries of events. What another program wrote into a stream of ours is no organization's. */
export function entriesOf(events: readonly StoredEvent[]): IndexEntry[] {
  return events.flatMap(({ position, stream, revision, type, metadata: { organizationId } }) =>
    organizationId === '' ? [] : [{ organizationId, position, stream, revision, type }],
  );
}
