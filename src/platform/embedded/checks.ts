// What is kept beside the documents, held against them and against what a replay tells.

import { setImmediate as turn } from 'node:timers/promises';
import { UnavailableError } from '../../ports/errors.js';
import { decodeOrganization } from '../../domain/streams.js';
import type { Change, ProjectionName } from '../../ports/projection.js';
import type { Damage, ProjectionChecks, Stray } from '../../ports/projectionChecks.js';
import type { StoredDocument } from '../../ports/readStore.js';
import { reading, type Database, type SqlValue } from './database.js';
import { ROW_COLUMNS, rowValues } from './documentRows.js';
import { COLLECTIONS, type CollectionRow } from './documentWalk.js';
import type { SqliteDocuments } from './documents.js';
import { historyTells, isHistoryPast } from './historyRows.js';
import { answerOf, startThread } from './threads.js';

/** How many rows are gone through at a time. */
const AT_A_TIME = 2_000;
/** Columns that a replay is not compared with by way of the document's keys. */
const COLUMNS = ['status', 'created_at', 'updated_at', 'parent_id', 'primary_id'] as const;

type KeptRow = Record<(typeof COLUMNS)[number], SqlValue> & { revision: number };

export class SqliteProjectionChecks implements ProjectionChecks {
  constructor(
    private readonly database: Database,
    private readonly documents: SqliteDocuments,
    private readonly files: readonly string[],
  ) {}

  async foundOtherwise(projection: ProjectionName, generation: number, documents: readonly StoredDocument[]): Promise<string[][]> {
    return reading(() => documents.map((document) => this.otherwise(projection, generation, document)));
  }

  async tells(projection: ProjectionName, generation: number, change: Change): Promise<boolean> {
    return reading(() => {
      const collection = this.documents.collectionOf(projection, generation, change.organizationId);
      return collection === null ? change.history.length === 0 : historyTells(this.database, collection, change);
    });
  }

  async *strays(projection: ProjectionName, generation: number): AsyncIterable<Stray[]> {
    for (const { number, organization } of await reading(() => this.database.all<CollectionRow>(COLLECTIONS, projection, generation))) {
      const organizationId = decodeOrganization(organization);
      yield await reading(() => this.miscounts(number).map((part): Stray => ({ organizationId, id: null, part })));
      for (const table of ['history', 'versions']) {
        for await (const ids of this.lostIds(table, number)) yield ids.map((id): Stray => ({ organizationId, id, part: table }));
      }
    }
  }

  async damage(): Promise<Damage> {
    const found = await Promise.all(this.files.map((file) => answerOf<Damage>(startThread(new URL('./fileCheckThread.js', import.meta.url), file)))).catch((cause: unknown) => {
      throw new UnavailableError('the files of the embedded store could not be checked', { cause });
    });
    return { lines: found.flatMap(({ lines }) => lines), documents: found.flatMap(({ documents }) => documents) };
  }

  private otherwise(projection: ProjectionName, generation: number, { organizationId, id, revision, document, keys }: StoredDocument): string[] {
    const collection = this.documents.collectionOf(projection, generation, organizationId);
    if (collection === null) return [];
    const sql = `SELECT revision, ${COLUMNS.join(', ')} FROM documents WHERE collection = ? AND id = ?`;
    const row = this.database.get<KeptRow>(sql, collection, id);
    const parts = isHistoryPast(this.database, collection, id, revision) ? ['history'] : [];
    if (document === null || keys === null) return row === undefined ? parts : [];
    if (row?.revision !== revision) return [];
    const values = rowValues(document, keys);
    const columns = COLUMNS.filter((column) => row[column] !== values[ROW_COLUMNS.indexOf(column)]);
    return [...columns.map((column) => `index.${column}`), ...parts];
  }

  /** Which counts are not what there is. */
  private miscounts(collection: number): string[] {
    const others = this.database.all<{ status: string; count: number }>(
      `SELECT status, count(*) AS count FROM documents INDEXED BY documents_by_status WHERE collection = ? AND status <> 'active' GROUP BY status`,
      collection,
    );
    const all = this.database.get<{ count: number }>('SELECT count(*) AS count FROM documents INDEXED BY documents_by_id WHERE collection = ?', collection)?.count ?? 0;
    const actual = new Map(others.map(({ status, count }) => [status, count]));
    actual.set('active', others.reduce((left, { count }) => left - count, all));
    const kept = this.database.all<{ status: string; count: number }>('SELECT status, count FROM collection_counts WHERE collection = ?', collection);
    const counts = new Map(kept.map(({ status, count }) => [status, count]));
    const statuses = new Set([...actual.keys(), ...counts.keys()]);
    return [...statuses].filter((status) => (actual.get(status) ?? 0) !== (counts.get(status) ?? 0)).map((status) => `counts.${status}`);
  }

  /** The ids in a table of the history that no document and no tombstone has. */
  private async *lostIds(table: string, collection: number): AsyncIterable<string[]> {
    const bound = `SELECT max(id) AS bound FROM (SELECT id FROM ${table} WHERE collection = ? AND id > ? ORDER BY id LIMIT ?)`;
    const lost = `SELECT DISTINCT h.id FROM ${table} h WHERE h.collection = ?1 AND h.id > ?2 AND h.id <= ?3
      AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.collection = ?1 AND d.id = h.id)
      AND NOT EXISTS (SELECT 1 FROM tombstones t WHERE t.collection = ?1 AND t.id = h.id)`;
    for (let after = ''; ; ) {
      const step = await reading(() => {
        const end = this.database.get<{ bound: string | null }>(bound, collection, after, AT_A_TIME)?.bound ?? null;
        return end === null ? null : { end, ids: this.database.all<{ id: string }>(lost, collection, after, end).map(({ id }) => id) };
      });
      if (step === null) return;
      yield step.ids;
      after = step.end;
      await turn();
    }
  }
}
