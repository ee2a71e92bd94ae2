// The contacts as they stood at one instant, in SQLite: the documents that have not changed since,
// and the versions that ended after it. Gone through a few thousand rows at a time, documents
// first: what changes meanwhile is then met again as a version.

import { setImmediate as turn } from 'node:timers/promises';
import type { Entity } from '../../domain/entity.js';
import type { ProjectionName, Versioned } from '../../ports/projection.js';
import type { SortField } from '../../ports/readStore.js';
import type { PastFilter, PastSource, Standing } from '../pastContacts.js';
import { reading, type Database, type SqlValue } from './database.js';
import { rowidsOf, type SqliteDocuments } from './documents.js';
import { rowConditions, sortColumns } from './listing.js';
import type { Sql } from './search.js';

/** How many rows are gone through at a time. */
const AT_A_TIME = 2_000;

/** Greater than every time: that a version ended at an instant means that it did not stand at it. */
const AFTER_ALL = '~';

interface StandingRow {
  id: string;
  value: string;
  manager_id: string | null;
}

/** Where the walk through versions stands, in the order of their index. */
type VersionPoint = [until: string, updatedAt: string, rowid: number];

export class SqlitePast implements PastSource {
  constructor(
    private readonly database: Database,
    private readonly documents: SqliteDocuments,
    private readonly instant: string,
  ) {}

  async *standing(organizationId: string, filter: PastFilter, orderBy: SortField): AsyncIterable<Standing[]> {
    const conditions = rowConditions(filter, filter.group);
    const select = `SELECT d.id, d.${sortColumns[orderBy].column} AS value, d.manager_id`;
    yield* this.inSteps<number>(organizationId, 0, (collection, after) => this.documentsAfter(collection, after, select, conditions));
    const begin: VersionPoint = [this.instant, AFTER_ALL, 0];
    yield* this.inSteps(organizationId, begin, (collection, after) => this.versionsAfter(collection, after, select, conditions));
  }

  async load(organizationId: string, ids: readonly string[]): Promise<(Versioned | null)[]> {
    return reading(() => ids.map((id) => this.versionOf('contacts', organizationId, id)));
  }

  async stood(organizationId: string, ids: readonly string[]): Promise<Set<string>> {
    return reading(() => new Set(ids.filter((id) => this.rowOf('contacts', organizationId, id) !== undefined)));
  }

  async companyStood(organizationId: string, companyId: string): Promise<boolean> {
    return reading(() => this.rowOf('companies', organizationId, companyId) !== undefined);
  }

  /** Goes from point to point until there is none; begins again when another generation takes the place of the one it is in. */
  private async *inSteps<Point>(organizationId: string, begin: Point, step: (collection: number, after: Point) => { rows: StandingRow[]; next: Point | null }) {
    let collection: number | null = null;
    for (let after: Point | null = begin; after !== null; ) {
      const live: number | null = await reading(() => this.documents.liveCollection('contacts', organizationId));
      if (live === null) return;
      const from: Point = live === collection || collection === null ? after : begin;
      collection = live;
      const { rows, next } = await reading(() => step(live, from));
      yield rows.map(({ id, value, manager_id }): Standing => ({ id, value, managerId: manager_id }));
      after = next;
      await turn();
    }
  }

  private documentsAfter(collection: number, after: number, select: string, { text, values }: Sql) {
    const range = rowidsOf(collection);
    const from = Math.max(after, range.first - 1);
    const sql = 'SELECT max(rowid) AS last FROM (SELECT rowid FROM documents WHERE rowid > ? AND rowid <= ? ORDER BY rowid LIMIT ?)';
    const last = this.database.get<{ last: number | null }>(sql, from, range.last, AT_A_TIME)?.last ?? null;
    if (last === null) return { rows: [], next: null };
    const rows = this.database.all<StandingRow>(
      `${select} FROM documents d WHERE d.rowid > ? AND d.rowid <= ? AND d.updated_at <= ? AND ${text}`,
      from,
      last,
      this.instant,
      ...values,
    );
    return { rows, next: last };
  }

  private versionsAfter(collection: number, after: VersionPoint, select: string, { text, values }: Sql) {
    const beyond = 'collection = ? AND (until, updated_at, rowid) > (?, ?, ?)';
    const sql = `SELECT until, updated_at, rowid FROM versions INDEXED BY versions_by_end
      WHERE ${beyond} ORDER BY until, updated_at, rowid LIMIT 1 OFFSET ?`;
    const end = this.database.get<{ until: string; updated_at: string; rowid: number }>(sql, collection, ...after, AT_A_TIME - 1);
    const bound: VersionPoint | null = end === undefined ? null : [end.until, end.updated_at, end.rowid];
    const rows = this.database.all<StandingRow>(
      `${select} FROM versions d INDEXED BY versions_by_end WHERE ${beyond}
        ${bound === null ? '' : 'AND (until, updated_at, rowid) <= (?, ?, ?)'} AND d.updated_at <= ? AND ${text}`,
      collection,
      ...after,
      ...((bound ?? []) as SqlValue[]),
      this.instant,
      ...values,
    );
    return { rows, next: bound };
  }

  private versionOf(projection: ProjectionName, organizationId: string, id: string): Versioned | null {
    const row = this.rowOf(projection, organizationId, id);
    return row === undefined ? null : { revision: row.revision, document: JSON.parse(row.body) as Entity };
  }

  private rowOf(projection: ProjectionName, organizationId: string, id: string) {
    const collection = this.documents.liveCollection(projection, organizationId);
    if (collection === null) return undefined;
    const newest = 'SELECT revision, body FROM documents WHERE collection = ? AND id = ? AND updated_at <= ?';
    const found = this.database.get<{ revision: number; body: string }>(newest, collection, id, this.instant);
    if (found !== undefined) return found;
    const older = `SELECT revision, body, updated_at FROM versions
      WHERE collection = ? AND id = ? AND until > ? ORDER BY until, revision LIMIT 1`;
    const version = this.database.get<{ revision: number; body: string; updated_at: string }>(older, collection, id, this.instant);
    return version !== undefined && version.updated_at <= this.instant ? version : undefined;
  }
}
