// The documents of the read models: how a change becomes rows of every index.

import type { Entity } from '../../domain/entity.js';
import { groupBy } from '../../domain/groupBy.js';
import { encodeOrganization } from '../../domain/streams.js';
import type { Change, DocumentSubject, ProjectionName, Versioned } from '../../ports/projection.js';
import { CollectionCounts } from './collectionCounts.js';
import type { Database } from './database.js';
import { ROW_COLUMNS, rowValues } from './documentRows.js';
import { COLLECTIONS, type CollectionRow } from './documentWalk.js';
import type { Participant } from './groupCommit.js';
import type { SqliteGenerations } from './generations.js';
import { dropHistory, insertHistory, insertHistoryRow } from './historyRows.js';
import { documentRow, newDocument, type DocumentRow, type NewDocument } from './newDocuments.js';
import { PageCache } from './pageCache.js';
import { ShownCache } from './shownCache.js';
import { indexTexts, shortGrams, unindexText } from './search.js';

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

interface LoadedRow {
  place: number;
  revision: number;
  body: string;
}

type Put = Extract<Change, { type: 'put' }>;

interface CurrentRow {
  rowid: number;
  revision: number;
  status: string;
  searchable: string;
}

const INSERT_DOCUMENT = `INSERT INTO documents (rowid, collection, id, revision, ${ROW_COLUMNS.join(', ')})
  VALUES (?, ?, ?, ?, ${ROW_COLUMNS.map(() => '?').join(', ')}) ON CONFLICT (collection, id) DO NOTHING`;
const UPDATE_DOCUMENT = `UPDATE documents SET revision = ?, ${ROW_COLUMNS.map((column) => `${column} = ?`).join(', ')} WHERE rowid = ?`;

export class SqliteDocuments implements Participant {
  /** Numbers by projection, generation and organization; asked for by every read. */
  private readonly collections = new Map<ProjectionName, Map<number, Map<string, number>>>();
  private readonly nextRowids = new Map<number, number>();
  private readonly tombstoned = new Map<number, boolean>();
  private readonly counts: CollectionCounts;
  readonly shown = new ShownCache();
  readonly historyPages = new PageCache();

  constructor(
    private readonly database: Database,
    private readonly generations: SqliteGenerations,
  ) {
    this.counts = new CollectionCounts(database);
  }

  /** The number of the collection that reads see; null when it has never had a document. */
  liveCollection(projection: ProjectionName, organizationId: string): number | null {
    const live = this.generations.live(projection);
    return live === null ? null : this.collectionOf(projection, live.number, organizationId);
  }

  /** The rowids that a collection has used, up to the last. */
  rowids(collection: number): RowidRange {
    const { first, last } = rowidsOf(collection);
    const sql = 'SELECT max(rowid) AS last FROM documents WHERE rowid BETWEEN ? AND ?';
    return { first, last: this.database.get<{ last: number | null }>(sql, first, last)?.last ?? first };
  }

  /** As `load` for each of `subjects`, in their order, by one statement an organization. */
  loadAll(projection: ProjectionName, generation: number, subjects: readonly DocumentSubject[]): (Versioned | null)[] {
    const found = new Map<DocumentSubject, Versioned>();
    for (const [organizationId, some] of groupBy(subjects, (subject) => subject.organizationId)) {
      const collection = this.collectionOf(projection, generation, organizationId);
      if (collection === null) continue;
      // CROSS JOIN: with what is wanted outermost, or the planner may walk the whole collection.
      const sql = `SELECT wanted.key AS place, d.revision, d.body FROM json_each(?) wanted
        CROSS JOIN documents d ON d.collection = ? AND d.id = wanted.value`;
      const ids = JSON.stringify(some.map(({ id }) => id));
      for (const { place, revision, body } of this.database.all<LoadedRow>(sql, ids, collection)) {
        found.set(some[place] as DocumentSubject, { revision, document: JSON.parse(body) as Entity });
      }
      for (const subject of some) {
        const gone = found.has(subject) ? undefined : this.tombstone(collection, subject.id);
        if (gone !== undefined) found.set(subject, { revision: gone, document: null });
      }
    }
    return subjects.map((subject) => found.get(subject) ?? null);
  }

