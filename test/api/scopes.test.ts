// What a token with a scope claim allows: what it names, on every route, and nothing else.

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { apiRoutes } from '../../src/api/app.js';
import type { RouteDeps } from '../../src/api/deps.js';
import { scopes } from '../../src/api/principal.js';
import { Client, newOrganization, startTestService, type TestService } from '../support/service.js';
import { goodClaims, hs256 } from '../support/tokens.js';
import { expectError } from './errorShape.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const NOBODY = '00000000-0000-4000-8000-000000000000';
const routes = apiRoutes({ commands: {}, readStore: {}, idempotency: {} } as unknown as RouteDeps);

/** What each route needs, as the documentation says. */
const needed: Record<string, string> = {
  'POST /contacts': 'contacts:write',
  'GET /contacts': 'contacts:read',
  'GET /contacts/{id}': 'contacts:read',
  'PUT /contacts/{id}': 'contacts:write',
  'PATCH /contacts/{id}': 'contacts:write',
  'DELETE /contacts/{id}': 'contacts:write',
  'GET /contacts/hierarchy': 'contacts:read',
  'GET /contacts/company/{companyId}': 'contacts:read',
  'GET /contacts/department/{department}': 'contacts:read',
  'GET /contacts/contact-method/{method}': 'contacts:read',
  'POST /contacts/{id}/set-primary/{companyId}': 'contacts:write',
  'POST /companies': 'companies:write',
  'GET /companies': 'companies:read',
  'GET /companies/{id}': 'companies:read',
  'PUT /companies/{id}': 'companies:write',
  'PATCH /companies/{id}': 'companies:write',
  'DELETE /companies/{id}': 'companies:write',
  'GET /contacts/{id}/history': 'contacts:read',
  'GET /companies/{id}/history': 'companies:read',
  'POST /contacts/{id}/restore': 'contacts:write',
  'POST /contacts/{id}/erase': 'contacts:erase',
  'GET /audit': 'audit:read',
  'GET /events': 'events:read',
  'GET /events/stream': 'events:read',
  'POST /webhooks': 'webhooks:manage',
};

test.each(Object.entries(needed))('%s needs %s', (route, scope) => {
  expect(routes.find(({ method, path }) => `${method} ${path}` === route)?.scope).toBe(scope);
});

test.each(routes.map(({ method, path, scope }) => [method, path, scope] as const))('%s %s is refused without its scope', async (method, path, scope) => {
  const concrete = path.replace(/\{(\w+)\}/g, NOBODY);
  const others = scopes.filter((one) => one !== scope).join(' ');
  const body = ['POST', 'PUT', 'PATCH'].includes(method) ? {} : undefined;
  for (const allowed of [others, '', 'contacts', 'contacts:*', '*']) {
    expectError(await service.client('org_scoped', { scope: allowed }).send(method, concrete, body), 403, 'FORBIDDEN', []);
  }
  // The status alone is waited for: the answer may be a stream without an end.
  const { baseUrl, token } = service.client('org_scoped', { scope });
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const answer = await fetch(baseUrl + concrete, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  await answer.body?.cancel();
  expect(answer.status).not.toBe(403);
});

test('what is refused is not done', async () => {
  const organization = newOrganization();
  const all = service.client(organization);
  const reader = service.client(organization, { scope: 'contacts:read companies:read' });
  const { id } = (await all.post('/contacts', { name: 'x' })).body;
  for (const reply of [await reader.put(`/contacts/${id}`, { name: 'y' }), await reader.delete(`/contacts/${id}`), await reader.post('/contacts', { name: 'z' })]) {
    expectError(reply, 403, 'FORBIDDEN', []);
  }
  expect((await reader.get('/contacts')).body).toMatchObject({ total: 1, data: [{ name: 'x' }] });
});

test('scopes can be a list, and one that is not known allows nothing', async () => {
  const client = (scope: unknown) => new Client(`${service.origin}/api/v1`, hs256({ ...goodClaims(), scope }));
  expect((await client(['companies:read', 'contacts:read']).get('/contacts')).status).toBe(200);
  expect((await client(['companies:read']).get('/contacts')).status).toBe(403);
  expect((await client('contacts:read nonsense').get('/contacts')).status).toBe(200);
  expect((await client('contacts:read,companies:read').get('/contacts')).status).toBe(403);
});
