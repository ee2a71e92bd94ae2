// Events through the real store: sealed, read in their newest form, erased, and told when damaged.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { UnreadableEventError, type Upcasters } from '../../src/domain/events/registry.js';
import { contactStream } from '../../src/domain/streams.js';
import { SealedEventStore } from '../../src/platform/sealedEventStore.js';
import type { NewStoredEvent } from '../../src/ports/eventLog.js';
import type { NewEvent, RecordedEvent } from '../../src/ports/eventStore.js';
import { KeyDestroyedError } from '../../src/ports/keyStore.js';
import type { JsonObject } from '../../src/domain/json.js';
import { all, eventMetadata, fieldsOf } from '../contract/samples.js';
import { openPlatform } from '../contract/embedded.js';

let platform: Awaited<ReturnType<typeof openPlatform>>;
beforeEach(async () => {
  platform = await openPlatform();
});
afterEach(() => platform.close());

/** The store with other upcasters than the service's. It appends to the log alone. */
const storeWith = (known?: Upcasters) =>
  new SealedEventStore(platform.log, platform.keys, (stream, expected, stored) => platform.log.append(stream, expected, stored), known);

const ada = { organizationId: 'acme', id: 'ada' };
const stream = contactStream('acme', 'ada');
const personal = { name: 'Ada Lovelace', email: 'ada@x.example', customFields: { secret: 'Menabrea' }, metadata: { title: 'Countess', reportsTo: 'babbage' } };
const created = (id = 'e1'): NewEvent => ({ type: 'ContactCreated', data: { contactId: 'ada', contact: fieldsOf(personal) }, id, metadata: eventMetadata() });
const deleted = (id: string): NewEvent => ({ type: 'ContactDeleted', data: { contactId: 'ada' }, id, metadata: eventMetadata() });

const stored = async (): Promise<NewStoredEvent> => {
  const event = await platform.log.last(stream);
  if (event === null) throw new Error('nothing is stored');
  return event;
};
const readAll = (store: SealedEventStore, of = stream): Promise<RecordedEvent[]> => all(store.read(of, 0));

describe('a sealed event', () => {
  test('reads as it was written, and shows no personal text in the log', async () => {
    await storeWith().commit(stream, 'none', [created(), deleted('e2')]);
    expect(await readAll(storeWith())).toMatchObject([created(), deleted('e2')]);
    const [first] = await all(platform.log.read(stream, 0));
    expect(JSON.stringify(first)).not.toMatch(/Ada|Lovelace|x\.example|Menabrea|Countess/);
    expect(JSON.stringify(first)).toContain('babbage');
  });

  test('is sealed anew each time: equal data makes different boxes', async () => {
    await storeWith().commit(stream, 'none', [created('e1'), { ...created('e2') }]);
    const boxes = (await all(platform.log.read(stream, 0))).map(({ data }) => (data.personal as JsonObject).box);
    expect(boxes[0]).not.toBe(boxes[1]);
  });

  test('cannot be read when a bit of its box differs, wherever it is', async () => {
    await storeWith().commit(stream, 'none', [created()]);
    const event = await stored();
    const { fields, box } = event.data.personal as { fields: string[]; box: string };
    const bytes = Buffer.from(box, 'base64');
    for (const at of [0, 11, 12, Math.floor(bytes.length / 2), bytes.length - 17, bytes.length - 1]) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ 1;
      const data = { ...event.data, personal: { fields, box: flipped.toString('base64') } };
      await expect(storeWith().open([{ ...event, data, stream, revision: 0, position: '1' }])).rejects.toBeInstanceOf(UnreadableEventError);
    }
  });

  test.each([
    ['cut short', { fields: ['name'], box: 'AAAA' }],
    ['empty', { fields: ['name'], box: '' }],
    ['no box', { fields: ['name'] }],
    ['not an object', 'x'],
    ['null', null],
  ])('cannot be read when its box is %s', async (_, box) => {
    await storeWith().commit(stream, 'none', [created()]);
    const event = { ...(await stored()), stream, revision: 0, position: '1' };
    await expect(storeWith().open([{ ...event, data: { ...event.data, personal: box as JsonObject } }])).rejects.toBeInstanceOf(UnreadableEventError);
  });

  test('cannot be moved to another event, nor to another contact', async () => {
    await storeWith().commit(stream, 'none', [created()]);
    const event = { ...(await stored()), stream, revision: 0, position: '1' };
    await expect(storeWith().open([{ ...event, id: 'e2' }])).rejects.toBeInstanceOf(UnreadableEventError);
    await platform.keys.obtain({ organizationId: 'acme', id: 'bob' });
    const moved = { ...event, stream: contactStream('acme', 'bob') };
    await expect(storeWith().open([moved])).rejects.toBeInstanceOf(UnreadableEventError);
    const without = { ...event, stream: contactStream('acme', 'eve') };
    await expect(storeWith().open([without])).rejects.toBeInstanceOf(UnreadableEventError);
  });

  test('reads as erased once its key is destroyed, what is not personal stays, and nothing more can be sealed', async () => {
    await storeWith().commit(stream, 'none', [created()]);
    await platform.keys.destroy(ada);
    const [event] = await readAll(storeWith());
    if (event?.type !== 'ContactCreated') throw new Error('another event');
    const { contact } = event.data;
    expect(contact).toMatchObject({ name: '[erased]', email: '[erased]', customFields: {}, status: 'active', metadata: { title: '[erased]', reportsTo: 'babbage' } });
    expect(JSON.stringify(event)).not.toMatch(/Ada|Lovelace|Menabrea/);
    await expect(storeWith().commit(stream, 0, [created('e2')])).rejects.toBeInstanceOf(KeyDestroyedError);
    expect((await storeWith().commit(stream, 0, [deleted('e3')])).outcome).toBe('appended');
  });
});

