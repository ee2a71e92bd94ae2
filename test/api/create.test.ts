// POST /contacts: what a new contact looks like, what is dropped, kept and refused.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

test('a contact with a name only has every field of the schema, null when unset', async () => {
  const created = await service.client('org_plain').post('/contacts', { name: 'Ada' });
  expect(created.status).toBe(201);
  expect(created.body).toEqual({
    id: expect.stringMatching(UUID),
    organizationId: 'org_plain',
    name: 'Ada',
    displayName: null,
    code: null,
    entityTypes: ['Contact'],
    email: null,
    phone: null,
    website: null,
    address: null,
    parentEntityId: null,
    primaryContactId: null,
    taxId: null,
    description: null,
    notes: null,
    customFields: null,
    metadata: { title: null, department: null, reportsTo: null, mobilePhone: null, workPhone: null, preferredContactMethod: null },
    status: 'active',
    isActive: true,
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    updatedAt: created.body.createdAt,
  });
});

test('the request of the spec is accepted as it stands and its address is filled up', async () => {
  const client = service.client();
  const sent = {
    name: 'John Smith',
    displayName: 'John',
    email: 'john.smith@acme.com',
    phone: '555-123-4567',
    entityTypes: ['Contact'],
    parentEntityId: 'd45f8e21-3ab2-4389-9e0d-9c12654b8e7a',
    address: { line1: '123 Main St', city: 'San Francisco', stateProvince: 'CA', postalCode: '94105', countryCode: 'US' },
    metadata: { title: 'Sales Director', department: 'Sales', workPhone: '555-123-4568', preferredContactMethod: 'email' },
    status: 'active',
  };
  const { status, body } = await client.post('/contacts', sent);
  expect(status).toBe(201);
  expect(body).toMatchObject(sent);
  expect(body.address).toEqual({
    ...sent.address,
    id: expect.any(String),
    line2: null,
    addressee: null,
    companyName: null,
    attention: null,
    phoneNumber: null,
  });
  expect((await client.get(`/contacts/${body.id}`)).body).toEqual(body);
});

test('the answer says where the contact is and how it stands', async () => {
  const client = service.client();
  const created = await client.post('/contacts', { name: 'Ada' });
  expect(created.headers.get('Location')).toBe(`/api/v1/contacts/${created.body.id}`);
  const got = await client.get(`/contacts/${created.body.id}`);
  expect(got.headers.get('ETag')).toBe(created.headers.get('ETag'));
});

test('ids increase with time', async () => {
  const client = service.client();
  const ids: string[] = [];
  for (let made = 0; made < 20; made += 1) ids.push((await client.post('/contacts', { name: 'x' })).body.id);
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(20);
});

test('null means absent, in objects and in customFields too', async () => {
  const { status, body } = await service.client().post('/contacts', {
    name: 'Ada',
    email: null,
    status: null,
    isActive: null,
    entityTypes: null,
    address: { id: null, city: 'Paris', line1: null },
    metadata: { title: null },
    customFields: { keep: 1, drop: null, deep: { drop: null, list: [null, { kept: null }] } },
  });
  expect(status).toBe(201);
  expect(body).toMatchObject({ email: null, status: 'active', address: { city: 'Paris', line1: null }, metadata: { title: null } });
  expect(body.customFields).toEqual({ keep: 1, deep: { list: [null, { kept: null }] } });
});

test('what the server sets is ignored when sent, so that the body of a GET can be posted', async () => {
  const client = service.client();
  const first = (await client.post('/contacts', { name: 'Ada', address: { city: 'Paris' } })).body;
  const second = (await client.post('/contacts', { ...first, primaryContactId: 'nonsense', createdAt: 7 })).body;
  expect(second.id).not.toBe(first.id);
  expect(second.address.id).toBe(first.address.id);
  expect(second).toMatchObject({ name: 'Ada', organizationId: client.token === '' ? '' : first.organizationId, primaryContactId: null });
  expect(second.createdAt >= first.createdAt).toBe(true);
});

