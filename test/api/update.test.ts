// PUT and PATCH of a contact: a merge patch of every field, and what it stores.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newOrganization, startTestService, type Client, type TestService } from '../support/service.js';
import { expectError, expectInvalid } from './errorShape.js';
import { storedEvents } from './storedEvents.js';

let service: TestService;
let client: Client;
beforeAll(async () => {
  service = await startTestService();
  client = service.client();
});
afterAll(() => service.stop());

const company = 'd45f8e21-3ab2-4389-9e0d-9c12654b8e7a';

/** A contact of which everything is set. */
const whole = {
  name: 'John Smith',
  displayName: 'John',
  code: 'C-1',
  email: 'john.smith@acme.com',
  phone: '555-123-4567',
  website: 'https://acme.com/john',
  address: { line1: '123 Main St', line2: 'Floor 2', city: 'San Francisco', stateProvince: 'CA', postalCode: '94105', countryCode: 'US' },
  parentEntityId: company,
  taxId: 'T-1',
  description: 'A man',
  notes: 'Some notes',
  customFields: { tier: 'gold', deep: { a: 1, b: [1, { c: null }] } },
  metadata: { title: 'Sales Director', department: 'Sales', mobilePhone: '1', workPhone: '2', preferredContactMethod: 'email' },
};

const create = async (body: object = whole) => (await client.post('/contacts', body)).body;

/** The contact without the moment of its last change. */
const timeless = ({ updatedAt: _, ...rest }: { updatedAt: string }) => rest;

describe.each(['PUT', 'PATCH'])('%s', (method) => {
  test.each([
    ['name', 'Jon'],
    ['displayName', 'Johnny'],
    ['code', 'C-2'],
    ['email', 'jon@acme.com'],
    ['phone', '+44 20 7946 0018'],
    ['website', 'http://example.org'],
    ['parentEntityId', 'a23f8e21-3bb2-4589-be0d-8c32654b8e7b'],
    ['taxId', 'T-2'],
    ['description', 'Another man'],
    ['notes', ''],
    ['status', 'inactive'],
  ])('changes %s and nothing else', async (field, value) => {
    const before = await create();
    const reply = await client.send(method, `/contacts/${before.id}`, { [field]: value });
    expect(reply.status).toBe(200);
    const isActive = field === 'status' ? false : before.isActive;
    expect(timeless(reply.body)).toEqual(timeless({ ...before, [field]: value, isActive }));
    expect(reply.body.updatedAt >= before.updatedAt).toBe(true);
    const got = await client.get(`/contacts/${before.id}`);
    expect(got.body).toEqual(reply.body);
    expect(got.headers.get('ETag')).toBe(reply.headers.get('ETag'));
  });

  test.each(['displayName', 'code', 'email', 'phone', 'website', 'address', 'parentEntityId', 'taxId', 'description', 'notes', 'customFields'])(
    'clears %s by null',
    async (field) => {
      const before = await create();
      const { body } = await client.send(method, `/contacts/${before.id}`, { [field]: null });
      expect(timeless(body)).toEqual(timeless({ ...before, [field]: null }));
      expect((await client.get(`/contacts/${before.id}`)).body).toEqual(body);
    },
  );

  test.each(['name', 'status', 'isActive'])('does not clear %s', async (field) => {
    const before = await create();
    expectInvalid(await client.send(method, `/contacts/${before.id}`, { [field]: null }), field);
    expect((await client.get(`/contacts/${before.id}`)).body).toEqual(before);
  });

  test('merges objects, clears by null within them, and clears them whole', async () => {
    const before = await create();
    const path = `/contacts/${before.id}`;
    const merged = await client.send(method, path, {
      address: { city: 'Oakland', line2: null },
      metadata: { title: 'VP', mobilePhone: null },
      customFields: { tier: null, fresh: 1, deep: { b: [2], a: null } },
    });
    expect(merged.body).toMatchObject({
      address: { ...before.address, city: 'Oakland', line2: null },
      metadata: { ...before.metadata, title: 'VP', mobilePhone: null },
    });
    expect(merged.body.customFields).toEqual({ deep: { b: [2] }, fresh: 1 });
    const cleared = await client.send(method, path, { metadata: null, customFields: { deep: null } });
    expect(Object.values(cleared.body.metadata)).toEqual([null, null, null, null, null, null]);
    expect(cleared.body.customFields).toEqual({ fresh: 1 });
    expect((await client.get(path)).body).toEqual(cleared.body);
  });
});

test('arrays are replaced, and an object takes the place of what was none', async () => {
  const { id } = await create({ name: 'x', customFields: { list: [1, 2, 3], text: 'a' } });
  const { body } = await client.put(`/contacts/${id}`, { customFields: { list: [{ deep: null }], text: { now: { an: 'object', not: null } } } });
  expect(body.customFields).toEqual({ list: [{ deep: null }], text: { now: { an: 'object' } } });
});

test('a first address gets an id of the server and keeps it, sent back or not', async () => {
  const { id } = await create({ name: 'x' });
  const first = (await client.put(`/contacts/${id}`, { address: { city: 'Paris' } })).body.address;
  expect(first).toMatchObject({ id: expect.stringMatching(/\S/), city: 'Paris', line1: null, countryCode: null });
  const second = (await client.put(`/contacts/${id}`, { address: { ...first, line1: '1 Rue' } })).body.address;
  expect(second).toEqual({ ...first, line1: '1 Rue' });
  expect((await client.put(`/contacts/${id}`, { address: { id: 'another' } })).body.address.id).toBe(first.id);
});

