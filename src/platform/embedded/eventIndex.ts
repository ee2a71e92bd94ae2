// The events of an organization by an index on the log's table, which holds their types as well.

import type { EventIndex, IndexedEvents, IndexQuery } from '../../ports/eventIndex.js';
import type { Position } from '../../ports/eventLog.js';
import { reading, type Database } from './database.js';
import { EVENT_COLUMNS, toEvent, type EventRow, type SqliteEventLog } from './eventLog.js';

/** How many entries of the index are looked at for one answer. */
const LOOKED_AT = 20_000;

const entries = `SELECT position, type FROM events INDEXED BY events_by_organization
  WHERE json_extract(metadata, '$.organizationId') = ? AND position > ? ORDER BY position LIMIT ${LOOKED_AT}`;
const ofTypes = `SELECT position FROM (${entries}) WHERE type IN (SELECT value FROM json_each(?))`;
const wanted = `${ofTypes} LIMIT ?`;
const wantedEvents = `SELECT ${EVENT_COLUMNS} FROM events WHERE position IN (${wanted}) ORDER BY position`;
const lastWanted = `${ofTypes} LIMIT 1 OFFSET ?`;
const seenEntries = `SELECT max(position) AS last, count(*) AS count FROM (${entries})`;

const firstFrom = `SELECT position, json_extract(metadata, '$.occurredAt') AS at FROM events WHERE position >= ? ORDER BY position LIMIT 1`;

/** The values of an event's row, in the order of its columns. */
export type EventValues = [position: number, stream: string, revision: number, id: string, type: string, data: string, metadata: string];

/** As `EventIndex.read`, but for the rows; all of one moment when nothing is written meanwhile. `head`: the position of the log's last event. */
export function indexedRows(database: Database, organizationId: string, { after, limit, types }: IndexQuery, head: number) {
  const from = Number(after ?? 0);
  const rows = database.values<EventValues>(wantedEvents, organizationId, from, JSON.stringify(types), limit);
  const last = rows.at(-1);
  if (rows.length === limit && last !== undefined) return { rows, position: String(last[0]), coveredTo: null };
  // Fewer than asked for: all entries that one answer looks at were looked at.
  const [[seen, count]] = database.values<[number | null, number]>(seenEntries, organizationId, from) as [[number | null, number]];
  const position: Position | null = seen === null ? after : String(seen);
  return { rows, position, coveredTo: count < LOOKED_AT ? String(Math.max(head, from)) : null };
}

/** Where the last of `limit` events stands; null when one answer tells of fewer. */
export function indexedEnd(database: Database, organizationId: string, { after, limit, types }: IndexQuery): Position | null {
  const [last] = database.values<[number]>(lastWanted, organizationId, Number(after ?? 0), JSON.stringify(types), limit - 1);
  return last === undefined ? null : String(last[0]);
}

/** A row of its values. */
export function toEventRow([position, stream, revision, id, type, data, metadata]: EventValues): EventRow {
  return { position, stream, revision, id, type, data, metadata };
}

export class SqliteEventIndex implements EventIndex {
  constructor(
    private readonly database: Database,
    private readonly log: SqliteEventLog,
  ) {}

  async read(organizationId: string, query: IndexQuery): Promise<IndexedEvents> {
    return reading(() => {
      const { rows, position, coveredTo } = indexedRows(this.database, organizationId, query, this.log.headNow());
      return { events: rows.map((values) => toEvent(toEventRow(values))), position, coveredTo };
    });
  }

  async startOf(instant: Date): Promise<Position | null> {
    const at = instant.toISOString();
    return reading(() => {
      // All up to `before` occurred earlier; whether what stands behind `end` did is of no matter.
      let before = 0;
      for (let end = this.log.headNow(); before < end; ) {
        const middle = Math.ceil((before + end) / 2);
        const event = this.database.get<{ position: number; at: string }>(firstFrom, middle);
        if (event !== undefined && event.at < at) before = event.position;
        else end = middle - 1;
      }
      return before === 0 ? null : String(before);
    });
  }

  isPosition(text: string): boolean {
    return /^\d{1,15}$/.test(text);
  }
}
