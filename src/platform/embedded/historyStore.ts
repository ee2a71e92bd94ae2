// The history in SQLite: the named queries.

import type { AuditFilter, AuditItem, AuditPage, AuditPoint, HistoryPage, HistoryStore, PastReads } from '../../ports/historyStore.js';
import type { ProjectionName } from '../../ports/projection.js';
import { auditPage, auditSources } from '../audit.js';
import { auditText, firstChangesText } from '../historyText.js';
import { PastContacts } from '../pastContacts.js';
import { reading, type Database } from './database.js';
import type { SqliteDocuments } from './documents.js';
import { SqlitePast } from './past.js';

/** Stands in a page's text for the changes of the first version, until they are looked up: no JSON has it. */
const FIRST_VERSION = '\u0001';

interface AuditRow extends AuditPoint {
  head: string;
  changes: string | null;
}

export class SqliteHistoryStore implements HistoryStore {
  constructor(
    private readonly database: Database,
    private readonly documents: SqliteDocuments,
  ) {}

  async history(organizationId: string, projection: ProjectionName, id: string, after: number | null, limit: number): Promise<HistoryPage | null> {
    return reading(() => {
      const collection = this.documents.liveCollection(projection, organizationId);
      if (collection === null) return null;
      const page = this.entries(collection, id, after ?? -1, limit);
      if (page.text === null && !this.exists(collection, id, -1)) return null;
      const text = (page.text ?? '').replace(FIRST_VERSION, () => this.firstChanges(collection, id));
      return { text, next: page.last !== null && this.exists(collection, id, page.last) ? page.last : null };
    });
  }

  async audit(organizationId: string, filter: AuditFilter, after: AuditPoint | null, limit: number): Promise<AuditPage> {
    return reading(() => {
      const sources = auditSources(filter);
      return auditPage(sources.map(({ projection, id }) => this.newest(organizationId, projection, id, filter, after, limit + 1)), limit);
    });
  }

  asOf(instant: string): PastReads {
    return new PastContacts(new SqlitePast(this.database, this.documents, instant));
  }

  /** The newest entries of one kind of documents, or of one of them, by the index of what is asked for. */
  private newest(organizationId: string, projection: ProjectionName, id: string | null, filter: AuditFilter, after: AuditPoint | null, limit: number): AuditItem[] {
    const collection = this.documents.liveCollection(projection, organizationId);
    if (collection === null) return [];
    const { actor, type, since, until } = filter;
    const index = actor !== null ? 'history_by_actor' : type !== null ? 'history_by_type' : 'history_by_time';
    const asked = [
      ['id = ?', id],
      ['actor = ?', actor],
      ['type = ?', type],
      ['at >= ?', since],
      ['at <= ?', until],
    ].filter((condition): condition is [string, string] => condition[1] !== null);
    const beyond = after === null ? '' : 'AND (at, id, revision) < (?, ?, ?)';
    const sql = `SELECT id, revision, at, head, changes FROM history ${id === null ? `INDEXED BY ${index}` : ''}
      WHERE collection = ? ${asked.map(([condition]) => `AND ${condition}`).join(' ')} ${beyond}
      ORDER BY at DESC, id DESC, revision DESC LIMIT ?`;
    const point = after === null ? [] : [after.at, after.id, after.revision];
    const rows = this.database.all<AuditRow>(sql, collection, ...asked.map(([, value]) => value), ...point, limit);
    return rows.map(({ head, changes, ...place }) => {
      return { ...place, text: auditText(projection, place.id, head, changes ?? this.firstChanges(collection, place.id)) };
    });
  }

  /** SQLite puts the page together: hundreds of rows become one value. */
  private entries(collection: number, id: string, after: number, limit: number) {
    const sql = `SELECT group_concat(head || ',"changes":' || coalesce(changes, char(1)) || '}') AS text, max(revision) AS last
      FROM (SELECT revision, head, changes FROM history WHERE collection = ? AND id = ? AND revision > ? ORDER BY revision LIMIT ?)`;
    return this.database.get(sql, collection, id, after, limit) as { text: string | null; last: number | null };
  }

  private exists(collection: number, id: string, after: number): boolean {
    const sql = 'SELECT 1 AS one FROM history WHERE collection = ? AND id = ? AND revision > ? LIMIT 1';
    return this.database.get(sql, collection, id, after) !== undefined;
  }

  /** What the first version has set, as JSON. */
  private firstChanges(collection: number, id: string): string {
    const sql = `SELECT body FROM (SELECT body FROM versions WHERE collection = ?1 AND id = ?2 ORDER BY until, revision LIMIT 1)
      UNION ALL SELECT body FROM documents WHERE collection = ?1 AND id = ?2 LIMIT 1`;
    return firstChangesText(this.database.get<{ body: string }>(sql, collection, id)?.body);
  }
}
