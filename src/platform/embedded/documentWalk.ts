// Walks all documents of a generation in one order.

import type { Entity } from '../../domain/entity.js';
import { decodeOrganization, encodeOrganization } from '../../domain/streams.js';
import type { DocumentKeys, DocumentSubject, ProjectionName } from '../../ports/projection.js';
import type { StoredDocument } from '../../ports/readStore.js';
import type { Database } from './database.js';

export interface CollectionRow {
  number: number;
  /** As it stands in names. */
  organization: string;
}

/** The collections of a generation. */
export const COLLECTIONS = 'SELECT number, organization FROM collections WHERE projection = ? AND generation = ?';

interface StoredRow {
  id: string;
  revision: number;
  /** Null for a tombstone, as all that follows. */
  body: string | null;
  sort_name: string;
  searchable: string;
  department: string | null;
  contact_method: string | null;
  manager_id: string | null;
}

/** Up to `limit` documents and tombstones of a generation after `after`, by organization, then by id. */
export function storedDocuments(
database: Database,
projection: ProjectionName,
generation: number,
after: DocumentSubject | null,
limit: number,
): StoredDocument[] {
  const found: StoredDocument[] = [];
  const organization = after === null ? '' : encodeOrganization(after.organizationId);
  const begun = database.get<CollectionRow>(`${COLLECTIONS} AND organization = ?`, projection, generation, organization);
  if (begun !== undefined) found.push(...storedIn(database, begun, after?.id ?? '', limit));
  const sql = `${COLLECTIONS} AND organization > ? ORDER BY organization LIMIT 1`;
  for (let last = organization; found.length < limit; ) {
    const collection = database.get<CollectionRow>(sql, projection, generation, last);
    if (collection === undefined) break;
    found.push(...storedIn(database, collection, '', limit - found.length));
    last = collection.organization;
  }
  return found;
}

function storedIn(database: Database, { number, organization }: CollectionRow, after: string, limit: number): StoredDocument[] {
  const sql = `SELECT * FROM (
      SELECT id, revision, body, sort_name, searchable, department, contact_method, manager_id FROM documents
      WHERE collection = ?1 AND id > ?2 ORDER BY id LIMIT ?3)
    UNION ALL SELECT * FROM (
      SELECT id, revision, NULL, NULL, NULL, NULL, NULL, NULL FROM tombstones
      WHERE collection = ?1 AND id > ?2 ORDER BY id LIMIT ?3)
    ORDER BY id LIMIT ?3`;
  const organizationId = decodeOrganization(organization);
  return database.all<StoredRow>(sql, number, after, limit).map((row) => toStored(organizationId, row));
}

function toStored(organizationId: string, row: StoredRow): StoredDocument {
  const { id, revision, body } = row;
  if (body === null) return { organizationId, id, revision, document: null, keys: null };
  const keys: DocumentKeys = {
    sortName: row.sort_name,
    searchable: row.searchable,
    department: row.department,
    contactMethod: row.contact_method,
    managerId: row.manager_id,
  };
  return { organizationId, id, revision, document: JSON.parse(body) as Entity, keys };
}
