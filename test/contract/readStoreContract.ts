// What every read store and its projection store must do: applying changes, and all queries but search.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sortFields, type ListFilter, type ListPage, type ListQuery, type SortField } from '../../src/ports/readStore.js';
import type { Contact } from '../../src/domain/contact.js';
import type { Change, DocumentSubject, ProjectionName } from '../../src/ports/projection.js';
import { foldText } from '../../src/domain/text.js';
import { all, NOW, Story, type OpenedStore } from './samples.js';

export const noFilter: ListFilter = { statuses: null, search: null, parentEntityId: null };
export const byName: ListQuery = { filter: noFilter, orderBy: 'name', direction: 'asc', limit: 100, from: { offset: 0 } };

type Open = () => Promise<OpenedStore>;
const idsOf = ({ items }: Pick<ListPage<Contact>, 'items'>) => items.map(({ document }) => document.id);
const at = (second: number) => new Date(Date.parse(NOW) + second * 1_000).toISOString();

/** Order of code points, as every store is to sort. */
export const byCodePoint = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Runs the suite on the stores that `open` makes, each empty at first. */
export function readStoreContract(name: string, open: Open): void {
  describe(`read store, ${name}`, () => {
    applying(open);
    isolation(open);
    listing(open);
    cursors(open);
    relations(open);
  });
}

/** A store of its own for each test, and the story told to it. */
function useStory(open: Open): () => Story {
  let story: Story;
  beforeEach(async () => {
    story = await Story.begin(await open());
  });
  afterEach(() => story.store.close());
  return () => story;
}

function applying(open: Open): void {
  describe('apply', () => {
    const story = useStory(open);
    const projectionStore = () => story().store.projectionStore;
    const readStore = () => story().store.readStore;
    const position = (n: number) => story().store.position(n);
    const load = async (name: ProjectionName, ...subjects: DocumentSubject[]) =>
      projectionStore().load(name, (await story().live(name)).number, subjects);

    test('moves the position from where it stands only, and else does nothing', async () => {
      const { contacts } = await story().tell(story().contact('acme', 'c1', { name: 'One' }));
      const later = contacts.map((change): Change => ({ ...change, id: 'c2' }));
      const { number } = await story().live('contacts');
      expect(await projectionStore().apply('contacts', number, later, null, position(9))).toBe(false);
      expect(await projectionStore().apply('contacts', number, later, position(5), position(9))).toBe(false);
      expect((await story().live('contacts')).position).toBe(position(1));
      expect(await readStore().getContact('acme', 'c2')).toBeNull();
      expect(await projectionStore().apply('contacts', number, later, position(1), position(9))).toBe(true);
      expect((await story().live('contacts')).position).toBe(position(9));
      expect(await readStore().getContact('acme', 'c2')).not.toBeNull();
    });

    test('shows the newest document with its revision, and loads what stands', async () => {
      await story().tell(story().contact('acme', 'c1', { name: 'One', customFields: { $set: [1], 'a.b': null } }));
      await story().tell(story().contactChanges('acme', 'c1', { name: 'Uno' }, at(5)), story().contactStatus('acme', 'c1', 'inactive', at(6)));
      const shown = await readStore().getContact('acme', 'c1');
      expect(shown).toMatchObject({ revision: 2, dangling: false, document: { name: 'Uno', status: 'inactive', createdAt: NOW, updatedAt: at(6), customFields: { $set: [1], 'a.b': null } } });
      const subjects = ['c0', 'c1'].map((id) => ({ organizationId: 'acme', id }));
      expect(await load('contacts', ...subjects)).toEqual([null, { revision: 2, document: shown?.document }]);
      expect(await load('companies', ...subjects)).toEqual([null, null]);
    });

    test('changes nothing when it sees the same changes twice', async () => {
      const { contacts } = await story().tell(story().contact('acme', 'c1', { name: 'One', status: 'archived' }));
      expect(await story().apply(...contacts)).toBe(true);
      expect(await readStore().listContacts('acme', byName)).toMatchObject({ total: 1, items: [{ revision: 0 }] });
      const gone = await story().tell(story().contactGone('acme', 'c1'));
      await story().apply(...gone.contacts, ...contacts);
      expect(await readStore().listContacts('acme', byName)).toEqual({ total: 0, items: [], next: null });
    });

    test('ignores a change that is not from where the document stands', async () => {
      const { contacts } = await story().tell(story().contact('acme', 'c1', { name: 'One' }));
      const [created] = contacts as [Extract<Change, { type: 'put' }>];
      const other = { ...created, document: { ...created.document, name: 'Wrong' } };
      await story().apply({ ...other, from: 1, to: 2 }, { ...other, from: -1, to: 5 }, { ...other, id: 'c2', from: 0, to: 1 });
      await story().apply({ organizationId: 'acme', id: 'c1', from: 3, to: 4, type: 'remove', history: [] });
      expect(await readStore().getContact('acme', 'c1')).toMatchObject({ revision: 0, document: { name: 'One' } });
      expect(await readStore().getContact('acme', 'c2')).toBeNull();
    });

    test('keeps a tombstone, so that an old creation brings nothing back, and a restoration does', async () => {
      const created = await story().tell(story().contact('acme', 'c1', { name: 'One' }));
      await story().tell(story().contactGone('acme', 'c1'));
      await story().apply(...created.contacts);
      expect(await readStore().getContact('acme', 'c1')).toBeNull();
      expect(await load('contacts', { organizationId: 'acme', id: 'c1' })).toEqual([{ revision: 1, document: null }]);
      const [put] = created.contacts as [Extract<Change, { type: 'put' }>];
      await story().apply({ ...put, from: 1, to: 2 });
      expect(await readStore().getContact('acme', 'c1')).toMatchObject({ revision: 2 });
    });

    test('keeps a tombstone of what was made and removed in one batch', async () => {
      await story().tell(story().contact('acme', 'c1', { name: 'One' }), story().contactGone('acme', 'c1'));
      expect(await load('contacts', { organizationId: 'acme', id: 'c1' })).toEqual([{ revision: 1, document: null }]);
      expect(await readStore().listContacts('acme', byName)).toMatchObject({ total: 0 });
    });
  });
}

