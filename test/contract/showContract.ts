// What every projection store must do for a writer that shows its own events ahead of the position.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RecordedEvent } from '../../src/ports/eventStore.js';
import type { Step } from '../../src/ports/readStore.js';
import { contactsProjection } from '../../src/projections/contacts.js';
import { changeOf } from '../../src/projections/project.js';
import { byName } from './readStoreContract.js';
import { Story, type OpenedStore } from './samples.js';

const subject = { organizationId: 'acme', id: 'c1' };

/** The step that `event` makes of a contact at the revision before. */
const stepOf =
  (event: RecordedEvent): Step =>
  (stored) =>
    (stored?.revision ?? -1) === event.revision - 1 ? changeOf(contactsProjection, { ...subject, events: [event] }, stored) : null;

const showing = (event: RecordedEvent, version = contactsProjection.version) => ({ subject, revision: event.revision, version, step: stepOf(event) });

/** Runs the suite on the stores that `open` makes, each empty at first. */
export function showContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`showing ahead, ${name}`, () => {
    let story: Story;
    beforeEach(async () => {
      story = await Story.begin(await open());
    });
    afterEach(() => story.store.close());

    const store = () => story.store.projectionStore;
    const show = (event: RecordedEvent) => store().show('contacts', showing(event));
    const names = async () => (await story.store.readStore.listContacts('acme', byName)).items.map(({ document }) => document.name);

    test('is seen at once, moves no position, and is not seen twice when its events come by', async () => {
      const [created, changed] = [story.contact('acme', 'c1', { name: 'One' }), story.contactChanges('acme', 'c1', { name: 'Uno' })];
      expect(await show(created)).toBe(true);
      expect([await names(), (await story.live('contacts')).position]).toEqual([['One'], null]);
      expect(await show(changed)).toBe(true);
      expect(await names()).toEqual(['Uno']);
      await story.tell(created, changed);
      expect(await story.store.readStore.getContact('acme', 'c1')).toMatchObject({ revision: 1, document: { name: 'Uno' } });
      expect((await story.live('contacts')).position).toBe(story.store.position(2));
      expect(await show(created)).toBe(true);
      expect(await names()).toEqual(['Uno']);
    });

    test('comes before the manager that it refers to, and shows the line once that one is there', async () => {
      const [manager, report] = [story.contact('acme', 'm1'), story.contact('acme', 'c1', { metadata: { reportsTo: 'm1' } })];
      const { readStore } = story.store;
      expect(await show(report)).toBe(true);
      for (let reads = 0; reads < 2; reads += 1) {
        expect(await readStore.getContact('acme', 'c1')).toMatchObject({ dangling: true, document: { metadata: { reportsTo: null } } });
      }
      await story.tell(manager, report);
      expect(await readStore.getContact('acme', 'c1')).toMatchObject({ dangling: false, document: { metadata: { reportsTo: 'm1' } } });
    });

    test('comes to nothing while what stands is not what the step begins from', async () => {
      const events = [story.contact('acme', 'c1', { name: 'One' }), story.contactChanges('acme', 'c1', { name: 'Uno' }), story.contactGone('acme', 'c1')] as const;
      expect(await show(events[2])).toBe(false);
      expect(await show(events[1])).toBe(false);
      await story.tell(events[0]);
      expect(await show(events[2])).toBe(false);
      expect(await show(events[1])).toBe(true);
      expect(await show(events[2])).toBe(true);
      expect(await names()).toEqual([]);
    });

    test('comes to nothing where nothing is live', async () => {
      const fresh = await open();
      const created = story.contact('acme', 'c1', { name: 'One' });
      expect(await fresh.projectionStore.show('contacts', showing(created))).toBe(false);
      await fresh.projectionStore.build('contacts', contactsProjection.version);
      expect(await fresh.projectionStore.show('contacts', showing(created))).toBe(false);
      await fresh.close();
    });

    test('holds for a generation being built, which can be switched to at once', async () => {
      const { number } = await store().build('contacts', contactsProjection.version);
      expect(await show(story.contact('acme', 'c1', { name: 'One' }))).toBe(true);
      expect(await show(story.contactChanges('acme', 'c1', { name: 'Uno' }))).toBe(true);
      expect(await store().switchTo('contacts', number)).toBe(true);
      expect(await names()).toEqual(['Uno']);
    });

    test('keeps a generation being built that lacks it from being switched to before it was asked for again', async () => {
      const [created, changed] = [story.contact('acme', 'c1', { name: 'One' }), story.contactChanges('acme', 'c1', { name: 'Uno' })];
      expect(await show(created)).toBe(true);
      const built = await store().build('contacts', contactsProjection.version);
      expect(await show(changed)).toBe(true);
      expect(await store().switchTo('contacts', built.number)).toBe(false);
      expect(await names()).toEqual(['Uno']);
      expect(await store().building('contacts')).toEqual(built);
      await story.tellTo('contacts', built, created, changed);
      expect(await store().switchTo('contacts', built.number)).toBe(true);
      expect(await names()).toEqual(['Uno']);
    });

    test('leaves documents of another version of the projection alone', async () => {
      const created = story.contact('acme', 'c1', { name: 'One' });
      expect(await store().show('contacts', showing(created, contactsProjection.version + 1))).toBe(false);
      expect(await names()).toEqual([]);
      await story.tell(created);
      expect(await store().show('contacts', showing(created, contactsProjection.version + 1))).toBe(true);
    });

    test('is shown by one of many who show at once', async () => {
      const events = [story.contact('acme', 'c1', { name: 'One' }), ...Array.from({ length: 5 }, (_, n) => story.contactChanges('acme', 'c1', { name: `N${n}` }))];
      const shown = async (event: RecordedEvent): Promise<void> => {
        while (!(await show(event)));
      };
      await Promise.all([...events, ...events].reverse().map(shown));
      expect(await story.store.readStore.getContact('acme', 'c1')).toMatchObject({ revision: 5, document: { name: 'N4' } });
    });
  });
}
