// Every route is reached by its own path, and every other request is told why it is not.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { apiRoutes } from '../../src/api/app.js';
import type { RouteDeps } from '../../src/api/deps.js';
import { startTestService, type Client, type TestService } from '../support/service.js';
import { expectError } from './errorShape.js';
import { rawRequest } from './rawRequest.js';

let service: TestService;
let client: Client;
beforeAll(async () => {
  service = await startTestService();
  client = service.client();
});
afterAll(() => service.stop());

const NOBODY = '00000000-0000-4000-8000-000000000000';
const deps = { commands: {}, readStore: {}, idempotency: {} } as unknown as RouteDeps;
const routes = apiRoutes(deps).map(({ method, path }) => ({ method, path }));

/** One request a route, and what only that route answers to it. */
const reached: Record<string, { path: string; body?: object; status: number; answer: object | undefined }> = {
  'POST /contacts': { path: '/contacts', body: {}, status: 400, answer: { details: [{ field: 'name' }] } },
  'GET /contacts': { path: '/contacts', status: 200, answer: { total: 0 } },
  'GET /contacts/{id}': { path: `/contacts/${NOBODY}`, status: 404, answer: { error: 'CONTACT_NOT_FOUND' } },
  'PUT /contacts/{id}': { path: `/contacts/${NOBODY}`, body: {}, status: 404, answer: { error: 'CONTACT_NOT_FOUND' } },
  'PATCH /contacts/{id}': { path: `/contacts/${NOBODY}`, body: {}, status: 404, answer: { error: 'CONTACT_NOT_FOUND' } },
  'DELETE /contacts/{id}': { path: `/contacts/${NOBODY}`, status: 404, answer: { error: 'CONTACT_NOT_FOUND' } },
  'POST /contacts/{id}/set-primary/{companyId}': {
    path: `/contacts/${NOBODY}/set-primary/${NOBODY}`,
    status: 404,
    answer: { error: 'CONTACT_NOT_FOUND' },
  },
  'GET /contacts/hierarchy': { path: '/contacts/hierarchy', status: 200, answer: {} },
  'GET /contacts/company/{companyId}': { path: `/contacts/company/${NOBODY}`, status: 404, answer: { error: 'COMPANY_NOT_FOUND' } },
  'GET /contacts/department/{department}': { path: '/contacts/department/Sales', status: 200, answer: { data: [] } },
  'GET /contacts/contact-method/{method}': { path: '/contacts/contact-method/fax', status: 400, answer: { details: [{ field: 'method' }] } },
  'POST /companies': { path: '/companies', body: { id: 7 }, status: 400, answer: { details: [{ field: 'name' }, { field: 'id' }] } },
  'GET /companies': { path: '/companies', status: 200, answer: { total: 0 } },
  'GET /companies/{id}': { path: `/companies/${NOBODY}`, status: 404, answer: { error: 'COMPANY_NOT_FOUND' } },
  'PUT /companies/{id}': { path: `/companies/${NOBODY}`, body: {}, status: 404, answer: { error: 'COMPANY_NOT_FOUND' } },
  'PATCH /companies/{id}': { path: `/companies/${NOBODY}`, body: {}, status: 404, answer: { error: 'COMPANY_NOT_FOUND' } },
  'DELETE /companies/{id}': { path: `/companies/${NOBODY}`, status: 404, answer: { error: 'COMPANY_NOT_FOUND' } },
};

test.each(Object.entries(reached))('%s is reached', async (route, { path, body, status, answer }) => {
  const reply = await client.send(route.split(' ')[0] ?? '', path, body);
  expect(reply.status).toBe(status);
  expect(reply.body).toMatchObject(answer ?? {});
});

test('the table above knows every route of contacts and companies', () => {
  const known = routes.filter(({ path }) => /^\/(contacts|companies)/.test(path) && !isOfAnotherTopic(path));
  expect(known.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(Object.keys(reached).sort());
});

/** History, erasure and what else goes beyond the spec has tests of its own. */
const isOfAnotherTopic = (path: string) => /\/(history|erase|restore|diff)$/.test(path);

describe('a HEAD', () => {
  test.each(['/contacts', '/contacts/hierarchy', '/contacts/department/x', '/companies'])('of %s has the headers of the GET and no body', async (path) => {
    const got = await client.get(path);
    const head = await client.send('HEAD', path);
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers.get('Content-Type')).toBe(got.headers.get('Content-Type'));
  });

  test.each([['small', 'é'], ['large', 'é'.repeat(3_000)]])('of a %s contact has its length, too', async (_, notes) => {
    const { body } = await client.post('/contacts', { name: 'Zoë', notes });
    const url = `${client.baseUrl}/contacts/${body.id}`;
    const [got, head] = await Promise.all(['GET', 'HEAD'].map((method) => rawRequest(url, method, { Authorization: `Bearer ${client.token}` })));
    expect(JSON.parse(got?.text ?? '')).toEqual(body);
    expect(head).toMatchObject({ status: 200, text: '' });
    for (const name of ['content-length', 'content-type', 'etag', 'vary']) expect(head?.headers[name]).toBe(got?.headers[name]);
    expect(head?.headers['content-length']).toBe(String(got?.bytes.length));
  });

  test('of nothing is a 404', async () => {
    expect(await client.send('HEAD', `/contacts/${NOBODY}`)).toMatchObject({ status: 404, text: '' });
  });
});

