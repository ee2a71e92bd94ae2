// The history: what happened to each document, and how documents stood at any time. Every query
// names the organization, and shows nothing of another's.

import type { Contact } from '../domain/contact.js';
import type { ProjectionName } from './projection.js';
import type { ReadStore } from './readStore.js';

/** No entry is added to a page whose changes come to so many bytes: pages of large ones hold fewer. */
export const PAGE_BYTES = 2_000_000;

/** How many entries, whose changes take `sizes` bytes, a page holds: one at least. */
export function fittingOf(sizes: Iterable<number>): number {
  let [count, bytes] = [0, 0];
  for (const size of sizes) {
    if (bytes >= PAGE_BYTES) break;
    count += 1;
    bytes += size;
  }
  return Math.max(1, count);
}

/** Entries of a history, as answers show them. */
export interface HistoryPage {
  /** Each as JSON in UTF-8, separated by commas. */
  content: Uint8Array;
  /** The revision of the last entry when more follow it; null when none do. */
  next: number | null;
}

/** What can be asked of the contacts as they are and as they were. */
export type ContactReads = Pick<ReadStore, 'getContact' | 'listContacts' | 'listGroup' | 'countGroup' | 'reportingLines' | 'isCompanyKnown'>;

/** The contacts as they stood at one time, by all events up to it. Meant for one answer: what was gathered for a question is kept for the next. */
export interface PastReads extends ContactReads {
  /** Every contact and the living one that it reported to, by name, in batches. */
  chart(organizationId: string): AsyncIterable<{ id: string; managerId: string | null }[]>;
  /** The contacts in the order of `ids`; null for one that did not stand. */
  contacts(organizationId: string, ids: readonly string[]): Promise<(Contact | null)[]>;
}

/** Which entries: those that meet all that is not null. Times are ISO 8601 in UTC, both of the range. */
export interface AuditFilter {
  actor: string | null;
  type: string | null;
  contactId: string | null;
  companyId: string | null;
  since: string | null;
  until: string | null;
}

/** A place in the audit: entries are ordered by time, those of one time by id and revision. */
export interface AuditPoint {
  at: string;
  id: string;
  revision: number;
}

/** An entry as answers show it: JSON, with the id of its contact or company. */
export type AuditItem = AuditPoint & { text: string };

export interface AuditPage {
  items: AuditItem[];
  /** The last of them when more follow; null when none do. */
  next: AuditPoint | null;
}

export interface HistoryStore {
  /** Up to `limit` entries of a document, deleted or not, after that of revision `after`, oldest first; null when there never was one. */
  history(organizationId: string, projection: ProjectionName, id: string, after: number | null, limit: number): Promise<HistoryPage | null>;
  /** Up to `limit` entries of all documents that meet `filter` after `after` (null: from the newest on), newest first. */
  audit(organizationId: string, filter: AuditFilter, after: AuditPoint | null, limit: number): Promise<AuditPage>;
  /** The contacts as they stood at `instant`, ISO 8601 in UTC with milliseconds. */
  asOf(instant: string): PastReads;
}
