// The read models: documents that projections make, found by named queries. Every query names the
// organization, and shows nothing of another's.

import type { Company } from '../domain/company.js';
import type { Contact } from '../domain/contact.js';
import type { ContactMethod, Status } from '../domain/entity.js';
import type { SearchWord } from '../domain/text.js';
import type { Position } from './eventLog.js';
import type { Change, DocumentSubject, ProjectionName, Versioned } from './projection.js';

/** A document as a read shows it. */
export interface Shown<Document> {
  document: Document;
  revision: number;
  /** Whether a contact it refers to is deleted and was left out, as the event that says so is still to come. */
  dangling: boolean;
}

export const sortFields = ['name', 'createdAt', 'updatedAt'] as const;
export type SortField = (typeof sortFields)[number];

/** Where a page by cursor begins: after the document with this value of the sort field and this id. */
export interface SortPoint {
  value: string;
  id: string;
}

/** Which documents: those that meet all that is not null. */
export interface ListFilter {
  statuses: readonly Status[] | null;
  search: readonly SearchWord[] | null;
  parentEntityId: string | null;
}

export interface ListQuery {
  filter: ListFilter;
  orderBy: SortField;
  direction: 'asc' | 'desc';
  limit: number;
  /** After this point, or at this offset. */
  from: { after: SortPoint } | { offset: number };
}

export interface ListPage<Document> {
  items: Shown<Document>[];
  /** How many there are in all. */
  total: number;
  /** Where the next page begins; null when this is the last one. */
  next: SortPoint | null;
}

/** A group of contacts that a fixed answer of the API lists, by name. `key` of a department is folded. */
export type ContactGroup =
  | { by: 'company'; key: string }
  | { by: 'department'; key: string }
  | { by: 'contactMethod'; key: ContactMethod };

/** A stretch of a group: `limit` contacts in order of name, after a point or at an offset. */
export interface GroupQuery {
  group: ContactGroup;
  statuses: readonly Status[] | null;
  limit: number;
  from: { after: SortPoint } | { offset: number };
}

export type GroupStretch = Omit<ListPage<Contact>, 'total'>;

export interface ReadStore {
  /** The contact; null when the organization has none with that id. */
  getContact(organizationId: string, id: string): Promise<Shown<Contact> | null>;
  /** The company; null when the organization has none with that id. */
  getCompany(organizationId: string, id: string): Promise<Shown<Company> | null>;
  listContacts(organizationId: string, query: ListQuery): Promise<ListPage<Contact>>;
  listCompanies(organizationId: string, query: ListQuery): Promise<ListPage<Company>>;
  listGroup(organizationId: string, query: GroupQuery): Promise<GroupStretch>;
  /** How many contacts a group has in all. */
  countGroup(organizationId: string, group: ContactGroup, statuses: readonly Status[] | null): Promise<number>;
  /** Every contact that reports to a living one, by manager's id, then by name, in batches that are each of one moment. */
  reportingLines(organizationId: string): AsyncIterable<Contact[]>;
  /** Whether a company or a contact of that company is known. */
  isCompanyKnown(organizationId: string, companyId: string): Promise<boolean>;
  /** Ids of up to `limit` contacts that name `managerId` as their manager. */
  reportsOf(organizationId: string, managerId: string, limit: number): Promise<string[]>;
  /** Ids of the companies that name `contactId` as their primary contact. */
  companiesWithPrimary(organizationId: string, contactId: string): Promise<string[]>;
}

/** The side of the read models that projecting uses. */
export interface ProjectionStore {
  /** The position up to which every event is applied, and the version that applied them; null: none is. */
  checkpoint(projection: ProjectionName): Promise<Checkpoint | null>;
  /** What stands for each subject, in their order; null where nothing ever did. */
  load(projection: ProjectionName, subjects: readonly DocumentSubject[]): Promise<(Versioned | null)[]>;
  /**
   * Applies changes and moves the checkpoint `from` → `to`; when the checkpoint is not at `from`,
   * nothing happens. Seeing changes twice changes nothing.
   * @returns whether the checkpoint was at `from`
   */
  apply(projection: ProjectionName, changes: readonly Change[], from: Position | null, to: Position): Promise<boolean>;
  /** Forgets all that the projection made, its checkpoint too, for a projection of `version` to make it again. */
  reset(projection: ProjectionName, version: number): Promise<void>;
}

export interface Checkpoint {
  position: Position | null;
  version: number;
}
