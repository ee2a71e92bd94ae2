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
  return entityKeys(contact, department === null ? null : foldText(department), preferredContactMethod, reportsTo);
}

export function companyKeys(company: Entity): DocumentKeys {
  return entityKeys(company, null, null, null);
}

/** With what any entity can be sorted by and searched for. */
function entityKeys({ name, displayName, email, phone }: Entity, department: string | null, contactMethod: string | null, managerId: string | null): DocumentKeys {
  return { sortName: foldText(name), searchable: searchableText([name, displayName, email, phone], phone), department, contactMethod, managerId };
}
