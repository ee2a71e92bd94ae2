// The documents of the read models: how a change becomes rows of every index.

import type { Entity } from '../../domain/entity.js';
import { encodeOrganization } from '../../domain/streams.js';
import type { Change, DocumentSubject, ProjectionName, Versioned } from '../../ports/projection.js';
import type { Database } from './database.js';
import type { Participant } from './groupCommit.js';
import { indexText, unindexText } from './search.js';

/** The rowids of one collection. */
export interface RowidRange {
  first: number;
  last: number;
}

const ROWIDS_PER_COLLECTION = 2 ** 32;

/** The rowids that collection `number` may use. */
export function rowidsOf(number: number): RowidRange {
  return { first: number * ROWIDS_PER_COLLECTION, last: (number + 1) * ROWIDS_PER_COLLECTION - 1 };
}

type Put = Extract<Change, { type: 'put' }>;

interface CurrentRow {
  rowid: number;
  revision: number;
  status: string;
  searchable: string;
}

export class SqliteDocuments implements Participant {
  private readonly collections = new Map<string, number>();
  private readonly nextRowids = new Map<number, number>();

  constructor(private readonly database: Database) {}

  /** The number of a collection; null when it has never had a document. */
  collection(projection: ProjectionName, organizationId: string): number | null {
    const key = `${projection}/${encodeOrganization(organizationId)}`;
    const known = this.collections.get(key);
    if (known !== undefined) return known;
    const sql = 'SELECT number FROM collections WHERE projection = ? AND organization = ?';
    const number = this.database.get<{ number: number }>(sql, projection, encodeOrganization(organizationId))?.number;
    if (number === undefined) return null;
    this.collections.set(key, number);
    return number;
  }

  /** What stands for `subject`; null when nothing ever did. */
  load(projection: ProjectionName, { organizationId, id }: DocumentSubject): Versioned | null {
    const collection = this.collection(projection, organizationId);
    if (collection === null) return null;
    const sql = 'SELECT revision, body FROM documents WHERE collection = ? AND id = ?';
    const row = this.database.get<{ revision: number; body: string }>(sql, collection, id);
    if (row !== undefined) return { revision: row.revision, document: JSON.parse(row.body) as Entity };
    const gone = this.database.get<{ revision: number }>(
      'SELECT revision FROM tombstones WHERE collection = ? AND id = ?',
      collection,
      id,
    );
    return gone === undefined ? null : { revision: gone.revision, document: null };
  }

  /** Applies a change to a document that stands at its `from`; one that stands elsewhere is left alone. */
  apply(projection: ProjectionName, change: Change): void {
    const collection = this.collection(projection, change.organizationId) ?? this.addCollection(projection, change);
    const sql = 'SELECT rowid, revision, status, searchable FROM documents WHERE collection = ? AND id = ?';
    const current = this.database.get<CurrentRow>(sql, collection, change.id);
    const revision = current?.revision ?? this.tombstone(collection, change.id) ?? -1;
    if (revision !== change.from) return;
    if (change.type === 'remove') this.remove(collection, change, current);
    else if (current === undefined) this.insert(collection, change);
    else this.update(collection, change, current);
  }

  /** Drops every document of a projection. */
  clear(projection: ProjectionName): void {
    const numbers = this.database.all<{ number: number }>('SELECT number FROM collections WHERE projection = ?', projection);
    for (const { number } of numbers) {
      const { first, last } = rowidsOf(number);
      for (const table of ['search_trigrams', 'search_grams', 'documents']) {
        this.database.run(`DELETE FROM ${table} WHERE rowid BETWEEN ? AND ?`, first, last);
      }
      for (const table of ['tombstones', 'collection_counts']) {
        this.database.run(`DELETE FROM ${table} WHERE collection = ?`, number);
      }
    }
    this.nextRowids.clear();
  }

  failed(): void {
    this.collections.clear();
    this.nextRowids.clear();
  }

  private addCollection(projection: ProjectionName, { organizationId }: DocumentSubject): number {
    const organization = encodeOrganization(organizationId);
    this.database.run('INSERT INTO collections (projection, organization) VALUES (?, ?)', projection, organization);
    return this.collection(projection, organizationId) as number;
  }

  private insert(collection: number, { id, to, document, keys }: Put): void {
    const rowid = this.nextRowid(collection);
    this.database.run(
      `INSERT INTO documents (rowid, collection, id, revision, status, sort_name, created_at, updated_at, parent_id,
         department, contact_method, manager_id, primary_id, searchable, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      rowid,
      collection,
      id,
      to,
      document.status,
      keys.sortName,
      document.createdAt,
      document.updatedAt,
      document.parentEntityId,
      keys.department,
      keys.contactMethod,
      keys.managerId,
      document.primaryContactId,
      keys.searchable,
      JSON.stringify(document),
    );
    indexText(this.database, rowid, keys.searchable);
    this.database.run('DELETE FROM tombstones WHERE collection = ? AND id = ?', collection, id);
    this.count(collection, document.status, 1);
  }

  private update(collection: number, { to, document, keys }: Put, current: CurrentRow): void {
    this.database.run(
      `UPDATE documents SET revision = ?, status = ?, sort_name = ?, created_at = ?, updated_at = ?, parent_id = ?,
         department = ?, contact_method = ?, manager_id = ?, primary_id = ?, searchable = ?, body = ? WHERE rowid = ?`,
      to,
      document.status,
      keys.sortName,
      document.createdAt,
      document.updatedAt,
      document.parentEntityId,
      keys.department,
      keys.contactMethod,
      keys.managerId,
      document.primaryContactId,
      keys.searchable,
      JSON.stringify(document),
      current.rowid,
    );
    if (current.searchable !== keys.searchable) {
      unindexText(this.database, current.rowid);
      indexText(this.database, current.rowid, keys.searchable);
    }
    if (current.status !== document.status) {
      this.count(collection, current.status, -1);
      this.count(collection, document.status, 1);
    }
  }

  private remove(collection: number, { id, to }: Change, current: CurrentRow | undefined): void {
    const sql = 'INSERT OR REPLACE INTO tombstones (collection, id, revision) VALUES (?, ?, ?)';
    this.database.run(sql, collection, id, to);
    if (current === undefined) return;
    this.database.run('DELETE FROM documents WHERE rowid = ?', current.rowid);
    unindexText(this.database, current.rowid);
    this.count(collection, current.status, -1);
  }

  private tombstone(collection: number, id: string): number | undefined {
    const sql = 'SELECT revision FROM tombstones WHERE collection = ? AND id = ?';
    return this.database.get<{ revision: number }>(sql, collection, id)?.revision;
  }

  private count(collection: number, status: string, by: number): void {
    this.database.run(
      `INSERT INTO collection_counts (collection, status, count) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET count = count + excluded.count`,
      collection,
      status,
      by,
    );
  }

  private nextRowid(collection: number): number {
    const { first, last } = rowidsOf(collection);
    const sql = 'SELECT max(rowid) AS last FROM documents WHERE rowid BETWEEN ? AND ?';
    const next = this.nextRowids.get(collection) ?? (this.database.get<{ last: number | null }>(sql, first, last)?.last ?? first) + 1;
    this.nextRowids.set(collection, next + 1);
    return next;
  }
}
