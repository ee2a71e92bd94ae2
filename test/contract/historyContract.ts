// What every history store must do: entries of documents, and contacts as they stood at any instant.

import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Contact } from '../../src/domain/contact.js';
import { ERASED } from '../../src/domain/events/personal.js';
import { searchWords } from '../../src/domain/text.js';
import type { RecordedEvent } from '../../src/ports/eventStore.js';
import type { ChartContact } from '../../src/ports/readStore.js';
import type { AuditFilter, AuditPage, AuditPoint, HistoryStore } from '../../src/ports/historyStore.js';
import { histories } from '../projections/history.js';
import { canonical, documentKey, foldDocuments } from '../support/fold.js';
import { byName, noFilter } from './readStoreContract.js';
import { all, NOW, Story, type OpenedStore } from './samples.js';

type Opened = OpenedStore & { history: HistoryStore };
type Open = () => Promise<Opened>;
type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

const at = (second: number) => new Date(Date.parse(NOW) + second * 1_000).toISOString();

/** Runs the suite on a store that `open` makes; `runs` is how many histories are tried. */
export function historyContract(name: string, open: Open, runs = 20): void {
  describe(`history, ${name}`, () => {
    let store: Opened;
    let story: Story;
    /** A new store, and nothing told to it. */
    const begin = async () => {
      await (store as Opened | undefined)?.close();
      store = await open();
      story = await Story.begin(store);
    };
    afterAll(() => store.close());

    // Read again until it is kept where a store keeps what is read often: it says the same each time.
    const entries = async (id: string, organization = 'acme', projection: 'contacts' | 'companies' = 'contacts') => {
      const read = () => store.history.history(organization, projection, id, null, 100);
      const [page, ...again] = [await read(), await read(), await read()];
      for (const one of again) expect(one).toEqual(page);
      return page === null ? null : (JSON.parse(`[${Buffer.from(page.content).toString()}]`) as { type: string; revision: number; changes: { field: string; from: Value; to: Value }[] }[]);
    };

    test('contacts stood at any instant as the events up to it say, and entries add up to what stands', async () => {
      await fc.assert(
        fc.asyncProperty(histories(25), fc.array(fc.integer({ min: -1, max: 14 }), { minLength: 1, maxLength: 4 }), async ({ events }, seconds) => {
          await begin();
          // Two events share an instant.
          const told = events.map((event, n): RecordedEvent => ({ ...event, position: story.store.position(n + 1), metadata: { ...event.metadata, occurredAt: at(n >> 1) } }));
          for (const event of told) await story.tellRecorded(event);
          for (const second of seconds) await expectStood(store.history, told, at(second));
          await expectAddsUp(told);
        }),
        { numRuns: runs, endOnFailure: true },
      );
    });

    /** Changes applied one after another give the fields of each living contact. */
    async function expectAddsUp(told: readonly RecordedEvent[]) {
      const documents = foldDocuments(told);
      for (const organization of ['acme', 'a', 'a-b']) {
        for (const id of ['one', 'two', 'three']) {
          const key = documentKey('contacts', organization, id);
          const known = await entries(id, organization);
          expect(known === null).toBe(!told.some(({ stream }) => stream.startsWith('contact-') && stream.endsWith(`-${organization.replace('-', '%2D')}-${id}`)));
          if (known === null || !documents.has(key)) continue;
          const fields = new Map<string, Value>();
          for (const { changes } of known) {
            for (const { field, from, to } of changes) {
              expect(canonical(fields.get(field) ?? null)).toBe(canonical(from));
              fields.set(field, to);
              if (field.startsWith('customFields.')) fields.delete('customFields');
            }
          }
          const { id: _id, organizationId: _o, entityTypes: _e, primaryContactId: _p, createdAt: _c, updatedAt: _u, ...standing } = JSON.parse(documents.get(key) as string) as Record<string, Value>;
          const set = [...fields].filter(([field, value]) => value !== null && field !== 'customFields');
          expect(Object.fromEntries(set)).toEqual(Object.fromEntries(leaves(standing)));
        }
      }
    }

    test('lists as of an instant filter, search, sort, count and page as lists of today', async () => {
      await begin();
      const names = ['delta', 'alpha', 'charlie', 'bravo', 'echo'];
      for (const [n, name] of names.entries()) {
        await story.tell(story.contact('acme', `c${n}`, { name, phone: `555-${n}`, parentEntityId: n % 2 === 0 ? 'f' : null, metadata: { department: 'Été' } }, at(n)));
      }
      const live = async () => ({
        pages: await pagesOf(store.readStore),
        group: await store.readStore.listGroup('acme', { group: { by: 'company', key: 'f' }, statuses: ['active'], limit: 2, from: { offset: 0 } }),
        count: await store.readStore.countGroup('acme', { by: 'department', key: 'ete' }, null),
        known: await store.readStore.isCompanyKnown('acme', 'f'),
      });
      const expected = await live();
      for (const [n, name] of names.entries()) await story.tell(story.contactChanges('acme', `c${n}`, { name: `${name} changed`, phone: null, parentEntityId: null, metadata: { department: null } }, at(10 + n)));
      await story.tell(story.event('acme', { type: 'ContactDeleted', data: { contactId: 'c1' } }, at(20)), story.contact('acme', 'c9', { name: 'later' }, at(21)));
      const past = store.history.asOf(at(9));
      expect({
        pages: await pagesOf(past),
        group: await past.listGroup('acme', { group: { by: 'company', key: 'f' }, statuses: ['active'], limit: 2, from: { offset: 0 } }),
        count: await past.countGroup('acme', { by: 'department', key: 'ete' }, null),
        known: await past.isCompanyKnown('acme', 'f'),
      }).toEqual(expected);
      expect(await store.readStore.isCompanyKnown('acme', 'f')).toBe(false);
      expect((await past.listContacts('other', byName)).total).toBe(0);
      expect(await past.getContact('other', 'c0')).toBeNull();
    });

    test('an erased contact is shown with no personal value at any instant, and its history names fields only', async () => {
      await begin();
      await story.tell(story.contact('acme', 'ada', { name: 'Secret Ada', email: 'secret@x.y', customFields: { secret: 1 }, metadata: { title: 'Secret', reportsTo: 'boss' } }, at(0)), story.contact('acme', 'boss', {}, at(0)));
      await story.tell(story.contactChanges('acme', 'ada', { email: 'other secret', metadata: { reportsTo: null } }, at(1)));
      // Read before: nothing of it may be kept.
      expect(JSON.stringify(await entries('ada'))).toMatch(/secret/i);
      await story.tell(story.event('acme', { type: 'ContactDeleted', data: { contactId: 'ada' } }, at(2)), story.event('acme', { type: 'ContactErased', data: { contactId: 'ada', reason: 'asked' } }, at(3)));
      const told = await entries('ada');
      expect(JSON.stringify(told)).not.toMatch(/secret/i);
      expect(told?.map(({ type }) => type)).toEqual(['ContactCreated', 'ContactUpdated', 'ContactDeleted', 'ContactErased']);
      expect(told?.[1]?.changes).toEqual([{ field: 'email', from: ERASED, to: ERASED }, { field: 'metadata.reportsTo', from: 'boss', to: null }]);
      for (const second of [0, 1]) {
        const past = store.history.asOf(at(second));
        const shown = await past.listContacts('acme', byName);
        expect(shown.total).toBe(2);
        expect(JSON.stringify([shown, await past.getContact('acme', 'ada'), await all(past.reportingLines('acme'))])).not.toMatch(/secret/i);
        expect((await past.listContacts('acme', { ...byName, filter: { ...noFilter, search: searchWords('secret') } })).total).toBe(0);
      }
      expect(await store.history.asOf(at(2)).getContact('acme', 'ada')).toBeNull();
    });

    test('a restored contact was there, was not, and is again', async () => {
      await begin();
      await story.tell(story.contact('acme', 'ada', { name: 'Ada' }, at(0)));
      await story.tell(story.event('acme', { type: 'ContactDeleted', data: { contactId: 'ada' } }, at(1)));
      const { id: _, organizationId: _o, entityTypes: _e, primaryContactId: _p, createdAt, updatedAt: _u, ...contact } = (await store.history.asOf(at(0)).getContact('acme', 'ada'))?.document as Contact;
      await story.tell(story.event('acme', { type: 'ContactRestored', data: { contactId: 'ada', contact, createdAt } }, at(2)));
      const there = await Promise.all([-1, 0, 1, 2].map(async (second) => (await store.history.asOf(at(second)).getContact('acme', 'ada'))?.revision));
      expect(there).toEqual([undefined, 0, undefined, 2]);
      expect((await entries('ada'))?.at(-1)).toMatchObject({ type: 'ContactRestored', changes: [] });
    });

    test('the audit has the entries of all, newest first, by each filter, page after page', async () => {
      await begin();
      for (const n of [0, 1, 2]) await story.tell(story.contact('acme', `c${n}`, { name: `n${n}` }, at(n)), story.company('acme', `f${n}`, {}, at(n)));
      for (const n of [0, 1, 2]) await story.tell(story.contactChanges('acme', `c${n}`, { notes: 'x' }, at(2 + n)));
      await story.tell(story.contact('other', 'c0', {}, at(1)));
      const none: AuditFilter = { actor: null, type: null, contactId: null, companyId: null, since: null, until: null };
      const audit = async (filter: Partial<AuditFilter>) => {
        const given: string[] = [];
        for (let after: AuditPoint | null = null; ; ) {
          const { items, next }: AuditPage = await store.history.audit('acme', { ...none, ...filter }, after, 2);
          given.push(...items.map(({ text, id, revision }) => `${id}@${revision} ${(JSON.parse(text) as { changes: object[] }).changes.length}`));
          if (next === null) return given;
          after = next;
        }
      };
      const everything = ['c2@1 1', 'c1@1 1', 'f2@0 3', 'c2@0 2', 'c0@1 1', 'f1@0 3', 'c1@0 2', 'f0@0 3', 'c0@0 2'];
      expect(await audit({})).toEqual(everything);
      expect(await audit({ actor: 'tester' })).toEqual(everything);
      expect(await audit({ actor: 'nobody' })).toEqual([]);
      expect(await audit({ type: 'ContactUpdated' })).toEqual(['c2@1 1', 'c1@1 1', 'c0@1 1']);
      expect(await audit({ contactId: 'c1', actor: 'tester' })).toEqual(['c1@1 1', 'c1@0 2']);
      expect(await audit({ companyId: 'f1' })).toEqual(['f1@0 3']);
      expect(await audit({ since: at(3) })).toEqual(['c2@1 1', 'c1@1 1']);
      expect(await audit({ since: at(1), until: at(1) })).toEqual(['f1@0 3', 'c1@0 2']);
    });

    test('what was read before follows every change, a deletion, and a switch to another generation', async () => {
      await begin();
      const types = async () => (await entries('ada'))?.map(({ type, changes }) => `${type} ${changes.map(({ field, to }) => `${field}=${JSON.stringify(to)}`).join()}`);
      const created = story.contact('acme', 'ada', { name: 'Ada' }, at(0));
      await story.tell(created, story.contact('other', 'ada', { name: 'Another' }, at(0)));
      const first = await types();
      expect(first).toEqual([expect.stringMatching(/^ContactCreated .*name="Ada"/)]);
      const updated = story.contactChanges('acme', 'ada', { notes: 'one' }, at(1));
      await story.tell(updated);
      const changed = [first?.[0], 'ContactUpdated notes="one"'];
      expect([await types(), await types()]).toEqual([changed, changed]);
      await story.tell(story.event('acme', { type: 'ContactDeleted', data: { contactId: 'ada' } }, at(2)));
      expect([await types(), await types()]).toEqual([[...changed, 'ContactDeleted '], [...changed, 'ContactDeleted ']]);
      const built = await story.store.projectionStore.build('contacts', 1);
      await story.tellTo('contacts', built, created, updated);
      await story.store.projectionStore.switchTo('contacts', built.number);
      expect([await types(), await types()]).toEqual([changed, changed]);
    });

    test('a page of large entries holds fewer than asked for, of a history as of the audit, and the next goes on behind them', async () => {
      await begin();
      await story.tell(story.contact('acme', 'ada', {}, at(0)));
      const notes = (n: number) => `${n}`.repeat(700_000);
      for (const n of [1, 2, 3, 4]) await story.tell(story.contactChanges('acme', 'ada', { notes: notes(n) }, at(n)));
      const pages: number[][] = [];
      for (let after: number | null = null; ; ) {
        const page = await store.history.history('acme', 'contacts', 'ada', after, 100);
        pages.push((JSON.parse(`[${Buffer.from(page?.content ?? []).toString()}]`) as { revision: number }[]).map(({ revision }) => revision));
        after = page?.next ?? null;
        if (after === null) break;
      }
      expect(pages).toEqual([[0, 1, 2], [3, 4]]);
      const none: AuditFilter = { actor: null, type: null, contactId: null, companyId: null, since: null, until: null };
      const audited: number[][] = [];
      for (let after: AuditPoint | null = null; ; ) {
        const { items, next }: AuditPage = await store.history.audit('acme', none, after, 100);
        audited.push(items.map(({ revision }) => revision));
        if (next === null) break;
        after = next;
      }
      expect(audited).toEqual([[4, 3], [2, 1], [0]]);
    });

    test('a page of the audit holds fewer large creations than asked for, and none is left out', async () => {
      await begin();
      const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
      for (const [index, id] of ids.entries()) await story.tell(story.contact('acme', id, { notes: id.repeat(600_000) }, at(index)));
      const none: AuditFilter = { actor: null, type: null, contactId: null, companyId: null, since: null, until: null };
      const found: string[] = [];
      for (let after: AuditPoint | null = null; ; ) {
        const { items, next }: AuditPage = await store.history.audit('acme', none, after, 100);
        found.push(...items.map(({ id }) => id));
        expect(items.slice(1).reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(2_600_000);
        if (next === null) break;
        after = next;
      }
      expect(found).toEqual([...ids].reverse());
    });

    test('entries page by revision, and one that never was has none', async () => {
      await begin();
      await story.tell(story.contact('acme', 'ada', {}, at(0)));
      for (const n of [1, 2, 3, 4]) await story.tell(story.contactChanges('acme', 'ada', { notes: `${n}` }, at(n)));
      const page = async (after: number | null) => {
        const { content, next } = (await store.history.history('acme', 'contacts', 'ada', after, 2)) ?? { content: Buffer.alloc(0), next: null };
        return { revisions: (JSON.parse(`[${Buffer.from(content).toString()}]`) as { revision: number }[]).map(({ revision }) => revision), next };
      };
      expect(await page(null)).toEqual({ revisions: [0, 1], next: 1 });
      expect(await page(1)).toEqual({ revisions: [2, 3], next: 3 });
      expect(await page(3)).toEqual({ revisions: [4], next: null });
      expect(await page(4)).toEqual({ revisions: [], next: null });
      expect(await entries('ada', 'other')).toBeNull();
      expect(await entries('nobody')).toBeNull();
      expect(await entries('ada', 'acme', 'companies')).toBeNull();
    });
  });
}

async function expectStood(history: HistoryStore, told: readonly RecordedEvent[], instant: string): Promise<void> {
  const documents = foldDocuments(told.filter(({ metadata }) => metadata.occurredAt <= instant));
  const past = history.asOf(instant);
  for (const organization of ['acme', 'a', 'a-b']) {
    const standing = [...documents].flatMap(([key, document]) => {
      const [kind, of] = JSON.parse(key) as [string, string, string];
      return kind === 'contacts' && of === organization ? [JSON.parse(document) as Contact] : [];
    });
    const ids = new Set(standing.map(({ id }) => id));
    const manager = ({ metadata: { reportsTo } }: Contact) => (reportsTo !== null && ids.has(reportsTo) ? reportsTo : null);
    const expected = standing.map((contact) => ({ ...contact, metadata: { ...contact.metadata, reportsTo: manager(contact) } }));
    const { items, total } = await past.listContacts(organization, byName);
    expect(total).toBe(expected.length);
    expect(sorted(items.map(({ document }) => document))).toEqual(sorted(expected));
    expect(sorted(await all(past.reportingLines(organization)))).toEqual(sorted(standing.filter((contact) => manager(contact) !== null).map(inChart)));
    expect(sorted(await all(past.chart(organization)))).toEqual(sorted(standing.map((contact) => ({ id: contact.id, managerId: manager(contact) }))));
    for (const company of ['one', 'two']) {
      const known = documents.has(documentKey('companies', organization, company)) || standing.some(({ parentEntityId }) => parentEntityId === company);
      expect(await past.isCompanyKnown(organization, company)).toBe(known);
    }
  }
}

const inChart = ({ id, name, displayName, metadata: { title, department, reportsTo } }: Contact): ChartContact => ({ id, name, displayName, metadata: { title, department, reportsTo } });

const sorted = (values: readonly unknown[]) => values.map(canonical).sort();

/** Every page of several lists, by offset and by cursor. */
async function pagesOf(store: Pick<OpenedStore['readStore'], 'listContacts'>) {
  const given = [];
  for (const orderBy of ['name', 'createdAt', 'updatedAt'] as const) {
    for (const direction of ['asc', 'desc'] as const) {
      const asked = { ...byName, orderBy, direction, limit: 2 };
      given.push(await store.listContacts('acme', { ...asked, from: { offset: 3 } }));
      for (let from: typeof byName.from | null = { offset: 0 }; from !== null; ) {
        const page: Awaited<ReturnType<typeof store.listContacts>> = await store.listContacts('acme', { ...asked, from });
        given.push(page);
        from = page.next === null ? null : { after: page.next };
      }
    }
  }
  for (const filter of [{ ...noFilter, search: searchWords('555 lpha') }, { ...noFilter, parentEntityId: 'f' }, { ...noFilter, statuses: ['archived' as const] }]) {
    given.push(await store.listContacts('acme', { ...byName, filter }));
  }
  return given;
}

/** Every value that is set, by its path. */
function leaves(value: Record<string, Value>, prefix = ''): [string, Value][] {
  return Object.entries(value).flatMap(([key, inner]): [string, Value][] => {
    if (inner === null) return [];
    if (typeof inner !== 'object' || Array.isArray(inner)) return [[prefix + key, inner]];
    return leaves(inner, `${prefix}${key}.`);
  });
}
