// Every named query of the read models in MongoDB is answered by an index that is declared: what
// the driver sends is held against the indexes themselves, whatever the server at hand makes of them.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MongoClient, type Document, type IndexDescription } from 'mongodb';
import { wrappingKey } from './embedded.js';
import { openMongo, type MongoPlatform } from '../../src/platform/servers/mongoPlatform.js';
import { documentIndexes } from '../../src/platform/servers/mongoDocuments.js';
import type { WebhookEndpoint } from '../../src/domain/webhookEndpoint.js';
import { deliveryIndexes } from '../../src/platform/servers/mongoDeliveryWrites.js';
import { replayIndexes } from '../../src/platform/servers/mongoReplays.js';
import type { WebhookStores } from '../../src/ports/platform.js';
import type { ListQuery, ReadStore } from '../../src/ports/readStore.js';
import { projections } from '../../src/projections/project.js';
import { describeMongo } from '../support/mongo.js';
import { Story } from './samples.js';

type Command = Document & { find?: string; aggregate?: string; distinct?: string };

const collectionOf = (command: Command) => command.find ?? command.aggregate ?? command.distinct ?? '';

/** The filter and the sort of a query; null when the command is none, or of nothing that grows. */
function queryOf(command: Command): { filter: Document; sort: Document } | null {
  if (!/^(contacts|companies)_\d+$|^webhook_(deliveries|replays)$/.test(collectionOf(command))) return null;
  if (command.distinct !== undefined) return { filter: command.query, sort: {} };
  // The driver keeps a sort as a map, for its order.
  const sort: Document = command.sort instanceof Map ? Object.fromEntries(command.sort) : (command.sort ?? {});
  if (command.find !== undefined) return { filter: command.filter ?? {}, sort };
  return { filter: command.pipeline[0].$match, sort: {} };
}

/** The filters that an index has to answer: those of each alternative, where there are any. */
function alternatives(filter: Document): Document[] {
  const { $and, $or, ...own } = filter;
  const parts: Document[] = [...($and ?? []), ...($or === undefined ? [] : [{ $or }])];
  const flat = parts.filter((part) => part.$or === undefined).reduce((all, part) => ({ ...part, ...all }), own);
  // One part is enough to find candidates by: what has no alternatives, else the first that has.
  if (Object.keys(flat).length > Object.keys(own).length || parts.length === 0) return [flat];
  return parts[0]!.$or.map((part: Document) => ({ ...flat, ...part }));
}

const isOperator = (condition: unknown): condition is Document => typeof condition === 'object' && condition !== null;
const isEquality = (condition: unknown) => !isOperator(condition) || '$in' in condition;
const isRange = (condition: unknown) => isOperator(condition) && ('$gt' in condition || '$lt' in condition);

/** Whether the index holds all that the filter asks for: one of some documents says of which. */
function covers({ partialFilterExpression: of = {} }: IndexDescription, filter: Document): boolean {
  return Object.entries(of).every(([field, value]) => {
    const asked = filter[field];
    if (!isOperator(value)) return asked === value;
    if (value.$exists === true) return asked !== undefined && asked !== null;
    return isOperator(asked) && asked.$gt === value.$gt;
  });
}

/** Whether the index finds and sorts it: equalities first, then the sort, which a range may bound. */
function answers(index: IndexDescription, filter: Document, sort: Document): boolean {
  if (!covers(index, filter)) return false;
  const keys = Object.keys(index.key);
  const isFound = (field: string | undefined) => field !== undefined && isEquality(filter[field]) && filter[field] !== undefined;
  const equal = keys.findIndex((field) => !isFound(field));
  const rest = equal === -1 ? [] : keys.slice(equal);
  // By a field that the filter fixes there is nothing to sort.
  const sorted = Object.keys(sort).filter((field) => filter[field] === undefined || isOperator(filter[field]));
  // All of an organization is too much; what an index of some documents holds is few.
  if (equal === 1 && sorted.length === 0 && index.partialFilterExpression === undefined) return false;
  const ranges = Object.keys(filter).filter((field) => isRange(filter[field]));
  return sorted.every((field, place) => rest[place] === field) && ranges.every((field) => rest[0] === field);
}

