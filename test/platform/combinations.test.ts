// The event log and the rest, each embedded or on a server: the same story through HTTP on all four
// platforms, and again after a restart.

import { expect, test } from '@jest/globals';
import { EventStoreDouble } from '../support/eventStoreDouble/index.js';
import { temporaryFolder } from '../support/folder.js';
import { describeMongo } from '../support/mongo.js';
import { openStream, take } from '../support/sse.js';
import { startTestService, type Client, type TestService } from '../support/service.js';

/** Writes of each kind, each followed by reads that must show it. */
async function tell(client: Client): Promise<void> {
  const boss = (await client.post('/contacts', { name: 'Boss', metadata: { department: 'Head' } })).body;
  const firm = (await client.post('/companies', { name: 'Firm', entityTypes: ['Company'] })).body;
  const made = await client.post('/contacts', { name: 'Zoë', phone: '(555) 123', parentEntityId: firm.id, customFields: { $set: { 'a.b': 1 }, '': [], plain: 1 }, metadata: { reportsTo: boss.id } });
  expect(made.status).toBe(201);
  const zoe = made.body;
  expect((await client.get(`/contacts/${zoe.id}`)).text).toBe(made.text);
  expect((await client.get('/contacts?search=555123&orderBy=name')).body).toMatchObject({ total: 1, data: [{ id: zoe.id }] });
  expect((await client.get(`/contacts/company/${firm.id}`)).body.data).toHaveLength(1);
  expect((await client.post(`/contacts/${zoe.id}/set-primary/${firm.id}`)).status).toBe(200);
  expect((await client.get(`/companies/${firm.id}`)).body.primaryContactId).toBe(zoe.id);
  expect((await client.put(`/contacts/${zoe.id}`, { name: 'Zora', metadata: { department: 'Sàles' } })).status).toBe(200);
  expect((await client.get('/contacts/department/sales')).body.data).toMatchObject([{ name: 'Zora' }]);
  expect(JSON.stringify((await client.get('/contacts/hierarchy')).body)).toContain(zoe.id);
  expect((await client.delete(`/contacts/${boss.id}`)).status).toBe(204);
  expect((await client.get(`/contacts/${zoe.id}`)).body).toMatchObject({ name: 'Zora', metadata: { reportsTo: null } });
  expect((await client.get('/contacts')).body.total).toBe(1);
}

const nameOf = ({ type }: { type: string }) => type.split('.').at(-1);

/** Reads the events: page by page, and as the stream tells them, which goes on with what is written now. */
async function tellEvents(client: Client): Promise<void> {
  const told = [];
  for (let after = '0'; ; ) {
    const { status, body } = await client.get(`/events?limit=3&after=${after}`);
    expect(status).toBe(200);
    told.push(...body.data);
    if (body.data.length === 0) break;
    after = body.nextPosition;
  }
  const names = ['ContactCreated', 'CompanyCreated', 'ContactCreated', 'PrimarySet', 'ContactUpdated', 'ContactDeleted', 'ContactUpdated'];
  expect(told.map(nameOf)).toEqual(names);
  expect((await client.get('/events?types=ContactDeleted')).body).toMatchObject({ data: [told[5]], nextPosition: told[6].position });
  const pastTheEnd = told[6].position.replace(/\d+/g, (digits: string) => `${digits}0`);
  for (const after of ['x', pastTheEnd]) expect([after, (await client.get(`/events?after=${after}`)).status]).toEqual([after, 400]);
  expect((await client.get('/events/stream', { 'Last-Event-ID': pastTheEnd })).body.details).toMatchObject([{ field: 'Last-Event-ID' }]);
  const streamed = take(await openStream(client), names.length + 1);
  const added = await client.post('/contacts', { name: 'New' });
  const messages = await streamed;
  const { body } = await client.get(`/events?after=${told[6].position}`);
  expect(body.data).toMatchObject([{ subject: added.body.id }]);
  expect(messages.map(({ data }) => data)).toEqual([...told, ...body.data]);
  const resumed = await take(await openStream(client, '', { 'Last-Event-ID': messages[5]?.id ?? '' }), 2);
  expect(resumed).toEqual(messages.slice(6));
}

/** Erases the contact last made: what is told of it says so. */
async function eraseLast(client: Client): Promise<void> {
  const id = (await client.get('/events?limit=1000')).body.data.at(-1).subject;
  expect((await client.post(`/contacts/${id}/erase`, { reason: 'asked for' })).status).toBe(200);
  const { data } = (await client.get('/events?limit=1000')).body;
  expect(data.at(-1)).toMatchObject({ subject: id });
  expect(nameOf(data.at(-1))).toBe('ContactErased');
  expect(data.at(-2).data.contact).toMatchObject({ name: '[erased]' });
}

describeMongo('the service, its log and its read models', (mongo) => {
  test.each([
    ['embedded', 'embedded'],
    ['embedded', 'MongoDB'],
    ['EventStoreDB', 'embedded'],
    ['EventStoreDB', 'MongoDB'],
  ])('works with the log in %s and the rest in %s', async (log, rest) => {
    const double = log === 'EventStoreDB' ? await EventStoreDouble.start() : null;
    const folder = temporaryFolder();
    const environment = { ...(double === null ? {} : { EVENTSTORE_URL: double.url }), ...(rest === 'MongoDB' ? { MONGODB_URL: mongo.newDatabase() } : {}) };
    const serving = async (work: (service: TestService) => Promise<void>) => {
      const service = await startTestService(environment, folder);
      await work(service).finally(() => service.stop());
    };
    try {
      await serving(async (service) => {
        await tell(service.client('acme'));
        await tellEvents(service.client('acme'));
        await eraseLast(service.client('acme'));
        expect((await fetch(`${service.origin}/health/ready`)).status).toBe(200);
      });
      await serving(async (service) => {
        expect((await service.client('acme').get('/contacts')).body.data).toMatchObject([{ name: 'Zora', customFields: { $set: { 'a.b': 1 }, '': [], plain: 1 } }]);
        await tell(service.client('other'));
        await tellEvents(service.client('other'));
      });
    } finally {
      await double?.stop();
    }
  });
});
