// The feed of published events: older forms come out in the newest, what cannot be read stops
// readers until an operator has it gone past.

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createContact } from '../../src/commands/createContact.js';
import { eraseContact } from '../../src/commands/eraseContact.js';
import { isPublished, publishedTypes } from '../../src/domain/events/published.js';
import { UnreadableEventError, type Upcasters } from '../../src/domain/events/registry.js';
import type { StoredEvent } from '../../src/ports/eventLog.js';
import { SealedEventStore } from '../../src/platform/sealedEventStore.js';
import { IndexedPages } from '../../src/subscriptions/indexedPages.js';
import type { EventPage, EventPlace } from '../../src/ports/eventPages.js';
import type { Message } from '../support/sse.js';
import { EventFeed, type FeedOptions } from '../../src/subscriptions/eventFeed.js';
import { openCommands, type OpenedCommands } from '../support/commands.js';
import { until } from '../support/receiver.js';

let opened: OpenedCommands;
const feeds: EventFeed[] = [];
beforeEach(async () => {
  opened = await openCommands();
});
afterEach(async () => {
  await Promise.all(feeds.splice(0).map((feed) => feed.stop()));
  await opened.close();
});

const contact = (name: string) => createContact(opened.commands, opened.context(), { name });
const everything = { after: null, limit: 100, types: publishedTypes };

async function startFeed({ known, skipped = [], erased = () => undefined }: { known?: Upcasters; skipped?: EventPlace[]; erased?: FeedOptions['erased'] } = {}) {
  const { log, keys, eventIndex: index } = opened.platform;
  const events = new SealedEventStore(log, keys, (stream, expected, sealed) => log.append(stream, expected, sealed), known);
  const feed = new EventFeed({ log, events, pages: new IndexedPages(index, events), skipped: () => skipped, erased, onError: () => undefined });
  feeds.push(feed);
  await feed.start();
  return feed;
}

const eventsOf = ({ content }: EventPage): Message['data'][] => JSON.parse(`[${Buffer.from(content).toString()}]`);

/** The events that a reader from the first on is given, until there are `count`. */
async function followed(feed: EventFeed, count: number) {
  const reader = feed.follow(opened.organizationId, null);
  const taken = [];
  while (taken.length < count) {
    const { bytes, position } = await reader.next(publishedTypes, 1_000);
    reader.position = position;
    if (bytes.length === 0) await reader.grown();
    for (const [, json = ''] of Buffer.from(bytes).toString().matchAll(/^data: (.*)$/gm)) taken.push(JSON.parse(json));
  }
  reader.close();
  return taken;
}

test('a contact that is erased is told of, and what was kept of it let go of: a reader behind finds it erased', async () => {
  const erased: unknown[] = [];
  await contact('Eve');
  const feed = await startFeed({ erased: (one) => erased.push(one) });
  const reader = feed.follow(opened.organizationId, await opened.platform.log.head());
  const text = async () => Buffer.from((await reader.next(publishedTypes, 10_000)).bytes).toString();
  const outcome = await contact('Ada Secret');
  const contactId = outcome.done && outcome.state.phase === 'live' ? outcome.state.contact.id : '';
  await until(async () => (await text()).includes('Ada Secret'), 'the event to be kept');
  await eraseContact(opened.commands, opened.context(), { id: contactId, reason: 'asked' });
  await until(async () => erased.length > 0 && (await text()).includes('[erased]'), 'the feed to let go of it');
  expect(erased).toEqual([{ organizationId: opened.organizationId, contactId }]);
  expect(await text()).not.toContain('Ada Secret');
  reader.close();
});

test('an event of an older version comes out in the newest form, read or followed, old or new', async () => {
  await contact('Ada');
  const known: Upcasters = {
    ContactCreated: [(data) => ({ ...data, contact: { ...(data.contact as object), displayName: 'made by the upcaster' } })],
  };
  const feed = await startFeed({ known });
  await contact('Eve');
  const two = await followed(feed, 2);
  expect(two.map(({ data }) => data.contact)).toMatchObject([
    { name: 'Ada', displayName: 'made by the upcaster' },
    { name: 'Eve', displayName: 'made by the upcaster' },
  ]);
  expect(eventsOf(await feed.read(opened.organizationId, everything))).toEqual(two);
});

test('an older version that does not fit once it is upcast is not told', async () => {
  await contact('Ada');
  const feed = await startFeed({ known: { ContactCreated: [({ contactId }) => ({ contactId: contactId as string })] } });
  await expect(feed.read(opened.organizationId, everything)).rejects.toMatchObject({ name: UnreadableEventError.name });
});

test('an event that cannot be read stops readers; skipped by an operator, they go past it', async () => {
  await contact('Ada');
  const { organizationId, platform } = opened;
  const created = (await platform.log.readAll(null, 100)).events.find(({ type }) => isPublished(type)) as StoredEvent;
  const { metadata, data: { contactId = '' } } = created;
  const unreadable = { id: randomUUID(), type: 'ContactStatusChanged', data: {}, metadata: { ...metadata, schemaVersion: 99 } };
  const next = { id: randomUUID(), type: 'ContactDeleted', data: { contactId }, metadata };
  expect(await platform.log.append(created.stream, 0, [unreadable, next])).toMatchObject({ outcome: 'appended' });
  const stuck = await startFeed();
  await expect(stuck.read(organizationId, everything)).rejects.toMatchObject({ name: UnreadableEventError.name });
  await expect(followed(stuck, 2)).rejects.toMatchObject({ name: UnreadableEventError.name });
  const feed = await startFeed({ skipped: [{ stream: created.stream, revision: 1 }] });
  const page = await feed.read(organizationId, everything);
  const events = eventsOf(page);
  expect(events.map(({ id }) => id)).toEqual([created.id, next.id]);
  expect(page.position).toBe(events[1]?.position);
  expect(await followed(feed, 2)).toEqual(events);
});
