// Pages of published events made by threads of the embedded platform: the very bytes that the index
// and the event store make, whatever is asked for; erased, older and skipped events as everywhere.

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createContact } from '../../src/commands/createContact.js';
import { deleteContact } from '../../src/commands/deleteContact.js';
import { updateContact } from '../../src/commands/updateContact.js';
import type { EntityPatch } from '../../src/domain/entity.js';
import { publishedTypes, type PublishedType } from '../../src/domain/events/published.js';
import { UnreadableEventError, type Upcasters } from '../../src/domain/events/registry.js';
import { contactStream } from '../../src/domain/streams.js';
import { SqliteEventPages } from '../../src/platform/embedded/eventPages.js';
import type { EventPage, PageQuery } from '../../src/ports/eventPages.js';
import { IndexedPages } from '../../src/subscriptions/indexedPages.js';
import { wrappingKey } from '../contract/embedded.js';
import { openCommands, type OpenedCommands } from '../support/commands.js';
import { temporaryFolder } from '../support/folder.js';
import { newOrganization, startServiceProcess } from '../support/service.js';

let opened: OpenedCommands;
let dataDir: string;
const pages: SqliteEventPages[] = [];
beforeEach(async () => {
  dataDir = temporaryFolder();
  opened = await openCommands({ dataDir });
});
afterEach(async () => {
  for (const each of pages.splice(0)) each.close();
  await opened.close();
});

const query: PageQuery = { after: null, limit: 1_000, types: publishedTypes, form: 'json', maxBytes: 1e6, skipped: [] };

function openPages(known?: Upcasters): SqliteEventPages {
  const made = new SqliteEventPages({ events: join(dataDir, 'contacts.sqlite'), keys: join(dataDir, 'keys.sqlite'), wrappingKeys: [wrappingKey()] }, known);
  pages.push(made);
  return made;
}

const textOf = ({ content, ...rest }: EventPage) => ({ ...rest, text: Buffer.from(content).toString() });
const typesOf = (page: EventPage): string[] => (JSON.parse(`[${textOf(page).text}]`) as { type: string }[]).map(({ type }) => type.split('.').at(-1) ?? '');

/** Makes a contact; returns its id. */
async function make(said: EntityPatch & { name: string }): Promise<string> {
  const outcome = await createContact(opened.commands, opened.context(), said);
  if (!outcome.done) throw new Error('not made');
  return (outcome.events[0]?.data as { contactId: string }).contactId;
}

/** Contacts with a history each; the last one's key is destroyed. */
async function makeHistories(): Promise<void> {
  const { commands, context, platform, organizationId } = opened;
  for (const name of ['Ada', 'Zoë "Ω" \\ {', '中 😀']) {
    const id = await make({ name, customFields: { metadata: { title: 'not his' }, a: ['}', 1.5, null] }, metadata: { title: 'Countess', reportsTo: null } });
    const patch = { notes: name, status: 'inactive' as const, metadata: { department: 'Ünits' }, address: { city: 'Kyiv' } };
    await updateContact(commands, context({ actor: { sub: 'jürgen "x"' } }), { id, patch });
    await createContact(commands, context({ organizationId: newOrganization() }), { name: 'not theirs' });
    if (name === 'Ada') await deleteContact(commands, context(), id);
    if (name.startsWith('中')) await platform.keys.destroy({ organizationId, id });
  }
}

test('whatever is asked for, pages are the very bytes that are made of the index', async () => {
  await makeHistories();
  const [own, indexed] = [openPages(), new IndexedPages(opened.platform.eventIndex, opened.events)];
  const whole = own.read(opened.organizationId, query);
  expect(typesOf(whole)).toEqual(['ContactCreated', 'ContactUpdated', 'ContactStatusChanged', 'ContactDeleted', 'ContactCreated', 'ContactUpdated', 'ContactStatusChanged', 'ContactCreated', 'ContactUpdated', 'ContactStatusChanged']);
  expect(textOf(whole).text).toContain('[erased]');
  const asked: Partial<PageQuery>[] = [{}, { form: 'sse' }, { limit: 3 }, { limit: 3, after: whole.position }, { maxBytes: 1_500 }, { types: ['ContactDeleted'] }, { types: ['PrimarySet'] }];
  for (const some of asked) {
    const page = textOf(own.read(opened.organizationId, { ...query, ...some }));
    expect(page).toEqual(textOf(await indexed.read(opened.organizationId, { ...query, ...some })));
  }
});

test('more rows than are read at a time make one page', async () => {
  const { platform, organizationId } = opened;
  const metadata = { organizationId, actor: { sub: 'x' }, requestId: 'r', correlationId: 'r', causationId: null, occurredAt: '2026-01-01T00:00:00.000Z', schemaVersion: 1 };
  const events = Array.from({ length: 450 }, () => ({ id: randomUUID(), type: 'ContactDeleted', data: { contactId: 'ada' }, metadata }));
  await platform.log.append(contactStream(organizationId, 'ada'), 'none', events);
  const own = openPages();
  expect([450, 449, 400].map((limit) => typesOf(own.read(organizationId, { ...query, limit })).length)).toEqual([450, 449, 400]);
  const page = own.read(organizationId, { ...query, after: '200', limit: 300 });
  expect([typesOf(page).length, page.position, page.coveredTo]).toEqual([250, '450', '450']);
});

test('older forms come out in the newest, and what cannot be read is not gone past unless an operator says so', async () => {
  const { organizationId } = opened;
  const id = await make({ name: 'Ada' });
  const upcast = openPages({ ContactCreated: [(data) => ({ ...data, contact: { ...(data.contact as object), displayName: 'upcast' } })] });
  expect(JSON.parse(textOf(upcast.read(organizationId, query)).text).data.contact).toMatchObject({ name: 'Ada', displayName: 'upcast' });
  const broken = openPages({ ContactCreated: [({ contactId }) => ({ contactId: contactId as string })] });
  expect(() => broken.read(organizationId, query)).toThrow(UnreadableEventError);
  const skipped = [{ stream: contactStream(organizationId, id), revision: 0 }];
  expect(typesOf(broken.read(organizationId, { ...query, skipped }))).toEqual([] satisfies PublishedType[]);
});

test('a running service makes them in threads of its own, which forget the keys of the erased', async () => {
  const service = await startServiceProcess();
  const client = service.client();
  const { id } = (await client.post('/contacts', { name: 'Ada' })).body;
  for (let read = 0; read < 3; read += 1) expect((await client.get('/events')).body.data[0].data.contact.name).toBe('Ada');
  await client.post(`/contacts/${id}/erase`, { reason: 'DSR-1' });
  expect((await client.get('/events')).body.data.map(({ data }: { data: { contact?: { name: string } } }) => data.contact?.name)).toEqual(['[erased]', undefined]);
  const second = (await client.post('/contacts', { name: 'Grace' })).body.id;
  await client.post('/contacts', { name: 'Edsger' });
  // The page with her is made while the ones before are read.
  const { nextPosition } = (await client.get('/events?limit=2')).body;
  const again = await client.get(`/events?limit=1&after=${nextPosition}`);
  expect(again.body.data[0].data.contact.name).toBe('Grace');
  await client.get('/events?limit=2');
  await client.post(`/contacts/${second}/erase`, { reason: 'DSR-2' });
  expect((await client.get(`/events?limit=2&after=${nextPosition}`)).body.data[0].data.contact.name).toBe('[erased]');
  const many = await Promise.all(Array.from({ length: 20 }, () => client.get('/events')));
  expect(new Set(many.map(({ text }) => text)).size).toBe(1);
  await service.stop();
});
