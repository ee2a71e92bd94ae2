// MongoDB's answers are the embedded store's: the same contacts told to both, the same asked of both.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contactMethods, statuses } from '../../src/domain/entity.js';
import { searchWords } from '../../src/domain/text.js';
import { openMongo } from '../../src/platform/servers/mongoPlatform.js';
import { sortFields, type ContactGroup, type ListQuery, type ReadStore } from '../../src/ports/readStore.js';
import { projections } from '../../src/projections/project.js';
import { describeMongo } from '../support/mongo.js';
import { openPlatform, wrappingKey } from './embedded.js';
import { all, NOW, Story, type Said } from './samples.js';

/** Generated sets of contacts; `SAME_ANSWERS_RUNS` asks for more. */
const RUNS = Number(process.env.SAME_ANSWERS_RUNS ?? 6);

const piece = fc.constantFrom('a', 'b', 'ab', 'É', 'e', 'ß', 'ø', '1', '2', '12', '-', '+', '(', '.', '"', '*', '%', ' ', '😀', '李', 'x', '\n');
const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const id = fc.constantFrom('c0', 'c1', 'c2', 'c3', 'c4');
const parent = fc.constantFrom('f0', 'f1');

const said = fc.record({
  name: text,
  displayName: orNull(text),
  email: orNull(text),
  phone: orNull(text),
  parentEntityId: orNull(parent),
  status: fc.constantFrom(...statuses),
  customFields: fc.constantFrom(null, JSON.parse('{"$set": 1, "a.b": [], "": "", "__proto__": {"x": 1}}') as Said['customFields']),
  metadata: fc.record({ department: orNull(text), reportsTo: orNull(id), preferredContactMethod: orNull(fc.constantFrom(...contactMethods)) }),
});

const group = fc.oneof(
  parent.map((key): ContactGroup => ({ by: 'company', key })),
  text.map((key): ContactGroup => ({ by: 'department', key: searchWords(key)[0]?.literal ?? '' })),
  fc.constantFrom(...contactMethods).map((key): ContactGroup => ({ by: 'contactMethod', key })),
);

const query = fc.record({
  filter: fc.record({
    statuses: orNull(fc.uniqueArray(fc.constantFrom(...statuses), { minLength: 1 })),
    search: orNull(text.map(searchWords)),
    parentEntityId: orNull(parent),
  }),
  orderBy: fc.constantFrom(...sortFields),
  direction: fc.constantFrom('asc', 'desc'),
  limit: fc.integer({ min: 1, max: 9 }),
  offset: fc.integer({ min: 0, max: 12 }),
});

/** Everything that a query gives: at an offset, and page after page by cursor. */
async function pages(store: ReadStore, { offset, ...asked }: { offset: number } & Omit<ListQuery, 'from'>) {
  const given = [await store.listContacts('acme', { ...asked, from: { offset } })];
  for (let from: ListQuery['from'] = { offset: 0 }; ; ) {
    const page = await store.listContacts('acme', { ...asked, from });
    given.push(page);
    if (page.next === null) return given;
    from = { after: page.next };
  }
}

describeMongo('MongoDB beside the embedded store', (mongo) => {
  let stories: Story[];
  beforeAll(async () => {
    const platform = await openMongo({ url: mongo.newDatabase(), wrappingKeys: [wrappingKey()], projections: projections.map(({ name }) => name), compare: (a, b) => Number(a) - Number(b) });
    stories = await Promise.all([await openPlatform(), platform].map((store) => Story.begin({ ...store, position: String })));
  });
  afterAll(() => Promise.all(stories.map(({ store }) => store.close())));

  /** Begins both stores anew and tells them the same. */
  const tell = async (contacts: readonly Said[], gone: readonly string[]) => {
    stories = await Promise.all(stories.map(({ store }) => Story.begin(store)));
    for (const story of stories) {
      const at = (n: number) => new Date(Date.parse(NOW) + (n % 4) * 1_000).toISOString();
      await story.tell(...contacts.map((contact, n) => story.contact('acme', `c${n}`, contact, at(n))));
      await story.tell(...gone.filter((known) => Number(known.slice(1)) < contacts.length).map((known) => story.contactGone('acme', known)));
    }
  };

  test('gives the same lists, totals, orders, cursors, groups and lines', async () => {
    const asked = fc.record({ queries: fc.array(query, { minLength: 8, maxLength: 12 }), groups: fc.array(group, { minLength: 3, maxLength: 5 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(said, { minLength: 1, maxLength: 14 }), fc.uniqueArray(id, { maxLength: 2 }), asked, async (contacts, gone, { queries, groups }) => {
        await tell(contacts, gone);
        const [embedded, servers] = await Promise.all(
          stories.map(async ({ store: { readStore } }) => ({
            pages: await Promise.all(queries.map((one) => pages(readStore, one))),
            groups: await Promise.all(groups.map((one) => readStore.listGroup('acme', { group: one, statuses: null, limit: 5, from: { offset: 0 } }))),
            counts: await Promise.all(groups.map((one) => readStore.countGroup('acme', one, ['active', 'archived']))),
            lines: await all(readStore.reportingLines('acme')),
            one: JSON.stringify(await readStore.getContact('acme', 'c0')),
          })),
        );
        expect(servers).toEqual(embedded);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});