function isolation(open: Open): void {
  describe('organizations', () => {
    const story = useStory(open);

    test.each([[['a', 'a-b', 'a%2Db', 'A', 'ä', 'a/contacts', ' a']]])('%j see nothing of one another', async (organizations) => {
      const { readStore } = story().store;
      for (const organization of organizations) {
        const said = { name: `Of ${organization}`, parentEntityId: 'f1', metadata: { reportsTo: 'boss', department: 'Sales' } };
        await story().tell(
          story().contact(organization, 'boss', { name: 'Boss' }),
          story().contact(organization, 'same', said),
          story().company(organization, 'f1', { name: `Firm of ${organization}` }),
          story().primary(organization, 'f1', 'same'),
        );
      }
      await story().tell(story().contactGone('a', 'same'));
      for (const organization of organizations) {
        const count = organization === 'a' ? 0 : 1;
        const own = { organizationId: organization, name: `Of ${organization}` };
        expect((await readStore.getContact(organization, 'same'))?.document ?? own).toMatchObject(own);
        expect((await readStore.getContact(organization, 'same')) === null).toBe(count === 0);
        const search = [{ literal: 'of', digits: null }];
        const found = await readStore.listContacts(organization, { ...byName, filter: { ...noFilter, search } });
        expect(found.items.map(({ document }) => document.name)).toEqual(count === 0 ? [] : [own.name]);
        expect((await readStore.listContacts(organization, byName)).total).toBe(1 + count);
        expect((await readStore.listCompanies(organization, byName)).items).toMatchObject([{ document: { organizationId: organization }, dangling: count === 0 }]);
        for (const group of [{ by: 'company', key: 'f1' }, { by: 'department', key: 'sales' }] as const) {
          expect(await readStore.countGroup(organization, group, null)).toBe(count);
        }
        expect(await readStore.reportsOf(organization, 'boss', 10)).toHaveLength(count);
        expect(await all(readStore.reportingLines(organization))).toHaveLength(count);
        expect(await readStore.companiesWithPrimary(organization, 'same')).toEqual(['f1']);
      }
    });

    test('that nobody knows have nothing', async () => {
      const { readStore } = story().store;
      expect(await readStore.getContact('nobody', 'c1')).toBeNull();
      expect(await readStore.getCompany('nobody', 'c1')).toBeNull();
      expect(await readStore.listContacts('nobody', byName)).toEqual({ items: [], total: 0, next: null });
      expect(await readStore.listGroup('nobody', { group: { by: 'department', key: 'x' }, statuses: null, limit: 5, from: { offset: 0 } })).toEqual({ items: [], next: null });
      expect(await all(readStore.reportingLines('nobody'))).toEqual([]);
      expect(await readStore.isCompanyKnown('nobody', 'f1')).toBe(false);
    });
  });
}

const NAMES = ['Zoe', 'adam', 'Ähre', 'Ahre', 'øre', 'Ore', '😀', 'ﬀ', 'Zoë', 'a b', 'a-b', '', 'Zürich', '\uE000', 'zoe'];
const STATUSES = ['active', 'active', 'active', 'inactive', 'archived'] as const;

