// The histories of contacts and companies, through HTTP.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newOrganization, startTestService, type Client, type TestService } from '../support/service.js';
import { expectError } from './errorShape.js';

let service: TestService;
let client: Client;
beforeAll(async () => {
  service = await startTestService();
  client = service.client();
});
afterAll(() => service.stop());

const create = async (body: object, by = client) => (await by.post('/contacts', { name: 'Ada', ...body })).body;
const entriesOf = async (path: string, by = client) => (await by.get(path)).body.data;

test('tells every change, oldest first, by whom and by which request, field by field', async () => {
  const organization = newOrganization();
  const [ada, bob] = [service.client(organization, { sub: 'ada' }), service.client(organization, { sub: 'bob' })];
  const { id } = (await ada.post('/contacts', { name: 'Zoe', email: 'z@example.com', metadata: { title: 'Dev' } }, { 'X-Request-Id': 'first-request' })).body;
  await bob.put(`/contacts/${id}`, { email: null, metadata: { title: 'Lead' }, customFields: { a: { b: 1 } }, status: 'archived' });
  await bob.put(`/contacts/${id}`, { email: null });
  const stored = (await ada.get(`/contacts/${id}`)).body;
  await bob.delete(`/contacts/${id}`);

  const { status, body } = await ada.get(`/contacts/${id}/history`);
  expect(status).toBe(200);
  expect(body.nextCursor).toBeNull();
  expect(body.data).toMatchObject([
    {
      type: 'ContactCreated',
      revision: 0,
      at: stored.createdAt,
      actor: { sub: 'ada' },
      requestId: 'first-request',
      changes: [
        { field: 'name', from: null, to: 'Zoe' },
        { field: 'email', from: null, to: 'z@example.com' },
        { field: 'metadata.title', from: null, to: 'Dev' },
        { field: 'status', from: null, to: 'active' },
      ],
    },
    {
      type: 'ContactUpdated',
      revision: 1,
      actor: { sub: 'bob' },
      changes: [
        { field: 'email', from: 'z@example.com', to: null },
        { field: 'customFields.a.b', from: null, to: 1 },
        { field: 'metadata.title', from: 'Dev', to: 'Lead' },
      ],
    },
    { type: 'ContactStatusChanged', revision: 2, at: stored.updatedAt, changes: [{ field: 'status', from: 'active', to: 'archived' }] },
    { type: 'ContactDeleted', revision: 3, actor: { sub: 'bob' }, changes: [] },
  ]);
});

test('of a new contact derives from the contact alone', async () => {
  const { id } = await create({ phone: '555' });
  expect((await entriesOf(`/contacts/${id}/history`))[0].changes).toContainEqual({ field: 'phone', from: null, to: '555' });
});

test('pages by cursor', async () => {
  const { id } = await create({});
  for (let n = 1; n <= 6; n += 1) await client.put(`/contacts/${id}`, { notes: `note ${n}` });
  const whole = await entriesOf(`/contacts/${id}/history`);
  const paged = [];
  for (let path = `/contacts/${id}/history?limit=3`; path !== ''; ) {
    const { data, nextCursor } = (await client.get(path)).body;
    expect(data.length).toBeLessThanOrEqual(3);
    paged.push(...data);
    path = nextCursor === null ? '' : `/contacts/${id}/history?limit=3&cursor=${nextCursor}`;
  }
  expect(paged).toEqual(whole);
  expect(whole).toHaveLength(7);
});

test('of companies, primary contacts among it', async () => {
  const company = (await client.post('/companies', { name: 'Acme', entityTypes: ['Company', 'Vendor'] })).body;
  const contact = await create({ parentEntityId: company.id });
  await client.post(`/contacts/${contact.id}/set-primary/${company.id}`);
  await client.delete(`/contacts/${contact.id}`);
  await client.delete(`/companies/${company.id}`);
  const entries = await entriesOf(`/companies/${company.id}/history`);
  expect(entries.map((entry: { type: string; changes: object[] }) => [entry.type, entry.changes])).toEqual([
    ['CompanyCreated', [{ field: 'name', from: null, to: 'Acme' }, { field: 'status', from: null, to: 'active' }, { field: 'entityTypes', from: null, to: ['Company', 'Vendor'] }]],
    ['PrimarySet', [{ field: 'primaryContactId', from: null, to: contact.id }]],
    ['PrimaryCleared', [{ field: 'primaryContactId', from: contact.id, to: null }]],
    ['CompanyDeleted', []],
  ]);
});

test('what follows from a deletion has the actor of its cause', async () => {
  const organization = newOrganization();
  const remover = service.client(organization, { sub: 'remover' });
  const own = service.client(organization);
  const manager = await create({}, own);
  const report = await create({ metadata: { reportsTo: manager.id } }, own);
  const { headers } = await remover.delete(`/contacts/${manager.id}`);
  const entry = (await entriesOf(`/contacts/${report.id}/history`, own)).at(-1);
  expect(entry).toMatchObject({
    type: 'ContactUpdated',
    actor: { sub: 'remover' },
    requestId: headers.get('X-Request-Id'),
    changes: [{ field: 'metadata.reportsTo', from: manager.id, to: null }],
  });
});

test("another organization's contact is unknown, as one that never was", async () => {
  const { id } = await create({});
  await client.delete(`/contacts/${id}`);
  expectError(await service.client().get(`/contacts/${id}/history`), 404, 'CONTACT_NOT_FOUND');
  expectError(await client.get('/contacts/00000000-0000-4000-8000-000000000000/history'), 404, 'CONTACT_NOT_FOUND');
  expectError(await client.get('/contacts/nonsense/history'), 404, 'CONTACT_NOT_FOUND');
  expectError(await client.get(`/companies/${id}/history`), 404, 'COMPANY_NOT_FOUND');
});

test('a wrong cursor, limit or parameter is named', async () => {
  const { id } = await create({});
  for (const field of ['cursor', 'limit', 'page']) {
    const reply = await client.get(`/contacts/${id}/history?${field}=0`);
    expectError(reply, 400, 'VALIDATION_ERROR');
    expect(reply.body.details[0].field).toBe(field);
  }
});

test('needs contacts:read, of companies companies:read', async () => {
  const organization = newOrganization();
  const { id } = await create({}, service.client(organization));
  const company = (await service.client(organization).post('/companies', { name: 'Acme' })).body;
  const paths = [`/contacts/${id}/history`, `/companies/${company.id}/history`];
  const statuses = (scope: string) => Promise.all(paths.map(async (path) => (await service.client(organization, { scope }).get(path)).status));
  expect(await statuses('contacts:read')).toEqual([200, 403]);
  expect(await statuses('companies:read')).toEqual([403, 200]);
  expect(await statuses('audit:read')).toEqual([403, 403]);
});
