// The event log and the rest, each embedded or on a server: the same story through HTTP on all four
// platforms, and again after a restart.

import { expect, test } from '@jest/globals';
import { EventStoreDouble } from '../support/eventStoreDouble/index.js';
import { temporaryFolder } from '../support/folder.js';
import { describeMongo } from '../support/mongo.js';
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
        expect((await fetch(`${service.origin}/health/ready`)).status).toBe(200);
      });
      await serving(async (service) => {
        expect((await service.client('acme').get('/contacts')).body.data).toMatchObject([{ name: 'Zora', customFields: { $set: { 'a.b': 1 }, '': [], plain: 1 } }]);
        await tell(service.client('other'));
      });
    } finally {
      await double?.stop();
    }
  });
});
