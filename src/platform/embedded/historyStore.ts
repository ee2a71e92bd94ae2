// The history in SQLite: the named queries.

import type { HistoryPage, HistoryStore, PastReads } from '../../ports/historyStore.js';
import type { ProjectionName } from '../../ports/projection.js';
import { firstChangesText } from '../historyText.js';
import { PastContacts } from '../pastContacts.js';
import { reading, type Database } from './database.js';
import type { SqliteDocuments } from './documents.js';
import { SqlitePast } from './past.js';

/** Stands in a page's text for the changes of the first version, until they are looked up: no JSON has it. */
const FIRST_VERSION = '\u0001';

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

  asOf(instant: string): PastReads {
    return new PastContacts(new SqlitePast(this.database, this.documents, instant));
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
