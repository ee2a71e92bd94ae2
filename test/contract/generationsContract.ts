// What every projection store must do with generations: build one beside the live one, switch, drop.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Generation, StoredDocument } from '../../src/ports/readStore.js';
import type { DocumentSubject } from '../../src/ports/projection.js';
import { contactKeys } from '../../src/domain/keys.js';
import { byName, noFilter } from './readStoreContract.js';
import { Story, type OpenedStore } from './samples.js';

type Open = (folder: string) => Promise<OpenedStore>;

/** Runs the suite on the stores that `open` makes in a folder: as it was left, when it was used before. */
export function generationsContract(name: string, open: Open, newFolder: () => string): void {
  describe(`generations, ${name}`, () => {
    let folder: string;
    let story: Story;
    beforeEach(async () => {
      folder = newFolder();
      story = await Story.begin(await open(folder));
    });
    afterEach(() => story.store.close());

    const store = () => story.store.projectionStore;
    const reopen = async () => {
      await story.store.close();
      story.store = await open(folder);
    };
    const names = async () => (await story.store.readStore.listContacts('acme', byName)).items.map(({ document }) => document.name);
    const found = async (literal: string) =>
      (await story.store.readStore.listContacts('acme', { ...byName, filter: { ...noFilter, search: [{ literal, digits: null }] } })).total;
    const all = (generation: number) => walk(story.store, generation, 100);

    test('of a new store are none, and each projection has its own', async () => {
      const fresh = await open(newFolder());
      expect([await fresh.projectionStore.live('contacts'), await fresh.projectionStore.building('contacts')]).toEqual([null, null]);
      const built = await fresh.projectionStore.build('contacts', 3);
      expect(built).toEqual({ number: expect.any(Number), version: 3, position: null });
      expect([await fresh.projectionStore.live('contacts'), await fresh.projectionStore.building('contacts')]).toEqual([null, built]);
      expect(await fresh.projectionStore.switchTo('contacts', built.number)).toBe(true);
      expect([await fresh.projectionStore.live('contacts'), await fresh.projectionStore.building('contacts')]).toEqual([built, null]);
      expect([await fresh.projectionStore.live('companies'), await fresh.projectionStore.building('companies')]).toEqual([null, null]);
      await fresh.close();
    });

    test('are read when they are live, and never before', async () => {
      const created = story.contact('acme', 'c1', { name: 'One' });
      await story.tell(created, story.company('acme', 'f1'));
      const built = await store().build('contacts', 2);
      expect(await names()).toEqual(['One']);
      await story.tellTo('contacts', built, { ...created, data: { ...created.data, contact: { ...emptyOf(created), name: 'Uno' } } } as typeof created);
      expect([await names(), await found('uno'), await found('one')]).toEqual([['One'], 0, 1]);
      expect(await story.store.readStore.getContact('acme', 'c1')).toMatchObject({ document: { name: 'One' } });
      expect(await store().switchTo('contacts', built.number)).toBe(true);
      expect([await names(), await found('uno'), await found('one')]).toEqual([['Uno'], 1, 0]);
      expect(await story.live('contacts')).toEqual({ ...built, position: story.store.position(2) });
      expect(await store().building('contacts')).toBeNull();
      expect((await story.store.readStore.listCompanies('acme', byName)).total).toBe(1);
    });

    test('that are live go on as before while another is built', async () => {
      await story.tell(story.contact('acme', 'c1', { name: 'One' }));
      const built = await store().build('contacts', 2);
      await story.tell(story.contactChanges('acme', 'c1', { name: 'Uno' }), story.contact('acme', 'c2', { name: 'Two' }));
      expect(await names()).toEqual(['Two', 'Uno']);
      expect(await store().building('contacts')).toEqual(built);
      expect(await all(built.number)).toEqual([]);
    });

    test('do not take the place of one that stands further on', async () => {
      const created = story.contact('acme', 'c1', { name: 'One' });
      await story.tell(created);
      const live = await story.live('contacts');
      const built = await store().build('contacts', 2);
      expect(await store().switchTo('contacts', built.number)).toBe(false);
      await story.tellTo('contacts', built, created);
      const gone = story.contactGone('acme', 'c1');
      await story.tell(gone);
      expect(await store().switchTo('contacts', built.number)).toBe(false);
      expect(await names()).toEqual([]);
      expect((await story.live('contacts')).number).toBe(live.number);
      await story.tellTo('contacts', { ...built, position: story.store.position(1) }, gone);
      expect(await store().switchTo('contacts', built.number)).toBe(true);
    });

    test('take the place of one that stands further on when that is told to be of another log', async () => {
      const created = story.contact('acme', 'c1', { name: 'One' });
      await story.tell(created, story.contact('acme', 'c2', { name: 'Two' }));
      await story.apply();
      const built = await store().build('contacts', 2);
      await store().building('contacts');
      expect(await store().switchTo('contacts', built.number)).toBe(false);
      expect(await store().switchTo('contacts', built.number, true)).toBe(true);
      expect(await names()).toEqual([]);
      expect(await story.live('contacts')).toEqual(built);
    });

    test('are switched to only when they are the one being built', async () => {
      const live = await story.live('contacts');
      expect(await store().switchTo('contacts', live.number)).toBe(false);
      expect(await store().switchTo('contacts', live.number + 1)).toBe(false);
      const abandoned = await store().build('contacts', 2);
      const built = await store().build('contacts', 2);
      expect(built.number).toBeGreaterThan(abandoned.number);
      expect(await store().switchTo('contacts', abandoned.number)).toBe(false);
      expect(await story.live('contacts')).toEqual(live);
    });

    test('are given up when another is begun, which begins empty', async () => {
      const events = [story.contact('acme', 'c1', { name: 'One' }), story.contact('acme', 'c2'), story.contactGone('acme', 'c2')];
      await story.tell(...events);
      const abandoned = await store().build('contacts', 2);
      await story.tellTo('contacts', abandoned, ...events);
      const built = await store().build('contacts', 3);
      expect(await store().building('contacts')).toEqual({ number: built.number, version: 3, position: null });
      const subjects = ['c1', 'c2'].map((id) => ({ organizationId: 'acme', id }));
      expect(await store().load('contacts', built.number, subjects)).toEqual([null, null]);
      expect(await all(abandoned.number)).toEqual([]);
      await story.tellTo('contacts', built, ...events);
      expect(await store().switchTo('contacts', built.number)).toBe(true);
      expect([await names(), await found('one')]).toEqual([['One'], 1]);
    });

    test('that were dropped take no more changes', async () => {
      const created = story.contact('acme', 'c1', { name: 'One' });
      const [change] = (await story.tell(created)).contacts;
      const old = await story.live('contacts');
      const built = await store().build('contacts', 2);
      await story.tellTo('contacts', built, created);
      await store().switchTo('contacts', built.number);
      const another = { ...change!, id: 'c9' };
      expect(await store().apply('contacts', old.number, [another], old.position, story.store.position(2))).toBe(false);
      expect(await all(old.number)).toEqual([]);
      const [abandoned] = [await store().build('contacts', 2), await store().build('contacts', 2)];
      expect(await store().apply('contacts', abandoned.number, [another], null, story.store.position(2))).toBe(false);
      expect(await names()).toEqual(['One']);
    });

    test('take changes and a switch asked for together', async () => {
      const [{ contacts }, { number, position }] = [await story.tell(story.contact('acme', 'c1', { name: 'One' })), await story.live('contacts')];
      const built = await store().build('contacts', 2);
      const [applied] = await Promise.all([
        store().apply('contacts', built.number, contacts, null, position!),
        store().switchTo('contacts', built.number),
      ]);
      expect(applied).toBe(true);
      await store().switchTo('contacts', built.number);
      expect(await names()).toEqual(['One']);
      expect((await story.live('contacts')).number).toBeGreaterThan(number);
    });

    test('stand as they stood when the store is opened again', async () => {
      const events = Array.from({ length: 250 }, (_, n) => story.contact('acme', `c${n}`, { name: `N${n}` }));
      await story.tell(...events, story.contact('other', 'c1', { name: 'Other' }));
      await store().build('contacts', 2);
      const built = await store().build('contacts', 2);
      await story.tellTo('contacts', built, ...events);
      const [live, building] = [await story.live('contacts'), await store().building('contacts')];
      await reopen();
      expect([await story.live('contacts'), await store().building('contacts')]).toEqual([live, building]);
      expect(building?.position).toBe(story.store.position(251));
      expect(await store().switchTo('contacts', built.number)).toBe(true);
      await reopen();
      expect(await story.live('contacts')).toEqual(building);
      expect((await story.store.readStore.listContacts('acme', byName)).total).toBe(250);
      expect((await story.store.readStore.listContacts('other', byName)).total).toBe(0);
    });

    test('give number after number, and keep what they hold apart', async () => {
      let position: Generation['position'] = null;
      const numbers: number[] = [];
      for (let round = 0; round < 4; round += 1) {
        const changes = [await story.contact('acme', `c${round}`, { name: `Of round ${round}` })];
        const built = await store().build('contacts', 1);
        numbers.push(built.number);
        await story.tellTo('contacts', built, ...changes);
        expect(await store().switchTo('contacts', built.number)).toBe(true);
        position = (await story.live('contacts')).position;
        expect(await names()).toEqual([`Of round ${round}`]);
        await reopen();
      }
      expect(position).not.toBeNull();
      expect([...numbers].sort((a, b) => a - b)).toEqual([...new Set(numbers)]);
    });

    test.each([1, 3, 100])('are walked in one order, tombstones too, %d at a time', async (limit) => {
      const organizations = ['acme', 'acme-b', 'Zeta', 'é'];
      for (const organization of organizations) {
        const ids = ['b', 'a', 'd', 'c'];
        await story.tell(...ids.map((id) => story.contact(organization, id, { name: `${organization} ${id}`, metadata: { department: 'Séles', reportsTo: 'a' } })));
      }
      await story.tell(story.contactGone('acme', 'c'), story.contactGone('Zeta', 'a'), story.contactGone('Zeta', 'd'), story.contactChanges('acme', 'a', { phone: '+1 23' }));
      const { number } = await story.live('contacts');
      const walked = await walk(story.store, number, limit);
      const key = ({ organizationId, id }: DocumentSubject) => `${organizationId}/${id}`;
      expect(walked.map(key).sort()).toEqual(organizations.flatMap((organization) => ['a', 'b', 'c', 'd'].map((id) => `${organization}/${id}`)).sort());
      const stored = await store().load('contacts', number, walked);
      for (const [index, { document, revision, keys }] of walked.entries()) {
        expect({ document, revision }).toEqual(stored[index]);
        expect(keys).toEqual(document === null ? null : contactKeys(document));
      }
      expect(walked.filter(({ document }) => document === null).map(key).sort()).toEqual(['Zeta/a', 'Zeta/d', 'acme/c']);
      expect(await walk(story.store, number, 100)).toEqual(walked);
      expect(await walk(story.store, number + 1, 100)).toEqual([]);
    });
  });
}

const emptyOf = ({ data }: { data: object }) => (data as { contact: object }).contact;

/** Every document of a generation of contacts, `limit` at a time. */
async function walk({ projectionStore }: OpenedStore, generation: number, limit: number): Promise<StoredDocument[]> {
  const walked: StoredDocument[] = [];
  for (;;) {
    const page = await projectionStore.documents('contacts', generation, walked.at(-1) ?? null, limit);
    walked.push(...page);
    if (page.length < limit) return walked;
  }
}
