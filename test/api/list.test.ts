// GET /contacts: filters, search, order, pages, cursors, links and totals.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type Client, type TestService } from '../support/service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

interface Listed {
  id: string;
  name: string;
}

const names = (reply: { body: { data: Listed[] } }) => reply.body.data.map(({ name }) => name);

async function createAll(client: Client, contacts: object[]): Promise<void> {
  for (const contact of contacts) await client.post('/contacts', contact);
}

test('an organization without contacts has one empty page', async () => {
  const reply = await service.client().get('/contacts');
  expect(reply.status).toBe(200);
  expect(reply.body).toEqual({ data: [], total: 0, page: 1, limit: 20, totalPages: 0, nextCursor: null });
});

test('contacts are shown in full', async () => {
  const client = service.client();
  const { body } = await client.post('/contacts', { name: 'Ada', address: { city: 'Paris' }, customFields: { a: 1 } });
  expect((await client.get('/contacts')).body.data).toEqual([body]);
});

describe('filters', () => {
  let client: Client;
  const company = 'd45f8e21-3ab2-4389-9e0d-9c12654b8e7a';
  beforeAll(async () => {
    client = service.client();
    await createAll(client, [
      { name: 'a', status: 'active', parentEntityId: company },
      { name: 'b', status: 'inactive', parentEntityId: company },
      { name: 'c', displayName: 'also a', status: 'archived' },
      { name: 'd' },
    ]);
  });

  test.each([
    ['', ['a', 'b', 'c', 'd']],
    ['status=active', ['a', 'd']],
    ['status=inactive', ['b']],
    ['status=archived', ['c']],
    ['isActive=true', ['a', 'd']],
    ['isActive=false', ['b', 'c']],
    ['isActive=false&status=archived', ['c']],
    ['isActive=true&status=archived', []],
    [`parentEntityId=${company}`, ['a', 'b']],
    [`parentEntityId=${company.toUpperCase()}`, ['a', 'b']],
    [`parentEntityId=${company}&status=inactive`, ['b']],
    [`parentEntityId=${company}&status=inactive&search=a`, []],
    [`parentEntityId=${company}&search=a`, ['a']],
    ['search=a', ['a', 'c']],
    ['status=archived&search=a', ['c']],
    ['parentEntityId=00000000-0000-0000-0000-000000000000', []],
    ['search=', ['a', 'b', 'c', 'd']],
    ['search=%20', ['a', 'b', 'c', 'd']],
  ])('%s shows %j', async (query, expected) => {
    const reply = await client.get(`/contacts?orderBy=name&${query}`);
    expect(names(reply)).toEqual(expected);
    expect(reply.body.total).toBe(expected.length);
  });
});

describe('search', () => {
  let client: Client;
  beforeAll(async () => {
    client = service.client();
    await createAll(client, [
      { name: 'Zoë Ångström', displayName: 'Zed', email: 'Zoe@Example.com', phone: '+1 (555) 123-4567' },
      { name: 'José Straße', email: 'jose_100%@test.org', phone: '0044 20 7946 0018' },
      { name: 'Łukasz Øre', notes: 'findme in notes', code: 'codeonly', phone: '12' },
      { name: 'back\\slash "quoted" *star* OR NOT', email: 'q@test.org' },
    ]);
  });

  test.each([
    ['zoe', ['Zoë Ångström']],
    ['ZOË ang', ['Zoë Ångström']],
    ['gström zo', ['Zoë Ångström']],
    ['zed', ['Zoë Ångström']],
    ['example.com', ['Zoë Ångström']],
    ['5551234567', ['Zoë Ångström']],
    ['555-123', ['Zoë Ångström']],
    ['(555) 123', ['Zoë Ångström']],
    ['strasse', ['José Straße']],
    ['jose', ['José Straße']],
    ['_100%', ['José Straße']],
    ['%', ['José Straße']],
    ['_', ['José Straße']],
    ['79460018', ['José Straße']],
    ['łukasz', ['Łukasz Øre']],
    ['lukasz', []],
    ['ore', []],
    ['findme', []],
    ['codeonly', []],
    ['\\', ['back\\slash "quoted" *star* OR NOT']],
    ['"quoted"', ['back\\slash "quoted" *star* OR NOT']],
    ['*star*', ['back\\slash "quoted" *star* OR NOT']],
    ['OR NOT', ['back\\slash "quoted" *star* OR NOT']],
    ["' OR 1=1 --", []],
    ['zoe jose', []],
    ['e', ['José Straße', 'Zoë Ångström', 'Łukasz Øre', 'back\\slash "quoted" *star* OR NOT']],
  ])('%s finds %j', async (search, expected) => {
    const reply = await client.get(`/contacts?search=${encodeURIComponent(search)}`);
    expect(new Set(names(reply))).toEqual(new Set(expected));
    expect(reply.body.total).toBe(expected.length);
  });

  test('follows a change at once', async () => {
    const own = service.client();
    const { id } = (await own.post('/contacts', { name: 'Before' })).body;
    await own.put(`/contacts/${id}`, { name: 'After' });
    expect((await own.get('/contacts?search=before')).body.total).toBe(0);
    expect((await own.get('/contacts?search=after')).body.total).toBe(1);
  });
});

