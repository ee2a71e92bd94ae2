// Answers as of an earlier time are the bytes that were answered then; and what changed in between.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { newOrganization, startTestService, type Client, type TestService } from '../support/service.js';
import { expectInvalid, expectError } from './errorShape.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const COMPANY = 'aaaaaaaa-0000-4000-8000-000000000001';

/** Every answer that can be had as of a time, for these contacts. */
const paths = (ids: readonly string[]) => [
  ...ids.map((id) => `/contacts/${id}`),
  '/contacts?limit=2',
  '/contacts?limit=2&page=2&orderBy=updatedAt',
  '/contacts?orderBy=name&orderDirection=desc&status=active',
  '/contacts?search=zo%20555&isActive=true',
  `/contacts?parentEntityId=${COMPANY}&orderBy=name`,
  '/contacts/hierarchy',
  `/contacts/company/${COMPANY}`,
  `/contacts/company/${COMPANY}?limit=1&status=active`,
  '/contacts/department/sales',
  '/contacts/contact-method/email',
];

/** What is answered: status, bytes, ETag and links, without what names the time. */
async function answers(client: Client, ids: readonly string[], asOf?: string) {
  return Promise.all(
    paths(ids).map(async (path) => {
      const time = asOf === undefined ? '' : `${path.includes('?') ? '&' : '?'}asOf=${asOf}`;
      const { status, text, headers } = await client.get(path + time);
      const link = headers.get('Link')?.replaceAll(/[?&]asOf=[^&>]*/g, '').replaceAll(/\?&|\?/g, '?').split(', ').map((one) => one.split(/[?&>]/).sort().join());
      return { path, status, text, etag: headers.get('ETag'), link };
    }),
  );
}

const patch = fc.record(
  {
    name: fc.constantFrom('Zoë', 'zora', 'Adam'),
    phone: fc.constantFrom('(555) 1', null),
    status: fc.constantFrom('active', 'archived'),
    parentEntityId: fc.constantFrom(COMPANY, null),
    metadata: fc.record({ department: fc.constantFrom('Sales', 'SALÉS', null), preferredContactMethod: fc.constantFrom('email', null) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
const step = fc.oneof(
  { weight: 4, arbitrary: patch.map((said) => ({ type: 'create' as const, said })) },
  { weight: 5, arbitrary: fc.tuple(fc.nat(5), patch).map(([who, said]) => ({ type: 'change' as const, who, said })) },
  { weight: 3, arbitrary: fc.tuple(fc.nat(5), fc.nat(5)).map(([who, manager]) => ({ type: 'manager' as const, who, manager })) },
  { weight: 1, arbitrary: fc.nat(5).map((who) => ({ type: 'delete' as const, who })) },
);

test('every answer as of a time has the bytes, the ETag and the links that it had then', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 12 }), async (steps) => {
      const client = service.client();
      const ids: string[] = [];
      const taken: { at: string; given: Awaited<ReturnType<typeof answers>> }[] = [];
      for (const one of steps) {
        const who = 'who' in one ? ids[one.who % Math.max(1, ids.length)] : undefined;
        if (one.type === 'create') ids.push((await client.post('/contacts', { name: 'Zoe', ...one.said })).body.id);
        else if (who === undefined) continue;
        else if (one.type === 'change') await client.put(`/contacts/${who}`, one.said);
        else if (one.type === 'manager') await client.put(`/contacts/${who}`, { metadata: { reportsTo: ids[one.manager % ids.length] } });
        else await client.delete(`/contacts/${who}`);
        taken.push({ at: new Date().toISOString(), given: await answers(client, ids) });
        // What follows occurs in a later millisecond.
        await sleep(2);
      }
      for (const { at, given } of taken) {
        const known = given.filter(({ path }) => path.startsWith('/contacts/') && ids.some((id) => path.endsWith(id))).map(({ path }) => path.slice('/contacts/'.length));
        expect(await answers(client, known, at)).toEqual(given);
      }
    }),
    { numRuns: 4, endOnFailure: true },
  );
});

