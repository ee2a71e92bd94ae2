// The contacts as they stood at one instant, in SQLite: the documents that have not changed since,
// and the versions that ended after it. Gone through a few hundred rows at a time, documents
// first: what changes meanwhile is then met again as a version.

import type { Entity } from '../../domain/entity.js';
import type { ProjectionName, Versioned } from '../../ports/projection.js';
import type { SortField } from '../../ports/readStore.js';
import { turn } from '../../ports/turns.js';
import { everything, type Line, type PastFilter, type PastSource, type Standing } from '../pastContacts.js';
import { reading, type Database, type SqlValue } from './database.js';
import type { SqliteDocuments } from './documents.js';
import { rowConditions, sortColumns } from './listing.js';
import type { Sql } from './search.js';

/** How many rows are gone through at a time: some ten milliseconds, or fifty of contacts as large as there are. */
const AT_A_TIME = 500;

/** Greater than every time: that a version ended at an instant means that it did not stand at it. */
const AFTER_ALL = '~';

interface StandingRow {
  id: string;
  value: string;
  manager_id: string | null;
}

interface LineRow extends StandingRow {
  /** JSON; null for one that reports to nobody. */
  shown: string | null;
}

interface FoundRow {
  place: number;
  revision: number;
  body: string;
}

// CROSS JOIN: with what is wanted outermost, or the planner may walk the whole collection.
const UNCHANGED = `SELECT wanted.key AS place, d.revision, d.body FROM json_each(?) wanted
  CROSS JOIN documents d ON d.collection = ? AND d.id = wanted.value WHERE d.updated_at <= ?`;
/** Of each, the first version that ended after the instant: it stood then unless it began after it, too. */
const ENDED_SINCE = `SELECT wanted.key AS place, v.revision, v.body FROM json_each(?1) wanted
  CROSS JOIN versions v ON v.rowid = (SELECT rowid FROM versions
    WHERE collection = ?2 AND id = wanted.value AND until > ?3 ORDER BY until, revision LIMIT 1) WHERE v.updated_at <= ?3`;

/** Where the walk through versions stands, in the order of their index. */
type VersionPoint = [until: string, updatedAt: string, rowid: number];

export class SqlitePast implements PastSource {
  constructor(
    private readonly database: Database,
    private readonly documents: SqliteDocuments,
    private readonly instant: string,
  ) {}

  async *standing(organizationId: string, filter: PastFilter, orderBy: SortField): AsyncIterable<Standing[]> {
    const select = `SELECT d.id, d.${sortColumns[orderBy].column} AS value, d.manager_id`;
    const rows = this.rows<StandingRow>(organizationId, select, rowConditions(filter, filter.group));
    for await (const some of rows) yield some.map(({ id, value, manager_id }) => ({ id, value, managerId: manager_id }));
  }

  async *lines(organizationId: string): AsyncIterable<Line[]> {
    // One list, not a column each: SQLite would make one value of it only to take it apart again.
    const shown = "json_extract(d.body, '$.name', '$.displayName', '$.metadata.title', '$.metadata.department')";
    const select = `SELECT d.id, d.sort_name AS value, d.manager_id, CASE WHEN d.manager_id IS NOT NULL THEN ${shown} END AS shown`;
    for await (const some of this.rows<LineRow>(organizationId, select, rowConditions(everything, null))) yield some.map(lineOf);
  }

  async load(organizationId: string, ids: readonly string[]): Promise<(Versioned | null)[]> {
    const found = await this.found('contacts', organizationId, ids);
    return ids.map((_, place) => {
      const row = found.get(place);
      return row === undefined ? null : { revision: row.revision, document: JSON.parse(row.body) as Entity };
    });
  }

  async stood(organizationId: string, ids: readonly string[]): Promise<Set<string>> {
    const found = await this.found('contacts', organizationId, ids);
    return new Set(ids.filter((_, place) => found.has(place)));
  }

