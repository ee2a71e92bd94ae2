// What events say, folded a second time: written for the tests alone, and sharing no code with the
// projections, so that a mistake would have to be made twice.

import type { RecordedEvent } from '../../src/ports/eventStore.js';

type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
type Fields = Record<string, Value>;

/** Documents by kind, organization and id, as JSON with sorted keys. */
export function foldDocuments(events: readonly RecordedEvent[]): Map<string, string> {
  const documents = new Map<string, Fields>();
  for (const event of events) {
    const data = event.data as unknown as Fields;
    const kind = 'companyId' in data ? 'companies' : 'contacts';
    const id = (data.companyId ?? data.contactId) as string;
    const key = documentKey(kind, event.metadata.organizationId, id);
    const at = event.metadata.occurredAt;
    const document = documents.get(key);
    if (event.type === 'ContactCreated' || event.type === 'ContactRestored' || event.type === 'CompanyCreated') {
      documents.set(key, {
        ...((data.contact ?? data.company) as Fields),
        ...(kind === 'contacts' ? { entityTypes: ['Contact'] } : {}),
        id,
        organizationId: event.metadata.organizationId,
        primaryContactId: null,
        createdAt: (data.createdAt ?? at) as string,
        updatedAt: at,
      });
    } else if (event.type === 'ContactDeleted' || event.type === 'ContactErased' || event.type === 'CompanyDeleted') documents.delete(key);
    else if (document !== undefined && event.type !== 'ReportingLineFenced') {
      if (event.type === 'ContactUpdated' || event.type === 'CompanyUpdated') change(document, data.changes as Fields);
      if (event.type === 'ContactStatusChanged') document.status = data.to as string;
      if (event.type === 'PrimarySet') document.primaryContactId = data.contactId as string;
      if (event.type === 'PrimaryCleared') document.primaryContactId = null;
      document.updatedAt = at;
    }
  }
  return new Map([...documents].map(([key, document]) => [key, canonical(document)]));
}

export const documentKey = (kind: string, organizationId: string, id: string) => JSON.stringify([kind, organizationId, id]);

/** JSON with the keys of every object sorted. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

const ADDRESS = ['id', 'addressee', 'companyName', 'attention', 'phoneNumber', 'line1', 'line2', 'city', 'stateProvince', 'postalCode', 'countryCode'];

function change(document: Fields, changes: Fields): void {
  for (const [field, value] of Object.entries(changes)) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) document[field] = value;
    else if (field === 'metadata') document.metadata = { ...(document.metadata as Fields), ...(value as Fields) };
    else if (field === 'address') {
      const before = (document.address ?? {}) as Fields;
      document.address = Object.fromEntries(ADDRESS.map((name) => [name, value[name] ?? (name in value ? null : (before[name] ?? null))]));
      if (before.id !== undefined) document.address.id = before.id;
    } else document[field] = merged((document[field] ?? {}) as Fields, value as Fields);
  }
}

const isObject = (some: Value | undefined): some is Fields => typeof some === 'object' && some !== null && !Array.isArray(some);

/** A merge patch on custom fields: null takes away. Any key is data, `__proto__` too. */
function merged(before: Fields, patch: Fields): Fields {
  const after = new Map(Object.entries(before));
  for (const [key, value] of Object.entries(patch)) {
    const inner = after.get(key);
    if (value === null) after.delete(key);
    else after.set(key, isObject(value) ? merged(isObject(inner) ? inner : {}, value) : value);
  }
  return Object.fromEntries(after);
}
