// The read models in MongoDB: the named queries.

import type { Collection, Filter } from 'mongodb';
import type { Company } from '../../domain/company.js';
import type { Contact } from '../../domain/contact.js';
import type { Entity, Status } from '../../domain/entity.js';
import type { ProjectionName } from '../../ports/projection.js';
import type { ContactGroup, GroupQuery, GroupStretch, ListFilter, ListPage, ListQuery, ReadStore, Shown, SortField } from '../../ports/readStore.js';
import { atMost, oneOf } from './mongoConnection.js';
import { anyStatus, documentKey, entityOf, orderFields, orderKey, orderValue, subjectOf, type LiveDocument } from './mongoDocuments.js';
import type { MongoGenerations } from './mongoGenerations.js';
import type { MongoLiveReads } from './mongoLiveReads.js';
import { searchFilter } from './mongoSearch.js';

/** How many reporting lines are read at a time: few, as each contact may be as large as there are. */
const LINES_BATCH = 200;

type Documents = Collection<LiveDocument>;
type Live = Record<'contacts' | 'companies', Documents>;
/** What a page needs of a document. */
type PageDocument = Pick<LiveDocument, '_id' | 'revision' | 'body' | 'byName' | 'byCreated' | 'byUpdated' | 'manager' | 'primary'>;

const pageFields = { revision: 1, body: 1, byName: 1, byCreated: 1, byUpdated: 1, manager: 1, primary: 1 };
const groupFields = { company: 'parent', department: 'department', contactMethod: 'method' } as const satisfies Record<ContactGroup['by'], keyof LiveDocument>;

export class MongoReadStore implements ReadStore {
  constructor(
    private readonly reads: MongoLiveReads,
    private readonly generations: MongoGenerations,
  ) {}

  getContact(organizationId: string, id: string): Promise<Shown<Contact> | null> {
    return this.reading((live) => getOne(live, live.contacts, organizationId, id));
  }

  getCompany(organizationId: string, id: string): Promise<Shown<Company> | null> {
    return this.reading((live) => getOne(live, live.companies, organizationId, id));
  }

  listContacts(organizationId: string, query: ListQuery): Promise<ListPage<Contact>> {
    return this.reading((live) => list(live, live.contacts, organizationId, query));
  }

  listCompanies(organizationId: string, query: ListQuery): Promise<ListPage<Company>> {
    return this.reading((live) => list(live, live.companies, organizationId, query));
  }

  listGroup(organizationId: string, { group, statuses, limit, from }: GroupQuery): Promise<GroupStretch> {
    const filter = groupFilter(organizationId, group, statuses);
    return this.reading((live) => pageOf(live, live.contacts, organizationId, filter, { orderBy: 'name', direction: 'asc', limit, from }));
  }

  countGroup(organizationId: string, group: ContactGroup, statuses: readonly Status[] | null): Promise<number> {
    return this.reading(({ contacts }) => contacts.countDocuments(groupFilter(organizationId, group, statuses), atMost));
  }