/** Sixty contacts with many ties; returns them as they stand. */
async function tellMany(story: Story): Promise<Contact[]> {
  const ids = Array.from({ length: 60 }, (_, n) => `c${String((n * 37) % 60).padStart(3, '0')}`);
  const told = await story.tell(
    ...ids.map((id, n) =>
      story.contact('acme', id, { name: NAMES[n % NAMES.length] ?? '', status: STATUSES[n % 5] ?? 'active', parentEntityId: n % 3 === 0 ? null : `f${n % 4}` }, at((n * 7) % 11)),
    ),
  );
  const changed = await story.tell(...ids.slice(0, 20).map((id, n) => story.contactChanges('acme', id, { notes: 'seen' }, at(20 + (n % 4)))));
  const byId = new Map<string, Contact>();
  for (const change of [...told.contacts, ...changed.contacts]) if (change.type === 'put') byId.set(change.id, change.document);
  return [...byId.values()];
}

const sortKey = (contact: Contact, field: SortField) => (field === 'name' ? foldText(contact.name) : contact[field]);

function sorted(contacts: readonly Contact[], field: SortField, direction: 'asc' | 'desc'): string[] {
  const order = (a: Contact, b: Contact) => byCodePoint(sortKey(a, field), sortKey(b, field)) || byCodePoint(a.id, b.id);
  const ascending = [...contacts].sort(order).map(({ id }) => id);
  return direction === 'asc' ? ascending : ascending.reverse();
}

const orders = sortFields.flatMap((orderBy) => (['asc', 'desc'] as const).map((direction) => ({ orderBy, direction })));

function listing(open: Open): void {
  describe('lists', () => {
    const story = useStory(open);

    test.each(orders)('are in order of $orderBy, $direction, ties by id, by offset and by cursor', async (order) => {
      const contacts = await tellMany(story());
      const { readStore } = story().store;
      const query = { ...byName, ...order };
      const expected = sorted(contacts, order.orderBy, order.direction);
      expect(idsOf(await readStore.listContacts('acme', query))).toEqual(expected);
      const byOffset: string[] = [];
      for (let offset = 0; offset < 70; offset += 7) byOffset.push(...idsOf(await readStore.listContacts('acme', { ...query, limit: 7, from: { offset } })));
      expect(byOffset).toEqual(expected);
      expect(await byCursor(story(), { ...query, limit: 7 })).toEqual(expected);
      expect(await byCursor(story(), { ...query, limit: 12 })).toEqual(expected);
    });

    const statusFilters = [null, ['active'], ['archived'], ['inactive', 'archived'], ['active', 'archived']] as const;
    test.each(statusFilters.flatMap((statuses) => [null, 'f1', 'f9'].map((parentEntityId) => ({ statuses, parentEntityId }))))(
      'hold what meets the filter, and count it: %j',
      async (some) => {
        const contacts = await tellMany(story());
        const { statuses, parentEntityId } = some;
        const meets = ({ status, parentEntityId: parent }: Contact) =>
          (statuses === null || (statuses as readonly string[]).includes(status)) && (parentEntityId === null || parent === parentEntityId);
        const hits = contacts.filter(meets);
        for (const order of orders) {
          for (const limit of [3, 100]) {
            const filter = { ...noFilter, statuses, parentEntityId };
            const page = await story().store.readStore.listContacts('acme', { ...byName, ...order, limit, filter });
            expect(idsOf(page)).toEqual(sorted(hits, order.orderBy, order.direction).slice(0, limit));
            expect(page.total).toBe(hits.length);
            expect(page.next === null).toBe(hits.length <= limit);
          }
        }
      },
    );

    test('count right after changes of status, removals and restorations', async () => {
      const contacts = await tellMany(story());
      const { readStore } = story().store;
      const [first, second, third] = contacts.filter(({ status }) => status === 'active') as [Contact, Contact, Contact];
      await story().tell(story().contactStatus('acme', first.id, 'archived'), story().contactGone('acme', second.id));
      await story().tell(story().contactGone('acme', third.id), story().contactGone('acme', first.id));
      const total = async (statuses: ListFilter['statuses']) => (await readStore.listContacts('acme', { ...byName, limit: 1, filter: { ...noFilter, statuses } })).total;
      expect([await total(null), await total(['active']), await total(['archived']), await total(['inactive'])]).toEqual([57, 33, 12, 12]);
    });

    test('have a page beyond the end that is empty and knows the total', async () => {
      await tellMany(story());
      expect(await story().store.readStore.listContacts('acme', { ...byName, from: { offset: 500 } })).toEqual({ items: [], total: 60, next: null });
    });
  });
}

