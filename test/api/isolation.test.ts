// What belongs to another organization answers exactly as what does not exist, on every route.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type Client, type Reply, type TestService } from '../support/service.js';

let service: TestService;
let mine: Client;
let theirs: Client;
let contact: { id: string; parentEntityId: string };
let second: { id: string };
let company: { id: string };
const NOBODY = '00000000-0000-4000-8000-000000000000';

beforeAll(async () => {
  service = await startTestService();
  // One name is a prefix of the other's, and both hold what stream names are made of.
  mine = service.client('org-a');
  theirs = service.client('org-a-contact');
  company = (await theirs.post('/companies', { name: 'Secret Company' })).body;
  const metadata = { department: 'Secrets', preferredContactMethod: 'email' };
  contact = (await theirs.post('/contacts', { name: 'Secret Person', email: 'secret@x.org', parentEntityId: company.id, metadata })).body;
  second = (await theirs.post('/contacts', { name: 'Secret Report', metadata: { reportsTo: contact.id } })).body;
  await theirs.post(`/contacts/${contact.id}/set-primary/${company.id}`);
});
afterAll(() => service.stop());

/** All that could tell one answer from another, but the id that was asked for. */
function appearance({ status, text, headers }: Reply) {
  const shown = [...headers]
    .filter(([name]) => !['date', 'x-request-id'].includes(name))
    .map(([name, value]): [string, string] => [name, value.replaceAll(company.id, NOBODY)]);
  return { status, text, headers: Object.fromEntries(shown) };
}

type PathOf = (contactId: string, companyId: string) => string;

test.each<[string, string, PathOf, object?]>([
  ['a contact', 'GET', (id) => `/contacts/${id}`],
  ['a contact that is changed', 'PUT', (id) => `/contacts/${id}`, { name: 'x' }],
  ['a contact that is patched', 'PATCH', (id) => `/contacts/${id}`, { metadata: { reportsTo: NOBODY } }],
  ['a contact that is deleted', 'DELETE', (id) => `/contacts/${id}`],
  ['a contact to be primary', 'POST', (id, companyId) => `/contacts/${id}/set-primary/${companyId}`],
  ['the contacts of a company', 'GET', (_, id) => `/contacts/company/${id}`],
  ['a company', 'GET', (_, id) => `/companies/${id}`],
  ['a company that is changed', 'PUT', (_, id) => `/companies/${id}`, { name: 'x' }],
  ['a company that is patched', 'PATCH', (_, id) => `/companies/${id}`, { isActive: false }],
  ['a company that is deleted', 'DELETE', (_, id) => `/companies/${id}`],
  ['a list of a company', 'GET', (_, id) => `/contacts?parentEntityId=${id}`],
])('%s of another organization', async (...[, method, path, body]: [string, string, PathOf, object?]) => {
  const foreign = await mine.send(method, path(contact.id, company.id), body);
  const unknown = await mine.send(method, path(NOBODY, NOBODY), body);
  const conditional = await mine.send(method, path(contact.id, company.id), body, { 'If-None-Match': '*' });
  expect(appearance(foreign)).toEqual(appearance(unknown));
  expect(conditional.status).toBe(unknown.status);
  expect(foreign.text).not.toMatch(/secret/i);
});

test('an own contact cannot be tied to another organization', async () => {
  const own = (await mine.post('/contacts', { name: 'own', parentEntityId: company.id })).body;
  const ownCompany = (await mine.post('/companies', { name: 'own company' })).body;
  const outcome = async (path: string, body?: object) => {
    const { status, text } = await mine.send(body === undefined ? 'POST' : 'PUT', path, body);
    return { status, text };
  };
  for (const reportsTo of [contact.id, second.id]) {
    const known = await outcome(`/contacts/${own.id}`, { metadata: { reportsTo } });
    expect(known).toEqual(await outcome(`/contacts/${own.id}`, { metadata: { reportsTo: NOBODY } }));
  }
  expect(await outcome(`/contacts/${own.id}/set-primary/${company.id}`)).toEqual(await outcome(`/contacts/${own.id}/set-primary/${NOBODY}`));
  expect(await outcome(`/contacts/${contact.id}/set-primary/${ownCompany.id}`)).toEqual(await outcome(`/contacts/${NOBODY}/set-primary/${ownCompany.id}`));
  // Its parent's id is the other's company, which is theirs alone: the group shows the own contact only.
  expect((await mine.get(`/contacts/company/${company.id}`)).body.data).toMatchObject([{ id: own.id }]);
  await mine.delete(`/contacts/${own.id}`);
  await mine.delete(`/companies/${ownCompany.id}`);
});

test('lists, groups, search and hierarchy hold nothing of another organization', async () => {
  const paths = ['/contacts', '/contacts?search=secret', '/contacts?search=s', '/contacts?orderBy=name', '/companies', '/companies?search=secret'];
  for (const path of paths) expect((await mine.get(path)).body).toMatchObject({ data: [], total: 0, totalPages: 0 });
  for (const path of ['/contacts/department/Secrets', '/contacts/contact-method/email']) {
    expect((await mine.get(path)).body).toEqual({ data: [] });
    expect((await mine.get(`${path}?limit=5`)).body.total).toBe(0);
  }
  expect((await mine.get('/contacts/hierarchy')).body).toEqual({});
});

test('a cursor of another organization shows what is one’s own', async () => {
  const cursor = (await theirs.get('/contacts?limit=1&orderBy=name')).body.nextCursor;
  expect((await mine.get(`/contacts?cursor=${cursor}`)).body.data).toEqual([]);
});

test('an Idempotency-Key is of one organization', async () => {
  const headers = { 'Idempotency-Key': 'shared-key' };
  const one = await theirs.post('/contacts', { name: 'theirs' }, headers);
  const other = await mine.post('/contacts', { name: 'mine' }, headers);
  expect([one.status, other.status]).toEqual([201, 201]);
  expect(other.headers.get('Idempotency-Replayed')).toBeNull();
  expect(other.body.id).not.toBe(one.body.id);
});

test('the organization comes from the token alone', async () => {
  const headers = { 'X-Organization-Id': 'org-a-contact', organizationId: 'org-a-contact' };
  const made = await mine.post('/contacts', { name: 'whose', organizationId: 'org-a-contact' }, headers);
  expect(made.body.organizationId).toBe('org-a');
  expect((await theirs.get(`/contacts/${made.body.id}`, headers)).status).toBe(404);
  expect((await mine.get('/contacts?organizationId=org-a-contact')).status).toBe(400);
});

test.each(['org-a%2Dcontact', 'ORG-A', 'org-a ', '../org-a', 'org-a%', "org' OR 1=1 --", 'örg 💥', '__proto__', 'org-a-contact-'])(
  'an organization named %j is one of its own',
  async (name) => {
    const client = service.client(name);
    const { body } = await client.post('/contacts', { name: 'x' });
    expect(body.organizationId).toBe(name);
    expect((await client.get('/contacts')).body.total).toBe(1);
    expect((await client.get(`/contacts/${contact.id}`)).status).toBe(404);
  },
);

test('after all that, what they had is as it was', async () => {
  expect((await theirs.get(`/contacts/${contact.id}`)).body).toEqual(contact);
  expect((await theirs.get(`/companies/${company.id}`)).body).toMatchObject({ name: 'Secret Company', primaryContactId: contact.id });
  expect((await theirs.get('/contacts/hierarchy')).body).toMatchObject({ [contact.id]: [{ id: second.id }] });
});