/** Whether a search finds its candidates by an index and sorts those few itself. */
function searches(index: IndexDescription, filter: Document): boolean {
  return filter.grams !== undefined && Object.keys(index.key).join() === 'organization,grams';
}

/** What is wrong with a command: which filter no index answers. */
function unanswered(command: Command, indexes: readonly IndexDescription[]): Document[] {
  const query = queryOf(command);
  if (query === null) return [];
  return alternatives(query.filter).filter((filter) => {
    // By key: the index that every collection has.
    if (filter._id !== undefined && Object.keys(query.sort).length === 0) return false;
    return !indexes.some((index) => answers(index, filter, query.sort) || searches(index, filter));
  });
}

const search = [{ literal: 'smith', digits: null }];
const phone = [{ literal: '555-1', digits: '５５５１' }];
const froms: ListQuery['from'][] = [{ offset: 20 }, { after: { value: 'x', id: 'c1' } }];
const filters: ListQuery['filter'][] = [
  { statuses: null, search: null, parentEntityId: null },
  { statuses: ['active', 'archived'], search: null, parentEntityId: null },
  { statuses: null, search: null, parentEntityId: 'f1' },
  { statuses: ['active'], search: null, parentEntityId: 'f1' },
  { statuses: null, search, parentEntityId: null },
  { statuses: ['active'], search, parentEntityId: 'f1' },
  { statuses: null, search: phone, parentEntityId: null },
  { statuses: null, search: [...phone, ...search], parentEntityId: null },
];
const lists = filters.flatMap((filter) =>
  froms.flatMap((from) => (['name', 'createdAt', 'updatedAt'] as const).map((orderBy): ListQuery => ({ filter, from, orderBy, direction: 'desc', limit: 10 }))),
);
const groups = [{ by: 'company', key: 'f1' }, { by: 'department', key: 'sales' }, { by: 'contactMethod', key: 'email' }] as const;

/** Each named query, with every kind of argument. */
const named: { [Name in keyof ReadStore]: (store: ReadStore) => Promise<unknown>[] } = {
  getContact: (store) => [store.getContact('acme', 'c1')],
  getCompany: (store) => [store.getCompany('acme', 'f1')],
  listContacts: (store) => lists.map((query) => store.listContacts('acme', query)),
  listCompanies: (store) => lists.map((query) => store.listCompanies('acme', query)),
  listGroup: (store) => groups.flatMap((group) => froms.flatMap((from) => [null, ['active'] as const].map((statuses) => store.listGroup('acme', { group, statuses, limit: 5, from })))),
  countGroup: (store) => groups.flatMap((group) => [null, ['active'] as const].map((statuses) => store.countGroup('acme', group, statuses))),
  reportingLines: (store) => [drain(store.reportingLines('acme'))],
  isCompanyKnown: (store) => [store.isCompanyKnown('acme', 'f1'), store.isCompanyKnown('acme', 'f9')],
  reportsOf: (store) => [store.reportsOf('acme', 'c1', 10)],
  companiesWithPrimary: (store) => [store.companiesWithPrimary('acme', 'c1')],
};

const at = new Date('2026-03-01T10:00:00Z');
const ref = { organizationId: 'acme', endpointId: 'e1' };
const of = { ...ref, eventId: 'v1', topic: 'contact.created', contactId: 'c1' } as const;
const endpoint: WebhookEndpoint = {
  id: 'e1',
  organizationId: 'acme',
  url: 'https://example.com/',
  events: ['contact.created'],
  description: null,
  ordered: true,
  status: 'enabled',
  disabledReason: null,
  disabledAt: null,
  createdAt: at.toISOString(),
  updatedAt: at.toISOString(),
};

/** What is asked of deliveries and replays, of which there are many. */
const asked: Record<string, (stores: WebhookStores) => Promise<unknown>> = {
  agenda: ({ deliveries }) => deliveries.agenda(),
  due: ({ deliveries }) => deliveries.due(ref, at, 10),
  recover: ({ deliveries }) => deliveries.recover(at),
  list: ({ deliveries }) => Promise.all([null, 'failed' as const].map((status) => deliveries.list(ref, { status, limit: 5, after: 9 }))),
  statistics: ({ deliveries }) => deliveries.statistics(5),
  pending: ({ deliveries }) => deliveries.pending(ref, 10),
  open: ({ replays }) => replays.open(),
};

