// The history in SQLite: the named queries.

import { newestFirst } from '../../domain/history.js';
import { fittingOf, PAGE_BYTES, type AuditFilter, type AuditItem, type AuditPage, type AuditPoint, type HistoryPage, type HistoryStore, type PastReads } from '../../ports/historyStore.js';
import type { ProjectionName } from '../../ports/projection.js';
import { auditPage, auditSources } from '../audit.js';
import { auditText, firstChangesText } from '../historyText.js';
import { PastContacts } from '../pastContacts.js';
import { reading, type Database } from './database.js';
import type { SqliteDocuments } from './documents.js';
import type { PageAsked } from './pageCache.js';
import { SqlitePast } from './past.js';

/** The byte that stands in a page for the changes of the first version, until they are looked up: no JSON has it. */
const FIRST_VERSION = 1;

/** What an entry's changes take, told without reading them; those of a first version about three times as much as it does. */
const SIZE = `coalesce(
  octet_length(changes),
  3 * (SELECT octet_length(v.body) FROM versions v WHERE v.collection = history.collection AND v.id = history.id ORDER BY v.until, v.revision LIMIT 1),
  3 * (SELECT octet_length(d.body) FROM documents d WHERE d.collection = history.collection AND d.id = history.id),
  0
) AS size`;

interface SizeRow extends AuditPoint {
  size: number;
}

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
      const asked = { after: after ?? -1, limit };
      const kept = this.documents.historyPages.get(collection, id, asked);
      if (kept !== undefined) return kept;
      const page = this.page(collection, id, { ...asked, limit: this.fitting(collection, id, asked) });
      if (page !== null) this.documents.historyPages.keep(collection, id, asked, page);
      return page;
    });
  }

  async audit(organizationId: string, filter: AuditFilter, after: AuditPoint | null, limit: number): Promise<AuditPage> {
    return reading(() => {
      const sources = auditSources(filter);
      const sized = sources.flatMap(({ projection, id }) => this.rows<SizeRow>(`id, revision, at, ${SIZE}`, organizationId, projection, id, filter, after, limit));
      const fitting = sized.length === 0 ? limit : Math.min(limit, fittingOf(sized.sort(newestFirst).map(({ size }) => size)));
      return auditPage(sources.map(({ projection, id }) => this.newest(organizationId, projection, id, filter, after, fitting + 1)), fitting);
    });
  }

  asOf(instant: string): PastReads {
    return new PastContacts(new SqlitePast(this.database, this.documents, instant));
  }

  /** The newest entries of one kind of documents, or of one of them. */
  private newest(organizationId: string, projection: ProjectionName, id: string | null, filter: AuditFilter, after: AuditPoint | null, limit: number): AuditItem[] {
    const rows = this.rows<AuditRow & { collection: number }>('collection, id, revision, at, head, changes', organizationId, projection, id, filter, after, limit);
    return rows.map(({ collection, head, changes, ...place }) => {
      return { ...place, text: auditText(projection, place.id, head, changes ?? this.firstChanges(collection, place.id)) };
    });
  }

  /** `columns` of the newest entries, by the index of what is asked for. */
  private rows<Result>(columns: string, organizationId: string, projection: ProjectionName, id: string | null, filter: AuditFilter, after: AuditPoint | null, limit: number): Result[] {
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
    const sql = `SELECT ${columns} FROM history ${id === null ? `INDEXED BY ${index}` : ''}
      WHERE collection = ? ${asked.map(([condition]) => `AND ${condition}`).join(' ')} ${beyond}
      ORDER BY at DESC, id DESC, revision DESC LIMIT ?`;
    const point = after === null ? [] : [after.at, after.id, after.revision];
    return this.database.all<Result>(sql, collection, ...asked.map(([, value]) => value), ...point, limit);
  }

  /** How many entries a page holds: as many as are asked for, unless they are large. */
  private fitting(collection: number, id: string, { after, limit }: PageAsked): number {
    const sizes = `SELECT ${SIZE} FROM history WHERE collection = ? AND id = ? AND revision > ? ORDER BY revision LIMIT ?`;
    const bytes = this.database.get<{ bytes: number }>(`SELECT total(size) AS bytes FROM (${sizes})`, collection, id, after, limit)?.bytes ?? 0;
    if (bytes < PAGE_BYTES) return limit;
    return fittingOf(this.database.all<{ size: number }>(sizes, collection, id, after, limit).map(({ size }) => size));
  }

  private page(collection: number, id: string, { after, limit }: PageAsked): HistoryPage | null {
    const { content, last, count } = this.entries(collection, id, after, limit);
    if (last === null && !this.exists(collection, id, -1)) return null;
    const next = last !== null && count === limit && this.exists(collection, id, last) ? last : null;
    return { content: this.completed(content ?? Buffer.alloc(0), collection, id), next };
  }

  /** SQLite puts the page together: hundreds of rows become one value, and its bytes are those of the answer. */
  private entries(collection: number, id: string, after: number, limit: number) {
    const sql = `SELECT CAST(group_concat(head || ',"changes":' || coalesce(changes, char(${FIRST_VERSION})) || '}') AS BLOB) AS content,
      max(revision) AS last, count(*) AS count
      FROM (SELECT revision, head, changes FROM history WHERE collection = ? AND id = ? AND revision > ? ORDER BY revision LIMIT ?)`;
    return this.database.get(sql, collection, id, after, limit) as { content: Buffer | null; last: number | null; count: number };
  }

  /** A page with the changes of the first version, where it tells of them. */
  private completed(content: Buffer, collection: number, id: string): Buffer {
    const at = content.indexOf(FIRST_VERSION);
    if (at === -1) return content;
    return Buffer.concat([content.subarray(0, at), Buffer.from(this.firstChanges(collection, id)), content.subarray(at + 1)]);
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