test('the longest text that is allowed comes back as sent, one more character is refused', async () => {
  const client = service.client();
  const longest = { name: 'n'.repeat(200), notes: 'ü'.repeat(10_000), description: 'd'.repeat(2_000), taxId: 't'.repeat(100) };
  expect((await client.post('/contacts', longest)).body).toMatchObject(longest);
  for (const [field, value] of Object.entries(longest)) {
    const refused = await client.post('/contacts', { ...longest, [field]: `${value}x` });
    expect(refused.body).toMatchObject({ error: 'VALIDATION_ERROR', details: [{ field }] });
  }
});

test.each(['Zoë Ångström', '日本語', '👩‍💻', ' padded ', 'a\u0000b', 'line\nbreak', "'; DROP TABLE contacts; --"])(
  'the name %j comes back as sent',
  async (name) => {
    const client = service.client();
    const { body } = await client.post('/contacts', { name });
    expect(body.name).toBe(name);
    expect((await client.get(`/contacts/${body.id}`)).body.name).toBe(name);
  },
);

test.each(['a@b.co', 'first.last+tag@sub.example.museum', 'jörg@exämple.de', "o'neil@example.com"])('the email %s is accepted', async (email) => {
  expect((await service.client().post('/contacts', { name: 'x', email })).body.email).toBe(email);
});

test.each([
  ['active', true],
  ['inactive', false],
  ['archived', false],
])('a contact created as %s is active: %s', async (status, isActive) => {
  const client = service.client();
  expect((await client.post('/contacts', { name: 'x', status })).body).toMatchObject({ status, isActive });
  expect((await client.post('/contacts', { name: 'x', status, isActive })).body).toMatchObject({ status, isActive });
  const contradiction = await client.post('/contacts', { name: 'x', status, isActive: !isActive });
  expect(contradiction.body).toMatchObject({ error: 'VALIDATION_ERROR', details: [{ field: 'isActive' }] });
});

test('isActive false alone makes an inactive contact', async () => {
  expect((await service.client().post('/contacts', { name: 'x', isActive: false })).body).toMatchObject({ status: 'inactive', isActive: false });
});

test('an id in capitals is the same id', async () => {
  const client = service.client();
  const { id } = (await client.post('/contacts', { name: 'x' })).body;
  expect((await client.get(`/contacts/${id.toUpperCase()}`)).body.id).toBe(id);
  const report = (await client.post('/contacts', { name: 'y', metadata: { reportsTo: id.toUpperCase() } })).body;
  expect(report.metadata.reportsTo).toBe(id);
});

test('a contact reports to nobody that is not a contact', async () => {
  const client = service.client();
  const company = (await client.post('/companies', { name: 'Acme' })).body;
  for (const reportsTo of [company.id, 'd45f8e21-3ab2-4389-9e0d-9c12654b8e7a']) {
    const refused = await client.post('/contacts', { name: 'x', metadata: { reportsTo } });
    expect(refused.body).toMatchObject({ error: 'VALIDATION_ERROR', details: [{ field: 'metadata.reportsTo' }] });
  }
  expect((await client.get('/contacts')).body.total).toBe(0);
});

test('an unknown parent company is accepted, unless companies are mastered here', async () => {
  const parentEntityId = 'd45f8e21-3ab2-4389-9e0d-9c12654b8e7a';
  expect((await service.client().post('/contacts', { name: 'x', parentEntityId })).status).toBe(201);
  const strict = await startTestService({ STRICT_PARENT_ENTITY: 'true' });
  try {
    const client = strict.client();
    const refused = await client.post('/contacts', { name: 'x', parentEntityId });
    expect(refused.body).toMatchObject({ error: 'VALIDATION_ERROR', details: [{ field: 'parentEntityId' }] });
    await client.post('/companies', { id: parentEntityId, name: 'Acme' });
    expect((await client.post('/contacts', { name: 'x', parentEntityId })).status).toBe(201);
  } finally {
    await strict.stop();
  }
});
