// The events of each organization where the log has no index of them: one kept by projecting tells
// where they stand, and they are read there. What the index does not cover as yet is read from the
// log, so that no answer lacks what was stored before.

import type { EventIndex, IndexedEvents, IndexQuery } from '../ports/eventIndex.js';
import { UnavailableError } from '../ports/errors.js';
import type { EventLog, Position, StoredEvent } from '../ports/eventLog.js';
import type { IndexEntry } from '../ports/projection.js';
import type { Generation, ProjectionStore } from '../ports/readStore.js';

/** How many entries, and how many events that are not in the index, are looked at for one answer. */
const LOOKED_AT = 20_000;
const ENTRIES_AT_A_TIME = 1_000;
const EVENTS_AT_A_TIME = 500;

/** A log that gives single events by where they stand in their streams. */
export interface PickingLog extends Pick<EventLog, 'readAll' | 'compare'> {
  /** The events at some places, in the order of the places, with positions as `readAll` has them; those that are gone are left out. @throws UnavailableError */
  pick(places: readonly IndexEntry[]): Promise<StoredEvent[]>;
  isPosition(text: string): boolean;
}

/** Entries that were asked for; all up to `last` were looked at, and no others follow when `whole`. */
interface Found<Item> {
  items: Item[];
  last: Position | null;
  whole: boolean;
}

export class IndexedEventsOf implements EventIndex {
  constructor(
    private readonly log: PickingLog,
    private readonly store: Pick<ProjectionStore, 'live' | 'entries'>,
  ) {}

  async read(organizationId: string, query: IndexQuery): Promise<IndexedEvents> {
    const live = await this.store.live('events');
    const { items, last, whole } = await this.fromIndex(organizationId, query, live);
    const events = items.length === 0 ? [] : await this.log.pick(items);
    if (!whole) return { events, position: last, coveredTo: null };
    const newer = await this.fromLog(organizationId, { ...query, after: last, limit: query.limit - items.length }, live?.position ?? null);
    return { events: [...events, ...newer.events], position: newer.position, coveredTo: newer.coveredTo };
  }

  /** Positions of such a log cannot be halved. */
  async startOf(): Promise<null> {
    return null;
  }

  isPosition(text: string): boolean {
    return this.log.isPosition(text);
  }

  private async fromIndex(organizationId: string, { after, limit, types }: IndexQuery, live: Generation | null): Promise<Found<IndexEntry>> {
    const found: Found<IndexEntry> = { items: [], last: after, whole: false };
    if (live === null || live.position === null || this.log.compare(after, live.position) >= 0) return { ...found, whole: true };
    for (let looked = 0; looked < LOOKED_AT; ) {
      const count = looked === 0 ? limit : ENTRIES_AT_A_TIME;
      const entries = await this.store.entries(live.number, organizationId, found.last, live.position, count);
      for (const entry of entries) {
        found.last = entry.position;
        if (types.includes(entry.type)) found.items.push(entry);
        if (found.items.length === limit) return found;
      }
      if (entries.length < count) return { ...found, whole: true };
      looked += entries.length;
    }
    return found;
  }

  /** The events after `after` that stand after `covered`, where the index ends: most often few, and none of others' is kept. */
  private async fromLog(organizationId: string, { after, limit, types }: IndexQuery, covered: Position | null): Promise<IndexedEvents> {
    const events: StoredEvent[] = [];
    let position = after;
    for (let [at, looked] = [covered, 0]; looked < LOOKED_AT; ) {
      const batch = await this.log.readAll(at, EVENTS_AT_A_TIME);
      for (const event of batch.events) {
        if (event.metadata.organizationId !== organizationId || this.log.compare(event.position, after) <= 0) continue;
        ({ position } = event);
        if (types.includes(event.type)) events.push(event);
        if (events.length === limit) return { events, position, coveredTo: null };
      }
      at = batch.position;
      if (batch.caughtUp) return { events, position, coveredTo: this.log.compare(at, after) >= 0 ? at : after };
      looked += batch.events.length;
    }
    // Nothing was found where the index ends, and more is to be looked at: saying that this is all would be wrong.
    if (events.length === 0) throw new UnavailableError('the index of events is behind the log');
    return { events, position, coveredTo: null };
  }
}
