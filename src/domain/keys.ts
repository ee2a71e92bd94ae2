// What contacts and companies can be found and sorted by.

import type { Entity } from './entity.js';
import { foldText, searchableText } from './text.js';

/** What a document can be found and sorted by; null is not found by that. */
export interface DocumentKeys {
  /** Folded name: the order of names. */
  sortName: string;
  /** What a search looks into; see text.ts. */
  searchable: string;
  /** Folded department. */
  department: string | null;
  contactMethod: string | null;
  managerId: string | null;
}

export function contactKeys(contact: Entity): DocumentKeys {
  const { department, preferredContactMethod, reportsTo } = contact.metadata;
  return {
    ...entityKeys(contact),
    department: department === null ? null : foldText(department),
    contactMethod: preferredContactMethod,
    managerId: reportsTo,
  };
}

export function companyKeys(company: Entity): DocumentKeys {
  return { ...entityKeys(company), department: null, contactMethod: null, managerId: null };
}

/** What any entity can be sorted by and searched for. */
function entityKeys({ name, displayName, email, phone }: Entity): Pick<DocumentKeys, 'sortName' | 'searchable'> {
  return { sortName: foldText(name), searchable: searchableText([name, displayName, email, phone], phone) };
}