test('the body of a GET can be sent back, with what the server sets in it, and changes nothing', async () => {
  const before = await create();
  const readOnly = { id: 'x', organizationId: 7, primaryContactId: 'y', createdAt: null, updatedAt: [] };
  for (const body of [before, {}, readOnly, { entityTypes: ['Contact'] }, { isActive: true }, { status: 'active' }, { customFields: {} }]) {
    const reply = await client.put(`/contacts/${before.id}`, body);
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual(before);
  }
  const got = await client.get(`/contacts/${before.id}`);
  expect(got.body).toEqual(before);
});

describe('status and isActive', () => {
  test.each([
    ['active', { status: 'inactive' }, 'inactive'],
    ['active', { status: 'archived' }, 'archived'],
    ['active', { isActive: true }, 'active'],
    ['active', { isActive: false }, 'inactive'],
    ['inactive', { isActive: true }, 'active'],
    ['inactive', { isActive: false }, 'inactive'],
    ['archived', { isActive: false }, 'archived'],
    ['archived', { isActive: true }, 'active'],
    // An isActive equal to the stored one counts as absent: a GET body with only its status edited.
    ['active', { status: 'inactive', isActive: true }, 'inactive'],
    ['active', { status: 'archived', isActive: true }, 'archived'],
    ['inactive', { status: 'active', isActive: false }, 'active'],
    ['archived', { status: 'inactive', isActive: false }, 'inactive'],
    // Both, and they agree.
    ['active', { status: 'archived', isActive: false }, 'archived'],
    ['inactive', { status: 'active', isActive: true }, 'active'],
    // A contradiction with the stored one, too.
    ['active', { status: 'active', isActive: false }, null],
    ['inactive', { status: 'archived', isActive: true }, null],
    ['archived', { status: 'archived', isActive: true }, null],
  ])('%s, sent %j: %s', async (status, body, expected) => {
    const before = await create({ name: 'x', status });
    const reply = await client.put(`/contacts/${before.id}`, body);
    if (expected === null) expectInvalid(reply, 'isActive');
    else expect(reply.body).toMatchObject({ status: expected, isActive: expected === 'active' });
    const stands = expected ?? status;
    expect((await client.get(`/contacts/${before.id}`)).body).toMatchObject({ status: stands, isActive: stands === 'active' });
  });
});

test('reportsTo must be another contact, and close no cycle', async () => {
  const [a, b, c] = [await create({ name: 'a' }), await create({ name: 'b' }), await create({ name: 'c' })];
  const report = (id: string, reportsTo: string | null) => client.put(`/contacts/${id}`, { metadata: { reportsTo } });
  expect((await report(b.id, a.id)).status).toBe(200);
  expect((await report(c.id, b.id)).status).toBe(200);
  for (const [id, manager] of [[a.id, a.id], [a.id, b.id], [a.id, c.id], [b.id, c.id], [c.id, company]]) {
    expectInvalid(await report(id, manager), 'metadata.reportsTo');
  }
  expect((await report(c.id, null)).status).toBe(200);
  expect((await report(b.id, c.id)).status).toBe(200);
});

test('a contact that is not there cannot be changed', async () => {
  const { id } = await create({ name: 'x' });
  await client.delete(`/contacts/${id}`);
  for (const unknown of [id, company]) {
    expectError(await client.put(`/contacts/${unknown}`, { name: 'y' }), 404, 'CONTACT_NOT_FOUND', []);
    expectError(await client.patch(`/contacts/${unknown}`, {}), 404, 'CONTACT_NOT_FOUND', []);
  }
});

test('PATCH takes a merge patch by its own content type', async () => {
  const { id } = await create({ name: 'x' });
  const reply = await client.patch(`/contacts/${id}`, { name: 'y' }, { 'Content-Type': 'application/merge-patch+json' });
  expect(reply.body).toMatchObject({ name: 'y' });
});

test('stored is what changed, in one append, and nothing when nothing did', async () => {
  const own = await startTestService();
  const organization = newOrganization();
  const writer = own.client(organization, { sub: 'auditor-7' });
  const { id } = (await writer.post('/contacts', whole)).body;
  const before = await writer.get(`/contacts/${id}`);
  await writer.put(`/contacts/${id}`, before.body);
  await writer.put(`/contacts/${id}`, {});
  expect((await writer.get(`/contacts/${id}`)).headers.get('ETag')).toBe(before.headers.get('ETag'));
  const headers = { 'X-Request-Id': 'request-42' };
  await writer.put(`/contacts/${id}`, { status: 'archived', parentEntityId: null, displayName: 'Johnny' }, headers);
  expectInvalid(await writer.put(`/contacts/${id}`, { status: 'active', email: 'nonsense' }), 'email');
  await own.stop();
  const events = await storedEvents(own.dataDir);
  expect(events.map(({ type, revision }) => [type, revision])).toEqual([
    ['ContactCreated', 0],
    ['ContactUpdated', 1],
    ['ContactStatusChanged', 2],
  ]);
  const [, updated, archived] = events;
  expect(updated?.data).toMatchObject({ changes: { parentEntityId: null }, personal: { fields: ['displayName'] } });
  expect(JSON.stringify(updated?.data)).not.toContain('Johnny');
  expect(archived?.data).toEqual({ contactId: id, from: 'active', to: 'archived' });
  for (const event of [updated, archived]) {
    expect(event?.metadata).toMatchObject({ organizationId: organization, actor: { sub: 'auditor-7' }, requestId: 'request-42', causationId: null });
  }
});