/** The ids of every page, one after the other by cursor; `between` is done after each page. */
async function byCursor({ store: { readStore } }: Story, query: ListQuery, between: (seen: string[]) => Promise<unknown> = async () => {}): Promise<string[]> {
  const seen: string[] = [];
  for (let from = query.from; ; ) {
    const page = await readStore.listContacts('acme', { ...query, from });
    seen.push(...idsOf(page));
    if (page.next === null) return seen;
    from = { after: page.next };
    await between(seen);
  }
}

function cursors(open: Open): void {
  describe('pages by cursor', () => {
    const story = useStory(open);

    test.each(orders.filter(({ orderBy }) => orderBy !== 'updatedAt'))('stay right while documents come, change and go ($orderBy, $direction)', async (order) => {
      const contacts = await tellMany(story());
      const expected = sorted(contacts, order.orderBy, order.direction);
      let added = 0;
      const gone = new Set<string>();
      const seen = await byCursor(story(), { ...byName, ...order, limit: 9 }, async (already) => {
        const last = already.at(-1) as string;
        const ahead = expected.slice(expected.indexOf(last) + 1).find((id) => !already.includes(id) && !gone.has(id));
        const events = [story().contact('acme', `x${(added += 1)}`, { name: added % 2 === 0 ? '\u0021' : '\u{1F9D1}z' }, at(added % 2 === 0 ? -9 : 99))];
        events.push(story().contactChanges('acme', already[0] as string, { notes: `changed ${added}` }, at(50)));
        events.push(story().contactGone('acme', last));
        gone.add(last);
        if (ahead !== undefined) {
          gone.add(ahead);
          events.push(story().contactGone('acme', ahead));
        }
        await story().tell(...events);
      });
      expect(new Set(seen).size).toBe(seen.length);
      const unseenGone = [...gone].filter((id) => !seen.includes(id));
      expect(seen.filter((id) => id.startsWith('c'))).toEqual(expected.filter((id) => !unseenGone.includes(id)));
    });
  });
}