test('the key of a contact is kept before the first event that needs it, also when that is refused', async () => {
  const kept: string[] = [];
  const watching = new SealedEventStore(platform.log, platform.keys, async () => {
    kept.push(...(await platform.keys.find([ada])).map(({ state }) => state));
    return { outcome: 'conflict' };
  });
  expect((await platform.keys.find([ada])).map(({ state }) => state)).toEqual(['missing']);
  await watching.commit(stream, 'none', [created()]);
  expect(kept).toEqual(['usable']);
});

describe('versions of events', () => {
  /** As if a deletion had once named its contact `contact`, and later `subject`. */
  const firstForm: NewStoredEvent = { id: 'e1', type: 'ContactDeleted', data: { contact: 'ada' }, metadata: eventMetadata() };
  const rename = (from: string, to: string) => ({ [from]: value, ...rest }: JsonObject): JsonObject => ({ ...rest, [to]: value ?? null });
  const known: Upcasters = { ContactDeleted: [rename('contact', 'subject'), rename('subject', 'contactId')] };

  test('an older form in the log reads in the newest, step by step', async () => {
    const second = { ...firstForm, id: 'e2', data: { subject: 'ada' }, metadata: { ...eventMetadata(), schemaVersion: 2 } };
    const third = { ...firstForm, id: 'e3', data: { contactId: 'ada' }, metadata: { ...eventMetadata(), schemaVersion: 3 } };
    await platform.log.append(stream, 'none', [firstForm, second, third]);
    const events = await readAll(storeWith(known));
    expect(events.map(({ type, data }) => ({ type, data }))).toEqual(Array.from({ length: 3 }, () => ({ type: 'ContactDeleted', data: { contactId: 'ada' } })));
    expect(events.map(({ metadata }) => metadata.schemaVersion)).toEqual([1, 2, 3]);
    expect((await storeWith(known).last(stream))?.data).toEqual({ contactId: 'ada' });
  });

  test('an upcaster sees personal fields decrypted, or erased, and the metadata', async () => {
    await storeWith().commit(stream, 'none', [created()]);
    const seen: string[] = [];
    const upcast: Upcasters = {
      ContactCreated: [(data, { actor }) => (seen.push(`${actor.sub} ${(data.contact as { name: string }).name}`), data)],
    };
    await readAll(storeWith(upcast));
    await platform.keys.destroy(ada);
    await readAll(storeWith(upcast));
    expect(seen).toEqual(['tester Ada Lovelace', 'tester [erased]']);
  });

  test.each([
    ['a newer version', { ...firstForm, data: { contactId: 'ada' }, metadata: { ...eventMetadata(), schemaVersion: 2 } }],
    ['an unknown type', { ...firstForm, type: 'ContactPromoted' }],
    ['a type that only objects inherit', { ...firstForm, type: 'constructor' }],
    ['data that does not fit', firstForm],
  ])('%s is unreadable, however it is read', async (_, event) => {
    await platform.log.append(stream, 'none', [event]);
    await expect(readAll(storeWith())).rejects.toBeInstanceOf(UnreadableEventError);
    await expect(storeWith().last(stream)).rejects.toBeInstanceOf(UnreadableEventError);
    const subscription = storeWith().subscribe(null, new AbortController().signal)[Symbol.asyncIterator]();
    await expect(subscription.next()).rejects.toBeInstanceOf(UnreadableEventError);
  });
});
