// The companies: created with or without an id, their roles, their list, their end.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '../support/service.js';
import { expectError, expectInvalid } from './errorShape.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const GIVEN = 'D45F8E21-3AB2-4389-9E0D-9C12654B8E7A';

test('a company has every field of the schema and is where its Location says', async () => {
  const client = service.client('org_company');
  const created = await client.post('/companies', { name: 'Acme', website: 'https://acme.com' });
  expect(created.status).toBe(201);
  expect(created.headers.get('Location')).toBe(`/api/v1/companies/${created.body.id}`);
  const metadata = { title: null, department: null, reportsTo: null, mobilePhone: null, workPhone: null, preferredContactMethod: null };
  expect(created.body).toEqual({
    id: expect.any(String), organizationId: 'org_company', name: 'Acme', displayName: null, code: null, entityTypes: ['Company'],
    email: null, phone: null, website: 'https://acme.com', address: null, parentEntityId: null, primaryContactId: null, taxId: null,
    description: null, notes: null, customFields: null, metadata, status: 'active', isActive: true,
    createdAt: expect.any(String), updatedAt: created.body.createdAt,
  });
  const got = await client.get(`/companies/${created.body.id}`);
  expect(got.body).toEqual(created.body);
  expect(got.headers.get('ETag')).toBe(created.headers.get('ETag'));
});

test('an id can be given, in any case, once in an organization, also after deletion', async () => {
  const client = service.client();
  const created = await client.post('/companies', { id: GIVEN, name: 'Acme' });
  expect(created.body.id).toBe(GIVEN.toLowerCase());
  expectError(await client.post('/companies', { id: GIVEN.toLowerCase(), name: 'Other' }), 409, 'CONFLICT', ['id']);
  expect((await client.get(`/companies/${GIVEN}`)).body.name).toBe('Acme');
  await client.delete(`/companies/${GIVEN}`);
  expectError(await client.post('/companies', { id: GIVEN, name: 'Again' }), 409, 'CONFLICT', ['id']);
  expectError(await client.get(`/companies/${GIVEN}`), 404, 'COMPANY_NOT_FOUND', []);
  expect((await service.client().post('/companies', { id: GIVEN, name: 'Of another organization' })).status).toBe(201);
});