function relations(open: Open): void {
  describe('groups and relations', () => {
    const story = useStory(open);
    const reports = (reportsTo: string) => ({ metadata: { reportsTo } });

    test('list a group by name, paged by offset and by cursor, filtered by status and counted', async () => {
      const { readStore } = story().store;
      for (const [n, name] of NAMES.entries()) {
        const metadata = { department: n % 2 === 0 ? 'Sàles ' : 'sales', preferredContactMethod: 'email' as const };
        await story().tell(story().contact('acme', `c${n}`, { name, parentEntityId: 'f1', metadata, status: n % 5 === 0 ? 'archived' : 'active' }));
      }
      await story().tell(story().contact('acme', 'other', { name: 'Other', parentEntityId: 'f2', metadata: { department: 'sale' } }));
      const named = NAMES.map((name, n) => ({ id: `c${n}`, name: foldText(name), archived: n % 5 === 0 }));
      named.sort((a, b) => byCodePoint(a.name, b.name) || byCodePoint(a.id, b.id));
      for (const group of [{ by: 'company', key: 'f1' }, { by: 'department', key: 'sales' }, { by: 'contactMethod', key: 'email' }] as const) {
        for (const statuses of [null, ['archived'] as const]) {
          const expected = named.filter(({ archived }) => statuses === null || archived).map(({ id }) => id);
          const query = { group, statuses, limit: 2 };
          expect(idsOf(await readStore.listGroup('acme', { ...query, limit: 50, from: { offset: 0 } }))).toEqual(expected);
          expect(idsOf(await readStore.listGroup('acme', { ...query, from: { offset: 1 } }))).toEqual(expected.slice(1, 3));
          const walked: string[] = [];
          for (let page = await readStore.listGroup('acme', { ...query, from: { offset: 0 } }); ; ) {
            walked.push(...idsOf(page));
            if (page.next === null) break;
            page = await readStore.listGroup('acme', { ...query, from: { after: page.next } });
          }
          expect(walked).toEqual(expected);
          expect(await readStore.countGroup('acme', group, statuses)).toBe(expected.length);
        }
      }
    });

    test('follow a contact from group to group', async () => {
      const { readStore } = story().store;
      const count = (by: 'department' | 'company', key: string) => readStore.countGroup('acme', { by, key }, null);
      await story().tell(story().contact('acme', 'c1', { parentEntityId: 'f1', metadata: { department: 'Old' } }));
      await story().tell(story().contactChanges('acme', 'c1', { parentEntityId: null, metadata: { department: 'New' } }));
      expect([await count('department', 'old'), await count('department', 'new'), await count('company', 'f1')]).toEqual([0, 1, 0]);
      await story().tell(story().contactGone('acme', 'c1'));
      expect(await count('department', 'new')).toBe(0);
    });

    test("give reporting lines by manager's id, then by name, across batches", async () => {
      const { readStore } = story().store;
      await story().tell(story().contact('acme', 'm2'), story().contact('acme', 'm1'));
      const many = Array.from({ length: 2_100 }, (_, n) => ({ id: `c${n}`, name: `N${(n * 31) % 700}`, manager: n % 3 === 0 ? 'm1' : 'm2' }));
      await story().tell(...many.map(({ id, name, manager }) => story().contact('acme', id, { name, ...reports(manager) })));
      many.sort((a, b) => byCodePoint(a.manager, b.manager) || byCodePoint(foldText(a.name), foldText(b.name)) || byCodePoint(a.id, b.id));
      expect((await all(readStore.reportingLines('acme'))).map(({ id }) => id)).toEqual(many.map(({ id }) => id));
    });

    test('hide a line to a manager who is gone, or was never there, everywhere', async () => {
      const { readStore } = story().store;
      await story().tell(story().contact('acme', 'm1'), story().contact('acme', 'c1', { name: 'A', ...reports('m1') }), story().contact('acme', 'c2', { name: 'B', ...reports('nobody') }));
      expect((await all(readStore.reportingLines('acme'))).map(({ id }) => id)).toEqual(['c1']);
      expect(await readStore.getContact('acme', 'c1')).toMatchObject({ dangling: false, document: { metadata: { reportsTo: 'm1' } } });
      await story().tell(story().contactGone('acme', 'm1'));
      expect(await all(readStore.reportingLines('acme'))).toEqual([]);
      for (const id of ['c1', 'c2']) expect(await readStore.getContact('acme', id)).toMatchObject({ dangling: true, document: { metadata: { reportsTo: null } } });
      expect((await readStore.listContacts('acme', byName)).items.map(({ document }) => document.metadata.reportsTo)).toEqual([null, null]);
      expect(await readStore.reportsOf('acme', 'm1', 10)).toEqual(['c1']);
    });

    test('know who reports to whom, up to a limit', async () => {
      const { readStore } = story().store;
      await story().tell(...['c1', 'c2', 'c3'].map((id) => story().contact('acme', id, reports('m1'))));
      expect((await readStore.reportsOf('acme', 'm1', 10)).sort()).toEqual(['c1', 'c2', 'c3']);
      expect(await readStore.reportsOf('acme', 'm1', 2)).toHaveLength(2);
      await story().tell(story().contactChanges('acme', 'c1', { metadata: { reportsTo: null } }), story().contactGone('acme', 'c2'));
      expect(await readStore.reportsOf('acme', 'm1', 10)).toEqual(['c3']);
      expect(await readStore.reportsOf('acme', 'c3', 10)).toEqual([]);
    });

    test('know a company by itself or by a contact of it', async () => {
      const { readStore } = story().store;
      const known = () => Promise.all(['f1', 'f2', 'f3'].map((id) => readStore.isCompanyKnown('acme', id)));
      await story().tell(story().company('acme', 'f1'), story().contact('acme', 'c1', { parentEntityId: 'f2' }));
      expect(await known()).toEqual([true, true, false]);
      await story().tell(story().companyGone('acme', 'f1'), story().contactGone('acme', 'c1'));
      expect(await known()).toEqual([false, false, false]);
    });

    test('know the companies of a primary contact, and hide one that is gone', async () => {
      const { readStore } = story().store;
      await story().tell(story().contact('acme', 'c1'), ...['f1', 'f2', 'f3'].map((id) => story().company('acme', id)));
      await story().tell(story().primary('acme', 'f1', 'c1'), story().primary('acme', 'f2', 'c1'), story().primary('acme', 'f3', 'c1'));
      await story().tell(story().noPrimary('acme', 'f2', 'c1'), story().companyGone('acme', 'f3'));
      expect(await readStore.companiesWithPrimary('acme', 'c1')).toEqual(['f1']);
      expect(await readStore.getCompany('acme', 'f1')).toMatchObject({ dangling: false, document: { primaryContactId: 'c1' } });
      await story().tell(story().contactGone('acme', 'c1'));
      expect(await readStore.getCompany('acme', 'f1')).toMatchObject({ dangling: true, document: { primaryContactId: null } });
      expect(await readStore.companiesWithPrimary('acme', 'c1')).toEqual(['f1']);
    });
  });
}
