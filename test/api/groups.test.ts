// The hierarchy, and the contacts by company, department and contact method.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type Client, type TestService } from '../support/service.js';
import { expectError, expectInvalid } from './errorShape.js';
import { rawRequest } from './rawRequest.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const namesOf = ({ body }: { body: { data: { name: string }[] } }) => body.data.map(({ name }) => name);

const encode = encodeURIComponent;

describe('the hierarchy', () => {
  test('maps each manager to those who report to it, by name, in the short shape', async () => {
    const client = service.client();
    const make = async (name: string, reportsTo: string | null, more: object = {}) =>
      (await client.post('/contacts', { name, ...more, metadata: { title: `${name}s title`, reportsTo } })).body;
    expect((await client.get('/contacts/hierarchy')).text).toBe('{}');
    const top = await make('Top', null);
    const mid = await make('mid', top.id, { displayName: 'Middle', email: 'mid@x.org' });
    const zoe = await make('Zoë', mid.id);
    const ada = await make('ada', mid.id, { status: 'archived' });
    const { body, headers } = await client.get('/contacts/hierarchy');
    expect(body).toEqual({
      [top.id]: [{ id: mid.id, name: 'mid', displayName: 'Middle', metadata: { title: 'mids title', department: null } }],
      [mid.id]: [
        { id: ada.id, name: 'ada', displayName: null, metadata: { title: 'adas title', department: null } },
        { id: zoe.id, name: 'Zoë', displayName: null, metadata: { title: 'Zoës title', department: null } },
      ],
    });
    expect(headers.get('Content-Type')).toBe('application/json; charset=utf-8');
    await client.put(`/contacts/${zoe.id}`, { metadata: { reportsTo: top.id, title: null } });
    const moved = (await client.get('/contacts/hierarchy')).body;
    expect(moved[top.id].map(({ name }: { name: string }) => name)).toEqual(['mid', 'Zoë']);
    expect(moved[mid.id]).toHaveLength(1);
    expectInvalid(await client.get('/contacts/hierarchy?page=1'), 'page');
  });

  test('of more than one batch comes whole, each contact once', async () => {
    const client = service.client();
    const boss = (await client.post('/contacts', { name: 'boss' })).body;
    const second = (await client.post('/contacts', { name: 'second' })).body;
    const make = (index: number) =>
      client.post('/contacts', { name: `n${String(index).padStart(4, '0')}`, metadata: { reportsTo: index % 4 === 0 ? second.id : boss.id } });
    for (let made = 0; made < 1_200; made += 100) await Promise.all(Array.from({ length: 100 }, (_, index) => make(made + index)));
    const { body } = await client.get('/contacts/hierarchy');
    expect(Object.keys(body).sort()).toEqual([boss.id, second.id].sort());
    const listed = [...body[boss.id], ...body[second.id]].map(({ name }: { name: string }) => name);
    expect([body[boss.id].length, body[second.id].length]).toEqual([900, 300]);
    expect(new Set(listed).size).toBe(1_200);
    const inOrder = body[boss.id].map(({ name }: { name: string }) => name);
    expect(inOrder).toEqual([...inOrder].sort());
  });
});

describe('by company', () => {
  test('everything but the deleted, by name, in the short shape', async () => {
    const client = service.client();
    const { id } = (await client.post('/companies', { name: 'Acme' })).body;
    expect((await client.get(`/contacts/company/${id}`)).body).toEqual({ data: [] });
    const first = (await client.post('/contacts', {
      name: 'b', displayName: 'B', email: 'b@x.org', phone: '1', parentEntityId: id, metadata: { title: 't', department: 'd' },
    })).body;
    await client.post('/contacts', { name: 'Á', parentEntityId: id, status: 'archived' });
    await client.post('/contacts', { name: 'c', parentEntityId: id, isActive: false });
    await client.post('/contacts', { name: 'not of it' });
    const reply = await client.get(`/contacts/company/${id.toUpperCase()}`);
    expect(namesOf(reply)).toEqual(['Á', 'b', 'c']);
    expect(reply.body.data[1]).toEqual({
      id: first.id, name: 'b', displayName: 'B', email: 'b@x.org', phone: '1', metadata: { title: 't', department: 'd' }, status: 'active',
    });
    expect(namesOf(await client.get(`/contacts/company/${id}?status=archived`))).toEqual(['Á']);
  });

  test('404 only when neither a company nor a contact of it is known', async () => {
    const client = service.client();
    const id = 'd45f8e21-3ab2-4389-9e0d-9c12654b8e7a';
    const path = `/contacts/company/${id}`;
    expectError(await client.get(path), 404, 'COMPANY_NOT_FOUND', []);
    const contact = (await client.post('/contacts', { name: 'x', parentEntityId: id })).body;
    expect(namesOf(await client.get(path))).toEqual(['x']);
    await client.put(`/contacts/${contact.id}`, { parentEntityId: null });
    expectError(await client.get(path), 404, 'COMPANY_NOT_FOUND', []);
    await client.put(`/contacts/${contact.id}`, { parentEntityId: id });
    await client.delete(`/contacts/${contact.id}`);
    expectError(await client.get(path), 404, 'COMPANY_NOT_FOUND', []);
    await client.post('/companies', { id, name: 'Acme' });
    expect((await client.get(path)).body).toEqual({ data: [] });
    await client.delete(`/companies/${id}`);
    expectError(await client.get(path), 404, 'COMPANY_NOT_FOUND', []);
    // A contact's own id names no company.
    const other = (await client.post('/contacts', { name: 'y' })).body;
    expectError(await client.get(`/contacts/company/${other.id}`), 404, 'COMPANY_NOT_FOUND', []);
  });
});