test('racing creations of one id make one company', async () => {
  const client = service.client();
  const replies = await Promise.all(Array.from({ length: 20 }, (_, index) => client.post('/companies', { id: GIVEN, name: `n${index}` })));
  expect(replies.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
  const won = replies.find(({ status }) => status === 201);
  expect((await client.get(`/companies/${GIVEN}`)).body).toEqual(won?.body);
});

test.each([
  [['Company'], ['Company']],
  [['Vendor', 'Company'], ['Company', 'Vendor']],
  [['Company', 'Partner', 'Customer', 'Vendor', 'Partner'], ['Company', 'Customer', 'Vendor', 'Partner']],
])('entity types %j become %j', async (sent, stored) => {
  const client = service.client();
  expect((await client.post('/companies', { name: 'x', entityTypes: sent })).body.entityTypes).toEqual(stored);
});

test.each([[[]], [['Customer']], [['Company', 'Contact']], [['Company', 7]], ['Company']])('entity types %j are refused', async (entityTypes) => {
  const client = service.client();
  expectInvalid(await client.post('/companies', { name: 'x', entityTypes }), ...(JSON.stringify(entityTypes).includes('7') ? ['entityTypes.1'] : ['entityTypes']));
  expect((await client.get('/companies')).body.total).toBe(0);
});

test('a change is a merge patch, its roles replaced; one that changes nothing stores nothing', async () => {
  const client = service.client();
  const before = (await client.post('/companies', { name: 'Acme', entityTypes: ['Company', 'Customer'], address: { city: 'Paris' }, code: 'A' })).body;
  const path = `/companies/${before.id}`;
  const changed = await client.patch(path, { code: null, address: { line1: '1 Rue' }, entityTypes: ['Company', 'Vendor'], status: 'inactive' });
  expect(changed.body).toMatchObject({
    name: 'Acme', code: null, entityTypes: ['Company', 'Vendor'], status: 'inactive', isActive: false,
    address: { id: before.address.id, city: 'Paris', line1: '1 Rue' },
  });
  const got = await client.get(path);
  expect(got.body).toEqual(changed.body);
  const same = await client.put(path, { ...got.body, primaryContactId: 'ignored', id: 'ignored' });
  expect(same.body).toEqual(got.body);
  expect(same.headers.get('ETag')).toBe(got.headers.get('ETag'));
  expectInvalid(await client.put(path, { parentEntityId: before.id, isActive: true, status: 'archived' }), 'parentEntityId', 'isActive');
});

test('the list filters, searches, sorts and pages as that of contacts, and holds no contacts', async () => {
  const client = service.client();
  const parent = (await client.post('/companies', { name: 'Årgang Holding' })).body;
  await client.post('/companies', { name: 'Acme', parentEntityId: parent.id, phone: '+1 555-0100' });
  await client.post('/companies', { name: 'Zeta', status: 'archived' });
  await client.post('/contacts', { name: 'Acme Person' });
  const names = async (query: string) => (await client.get(`/companies?${query}`)).body.data.map(({ name }: { name: string }) => name);
  expect(await names('orderBy=name')).toEqual(['Acme', 'Årgang Holding', 'Zeta']);
  expect(await names('')).toEqual(['Zeta', 'Acme', 'Årgang Holding']);
  expect(await names('search=acme')).toEqual(['Acme']);
  expect(await names('search=5550100')).toEqual(['Acme']);
  expect(await names('status=archived')).toEqual(['Zeta']);
  expect(await names('isActive=true&orderBy=name')).toEqual(['Acme', 'Årgang Holding']);
  expect(await names(`parentEntityId=${parent.id}`)).toEqual(['Acme']);
  const page = await client.get('/companies?limit=2&orderBy=name');
  expect(page.body).toMatchObject({ total: 3, totalPages: 2 });
  expect(page.headers.get('Link')).toContain('</api/v1/companies?');
  expect(await names(`limit=2&cursor=${page.body.nextCursor}`)).toEqual(['Zeta']);
  expectInvalid(await client.get('/companies?limit=0&orderBy=code&x=1'), 'limit', 'orderBy', 'x');
});

test('a deleted company is gone; its contacts keep their parent', async () => {
  const client = service.client();
  const { id } = (await client.post('/companies', { name: 'Acme' })).body;
  const contact = (await client.post('/contacts', { name: 'x', parentEntityId: id })).body;
  await client.post(`/contacts/${contact.id}/set-primary/${id}`);
  expect(await client.delete(`/companies/${id}`)).toMatchObject({ status: 204, text: '' });
  for (const reply of [await client.get(`/companies/${id}`), await client.put(`/companies/${id}`, {}), await client.delete(`/companies/${id}`)]) {
    expectError(reply, 404, 'COMPANY_NOT_FOUND', []);
  }
  expect((await client.get('/companies')).body.total).toBe(0);
  expect((await client.get(`/contacts/${contact.id}`)).body.parentEntityId).toBe(id);
});

test('with companies mastered here, a parent of a contact must be one, on a change too', async () => {
  const strict = await startTestService({ STRICT_PARENT_ENTITY: 'true' });
  try {
    const client = strict.client();
    const { id } = (await client.post('/companies', { name: 'Acme' })).body;
    const contact = (await client.post('/contacts', { name: 'x' })).body;
    const move = (parentEntityId: string | null, more: object = {}) => client.put(`/contacts/${contact.id}`, { parentEntityId, ...more });
    expectInvalid(await move(GIVEN), 'parentEntityId');
    expectInvalid(await move(contact.id, { metadata: { reportsTo: contact.id } }), 'parentEntityId', 'metadata.reportsTo');
    expect((await move(id)).status).toBe(200);
    await client.delete(`/companies/${id}`);
    // One that it has already is not looked at again.
    expect((await move(id, { name: 'y' })).status).toBe(200);
    expect((await move(null)).status).toBe(200);
    expectInvalid(await move(id), 'parentEntityId');
    expectInvalid(await client.post('/companies', { name: 'Daughter', parentEntityId: id }), 'parentEntityId');
    const mother = (await client.post('/companies', { name: 'Mother' })).body;
    const daughter = (await client.post('/companies', { name: 'Daughter', parentEntityId: mother.id })).body;
    expectInvalid(await client.put(`/companies/${daughter.id}`, { parentEntityId: GIVEN }), 'parentEntityId');
  } finally {
    await strict.stop();
  }
});
