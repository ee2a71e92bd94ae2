// The read models in SQLite: the named queries.

import type { Company } from '../../domain/company.js';
import type { Contact } from '../../domain/contact.js';
import type { Entity, Status } from '../../domain/entity.js';
import type { ProjectionName } from '../../ports/projection.js';
import type {
  ContactGroup,
  GroupQuery,
  GroupStretch,
  ListPage,
  ListQuery,
  ReadStore,
  Shown,
  SortField,
  SortPoint,
} from '../../ports/readStore.js';
import { reading, type Database } from './database.js';
import type { SqliteDocuments } from './documents.js';
import { countGroup, countMatching, groupRowids, listRowids } from './listing.js';

/** How many reporting lines are read at a time: few, as each contact may be as large as there are; each batch is of one moment. */
const LINES_BATCH = 50;

interface ShownRow {
  revision: number;
  body: string;
  dangling: number;
}

interface LineRow {
  manager_id: string;
  sort_name: string;
  id: string;
  body: string;
}

/** Whether what row d refers to is missing from the collection of contacts (?). */
const DANGLING = `(
  (d.manager_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM documents m WHERE m.collection = ?1 AND m.id = d.manager_id))
  OR (d.primary_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM documents p WHERE p.collection = ?1 AND p.id = d.primary_id))
) AS dangling`;

export class SqliteReadStore implements ReadStore {
  constructor(
    private readonly database: Database,
    private readonly documents: SqliteDocuments,
  ) {}

  getContact(organizationId: string, id: string): Promise<Shown<Contact> | null> {
    return reading(() => this.getNow('contacts', organizationId, id));
  }

  getCompany(organizationId: string, id: string): Promise<Shown<Company> | null> {
    return reading(() => this.getNow('companies', organizationId, id));
  }

  async listContacts(organizationId: string, query: ListQuery): Promise<ListPage<Contact>> {
    return reading(() => this.listNow('contacts', organizationId, query));
  }

  async listCompanies(organizationId: string, query: ListQuery): Promise<ListPage<Company>> {
    return reading(() => this.listNow('companies', organizationId, query));
  }

  async listGroup(organizationId: string, query: GroupQuery): Promise<GroupStretch> {
    return reading(() => {
      const collection = this.documents.liveCollection('contacts', organizationId);
      if (collection === null) return { items: [], next: null };
      return this.pageOf(organizationId, groupRowids(this.database, collection, query), query.limit, 'name');
    });
  }

  async countGroup(organizationId: string, group: ContactGroup, statuses: readonly Status[] | null): Promise<number> {
    return reading(() => {
      const collection = this.documents.liveCollection('contacts', organizationId);
      return collection === null ? 0 : countGroup(this.database, collection, group, statuses);
    });
  }

  async *reportingLines(organizationId: string): AsyncIterable<Contact[]> {
    let after: [string, string, string] = ['', '', ''];
    for (;;) {
      const rows: LineRow[] = await reading(() => this.linesAfter(organizationId, after));
      if (rows.length > 0) yield rows.map((row) => JSON.parse(row.body) as Contact);
      const last = rows.at(-1);
      if (last === undefined || rows.length < LINES_BATCH) return;
      after = [last.manager_id, last.sort_name, last.id];
    }
  }

  async isCompanyKnown(organizationId: string, companyId: string): Promise<boolean> {
    return reading(() => {
      if (this.getNow('companies', organizationId, companyId) !== null) return true;
      const collection = this.documents.liveCollection('contacts', organizationId);
      const sql = 'SELECT 1 AS one FROM documents WHERE collection = ? AND parent_id = ? LIMIT 1';
      return collection !== null && this.database.get(sql, collection, companyId) !== undefined;
    });
  }

  async reportsOf(organizationId: string, managerId: string, limit: number): Promise<string[]> {
    const sql = 'SELECT id FROM documents WHERE collection = ? AND manager_id = ? LIMIT ?';
    return this.ids('contacts', organizationId, sql, managerId, limit);
  }