  /** What stands for `subject` in a generation; null when nothing ever did. */
  load(projection: ProjectionName, generation: number, { organizationId, id }: DocumentSubject): Versioned | null {
    const collection = this.collectionOf(projection, generation, organizationId);
    if (collection === null) return null;
    const sql = 'SELECT revision, body FROM documents WHERE collection = ? AND id = ?';
    const row = this.database.get<{ revision: number; body: string }>(sql, collection, id);
    if (row !== undefined) return { revision: row.revision, document: JSON.parse(row.body) as Entity };
    const gone = this.tombstone(collection, id);
    return gone === undefined ? null : { revision: gone, document: null };
  }

  /** Applies changes to the documents that stand at their `from`; one that stands elsewhere is left alone. */
  apply(projection: ProjectionName, generation: number, changes: readonly Change[]): void {
    let added: NewDocument[] = [];
    for (const change of changes) {
      // By far the most often it is a new document.
      const document = newDocument(change);
      if (document !== null) {
        added.push(document);
        continue;
      }
      this.add(projection, generation, added);
      added = [];
      const collection = this.collectionFor(projection, generation, change.organizationId);
      if (this.applyOne(collection, change)) insertHistory(this.database, collection, change.id, change.history);
    }
    this.add(projection, generation, added);
  }

  /**
   * Adds new documents; one that something stands for is left alone, as the unique index tells. Index
   * by index, not document by document: a processor has one's pages and code at hand then, which takes
   * a sixth less.
   */
  add(projection: ProjectionName, generation: number, documents: readonly NewDocument[]): void {
    const added: (NewDocument & { collection: number; rowid: number })[] = [];
    for (const document of documents) {
      const collection = this.collectionFor(projection, generation, document.organizationId);
      const rowid = this.tombstone(collection, document.id) === undefined ? this.insertRow(collection, document) : null;
      if (rowid !== null) added.push({ ...document, collection, rowid });
    }
    indexTexts(this.database, added);
    for (const { collection, id, history } of added) {
      for (const row of history) insertHistoryRow(this.database, collection, id, row);
    }
    this.counts.save();
  }

  /** Returns whether the document stood where the change begins. */
  private applyOne(collection: number, change: Change): boolean {
    const { id } = change;
    const sql = 'SELECT rowid, revision, status, searchable FROM documents WHERE collection = ? AND id = ?';
    const current = this.database.get<CurrentRow>(sql, collection, id);
    const tombstone = current === undefined ? this.tombstone(collection, id) : undefined;
    if ((current?.revision ?? tombstone ?? -1) !== change.from) return false;
    this.historyPages.forget(collection, id);
    if (change.type === 'remove') this.remove(collection, change, current);
    else if (current !== undefined) this.update(collection, change, current);
    else {
      this.insert(collection, documentRow(change));
      if (tombstone !== undefined) this.database.run('DELETE FROM tombstones WHERE collection = ? AND id = ?', collection, id);
    }
    return true;
  }

  /** Drops up to `limit` rows of a generation that is no longer in use; returns whether there was anything to drop. */
  dropSome(projection: ProjectionName, generation: number, limit: number): boolean {
    const collection = this.database.get<CollectionRow>(`${COLLECTIONS} LIMIT 1`, projection, generation);
    if (collection === undefined) return false;
    const { number } = collection;
    if (this.dropDocuments(number, limit) || this.dropTombstones(number, limit) || dropHistory(this.database, number, limit)) return true;
    this.database.run('DELETE FROM collection_counts WHERE collection = ?', number);
    this.database.run('DELETE FROM collections WHERE number = ?', number);
    this.database.run('INSERT INTO spare_collections (number) VALUES (?)', number);
    this.forgetShown();
    this.collections.get(projection)?.delete(generation);
    this.nextRowids.delete(number);
    this.tombstoned.delete(number);
    return true;
  }

  failed(): void {
    this.forgetShown();
    this.counts.forget();
    this.collections.clear();
    this.nextRowids.clear();
    this.tombstoned.clear();
  }

  private forgetShown(): void {
    this.shown.forgetAll();
    this.historyPages.forgetAll();
  }

  /** The number of a generation's collection of an organization; null when it has none. */
  collectionOf(projection: ProjectionName, generation: number, organizationId: string): number | null {
    const known = this.collections.get(projection)?.get(generation)?.get(organizationId);
    if (known !== undefined) return known;
    const sql = 'SELECT number FROM collections WHERE projection = ? AND generation = ? AND organization = ?';
    const number = this.database.get<{ number: number }>(sql, projection, generation, encodeOrganization(organizationId))?.number;
    if (number === undefined) return null;
    const generations = this.collections.get(projection) ?? new Map<number, Map<string, number>>();
    this.collections.set(projection, generations);
    generations.set(generation, (generations.get(generation) ?? new Map<string, number>()).set(organizationId, number));
    return number;
  }