async function drain(batches: AsyncIterable<unknown>): Promise<void> {
  for await (const _batch of batches);
}

test('an order or a filter that no index answers is found', () => {
  const index = { key: { organization: 1, status: 1, byName: 1 } };
  const find = (filter: Document, sort: Document = {}) => ({ find: 'contacts_1', filter, sort });
  const bad = [
    find({ organization: 'a' }),
    find({ status: 'active' }, { byName: 1 }),
    find({ organization: 'a', status: 'active' }, { byCreated: 1 }),
    find({ organization: 'a' }, { byName: 1 }),
    find({ organization: 'a', status: 'active', byCreated: { $gt: 'x' } }, { byName: 1 }),
    find({ organization: 'a', $and: [{ $or: [{ status: 'x' }, { method: 'y' }] }] }),
  ];
  for (const command of bad) expect(unanswered(command, [index])).toHaveLength(1);
  expect(unanswered(find({ organization: 'a', status: { $in: ['x'] }, byName: { $lt: 'x' } }, { byName: -1 }), [index])).toEqual([]);
});

describeMongo('the indexes of MongoDB', (mongo) => {
  const commands: Command[] = [];
  let url: string;
  let platform: MongoPlatform;
  beforeAll(async () => {
    url = mongo.newDatabase();
    const observe = (command: Document) => void commands.push(command);
    platform = await openMongo({ url, wrappingKeys: [wrappingKey()], projections: projections.map(({ name }) => name), compare: () => 0, observe });
    const story = await Story.begin({ ...platform, position: String });
    await story.tell(story.contact('acme', 'c1'), story.contact('acme', 'c2', { metadata: { reportsTo: 'c1' } }), story.company('acme', 'f1'));
  });
  afterAll(() => platform.close());

  test.each(Object.keys(named) as (keyof ReadStore)[])('answer %s', async (name) => {
    commands.length = 0;
    await Promise.all(named[name](platform.readStore));
    const queries = commands.filter((command) => queryOf(command) !== null);
    expect(queries.length).toBeGreaterThan(0);
    const isSorted = queries.some((command) => Object.keys(queryOf(command)?.sort ?? {}).length > 0);
    expect(isSorted).toBe(/^list|Lines$/.test(name));
    for (const command of queries) {
      const projection = collectionOf(command).startsWith('contacts') ? 'contacts' : 'companies';
      expect(unanswered(command, documentIndexes[projection])).toEqual([]);
    }
  });

  test.each(Object.keys(asked))('answer what webhooks need: %s', async (name) => {
    const { endpoints, deliveries } = platform.webhooks;
    await endpoints.put(endpoint, 1, '1');
    await deliveries.add({ ...of, id: 'd1', sequence: 0, erased: false }, { ...of, body: Buffer.from('{}') }, at);
    commands.length = 0;
    await asked[name]?.(platform.webhooks);
    const queries = commands.filter((command) => queryOf(command) !== null);
    expect(queries.length).toBeGreaterThan(0);
    for (const command of queries) expect(unanswered(command, collectionOf(command) === 'webhook_replays' ? replayIndexes : deliveryIndexes)).toEqual([]);
  });

  test("answer where an organization's events stand: by key, in the order of keys", async () => {
    commands.length = 0;
    await platform.projectionStore.entries(1, 'acme', '5', '9', 10);
    expect(commands).toMatchObject([{ find: 'events_1', filter: { _id: { $gt: 'acme/5', $lte: 'acme/9' } }, sort: new Map([['_id', 1]]), limit: 10 }]);
    expect(Object.keys(commands[0]?.filter)).toEqual(['_id']);
  });

  test('are those that the server has been told of', async () => {
    const client = await new MongoClient(url).connect();
    for (const projection of ['contacts', 'companies'] as const) {
      const live = await platform.projectionStore.live(projection);
      const known = await client.db().collection(`${projection}_${live?.number}`).indexes();
      expect(known.map(({ key }) => key)).toEqual(expect.arrayContaining(documentIndexes[projection].map(({ key }) => key)));
    }
    await client.close();
  });
});