describe('order', () => {
  let client: Client;
  beforeAll(async () => {
    client = service.client();
    await createAll(client, ['b', 'Ähre', 'a', 'Z', 'ahrf', 'ö'].map((name) => ({ name })));
    const first = (await client.get('/contacts?orderBy=createdAt&orderDirection=asc&limit=1')).body.data[0];
    await client.put(`/contacts/${first.id}`, { notes: 'changed last' });
  });

  test.each([
    ['', ['ö', 'ahrf', 'Z', 'a', 'Ähre', 'b']],
    ['orderBy=createdAt', ['ö', 'ahrf', 'Z', 'a', 'Ähre', 'b']],
    ['orderDirection=asc', ['b', 'Ähre', 'a', 'Z', 'ahrf', 'ö']],
    ['orderBy=updatedAt', ['b', 'ö', 'ahrf', 'Z', 'a', 'Ähre']],
    ['orderBy=updatedAt&orderDirection=asc', ['Ähre', 'a', 'Z', 'ahrf', 'ö', 'b']],
    ['orderBy=name', ['a', 'Ähre', 'ahrf', 'b', 'ö', 'Z']],
    ['orderBy=name&orderDirection=desc', ['Z', 'ö', 'b', 'ahrf', 'Ähre', 'a']],
  ])('by "%s" is %j', async (query, expected) => {
    expect(names(await client.get(`/contacts?${query}`))).toEqual(expected);
    const paged: string[] = [];
    for (let page = 1; page <= 6; page += 1) paged.push(...names(await client.get(`/contacts?${query}&limit=1&page=${page}`)));
    expect(paged).toEqual(expected);
    expect(await allByCursor(client, query, 2)).toEqual(expected);
  });

  test('equal names are ordered by id', async () => {
    const own = service.client();
    for (let made = 0; made < 5; made += 1) await own.post('/contacts', { name: 'same' });
    const ids = (await own.get('/contacts?orderBy=name')).body.data.map(({ id }: Listed) => id);
    expect(ids).toEqual([...ids].sort());
  });
});

async function allByCursor(client: Client, query: string, limit: number): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const reply = await client.get(`/contacts?${query}&limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`);
    found.push(...names(reply));
    cursor = reply.body.nextCursor;
  }
  return found;
}

/** The links of a reply by their relation. */
function links(reply: { headers: Headers }): Record<string, string> {
  const found = (reply.headers.get('Link') ?? '').matchAll(/<([^>]*)>; rel="(\w+)"/g);
  return Object.fromEntries([...found].map(([, url = '', rel = '']) => [rel, url.replace('/api/v1', '')]));
}

