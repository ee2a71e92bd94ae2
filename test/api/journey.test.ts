// The way of a newcomer through the API, from the first contact to its deletion.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

test('a contact is created, found everywhere, changed and deleted', async () => {
  const client = service.client();
  const company = (await client.post('/companies', { name: 'Acme Corporation', entityTypes: ['Company', 'Customer'] })).body;
  const boss = (await client.post('/contacts', { name: 'Ada Boss' })).body;
  const created = await client.post('/contacts', {
    name: 'John Smith',
    email: 'john.smith@acme.com',
    phone: '555-123-4567',
    parentEntityId: company.id,
    metadata: { title: 'Sales Director', department: 'Sales', reportsTo: boss.id, preferredContactMethod: 'email' },
  });
  expect(created.status).toBe(201);
  const { id } = created.body;
  expect((await client.get(`/contacts/${id}`)).body).toEqual(created.body);
  expect((await client.get('/contacts?search=5551234567')).body).toMatchObject({ total: 1, data: [{ id }] });
  expect((await client.get('/contacts/hierarchy')).body).toMatchObject({ [boss.id]: [{ id, name: 'John Smith' }] });
  expect((await client.get(`/contacts/company/${company.id}`)).body.data).toMatchObject([{ id }]);
  expect((await client.get('/contacts/department/sales')).body.data).toMatchObject([{ id }]);
  expect((await client.get('/contacts/contact-method/email')).body.data).toMatchObject([{ id }]);
  expect((await client.post(`/contacts/${id}/set-primary/${company.id}`)).body.company.primaryContactId).toBe(id);
  const changed = await client.put(`/contacts/${id}`, { displayName: 'Johnny', metadata: { title: 'VP of Sales' } });
  expect(changed.body).toMatchObject({ displayName: 'Johnny', metadata: { title: 'VP of Sales', department: 'Sales' } });
  expect((await client.delete(`/contacts/${boss.id}`)).status).toBe(204);
  expect((await client.get(`/contacts/${id}`)).body.metadata.reportsTo).toBeNull();
  expect((await client.delete(`/contacts/${id}`)).status).toBe(204);
  expect((await client.get(`/contacts/${id}`)).body.error).toBe('CONTACT_NOT_FOUND');
  expect((await client.get(`/companies/${company.id}`)).body.primaryContactId).toBeNull();
});
