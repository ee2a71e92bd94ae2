// What every read store must find: search held against a naive filter, over chosen and generated contacts.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { searchWords } from '../../src/domain/text.js';
import { byCodePoint, byName, noFilter } from './readStoreContract.js';
import { Story, type OpenedStore, type Said } from './samples.js';

type Searched = Pick<Said, 'displayName' | 'email' | 'phone'> & { name: string };

const fold = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss').replace(/[\s\p{Cc}]+/gu, ' ').trim();
const digits = (text: string) => text.normalize('NFKD').replace(/\D/g, '');

/** Whether every word of `search` is in a text of the contact, or its digits in the phone's. */
function holds({ name, displayName, email, phone }: Searched, search: string): boolean {
  const texts = [name, displayName, email, phone].map((text) => fold(text ?? ''));
  const inPhone = (word: string) => /^[\d()+./-]*$/.test(word) && /\d/.test(word) && digits(phone ?? '').includes(digits(word));
  return fold(search).split(' ').every((word) => texts.some((text) => text.includes(word)) || inPhone(word));
}

/** How much is tried: of a store whose server looks at every document, less. */
export interface Extent {
  /** Generated sets of contacts. */
  runs: number;
  /** Contacts that are paged through. */
  many: number;
}

/** Runs the suite on stores that `open` makes, empty at first. */
export function searchContract(name: string, open: () => Promise<OpenedStore>, { runs, many }: Extent = { runs: 60, many: 300 }): void {
  describe(`search, ${name}`, () => {
    let story: Story;
    let organizations = 0;
    const begin = async () => {
      story = await Story.begin(await open());
    };
    const anew = async () => {
      await story.store.close();
      await begin();
    };
    beforeAll(begin);
    afterAll(() => story.store.close());

    /** An organization with these contacts, c0, c1 and so on; returns what searches it. */
    const given = async (contacts: readonly Searched[]) => {
      const organization = `org-${(organizations += 1)}`;
      await story.tell(...contacts.map((said, n) => story.contact(organization, `c${n}`, said)));
      return async (search: string, limit = 100) => {
        const page = await story.store.readStore.listContacts(organization, { ...byName, limit, filter: { ...noFilter, search: searchWords(search) } });
        return { ids: page.items.map(({ document }) => document.id).sort(byCodePoint), total: page.total, next: page.next };
      };
    };
    const naive = (contacts: readonly Searched[], search: string) =>
      contacts.flatMap((contact, n) => (holds(contact, search) ? [`c${n}`] : [])).sort(byCodePoint);

    const people: Searched[] = [
      { name: 'Zoë Ångström', email: 'zoe@example.com', phone: '(555) 123-4567' },
      { name: 'John Smith', displayName: 'Johnny', email: 'john.smith@acme.com', phone: '+1 555 987 65' },
      { name: 'Straße OR Near(', email: 'a_b%c*d@x.io', phone: null },
      { name: 'O\'Brien "Quote" \\ back', displayName: '😀 Łódź', email: null, phone: '0049-89/12.34' },
      { name: '李小龙', displayName: 'x', email: '1234@y.org', phone: '٠١٢' },
      { name: 'ab', displayName: 'cd', email: null, phone: '1' },
      { name: 'Ab Cd 555', email: '--', phone: null },
    ];

    let findPerson: Awaited<ReturnType<typeof given>>;
    beforeAll(async () => {
      findPerson = await given(people);
    });

    test.each([
      'zoe', 'ZOË', 'ngstr', 'smith john', 'john zoe', 'z', 'jo', 'o', 'j s', 'oh mit', 'b c', '5551234567', '555-123', '(555)', '555 4567', '123-45',
      '8912', '0049 89', '12.34', '1', '5', '55', '+1', '(1)', '(1', '-1-', '+', '-', '--', '.', '@', '"', '"quote"', '""', '*', 'OR', 'NEAR(', 'near', 'AND', 'NOT', 'a OR b',
      '%', '_', 'a_b', '%c*', '\\', "'", "o'b", '😀', '😀 łó', 'łódź', 'lodz', 'strasse', 'straße', '李', '小龙', '李小龙', 'searchable:zoe', '{x}', '^z', 'c0', '', '   ', '\u0000', 'nothing at all', 'ab cd', 'abcd',
    ])('finds %j literally, in name, display name, email and phone', async (search) => {
      const found = await findPerson(search);
      expect(found.ids).toEqual(naive(people, search));
      expect(found.total).toBe(found.ids.length);
    });

    test('does not find a number across the end of a text, nor of a name in the phone', async () => {
      const find = await given([{ name: 'Ann 12', displayName: '34 Bee', email: null, phone: '5-6' }]);
      expect((await find('1234')).ids).toEqual([]);
      expect((await find('1-2')).ids).toEqual([]);
      expect((await find('56')).ids).toEqual(['c0']);
    });

    test('follows a contact that is renamed and removed', async () => {
      const { readStore } = story.store;
      const find = async (text: string) => (await readStore.listContacts('moving', { ...byName, filter: { ...noFilter, search: searchWords(text) } })).total;
      await story.tell(story.contact('moving', 'c1', { name: 'Before', phone: '12345' }));
      await story.tell(story.contactChanges('moving', 'c1', { name: 'After', phone: null }));
      expect([await find('before'), await find('be'), await find('123'), await find('after'), await find('af')]).toEqual([0, 0, 0, 1, 1]);
      await story.tell(story.contactGone('moving', 'c1'));
      expect([await find('after'), await find('af')]).toEqual([0, 0]);
    });

    test('pages through many hits, in order, with the filter of status', async () => {
      await anew();
      const contacts = Array.from({ length: many }, (_, n) => story.contact('many', `c${String(n).padStart(3, '0')}`, { name: `Person ${n % 7} ${n}`, status: n % 3 === 0 ? 'archived' : 'active' }));
      await story.tell(...contacts);
      for (const search of ['person', 'pe', 'person 3', 'on 29', 'person 2 16']) {
        const filter = { statuses: ['active'] as const, parentEntityId: null, search: searchWords(search) };
        const whole = await story.store.readStore.listContacts('many', { ...byName, limit: many, filter });
        const expected = contacts.flatMap((_, n) => (n % 3 !== 0 && holds({ name: `Person ${n % 7} ${n}` }, search) ? [`Person ${n % 7} ${n}`] : []));
        expect(whole.items.map(({ document }) => document.name)).toEqual([...expected].sort((a, b) => byCodePoint(fold(a), fold(b))));
        const walked: string[] = [];
        for (let from: (typeof byName)['from'] = { offset: 0 }; ; ) {
          const page = await story.store.readStore.listContacts('many', { ...byName, limit: 11, filter, from });
          expect(page.total).toBe(expected.length);
          walked.push(...page.items.map(({ document }) => document.id));
          if (page.next === null) break;
          from = { after: page.next };
        }
        expect(walked).toEqual(whole.items.map(({ document }) => document.id));
      }
    });

    test('finds in generated contacts what a naive filter finds', async () => {
      await anew();
      const piece = fc.constantFrom('a', 'b', 'ab', 'É', 'e', 'ß', 'ø', 'ﬁ', '1', '2', '12', '34', '-', '+', '(', ')', '.', '"', '*', '%', '_', ' ', ' ', '😀', 'OR', 'near(', '\n', '李');
      const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
      const phone = fc.array(fc.constantFrom('1', '2', '3', '4', ' ', '-', '(', ')', '+', 'x'), { maxLength: 8 }).map((pieces) => pieces.join(''));
      const contact = fc.record({ name: text, displayName: fc.option(text), email: fc.option(text), phone: fc.option(phone) });
      const search = fc.oneof(text, phone);
      await fc.assert(
        fc.asyncProperty(fc.array(contact, { minLength: 1, maxLength: 25 }), fc.array(search, { minLength: 10, maxLength: 30 }), fc.constantFrom(1, 100), async (contacts, searches, limit) => {
          const find = await given(contacts);
          for (const asked of searches) {
            const expected = naive(contacts, asked);
            const found = await find(asked, limit);
            expect({ asked, total: found.total }).toEqual({ asked, total: expected.length });
            if (limit === 100) expect({ asked, ids: found.ids }).toEqual({ asked, ids: expected });
          }
        }),
        { numRuns: runs },
      );
    });
  });
}
