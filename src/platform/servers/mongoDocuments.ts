// The documents of the read models as MongoDB keeps them, and the indexes that find them. The
// entity itself is one string of JSON: its keys are then data whatever they are (`$set`, `a.b`, the
// empty one, `__proto__`), and come back in the order in which they were sent.

import type { IndexDescription } from 'mongodb';
import { statuses, type Entity } from '../../domain/entity.js';
import { decodeOrganization, encodeOrganization } from '../../domain/streams.js';
import type { Change, DocumentKeys, DocumentSubject, ProjectionName, Versioned } from '../../ports/projection.js';
import type { SortField, StoredDocument } from '../../ports/readStore.js';
import { gramsOf } from './mongoSearch.js';

/** What stands for a subject: a document, or a tombstone, which has nothing but its revision. */
export type MongoDocument = Tombstone | LiveDocument;

interface Tombstone {
  /** `<organization>/<id>`, the organization as it stands in names. */
  _id: string;
  revision: number;
}

export interface LiveDocument extends Tombstone {
  organization: string;
  status: string;
  /** What orders come by: the value, then the id, in one string, so that a cursor is one bound. */
  byName: string;
  byCreated: string;
  byUpdated: string;
  /** Absent where there is none, as the three that follow: they are then in no index. */
  parent?: string;
  department?: string;
  method?: string;
  manager?: string;
  primary?: string;
  text: string;
  grams: readonly string[];
  body: string;
}

/** The field that an order goes by. */
export const orderFields = { name: 'byName', createdAt: 'byCreated', updatedAt: 'byUpdated' } as const satisfies Record<SortField, string>;

/** Every status; given where none is asked for, so that the indexes of orders serve, in which it comes first. */
export const anyStatus: readonly string[] = statuses;

/** Between a value and an id: a control character, which folded text never holds, and so less than all it holds. */
const SEPARATOR = '\u0001';

/** Within an organization. Only documents that have the first field are in it, so no tombstones. */
const index = (name: string, first: string, ...fields: string[]): IndexDescription => ({
  name,
  key: Object.fromEntries(['organization', first, ...fields].map((field) => [field, 1])),
  partialFilterExpression: { [first]: { $exists: true } },
});

const common = [
  index('by_name', 'status', 'byName'),
  index('by_created', 'status', 'byCreated'),
  index('by_updated', 'status', 'byUpdated'),
  index('by_parent_and_name', 'parent', 'byName'),
  index('by_parent_and_created', 'parent', 'byCreated'),
  index('by_parent_and_updated', 'parent', 'byUpdated'),
  index('by_grams', 'grams'),
];

/** The indexes of each projection's documents. */
export const documentIndexes: Record<ProjectionName, readonly IndexDescription[]> = {
  contacts: [
    ...common,
    index('by_department', 'department', 'byName'),
    index('by_method', 'method', 'byName'),
    index('by_manager', 'manager', 'byName'),
  ],
  companies: [...common, index('by_primary', 'primary')],
  endpoints: [],
};

export function documentKey({ organizationId, id }: DocumentSubject): string {
  return `${encodeOrganization(organizationId)}/${id}`;
}

/** The value of an order's field for a document. */
export function orderKey(value: string, id: string): string {
  return `${value}${SEPARATOR}${id}`;
}

/** The value that an order's field was made of. */
export function orderValue(key: string): string {
  return key.slice(0, key.lastIndexOf(SEPARATOR));
}

/** What a change makes of a document. */
export function afterChange(change: Change): MongoDocument {
  const key = { _id: documentKey(change), revision: change.to };
  if (change.type === 'remove') return key;
  const { organizationId, id, document, keys } = change;
  return {
    ...key,
    organization: organizationId,
    status: document.status,
    byName: orderKey(keys.sortName, id),
    byCreated: orderKey(document.createdAt, id),
    byUpdated: orderKey(document.updatedAt, id),
    ...optional('parent', document.parentEntityId),
    ...optional('department', keys.department),
    ...optional('method', keys.contactMethod),
    ...optional('manager', keys.managerId),
    ...optional('primary', document.primaryContactId),
    text: keys.searchable,
    grams: gramsOf(keys.searchable),
    body: JSON.stringify(document),
  };
}

/** What a stored document stands for. */
export function versioned(stored: Tombstone & { body?: string }): Versioned {
  return { revision: stored.revision, document: stored.body === undefined ? null : entityOf(stored.body) };
}

export function entityOf(body: string): Entity {
  return JSON.parse(body) as Entity;
}

/** A stored document with whose it is and what it is found by. */
export function storedDocument(stored: MongoDocument): StoredDocument {
  const subject = subjectOf(stored._id);
  if (!('body' in stored)) return { ...subject, ...versioned(stored), keys: null };
  const keys: DocumentKeys = {
    sortName: orderValue(stored.byName),
    searchable: stored.text,
    department: stored.department ?? null,
    contactMethod: stored.method ?? null,
    managerId: stored.manager ?? null,
  };
  return { ...subject, ...versioned(stored), keys };
}

export function subjectOf(key: string): DocumentSubject {
  const slash = key.indexOf('/');
  return { organizationId: decodeOrganization(key.slice(0, slash)), id: key.slice(slash + 1) };
}

function optional<Name extends string>(name: Name, value: string | null): Partial<Record<Name, string>> {
  return value === null ? {} : ({ [name]: value } as Record<Name, string>);
}