describe('pages', () => {
  let client: Client;
  beforeAll(async () => {
    client = service.client();
    for (let made = 1; made <= 25; made += 1) await client.post('/contacts', { name: `c${String(made).padStart(2, '0')}` });
  });

  test('hold 20 when no limit is given and say how many there are', async () => {
    const { body } = await client.get('/contacts');
    expect(body).toMatchObject({ total: 25, page: 1, limit: 20, totalPages: 2 });
    expect(body.data).toHaveLength(20);
  });

  test('end where the list ends, and beyond it are empty', async () => {
    const last = await client.get('/contacts?orderBy=name&limit=10&page=3');
    expect(names(last)).toEqual(['c21', 'c22', 'c23', 'c24', 'c25']);
    expect(last.body.nextCursor).toBeNull();
    const beyond = await client.get('/contacts?limit=10&page=4');
    expect(beyond.body).toMatchObject({ data: [], total: 25, page: 4, totalPages: 3, nextCursor: null });
    const far = await client.get('/contacts?page=1000000000&limit=100');
    expect(far.body).toMatchObject({ data: [], total: 25 });
  });

  test('a full last page has no next', async () => {
    const { body } = await client.get('/contacts?limit=25');
    expect(body).toMatchObject({ totalPages: 1, nextCursor: null });
  });

  test('are linked to one another, filters kept', async () => {
    const second = await client.get('/contacts?limit=10&page=2&search=c&orderBy=name');
    const { first = '', prev = '', next = '', last = '' } = links(second);
    expect(names(await client.get(first))).toEqual(names(await client.get('/contacts?limit=10&orderBy=name')));
    expect(await client.get(prev).then(names)).toEqual(names(await client.get(first)));
    expect(names(await client.get(next))).toEqual(['c21', 'c22', 'c23', 'c24', 'c25']);
    expect(names(await client.get(last))).toEqual(['c21', 'c22', 'c23', 'c24', 'c25']);
    expect(next).toContain('search=c');
    expect(Object.keys(links(await client.get('/contacts?limit=10'))).sort()).toEqual(['first', 'last', 'next']);
    expect(Object.keys(links(await client.get('/contacts?limit=10&page=3'))).sort()).toEqual(['first', 'last', 'prev']);
  });

  test('links of a cursor go on by cursor to the end, and the pages are counted', async () => {
    let reply = await client.get('/contacts?orderBy=name&limit=5');
    const [found, pages] = [names(reply), [reply.body.page]];
    let path: string | undefined = `/contacts?orderBy=name&limit=5&cursor=${reply.body.nextCursor}`;
    while (path !== undefined) {
      reply = await client.get(path);
      found.push(...names(reply));
      pages.push(reply.body.page);
      path = links(reply).next;
      if (path !== undefined) expect(path).toContain('cursor=');
    }
    expect(found).toHaveLength(25);
    expect(new Set(found).size).toBe(25);
    expect(pages).toEqual([1, 2, 3, 4, 5]);
  });

  test('a cursor remembers its order, and refuses another', async () => {
    const first = await client.get('/contacts?orderBy=name&orderDirection=desc&limit=3');
    const cursor = first.body.nextCursor;
    expect(names(await client.get(`/contacts?limit=3&cursor=${cursor}`))).toEqual(['c22', 'c21', 'c20']);
    for (const query of ['orderBy=createdAt', 'orderDirection=asc', 'page=2']) {
      const refused = await client.get(`/contacts?${query}&cursor=${cursor}`);
      expect(refused.body).toMatchObject({ error: 'VALIDATION_ERROR', details: [{ field: 'cursor' }] });
    }
    for (const nonsense of ['x', '', 'bnVsbA', 'WzFd']) {
      expect((await client.get(`/contacts?cursor=${nonsense}`)).body).toMatchObject({ error: 'VALIDATION_ERROR', details: [{ field: 'cursor' }] });
    }
  });
});

test('paging deep by cursor shows every contact that stays exactly once while others come and go', async () => {
  const client = service.client();
  const stays: string[] = [];
  const goes: string[] = [];
  for (let made = 0; made < 60; made += 1) {
    const name = `n${String(made).padStart(3, '0')}`;
    const { id } = (await client.post('/contacts', { name })).body;
    (made % 3 === 0 ? goes : stays).push(id);
  }
  for (const query of ['orderBy=name', 'orderBy=name&orderDirection=desc', 'orderBy=createdAt&orderDirection=asc', '']) {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const reply = await client.get(`/contacts?${query}&limit=5${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...reply.body.data.map(({ id }: Listed) => id));
      cursor = reply.body.nextCursor;
      const gone = goes.pop();
      if (gone !== undefined) await client.delete(`/contacts/${gone}`);
      await client.post('/contacts', { name: `m${seen.length}` });
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(stays.filter((id) => !seen.includes(id))).toEqual([]);
  }
});

test('totals follow creations, changes of status and deletions', async () => {
  const client = service.client();
  const ids: string[] = [];
  for (let made = 0; made < 4; made += 1) ids.push((await client.post('/contacts', { name: 'x' })).body.id);
  await client.put(`/contacts/${ids[0]}`, { status: 'archived' });
  await client.delete(`/contacts/${ids[1]}`);
  const total = async (query: string) => (await client.get(`/contacts?${query}`)).body.total;
  expect(await total('')).toBe(3);
  expect(await total('status=active')).toBe(2);
  expect(await total('status=archived')).toBe(1);
  expect(await total('search=x&isActive=true')).toBe(2);
});

test.each([
  ['page=0', 'page'],
  ['page=-1', 'page'],
  ['page=1.5', 'page'],
  ['page=', 'page'],
  ['page=1&page=2', 'page'],
  ['limit=0', 'limit'],
  ['limit=101', 'limit'],
  ['limit=abc', 'limit'],
  ['limit=1e1', 'limit'],
  ['orderBy=email', 'orderBy'],
  ['orderDirection=up', 'orderDirection'],
  ['status=gone', 'status'],
  ['status=', 'status'],
  ['isActive=1', 'isActive'],
  ['parentEntityId=7', 'parentEntityId'],
  ['search=a&search=b', 'search'],
  [`search=${'x'.repeat(201)}`, 'search'],
  ['colour=red', 'colour'],
  ['__proto__=1', '__proto__'],
])('%s is refused', async (query, field) => {
  const reply = await service.client().get(`/contacts?${query}`);
  expect(reply.status).toBe(400);
  expect(reply.body).toMatchObject({ error: 'VALIDATION_ERROR', details: [{ field }] });
});