test.each(['/contacts/', '/CONTACTS', '/contacts/hierarchy/', '/Contacts/Hierarchy', '/companies/'])('%s is the path it looks like', async (path) => {
  const send = (method: string) => rawRequest(client.baseUrl + path, method, { Authorization: `Bearer ${client.token}` });
  expect((await send('GET')).status).toBe(200);
  expect((await send('DELETE')).status).toBe(405);
});

describe('a method that a path does not have', () => {
  test.each([
    ['PUT', '/contacts', 'GET, HEAD, POST'],
    ['POST', `/contacts/${NOBODY}`, 'DELETE, GET, HEAD, PATCH, PUT'],
    ['DELETE', '/companies', 'GET, HEAD, POST'],
    ['OPTIONS', '/contacts', 'GET, HEAD, POST'],
    ['GET', `/contacts/${NOBODY}/set-primary/${NOBODY}`, 'POST'],
    ['POST', '/contacts/department/Sales', 'GET, HEAD'],
  ])('%s %s: 405, saying which it has', async (method, path, allow) => {
    const reply = await client.send(method, path);
    expectError(reply, 405, 'METHOD_NOT_ALLOWED', []);
    expect(reply.headers.get('Allow')).toBe(allow);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s /contacts/hierarchy takes it for no id', async (method) => {
    const reply = await client.send(method, '/contacts/hierarchy', method === 'DELETE' ? undefined : {});
    expectError(reply, 405, 'METHOD_NOT_ALLOWED', []);
    expect(reply.headers.get('Allow')).toBe('GET, HEAD');
  });
});

test.each(['/', '', '/contact', '/contacts/a/b/c', '/contacts/department', '/contacts/department/a/b', '/companies/x/y', '/contacts//hierarchy'])(
  'there is no route %j',
  async (path) => {
    const reply = await client.get(path);
    expect(reply.status).toBe(404);
    expect(['NOT_FOUND', 'CONTACT_NOT_FOUND']).toContain(reply.body.error);
  },
);

test.each(['/', '/api', '/api/v2/contacts', '/contacts', '/favicon.ico', '/api/v1x', '/health', '/health/live/x', '/..%2f..%2fetc/passwd'])(
  'outside the base path there is no %s, with or without a token',
  async (path) => {
    const bare = await fetch(service.origin + path);
    expectError({ status: bare.status, headers: bare.headers, body: await bare.json() }, 404, 'NOT_FOUND', []);
    const authenticated = await fetch(service.origin + path, { headers: { Authorization: `Bearer ${client.token}` } });
    expect(authenticated.status).toBe(404);
  },
);

test('health needs no token', async () => {
  for (const path of ['/health/live', '/health/ready']) {
    const reply = await fetch(service.origin + path);
    expect(reply.status).toBe(200);
    expect(await reply.json()).toEqual({ status: 'ok' });
    expect(reply.headers.get('X-Request-Id')).toMatch(/\S/);
    expect((await rawRequest(service.origin + path, 'HEAD')).status).toBe(200);
  }
});

test('a path id that is none is 404, whatever it looks like', async () => {
  for (const id of ['7', 'null', '%00', '%zz', '%', '..%2f', `${NOBODY}x`, 'd45f8e21-3ab2-4389-9e0d-9c12654b8g7a', '💥', 'a'.repeat(4_000), '__proto__']) {
    expectError(await client.get(`/contacts/${id}`), 404, 'CONTACT_NOT_FOUND', []);
    expectError(await client.delete(`/contacts/${id}`), 404, 'CONTACT_NOT_FOUND', []);
    expectError(await client.put(`/companies/${id}`, { name: 'x' }), 404, 'COMPANY_NOT_FOUND', []);
    expectError(await client.get(`/contacts/company/${id}`), 404, 'COMPANY_NOT_FOUND', []);
  }
});