  private collectionFor(projection: ProjectionName, generation: number, organizationId: string): number {
    return this.collectionOf(projection, generation, organizationId) ?? this.addCollection(projection, generation, organizationId);
  }

  private addCollection(projection: ProjectionName, generation: number, organizationId: string): number {
    const spare = this.database.get<{ number: number }>('SELECT number FROM spare_collections LIMIT 1')?.number ?? null;
    if (spare !== null) this.database.run('DELETE FROM spare_collections WHERE number = ?', spare);
    const sql = 'INSERT INTO collections (number, projection, generation, organization) VALUES (?, ?, ?, ?)';
    this.database.run(sql, spare, projection, generation, encodeOrganization(organizationId));
    return this.collectionOf(projection, generation, organizationId) as number;
  }

  private dropDocuments(collection: number, limit: number): boolean {
    const { first, last } = rowidsOf(collection);
    const sql = `SELECT max(rowid) AS last FROM (SELECT rowid FROM documents WHERE rowid BETWEEN ? AND ? ORDER BY rowid LIMIT ?)`;
    const end = this.database.get<{ last: number | null }>(sql, first, last, limit)?.last ?? null;
    if (end === null) return false;
    for (const table of ['search_trigrams', 'search_grams', 'documents']) {
      this.database.run(`DELETE FROM ${table} WHERE rowid BETWEEN ? AND ?`, first, end);
    }
    return true;
  }

  private dropTombstones(collection: number, limit: number): boolean {
    const sql = 'DELETE FROM tombstones WHERE collection = ?1 AND id IN (SELECT id FROM tombstones WHERE collection = ?1 LIMIT ?2)';
    return this.database.run(sql, collection, limit) > 0;
  }

  /** Leaves one alone that is there. */
  private insert(collection: number, row: DocumentRow): void {
    const rowid = this.insertRow(collection, row);
    if (rowid !== null) indexTexts(this.database, [{ ...row, rowid }]);
  }

  /** `insert` but for the full-text indexes: the rowid; null when there was one. */
  private insertRow(collection: number, { id, revision, status, values }: DocumentRow): number | null {
    const rowid = this.nextRowid(collection);
    if (this.database.run(INSERT_DOCUMENT, rowid, collection, id, revision, ...values) === 0) return null;
    this.counts.add(collection, status, 1);
    return rowid;
  }

  private update(collection: number, { id, to, document, keys }: Put, current: CurrentRow): void {
    this.shown.forget(collection, id);
    this.database.run(UPDATE_DOCUMENT, to, ...rowValues(document, keys), current.rowid);
    if (current.searchable !== keys.searchable) {
      unindexText(this.database, current.rowid);
      indexTexts(this.database, [{ rowid: current.rowid, searchable: keys.searchable, grams: shortGrams(keys.searchable) }]);
    }
    if (current.status !== document.status) {
      this.counts.add(collection, current.status, -1);
      this.counts.add(collection, document.status, 1);
    }
  }

  private remove(collection: number, { id, to }: Change, current: CurrentRow | undefined): void {
    this.shown.forgetAll();
    const sql = 'INSERT OR REPLACE INTO tombstones (collection, id, revision) VALUES (?, ?, ?)';
    this.database.run(sql, collection, id, to);
    this.tombstoned.set(collection, true);
    if (current === undefined) return;
    this.database.run('DELETE FROM documents WHERE rowid = ?', current.rowid);
    unindexText(this.database, current.rowid);
    this.counts.add(collection, current.status, -1);
  }

  private tombstone(collection: number, id: string): number | undefined {
    if (!this.hasTombstones(collection)) return undefined;
    const sql = 'SELECT revision FROM tombstones WHERE collection = ? AND id = ?';
    return this.database.get<{ revision: number }>(sql, collection, id)?.revision;
  }

  /** Whether there may be a tombstone in a collection: most have none, and are asked for them with each new document. */
  private hasTombstones(collection: number): boolean {
    const known = this.tombstoned.get(collection);
    if (known !== undefined) return known;
    const has = this.database.get('SELECT 1 AS one FROM tombstones WHERE collection = ? LIMIT 1', collection) !== undefined;
    this.tombstoned.set(collection, has);
    return has;
  }

  private nextRowid(collection: number): number {
    const next = this.nextRowids.get(collection) ?? this.rowids(collection).last + 1;
    this.nextRowids.set(collection, next + 1);
    return next;
  }
}
