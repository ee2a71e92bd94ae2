// The read models: documents that projections make, found by named queries. Every query names the
// organization, and shows nothing of another's.

import type { Company } from '../domain/company.js';
import type { Contact } from '../domain/contact.js';
import type { ContactMethod, Status } from '../domain/entity.js';
import type { SearchWord } from '../domain/text.js';
import type { Position } from './eventLog.js';
import type { Change, DocumentKeys, DocumentSubject, GenerationName, IndexEntry, ProjectionName, Versioned } from './projection.js';

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

/** What a chart shows of a contact. */
export type ChartContact = Pick<Contact, 'id' | 'name' | 'displayName'> & { metadata: Pick<Contact['metadata'], 'title' | 'department' | 'reportsTo'> };

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
  reportingLines(organizationId: string): AsyncIterable<ChartContact[]>;
  /** Whether a company or a contact of that company is known. */
  isCompanyKnown(organizationId: string, companyId: string): Promise<boolean>;
  /** Ids of up to `limit` contacts that name `managerId` as their manager. */
  reportsOf(organizationId: string, managerId: string, limit: number): Promise<string[]>;
  /** Ids of the companies that name `contactId` as their primary contact. */
  companiesWithPrimary(organizationId: string, contactId: string): Promise<string[]>;
}

/**
 * One complete set of a projection's documents, or of entries of the index of events, made by one
 * version of it from the first event on. One is live: reads see it, and only it. Another may be built beside it and take its place.
 */
export interface Generation {
  /** Names the set within its projection; a later one is greater. */
  number: number;
  /** The version of the projection that makes it. */
  version: number;
  /** Every event up to here is applied; null: none is. */
  position: Position | null;
}

/** A document as it is stored, a tombstone's too, with what it is found by; `keys` is null for a tombstone. */
export type StoredDocument = DocumentSubject & Versioned & { keys: DocumentKeys | null };

/** The change that some events make of what stands for a subject; null when others must come before them. */
export type Step = (stored: Versioned | null) => Change | null;

/** What a writer wants reads to show. */
export interface Showing {
  subject: DocumentSubject;
  /** Of its stream: this one or a later one. */
  revision: number;
  /** The version of the projection that `step` is of; documents of another are not changed by it. */
  version: number;
  step: Step;
}

/** The side of the read models that projecting uses. */
export interface ProjectionStore {
  /** The generation that reads see, as of now; null: there never was one, and reads find nothing. */
  live(projection: GenerationName): Promise<Generation | null>;
  /** The generation being built, as of now; null: none is. */
  building(projection: GenerationName): Promise<Generation | null>;
  /** Begins to build a generation by `version`, empty, in place of one that was being built. */
  build(projection: GenerationName, version: number): Promise<Generation>;
  /** What stands for each subject in a generation, in their order; null where nothing ever did. */
  load(projection: ProjectionName, generation: number, subjects: readonly DocumentSubject[]): Promise<(Versioned | null)[]>;
  /**
   * Applies changes to a generation and moves its position `from` → `to`; when it is not at
   * `from`, or is neither live nor being built, nothing happens. Seeing changes twice changes nothing.
   * Where others may change documents meanwhile, the position stays when one of them stands
   * before where its change begins: its change is then to be made again from what stands.
   * @returns whether it was applied
   */
  apply(
    projection: ProjectionName,
    generation: number,
    changes: readonly Change[],
    from: Position | null,
    to: Position,
  ): Promise<boolean>;
  /** As `apply`, for entries of the index of events. An entry that is there already stays. */
  index(generation: number, entries: readonly IndexEntry[], from: Position | null, to: Position): Promise<boolean>;
  /**
   * Up to `limit` entries of an organization in a generation of the index of events, after `after`
   * (null: from the first on) and up to `upTo`, in the order of the log.
   */
  entries(generation: number, organizationId: string, after: Position | null, upTo: Position, limit: number): Promise<IndexEntry[]>;
  /** Up to `limit` entries of a generation of the index of events after `after` (null: from the first on), organization by organization. */
  allEntries(generation: number, after: IndexEntry | null, limit: number): Promise<IndexEntry[]>;
  /**
   * Makes reads show what `showing` names, ahead of the position: for a writer that waits to see its
   * own events. A generation being built is changed alike, or is not switched to until its builder
   * has asked for it again (by `building`) and then reached the end of the log.
   * @returns whether reads show it now
   */
  show(projection: ProjectionName, showing: Showing): Promise<boolean>;
  /**
   * Makes the generation being built the live one, at once for all readers, unless it is not
   * `generation` or stands before the live one's position. The one it replaces is dropped, which
   * may take a while after. A switch asked for together with `apply`, after it, may be one step with it.
   * `anyway`: wherever the live one stands, since it was made from another log.
   * @returns whether it is live now
   */
  switchTo(projection: GenerationName, generation: number, anyway?: boolean): Promise<boolean>;
  /**
   * Up to `limit` documents and tombstones of a generation after `after` (null: from the first
   * on), in one order that does not change; none when the generation is gone.
   */
  documents(
    projection: ProjectionName,
    generation: number,
    after: DocumentSubject | null,
    limit: number,
  ): Promise<StoredDocument[]>;
}
