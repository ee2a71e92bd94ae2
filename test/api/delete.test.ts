// DELETE /contacts/{id}: gone at once, and what follows from it by events that name their cause.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newOrganization, startTestService, type TestService } from '../support/service.js';
import { expectError } from './errorShape.js';
import { storedEvents } from './storedEvents.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

test('a deleted contact is gone from everywhere, and a second deletion finds none', async () => {
  const client = service.client();
  const company = (await client.post('/companies', { name: 'Acme' })).body;
  const metadata = { department: 'Sales', preferredContactMethod: 'email' };
  const { id } = (await client.post('/contacts', { name: 'Ada', email: 'ada@x.org', parentEntityId: company.id, metadata })).body;
  const reply = await client.delete(`/contacts/${id}`);
  expect(reply).toMatchObject({ status: 204, text: '' });
  expect(reply.headers.get('Content-Type')).toBeNull();
  expectError(await client.get(`/contacts/${id}`), 404, 'CONTACT_NOT_FOUND', []);
  expectError(await client.delete(`/contacts/${id}`), 404, 'CONTACT_NOT_FOUND', []);
  expectError(await client.post(`/contacts/${id}/set-primary/${company.id}`), 404, 'CONTACT_NOT_FOUND', []);
  expect((await client.get('/contacts')).body).toMatchObject({ data: [], total: 0 });
  for (const query of ['search=ada', 'search=ad', 'orderBy=name', 'status=active', `parentEntityId=${company.id}`]) {
    expect((await client.get(`/contacts?${query}`)).body).toMatchObject({ data: [], total: 0 });
  }
  for (const group of [`company/${company.id}`, 'department/Sales', 'contact-method/email']) {
    expect((await client.get(`/contacts/${group}`)).body).toEqual({ data: [] });
  }
});

test('reports lose a deleted manager, and the company its primary contact, by events that name their cause', async () => {
  const own = await startTestService();
  const client = own.client(newOrganization(), { sub: 'remover' });
  const company = (await client.post('/companies', { name: 'Acme' })).body;
  const boss = (await client.post('/contacts', { name: 'Boss', parentEntityId: company.id })).body;
  const reports: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    reports.push((await client.post('/contacts', { name, metadata: { title: name, reportsTo: boss.id } })).body.id);
  }
  await client.post(`/contacts/${boss.id}/set-primary/${company.id}`);
  await client.delete(`/contacts/${boss.id}`, { 'X-Request-Id': 'the-deletion' });
  for (const id of reports) {
    const { body } = await client.get(`/contacts/${id}`);
    expect(body.metadata).toMatchObject({ title: body.name, reportsTo: null });
    expect(body.updatedAt > body.createdAt).toBe(true);
  }
  expect((await client.get(`/companies/${company.id}`)).body.primaryContactId).toBeNull();
  expect((await client.get('/contacts/hierarchy')).body).toEqual({});
  await own.stop();
  const events = await storedEvents(own.dataDir);
  const deletion = events.find(({ type }) => type === 'ContactDeleted');
  expect(deletion?.metadata).toMatchObject({ causationId: null, requestId: 'the-deletion', actor: { sub: 'remover' } });
  const followed = events.filter(({ metadata }) => metadata.causationId === deletion?.id);
  expect(followed.map(({ type }) => type).sort()).toEqual(['ContactUpdated', 'ContactUpdated', 'ContactUpdated', 'PrimaryCleared']);
  expect(followed.filter(({ type }) => type === 'ContactUpdated').map(({ data }) => data.contactId).sort()).toEqual([...reports].sort());
  for (const { type, data, metadata } of followed) {
    expect(metadata).toMatchObject({ correlationId: deletion?.metadata.correlationId, actor: { sub: 'remover' } });
    if (type === 'ContactUpdated') expect(data.changes).toEqual({ metadata: { reportsTo: null } });
    else expect(data).toEqual({ companyId: company.id, contactId: boss.id });
  }
  expect(events.filter(({ metadata }) => metadata.causationId !== null)).toHaveLength(4);
});

test('a deletion of a manager of many waits for them', async () => {
  const client = service.client();
  const boss = (await client.post('/contacts', { name: 'Boss' })).body;
  const made = await Promise.all(
    Array.from({ length: 120 }, (_, index) => client.post('/contacts', { name: `r${index}`, metadata: { reportsTo: boss.id } })),
  );
  expect((await client.get('/contacts/hierarchy')).body[boss.id]).toHaveLength(120);
  await client.delete(`/contacts/${boss.id}`);
  const contacts = await Promise.all(made.map(({ body }) => client.get(`/contacts/${body.id}`)));
  expect(contacts.map(({ body }) => body.metadata.reportsTo).filter((manager) => manager !== null)).toEqual([]);
  // The events are written by now: whoever looked before has an ETag that is no longer good.
  const stale = contacts.filter(({ headers }, index) => headers.get('ETag') === made[index]?.headers.get('ETag'));
  expect(stale).toEqual([]);
});
