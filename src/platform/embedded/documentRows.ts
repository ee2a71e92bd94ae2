// How a document becomes a row: of the newest documents, and of versions that were.

import type { Entity } from '../../domain/entity.js';
import type { DocumentKeys } from '../../ports/projection.js';
import type { SqlValue } from './database.js';

/** The columns that a document is found by and shown from, in the order of `rowValues`. */
export const ROW_COLUMNS = [
  'status',
  'sort_name',
  'created_at',
  'updated_at',
  'parent_id',
  'department',
  'contact_method',
  'manager_id',
  'primary_id',
  'searchable',
  'body',
] as const;

/** The values of `ROW_COLUMNS`. */
export function rowValues(document: Entity, keys: DocumentKeys): SqlValue[] {
  return [
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
  ];
}
