// POST /contacts/{id}/set-primary/{companyId}: what it answers, refuses, and what ends it.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type Client, type TestService } from '../support/service.js';
import { expectError, expectInvalid } from './errorShape.js';
import { storedEvents } from './storedEvents.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const NOBODY = '00000000-0000-4000-8000-000000000000';

async function companyWithContact(client: Client, more: object = {}) {
  const company = (await client.post('/companies', { name: 'Acme Corporation' })).body;
  const contact = (await client.post('/contacts', { name: 'John', parentEntityId: company.id, ...more })).body;
  return { company, contact, path: `/contacts/${contact.id}/set-primary/${company.id}` };
}

const primaryOf = async (client: Client, companyId: string) => (await client.get(`/companies/${companyId}`)).body.primaryContactId;

test('answers contact and company in the short shape, with the ETag of the company', async () => {
  const client = service.client();
  const { company, contact, path } = await companyWithContact(client, { displayName: 'J', email: 'j@x.org' });
  const reply = await client.post(path);
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual({
    contact: { id: contact.id, name: 'John', displayName: 'J', email: 'j@x.org', parentEntityId: company.id },
    company: { id: company.id, name: 'Acme Corporation', primaryContactId: contact.id },
  });
  const got = await client.get(`/companies/${company.id}`);
  expect(got.body.primaryContactId).toBe(contact.id);
  expect(reply.headers.get('ETag')).toBe(got.headers.get('ETag'));
  expect((await client.get(`/contacts/${contact.id}`)).body.primaryContactId).toBeNull();
  expect((await client.post(path.toUpperCase().replace('/CONTACTS', '/contacts').replace('SET-PRIMARY', 'set-primary'))).status).toBe(200);
});

test('an empty body with a JSON content type is fine, as is an empty object; a field is not', async () => {
  const client = service.client();
  const { path } = await companyWithContact(client);
  expect((await client.post(path, '', { 'Content-Type': 'application/json' })).status).toBe(200);
  expect((await client.post(path, {})).status).toBe(200);
  expectInvalid(await client.post(path, { force: true }), 'force');
  expectInvalid(await client.post(`${path}?force=1`), 'force');
  expectInvalid(await client.post(path, '{'), 'body');
});

test('refuses in order: unknown contact, unknown company, another company, archived', async () => {
  const client = service.client();
  const { company, contact } = await companyWithContact(client, { status: 'archived' });
  const elsewhere = (await client.post('/contacts', { name: 'x', parentEntityId: NOBODY, status: 'archived' })).body;
  const nowhere = (await client.post('/contacts', { name: 'y' })).body;
  const set = (id: string, companyId: string) => client.post(`/contacts/${id}/set-primary/${companyId}`);
  for (const unknown of [NOBODY, 'nonsense', company.id]) {
    expectError(await set(unknown, company.id), 404, 'CONTACT_NOT_FOUND', []);
    expectError(await set(unknown, NOBODY), 404, 'CONTACT_NOT_FOUND', []);
    expectError(await set(unknown, 'nonsense'), 404, 'CONTACT_NOT_FOUND', []);
  }
  for (const unknown of [NOBODY, 'nonsense', contact.id]) expectError(await set(elsewhere.id, unknown), 404, 'COMPANY_NOT_FOUND', []);
  for (const { id } of [elsewhere, nowhere]) expectError(await set(id, company.id), 400, 'INVALID_ENTITY_TYPE', []);
  expectInvalid(await set(contact.id, company.id), 'status');
  expect(await primaryOf(client, company.id)).toBeNull();
  await client.delete(`/companies/${company.id}`);
  expectError(await set(contact.id, company.id), 404, 'COMPANY_NOT_FOUND', []);
});

test('an inactive contact can be primary', async () => {
  const client = service.client();
  const { contact, path } = await companyWithContact(client, { status: 'inactive' });
  expect((await client.post(path)).body.company.primaryContactId).toBe(contact.id);
});

test.each([
  ['moved', (client: Client, id: string) => client.put(`/contacts/${id}`, { parentEntityId: NOBODY })],
  ['taken out of it', (client: Client, id: string) => client.patch(`/contacts/${id}`, { parentEntityId: null })],
  ['archived', (client: Client, id: string) => client.put(`/contacts/${id}`, { status: 'archived' })],
  ['deleted', (client: Client, id: string) => client.delete(`/contacts/${id}`)],
])('a primary contact that is %s is primary no longer', async (_, end) => {
  const client = service.client();
  const { company, contact, path } = await companyWithContact(client);
  await client.post(path);
  await end(client, contact.id);
  expect(await primaryOf(client, company.id)).toBeNull();
});

test('other changes leave it primary, and a change of another contact does', async () => {
  const client = service.client();
  const { company, contact, path } = await companyWithContact(client);
  const other = (await client.post('/contacts', { name: 'Other', parentEntityId: company.id })).body;
  await client.post(path);
  await client.put(`/contacts/${contact.id}`, { status: 'inactive', name: 'Jon', parentEntityId: company.id });
  await client.put(`/contacts/${other.id}`, { status: 'archived' });
  await client.delete(`/contacts/${other.id}`);
  expect(await primaryOf(client, company.id)).toBe(contact.id);
});

test('stored is who became primary instead of whom, and nothing when it was already; its end names its cause', async () => {
  const own = await startTestService();
  const client = own.client();
  const { company, contact, path } = await companyWithContact(client);
  const second = (await client.post('/contacts', { name: 'Second', parentEntityId: company.id })).body;
  const first = await client.post(path);
  const again = await client.post(path);
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('ETag')).toBe(first.headers.get('ETag'));
  await client.post(`/contacts/${second.id}/set-primary/${company.id}`);
  await client.put(`/contacts/${second.id}`, { status: 'archived', name: 'Renamed' });
  await own.stop();
  const events = await storedEvents(own.dataDir);
  const archived = events.find(({ type }) => type === 'ContactStatusChanged');
  const ofPrimary = events.filter(({ type }) => type.startsWith('Primary'));
  expect(ofPrimary.map(({ type, data, metadata }) => ({ type, data, causationId: metadata.causationId }))).toEqual([
    { type: 'PrimarySet', data: { companyId: company.id, contactId: contact.id, previousContactId: null }, causationId: null },
    { type: 'PrimarySet', data: { companyId: company.id, contactId: second.id, previousContactId: contact.id }, causationId: null },
    { type: 'PrimaryCleared', data: { companyId: company.id, contactId: second.id }, causationId: archived?.id },
  ]);
});