  async *reportingLines(organizationId: string): AsyncIterable<Contact[]> {
    let after = { manager: '', byName: '' };
    for (;;) {
      const { lines, alive } = await this.reading((live) => linesAfter(live, organizationId, after));
      const shown = lines.filter(({ manager }) => alive.has(manager)).map(({ body }) => entityOf(body));
      if (shown.length > 0) yield shown;
      const last = lines.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  isCompanyKnown(organizationId: string, companyId: string): Promise<boolean> {
    return this.reading(async ({ companies, contacts }) => {
      const known = await companies.findOne(only(organizationId, companyId), { projection: { status: 1 }, ...atMost });
      if (known?.status !== undefined) return true;
      return (await contacts.findOne({ organization: organizationId, parent: companyId }, { projection: { _id: 1 }, ...atMost })) !== null;
    });
  }

  reportsOf(organizationId: string, managerId: string, limit: number): Promise<string[]> {
    const filter = { organization: organizationId, manager: managerId };
    return this.reading(({ contacts }) => idsOf(contacts, filter, limit));
  }

  companiesWithPrimary(organizationId: string, contactId: string): Promise<string[]> {
    const filter = { organization: organizationId, primary: contactId };
    return this.reading(({ companies }) => idsOf(companies, filter));
  }

  private reading<Result>(query: (live: Live) => Promise<Result>): Promise<Result> {
    return this.reads.reading((live) => {
      const documents = (projection: ProjectionName) =>
        this.generations.documents(projection, live(projection)) as unknown as Documents;
      return query({ contacts: documents('contacts'), companies: documents('companies') });
    });
  }
}

async function getOne(live: Live, documents: Documents, organizationId: string, id: string): Promise<Shown<Entity> | null> {
  const found = await documents.findOne<PageDocument>(only(organizationId, id), { projection: pageFields, ...atMost });
  // A tombstone has no body.
  if (found?.body === undefined) return null;
  return (await shown(live, organizationId, [found]))[0] ?? null;
}

async function list(live: Live, documents: Documents, organizationId: string, query: ListQuery): Promise<ListPage<Entity>> {
  const filter = listFilter(organizationId, query.filter);
  const [total, page] = await Promise.all([documents.countDocuments(filter, atMost), pageOf(live, documents, organizationId, filter, query)]);
  return { ...page, total };
}

async function pageOf(
  live: Live,
  documents: Documents,
  organizationId: string,
  filter: Filter<LiveDocument>,
  { orderBy, direction, limit, from }: Omit<ListQuery, 'filter'>,
): Promise<GroupStretch> {
  const field = orderFields[orderBy];
  const beyond = direction === 'asc' ? '$gt' : '$lt';
  const range = 'after' in from ? { [field]: { [beyond]: orderKey(from.after.value, from.after.id) } } : {};
  const found = await documents
    // A page far into what a search found is sorted in more memory than servers before 6.0 give.
    .find<PageDocument>({ ...filter, ...range }, { projection: pageFields, allowDiskUse: true, ...atMost })
    .sort({ [field]: direction === 'asc' ? 1 : -1 })
    .skip('offset' in from ? from.offset : 0)
    .limit(limit + 1)
    .toArray();
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const next = last !== undefined && found.length > limit ? pointOf(last, orderBy) : null;
  return { items: await shown(live, organizationId, page), next };
}

/** Documents as they are shown: without references to contacts that are gone. */
async function shown(live: Live, organizationId: string, found: readonly PageDocument[]): Promise<Shown<Entity>[]> {
  const alive = await living(live, organizationId, found.flatMap(({ manager, primary }) => [manager, primary]));
  return found.map(({ revision, body, manager, primary }) => {
    const document = entityOf(body);
    const dangling = [manager, primary].some((id) => id !== undefined && !alive.has(id));
    if (!dangling) return { document, revision, dangling };
    const metadata = { ...document.metadata, reportsTo: null };
    return { document: { ...document, metadata, primaryContactId: null }, revision, dangling };
  });
}

/** Those of `ids` that are contacts of the organization. */
async function living({ contacts }: Live, organizationId: string, ids: readonly (string | undefined)[]): Promise<Set<string>> {
  const keys = [...new Set(ids)].flatMap((id) => (id === undefined ? [] : [documentKey({ organizationId, id })]));
  if (keys.length === 0) return new Set();
  const found = await contacts.find({ _id: oneOf(keys) }, { projection: { status: 1 }, ...atMost }).toArray();
  return new Set(found.flatMap(({ _id, status }) => (status === undefined ? [] : [subjectOf(_id).id])));
}

/** A document's line: who it reports to, and its place among those who do. */
type Line = Required<Pick<LiveDocument, 'manager' | 'byName' | 'body'>>;

/** The next lines: first the rest of those to the same manager, then those to the next ones. */
async function linesAfter(live: Live, organization: string, { manager, byName }: Omit<Line, 'body'>): Promise<{ lines: Line[]; alive: Set<string> }> {
  const read = (filter: Filter<LiveDocument>, limit: number) =>
    live.contacts
      .find<Line>({ organization, ...filter }, { projection: { manager: 1, byName: 1, body: 1 }, ...atMost })
      .sort({ manager: 1, byName: 1 })
      .limit(limit)
      .toArray();
  const lines = manager === '' ? [] : await read({ manager, byName: { $gt: byName } }, LINES_BATCH);
  if (lines.length < LINES_BATCH) lines.push(...(await read({ manager: { $gt: manager } }, LINES_BATCH - lines.length)));
  return { lines, alive: await living(live, organization, lines.map((line) => line.manager)) };
}

async function idsOf(documents: Documents, filter: Filter<LiveDocument>, limit = 0): Promise<string[]> {
  const found = await documents.find(filter, { projection: { _id: 1 }, ...atMost }).limit(limit).toArray();
  return found.map(({ _id }) => subjectOf(_id).id);
}

function only(organizationId: string, id: string): Filter<LiveDocument> {
  return { _id: documentKey({ organizationId, id }) };
}

export function listFilter(organization: string, { statuses, search, parentEntityId }: ListFilter): Filter<LiveDocument> {
  const words = search !== null && search.length > 0 ? search : null;
  const anything = parentEntityId === null && words === null;
  return {
    organization,
    ...(parentEntityId === null ? {} : { parent: parentEntityId }),
    ...(statuses !== null || anything ? { status: { $in: [...(statuses ?? anyStatus)] } } : {}),
    ...(words === null ? {} : (searchFilter(words) as Filter<LiveDocument>)),
  };
}

export function groupFilter(organization: string, { by, key }: ContactGroup, statuses: readonly Status[] | null): Filter<LiveDocument> {
  return { organization, [groupFields[by]]: key, ...(statuses === null ? {} : { status: { $in: [...statuses] } }) };
}

function pointOf(document: PageDocument, orderBy: SortField) {
  return { value: orderValue(document[orderFields[orderBy]]), id: subjectOf(document._id).id };
}