  async companiesWithPrimary(organizationId: string, contactId: string): Promise<string[]> {
    const sql = 'SELECT id FROM documents WHERE collection = ? AND primary_id = ?';
    return this.ids('companies', organizationId, sql, contactId);
  }

  private getNow(projection: ProjectionName, organizationId: string, id: string): Shown<Entity> | null {
    const collection = this.documents.liveCollection(projection, organizationId);
    if (collection === null) return null;
    const kept = this.documents.shown.get(collection, id);
    if (kept !== undefined) return kept;
    const sql = `SELECT d.revision, d.body, ${DANGLING} FROM documents d WHERE d.collection = ?2 AND d.id = ?3`;
    const row = this.database.get<ShownRow>(sql, this.contactsOf(organizationId), collection, id);
    if (row === undefined) return null;
    const shown = toShown(row);
    if (!shown.dangling) this.documents.shown.keep(collection, id, shown);
    return shown;
  }

  private listNow(projection: ProjectionName, organizationId: string, query: ListQuery): ListPage<Entity> {
    const collection = this.documents.liveCollection(projection, organizationId);
    if (collection === null) return { items: [], total: 0, next: null };
    const total = countMatching(this.database, collection, query.filter);
    const rowids = listRowids(this.database, collection, query, total);
    return { ...this.pageOf(organizationId, rowids, query.limit, query.orderBy), total };
  }

  /** The documents of a page and where the next one begins; `rowids` is one longer when there is one. */
  private pageOf(organizationId: string, rowids: number[], limit: number, orderBy: SortField): GroupStretch {
    const sql = `SELECT d.revision, d.body, d.sort_name, ${DANGLING} FROM documents d WHERE d.rowid = ?2`;
    const contacts = this.contactsOf(organizationId);
    const rows = rowids.slice(0, limit).map((rowid) => {
      return this.database.get<ShownRow & { sort_name: string }>(sql, contacts, rowid) as ShownRow & { sort_name: string };
    });
    const items = rows.map(toShown);
    const last = items.at(-1)?.document;
    const sortName = rows.at(-1)?.sort_name ?? '';
    const next = last !== undefined && rowids.length > limit ? pointOf(last, sortName, orderBy) : null;
    return { items, next };
  }

  private linesAfter(organizationId: string, after: [string, string, string]): LineRow[] {
    const collection = this.contactsOf(organizationId);
    const sql = `SELECT d.manager_id, d.sort_name, d.id, d.body FROM documents d INDEXED BY documents_by_manager
      WHERE d.collection = ?1 AND d.manager_id IS NOT NULL AND (d.manager_id, d.sort_name, d.id) > (?2, ?3, ?4)
        AND EXISTS (SELECT 1 FROM documents m WHERE m.collection = ?1 AND m.id = d.manager_id)
      ORDER BY d.manager_id, d.sort_name, d.id LIMIT ?5`;
    return this.database.all<LineRow>(sql, collection, ...after, LINES_BATCH);
  }

  private ids(projection: ProjectionName, organizationId: string, sql: string, ...values: (string | number)[]) {
    return reading(() => {
      const collection = this.documents.liveCollection(projection, organizationId);
      return collection === null ? [] : this.database.all<{ id: string }>(sql, collection, ...values).map((row) => row.id);
    });
  }

  /** The number of the collection of contacts; -1, which is nobody's, when there is none. */
  private contactsOf(organizationId: string): number {
    return this.documents.liveCollection('contacts', organizationId) ?? -1;
  }
}

/** A row as it is shown: without references to contacts that are gone. */
function toShown({ revision, body, dangling }: ShownRow): Shown<Entity> {
  const document = JSON.parse(body) as Entity;
  if (dangling === 0) return { document, revision, dangling: false };
  const metadata = { ...document.metadata, reportsTo: null };
  return { document: { ...document, metadata, primaryContactId: null }, revision, dangling: true };
}

function pointOf(document: Entity, sortName: string, orderBy: SortField): SortPoint {
  return { id: document.id, value: orderBy === 'name' ? sortName : document[orderBy] };
}