  async companyStood(organizationId: string, companyId: string): Promise<boolean> {
    return (await this.found('companies', organizationId, [companyId])).size > 0;
  }

  /** Rows of what stood and meets the conditions: documents, then versions. */
  private async *rows<Row>(organizationId: string, select: string, conditions: Sql): AsyncIterable<Row[]> {
    yield* this.inSteps<number, Row>(organizationId, 0, (collection, after) => this.documentsAfter(collection, after, select, conditions));
    const begin: VersionPoint = [this.instant, AFTER_ALL, 0];
    yield* this.inSteps<VersionPoint, Row>(organizationId, begin, (collection, after) => this.versionsAfter(collection, after, select, conditions));
  }

  /** Goes from point to point until there is none; begins again when another generation takes the place of the one it is in. */
  private async *inSteps<Point, Row>(organizationId: string, begin: Point, step: (collection: number, after: Point) => { rows: Row[]; next: Point | null }) {
    let collection: number | null = null;
    for (let after: Point | null = begin; after !== null; ) {
      // Before the first, too: many who ask at the same time would all make it at once.
      await turn();
      const live: number | null = await reading(() => this.documents.liveCollection('contacts', organizationId));
      if (live === null) return;
      const from: Point = live === collection || collection === null ? after : begin;
      collection = live;
      const { rows, next } = await reading(() => step(live, from));
      yield rows;
      after = next;
    }
  }

  private documentsAfter<Row>(collection: number, after: number, select: string, { text, values }: Sql) {
    const { first, last } = this.documents.rowids(collection);
    const from = Math.max(after, first - 1);
    if (from >= last) return { rows: [], next: null };
    const next = from + AT_A_TIME;
    const rows = this.database.all<Row>(
      `${select} FROM documents d WHERE d.rowid > ? AND d.rowid <= ? AND d.updated_at <= ? AND ${text}`,
      from,
      Math.min(next, last),
      this.instant,
      ...values,
    );
    return { rows, next };
  }

  private versionsAfter<Row>(collection: number, after: VersionPoint, select: string, { text, values }: Sql) {
    const beyond = 'collection = ? AND (until, updated_at, rowid) > (?, ?, ?)';
    const sql = `SELECT until, updated_at, rowid FROM versions INDEXED BY versions_by_end
      WHERE ${beyond} ORDER BY until, updated_at, rowid LIMIT 1 OFFSET ?`;
    const end = this.database.get<{ until: string; updated_at: string; rowid: number }>(sql, collection, ...after, AT_A_TIME - 1);
    const bound: VersionPoint | null = end === undefined ? null : [end.until, end.updated_at, end.rowid];
    const rows = this.database.all<Row>(
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

  /** What stood of `ids`, by their places in it: one statement for all that have not changed since, and one for the others. */
  private found(projection: ProjectionName, organizationId: string, ids: readonly string[]): Promise<Map<number, FoundRow>> {
    return reading(() => {
      const collection = this.documents.liveCollection(projection, organizationId);
      if (collection === null || ids.length === 0) return new Map();
      const unchanged = this.database.all<FoundRow>(UNCHANGED, JSON.stringify(ids), collection, this.instant);
      const found = new Map(unchanged.map((row) => [row.place, row]));
      if (found.size === ids.length) return found;
      // What is found already is left out, the others keep their places.
      const others = ids.map((id, place) => (found.has(place) ? null : id));
      for (const row of this.database.all<FoundRow>(ENDED_SINCE, JSON.stringify(others), collection, this.instant)) found.set(row.place, row);
      return found;
    });
  }
}

function lineOf({ id, value, manager_id: managerId, shown }: LineRow): Line {
  return {
    id,
    value,
    managerId,
    shown: () => {
      const [name, displayName, title, department] = JSON.parse(shown ?? '[]') as [string, string | null, string | null, string | null];
      return { id, name, displayName, metadata: { title, department, reportsTo: managerId } };
    },
  };
}