test('a time before it existed, after it was deleted, malformed or in the future', async () => {
  const client = service.client();
  const created = (await client.post('/contacts', { name: 'Ada' })).body;
  const path = `/contacts/${created.id}`;
  const earlier = new Date(Date.parse(created.createdAt) - 1).toISOString();
  expectError(await client.get(`${path}?asOf=${earlier}`), 404, 'CONTACT_NOT_FOUND');
  expect((await client.get(`${path}?asOf=${created.createdAt}`)).body).toEqual(created);
  // The same time elsewhere, and finer than times are kept.
  const elsewhere = `${new Date(Date.parse(created.createdAt) + 3_600_000).toISOString().slice(0, -1)}999+01:00`;
  expect((await client.get(`${path}?asOf=${encodeURIComponent(elsewhere)}`)).body).toEqual(created);
  expect((await client.get(`/contacts?asOf=${earlier}`)).body).toMatchObject({ data: [], total: 0, totalPages: 0, nextCursor: null });
  expect((await client.get(`/contacts/hierarchy?asOf=${earlier}`)).body).toEqual({});
  expectError(await client.get(`/contacts/company/${COMPANY}?asOf=${earlier}`), 404, 'COMPANY_NOT_FOUND');
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  for (const wrong of ['yesterday', '2025-06-03', '2025-13-01T00:00:00Z', '2025-02-30T00:00:00Z', '2025-06-03T10:00:00', '', tomorrow, '9999-12-31T23:59:59-01:00']) {
    for (const one of [path, '/contacts', '/contacts/hierarchy', `/contacts/company/${COMPANY}`, '/contacts/department/x']) {
      expectInvalid(await client.get(`${one}?asOf=${encodeURIComponent(wrong)}`), 'asOf');
    }
  }
  expectError(await client.get(`/companies?asOf=${earlier}`), 400, 'VALIDATION_ERROR');
});

test("another organization's past is as empty as its present", async () => {
  const [mine, theirs] = [service.client(), service.client()];
  const { id, updatedAt } = (await theirs.post('/contacts', { name: 'Secret', parentEntityId: COMPANY })).body;
  expectError(await mine.get(`/contacts/${id}?asOf=${updatedAt}`), 404, 'CONTACT_NOT_FOUND');
  expect((await mine.get(`/contacts?asOf=${updatedAt}`)).body.total).toBe(0);
  expectError(await mine.get(`/contacts/company/${COMPANY}?asOf=${updatedAt}`), 404, 'COMPANY_NOT_FOUND');
  expect((await mine.get(`/contacts/hierarchy/diff?from=1970-01-01T00:00:00Z&to=${updatedAt}`)).body).toMatchObject({ joined: [], left: [], moved: [] });
});

test('the diff of the chart tells who joined, left and moved, with both managers', async () => {
  const organization = newOrganization();
  const client = service.client(organization);
  const create = async (name: string, reportsTo: string | null = null) => (await client.post('/contacts', { name, metadata: { reportsTo, title: `${name}'s title` } })).body;
  const [boss, chief] = [await create('Boss'), await create('Chief')];
  const [mover, leaver, orphan] = [await create('Mover', boss.id), await create('Leaver', boss.id), await create('Orphan', chief.id)];
  const { updatedAt: from } = orphan;
  await sleep(2);
  await client.put(`/contacts/${boss.id}`, { name: 'Big Boss' });
  await client.put(`/contacts/${mover.id}`, { metadata: { reportsTo: chief.id } });
  await client.delete(`/contacts/${leaver.id}`);
  const joiner = await create('Joiner', boss.id);
  await sleep(2);
  const before = new Date().toISOString();
  await sleep(2);
  await client.delete(`/contacts/${chief.id}`);
  const person = ({ id, name, metadata: { title } }: typeof boss) => ({ id, name, displayName: null, metadata: { title, department: null } });
  const manager = ({ id, name }: typeof boss) => ({ id, name, displayName: null });

  expect((await client.get(`/contacts/hierarchy/diff?from=${from}&to=${before}`)).body).toEqual({
    from,
    to: before,
    joined: [{ ...person(joiner), from: null, to: { ...manager(boss), name: 'Big Boss' } }],
    left: [{ ...person(leaver), from: manager(boss), to: null }],
    moved: [{ ...person(mover), from: manager(boss), to: manager(chief) }],
  });
  const { body } = await client.get(`/contacts/hierarchy/diff?from=${from}`);
  expect(body).toMatchObject({
    left: [{ id: chief.id, from: null, to: null }, { id: leaver.id }],
    moved: [{ id: mover.id, from: { id: boss.id }, to: null }, { id: orphan.id, from: { id: chief.id }, to: null }],
  });
  expectInvalid(await client.get('/contacts/hierarchy/diff'), 'from');
  expectInvalid(await client.get(`/contacts/hierarchy/diff?from=${before}&to=${from}`), 'from');
  expectInvalid(await client.get(`/contacts/hierarchy/diff?from=${from}&to=2999-01-01T00:00:00Z`), 'to');
  expectError(await service.client(organization, { scope: 'audit:read' }).get(`/contacts/hierarchy/diff?from=${from}`), 403, 'FORBIDDEN');
});