describe('by department', () => {
  let client: Client;
  beforeAll(async () => {
    client = service.client();
    for (const [name, department] of [
      ['a', 'Forschung & Entwicklung'], ['b', '  FORSCHUNG  & entwicklung'], ['c', 'R/D'], ['d', 'Größe'], ['e', 'Lønn'], ['f', '100%'], ['g', '.'],
    ] as const) await client.post('/contacts', { name, email: `${name}@x.org`, metadata: { title: 't', department } });
  });

  test.each([
    ['forschung & entwicklung', ['a', 'b']],
    ['R/D', ['c']],
    ['r/d', ['c']],
    ['GROSSE', ['d']],
    ['Größe', ['d']],
    ['Lonn', []],
    ['LØNN', ['e']],
    ['100%', ['f']],
    ['Forschung', []],
    ['nobody', []],
  ])('%s shows %j', async (department, expected) => {
    expect(namesOf(await client.get(`/contacts/department/${encode(department)}`))).toEqual(expected);
  });

  test('names are shown as written, in the short shape', async () => {
    const { body } = await client.get(`/contacts/department/${encode('forschung & ENTWICKLUNG')}`);
    expect(body.data[1]).toEqual({
      id: expect.any(String), name: 'b', displayName: null, email: 'b@x.org', metadata: { title: 't', department: '  FORSCHUNG  & entwicklung' },
    });
  });

  test('links hold nothing that would end them', async () => {
    const { headers } = await rawRequest(`${client.baseUrl}/contacts/department/a>;rel="x"?limit=1`, 'GET', { Authorization: `Bearer ${client.token}` });
    expect(headers.link).toMatch(/^<[!-;=?-~]*>; rel="first", <[!-;=?-~]*>; rel="last"$/);
  });
});

describe('by contact method', () => {
  test.each(['email', 'phone', 'mobile'])('%s shows those who prefer it, in the short shape', async (method) => {
    const client = service.client();
    const { id } = (await client.post('/contacts', { name: 'x', phone: '1', metadata: { preferredContactMethod: method } })).body;
    await client.post('/contacts', { name: 'y' });
    expect((await client.get(`/contacts/contact-method/${method}`)).body).toEqual({
      data: [{ id, name: 'x', email: null, phone: '1', metadata: { preferredContactMethod: method } }],
    });
    await client.put(`/contacts/${id}`, { metadata: { preferredContactMethod: null } });
    expect((await client.get(`/contacts/contact-method/${method}`)).body).toEqual({ data: [] });
  });

  test.each(['fax', 'EMAIL', 'null', '%00'])('there is no method %s', async (method) => {
    expectInvalid(await service.client().get(`/contacts/contact-method/${method}`), 'method');
  });
});

describe('pages of a group', () => {
  let client: Client;
  const company = 'd45f8e21-3ab2-4389-9e0d-9c12654b8e7a';
  const groups = [`/contacts/company/${company}`, '/contacts/department/Sales%2FEast', '/contacts/contact-method/phone'];
  beforeAll(async () => {
    client = service.client();
    const metadata = { department: 'Sales/East', preferredContactMethod: 'phone' };
    for (let made = 1; made <= 7; made += 1) {
      await client.post('/contacts', { name: `c${made}`, parentEntityId: company, metadata, status: made > 5 ? 'inactive' : 'active' });
    }
  });

  test.each(groups)('%s pages as the list does, by number, by cursor and by links', async (group) => {
    const first = await client.get(`${group}?limit=3`);
    expect(first.body).toMatchObject({ total: 7, page: 1, limit: 3, totalPages: 3 });
    expect(namesOf(first)).toEqual(['c1', 'c2', 'c3']);
    const whole = (await client.get(group)).body.data;
    expect(first.body.data).toEqual(whole.slice(0, 3));
    expect(namesOf(await client.get(`${group}?limit=3&page=3`))).toEqual(['c7']);
    expect(namesOf(await client.get(`${group}?page=1`))).toHaveLength(7);
    const byCursor = await client.get(`${group}?limit=3&cursor=${first.body.nextCursor}`);
    expect(namesOf(byCursor)).toEqual(['c4', 'c5', 'c6']);
    const next = /<\/api\/v1([^>]*)>; rel="next"/.exec(first.headers.get('Link') ?? '')?.[1] ?? '';
    expect(namesOf(await client.get(next))).toEqual(['c4', 'c5', 'c6']);
    expect((await client.get(`${group}?limit=7`)).body.nextCursor).toBeNull();
    expect(namesOf(await client.get(`${group}?status=inactive&limit=1`))).toEqual(['c6']);
    expect((await client.get(`${group}?status=inactive&limit=1`)).body.total).toBe(2);
    expect(namesOf(await client.get(`${group}?status=inactive`))).toEqual(['c6', 'c7']);
  });

  test.each([
    ['limit=0', ['limit']],
    ['limit=101&page=0', ['limit', 'page']],
    ['cursor=x', ['cursor']],
    ['status=gone&status=x', ['status']],
    ['search=x&orderBy=name', ['search', 'orderBy']],
  ])('%s is refused', async (query, fields) => {
    for (const group of groups) expectInvalid(await client.get(`${group}?${query}`), ...fields);
  });

  test('a cursor of a list in another order is refused, and says so', async () => {
    for (const order of ['', '&orderBy=updatedAt', '&orderBy=name&orderDirection=desc']) {
      const { nextCursor } = (await client.get(`/contacts?limit=1${order}`)).body;
      for (const group of groups) expectInvalid(await client.get(`${group}?cursor=${nextCursor}`), 'cursor');
    }
    const { nextCursor } = (await client.get('/contacts?limit=1&orderBy=name')).body;
    for (const group of groups) expect(namesOf(await client.get(`${group}?limit=1&cursor=${nextCursor}`))).toEqual(['c2']);
  });
});
