// The events of an organization by an index on the log's table, which holds their types as well.

import type { EventIndex, IndexedEvents, IndexQuery } from '../../ports/eventIndex.js';
import { reading, type Database } from './database.js';
import { EVENT_COLUMNS, toEvent, type EventRow, type SqliteEventLog } from './eventLog.js';

/** How many entries of the index are looked at for one answer. */
const LOOKED_AT = 20_000;

export class SqliteEventIndex implements EventIndex {
  constructor(
    private readonly database: Database,
    private readonly log: SqliteEventLog,
  ) {}

  async read(organizationId: string, { after, limit, types }: IndexQuery): Promise<IndexedEvents> {
    return reading(() => {
      const head = this.log.headNow();
      const from = Number(after ?? 0);
      const entries = `SELECT position, type FROM events INDEXED BY events_by_organization
        WHERE json_extract(metadata, '$.organizationId') = ? AND position > ? ORDER BY position LIMIT ${LOOKED_AT}`;
      const wanted = `SELECT position FROM (${entries}) WHERE type IN (SELECT value FROM json_each(?)) LIMIT ?`;
      const sql = `SELECT ${EVENT_COLUMNS} FROM events WHERE position IN (${wanted}) ORDER BY position`;
      const rows = this.database.all<EventRow>(sql, organizationId, from, JSON.stringify(types), limit);
      const events = rows.map(toEvent);
      const last = events.at(-1)?.position ?? null;
      if (events.length === limit) return { events, position: last, coveredTo: null };
      // Fewer than asked for: all entries that one answer looks at were looked at.
      const seen = this.database.get<{ last: number | null; count: number }>(
        `SELECT max(position) AS last, count(*) AS count FROM (${entries})`,
        organizationId,
        from,
      );
      const position = seen?.last === null || seen === undefined ? after : String(seen.last);
      return { events, position, coveredTo: (seen?.count ?? 0) < LOOKED_AT ? String(Math.max(head, from)) : null };
    });
  }

  isPosition(text: string): boolean {
    return /^\d{1,15}$/.test(text);
  }
}
