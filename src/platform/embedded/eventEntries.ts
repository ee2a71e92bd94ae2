// The index of events by organization, where the events lie in another log.

import { decodeOrganization, encodeOrganization } from '../../domain/streams.js';
import type { Position } from '../../ports/eventLog.js';
import type { IndexEntry } from '../../ports/projection.js';
import type { Database } from './database.js';

/** `key` sorts as positions do. */
export const eventEntriesTable = `
  -- Where the events of each organization stand in another log, in its order, for each generation of the index.
  CREATE TABLE event_entries (
    generation   INTEGER NOT NULL,
    organization TEXT NOT NULL,
    key          TEXT NOT NULL,
    position     TEXT NOT NULL,
    stream       TEXT NOT NULL,
    revision     INTEGER NOT NULL,
    type         TEXT NOT NULL,
    PRIMARY KEY (generation, organization, key)
  ) WITHOUT ROWID;
`;

export class SqliteEventEntries {
  constructor(
    private readonly database: Database,
    /** Positions as texts that sort as they do. */
    private readonly sortKey: (position: Position) => string,
  ) {}

  insert(generation: number, entries: readonly IndexEntry[]): void {
    for (const { organizationId, position, stream, revision, type } of entries) {
      const sql = 'INSERT OR IGNORE INTO event_entries (generation, organization, key, position, stream, revision, type) VALUES (?, ?, ?, ?, ?, ?, ?)';
      this.database.run(sql, generation, encodeOrganization(organizationId), this.sortKey(position), position, stream, revision, type);
    }
  }

  read(generation: number, organizationId: string, after: Position | null, upTo: Position, limit: number): IndexEntry[] {
    const sql = `SELECT position, stream, revision, type FROM event_entries
      WHERE generation = ? AND organization = ? AND key > ? AND key <= ? ORDER BY key LIMIT ?`;
    const from = after === null ? '' : this.sortKey(after);
    const rows = this.database.all<Omit<IndexEntry, 'organizationId'>>(sql, generation, encodeOrganization(organizationId), from, this.sortKey(upTo), limit);
    return rows.map((row) => ({ organizationId, ...row }));
  }

  readAll(generation: number, after: IndexEntry | null, limit: number): IndexEntry[] {
    const sql = `SELECT organization, position, stream, revision, type FROM event_entries
      WHERE generation = ? AND (organization, key) > (?, ?) ORDER BY organization, key LIMIT ?`;
    const from = after === null ? (['', ''] as const) : ([encodeOrganization(after.organizationId), this.sortKey(after.position)] as const);
    const rows = this.database.all<Omit<IndexEntry, 'organizationId'> & { organization: string }>(sql, generation, ...from, limit);
    return rows.map(({ organization, ...row }) => ({ organizationId: decodeOrganization(organization), ...row }));
  }

  /** Drops up to `limit` entries; returns whether there was any. */
  dropSome(generation: number, limit: number): boolean {
    const some = 'SELECT generation, organization, key FROM event_entries WHERE generation = ? LIMIT ?';
    return this.database.run(`DELETE FROM event_entries WHERE (generation, organization, key) IN (${some})`, generation, limit) > 0;
  }
}
