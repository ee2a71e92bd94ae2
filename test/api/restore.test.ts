// POST /contacts/{id}/restore: a deleted contact comes back as it was.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newOrganization, startTestService, type Client, type TestService } from '../support/service.js';
import { expectError } from './errorShape.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const UNKNOWN = '0198c6a2-7d3e-7b11-9a52-3f0c6f0e4d21';
const make = async (client: Client, name: string, more: object = {}) => (await client.post('/contacts', { name, ...more })).body;

test('a deleted contact comes back with every field, its id and the time it was created at', async () => {
  const client = service.client();
  const boss = await make(client, 'Boss');
  const sent = { email: 'ada@x.org', address: { line1: '1 Way' }, customFields: { a: [1] }, status: 'inactive', metadata: { department: 'Engines', reportsTo: boss.id } };
  const made = await make(client, 'Ada', sent);
  await client.delete(`/contacts/${made.id}`);
  expectError(await client.get(`/contacts/${made.id}`), 404, 'CONTACT_NOT_FOUND', []);
  const reply = await client.post(`/contacts/${made.id}/restore`);
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual({ ...made, updatedAt: expect.any(String) });
  const read = await client.get(`/contacts/${made.id}`);
  expect(read.body).toEqual(reply.body);
  expect(read.headers.get('ETag')).toBe(reply.headers.get('ETag'));
  expect((await client.get('/contacts?search=ada')).body.total).toBe(1);
  expect((await client.get('/contacts/department/Engines')).body.data).toHaveLength(1);
  expect((await client.get('/contacts/hierarchy')).body[boss.id]).toHaveLength(1);
});

test('a living contact stays as it is; one that never was, or is of another organization, is not found', async () => {
  const [client, other] = [service.client(), service.client()];
  const made = await make(client, 'Ada');
  expect((await client.post(`/contacts/${made.id}/restore`)).body).toEqual(made);
  await client.delete(`/contacts/${made.id}`);
  expectError(await other.post(`/contacts/${made.id}/restore`), 404, 'CONTACT_NOT_FOUND', []);
  expectError(await client.post(`/contacts/${UNKNOWN}/restore`), 404, 'CONTACT_NOT_FOUND', []);
  expectError(await client.post('/contacts/nobody/restore'), 404, 'CONTACT_NOT_FOUND', []);
});

test('a manager who is gone, or reports to it by now, is left out', async () => {
  const client = service.client();
  const [boss, top] = [await make(client, 'Boss'), await make(client, 'Top')];
  const ada = await make(client, 'Ada', { metadata: { reportsTo: boss.id } });
  await client.delete(`/contacts/${ada.id}`);
  await client.delete(`/contacts/${boss.id}`);
  expect((await client.post(`/contacts/${ada.id}/restore`)).body.metadata.reportsTo).toBeNull();
  const { type, changes } = (await client.get(`/contacts/${ada.id}/history`)).body.data.at(-1);
  expect({ type, changes }).toEqual({ type: 'ContactRestored', changes: [{ field: 'metadata.reportsTo', from: boss.id, to: null }] });
  const eve = await make(client, 'Eve', { metadata: { reportsTo: top.id } });
  await client.delete(`/contacts/${eve.id}`);
  await client.delete(`/contacts/${top.id}`);
  await client.post(`/contacts/${top.id}/restore`);
  expect((await client.post(`/contacts/${eve.id}/restore`)).body.metadata.reportsTo).toBe(top.id);
  expect((await client.get(`/contacts/${eve.id}/history`)).body.data.at(-1)).toMatchObject({ type: 'ContactRestored', changes: [] });
});

test('restoring at the same time as others are put under each other closes no cycle', async () => {
  const client = service.client();
  for (let round = 0; round < 10; round += 1) {
    const b = await make(client, 'B');
    const a = await make(client, 'A', { metadata: { reportsTo: b.id } });
    await client.delete(`/contacts/${a.id}`);
    await Promise.all([
      client.post(`/contacts/${a.id}/restore`),
      ...Array.from({ length: 5 }, () => client.put(`/contacts/${b.id}`, { metadata: { reportsTo: a.id } })),
    ]);
    const [ra, rb] = await Promise.all([a, b].map(async ({ id }) => (await client.get(`/contacts/${id}`)).body.metadata.reportsTo));
    expect([ra, rb]).not.toEqual([b.id, a.id]);
  }
});

test('reports found for a contact that was restored meanwhile are kept', async () => {
  const client = service.client(newOrganization());
  const boss = await make(client, 'Boss');
  for (let round = 0; round < 10; round += 1) {
    await client.delete(`/contacts/${boss.id}`);
    await client.post(`/contacts/${boss.id}/restore`);
    const report = await make(client, 'Report', { metadata: { reportsTo: boss.id } });
    expect((await client.get(`/contacts/${report.id}`)).body.metadata.reportsTo).toBe(boss.id);
  }
  const { body } = await client.get('/contacts/hierarchy');
  expect(body[boss.id]).toBeDefined();
});

test('the same request sent again is answered alike', async () => {
  const client = service.client();
  const { id } = await make(client, 'Ada');
  await client.delete(`/contacts/${id}`);
  const first = await client.post(`/contacts/${id}/restore`, undefined, { 'Idempotency-Key': 'once' });
  await client.put(`/contacts/${id}`, { name: 'Eve' });
  const again = await client.post(`/contacts/${id}/restore`, undefined, { 'Idempotency-Key': 'once' });
  expect(again.headers.get('Idempotency-Replayed')).toBe('true');
  expect(again.body).toEqual(first.body);
});
